"""What a sweep's trials say: lines through their settings, slices, what tuning is worth, what matters.

The expected best of n trials: Dodge et al., EMNLP 2019, arXiv 1909.03004; drawn without replacement, which
has no bias: Tang et al., ACL 2020, arXiv 2004.13705. Importance: functional ANOVA (Hutter, Hoos,
Leyton-Brown, ICML 2014), as Optuna computes it.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from workbench.analysis import quantities
from workbench.analysis.naming import worded
from workbench.analysis.source import Source
from workbench.analysis.sweep import scaled, short
from workbench.analysis.tables import Column, Table
from workbench.errors import InputError
from workbench.measures import Measure, known
from workbench.pictures import MUTED, Array, Curve, Figure, Panel, Shade
from workbench.project import RunRecord, Tried, Tuned, best_of
from workbench.project.declared import tables
from workbench.words import listed, marked, plural, tr

PICTURES = marked({
    "lines": "Parallel coordinates",
    "slices": "One setting at a time",
    "multiples": "Apart by a setting",
    "best": "Best of so many trials",
    "importance": "What matters",
})  # fmt: skip
LOW, HIGH = 0.1, 0.9
"""Of the best of n trials, the quantiles between which its band lies."""

MOST_PARTS = 4
"""Values by which trials stand apart; of more numbers, thirds."""

FEWEST = 4
"""Trials of which it can be said which setting matters."""


@dataclass(frozen=True)
class Tuning:
    """What was tried of one algorithm in one sweep.

    Attributes
    ----------
    label, colour : of the algorithm.
    tried : the trials that are over, with the runs that they are.
    planned : trials of each algorithm.
    logs : the settings whose range is logarithmic, by their paths.
    """

    label: str
    colour: str
    tried: tuple[tuple[RunRecord, Tried], ...]
    planned: int
    logs: frozenset[str]

    @property
    def measure(self) -> Measure:
        """What is chosen by."""
        return known(next((each.measure for _, each in self.tried if each.measure), "loss"))

    @property
    def best(self) -> tuple[RunRecord, Tried] | None:
        """The trial that is chosen; None where none came to an end."""
        chosen = best_of(each for _, each in self.tried)
        return next((row for row in self.tried if row[1] is chosen), None)


Drawn = list[tuple[Tuning, RunRecord, Tried, float]]
"""Trials that came to a number, which stands last."""


def tunings(source: Source) -> list[Tuning]:
    """What the sweeps of the runs that are shown have tried so far."""
    found: dict[tuple[int, int], list[tuple[RunRecord, Tried]]] = {}
    sweeps: dict[int, dict[str, object]] = {}
    for run in source.shown():
        tuned = Tuned.of(run)
        if tuned is None or tuned.tests:
            continue
        experiment = source.experiment(run)
        if experiment.id not in sweeps:
            try:
                sweeps[experiment.id] = tables(experiment.toml)
            except ValueError:
                sweeps[experiment.id] = {}
        tried = Tried.of(run, source.evaluations(run.id), sweeps[experiment.id])
        if tried is not None:
            found.setdefault((experiment.id, tuned.algorithm), []).append((run, tried))
    return [_tuning(source, rows, sweeps[owner].get("sweep")) for (owner, _), rows in found.items()]


def _tuning(source: Source, rows: list[tuple[RunRecord, Tried]], said: object) -> Tuning:
    sweep = said if isinstance(said, Mapping) else {}
    ranges = [each for each in sweep.get("ranges", ()) if isinstance(each, Mapping)]
    logs = frozenset(str(each.get("field")) for each in ranges if each.get("log") is True)
    run = rows[0][0]
    label = run.label.removesuffix(", trials")
    rows.sort(key=lambda row: row[1].number)
    return Tuning(label, source.colour(run), tuple(rows), int(sweep.get("trials") or 0), logs)


def _own(path: str) -> str:
    """A setting's path without the place of its algorithm: that of one stands beside that of another."""
    head, *rest = path.replace("[", ".").replace("]", "").split(".")
    return ".".join([head, *rest[1:]]) if head == "algorithm" else ".".join([head, *rest])


