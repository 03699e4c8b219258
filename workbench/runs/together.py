"""Seeds of one algorithm, trained side by side in one process: their outer gradients are one computation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from workbench.engine.stack import Stack
from workbench.errors import InputError
from workbench.project import Project, Status
from workbench.runs.control import Control
from workbench.runs.experiments import of_record, open_family, reading_of
from workbench.runs.performing import Tell, perform
from workbench.tasks.base import Progress

MOST_TOGETHER = 16
"""Seeds that are computed together; more bring little."""


def together(
    project: Project,
    wanted: Iterable[int],
    control: Control,
    tell: Callable[[int], Tell],
    refused: Callable[[int, InputError], None],
    progress: Progress | None = None,
) -> dict[int, Status]:
    """Do runs, those that follow each other and differ in the seed alone together; how each ended.

    Parameters
    ----------
    tell : who is told what happens in a run, on the run's own thread.
    refused : told of a run that could not even start.
    progress : of opening the data.
    """

    def alike(run: int) -> tuple[str, str, int, int]:
        record = project.run(run)
        one = of_record(project, record)
        same = one.experiment.single(one.config, 0).hash()
        return same, record.data_hash, reading_of(record), record.iterations

    ended: dict[int, Status] = {}
    for _, each in groupby(wanted, key=alike):
        runs = list(each)
        for start in range(0, len(runs), MOST_TOGETHER):
            if not control.stopping:
                part = runs[start : start + MOST_TOGETHER]
                ended |= _side_by_side(project, part, control, tell, refused, progress)
    return ended


def _side_by_side(
    project: Project,
    runs: list[int],
    control: Control,
    tell: Callable[[int], Tell],
    refused: Callable[[int, InputError], None],
    progress: Progress | None,
) -> dict[int, Status]:
    record = project.run(runs[0])
    ended: dict[int, Status] = {}
    try:
        family = open_family(of_record(project, record).experiment, progress, reading_of(record))
    except InputError as error:
        for run in runs:
            refused(run, error)
        return ended
    stack = Stack()

    def one(run: int) -> Status:
        with Project.open(project.path) as own:  # a thread has a connection of its own
            return perform(own, run, family, control, tell(run), stack)

    with ThreadPoolExecutor(len(runs), thread_name_prefix="seed") as pool:
        for run, done in [(run, pool.submit(one, run)) for run in runs]:
            try:
                ended[run] = done.result()
            except InputError as error:
                refused(run, error)
    return ended
