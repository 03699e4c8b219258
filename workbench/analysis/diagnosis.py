"""Diagnoses on identical frozen episodes: ROC curves, reliability, operating points, natural frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.analysis import reports
from workbench.analysis.comparison import Episodes
from workbench.analysis.frequencies import Frequencies, in_percent, natural
from workbench.analysis.numerals import percent
from workbench.analysis.pairs import Reader
from workbench.analysis.reached import Reached, reached
from workbench.analysis.source import Grouping, Source
from workbench.analysis.tables import Cells, Column, Table, number_in
from workbench.pictures import MUTED, Array, Curve, Figure, Panel
from workbench.problems.diagnosis import (
    ALL,
    AUC_ROC,
    BALANCED_ACCURACY,
    BINS,
    CHOSEN,
    ILL,
    KEPT,
    SENSITIVITY,
    SPECIFICITY,
    Looked,
    Reliability,
    Roc,
    reliability,
    roc,
)
from workbench.project import RunRecord
from workbench.summaries import OperatingPoint, TestSummary
from workbench.words import NO_MEDICAL_DEVICE

MOST_POINTS = 400
"""Of a curve that is drawn."""

PREVALENCE = 2.0
"""Percent of people who are ill, where nobody has said it."""

RULES = {
    "balanced": "at the largest sum of sensitivity and specificity",
    "sensitive": "with a sensitivity of at least {} and the highest specificity",
    "specific": "with a specificity of at least {} and the highest sensitivity",
}
EQUAL = np.array([0.0, 1.0])
MARGIN = (-0.02, 1.02)


@dataclass(frozen=True)
class Trained:
    """One trained learner: its run, what it reached, its curve and its reliability.

    Attributes
    ----------
    ill : whether some classes count as ill; otherwise each in turn is told from the rest.
    """

    run: RunRecord
    test: TestSummary
    curve: Roc
    reliability: Reliability
    ill: bool

    @property
    def point(self) -> OperatingPoint | None:
        """The operating point."""
        return self.test.get("operating_point")

    def at_the_point(self, measure: str) -> Reached:
        """What it reached in a measure at the operating point."""
        return reached(self.test, reports.key(CHOSEN, measure))

    def frequencies(self, prevalence: float) -> Frequencies | None:
        """What that means for people of whom so many percent are ill; None where no point was chosen."""
        found, spared = (self.at_the_point(row.name).mean for row in (SENSITIVITY, SPECIFICITY))
        return None if found is None or spared is None else natural(prevalence / 100, found, spared)


@dataclass(frozen=True)
class Diagnosed:
    """The trained learners of one algorithm, by seed; ``key`` is that of their group."""

    key: str
    name: str
    learners: tuple[Trained, ...]

    def called(self, learner: Trained) -> str:
        """One of them by name."""
        return self.name if len(self.learners) == 1 else f"{self.name}, seed {learner.run.seed}"


def diagnosed(source: Source, met: Episodes, arrays: Reader) -> list[Diagnosed]:
    """The algorithms that met the episodes, as far as a diagnosis was asked for and can be measured."""
    found = []
    for each in Grouping(source).groups(joined=True):
        group = each.among(met.tests)
        learners = [] if group is None else [_trained(run, met.tests[run.id], arrays) for run in group.runs]
        known = tuple(filter(None, learners))
        if group is not None and known:
            found.append(Diagnosed(group.key, group.label, known))
    return found


def _trained(run: RunRecord, test: TestSummary, arrays: Reader) -> Trained | None:
    if "operating_point" not in test:  # nobody asked
        return None
    kept = arrays(run.id)
    if not KEPT.keys() - {ILL} <= kept.keys():
        return None
    episode = kept.get("episode")
    try:
        looked = Looked.of(kept, None if episode is None else episode.astype(np.int64))
    except ValueError:  # a stranger's file
        return None
    curve, bins = roc(looked), reliability(looked)
    return None if curve is None or bins is None else Trained(run, test, curve, bins, ILL in kept)


# --- pictures --------------------------------------------------------------------------------------


def roc_figure(source: Source, met: Episodes, found: Sequence[Diagnosed], prevalence: float) -> Figure | None:
    """The ROC curve of every learner, with its operating point; None where there are none."""
    if not found:
        return None
    curves = [Curve("chance", MUTED, EQUAL, EQUAL, dashed=1)]
    points = []
    for algorithm in found:
        area = float(np.mean([each.curve.area for each in algorithm.learners]))
        for number, each in enumerate(algorithm.learners):
            colour, label = source.colour(each.run), f"{algorithm.name}: area {percent(area)}"
            x, y = thinned(each.curve)
            curves.append(Curve("" if number else label, colour, x, y))
            point = _marked(each, colour, algorithm.called(each))
            points += [] if point is None else [point]
    panel = Panel(
        x_label="1 − specificity (false positive rate)",
        y_label="Sensitivity",
        x_range=MARGIN,
        y_range=MARGIN,
        curves=(*curves, *points),
        ratio=1.0,
    )
    means = " Areas are means over seeds." if any(len(each.learners) > 1 for each in found) else ""
    caption = (
        f"ROC curves after the last inner step on {met.named(AUC_ROC.name, sized=True)}: at each threshold, "
        f"the same for all, the mean over tasks, {_looked_for(found)}. Each task by itself has a larger "
        f"area where probabilities of different tasks are not alike (see the table).{means} {_points(found)} "
        f"{NO_MEDICAL_DEVICE}"
    )
    return Figure("roc", (panel,), caption, table=rows(found, prevalence))


def _marked(learner: Trained, colour: str, name: str) -> Curve | None:
    """The operating point with the interval of its sensitivity."""
    high, specificity = learner.at_the_point(SENSITIVITY.name), learner.at_the_point(SPECIFICITY.name)
    if high.mean is None or specificity.mean is None:
        return None
    half = np.nan if high.half is None else high.half
    x, y = np.array([1 - specificity.mean]), np.array([high.mean])
    said = (f"{name}, operating point",)
    low, up = y - half, np.minimum(1.0, y + half)
    return Curve("operating point, 95% over tasks", colour, x, y, low, up, kind="markers", points=said)


def reliability_figure(
    source: Source, met: Episodes, found: Sequence[Diagnosed], prevalence: float
) -> Figure | None:
    """How often what was predicted with some probability was right, and how often that was predicted; None
    where there are no learners."""
    if not found:
        return None
    curves = [Curve("as often as predicted", MUTED, EQUAL, EQUAL, dashed=1)]
    shares = []
    for algorithm in found:
        for number, each in enumerate(algorithm.learners):
            colour, label, bins = source.colour(each.run), "" if number else algorithm.name, each.reliability
            x, y, half = bins.predicted, bins.observed, bins.half_width
            low, high = np.maximum(0.0, y - half), np.minimum(1.0, y + half)
            curves.append(Curve(label, colour, x, y))
            curves.append(Curve("", colour, x, y, low, high, kind="markers"))
            shares.append(Curve("", colour, x, bins.share, kind="both", small=True))
    right = Panel(
        x_label="Predicted probability",
        y_label="How often it was right",
        x_range=MARGIN,
        y_range=MARGIN,
        curves=tuple(curves),
        ratio=1.0,
    )
    often = Panel(
        x_label="Predicted probability",
        y_label="Share of all predictions",
        x_range=MARGIN,
        curves=tuple(shares),
        y_percent=True,
        ratio=1.0,
    )
    caption = (
        f"Reliability after the last inner step on {met.named(AUC_ROC.name, sized=True)}, of all predictions "
        f"in {BINS} bins of equal width, {_looked_for(found)}; 95% intervals over tasks. Probabilities are "
        f"for the shares of classes that these tasks have, not for other people. {NO_MEDICAL_DEVICE}"
    )
    return Figure("reliability", (right, often), caption, columns=2, table=rows(found, prevalence))


def thinned(curve: Roc, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """The corners of a curve, or as many points at equal distances along it as can be seen."""
    x, y = curve.false, curve.true
    corner = np.ones(len(x), bool)
    corner[1:-1] = np.abs(np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]) > 1e-16
    x, y = x[corner], y[corner]
    if len(x) <= most:
        return x, y
    along = np.append(0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
    at = np.unique(np.searchsorted(along, np.linspace(0, along[-1], most)).clip(0, len(x) - 1))
    return x[at], y[at]


def _looked_for(found: Sequence[Diagnosed]) -> str:
    ill = {each.ill for algorithm in found for each in algorithm.learners}
    if len(ill) > 1:
        return "each class against the rest, or what counts as ill, as each run was asked"
    return "what counts as ill against the rest" if True in ill else "each class against the rest"


def _points(found: Sequence[Diagnosed]) -> str:
    """How operating points were chosen, in a sentence; empty where none was."""
    points = [each.point for algorithm in found for each in algorithm.learners]
    said = dict.fromkeys(
        f"on {point.get('episodes')} meta-validation episodes, {rule_of(point)}" for point in points if point
    )
    return f"Operating points were chosen {'; or '.join(said)}." if said else ""


def rule_of(point: OperatingPoint) -> str:
    """How an operating point was chosen, in words."""
    words = RULES.get(point.get("rule", ""), "as the file says")
    least = point.get("at_least")
    return words.format("?" if least is None else percent(least))


# --- rows ------------------------------------------------------------------------------------------


def rows(found: Sequence[Diagnosed], prevalence: float) -> tuple[dict[str, object], ...]:
    """A row for each trained learner.

    Parameters
    ----------
    prevalence : percent of people who are ill.
    """
    return tuple(
        _row(algorithm.called(each), each, prevalence) for algorithm in found for each in algorithm.learners
    )


def _row(name: str, learner: Trained, prevalence: float) -> dict[str, object]:
    row: dict[str, object] = {"learner": name, "run": learner.run.id}
    area, point = reached(learner.test, AUC_ROC.name), learner.point
    row |= {AUC_ROC.name: area.mean, f"{AUC_ROC.name}_ci95": area.half}
    row |= {"area_with_one_threshold": learner.curve.area}
    row |= {
        "rule": point and point.get("rule"),
        "at_least": point and point.get("at_least"),
        "threshold": point and point["threshold"],
    }
    for each in ALL[1:]:
        value = learner.at_the_point(each.name)
        row |= {each.name: value.mean, f"{each.name}_ci95": value.half}
    people = learner.frequencies(prevalence)
    return row | {"prevalence": prevalence / 100} | (people.cells() if people else {})


def sentences(found: Sequence[Diagnosed], prevalence: float) -> list[tuple[str, str]]:
    """What each learner's diagnoses mean for people, by its name."""
    told = (
        (algorithm.called(each), each.frequencies(prevalence))
        for algorithm in found
        for each in algorithm.learners
    )
    return [(name, people.words) for name, people in told if people is not None]


