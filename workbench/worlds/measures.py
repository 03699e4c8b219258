"""What is measured where somebody acts: the rows that several worlds share."""

from __future__ import annotations

from workbench.measures import Measure, declare

RETURN = Measure(
    "return",
    "Return",
    "higher",
    signed=True,
    common=True,
    when=("training", "validation", "test"),
    on="each episode: its rewards, added up",
)
TOTAL_RETURN = Measure(
    "total_return", "Total return", "higher", signed=True, on="all episodes of a trial so far: their rewards"
)
REGRET = Measure(
    "regret",
    "Regret",
    "lower",
    signed=True,
    on="all episodes of a trial so far: what the best policy earns on average, less their returns",
)
SUCCESS = Measure("success", "Success", "higher", share=True, on="episodes that reach the goal")
GOALS = Measure("goals", "Goals reached", "higher", on="each episode: how often the goal is reached")
LATERAL_ERROR = Measure(
    "lateral_error", "Lateral error", "lower", unit="m", on="each episode: root mean square over its steps"
)
OFF_LANE = Measure("off_lane", "Off the lane", "lower", share=True, on="steps beyond .9 m from the middle")
LEFT_LANE = Measure("left_lane", "Left the lane", "lower", share=True, on="episodes that go beyond 1.75 m")
TIME_GAP_ERROR = Measure(
    "time_gap_error", "Error of the time gap", "lower", unit="s", on="each episode: root mean square"
)
COLLISIONS = Measure("collisions", "Collisions", "lower", share=True, on="episodes with a collision")

ALL = (SUCCESS, GOALS, LATERAL_ERROR, OFF_LANE, LEFT_LANE, TIME_GAP_ERROR, COLLISIONS)
"""What some worlds measure."""

declare(RETURN, TOTAL_RETURN, REGRET, *ALL)
