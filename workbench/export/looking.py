"""The ways to look inside a run that a window offers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench.data.progress import Progress
from workbench.export.predicting import Predictor
from workbench.pictures import Figure
from workbench.words import marked

if TYPE_CHECKING:  # it imports torch, which is not awaited here
    from workbench.engine.inside import Asked


class Look(NamedTuple):
    """A way to look inside.

    Attributes
    ----------
    title : for people.
    figure : computes it, of a run of a project, and keeps it.
    of_one : whether it shows one task.
    quick : whether it has a quick way too, which is compared on several tasks.
    fewest : how many tasks it needs; 0: nobody chooses them.
    """

    title: str
    figure: Callable[[Predictor, Path, int, Asked, Progress], Figure]
    of_one: bool = False
    quick: bool = False
    fewest: int = 1


def looks() -> dict[str, Look]:
    """By name; imports PyTorch."""
    from workbench.engine.inside import VIEWS
    from workbench.engine.membership import LEAST

    found = {
        name: Look(view.title, partial(_view, name), view.of_one, view.quick, view.fewest)
        for name, view in VIEWS.items()
    }
    return found | {"audit": Look(marked("Can training tasks be told?"), _audit, fewest=LEAST)}


def _view(what: str, predictor: Predictor, path: Path, run: int, asked: Asked, progress: Progress) -> Figure:
    return predictor.look_inside(path, run, what, asked, progress)


def _audit(predictor: Predictor, path: Path, run: int, asked: Asked, progress: Progress) -> Figure:
    return predictor.look_at_training(path, run, asked.tasks, progress)
