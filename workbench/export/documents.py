"""What can be exported, in which formats and with which choices; and its making, for a script or a window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

from workbench.analysis import results
from workbench.analysis.arrangement import Arrangement, ordered
from workbench.analysis.source import Grouping, ProjectSource
from workbench.errors import InputError
from workbench.export.wishes import Style, Wish
from workbench.pictures import RUNS
from workbench.project import Project
from workbench.terminal import deliver
from workbench.words import shown

DRAWN = ("png", "svg", "pdf")
WRITTEN = ("csv", "json", "markdown", "latex")


@dataclass(frozen=True)
class Request:
    """What a document is made from.

    Attributes
    ----------
    arrangement : order and names of the algorithms.
    """

    project: Project
    wish: Wish
    form: str
    arrangement: Arrangement

    @property
    def source(self) -> ProjectSource:
        """The runs that are wanted."""
        return ProjectSource(self.project, RUNS, self.wish.runs, self.arrangement)


@dataclass(frozen=True)
class Made:
    """A file's content, and what is said under it (a figure's caption)."""

    content: bytes
    caption: str = ""


Make = Callable[[Request], Made]


@dataclass(frozen=True)
class Kind:
    """A kind of document.

    Attributes
    ----------
    help : what it is, in a line.
    forms : its formats; the first is the usual one.
    fields : of :class:`Wish`, those that have a meaning for it.
    """

    help: str
    forms: tuple[str, ...]
    fields: frozenset[str]
    make: Make = field(repr=False)


# --- figures ---------------------------------------------------------------------------------------


def _drawn(figure: Any, request: Request, what: str, *, table: bool = False) -> Made:
    """A figure in a format, or its data."""
    from workbench.analysis.figure import as_csv

    if figure is None:
        raise InputError(f"there is nothing to draw as {what}: no run that is shown has the data for it yet")
    if request.form == "csv":
        return Made(as_csv(figure, table=table).encode(), figure.caption)
    from workbench.export.drawing import to_bytes, without_shape

    caption, boxes = figure.caption, without_shape(figure) if request.form != "svg" else ""
    if boxes:
        caption += f" The font has no shape for {shown(boxes)}; an SVG keeps them as text."
    return Made(to_bytes(figure, request.wish, request.form), caption)


def _learning_curves(request: Request) -> Made:
    from workbench.analysis.learning import AXIS_LABELS, LearningCurves
    from workbench.analysis.traces import Measure, Settings

    measures = [each for each in get_args(Measure) if each != "report"]
    measure = _one_of("--measure", request.wish.measure or "training_loss", measures)
    axis = _one_of("--x", request.wish.x or "iterations", AXIS_LABELS)
    curves = LearningCurves(request.source)
    smoothing, step = request.wish.smoothing, request.wish.step
    curves.update(Settings(cast(Any, measure), cast(Any, axis), smoothing, step=step))
    return _drawn(curves.figure(), request, "learning curves")


def _adaptation(request: Request) -> Made:
    from workbench.analysis.adaptation import Adaptation, Settings

    quantity = _one_of("--measure", request.wish.measure or "loss", ("loss", "accuracy"))
    figure = Adaptation(request.source).figure(Settings(quantity=cast(Any, quantity), split="test"))
    return _drawn(figure, request, "adaptation curves")


def _met(request: Request) -> tuple[ProjectSource, list[Any]]:
    """The finished runs by the episodes that they met, most runs first."""
    from workbench.analysis.comparison import episodes

    source = request.source
    found, _ = episodes(source)
    if not found:
        raise InputError(
            f"{request.project.path}: no run that is shown is finished, so there is nothing to compare"
        )
    allowed = list(dict.fromkeys(name for each in found for name in each.measures))
    if request.wish.measure:
        _one_of("--measure", request.wish.measure, allowed)
    kept = [each for each in found if not request.wish.measure or request.wish.measure in each.measures]
    steps = sorted({step for each in kept for step in each.steps})
    if request.wish.step is not None and request.wish.step not in steps:
        raise InputError(f"--step: {request.wish.step} was not measured; allowed: {_listed(steps)}")
    return source, kept


def _comparison(request: Request) -> Made:
    from workbench.analysis.comparison import compare, figure

    source, met = _met(request)
    measure = request.wish.measure or met[0].measures[0]
    compared = compare(source, met[0], measure, request.wish.step)
    made = _drawn(figure(source, met[0], compared, measure, request.wish.step), request, "a comparison")
    return Made(made.content, " ".join([made.caption, *_left_out(met)]))


def _left_out(met: Sequence[Any]) -> list[str]:
    others = sum(len(each.entries) for each in met[1:])
    if not others:
        return []
    return [f"Left out: {others} run{'s' if others > 1 else ''} that met other episodes (--runs chooses)."]


def _scatter(request: Request) -> Made:
    from workbench.analysis import sweep

    source, met = _met(request)
    setups = sweep.setups(source, sweep.weights_of(request.project))
    x = _one_of("--x", request.wish.x or "seconds", [*sweep.COSTS, *sweep.names(setups)])
    figure = sweep.scatter(source, setups, met[0], x, request.wish.measure, request.wish.step)
    return _drawn(figure, request, f"points against {x}")


def _parallel(request: Request) -> Made:
    from workbench.analysis import sweep

    source, met = _met(request)
    figure = sweep.parallel(source, sweep.setups(source), met[0], request.wish.measure, request.wish.step)
    return _drawn(figure, request, "parallel coordinates", table=True)


def _critical_difference(request: Request) -> Made:
    from workbench.analysis import critical_difference
    from workbench.analysis.tables import written

    source, _ = _met(request)
    found = critical_difference.families(source, request.wish.measure)
    if found.ranks is None:
        raise InputError(found.words)
    if request.form in WRITTEN:
        return Made(written([critical_difference.table(found)], request.form).encode(), found.words)
    return _drawn(critical_difference.figure(found), request, "a critical-difference diagram")


# --- tables ----------------------------------------------------------------------------------------


def _runs(request: Request) -> Made:
    entries = results.run_entries(request.project, request.wish.runs)
    if request.form in ("csv", "json"):
        return _plain("runs", results.runs_rows(entries), request.form)
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    return Made(written([paper_tables.of_runs(entries)], request.form).encode())


def _table(request: Request) -> Made:
    from workbench.analysis.pairs import arrays_of, statistics
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    source, met = _met(request)
    if request.form in ("csv", "json"):
        rows = paper_tables.rows(source, met, request.wish.measure, request.wish.step)
        return _plain("table", rows, request.form)
    arrays = arrays_of(request.project)
    found = [statistics(source, each, arrays, request.wish.measure, request.wish.step) for each in met]
    tables = [_warned(source, each.met, paper_tables.reached(source, each)) for each in found]
    return Made(written(tables, request.form).encode())


def _plain(name: str, rows: list[dict[str, Any]], form: str) -> Made:
    return Made((results.as_csv(rows) if form == "csv" else results.as_json({name: rows})).encode())


def _statistics(request: Request) -> Made:
    from workbench.analysis.claims import conclusions
    from workbench.analysis.pairs import arrays_of, statistics
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    source, met = _met(request)
    arrays = arrays_of(request.project)
    found = [statistics(source, each, arrays, request.wish.measure, request.wish.step) for each in met]
    tested = [each for each in found if each.claims]
    if not tested:
        raise InputError("no two algorithms met the same episodes, so there is nothing to test")
    told = [_warned(source, each.met, paper_tables.of_tests(each)) for each in tested]
    said = [sentence for each in tested for sentence in conclusions(each.claims)]
    said += [table.caption for table in told]
    return Made(written(told, request.form).encode(), " ".join(said))


def _warned(source: ProjectSource, met: Any, table: Any) -> Any:
    """The table, whose caption says if its runs were not tested or trained alike."""
    from workbench.analysis import protocol

    ids = {entry["id"] for entry in met.entries}
    said = protocol.warnings([card for card in protocol.cards(source) if set(card.runs) & ids], ())
    return replace(table, caption=" ".join([table.caption, *said]))


def _protocol(request: Request) -> Made:
    from workbench.analysis import protocol
    from workbench.analysis.tables import written
    from workbench.export import paper_tables

    source, met = _met(request)
    cards = protocol.cards(source)
    ids = {entry["id"] for entry in met[0].entries}
    own = [card for card in cards if set(card.runs) & ids]
    others = [card for card in cards if not set(card.runs) & ids]
    text = written([paper_tables.of_protocol(cards)], request.form)
    return Made(text.encode(), " ".join(protocol.warnings(own, others)))


def _pivot(request: Request) -> Made:
    from workbench.analysis import sweep
    from workbench.analysis.tables import written

    source, _ = _met(request)
    setups = sweep.setups(source)
    names = sweep.names(setups)
    rows = _one_of("--rows", request.wish.rows or "algorithm", names)
    columns = _one_of("--columns", request.wish.columns or "task", names)
    table = sweep.pivot(setups, rows, columns, request.wish.measure, request.wish.step)
    return Made(written([table], request.form).encode(), table.caption)


# --- what reproduces and reports -------------------------------------------------------------------


def _report(request: Request) -> Made:
    from workbench.export import report

    source = request.source
    if request.wish.measure or request.wish.step is not None:
        _met(request)
    return Made(report.html(request.project, source, request.wish.measure, request.wish.step).encode())


def _config(request: Request) -> Made:
    from workbench.export import script

    return Made(script.toml(script.choose(request.project, request.wish.runs)).encode())


def _script(request: Request) -> Made:
    from workbench.export import script

    return Made(script.python(script.choose(request.project, request.wish.runs)).encode())


def _folder(request: Request) -> Made:
    raise RuntimeError("TensorBoard's event files are a folder; see save")


_TABLE = {"runs", "order"}
_TESTED = {"measure", "step", *_TABLE}
_FIGURE = {*_TESTED, *Style.model_fields}
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


def _arranged(project: Project, wish: Wish) -> Arrangement:
    """The order and names that a wish asks for (see :func:`ordered`)."""
    if not wish.order:
        return Arrangement()
    groups = project.of_sound_runs(
        lambda: Grouping(ProjectSource(project, RUNS, wish.runs)).groups(joined=True)
    )
    return ordered(wish.order, [group.label for group in groups])


def save(
    project: Project, what: str, form: str, wish: Wish, path: Path, arrangement: Arrangement | None = None
) -> str:
    """Write an export, whole or not at all (``-``: on standard output); returns what is said under it.

    Parameters
    ----------
    arrangement : order and names of the algorithms; None: as the wish says.

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
    request = Request(project, wish, form, arrangement or _arranged(project, wish))
    made = project.of_sound_runs(lambda: KINDS[what].make(request))
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
