"""One learning curve: a group of runs by meta-iteration, time or tasks seen, kept up to date as they grow."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import AfterValidator

from workbench.analysis import reports
from workbench.analysis.curves import Array, Grown, Integers, Joined, Points, Smoothed
from workbench.analysis.numerals import span
from workbench.analysis.reached import by_step, operations, reached
from workbench.analysis.source import Group, Source
from workbench.analysis.thinning import Peaks, band, visible
from workbench.measures import LOSS, Measure, known
from workbench.pictures import PATTERNS
from workbench.project import RunRecord
from workbench.settings import Section, setting
from workbench.summaries import Summary

Axis = Literal["iterations", "seconds", "tasks", "operations"]
When = Literal["training", "validation", "report"]

BILLION = 1e9
"""So many operations are one on the axis."""

DARKEST, LIGHTEST = 0.55, 0.45
"""How far shades of a colour go towards ink and paper."""


def choice(when: When, name: str) -> str:
    """What can be drawn, by one name: ``training_loss``, ``validation_accuracy``, ``report/open gates``."""
    return f"{when}{'/' if when == 'report' else '_'}{name}"


def _a_choice(text: str) -> str:
    """What could be drawn, though perhaps by no run that is there."""
    starts = [choice(when, "") for when in get_args(When)]
    if not any(text.startswith(each) and text != each for each in starts):
        raise ValueError(f"nothing is called {text!r}")
    return text


Choice = Annotated[str, AfterValidator(_a_choice)]


class Settings(Section):
    """What is drawn; of a report a group, each of whose measures is a curve (see :func:`choice`)."""

    measure: Choice = setting(
        choice("training", LOSS.name),
        help="Measures of meta-training (a loss is each algorithm's own, not to be compared), of "
        "meta-validation (on the same episodes for all), or what an algorithm or a stream measures besides "
        "at validations",
    )
    step: int | None = setting(
        None,
        ge=0,
        lt=1_000_000,
        label="Inner step",
        help="After which inner step validation is measured",
        empty="last step",
    )
    axis: Axis = setting(
        "iterations",
        label="Horizontal axis",
        titles={
            "iterations": "Iteration",
            "seconds": "Time",
            "tasks": "Tasks seen",
            "operations": "Operations",
        },
        help="What the curves are drawn by; floating-point operations are counted at the end of a run",
    )
    smoothing: int = setting(
        1,
        ge=1,
        le=9999,
        label="Smooth",
        help="Points in the moving average that is drawn over the raw curve, at most a tenth of those up to "
        "there; 1: none",
    )
    joined: bool = setting(
        True, label="Join seeds", help="Seeds of one algorithm as their mean with its 95% interval"
    )
    log_x: bool = setting(False, help="Logarithmic horizontal axis")
    log_y: bool = setting(False, help="Logarithmic vertical axis")

    @property
    def when(self) -> When:
        """When it is measured."""
        whens: tuple[When, ...] = get_args(When)
        return next(each for each in whens if self.measure.startswith(choice(each, "")))

    @property
    def name(self) -> str:
        """The measure's name, or the group's."""
        return self.measure[len(choice(self.when, "")) :]

    @property
    def row(self) -> Measure:
        """The measure in plain words."""
        return known(self.name)


class Trace:
    """One curve of the picture: a group of runs, kept up to date while they grow.

    Parameters
    ----------
    name : which of the measures of a report's group it draws.

    Attributes
    ----------
    x : places on the axis, rising, ``[points]``.
    raw : the mean over the runs' values.
    main : what is drawn strongly: the mean over the runs' smoothed values, or :attr:`raw` itself.
    label : the group's label with n, how many runs stand at its points.
    place, count : which of how many curves of the same runs it is.
    has_points : whether there is a value to draw.
    level : whether its runs are not meta-trained: they have one value, which is drawn as a line across.
    """

    def __init__(self, group: Group, settings: Settings, name: str = "") -> None:
        self.group, self.name, self._settings = group, name, settings
        self.place, self.count = 0, 1
        self.x: Array = np.empty(0)
        self.raw = Joined()
        self.main = self.raw if settings.smoothing <= 1 else Joined()
        self.label = self._named()
        self.has_points = False
        self.level = False
        self._peaks = {id(self.raw): Peaks(), id(self.main): Peaks()}
        self._grown = [Grown() for _ in group.runs]
        self._smoothed = [Smoothed(settings.smoothing) for _ in group.runs]
        self._evaluated: list[tuple[tuple[int, int], Points] | None] = [None for _ in group.runs]
        self._clock = _Clock(len(group.runs))
        self._last_pace: float | None = None
        self._bounds: dict[tuple[bool, float], tuple[float, float] | None] = {}

    @property
    def uncounted(self) -> bool:
        """Whether there are values, but nobody has counted what the axis shows."""
        return self._last_pace is None and bool((self.raw.n > 0).any())

    @property
    def smoothed(self) -> bool:
        """Whether the main curve is another than the raw one."""
        return self.main is not self.raw

    @property
    def pattern(self) -> int:
        """How it is dashed, as a :class:`~workbench.pictures.Curve`."""
        if self.level:
            return 1 + (self.place + self.group.again) % (PATTERNS - 1)
        if self.name:
            return (self.place + self.group.again) % PATTERNS
        return int(self.group.again > 0)

    @property
    def shade(self) -> float:
        """Its shade of the runs' colour: of several curves the first is dark, the last pale.

        They differ in lightness, so that colour-blind eyes and grey prints tell them apart.
        """
        part = 2 * self.place / (self.count - 1) - 1 if self.count > 1 else 0.0  # −1 to 1
        return part * (DARKEST if part < 0 else LIGHTEST)

    def update(self, source: Source) -> bool:
        """Take up what the runs have by now; whether that is more than before."""
        self.level = all(_untrained(source, run) for run in self.group.runs)
        points = [self._points(source, index) for index in range(len(self.group.runs))]
        fresh = [grown.fresh(*each) for grown, each in zip(self._grown, points, strict=True)]
        before = len(self.raw.x)
        changed = self._join(self.raw, points, fresh)
        if self.smoothed:
            smooth = [s.update(y, at) for s, (_, y), at in zip(self._smoothed, points, fresh, strict=True)]
            curves = [(x, y) for (x, _), (y, _) in zip(points, smooth, strict=True)]
            self._join(self.main, curves, [at for _, at in smooth])
        pace = self._pace(source)
        new = changed < len(self.raw.x) or len(self.raw.x) != before or pace != self._last_pace
        self._last_pace = pace
        if new or self._settings.axis == "seconds":
            self._place(source, pace)
        if new:
            self.label = self._label()
            self.has_points = pace is not None and bool((self.raw.n > 0).any())
            self._bounds.clear()
        return new

    def _join(self, joined: Joined, curves: list[Points], fresh: list[int]) -> int:
        changed = joined.update(curves, fresh)
        if changed < len(joined.x):
            self._peaks[id(joined)].update(joined.mean, changed)
        return changed

    def _points(self, source: Source, index: int) -> Points:
        run = self.group.runs[index].id
        row = self._settings.row
        if self._settings.when == "training" and not self.level:
            x, y = source.series(run, row.name)
            return x, y * row.scale if row.share else y
        evaluations = source.evaluations(run)
        state = (len(evaluations), evaluations[-1][0] if evaluations else -1)
        kept = self._evaluated[index]
        if kept is None or kept[0] != state:
            tell = self._value if self._settings.when != "training" else self._level
            values = [tell(summary) for _, summary in evaluations]
            x = np.array([iteration for iteration, _ in evaluations], np.int64)
            kept = self._evaluated[index] = (state, (x, np.array(values, np.float64)))
        return kept[1]

    def _value(self, summary: Summary) -> float:
        settings = self._settings
        name = reports.key(settings.name, self.name) if self.name else settings.name
        mean = reached(summary, name, settings.step).mean
        return np.nan if mean is None else mean * settings.row.scale

    def _level(self, summary: Summary) -> float:
        """What training would show of who is not trained: where each inner step is an episode, the mean over
        the trial; NaN where that is each algorithm's own."""
        settings = self._settings
        if not settings.row.common:
            return np.nan
        steps, mean, _ = by_step(summary, settings.name)
        whole = summary.get("episodes_consumed") == summary["inner_steps"]
        found = mean if whole else mean[-1:]
        return float(found.mean()) * settings.row.scale if len(steps) else np.nan

    def _pace(self, source: Source) -> float | None:
        """What a meta-iteration is on the axis; None where nobody has counted, and nothing can be drawn."""
        match self._settings.axis:
            case "tasks":
                return self.group.new_tasks
            case "operations":
                counted = (operations(source.result(run.id)) for run in self.group.runs)
                return next((each / BILLION for each in counted if each is not None), None)
        return 1

    def _place(self, source: Source, pace: float | None) -> None:
        if self._settings.axis == "seconds":
            self.x = self._clock.at(self.raw.x, [source.series(run.id, "seconds") for run in self.group.runs])
        else:
            self.x = self.raw.x.astype(np.float64) * (pace or 0.0)

    def _label(self) -> str:
        n = self.raw.n[self.raw.n > 0]
        if not self._settings.joined or not len(n):
            return self._named()
        return f"{self._named()} (n = {span(int(n.min()), int(n.max()))})"

    def _named(self) -> str:
        return f"{self.group.label}: {self.name}" if self.name else self.group.label

    # --- looking at it -----------------------------------------------------------------------------

    def indices(self, joined: Joined, low: float, high: float, edges: Array) -> Integers:
        """The points of the raw or the main curve to draw between two places on the axis."""
        start, stop = visible(self.x, low, high)
        return self._peaks[id(joined)].within(self.x, joined.mean, start, stop, edges)

    def outline(self, low: float, high: float, edges: Array) -> tuple[Array, Array, Array] | None:
        """The main curve's band between two places; None where no two runs stand."""
        if len(self.group.runs) < 2:
            return None
        start, stop = visible(self.x, low, high)
        return band(self.x, self.main.low, self.main.high, start, stop, edges)

    def across(self, left: float, right: float) -> tuple[Array, Array, Array, Array]:
        """A level from one place on the axis to another: x, y, and the ends of its band."""
        y, low, high = (np.repeat(each[:1], 2) for each in (self.main.mean, self.main.low, self.main.high))
        return np.array([left, right]), y, low, high

    @property
    def start(self) -> float:
        """The first value; NaN where there is none."""
        known = self.raw.mean[np.isfinite(self.raw.mean)]
        return float(known[0]) if len(known) else np.nan

    def bounds(self, *, log: bool, cap: float = np.inf) -> tuple[float, float] | None:
        """The lowest and the highest value (above 0, for a logarithm); None where there is none.

        Values farther from 0 than ``cap`` do not count.

        A band counts as far as it keeps to the size of the curve: that of two seeds may be huge.
        """
        if (log, cap) not in self._bounds:
            self._bounds[log, cap] = self._measure(log, cap)
        return self._bounds[log, cap]

    def _measure(self, log: bool, cap: float) -> tuple[float, float] | None:
        ends = [_ends(each, log, cap) for each in (self.raw.mean, self.main.mean)]
        known = [each for each in ends if each is not None]
        if not known:
            return None
        low, high = min(each[0] for each in known), max(each[1] for each in known)
        edges = [_ends(each, log, cap) for each in (self.main.low, self.main.high)]
        if edges[0] is None or edges[1] is None:
            return low, high
        room = 2.0 if log else (high - low) / 3
        floor, ceiling = (low / room, high * room) if log else (low - room, high + room)
        return min(low, max(edges[0][0], floor)), max(high, min(edges[1][1], ceiling))

    def nearest(self, x: float) -> int | None:
        """The index of the point that is nearest to a place on the axis; None beyond the curve's ends."""
        if not len(self.x) or not np.isfinite(x):
            return None
        if self.level:
            return 0
        right = int(np.searchsorted(self.x, x))
        if right == 0:
            return 0 if x >= self.x[0] - self._gap(0) else None
        if right == len(self.x):
            return right - 1 if x <= self.x[-1] + self._gap(len(self.x) - 1) else None
        return right if self.x[right] - x < x - self.x[right - 1] else right - 1

    def _gap(self, index: int) -> float:
        """Half the distance between a point at an end and its neighbour."""
        other = 1 if index == 0 else index - 1
        return 0.0 if len(self.x) < 2 else abs(float(self.x[other] - self.x[index])) / 2


