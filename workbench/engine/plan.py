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
from workbench.config import Training
from workbench.engine.devices import environment, most_threads, synchronise
from workbench.engine.meta_step import MetaStep
from workbench.paths import cache_folder, write_atomically
from workbench.tasks.base import Episode

ROUNDS = 5
HOPELESS = 2.0
"""A chunk that was so much slower a task than the best of the first round is not timed again."""

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
    threads : CPU threads of one operation.
    chunk : tasks computed at once.
    """

    device: str
    threads: int
    chunk: int


def choose(
    training: Training, algorithm: Algorithm, meta: Params, episode: Episode, device: torch.device
) -> Plan:
    """The plan that a configuration asks for; what it leaves to ``auto`` is measured once and remembered.

    Parameters
    ----------
    training : the configuration.
    algorithm, meta : what is trained.
    episode : a meta-batch of the run's size.
    device : where.
    """
    tasks = len(episode.support_x)
    threads = training.threads if training.threads != "auto" else None
    chunk = min(training.chunk, tasks) if training.chunk != "auto" else None
    if not algorithm.trains:
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
        plan = _measure(algorithm, meta, episode, device, threads, chunk)
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
) -> Plan:
    before = torch.get_num_threads()
    try:
        # by one thread first: beside another busy process two threads stall each other for whole slices
        torch.set_num_threads(threads or 1)
        numbers = episode.support_x[0].numel() + episode.query_x[0].numel()
        sizes = _sizes(len(episode.support_x), max(1, CHUNK_NUMBERS // numbers))
        timed = [_Timed(algorithm, meta, episode, size, device) for size in ([chunk] if chunk else sizes)]
        best = _best(timed, rounds=ROUNDS if len(timed) > 1 else 1)
        if threads is not None or most_threads() == 1:
            return Plan(str(device), threads or 1, best.size)
        many = _Timed(algorithm, meta, episode, best.size, device)
        for _ in range(ROUNDS):  # in turn, since machines are noisy
            torch.set_num_threads(most_threads())
            many.once()
            torch.set_num_threads(1)
            best.once()
        worth_it = many.seconds_per_task <= THREADS_MUST_BRING * best.seconds_per_task
        return Plan(str(device), most_threads() if worth_it else 1, best.size)
    finally:
        torch.set_num_threads(before)


class _Timed:
    """The quickest of several computations of one chunk."""

    def __init__(
        self, algorithm: Algorithm, meta: Params, episode: Episode, size: int, device: torch.device
    ) -> None:
        self.size, self._device, self._meta = size, device, meta
        self._step, self._part = MetaStep(algorithm, chunk=size), episode.tasks(0, size)
        self._warm = False
        self.seconds_per_task = float("inf")

    def once(self) -> None:
        synchronise(self._device)
        start = time.perf_counter()
        try:
            self._step.gradient(self._meta, self._part)
            synchronise(self._device)
        except torch.OutOfMemoryError:
            return
        taken = (time.perf_counter() - start) / self.size
        if self._warm:
            self.seconds_per_task = min(self.seconds_per_task, taken)
        self._warm = True


def _best(timed: list[_Timed], rounds: int) -> _Timed:
    """The quickest, timed in turn; the first round warms up."""
    for _ in range(rounds + 1):
        best = min(each.seconds_per_task for each in timed)
        for each in timed:
            if each.seconds_per_task <= HOPELESS * best:
                each.once()
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
        [list(tensor.shape) for tensor in episode],
        [threads, chunk, training.mixed_precision, training.tf32],
        [machine[name] for name in ("torch", "platform", "processors", "device_name")],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
