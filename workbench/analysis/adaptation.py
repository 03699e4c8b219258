"""Adaptation curves: query loss or accuracy by inner step, one for each algorithm, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.analysis import quantities, remarks
from workbench.analysis.beyond import framed
from workbench.analysis.consumed import TITLES, Axis, acted, label, suited, told
from workbench.analysis.curves import Array, Integers, intervals
from workbench.analysis.numerals import count, span
from workbench.analysis.reached import by_step, everywhere, lost_tasks, measures, numbers, without_chance
from workbench.analysis.results import share
from workbench.analysis.source import Group, Grouping, Source
from workbench.measures import LOSS, Measure, known
from workbench.pictures import Curve, Figure, Panel
from workbench.settings import Section, setting
from workbench.summaries import Summary
from workbench.words import marked

Split = Literal["validation", "test"]


class Settings(Section):
    """What is drawn."""

    quantity: str = setting(
        LOSS.name, titles={LOSS.name: marked("Query loss")}, help="What is measured on the query sets"
    )
    split: Split = setting(
        "validation",
        label="Episodes",
        titles={"validation": "Validation", "test": "Test"},
        help="Validation: measured again and again while training. Test: measured once, at the end",
    )
    before: bool = setting(False, label="Before training", help="Also the curve at meta-iteration 0, dashed")
    log_y: bool = setting(False, help="Logarithmic vertical axis")
    axis: Axis | None = setting(
        None,
        label="Horizontal axis",
        titles=TITLES,
        help="What the curves are drawn by; where nobody acts, inner steps.",
        empty="as is fair",
    )
    at: int | None = setting(
        None,
        ge=0,
        help="Each run's newest validation at or before this meta-iteration.",
        empty="its newest",
    )

    @property
    def row(self) -> Measure:
        """The measure in plain words."""
        return known(self.quantity)


@dataclass(frozen=True)
class AdaptationCurve:
    """The curve of one algorithm.

    Attributes
    ----------
    steps : inner steps, or what was consumed before them, ``[points]``.
    mean, half : mean and half-width of the 95% interval, ``[points]``: over tasks where there is one
        seed, over seeds where there are more.
    n : seeds at each step.
    tasks : episodes of each seed.
    diverged : tasks that diverged, summed over seeds, ``[points]``.
    measured : tasks of all seeds together.
    at : the meta-iteration of its evaluations, the furthest that a seed has reached: seeds that have not
        come that far are no part of it. None for a meta-test.
    reference : whether it is the curve before training.
    deterministic : whether seeds change nothing: one stands for all.
    """

    group: Group
    steps: Array
    mean: Array
    half: Array
    n: Integers
    tasks: int
    diverged: Integers
    at: int | None
    reference: bool = False
    measured: int = 0
    deterministic: bool = False

    @property
    def seeds(self) -> int:
        """How many seeds it is a mean of."""
        return int(self.n.max())

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said of each point: n where there are several seeds, and how many tasks diverged."""
        pairs = zip(self.n.tolist(), self.diverged.tolist(), strict=True)
        found = (
            (f"n = {n}" if self.seeds > 1 else "", f"{count(lost)} diverged" if lost else "")
            for n, lost in pairs
        )
        return tuple(", ".join(filter(None, each)) for each in found)

    @property
    def label(self) -> str:
        """As the legend says it: what the interval is over, and n."""
        fewer = len({run.seed for run in self.group.runs}) > self.seeds and not self.deterministic
        of = f" of {len(self.group.runs)}" if fewer else ""
        if self.seeds > 1:
            n = self.n[self.n > 0]
            text = f"n = {span(int(n.min()), int(n.max()))}{of} seeds"
        else:
            seeds = "deterministic" if self.deterministic else f"1{of} seed{'s' * fewer}"
            text = f"{seeds}, {count(self.tasks)} tasks"
        return f"{self.group.label} ({text})"


