"""What adaptation is drawn by: inner steps, or what was acted in before each of them.

A learner that remembers is measured after each episode, one that follows gradients after each update, which
takes several. Side by side they stand fairly at equal steps of the environment only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from workbench.analysis.numerals import count
from workbench.analysis.reached import place
from workbench.summaries import Summary
from workbench.words import listed, marked, plural, several, tr

Axis = Literal["inner_steps", "episodes_consumed", "environment_steps"]
"""As a summary calls its places on the axis."""

AXES: tuple[Axis, ...] = get_args(Axis)
TITLES: Mapping[str, str] = marked({
    "inner_steps": "Inner steps",
    "episodes_consumed": "Episodes consumed",
    "environment_steps": "Environment steps",
})  # fmt: skip


def acted(summary: Summary) -> bool:
    """Whether somebody acted in what it sums up."""
    return bool(summary.get("episodes_consumed"))


def suited(summaries: Sequence[Summary], chosen: Axis | None = None) -> Axis:
    """The axis that was chosen, if all have it; else one on which all stand fairly.

    That is episodes where each inner step is one, inner steps where these are alike, and steps of the
    environment where learners consume unlike in an inner step.
    """
    if not summaries or not all(map(acted, summaries)):
        return "inner_steps"
    if chosen is not None:
        return chosen
    if len({each["environment_steps"][1] for each in summaries if len(each["inner_steps"]) > 1}) > 1:
        return "environment_steps"
    one = all(each["episodes_consumed"] == each["inner_steps"] for each in summaries)
    return "episodes_consumed" if one else "inner_steps"


def noun(summaries: Iterable[Summary]) -> str:
    """What an episode is called in all of them: ``pull``."""
    names = {each.get("episode", "") for each in summaries}
    return (names.pop() if len(names) == 1 else "") or "episode"


def label(axis: Axis, summaries: Iterable[Summary]) -> str:
    """The axis in words: ``Inner step``, ``Pulls consumed``."""
    if axis == "episodes_consumed":
        return f"{several(noun(summaries)).capitalize()} consumed"
    return tr("Inner step") if axis == "inner_steps" else tr(TITLES[axis])


def told(axis: Axis, place: int, summaries: Iterable[Summary]) -> str:
    """A place on the axis in words: ``after 3 inner steps``, ``after 1 pull``."""
    names = {"inner_steps": "inner step", "environment_steps": "environment step"}
    one = names.get(axis) or noun(summaries)
    return tr("after {}", plural(place, one, several(one)))


def unlike(found: Iterable[tuple[str, Summary]], step: int | None) -> str:
    """What learners had acted in before an inner step (None: the last) was measured, in a sentence; empty
    where that is the same for all.

    Parameters
    ----------
    found : the name of each with what it reached.
    """
    steps: dict[int, list[str]] = {}
    for name, summary in found:
        index = place(summary["inner_steps"], step)
        if acted(summary) and index is not None:
            steps.setdefault(summary["environment_steps"][index], []).append(name)
    if len(steps) < 2:
        return ""
    said = [
        f"{listed(list(dict.fromkeys(names)))} {count(number)}" for number, names in sorted(steps.items())
    ]
    return f"Environment steps before that, which differ: {'; '.join(said)}."
