"""How many steps somebody acts in a second: one task at a time, and many at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch

from workbench.algorithms.trials import task_of
from workbench.engine.building import training_size
from workbench.engine.episodes import seeded
from workbench.engine.timing import ROUNDS, Timed
from workbench.engine.trainer import Trainer
from workbench.problems.control import chance
from workbench.tasks.acting import WorldFamily
from workbench.tasks.base import Data, Episode
from workbench.worlds.rollout import at_random, trial

AT_ONCE = (1, 1024)
"""Tasks that are acted in at once."""

LEAST = 4
"""Rounds that are gone through however long they take."""

Rates = dict[str, dict[str, float]]


@torch.no_grad()
def steps_per_second(trainer: Trainer, seconds: float) -> Rates:
    """Steps per second of the world alone, where moves are at random, and of what a learner collects.

    Parameters
    ----------
    trainer : of a learner.
    seconds : no further round begins after so long; in a round everything has a turn.

    Returns
    -------
    By ``world`` and ``collection`` (where it collects), by the number of tasks at once; empty where nobody
    acts.
    """
    family = trainer.family
    if not isinstance(family, WorldFamily):
        return {}
    size, threads = training_size(trainer.config, family), torch.get_num_threads()
    timed: dict[tuple[str, int], Timed] = {}
    for count in AT_ONCE:
        tasks = family.sample("train", count, seeded(0), size)
        works: dict[str, Callable[[], Data]] = {"world": partial(_moved_at_random, family, tasks)}
        if "alive" in trainer.algorithm.collect(trainer.meta, tasks).query:
            works["collection"] = partial(_collected, trainer, tasks)
        for name, work in works.items():
            steps = int(work()["alive"].sum())
            timed[name, count] = Timed(work, steps, trainer.device, threads)
    began = time.monotonic()
    for number in range(ROUNDS + 1):  # the first warms up, and the least of some turns is taken
        if number < LEAST or time.monotonic() - began < seconds:
            for each in timed.values():
                each.turn()
    rates: Rates = {}
    for (name, count), each in timed.items():
        rates.setdefault(name, {})[str(count)] = 1 / each.seconds
    return rates


def _moved_at_random(family: WorldFamily, tasks: Episode) -> Data:
    return trial(family.world, task_of(tasks.query), chance(tasks.query), at_random(family.world))


def _collected(trainer: Trainer, tasks: Episode) -> Data:
    """What is collected in trials, or in the episodes before and after each inner step."""
    support, query, *_ = trainer.algorithm.collect(trainer.meta, tasks)
    parts = [part["alive"].flatten() for part in (support, query) if "alive" in part]
    return {"alive": torch.cat(parts)}