class Adaptation:
    """Makes the curves of the shown runs.

    Parameters
    ----------
    source : where the runs are.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._grouping = Grouping(source)

    def iterations(self) -> list[int]:
        """The meta-iterations at which some shown run was validated."""
        return sorted({at for run in self._source.shown() for at, _ in self._source.evaluations(run.id)})

    def choices(self, split: Split) -> list[str]:
        """The measures of the shown runs; before anything was measured, those of every problem."""
        runs = self._source.shown()
        found = [summary for run in runs for _, summary in self._source.evaluations(run.id)[:1]]
        tests = [test for run in runs if (test := self._source.result(run.id)) is not None]
        names = dict.fromkeys(name for each in [*found, *tests] for name in measures(each))
        if split == "test":
            names |= dict.fromkeys(name for each in tests for name in everywhere(each))
        return list(names or quantities.expected(self._source))

    def axis(self, settings: Settings) -> Axis:
        """What the curves are drawn by."""
        return suited(self._summaries(settings), settings.axis)

    def _summaries(self, settings: Settings) -> list[Summary]:
        found = (self._summary(run.id, settings)[1] for run in self._source.shown())
        return [each for each in found if each is not None]

    def x_label(self, settings: Settings) -> str:
        """What the curves are drawn by, in words."""
        return label(self.axis(settings), self._summaries(settings))

    def place(self, settings: Settings, place: int) -> str:
        """A place on the axis in words."""
        return told(self.axis(settings), place, self._summaries(settings))

    def acted(self, settings: Settings) -> bool:
        """Whether there is a choice of axes."""
        summaries = self._summaries(settings)
        return bool(summaries) and all(map(acted, summaries))

    def curves(self, settings: Settings) -> list[AdaptationCurve]:
        """The curves in the order of the legend; references come first, to lie beneath."""
        settings = settings.model_copy(update={"axis": self.axis(settings)})
        found = [self._curve(group, settings) for group in self._grouping.groups(joined=True)]
        drawn = [each for each in found if each is not None]
        if settings.before and settings.split == "validation":
            first = Settings(quantity=settings.quantity, axis=settings.axis, at=0)
            starts = [self._curve(each.group, first, reference=True) for each in drawn]
            drawn = [each for each in starts if each is not None] + drawn
        return drawn

    def _curve(self, group: Group, settings: Settings, reference: bool = False) -> AdaptationCurve | None:
        members: list[tuple[Array, Array, Array]] = []
        found = [self._summary(run.id, settings) for run in group.runs]
        measured_at = [at for at, summary in found if summary is not None]
        furthest = max(measured_at, default=0)
        summaries: list[Summary] = []
        for at, summary in found:
            if summary is None or at < furthest:
                continue
            steps, mean, half = by_step(summary, settings.quantity)
            if np.isfinite(mean).any():
                steps = numbers(summary[settings.axis or "inner_steps"])
                members.append((steps, mean * settings.row.scale, half * settings.row.scale))
                summaries.append(summary)
        if not members:
            return None
        fixed = without_chance(summaries)
        measured = sum(each.get("tasks", 0) for each in summaries)
        if fixed:
            members, measured = members[:1], summaries[0].get("tasks", 0)
        steps = np.unique(np.concatenate([each[0] for each in members]))
        values = np.stack([_spread(steps, member, mean) for member, mean, _ in members])
        n, mean, half = intervals(values)
        if len(members) == 1:
            half = _spread(steps, members[0][0], members[0][2])
        diverged = np.zeros(len(steps))
        for summary, (member, _, _) in zip(summaries, members, strict=False):  # one, where seeds are alike
            if "diverged" in summary:
                diverged += np.nan_to_num(_spread(steps, member, numbers(summary["diverged"])))
        tasks = max(each.get("tasks", 0) for each in summaries)
        place = None if settings.split == "test" else furthest
        return AdaptationCurve(
            group, steps, mean, half, n, tasks, diverged.astype(np.int64), place, reference, measured, fixed
        )

    def _summary(self, run: int, settings: Settings) -> tuple[int, Summary | None]:
        if settings.split == "test":
            return 0, self._source.result(run)
        newest: tuple[int, Summary | None] = (0, None)
        for iteration, summary in self._source.evaluations(run):
            if settings.at is not None and iteration > settings.at:
                break
            newest = (iteration, summary)
        return newest

    def y_label(self, settings: Settings) -> str:
        """Quantity and unit."""
        return quantities.axis(self._row(settings), "Query")

    def _row(self, settings: Settings) -> Measure:
        return quantities.row_in(self._source, self._source.shown(), settings.quantity)

    def figure(
        self,
        settings: Settings,
        *,
        y_log: bool = False,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
    ) -> Figure | None:
        """The curves as a figure; None where there is nothing."""
        curves = self.curves(settings)
        if not curves:
            return None
        panel = Panel(
            x_label=self.x_label(settings),
            y_label=self.y_label(settings),
            y_log=y_log,
            x_range=x_range,
            y_range=y_range,
            curves=tuple(self.drawn(each) for each in curves),
        )
        caption = _caption(curves, settings, self._row(settings), self.x_label(settings))
        caption = " ".join([caption, *self._remarks(curves, settings)])
        drawn = Figure("adaptation", (panel,), caption)
        return framed(drawn) if settings.row.open else drawn

    def _remarks(self, curves: list[AdaptationCurve], settings: Settings) -> list[str]:
        """What the curves do not show: privileges, what has no finite value, and which episodes repeat."""
        drawn = {each.group.key for each in curves}
        lost = []
        for group in self._grouping.groups(joined=True):
            if group.key not in drawn:
                found = (self._summary(run.id, settings)[1] for run in group.runs)
                lost.append((group.label, *lost_tasks(found)))
        tests = (self._source.result(run.id) for run in self._source.shown())
        test = next(filter(None, tests), None) if settings.split == "test" else None
        known = [
            (group.label, group.runs[0].environment)
            for group in self._grouping.groups(joined=True)
            if group.key in drawn
        ]
        said = [*remarks.of_runs(known), *(remarks.episodes(test) if test else [])]
        return [*said, *filter(None, [remarks.astray(lost)])]

    def drawn(self, curve: AdaptationCurve) -> Curve:
        """The curve as a figure has it."""
        return Curve(
            label="" if curve.reference else curve.label,
            colour=self._source.colour(curve.group.runs[0]),
            x=curve.steps,
            y=curve.mean,
            low=None if curve.reference else curve.mean - curve.half,
            high=None if curve.reference else curve.mean + curve.half,
            n=curve.n,
            kind="line" if curve.reference else "markers" if len(curve.steps) == 1 else "both",
            faint=curve.reference,
            dashed=int(curve.reference or curve.group.again > 0),
            points=curve.notes,
        )


def _spread(steps: Array, places: Array, values: Array) -> Array:
    """Values at their steps among all; NaN elsewhere."""
    result = np.full(len(steps), np.nan)
    result[np.searchsorted(steps, places)] = values
    return result


def _caption(curves: list[AdaptationCurve], settings: Settings, row: Measure, by: str) -> str:
    by = f"{by[:1].lower()}{by[1:]}"
    what = f"Query {row.quantity}"
    drawn = [each for each in curves if not each.reference]
    if settings.split == "test":
        parts = [f"{what} on the frozen meta-test episodes by {by}, after meta-training."]
    else:
        places = [each.at for each in drawn if each.at is not None]
        parts = [
            f"{what} on the frozen meta-validation episodes by {by}, after "
            f"{span(min(places), max(places))} meta-iterations."
        ]
        if settings.at is not None and min(places) != max(places):
            parts.append(f"Each run's newest evaluation up to meta-iteration {count(settings.at)}.")
    tasks = sorted({each.tasks for each in drawn})
    sizes = span(tasks[0], tasks[-1])
    over = {
        (
            True,
            False,
        ): f"Mean over n seeds with its 95% interval over seeds (Student's t), {sizes} tasks each.",
        (
            False,
            True,
        ): f"One seed each: mean over {sizes} tasks with its 95% interval over tasks (Student's t).",
        (True, True): f"Mean with its 95% interval (Student's t): over seeds where n seeds are named, over "
        f"tasks where there is one seed ({sizes} tasks each).",
    }
    parts.append(over[any(each.seeds > 1 for each in drawn), any(each.seeds == 1 for each in drawn)])
    lost = [
        f"{each.group.label} {share(int(each.diverged.max()), each.measured)}"
        for each in drawn
        if each.diverged.any()
    ]
    if lost:
        parts.append(f"Diverged tasks at the worst step: {', '.join(lost)}.")
    fixed = [each.group.label for each in drawn if each.deterministic]
    if fixed:
        parts.append(f"The same for every seed, hence no interval over seeds: {', '.join(fixed)}.")
    if len(drawn) < len(curves):
        parts.append("Dashed: before meta-training.")
    return " ".join(parts)
