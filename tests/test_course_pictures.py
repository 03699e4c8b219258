"""A subject's course as a picture: doses, samples, median and band, threshold, and the area below."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.pictures import Curve, Drawing
from workbench.problems.courses import Course
from workbench.problems.predicted import Predicted
from workbench.problems.regression import Regression

COURSE = Course(
    unit="mg/L",
    time_unit="h",
    threshold=2.0,
    dosed=True,
    outcome="conc",
    dose_unit="mg",
    subjects=("Ann", "Bo"),
)
TIME = np.array([0.0, 1.0, 2.0, 4.0])
SAID = np.array([1.0, 4.0, 3.0, 1.0])


def drawing(course: Course = COURSE, **changes: Any) -> Drawing:
    """Three samples, of which the learner was given two, and four queries, one only to draw a curve."""
    doses = np.array([[0.0, 100.0], [0.5, 50.0], [0.0, 0.0]])
    inputs = np.stack([TIME, np.zeros(4)], 1)
    task = {
        "support": {
            "x": inputs[:3],
            "y": np.array([[0.5], [3.5], [2.0]]),
            "doses": np.broadcast_to(doses, (3, 3, 2)),
        },
        "query": {
            "x": inputs[::-1],
            "y": np.array([[2.0], [2.0], [4.0], [0.0]]),
            "weight": np.array([1.0, 0.0, 1.0, 1.0]),
            "subject": np.ones(4, np.int64),
        },
        "steps": (1,),
        "outputs": {"shown": SAID[None, ::-1, None], "spread": np.full((1, 4, 1), 0.5)},
        "measured": {"rmse": np.array([0.25]), "loss": np.array([0.1])},
        "colour": "run 1",
        "standardised": True,
        "withheld": 1,
    }
    found = Regression(course).picture(Predicted(**(task | changes)))
    assert found is not None
    return found


def curves(found: Drawing) -> dict[str, Curve]:
    shown: dict[str, Curve] = {}
    for curve in found.panel.curves:
        shown[f"{curve.label} again" if curve.label in shown else curve.label] = curve
    return shown


def test_all_that_is_known_of_a_subject_is_drawn_in_the_units_of_the_data() -> None:
    found = drawing()
    assert (found.panel.x_label, found.panel.y_label) == ("time (h)", "conc (mg/L)")
    assert found.task == "subject Bo, 2 doses"
    shown = curves(found)
    assert shown["dose"].x.tolist() == [0, 0.5]
    assert shown["dose"].points == ("dose 100 mg", "dose 50 mg")
    assert shown["threshold"].y.tolist() == [2, 2]
    assert (shown["samples"].x.tolist(), shown["samples"].y.tolist()) == ([0, 1], [0.5, 3.5])
    assert shown["later samples again"].x.tolist() == [2]  # which the learner was not given
    assert shown["later samples"].x.tolist() == [4, 1, 0]  # the queries that count
    median = shown["predicted median, 90% band"]
    assert median.low is not None
    assert median.high is not None
    np.testing.assert_allclose((median.x, median.y), (TIME, SAID))
    np.testing.assert_allclose(median.high - SAID, 1.6448536 * 0.5)
    np.testing.assert_allclose(median.low, np.maximum(SAID - 1.6448536 * 0.5, 0))


def test_areas_and_times_above_are_those_of_straight_lines() -> None:
    said = drawing().said.split(" · ")
    assert said[0] == "RMSE 0.25 mg/L"
    # 2.5 + 3.5 + 4, and 2 + 3 + 4 of the true values
    assert said[1] == "area 10 mg/L·h (true 9)"
    # of the first line two thirds are above 2, the second whole, and half of the last
    assert said[2] == f"above 2 for {2 / 3 + 1 + 1:.3g} h (true 1.5)"


def test_true_courses_are_lines_and_values_alone_have_no_band() -> None:
    exact = Course(unit="mg/L", exact=True)
    found = drawing(exact, outputs={"shown": SAID[None, ::-1, None]}, withheld=0)
    shown = curves(found)
    assert shown["true course"].kind == "line"
    assert shown["true course"].x.tolist() == [0, 1, 4]
    assert shown["predicted median"].low is None
    assert found.task == ""
    assert [row.get("true") for row in found.rows] == [0, 4, None, 2]


def test_each_step_of_adaptation_is_a_line() -> None:
    steps = (0, 1, 2)
    outputs = {"shown": np.stack([SAID[::-1, None] + step for step in steps])}
    shown = curves(drawing(steps=steps, outputs=outputs, measured={"rmse": np.array([3.0, 2.0, 1.0])}))
    assert shown["before adaptation"].dashed
    np.testing.assert_allclose(shown["after 2 steps"].y, SAID + 2)
