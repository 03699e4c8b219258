"""How a run is computed on this machine: chunk of tasks and threads, chosen by a short measurement.

What was chosen is part of the run's record, since the order of summation changes the last bits.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from workbench.algorithms.base import Algorithm, Params
from workbench.config import Training, Trains
from workbench.engine.devices import environment, most_threads, synchronise
from workbench.engine.interruption import Asked, give_up_if, nobody_asks
from workbench.engine.meta_step import MetaStep
from workbench.paths import cache_folder, write_atomically
from workbench.tasks.base import Episode

ROUNDS = 5
SECONDS = 3.0
"""After so long no further round is begun."""

HOPELESS = 1.5
"""A plan that was so much slower a task than the best so far is not timed again."""

CHUNK_NUMBERS = 2_200_000
"""Most numbers in the examples of a chunk; activations take some hundred times as much memory."""

THREADS_MUST_BRING = 0.9
"""Another thread is taken where it makes the time this much or less: cores have other uses too."""


@dataclass(frozen=True)
class Plan:
    """How a run is computed.

    Attributes
    ----------
    device : torch's name of it.
    threads : CPU threads. They share out the chunks of a meta-batch; where there are fewer chunks than
        threads, they share the work inside an operation.
    chunk : tasks computed at once.
    """

    device: str
    threads: int
    chunk: int

    def workers(self, tasks: int) -> int:
        """Chunks of so many tasks that are computed at the same time."""
        return min(self.threads, -(-tasks // self.chunk)) if self.device == "cpu" else 1

    def threads_of_an_operation(self, tasks: int) -> int:
        """The threads that are left for each of them."""
        return self.threads // self.workers(tasks)


def choose(
    training: Training,
    algorithm: Algorithm,
    meta: Params,
    episode: Episode,
    device: torch.device,
    asked: Asked = nobody_asks,
) -> Plan:
    """The plan that a configuration asks for; what it leaves to ``auto`` is measured once and remembered.

    Parameters
    ----------
    training : the configuration.
    algorithm, meta : what is trained.
    episode : a meta-batch of the run's size.
    device : where.
    asked : asked between two timings whether to give up, with an ``AbandonedError``.
    """
    tasks = episode.count
    threads = training.threads if training.threads != "auto" else None
    chunk = min(training.chunk, tasks) if training.chunk != "auto" else None
    if not isinstance(algorithm.config, Trains):
        return Plan(str(device), threads or most_threads(), chunk or tasks)
    if threads is not None and chunk is not None:
        return Plan(str(device), threads, chunk)
    if device.type != "cpu":
        threads = threads or most_threads()
    key = _key(algorithm, episode, device, threads, chunk, training)
    file = cache_folder() / "plans.json"
    try:
        return Plan(**_remembered(file)[key])
    except (KeyError, TypeError):  # not measured yet, or damaged
        plan = _measure(algorithm, meta, episode, device, threads, chunk, asked)
    text = json.dumps({**_remembered(file), key: asdict(plan)}, indent=1)
    write_atomically(file, lambda out: out.write(text.encode()))
    return plan


def _remembered(file: Path) -> dict[str, Any]:
    """The plans measured so far; none where the file is damaged, since they can be measured again."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _measure(
    algorithm: Algorithm,
    meta: Params,
    episode: Episode,
    device: torch.device,
    threads: int | None,
    chunk: int | None,
    asked: Asked = nobody_asks,
) -> Plan:
    before = torch.get_num_threads()
    try:
        tasks = episode.count
        sizes = [chunk] if chunk else _sizes(tasks, max(1, CHUNK_NUMBERS // episode.numbers))
        # by one thread first: beside another busy process two threads stall each other for whole slices
        plans = [
            Plan(str(device), threads if device.type != "cpu" and threads else 1, size) for size in sizes
        ]
        best = _best([_Timed(algorithm, meta, episode, plan) for plan in plans], asked)
        if device.type != "cpu" or threads == 1 or most_threads() == 1:
            return best.plan
        many = threads or most_threads()
        shared = {min(best.plan.chunk, -(-tasks // many)), best.plan.chunk} if chunk is None else {chunk}
        rivals = [_Timed(algorithm, meta, episode, Plan(str(device), many, size)) for size in shared]
        winner = _best(rivals if threads else [best, *rivals], asked)
        worth_it = winner.seconds_per_task <= THREADS_MUST_BRING * best.seconds_per_task
        return winner.plan if threads or worth_it else best.plan
    finally:
        torch.set_num_threads(before)


class _Timed:
    """The quickest of several computations by one plan, of as many chunks as it computes at once."""

    def __init__(self, algorithm: Algorithm, meta: Params, episode: Episode, plan: Plan) -> None:
        self.plan, self._meta = plan, meta
        self._device = episode.device
        self._threads = plan.threads_of_an_operation(episode.count)
        workers = plan.workers(episode.count)
        self._step = MetaStep(algorithm, chunk=plan.chunk, threads=workers)
        self._part = episode.tasks(0, plan.chunk * workers)
        self.times = 0
        self.seconds_per_task = float("inf")

    def once(self) -> None:
        self.times += 1
        torch.set_num_threads(self._threads)
        synchronise(self._device)
        start = time.perf_counter()
        try:
            self._step.gradient(self._meta, self._part)
            synchronise(self._device)
        except torch.OutOfMemoryError:
            return
        taken = (time.perf_counter() - start) / self._part.count
        if self.times > 1:  # the first warms up
            self.seconds_per_task = min(self.seconds_per_task, taken)

    def close(self) -> None:
        self._step.close()


def _best(timed: list[_Timed], asked: Asked = nobody_asks) -> _Timed:
    """The quickest, timed in turn since machines are noisy; the first round warms up."""
    began = time.monotonic()
    try:
        for number in range(ROUNDS + 1):
            if number >= 2 and time.monotonic() - began > SECONDS:
                break
            best = min(each.seconds_per_task for each in timed)
            for each in timed:
                if each.times < 2 or each.seconds_per_task <= HOPELESS * best:
                    give_up_if(asked)
                    each.once()
    finally:
        for each in timed:
            each.close()
    return min(timed, key=lambda each: each.seconds_per_task)


def _sizes(tasks: int, most: int) -> list[int]:
    """1, 2, 4 … tasks up to ``most``, evened out so that the last chunk is not a small rest."""
    doubled = [2**power for power in range(tasks.bit_length())] + [tasks]
    return sorted({-(-tasks // -(-tasks // size)) for size in doubled if size <= most})


def _key(
    algorithm: Algorithm,
    episode: Episode,
    device: torch.device,
    threads: int | None,
    chunk: int | None,
    training: Training,
) -> str:
    machine = environment(device)
    parts = [
        algorithm.config.model_dump_json(exclude={"label", "meta_lr", "iterations"}),
        algorithm.network.config.model_dump_json(),
        [{name: list(tensor.shape) for name, tensor in part.items()} for part in episode],
        [threads, chunk, training.mixed_precision, training.tf32],
        [machine[name] for name in ("torch", "platform", "processors", "device_name")],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
