"""What a run costs: seconds and floating-point operations by phase, memory, and room in its project.

Before a run it is estimated from a few of its own meta-iterations and episodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from workbench.engine.devices import synchronise
from workbench.engine.episodes import FROZEN_BLOCK, KEPT_NUMBERS
from workbench.engine.evaluation import Curves, evaluate
from workbench.engine.meta_step import MetaStep
from workbench.engine.meta_test import TIMED_TASKS
from workbench.engine.tensor_file import LONGEST_HEAD
from workbench.engine.timing import Watch
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.summaries import CostSummary
from workbench.tasks.base import Episode

MEASURING = 1.0
"""Seconds of training that are timed, and of an evaluation that is long enough to tell."""

TOO_LONG = 10.0
"""Seconds that an evaluation to tell from takes at most, where fewer tasks can tell."""

MORE = 8
"""So many times as many tasks are measured next."""

CHECKPOINTS = 2
"""That a project keeps of a run."""

POINTS = 3 * 8
"""Bytes that a meta-iteration adds to the curves."""


@dataclass(frozen=True)
class Cost:
    """What a run takes.

    Attributes
    ----------
    seconds : by phase: training, validation, test.
    operations : floating-point operations alike, a multiplication with its addition as two: of matrix
        products and convolutions, beside which others hardly count.
    memory : bytes of the process at their most.
    disk : bytes in the project.
    """

    seconds: Mapping[str, float]
    operations: Mapping[str, float]
    memory: int
    disk: int


def estimated(trainer: Trainer) -> Cost:
    """What the run of a trainer that has not begun will take; no run can be done with it afterwards."""
    forget_peak()
    settings, algorithm = trainer.experiment.evaluation, trainer.algorithm
    iterations, validation = trainer.iterations, settings.validation_episodes
    others = [*filter(None, [trainer.family.shift]), *trainer.family.domains]
    segments = trainer.family.segments if algorithm.drifts and iterations else 0
    drawn = {
        "validation": (1 + segments) * validation,
        "test": (1 + len(others)) * settings.episodes + (1 + algorithm.problem.chooses) * validation,
    }
    tasks = drawn | {"validation": trainer.demands.validations * drawn["validation"]}
    operations = {
        "training": operations_of_an_iteration(trainer) * iterations,
        **{name: operations_of_a_task(trainer) * count for name, count in tasks.items()},
    }
    tested = _Tested(trainer)
    seconds = {
        "training": _training(trainer, tested.drawing),
        **{name: tested.drawing * drawn[name] + tested.measuring * count for name, count in tasks.items()},
    }
    seconds["test"] += tested.alone * (TIMED_TASKS + 1)
    kept = (tested.numbers * count for count in (settings.episodes * (1 + len(others)), validation))
    return Cost(
        seconds,
        operations,
        memory=peak() + sum(4 * each for each in kept if each <= KEPT_NUMBERS),
        disk=CHECKPOINTS * (trainer.demands.most_bytes - LONGEST_HEAD)
        + POINTS * iterations
        + round(tested.bytes * settings.episodes * (1 + len(others))),
    )


def spent(trainer: Trainer) -> CostSummary:
    """What a run took that has just ended. Operations are counted where it trained for long enough that
    counting them is nothing beside it, and a world does not fail now that its work is done."""
    operations = None
    if trainer.seconds >= MEASURING:
        with suppress(InputError, torch.OutOfMemoryError):
            operations = {
                "iteration": operations_of_an_iteration(trainer),
                "task": operations_of_a_task(trainer),
            }
    seconds = {"training": trainer.seconds, "validation": trainer.validating, "test": trainer.testing}
    found: CostSummary = {"seconds": seconds, "operations": operations, "peak_memory": peak()}
    joules = trainer.energy.joules
    return (
        found if joules is None else {**found, "joules": {str(phase): each for phase, each in joules.items()}}
    )


# --- operations ---------------------------------------------------------------------------------------------


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the floating-point operations of what this thread computes."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


def operations_of_an_iteration(trainer: Trainer) -> int:
    """Floating-point operations of the trainer's next meta-iteration, counted on one of its tasks."""
    if not trainer.iterations:
        return 0
    algorithm, drawn, tasks = trainer.algorithm, trainer.drawn(), trainer.prepared()
    collected, learned = _Counter(), _Counter()
    with collected, torch.no_grad():
        algorithm.collect(trainer.meta, drawn.tasks(0, 1))
    with learned:
        MetaStep(algorithm, chunk=1).gradient(trainer.meta, tasks.tasks(0, 1))
    return drawn.count * collected.total + tasks.count * algorithm.outer.epochs * learned.total


def operations_of_a_task(trainer: Trainer) -> int:
    """Floating-point operations of adapting to a task of meta-test, and measuring it at every step."""
    counter = _Counter()
    with counter:
        _evaluate(trainer, trainer.frozen("test", 1), threads=1)
    return counter.total


# --- seconds ------------------------------------------------------------------------------------------------


def _training(trainer: Trainer, drawing: float) -> float:
    """Seconds of all meta-iterations, those that warm up and the others, where a task is drawn so quickly."""
    taken = drawing * trainer.algorithm.new_tasks(trainer.meta_batch) * trainer.iterations
    for begin, end in ((0, trainer.warm_up), (trainer.warm_up, trainer.iterations)):
        if begin < end:
            trainer.iteration = begin
            taken += min(trainer.time_steps(MEASURING)) * (end - begin)
    return taken


class _Tested:
    """An evaluation of as many episodes as it takes to tell.

    Attributes
    ----------
    drawing, measuring : seconds of a task.
    bytes, numbers : of a task: of what is kept of its result, and of its data.
    alone : seconds of a task that has no others beside it.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._measure(1)  # which warms up
        self.alone = self._measure(1)[1]
        count, most = 1, trainer.experiment.evaluation.episodes
        while True:
            count = min(most, count * MORE)
            drawing, measuring = self._measure(count)
            took = drawing + measuring
            told = count >= FROZEN_BLOCK and took >= MEASURING
            if count == most or told or took * MORE > TOO_LONG:
                break
        self.drawing, self.measuring = drawing / count, measuring / count

    def _measure(self, count: int) -> tuple[float, float]:
        """Seconds to draw so many tasks, and to measure them."""
        trainer, drawing, measuring = self._trainer, Watch(), Watch()
        with drawing:
            episodes = trainer.frozen("test", count)
        with measuring:
            arrays = _evaluate(trainer, episodes, threads=trainer.workers).arrays()
            synchronise(trainer.device)
        self.bytes = sum(each.nbytes for each in arrays.values()) / count
        self.numbers = next(iter(episodes)).numbers
        return drawing.seconds, measuring.seconds


def _evaluate(trainer: Trainer, episodes: Iterable[Episode], threads: int) -> Curves:
    settings = trainer.experiment.evaluation
    return evaluate(
        trainer.algorithm,
        trainer.meta,
        episodes,
        settings.inner_steps,
        transductive=settings.transductive,
        threads=threads,
        asked=trainer.asked,
    )


# --- memory ---------------------------------------------------------------------------------------------

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Let :func:`peak` begin anew, where the platform can."""
    with suppress(OSError):
        _FORGET.write_text("5")


def peak() -> int:
    """Most bytes of memory that this process has had; what it has now, where the platform does not tell."""
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    held = psutil.Process().memory_info()
    return int(getattr(held, "peak_wset", held.rss))