def _settings(found: Sequence[Tuning]) -> list[str]:
    return list(
        dict.fromkeys(_own(path) for each in found for _, tried in each.tried for path in tried.values)
    )


def _of(tried: Tried, name: str) -> object:
    return next((value for path, value in tried.values.items() if _own(path) == name), None)


def _whole(found: Sequence[Tuning]) -> Drawn:
    """The trials that came to a number."""
    return [
        (each, run, tried, tried.value)
        for each in found
        for run, tried in each.tried
        if tried.value is not None
    ]


def _cap(drawn: Drawn) -> float:
    """What is worse than this is drawn as if it were this: three times as far from the best as the median."""
    sign = drawn[0][2].sign or -1
    values = sign * np.array([value for *_, value in drawn])
    return float(sign * (np.median(values) - 2 * (values.max() - np.median(values))))


def _capped(drawn: Drawn) -> list[float]:
    cap, worst = _cap(drawn), min if (drawn[0][2].sign or -1) < 0 else max
    return [worst(value, cap) for *_, value in drawn]


def _beyond(drawn: Drawn) -> str:
    """In a sentence, how many are drawn better than they are."""
    count = sum(one != value for one, (*_, value) in zip(_capped(drawn), drawn, strict=True))
    row = drawn[0][0].measure
    return f" Worse than {_cap(drawn) * row.scale:.4g}, and drawn there: {count}." * bool(count)


def _within(curves: Sequence[Curve]) -> tuple[float, float] | None:
    """The range of the lines and a little more, though bands go far beyond it."""
    low, high = (end(float(each) for curve in curves for each in curve.y) for end in (min, max))
    far = any(
        part is not None and (part.max() > 3 * high - 2 * low) for c in curves for part in (c.low, c.high)
    )
    return (low - 0.1 * (high - low), high + 0.5 * (high - low)) if far and high > low else None


def _left_out(found: Sequence[Tuning]) -> str:
    """In a sentence, what came to no number or was given up."""
    failed = sum(tried.value is None for each in found for _, tried in each.tried)
    given_up = sum(tried.given_up for each in found for _, tried in each.tried)
    said = f" Given up on the way: {given_up}." * bool(given_up)
    return said + f" Failed, and not drawn: {failed}." * bool(failed)


# --- pictures --------------------------------------------------------------------------------------


def lines(found: Sequence[Tuning]) -> Figure | None:
    """A line for each trial through its settings to what validation came to; None without any."""
    drawn = _whole(found)
    if not drawn:
        return None
    row, names = drawn[0][0].measure, _settings(found)
    logs = {_own(path) for each in found for path in each.logs}
    columns = [scaled([_of(tried, name) for _, _, tried, _ in drawn], log=name in logs) for name in names]
    columns.append(scaled([value * row.scale for value in _capped(drawn)]))
    x = np.arange(len(columns), dtype=float)
    best = {each.best[0].id for each in found if each.best is not None}
    curves = [Curve("", MUTED, np.array([at, at]), np.array([0.0, 1.0]), faint=True) for at in x]
    curves += [
        Curve(
            each.label,
            each.colour,
            x,
            np.array([column.places[index] for column in columns]),
            kind="both" if run.id in best else "line",
            faint=tried.given_up,
            dashed=int(tried.given_up),
            thick=run.id in best,
            runs=(run.id,),
        )
        for index, (each, run, tried, _) in enumerate(drawn)
    ]
    panel = Panel(
        x_names=(*short(names), quantities.axis(row, "Validation")),
        y_range=(-0.14, 1.14),
        curves=tuple(curves),
        texts=tuple(text for at, column in zip(x, columns, strict=True) for text in column.texts(at)),
        y_hidden=True,
        brushed=True,
    )
    caption = (
        f"Each line: one trial, through its settings to the {row.quantity} of its validation; with points: "
        "what was chosen for each algorithm. Each axis runs from its smallest to its largest value."
        f"{_beyond(drawn)}{_left_out(found)}"
    )
    return Figure("trials", (panel,), caption, table=_rows(found))


