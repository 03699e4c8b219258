"""Learning curves: loss or accuracy as meta-training goes on, seeds joined or run by run."""

from __future__ import annotations

import numpy as np

from workbench.analysis import quantities, remarks, reports
from workbench.analysis.beyond import framed
from workbench.analysis.curves import Integers, Joined
from workbench.analysis.divergence import training_diverged_at
from workbench.analysis.numerals import count
from workbench.analysis.reached import measures
from workbench.analysis.source import Group, Grouping, Source
from workbench.analysis.thinning import column_edges, visible
from workbench.analysis.traces import Axis, Settings, Trace, choice
from workbench.measures import MEASURES, Measure
from workbench.pictures import Curve, Figure, Panel
from workbench.project import RunRecord
from workbench.summaries import Summary
from workbench.words import listed, marked, plural, tr

AXIS_LABELS: dict[Axis, str] = marked({
    "iterations": "Meta-iteration",
    "seconds": "Training time (s)",
    "tasks": "Tasks seen",
    "operations": "Floating-point operations (10⁹)",
})  # fmt: skip
MOST_BANDS = 4
MOST_POINTS = 5000  # in a figure; more are thinned


def usual_choice(source: Source) -> str:
    """What is drawn first: what tasks are judged by, measured on the same validation tasks for all. A loss of
    training is each algorithm's own, and drawn first only where nothing else was or will be measured."""
    row, runs = quantities.usual(source), [run.id for run in source.shown()]
    validated = any(map(source.evaluations, runs)) or not any(map(source.series_names, runs))
    return choice("validation" if validated or "training" not in row.when else "training", row.name)


