"""Untitled projects: kept in a folder of the program's own until they get a name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from workbench.paths import data_folder
from workbench.project import Project, ProjectError
from workbench.words import plural, tr


@dataclass(frozen=True)
class Left:
    """An untitled project that an earlier window left."""

    path: Path
    runs: int
    interrupted: int
    changed: float

    def __str__(self) -> str:
        when = time.strftime("%d %B, %H:%M", time.localtime(self.changed))
        runs = plural(self.runs, "run")
        lost = tr("{} interrupted", self.interrupted) if self.interrupted else ""
        return ", ".join(filter(None, [runs, lost, when]))


def _folder() -> Path:
    folder = data_folder() / "untitled"
    folder.mkdir(exist_ok=True)
    return folder


def create() -> Project:
    """A new untitled project, in a file from the first moment.

    Raises
    ------
    ProjectError
        If the folder cannot be written to.
    """
    stem, number = time.strftime("%Y-%m-%d %H.%M.%S"), 1
    while True:
        path = _folder() / f"Untitled {stem}{f' {number}' if number > 1 else ''}.mlwb"
        try:
            return Project.create(path)
        except ProjectError:
            if not path.exists() or number > 1000:
                raise
            number += 1


def is_untitled(path: Path) -> bool:
    """Whether a project has no name of its own yet."""
    return path.parent == _folder().resolve()


def remove(path: Path) -> None:
    """Delete an untitled project that nobody has open.

    Raises
    ------
    ProjectError
        If another window works on it.
    """
    assert is_untitled(path)
    if not path.exists():
        return
    with Project.open(path) as project:
        if project.read_only:
            raise ProjectError(f"{path.name} was not deleted: {project.read_only_reason}")
    path.unlink(missing_ok=True)


def left_behind(present: Path) -> list[Left]:
    """The untitled projects with runs that no window has open, newest first; empty ones are removed.

    Parameters
    ----------
    present : this window's own project.
    """
    found = []
    for path in _folder().glob("*.mlwb"):
        if path.resolve() == present:
            continue
        try:
            changed = path.stat().st_mtime
            with Project.open(path) as project:
                if project.read_only:  # another window's
                    continue
                runs = project.runs()
        except (ProjectError, OSError):  # damaged: not ours to judge, nor to delete
            continue
        if not runs:
            remove(path)
            continue
        interrupted = sum(run.status == "interrupted" for run in runs)
        found.append(Left(path, len(runs), interrupted, changed))
    return sorted(found, key=lambda each: each.changed, reverse=True)