def slices(found: Sequence[Tuning]) -> Figure | None:
    """What validation came to against each setting by itself; None without any."""
    drawn = _whole(found)
    if not drawn:
        return None
    panels = [_against(found, drawn, name) for name in _settings(found)]
    caption = (
        f"Each point: one trial, its validation {drawn[0][0].measure.quantity} against one of its settings; "
        f"the others differ, too.{_beyond(drawn)}{_left_out(found)}"
    )
    return Figure("slices", tuple(panels), caption, columns=min(3, len(panels)), table=_rows(found))


def multiples(found: Sequence[Tuning], by: str = "") -> Figure | None:
    """The same apart for each value (or third) of a setting; None without any.

    Parameters
    ----------
    by : the setting, one of :func:`dividing`; empty: that with the fewest values.
    """
    drawn, settings = _whole(found), dividing(found)
    if not drawn or not settings:
        return None
    by = by if by in settings else min(settings, key=lambda name: len(_parts(drawn, name)))
    others = [name for name in _settings(found) if name != by] or [by]
    parts = _parts(drawn, by)
    reached = [value * drawn[0][0].measure.scale for value in _capped(drawn)]
    room = 0.06 * (max(reached) - min(reached)) or 0.1
    alike = min(reached) - room, max(reached) + room
    panels = [
        replace(
            _against(found, drawn, name, among),
            title=f"{short([by])[0]} {part}" if not row else "",
            y_range=alike,
        )
        for row, name in enumerate(others)
        for part, among in parts.items()
    ]
    caption = (
        f"Each point: one trial, its validation {drawn[0][0].measure.quantity} against a setting, apart for "
        f"{short([by])[0]}.{_beyond(drawn)}{_left_out(found)}"
    )
    return Figure("multiples", tuple(panels), caption, columns=len(parts), table=_rows(found))


def dividing(found: Sequence[Tuning]) -> list[str]:
    """The settings by which trials can be told apart."""
    drawn = _whole(found)
    return [name for name in _settings(found) if len(_parts(drawn, name)) > 1]


def _parts(drawn: Drawn, name: str) -> dict[str, frozenset[int]]:
    """The runs by the value of a setting; where there are many numbers, by thirds."""
    values = {run.id: value for _, run, tried, _ in drawn if (value := _of(tried, name)) is not None}
    if _numeric(values.values()) and len(set(values.values())) > MOST_PARTS:
        numbers = np.array([float(each) for each in values.values()])  # type: ignore[arg-type]
        low, high = np.quantile(numbers, (1 / 3, 2 / 3))
        told = {run: int(each > low) + int(each > high) for run, each in zip(values, numbers, strict=True)}
        ends = [numbers[[at == part for at in told.values()]] for part in range(3)]
        names = [f"{worded(float(each.min()))} to {worded(float(each.max()))}" for each in ends if len(each)]
        kept = [part for part in range(3) if len(ends[part])]
        groups = zip(names, kept, strict=True)
        return {name: frozenset(run for run, at in told.items() if at == part) for name, part in groups}
    heads = sorted({worded(each) for each in values.values()})
    return {head: frozenset(run for run, each in values.items() if worded(each) == head) for head in heads}


def _numeric(values: Iterable[object]) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def _against(found: Sequence[Tuning], drawn: Drawn, name: str, among: frozenset[int] | None = None) -> Panel:
    """What trials (those of some runs, or all) came to, against a setting."""
    row = drawn[0][0].measure
    had = [
        (each, run, tried, value * row.scale)
        for (each, run, tried, _), value in zip(drawn, _capped(drawn), strict=True)
        if _of(tried, name) is not None
    ]
    numeric = _numeric(_of(tried, name) for _, _, tried, _ in had)
    heads = [] if numeric else sorted({worded(_of(tried, name)) for _, _, tried, _ in had})
    curves = []
    for each in found:
        mine = [row[1:] for row in had if row[0] is each and (among is None or row[1].id in among)]
        at = [_of(tried, name) for _, tried, _ in mine]
        curve = Curve(
            each.label,
            each.colour,
            np.array([float(v) if numeric else heads.index(worded(v)) for v in at]),  # type: ignore[arg-type]
            np.array([value for *_, value in mine]),
            kind="markers",
            small=True,
            points=tuple(f"trial {tried.number}, {tried.value:.4g}" for _, tried, _ in mine),
            runs=tuple(run.id for run, *_ in mine),
        )
        curves += [curve] * bool(mine)
    title = short([name])[0]
    return Panel(
        x_label="" if heads else title,
        title=title if heads else "",
        y_label=quantities.axis(row, "Validation"),
        x_names=tuple(heads),
        x_log=name in {_own(path) for each in found for path in each.logs},
        curves=tuple(curves),
    )


