"""What can be exported, in which formats and with which choices; and its making, for a script or a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

from workbench.analysis import results
from workbench.analysis.arrangement import Arrangement, ordered
from workbench.analysis.colours import ON_PAPER
from workbench.analysis.source import Grouping, ProjectSource
from workbench.errors import InputError
from workbench.project import Project
from workbench.terminal import deliver
from workbench.words import shown

DRAWN = ("png", "svg", "pdf")
WRITTEN = ("csv", "json", "markdown", "latex")


@dataclass(frozen=True)
class Wish:
    """What is wanted; what is empty is chosen by the maker.

    Attributes
    ----------
    measure, step : what is compared, after which inner step (None: the last).
    runs : ids; None: those that are shown (for rows and configurations: all).
    x : of ``scatter`` and ``learning_curves``: what the horizontal axis is.
    rows, columns : of ``pivot``: names of settings.
    arrangement : order and names of the algorithms.
    smoothing : of ``learning_curves``: points of the moving average.
    width_mm, colour : of a figure.
    """

    measure: str = ""
    step: int | None = None
    runs: tuple[int, ...] | None = None
    x: str = ""
    rows: str = ""
    columns: str = ""
    arrangement: Arrangement = field(default_factory=Arrangement)
    smoothing: int = 1
    width_mm: float = 85.0
    colour: bool = True


@dataclass(frozen=True)
class Made:
    """A file's content, and what is said under it (a figure's caption)."""

    content: bytes
    caption: str = ""


Make = Callable[[Project, Wish, str], Made]


@dataclass(frozen=True)
class Kind:
    """A kind of export: its formats (the first is the usual one), choices, and what it is, in a line."""

    help: str
    forms: tuple[str, ...]
    options: frozenset[str]
    make: Make = field(repr=False)


def _source(project: Project, wish: Wish) -> ProjectSource:
    return ProjectSource(project, ON_PAPER, wish.runs, wish.arrangement)


def _entries(project: Project, wish: Wish) -> list[dict[str, Any]]:
    return results.run_entries(project, wish.runs)


# --- figures ---------------------------------------------------------------------------------------


def _drawn(figure: Any, wish: Wish, form: str, what: str, *, table: bool = False) -> Made:
    """A figure in a format, or its data."""
    from workbench.analysis.figure import as_csv

    if figure is None:
        raise InputError(f"there is nothing to draw as {what}: no run that is shown has the data for it yet")
    if form == "csv":
        return Made(as_csv(figure, table=table).encode(), figure.caption)
    from workbench.export.drawing import Style, to_bytes, without_shape

    caption, boxes = figure.caption, without_shape(figure) if form != "svg" else ""
    if boxes:
        caption += f" The font has no shape for {shown(boxes)}; an SVG keeps them as text."
    return Made(to_bytes(figure, Style(wish.width_mm, colour=wish.colour), form), caption)


def _learning_curves(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis.learning import AXIS_LABELS, LearningCurves
    from workbench.analysis.traces import Measure, Settings

    measures = [each for each in get_args(Measure) if each != "report"]
    measure = _one_of("--measure", wish.measure or "training_loss", measures)
    axis = _one_of("--x", wish.x or "iterations", AXIS_LABELS)
    curves = LearningCurves(_source(project, wish))
    curves.update(Settings(cast(Any, measure), cast(Any, axis), max(1, wish.smoothing), step=wish.step))
    return _drawn(curves.figure(), wish, form, "learning curves")


def _adaptation(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis.adaptation import Adaptation, Settings

    quantity = _one_of("--measure", wish.measure or "loss", ("loss", "accuracy"))
    figure = Adaptation(_source(project, wish)).figure(Settings(cast(Any, quantity), split="test"))
    return _drawn(figure, wish, form, "adaptation curves")


def _met(project: Project, wish: Wish) -> tuple[ProjectSource, list[Any]]:
    """The finished runs by the episodes that they met, most runs first."""
    from workbench.analysis.comparison import episodes

    source = _source(project, wish)
    found, _ = episodes(source)
    if not found:
        raise InputError(f"{project.path}: no run that is shown is finished, so there is nothing to compare")
    allowed = list(dict.fromkeys(name for each in found for name in each.measures))
    if wish.measure:
        _one_of("--measure", wish.measure, allowed)
    kept = [each for each in found if not wish.measure or wish.measure in each.measures]
    steps = sorted({step for each in kept for step in each.steps})
    if wish.step is not None and wish.step not in steps:
        raise InputError(f"--step: {wish.step} was not measured; allowed: {_listed(steps)}")
    return source, kept


def _comparison(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis.comparison import compare, figure

    source, met = _met(project, wish)
    measure = wish.measure or met[0].measures[0]
    compared = compare(source, met[0], measure, wish.step)
    made = _drawn(figure(source, met[0], compared, measure, wish.step), wish, form, "a comparison")
    return Made(made.content, " ".join([made.caption, *_left_out(met)]))


def _left_out(met: Sequence[Any]) -> list[str]:
    others = sum(len(each.entries) for each in met[1:])
    if not others:
        return []
    return [f"Left out: {others} run{'s' if others > 1 else ''} that met other episodes (--runs chooses)."]


def _scatter(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis import sweep

    source, met = _met(project, wish)
    setups = sweep.setups(source, sweep.weights_of(project))
    x = _one_of("--x", wish.x or "seconds", [*sweep.COSTS, *sweep.names(setups)])
    figure = sweep.scatter(source, setups, met[0], x, wish.measure, wish.step)
    return _drawn(figure, wish, form, f"points against {x}")


def _parallel(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis import sweep

    source, met = _met(project, wish)
    figure = sweep.parallel(source, sweep.setups(source), met[0], wish.measure, wish.step)
    return _drawn(figure, wish, form, "parallel coordinates", table=True)


def _critical_difference(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis import critical_difference
    from workbench.analysis.tables import written

    source, _ = _met(project, wish)
    found = critical_difference.families(source, wish.measure)
    if found.ranks is None:
        raise InputError(found.words)
    if form in WRITTEN:
        return Made(written([critical_difference.table(found)], form).encode(), found.words)
    return _drawn(critical_difference.figure(found), wish, form, "a critical-difference diagram")


# --- tables ----------------------------------------------------------------------------------------


def _runs(project: Project, wish: Wish, form: str) -> Made:
    entries = _entries(project, wish)
    if form in ("csv", "json"):
        return _plain("runs", results.runs_rows(entries), form)
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    return Made(written([paper_tables.of_runs(entries)], form).encode())


def _table(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis.pairs import arrays_of, statistics
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    source, met = _met(project, wish)
    if form in ("csv", "json"):
        return _plain("table", paper_tables.rows(source, met, wish.measure, wish.step), form)
    arrays = arrays_of(project)
    tables = [
        _warned(
            source,
            each,
            paper_tables.reached(source, statistics(source, each, arrays, wish.measure, wish.step)),
        )
        for each in met
    ]
    return Made(written(tables, form).encode())


def _plain(name: str, rows: list[dict[str, Any]], form: str) -> Made:
    return Made((results.as_csv(rows) if form == "csv" else results.as_json({name: rows})).encode())


def _statistics(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis.claims import conclusions
    from workbench.analysis.pairs import arrays_of, statistics
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    source, met = _met(project, wish)
    arrays = arrays_of(project)
    found = [statistics(source, each, arrays, wish.measure, wish.step) for each in met]
    tested = [each for each in found if each.claims]
    if not tested:
        raise InputError("no two algorithms met the same episodes, so there is nothing to test")
    told = [_warned(source, each.met, paper_tables.of_tests(each)) for each in tested]
    said = [sentence for each in tested for sentence in conclusions(each.claims)]
    said += [table.caption for table in told]
    return Made(written(told, form).encode(), " ".join(said))


def _warned(source: ProjectSource, met: Any, table: Any) -> Any:
    """The table, whose caption says if its runs were not tested or trained alike."""
    from workbench.analysis import protocol

    ids = {entry["id"] for entry in met.entries}
    said = protocol.warnings([card for card in protocol.cards(source) if set(card.runs) & ids], ())
    return replace(table, caption=" ".join([table.caption, *said]))


def _protocol(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis import protocol
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    source, met = _met(project, wish)
    cards = protocol.cards(source)
    ids = {entry["id"] for entry in met[0].entries}
    own = [card for card in cards if set(card.runs) & ids]
    others = [card for card in cards if not set(card.runs) & ids]
    text = written([paper_tables.of_protocol(cards)], form)
    return Made(text.encode(), " ".join(protocol.warnings(own, others)))


def _pivot(project: Project, wish: Wish, form: str) -> Made:
    from workbench.analysis import sweep
    from workbench.analysis.tables import written

    source, _ = _met(project, wish)
    setups = sweep.setups(source)
    names = sweep.names(setups)
    rows = _one_of("--rows", wish.rows or "algorithm", names)
    columns = _one_of("--columns", wish.columns or "task", names)
    table = sweep.pivot(setups, rows, columns, wish.measure, wish.step)
    return Made(written([table], form).encode(), table.caption)


# --- what reproduces and reports -------------------------------------------------------------------


def _report(project: Project, wish: Wish, form: str) -> Made:
    from workbench.export import report

    source = _source(project, wish)
    if wish.measure or wish.step is not None:
        _met(project, wish)
    return Made(report.html(project, source, wish.measure, wish.step).encode())


def _config(project: Project, wish: Wish, form: str) -> Made:
    from workbench.export import script

    return Made(script.toml(script.choose(project, wish.runs)).encode())


def _script(project: Project, wish: Wish, form: str) -> Made:
    from workbench.export import script

    return Made(script.python(script.choose(project, wish.runs)).encode())


def _folder(project: Project, wish: Wish, form: str) -> Made:
    raise RuntimeError("TensorBoard's event files are a folder; see save")


_TABLE = {"runs", "order"}
_TESTED = {"measure", "step", *_TABLE}
_FIGURE = {*_TESTED, "width", "black"}
KINDS = {
    "learning_curves": Kind(
        "loss or accuracy as meta-training goes on", (*DRAWN, "csv"),
        frozenset(_FIGURE | {"x", "smoothing"}), _learning_curves,
    ),
    "adaptation": Kind(
        "query loss or accuracy by inner step, on the meta-test episodes", (*DRAWN, "csv"),
        frozenset(_FIGURE - {"step"}), _adaptation,
    ),
    "comparison": Kind(
        "what each algorithm reached on the same episodes", (*DRAWN, "csv"), frozenset(_FIGURE), _comparison,
    ),
    "scatter": Kind(
        "what was reached against seconds, parameters or any setting", (*DRAWN, "csv"),
        frozenset(_FIGURE | {"x"}), _scatter,
    ),
    "parallel": Kind(
        "settings that differ, as parallel coordinates", (*DRAWN, "csv"), frozenset(_FIGURE), _parallel,
    ),
    "critical_difference": Kind(
        "ranks over several task families (Friedman, Nemenyi)", (*DRAWN, *WRITTEN),
        frozenset(_FIGURE - {"step", "order"}), _critical_difference,
    ),
    "table": Kind("a row for each algorithm", WRITTEN, frozenset(_TESTED), _table),
    "runs": Kind("a row for each run", WRITTEN, frozenset({"runs"}), _runs),
    "statistics": Kind(
        "paired tests of every two algorithms", WRITTEN, frozenset(_TESTED), _statistics,
    ),
    "protocol": Kind("the conditions of each algorithm", WRITTEN, frozenset(_TABLE), _protocol),
    "pivot": Kind(
        "means by two settings", WRITTEN, frozenset({*_TESTED, "rows", "columns"}), _pivot,
    ),
    "report": Kind("all of it in one page", ("html",), frozenset(_TESTED), _report),
    "config": Kind("the configuration", ("toml",), frozenset({"runs"}), _config),
    "script": Kind("a Python script that does the runs again", ("python",), frozenset({"runs"}), _script),
    "tensorboard": Kind(
        "TensorBoard's event files, in a folder", ("tensorboard",), frozenset({"runs"}), _folder,
    ),
}  # fmt: skip
FORMS = tuple(dict.fromkeys(form for kind in KINDS.values() for form in kind.forms))


def arranged(project: Project, runs: tuple[int, ...] | None, order: str) -> Arrangement:
    """The order and names that a text asks for (see :func:`ordered`).

    Raises
    ------
    InputError
        If it does not fit the project's runs.
    """
    groups = project.of_sound_runs(
        lambda: Grouping(ProjectSource(project, ON_PAPER, runs)).groups(joined=True)
    )
    return ordered(order, [group.label for group in groups])


def save(project: Project, what: str, form: str, wish: Wish, path: Path) -> str:
    """Write an export, whole or not at all (``-``: on standard output); returns what is said under it.

    Raises
    ------
    InputError
        If it cannot be made, in words.
    OSError
        If it cannot be written.
    """
    known = {run.id for run in project.runs()}
    for each in project.damaged():
        if each.id in (wish.runs or ()):
            raise InputError(f"--runs: {each.left_out}")
    for run in wish.runs or ():
        if run not in known:
            raise InputError(f"--runs: {run} is no run of {project.path}; allowed: {_listed(sorted(known))}")
    if what == "tensorboard":
        from workbench.export import tensorboard

        files = project.of_sound_runs(lambda: tensorboard.write(project, path, wish.runs))
        return f"{len(files)} runs; tensorboard --logdir {path}"
    made = project.of_sound_runs(lambda: KINDS[what].make(project, wish, form))

    deliver(path, made.content)
    return made.caption


def _one_of(option: str, value: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    if value not in names:
        raise InputError(f"{option}: {value!r} is not known here; allowed: {', '.join(names)}")
    return value


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in a line: runs of them as ranges."""
    parts: list[list[int]] = []
    for each in numbers:
        if parts and each == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], each]
        else:
            parts.append([each])
    return ", ".join("–".join(map(str, dict.fromkeys(part))) for part in parts)
