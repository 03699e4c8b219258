"""Makes each kind of document; :mod:`workbench.export.documents` says which there are.

What is drawn imports matplotlib, and what asks algorithms torch: not before it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.analysis import (
    critical_difference,
    diagnosis,
    membership,
    pairs,
    pareto,
    protocol,
    results,
    sweep,
    tuning,
)
from workbench.analysis import domains as by_domain
from workbench.analysis import predictions as grid
from workbench.analysis.adaptation import Adaptation
from workbench.analysis.adaptation import Settings as AdaptationSettings
from workbench.analysis.arrangement import Arrangement
from workbench.analysis.claims import conclusions
from workbench.analysis.comparison import Episodes, compare, figure
from workbench.analysis.consumed import AXES
from workbench.analysis.figure import as_csv
from workbench.analysis.learning import AXIS_LABELS, LearningCurves, usual_choice
from workbench.analysis.pareto import TIMES
from workbench.analysis.quantities import usual
from workbench.analysis.source import Grouping, ProjectSource
from workbench.analysis.tables import Cells, Column, Table, written
from workbench.analysis.traces import Settings
from workbench.engine.predicted import Request as Wanted
from workbench.errors import InputError
from workbench.export import paper_tables
from workbench.export.paper_tables import Chapter
from workbench.export.wishes import Wish
from workbench.pictures import RUNS, Figure
from workbench.project import Project, RunRecord
from workbench.words import listed, plural, ranges, shown

WRITTEN = ("csv", "json", "markdown", "latex")
"""The formats of tables."""


@dataclass(frozen=True)
class Made:
    """A file's content, and what is said under it (a figure's caption)."""

    content: bytes
    caption: str = ""


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

    def chapters(self) -> list[Chapter]:
        """The experiments with finished runs.

        Raises
        ------
        InputError
            If there are none, or what is wanted was not measured.
        """
        wish = self.wish
        found = [each for each in paper_tables.chapters(self.source) if each.met]
        if not found:
            raise InputError(
                f"{self.project.path}: no run that is shown is finished, so there is nothing to compare"
            )
        if wish.measure:
            measured = dict.fromkeys(name for each in found for met in each.met for name in met.measures)
            one_of("--measure", wish.measure, measured)
            found = [each.of(wish.measure) for each in found]
        steps = sorted({step for each in found for met in each.met for step in met.steps})
        if wish.step is not None and wish.step not in steps:
            raise InputError(f"--step: {wish.step} was not measured; allowed: {ranges(steps)}")
        return [each for each in found if each.met]

    def parts(self) -> list[tuple[ProjectSource, Episodes]]:
        """What can be compared, with the runs of its experiment alone; the episodes of most runs first."""
        found = ((each.source, met) for each in self.chapters() for met in each.met)
        return sorted(found, key=lambda part: -len(part[1].entries))

    def drawn(self, figure: Figure | None, what: str, *, table: bool = False) -> Made:
        """A figure in the format, or its data."""
        if figure is None:
            raise InputError(
                f"there is nothing to draw as {what}: no run that is shown has the data for it yet"
            )
        if self.form == "csv":
            return Made(as_csv(figure, table=table).encode(), figure.caption)
        from workbench.export.drawing import to_bytes, without_shape

        caption, boxes = figure.caption, without_shape(figure) if self.form != "svg" else ""
        if boxes:
            caption += f" The font has no shape for {shown(boxes)}; an SVG keeps them as text."
        return Made(to_bytes(figure, self.wish, self.form), caption)

    def written(self, tables: Sequence[Table], caption: str = "") -> Made:
        """Tables in the format."""
        return Made(written(tables, self.form).encode(), caption)


# --- figures ---------------------------------------------------------------------------------------


def learning_curves(request: Request) -> Made:
    wish, source = request.wish, request.source
    curves, plain = LearningCurves(source), Settings()
    measure = one_of("--measure", wish.measure or usual_choice(source), curves.choices())
    axis = next(each for each in AXIS_LABELS if each == one_of("--x", wish.x or plain.axis, AXIS_LABELS))
    curves.update(Settings(measure=measure, axis=axis, smoothing=wish.smoothing, step=wish.step))
    return request.drawn(curves.figure(), "learning curves")


def adaptation(request: Request) -> Made:
    source, wish = request.source, request.wish
    curves = Adaptation(source)
    quantity = one_of("--measure", wish.measure or usual(source).name, curves.choices("test"))
    chosen = wish.x and one_of("--x", wish.x, AXES)
    axis = next((each for each in AXES if each == chosen), None)
    settings = AdaptationSettings(quantity=quantity, split="test", axis=axis)
    return request.drawn(curves.figure(settings), "adaptation curves")


def comparison(request: Request) -> Made:
    (source, met), *rest = request.parts()
    measure, step = request.wish.measure or met.measures[0], request.wish.step
    compared = compare(source, met, measure, step)
    made = request.drawn(figure(source, met, compared, measure, step), "a comparison")
    others = sum(len(each.entries) for _, each in rest)
    left_out = f" Left out: {plural(others, 'run')} that met other episodes (--runs chooses)."
    return Made(made.content, made.caption + (left_out if others else ""))


def scatter(request: Request) -> Made:
    source, met = request.parts()[0]
    setups = sweep.setups(source, sweep.weights_of(request.project))
    x = one_of("--x", request.wish.x or "seconds", [*sweep.costs(setups), *sweep.names(setups)])
    drawn = sweep.scatter(source, setups, met, x, request.wish.measure, request.wish.step)
    return request.drawn(drawn, f"points against {x}")


def front(request: Request) -> Made:
    source, met = request.parts()[0]
    unit = one_of("--x", request.wish.x or "steps", [*TIMES])
    drawn = pareto.figure(source, sweep.setups(source), met, unit, request.wish.measure)
    return request.drawn(drawn, f"a front by {unit}")


def roc(request: Request) -> Made:
    source, met, found = _diagnosed(request)
    return request.drawn(diagnosis.roc_figure(source, met, found, request.wish.prevalence), "ROC curves")


def reliability(request: Request) -> Made:
    source, met, found = _diagnosed(request)
    drawn = diagnosis.reliability_figure(source, met, found, request.wish.prevalence)
    return request.drawn(drawn, "reliability diagrams")


def diagnoses(request: Request) -> Made:
    found = _diagnosed(request)[2]
    table = diagnosis.table(found, request.wish.prevalence)
    said = [f"{name}: {words}" for name, words in diagnosis.sentences(found, request.wish.prevalence)]
    return request.written([table], "\n".join([table.caption, *said]))


def _diagnosed(request: Request) -> tuple[ProjectSource, Episodes, list[diagnosis.Diagnosed]]:
    """What was diagnosed on the episodes that most runs met.

    Raises
    ------
    InputError
        If nobody asked for it.
    """
    arrays = pairs.arrays_of(request.project)
    for source, each in request.parts():
        if found := diagnosis.diagnosed(source, each, arrays):
            return source, each, found
    raise InputError(
        f"{request.project.path}: no finished run was asked for a diagnosis; say so by [task.diagnosis]"
    )


def domains(request: Request) -> Made:
    found = _by_domain(request)
    if request.form in ("csv", "json"):
        return request.written([Table("domains", (), tuple(by_domain.rows(found)))])
    if request.form in WRITTEN:
        tables = [by_domain.table(found), paper_tables.of_domain_tests(found)]
        return request.written(tables, " ".join([*by_domain.sentences(found), tables[0].caption]))
    return request.drawn(by_domain.figure(found), "a heat map")


def domain_statistics(request: Request) -> Made:
    found = _by_domain(request)
    table = paper_tables.of_domain_tests(found)
    return request.written([table], " ".join([*by_domain.sentences(found), table.caption]))


def _by_domain(request: Request) -> by_domain.Domains:
    """Learners by domain, on the episodes at home that most runs met.

    Raises
    ------
    InputError
        If no run was tested on other domains.
    """
    readers, wish = by_domain.readers_of(request.project), request.wish
    for source, each in request.parts():
        if (found := by_domain.domains(source, each, readers, wish.measure, wish.step)) is not None:
            return found
    raise InputError(
        f"{request.project.path}: no finished run was tested on other domains; say which by [[task.domain]]"
    )


def parallel(request: Request) -> Made:
    source, met = request.parts()[0]
    drawn = sweep.parallel(source, sweep.setups(source), met, request.wish.measure, request.wish.step)
    return request.drawn(drawn, "parallel coordinates", table=True)


def trials(request: Request) -> Made:
    found = tuning.tunings(request.source)
    if not found:
        raise InputError(f"{request.project.path}: no trial of a sweep is over (see workbench sweep)")
    which = one_of("--x", request.wish.x or "lines", [*tuning.PICTURES])
    drawn = tuning.picture(found, which, request.wish.columns)
    if request.form in WRITTEN and (which not in ("best", "importance") or drawn is None):
        return request.written([tuning.table(found)], tuning.words(found))
    if request.form in WRITTEN and drawn is not None:
        heads = tuple(Column(key, key.replace("_", " ")) for key in drawn.table[0])
        return request.written([Table(drawn.name, heads, drawn.table, drawn.caption)], drawn.caption)
    return request.drawn(drawn, "a picture of trials")


def ranks(request: Request) -> Made:
    request.chapters()
    found = critical_difference.families(request.source, request.wish.measure)
    if found.ranks is None:
        raise InputError(found.words)
    if request.form in WRITTEN:
        return request.written([critical_difference.table(found)], found.words)
    return request.drawn(critical_difference.figure(found), "a critical-difference diagram")


def predictions(request: Request) -> Made:
    seen = looked_at(request)
    if request.form == "gif":
        from workbench.export.animation import to_gif

        figures = grid.film(seen)
        if figures:
            return Made(to_gif(figures, request.wish), figures[-1].caption)
    places, wanted = grid.places(seen), request.wish.step
    place = places[-1] if wanted is None else max(each for each in places if each <= wanted)
    return request.drawn(grid.figure(seen, place), "predictions")


def looked_at(request: Request) -> list[grid.Seen]:
    """What one run of each algorithm predicts on the same few tasks, from its newest checkpoint."""
    from workbench.export.predicting import NothingLearnedError, Predictor

    source, wish, predictor = request.source, request.wish, Predictor()
    first: RunRecord | None = None
    seen: list[grid.Seen] = []
    for group in Grouping(source).groups(joined=True):
        run = grid.one_of(group.runs)
        first = first or run
        if (run.task, run.data_hash) != (first.task, first.data_hash) or len(seen) == grid.MOST_LEARNERS:
            continue
        name = group.label if len(group.runs) == 1 else f"{group.label}, seed {run.seed}"
        try:
            wanted = Wanted(wish.first - 1, wish.tasks)
            iteration, found = predictor.predict(
                request.project.path, run.id, wanted, lambda done, text: None
            )
        except NothingLearnedError:
            continue
        if not seen or found.same_tasks(seen[0].predictions):
            done = iteration if run.iterations_planned else None
            known = results.privilege(run.environment), results.privacy(run.environment)
            seen.append(grid.Seen(name, source.colour(run), done, found, *known))
    if not seen:
        raise InputError(f"{request.project.path}: no run that is shown has a checkpoint, so none predicts")
    return seen


def audits(request: Request) -> Made:
    """What can be told of the training tasks of every run that has fixed ones."""
    from workbench.export.predicting import NoFixedTasksError, NothingLearnedError, Predictor

    found, lacking, predictor = [], [], Predictor()
    for run in request.source.shown():
        try:
            found.append(predictor.audit(request.project.path, run.id, None, lambda done, text: None))
        except (NoFixedTasksError, NothingLearnedError) as error:
            lacking.append(str(error))
    if not found:
        raise InputError(lacking[0] if lacking else f"{request.project.path}: has no runs")
    made = audited(request, found)
    left_out = f" Left out: {listed(lacking, 3, '; ')}." if lacking else ""
    return replace(made, caption=made.caption + left_out)


def audited(request: Request, found: Sequence[membership.Audit]) -> Made:
    """Audits as a figure or as a table."""
    if request.form in WRITTEN:
        return request.written([membership.table(found)], membership.caption(found))
    return request.drawn(membership.figure(found), "an audit")


# --- folders ---------------------------------------------------------------------------------------


def episode(project: Project, wish: Wish, folder: Path) -> str:
    from workbench.export.episodes import write

    run = next((each for each in project.runs() if not wish.runs or each.id == wish.runs[0]), None)
    if run is None:
        raise InputError(f"{project.path}: has no runs, so there are no episodes of them")
    written = zip(("--support", "--query"), write(project, run, wish.first - 1, folder), strict=False)
    files = " ".join(f"{option} {path}" for option, path in written)
    return (
        f"meta-test task {wish.first} of {run.name}; "
        f"put to use by: workbench predict {project.path} {run.id} "
        f"{files} -o predictions.csv"
    )


def tensorboard(project: Project, wish: Wish, folder: Path) -> str:
    from workbench.export import tensorboard

    files = tensorboard.write(project, folder, wish.runs)
    return f"{len(files)} runs; tensorboard --logdir {folder}"


# --- tables ----------------------------------------------------------------------------------------


def runs(request: Request) -> Made:
    return request.written([paper_tables.of_runs(results.run_entries(request.project, request.wish.runs))])


def table(request: Request) -> Made:
    found, wish = request.chapters(), request.wish
    if request.form in ("csv", "json"):  # the same rows; nothing is tested for what is bold
        rows: list[Cells] = [
            row for each in found for row in paper_tables.rows(each, wish.measure, wish.step)
        ]
        return request.written([Table("table", (), tuple(rows))])
    return request.written(
        [
            _warned(each, one, paper_tables.reached(each.source, one, each.title))
            for each, one in _tested(request)
        ]
    )


def statistics(request: Request) -> Made:
    tested = [(chapter, each) for chapter, each in _tested(request) if each.claims]
    if not tested:
        raise InputError("no two algorithms met the same episodes, so there is nothing to test")
    told = [_warned(chapter, each, paper_tables.of_tests(each, chapter.title)) for chapter, each in tested]
    said = [sentence for _, each in tested for sentence in conclusions(each.claims)]
    return request.written(told, " ".join([*said, *(table.caption for table in told)]))


def _tested(request: Request) -> list[tuple[Chapter, pairs.Statistics]]:
    arrays, wish = pairs.arrays_of(request.project), request.wish
    return [
        (each, pairs.statistics(each.source, met, arrays, wish.measure, wish.step))
        for each in request.chapters()
        for met in each.met
    ]


def _warned(chapter: Chapter, found: pairs.Statistics, table: Table) -> Table:
    """The table, whose caption says if its runs were not tested or trained alike."""
    own, _ = protocol.parted(protocol.cards(chapter.source), found.met)
    return replace(table, caption=" ".join([table.caption, *protocol.warnings(own, ())]))


def cards(request: Request) -> Made:
    found = [(each, protocol.cards(each.source)) for each in request.chapters()]
    told = [paper_tables.of_protocol(cards, each.title) for each, cards in found]
    if request.form in ("csv", "json"):
        told = [paper_tables.of_protocol(protocol.cards(request.source))]
    said = [word for each, cards in found for word in protocol.warnings(*protocol.parted(cards, each.met[0]))]
    return request.written(told, " ".join(said))


def pivot(request: Request) -> Made:
    request.chapters()
    wish, setups = request.wish, sweep.setups(request.source)
    names = sweep.names(setups)
    rows = one_of("--rows", wish.rows or "algorithm", names)
    columns = one_of("--columns", wish.columns or "task", names)
    table = sweep.pivot(setups, rows, columns, wish.measure, wish.step)
    return request.written([table], table.caption)


# --- what reproduces and reports -------------------------------------------------------------------


def report(request: Request) -> Made:
    from workbench.export.report import html

    wish = request.wish
    if wish.measure or wish.step is not None:
        request.chapters()
    return Made(html(request.project, request.source, wish.measure, wish.step).encode())


def config(request: Request) -> Made:
    from workbench.export import script

    return Made(script.toml(script.choose(request.project, request.wish.runs)).encode())


def script(request: Request) -> Made:
    from workbench.export import script

    return Made(script.python(script.choose(request.project, request.wish.runs)).encode())


# --- in words --------------------------------------------------------------------------------------


def one_of(option: str, value: str, allowed: Iterable[str]) -> str:
    """The value.

    Raises
    ------
    InputError
        If it is none of those that are allowed.
    """
    names = list(allowed)
    if value not in names:
        raise InputError(f"{option}: {value!r} is not known here; allowed: {', '.join(names)}")
    return value
