"""What can be exported, in which formats and with which choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.analysis.arrangement import Arrangement, ordered
from workbench.analysis.source import Group, Grouping, ProjectSource
from workbench.errors import InputError
from workbench.export import makers
from workbench.export.makers import WRITTEN, Made, Request
from workbench.export.paper_tables import chapters
from workbench.export.wishes import Style, Wish
from workbench.pictures import RUNS
from workbench.project import Project
from workbench.terminal import deliver
from workbench.words import ranges

DRAWN = ("png", "svg", "pdf", "csv")
"""The formats of figures, and of their data."""


@dataclass(frozen=True)
class Kind:
    """A kind of document.

    Attributes
    ----------
    help : what it is, in a line.
    forms : its formats; the first is the usual one.
    fields : of :class:`Wish`, those that have a meaning for it.
    make : makes its content; None for what is a folder.
    fill : fills a folder with it, and says something of it; None for what is a file.
    """

    help: str
    forms: tuple[str, ...]
    fields: frozenset[str]
    make: Callable[[Request], Made] | None = field(repr=False)
    fill: Callable[[Project, Wish, Path], str] | None = field(default=None, repr=False)


_RUNS = frozenset({"runs"})
_TABLE = _RUNS | {"order"}
_TESTED = _TABLE | {"measure", "step"}
_FIGURE = _TESTED | Style.model_fields.keys()
KINDS = {
    "learning_curves": Kind(
        "measures as meta-training goes on", DRAWN, _FIGURE | {"x", "smoothing"}, makers.learning_curves
    ),
    "adaptation": Kind(
        "a measure of the queries by inner step, on the meta-test episodes", DRAWN,
        (_FIGURE - {"step"}) | {"x"}, makers.adaptation,
    ),
    "comparison": Kind("what each algorithm reached on the same episodes", DRAWN, _FIGURE, makers.comparison),
    "scatter": Kind(
        "what was reached against seconds, parameters or any setting", DRAWN, _FIGURE | {"x"}, makers.scatter
    ),
    "pareto": Kind(
        "error against time to adapt (--x steps, milliseconds, examples), and who is ahead in both", DRAWN,
        (_FIGURE - {"step"}) | {"x"}, makers.front,
    ),
    "parallel": Kind("settings that differ, as parallel coordinates", DRAWN, _FIGURE, makers.parallel),
    "trials": Kind(
        "what a sweep tried (--x lines, slices, multiples, best, importance), as a picture or a table",
        ("png", "svg", "pdf", *WRITTEN), (_FIGURE - {"measure", "step", "order"}) | {"x", "columns"},
        makers.trials,
    ),
    "roc": Kind(
        "ROC curves, where a diagnosis was asked for", DRAWN,
        (_FIGURE - {"measure", "step"}) | {"prevalence"}, makers.roc,
    ),
    "reliability": Kind(
        "how often predictions of some probability are right, where a diagnosis was asked for", DRAWN,
        (_FIGURE - {"measure", "step"}) | {"prevalence"}, makers.reliability,
    ),
    "domains": Kind(
        "what each learner reached in every domain, as a heat map or a table",
        ("png", "svg", "pdf", *WRITTEN), _FIGURE, makers.domains,
    ),
    "domain_statistics": Kind(
        "paired tests of every two algorithms within each domain", WRITTEN, _TESTED, makers.domain_statistics
    ),
    "diagnosis": Kind(
        "what each learner's diagnoses are worth, and mean for people", WRITTEN, _TABLE | {"prevalence"},
        makers.diagnoses,
    ),
    "membership": Kind(
        "whether training tasks can be told from fresh ones, where they are fixed (see workbench audit)",
        ("png", "svg", "pdf", *WRITTEN), _RUNS | Style.model_fields.keys(), makers.audits,
    ),
    "critical_difference": Kind(
        "ranks over several task families (Friedman, Nemenyi)", ("png", "svg", "pdf", *WRITTEN),
        _FIGURE - {"step", "order"}, makers.ranks,
    ),
    "predictions": Kind(
        "what each learner does on unseen tasks, after the steps of adaptation (gif: one after the other)",
        (*DRAWN, "gif"), _FIGURE - {"measure"} | {"first", "tasks"}, makers.predictions,
    ),
    "table": Kind("a row for each algorithm", WRITTEN, _TESTED, makers.table),
    "runs": Kind("a row for each run", WRITTEN, _RUNS, makers.runs),
    "statistics": Kind("paired tests of every two algorithms", WRITTEN, _TESTED, makers.statistics),
    "protocol": Kind("the conditions of each algorithm", WRITTEN, _TABLE, makers.cards),
    "pivot": Kind("means by two settings", WRITTEN, _TESTED | {"rows", "columns"}, makers.pivot),
    "report": Kind("a chapter for each experiment, to read and to print", ("html",), _TESTED, makers.report),
    "config": Kind("the configuration", ("toml",), _RUNS, makers.config),
    "script": Kind("a Python script that does the runs again", ("python",), _RUNS, makers.script),
    "episode": Kind(
        "a meta-test task as the files that 'workbench predict' reads, in a folder", ("files",),
        _RUNS | {"first"}, None, makers.episode,
    ),
    "tensorboard": Kind(
        "TensorBoard's event files, in a folder", ("tensorboard",), _RUNS, None, makers.tensorboard
    ),
}  # fmt: skip


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
            allowed = ranges(sorted(known))
            raise InputError(f"--runs: {run} is no run of {project.path}; allowed: {allowed}")
    make, fill = KINDS[what].make, KINDS[what].fill
    if fill is not None:
        return project.of_sound_runs(lambda: fill(project, wish, path))
    assert make is not None
    request = Request(project, wish, form, arrangement or _arranged(project, wish))
    made = project.of_sound_runs(lambda: make(request))
    deliver(path, made.content)
    return made.caption


def _arranged(project: Project, wish: Wish) -> Arrangement:
    """The order and names that a wish asks for (see :func:`ordered`)."""
    if not wish.order:
        return Arrangement()

    def groups() -> list[Group]:
        source = ProjectSource(project, RUNS, wish.runs)
        each = [source, *(chapter.source for chapter in chapters(source))]
        return [group for one in each for group in Grouping(one).groups(joined=True)]

    keys: dict[str, list[str]] = {}
    for group in project.of_sound_runs(groups):
        keys.setdefault(group.label, []).append(group.key)
    found = ordered(wish.order, list(keys))
    return Arrangement(tuple(replace(each, key=key) for each in found.places for key in keys[each.key]))