def expected_best(found: Sequence[Tuning]) -> Figure | None:
    """What the best of so many trials comes to, if they are drawn from those that were made; None without
    any."""
    curves, table = [], []
    row = None
    for each in found:
        values, sign = _all_values(each)
        if not len(values):
            continue
        row = each.measure
        mean, low, middle, high = best_of_n(values, sign)
        n = np.arange(1, len(mean) + 1)
        ids = tuple(run.id for run, _ in each.tried)
        x, shown = n.astype(float), [part * row.scale for part in (middle, low, high)]
        curves.append(Curve(each.label, each.colour, x, shown[0], shown[1], shown[2], runs=ids))
        table += [
            {"algorithm": each.label, "trials": int(at), "expected": m, "median": mid, "low": lo, "high": hi}
            for at, m, lo, mid, hi in zip(n, mean, low, middle, high, strict=True)
        ]
    if row is None:
        return None
    panel = Panel(x_label=tr("Trials"), y_label=quantities.axis(row, "Best validation"), curves=tuple(curves))
    caption = (
        f"The best validation {row.quantity} of n trials, where n of those that were made are drawn (without "
        f"replacement): median, with the {LOW:.0%} and {HIGH:.0%} quantiles. A trial that failed or was "
        "given up counts as the worst. Where trials were proposed by what came before (TPE), later ones are "
        "better than drawn ones would be."
    )
    return Figure("expected_best", (panel,), caption, table=tuple(table))


def _all_values(each: Tuning) -> tuple[Array, int]:
    """What every trial came to, the worst where it came to nothing, and the sign of the measure."""
    sign = next((tried.sign for _, tried in each.tried if tried.sign), -1)
    whole = [tried.value for _, tried in each.tried if tried.whole and tried.value is not None]
    if not whole:
        return np.empty(0), sign
    worst = min(whole, key=lambda value: sign * value)
    return np.array([*whole, *[worst] * (len(each.tried) - len(whole))]), sign


def best_of_n(values: Array, sign: int) -> tuple[Array, Array, Array, Array]:
    """The best of n values drawn without replacement, for n = 1 … N: expected, and three quantiles.

    Parameters
    ----------
    values : ``[N]``.
    sign : 1 where the best is the largest, -1 where it is the smallest.
    """
    ordered = np.sort(sign * values)
    total = len(ordered)
    mean, quantiles = np.empty(total), np.empty((total, 3))
    for n in range(1, total + 1):
        # the best of n is at most the i-th where all n are among the first i
        below = np.array([math.comb(i, n) / math.comb(total, n) for i in range(1, total + 1)])
        mean[n - 1] = ordered @ np.diff(below, prepend=0.0)
        quantiles[n - 1] = ordered[np.minimum(np.searchsorted(below, (LOW, 0.5, HIGH)), total - 1)]
    low, middle, high = sign * quantiles.T[::sign]
    return sign * mean, low, middle, high