def table(found: Sequence[Diagnosed], prevalence: float) -> Table:
    """What each learner's diagnoses are worth."""
    told = rows(found, prevalence)
    people = next((row["people"] for row in told if "people" in row), 0)
    columns = (
        Column("learner", "Learner", number=False),
        _share(AUC_ROC.name, "Area under ROC (%)"),
        _share(SENSITIVITY.name, f"{SENSITIVITY.title} (%)"),
        _share(SPECIFICITY.name, f"{SPECIFICITY.title} (%)"),
        Column("ill", f"Ill of {people:,}"),
        Column("ill_found", "Found"),
        Column("ill_missed", "Missed"),
        Column("false_alarms", "False alarms"),
        Column("share_of_alarms_right", "Alarms right (%)", _alarms_right),
        Column("threshold", "Threshold", ".3f"),
        _share(BALANCED_ACCURACY.name, f"{BALANCED_ACCURACY.title} (%)"),
        _share("area_with_one_threshold", "Area, one threshold (%)"),
    )
    caption = (
        f"Diagnoses after the last inner step, {_looked_for(found)}, ± 95% over tasks (Student's t). Areas "
        "under the ROC curve are of each task by itself; with one threshold for all tasks they may be less. "
        f"{_points(found)} Sensitivity, specificity and their mean are those there. People: where "
        f"{prevalence:g}% are ill. {NO_MEDICAL_DEVICE}"
    )
    return Table("diagnosis", columns, told, caption)


def _alarms_right(row: Cells) -> str:
    share = number_in(row, "share_of_alarms_right")
    return "–" if share is None else in_percent(share).removesuffix("%")


def _share(key: str, title: str) -> Column:
    """A share with its interval, in percent."""

    def shown(row: Cells) -> str:
        mean, half = number_in(row, key), number_in(row, f"{key}_ci95")
        if mean is None:
            return "–"
        return f"{100 * mean:.1f}" + ("" if half is None else f" ± {100 * half:.1f}")

    return Column(key, title, shown)
