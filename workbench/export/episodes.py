"""A frozen meta-test task of a run, written as the files of a new case: what one's own are to look like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench import runs
from workbench.config import Experiment
from workbench.engine.building import evaluation_size
from workbench.engine.episodes import frozen_episode
from workbench.errors import InputError
from workbench.paths import write_atomically
from workbench.project import Project, RunRecord
from workbench.tasks.base import TaskFamily


def write(
    project: Project,
    record: RunRecord,
    index: int,
    folder: Path,
    opened: Callable[[Experiment], TaskFamily] | None = None,
) -> tuple[Path, ...]:
    """Write the meta-test task of that number (from 0); the support set in the folder, and the queries, if
    these are others.

    Parameters
    ----------
    opened : gives the task family of the run's experiment; by default it is opened anew.

    Raises
    ------
    InputError
        If there is no such task, its kind cannot be written, or the folder holds something.
    """
    experiment = runs.of_record(project, record).experiment
    count = experiment.evaluation.episodes
    if index >= count:
        raise InputError(
            f"--first: {index + 1}: {record.name} is tested on {count} tasks; allowed: 1 to {count}"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already; name a new folder")
    family = (
        opened(experiment)
        if opened
        else runs.open_family(experiment, reading=runs.reading_of(record), domains=False)
    )
    files = family.case_files()
    size = evaluation_size(experiment, family)
    episode, told = frozen_episode(family, "test", size, count, experiment.evaluation.seed, index)
    written = files.write(episode, told)
    for name, content in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file, content=content: file.write(content))  # type: ignore[misc]
    return tuple(folder / part for part in dict.fromkeys(name.partition("/")[0] for name in written))