def importance(found: Sequence[Tuning]) -> Figure | None:
    """How much of what validation came to is due to each setting; None where that cannot be said.

    Raises
    ------
    InputError
        If Optuna is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise InputError("Optuna is not installed, which says what matters: pip install optuna")
    names = _settings(found)
    shares = [(each, _importances(each)) for each in found]
    known_of = [(each, share) for each, share in shares if share]
    if not known_of:
        return None
    cells = tuple(
        tuple(
            Shade("–", math.nan) if name not in share else Shade(f"{share[name]:.0%}", share[name])
            for name in names
        )
        for _, share in known_of
    )
    panel = Panel(
        x_names=tuple(short(names)),
        shades=cells,
        row_names=tuple(each.label for each, _ in known_of),
        row_titles=tuple(f"{each.label}, {plural(len(each.tried), 'trial')}" for each, _ in known_of),
    )
    caption = (
        "Share of the variance of validation over the trials that is due to each setting (functional ANOVA "
        "by a random forest). It is of these ranges and these trials alone: few trials tell little, and what "
        f"TPE has proposed lies where it was good.{_beyond(_whole(found))}{_left_out(found)}"
    )
    table = tuple({"algorithm": each.label} | share for each, share in known_of)
    return Figure("importance", (panel,), caption, table=table)


def _importances(each: Tuning) -> dict[str, float]:
    """By setting; empty where too little is known."""
    import optuna  # takes a second

    drawn = [row for row in _whole([each]) if row[2].whole]
    rows, reached = [row[2] for row in drawn], _capped(drawn) if drawn else []
    names = list(dict.fromkeys(name for tried in rows for name in tried.values))
    distinct = {name: list(dict.fromkeys(worded(tried.values[name]) for tried in rows)) for name in names}
    names = [name for name in names if len(distinct[name]) > 1]
    if len(rows) < FEWEST or not names or len(set(reached)) < 2:
        return {}
    ways: dict[str, Any] = {}
    coded: dict[str, Callable[[object], object]] = {}
    for name in names:
        values = [tried.values[name] for tried in rows]
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            log = name in each.logs and min(values) > 0
            ways[name] = optuna.distributions.FloatDistribution(
                float(min(values)), float(max(values)), log=log
            )
            coded[name] = float  # type: ignore[assignment]
        else:
            ways[name] = optuna.distributions.CategoricalDistribution(range(len(distinct[name])))
            coded[name] = lambda value, heads=distinct[name]: heads.index(worded(value))  # type: ignore[misc]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={name: coded[name](tried.values[name]) for name in names},
                distributions=ways,
                value=value,
            )
            for tried, value in zip(rows, reached, strict=True)
        ]
    )
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {_own(name): float(share) for name, share in found.items()}


def picture(found: Sequence[Tuning], which: str, by: str = "") -> Figure | None:
    """One of :data:`PICTURES`; ``by``: see :func:`multiples`."""
    if which == "multiples":
        return multiples(found, by)
    makers = {"lines": lines, "slices": slices, "best": expected_best, "importance": importance}
    return makers[which](found)


# --- words -----------------------------------------------------------------------------------------


def _rows(found: Sequence[Tuning]) -> tuple[dict[str, Any], ...]:
    """A row for each trial."""
    names = _settings(found)
    return tuple(
        {"algorithm": each.label, "trial": tried.number, "run": run.id, "status": _status(run, tried)}
        | {name: worded(_of(tried, name)) for name in names}
        | {
            f"validation_{each.measure.name}": tried.value,
            "chosen": each.best is not None and each.best[1] is tried,
        }
        for each in found
        for run, tried in each.tried
    )


def _status(run: RunRecord, tried: Tried) -> str:
    return "given up" if tried.given_up else run.status


def table(found: Sequence[Tuning]) -> Table:
    """The trials, a row each."""
    rows = _rows(found)
    heads = list(dict.fromkeys(key for row in rows for key in row))
    numbers = {"trial", "run"} | {key for key in heads if key.startswith("validation_")}
    return Table(
        "trials",
        tuple(Column(key, key.replace("_", " "), number=key in numbers) for key in heads),
        rows,
        words(found),
    )


def words(found: Sequence[Tuning], between: str = " ") -> str:
    """What was chosen, in a sentence an algorithm, with something between them."""
    said = []
    for each in found:
        done = f"{each.label}: {len(each.tried)} of {plural(max(each.planned, len(each.tried)), 'trial')}"
        if each.best is None:
            said.append(f"{done}, none of which came to a number.")
            continue
        row, (_, best) = each.measure, each.best
        names = short([_own(path) for path in best.values])
        values = listed([f"{name} {worded(v)}" for name, v in zip(names, best.values.values(), strict=True)])
        assert best.value is not None
        said.append(
            f"{done}, best {row.quantity} {best.value * row.scale:.4g} by trial {best.number}: {values}."
        )
    return between.join(said)