class LearningCurves:
    """The curves of a picture, rebuilt when runs or settings change and extended when runs grow.

    Parameters
    ----------
    source : where the runs are.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._settings = Settings()
        self._grouping = Grouping(source)
        self.traces: list[Trace] = []

    def update(self, settings: Settings) -> bool:
        """Take up the runs as they are now; whether anything changed."""
        if settings != self._settings:
            self._settings, self.traces = settings, []
        known = {_key(each.group, each.name): each for each in self.traces}
        traces, changed = [], False
        for group in self._grouping.groups(joined=settings.joined):
            names = self._names(group)
            for place, name in enumerate(names):
                trace = known.get(_key(group, name))
                if trace is None:
                    trace, changed = Trace(group, settings, name), True
                elif trace.group != group:
                    trace.group, changed = group, True
                trace.place, trace.count = place, len(names)
                changed = trace.update(self._source) or changed
                traces.append(trace)
        changed = changed or traces != self.traces
        self.traces = traces
        return changed

    @property
    def drawn(self) -> list[Trace]:
        """The curves that have points."""
        return [each for each in self.traces if each.has_points]

    @property
    def banded(self) -> bool:
        """Whether intervals are drawn: not those of many curves of one algorithm, which cover each other."""
        return self._settings.when != "report" or len(self.drawn) <= MOST_BANDS

    def choices(self) -> list[str]:
        """What can be drawn of the shown runs: measures of training, of validation, groups of a report."""
        runs = self._source.shown()
        series = {name for run in runs for name in self._source.series_names(run.id)}
        training = [row.name for row in MEASURES.values() if "training" in row.when]
        newest = [self._newest(run) for run in runs]
        measured = dict.fromkeys(name for each in newest if each for name in measures(each))
        problems = quantities.problems(self._source)
        expected = quantities.expected(self._source)
        return [
            *(
                choice("training", name)
                for name in training
                if name in series or all(problem.row(name) for problem in problems)
            ),
            *(choice("validation", name) for name in measured or expected),
            *(choice("report", group) for group in reports.groups(newest)),
        ]

    def _names(self, group: Group) -> list[str]:
        """What each curve of a group of runs measures; nothing special, unless it is their own measures."""
        if self._settings.when != "report":
            return [""]
        return reports.names(map(self._newest, group.runs), self._settings.name)

    def _newest(self, run: RunRecord) -> Summary | None:
        evaluations = self._source.evaluations(run.id)
        return evaluations[-1][1] if evaluations else None

    def steps(self) -> list[int]:
        """The inner steps that some run was measured after."""
        newest = (self._newest(run) for run in self._source.shown())
        return sorted({step for each in newest if each for step in each["inner_steps"]})

    @property
    def row(self) -> Measure:
        """What is drawn, in the words of the runs' problem."""
        runs = [run for each in self.drawn for run in each.group.runs]
        find = quantities.own_row if self._settings.when == "training" else quantities.row_in
        return find(self._source, runs, self._settings.name)

    def y_label(self) -> str:
        """Quantity and unit."""
        step, row = self._settings.step, self.row
        when = "" if step is None else tr(" after {}", plural(step, "inner step"))
        training = marked("Training" if row.common else "Own training")
        before = marked({"training": training, "validation": "Meta-validation", "report": ""})
        return quantities.axis(row, before[self._settings.when], when)

    def extent(self) -> tuple[float, float] | None:
        """The ends of the axis; None where there is nothing."""
        ends = [(float(each.x[0]), float(each.x[-1])) for each in self.drawn if not each.level]
        if not ends:
            return (0.0, 1.0) if self.drawn else None
        return min(low for low, _ in ends), max(high for _, high in ends)

    # --- on paper ----------------------------------------------------------------------------------

    def figure(
        self,
        *,
        x_log: bool = False,
        y_log: bool = False,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
        zoomed: bool = False,
    ) -> Figure | None:
        """The curves as they stand; None where there is nothing.

        Parameters
        ----------
        x_log, y_log : which axes are logarithmic.
        x_range, y_range : what is visible, in the units of the axes; None: all that did not diverge.
        zoomed : whether that is a part of everything, which the caption then says.
        """
        extent = x_range or self.extent()
        if extent is None:
            return None
        if x_log:
            extent = (max(extent[0], self._lowest_positive()), extent[1])
        edges = column_edges(*extent, MOST_POINTS // 2 - 2, log=x_log)
        curves: list[Curve] = []
        thinned = False
        for trace in self.drawn:
            if trace.level:
                curves.append(self._across(trace, *extent))
                continue
            start, stop = visible(trace.x, *extent)
            few = stop - start <= MOST_POINTS
            thinned = thinned or not few
            for joined in [trace.main, trace.raw] if trace.smoothed else [trace.main]:
                chosen = np.arange(start, stop) if few else trace.indices(joined, *extent, edges)
                curves.append(self._curve(trace, joined, chosen))
        panel = Panel(
            x_label=AXIS_LABELS[self._settings.axis],
            y_label=self.y_label(),
            x_log=x_log,
            y_log=y_log,
            x_range=x_range,
            y_range=y_range,
            curves=tuple(curves),
        )
        drawn = Figure("learning_curves", (panel,), self._caption(thinned, extent if zoomed else None))
        return framed(drawn) if self._settings.row.open else drawn

    def _lowest_positive(self) -> float:
        positive = [float(each.x[each.x > 0][0]) for each in self.drawn if (each.x > 0).any()]
        return min(positive, default=1.0)

    def _across(self, trace: Trace, left: float, right: float) -> Curve:
        """What is not meta-trained: its level, as a broken line from end to end."""
        banded = len(trace.group.runs) > 1
        x, y, low, high = trace.across(left, right)
        return Curve(
            label=trace.label,
            colour=self._source.colour(trace.group.runs[0]),
            shade=trace.shade,
            x=x,
            y=y,
            low=low if banded else None,
            high=high if banded else None,
            n=np.repeat(trace.main.n, 2) if self._settings.joined else None,
            dashed=trace.pattern,
            shaded=self.banded,
        )

    def _curve(self, trace: Trace, joined: Joined, chosen: Integers) -> Curve:
        faint = trace.smoothed and joined is trace.raw
        banded = len(trace.group.runs) > 1 and not faint
        return Curve(
            label=trace.label,
            colour=self._source.colour(trace.group.runs[0]),
            shade=trace.shade,
            x=trace.x[chosen],
            y=joined.mean[chosen],
            low=joined.low[chosen] if banded else None,
            high=joined.high[chosen] if banded else None,
            n=joined.n[chosen] if self._settings.joined else None,
            kind="markers" if len(trace.x) == 1 else "line",
            faint=faint,
            dashed=trace.pattern,
            shaded=self.banded,
        )

    def _caption(self, thinned: bool, x_range: tuple[float, float] | None) -> str:
        settings = self._settings
        row = self.row
        quantity = {
            "training": f"{'Training' if row.common else 'Outer training'} {row.quantity}",
            "validation": f"{row.title} on the frozen meta-validation episodes",
            "report": f"{row.title}, {reports.measured_on(row)},",
        }[settings.when]
        if settings.when == "validation":
            step = settings.step
            quantity += " after the last inner step" if step is None else f" after inner step {step}"
        by = {
            "iterations": "meta-iteration",
            "seconds": "training time",
            "tasks": "tasks seen (meta-iterations × meta-batch)",
            "operations": "floating-point operations (of matrix products and convolutions)",
        }[settings.axis]
        parts = [f"{quantity} by {by}."]
        if settings.joined:
            shared = any(len(each.group.runs) > 1 for each in self.drawn)
            parts.append(
                "Mean over n seeds with its 95% interval over seeds (Student's t); at each point only the "
                "seeds that stand there count."
                if shared
                else "One seed each (n = 1), hence no interval over seeds."
            )
            if shared and not self.banded:
                parts.append("The intervals are not drawn, since so many would cover each other.")
            if settings.axis == "seconds" and shared:
                parts.append("Time is the mean over seeds at the same meta-iteration.")
        else:
            parts.append("Each run by itself.")
        if settings.smoothing > 1:
            parts.append(
                f"Strong: centred moving average of each run over {count(settings.smoothing)} points, at "
                "most a tenth of those up to there; faint: raw values."
            )
        runs = {run.id: run for each in self.traces for run in each.group.runs}  # with or without a value
        lost = [
            f"{run.name} at {at}"
            for run in runs.values()
            if (at := training_diverged_at(self._source, run)) is not None
        ]
        if lost:
            parts.append(f"Training diverged: {listed(lost)}.")
        unknown = sorted({each.group.label for each in self.traces if each.uncounted})
        if unknown:
            parts.append(f"Left out, since their operations are not counted: {listed(unknown)}.")
        parts += remarks.of_runs((each.group.label, each.group.runs[0].environment) for each in self.drawn)
        if any(each.level for each in self.drawn):
            parts.append("Broken and level: not meta-trained.")
        if x_range is not None:
            parts.append(f"Range shown: {x_range[0]:.6g} to {x_range[1]:.6g}.")
        if thinned:
            parts.append("Long curves are thinned to the lowest and highest point of each column.")
        return " ".join(parts)


def _key(group: Group, name: str) -> tuple[object, ...]:
    return (group.key, name, *(run.id for run in group.runs))