def _untrained(source: Source, run: RunRecord) -> bool:
    """Whether a run has nothing to train, so that it was validated at most once."""
    if run.iterations_planned or any(at for at, _ in source.evaluations(run.id)):
        return False
    return not source.series_names(run.id)


def _ends(values: Array, log: bool, cap: float) -> tuple[float, float] | None:
    kept = values[values > 0] if log else values
    kept = kept if np.isinf(cap) else kept[np.abs(kept) <= cap]
    if not len(kept):
        return None
    low, high = float(np.fmin.reduce(kept)), float(np.fmax.reduce(kept))
    return (low, high) if np.isfinite(low) and np.isfinite(high) else None


class _Clock:
    """Training time by meta-iteration: the mean over runs.

    Where a run has ended, time goes on at the mean pace of those that go on, so that it never runs
    backwards; where all runs stand, this is the mean of their times.
    """

    def __init__(self, runs: int) -> None:
        self._joined = Joined()
        self._grown = [Grown() for _ in range(runs)]
        self._times = np.empty(0)

    def at(self, iterations: Integers, seconds: list[Points]) -> Array:
        """Seconds at meta-iterations (at 0: none; where a time is missing, the last before it)."""
        fresh = [grown.fresh(*each) for grown, each in zip(self._grown, seconds, strict=True)]
        if any(at < len(x) for at, (x, _) in zip(fresh, seconds, strict=True)):
            paces = [(x, np.diff(y, prepend=0.0)) for x, y in seconds]
            self._joined.update(paces, fresh)
            pace = np.nan_to_num(self._joined.mean, posinf=0.0, neginf=0.0)
            self._times = np.cumsum(np.maximum(pace, 0.0)).astype(np.float64)
        if len(iterations) and np.array_equal(iterations, self._joined.x):
            return self._times
        known = np.concatenate([[0.0], self._times])
        return known[np.searchsorted(self._joined.x, iterations, side="right")]
