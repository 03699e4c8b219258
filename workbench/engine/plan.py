"""How a run is computed on this machine: device, threads, chunk of tasks, compiled or not.

What the configuration leaves open is measured once and remembered; what was chosen is part of the run's
record, since the order of summation changes the last bits.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pydantic import ValidationError

from workbench.algorithms.base import Algorithm, Params
from workbench.config import Training, Trains
from workbench.engine.devices import candidates, environment, most_threads
from workbench.engine.interruption import Asked, give_up_if, nobody_asks
from workbench.engine.meta_step import MetaStep
from workbench.engine.timing import Timed, race
from workbench.paths import cache_folder, write_atomically
from workbench.settings import Section, setting
from workbench.tasks.base import Episode

log = logging.getLogger(__name__)

CHUNK_NUMBERS = 2_200_000
"""Most numbers in the examples of a chunk; activations take some hundred times as much memory."""

MORE_MUST_BRING = 0.9
"""Other threads or another device are taken where they make the time this much or less: a processor has
other uses too. Without it one thread wins."""

PARTS_MUST_BRING = 0.97
"""The same of parts of the meta-batch; without it the whole wins."""

OLD = 30 * 24 * 3600.0
"""Seconds after which what was measured is measured again: drivers and machines change."""

COMPILING = 20.0
"""Seconds that compiling takes (about), where it was not tried yet."""

COMPILING_AGAIN = 5.0
"""And at least, in another process, from torch's cache."""

MUST_SAVE = 2.0
"""So many times the seconds that compiling takes it must save: meanwhile nobody sees a curve."""

FEWEST_CALLS = 2000
"""Of a chunk in a run, for compiling to be thought of: it saves some milliseconds of each at most."""


@dataclass(frozen=True)
class Plan:
    """How a run is computed.

    Attributes
    ----------
    device : torch's name of it.
    threads : CPU threads. They share out the chunks of a meta-batch; where there are fewer chunks than
        threads, or chunks are compiled, they share the work inside an operation.
    chunk : tasks computed at once.
    compile : whether the computation of a chunk is compiled.
    """

    device: str
    threads: int
    chunk: int
    compile: bool = False

    def workers(self, tasks: int) -> int:
        """Chunks of so many tasks that are computed at the same time."""
        alone = self.device != "cpu" or self.compile
        return 1 if alone else min(self.threads, -(-tasks // self.chunk))

    def threads_of_an_operation(self, tasks: int) -> int:
        """The threads that are left for each of them."""
        return self.threads // self.workers(tasks)

    def mixed(self, training: Training) -> bool:
        """Whether it computes in mixed precision."""
        return training.mixed_precision and self.device.startswith("cuda")

    def meta_step(
        self, training: Training, algorithm: Algorithm, tasks: int, *, warm: bool = False
    ) -> MetaStep:
        """What computes the outer step of so many tasks."""
        return MetaStep(
            algorithm,
            chunk=self.chunk,
            threads=self.workers(tasks),
            compile=self.compile,
            autocast=torch.bfloat16 if self.mixed(training) else None,
            warm=warm,
            clip=None if training.privacy is None else training.privacy.bound,
        )


class Measured(Section):
    """What was measured of the quickest plan, as it is remembered; what is no such thing is measured anew."""

    device: str = setting(help="Torch's name of it.")
    threads: int = setting(ge=1, le=256, help="CPU threads.")
    chunk: int = setting(ge=1, help="Tasks computed at once.")
    seconds: float = setting(gt=0, unit="s", help="Of a meta-step.")
    overhead: float = setting(ge=0, unit="s", help="Of them that are no arithmetic; compiling saves them.")
    at: float = setting(ge=0, unit="s", help="When, since 1970.")
    sure: bool = setting(help="Whether the machine had nothing else to do.")
    compiled: float | None = setting(None, ge=0, unit="s", help="Of a compiled meta-step, where tried.")
    compiling: float = setting(COMPILING, ge=0, unit="s", help="That compiling took when last done.")

    @property
    def plan(self) -> Plan:
        return Plan(self.device, self.threads, self.chunk)

    @property
    def holds(self) -> bool:
        """Whether it need not be measured again."""
        return self.sure and 0 <= time.time() - self.at < OLD

    @property
    def saving(self) -> float:
        """Seconds of a meta-step that compiling saves: measured where it was tried, else estimated."""
        return self.overhead if self.compiled is None else self.seconds - self.compiled


@dataclass(frozen=True)
class Work:
    """What is to be computed, and measured for it.

    Attributes
    ----------
    training : the configuration.
    algorithm, meta : what is trained, on the CPU.
    episode : a meta-batch of the run's size, on the CPU.
    iterations : meta-iterations of the run.
    asked : asked between two timings whether to give up, with an ``AbandonedError``.
    steady : whether nothing is measured, so that the plan is the same wherever it is chosen.
    """

    training: Training
    algorithm: Algorithm
    meta: Params
    episode: Episode
    iterations: int
    asked: Asked = nobody_asks
    steady: bool = False

    @property
    def tasks(self) -> int:
        return self.episode.count

    @property
    def most_tasks(self) -> int:
        """That a chunk may have, so that memory holds it."""
        return max(1, CHUNK_NUMBERS // self.episode.numbers)

    def step(self, plan: Plan) -> MetaStep:
        """What computes its meta-step by a plan."""
        return plan.meta_step(self.training, self.algorithm, self.tasks)

    def timed(self, plan: Plan, step: MetaStep, tasks: int) -> Timed:
        """The meta-step of some of its tasks, to be timed."""
        device = torch.device(plan.device)
        part = self.episode.tasks(0, tasks).to(device)
        meta = {name: each.to(device) for name, each in self.meta.items()}
        inside = plan.threads_of_an_operation(self.tasks)
        return Timed(lambda: step.gradient(meta, part), part.count, device, inside)


def choose(work: Work) -> tuple[Plan, MetaStep]:
    """The plan that a configuration asks for, and the meta-step by it; what is left to ``auto`` is measured.

    Raises
    ------
    DeviceError
        If the machine has no such device.
    AbandonedError
        If somebody asked.
    """
    if work.steady:
        plan = _steady(work)
        return plan, work.step(plan)
    plans = plans_of(work)
    before = torch.get_num_threads()
    try:
        plan, measured = plans[0], None
        if len(plans) > 1:
            measured = _remembered_or_measured(plans, work)
            plan = measured.plan
        if not work.algorithm.compilable:
            return plan, work.step(plan)
        if work.training.compile != "auto":
            plan = replace(plan, compile=work.training.compile)
            return plan, work.step(plan)
        calls = work.iterations * -(-work.tasks // plan.chunk)
        if plan.device != "cpu" or calls < FEWEST_CALLS:
            step = work.step(plan)
            step.note = f"not compiled: only on the CPU and from {FEWEST_CALLS:,} chunks on is it thought of"
            return plan, step
        return _compiled_if_it_pays(measured or _remembered_or_measured(plans, work), work)
    finally:
        torch.set_num_threads(before)


def _steady(work: Work) -> Plan:
    """The plan that is chosen without measuring: one thread, and as many tasks at once as memory holds."""
    training = work.training
    threads = 1 if training.threads == "auto" else training.threads
    chunk = _sizes(work.tasks, work.most_tasks)[0] if training.chunk == "auto" else training.chunk
    device = str(candidates(training.device)[0])
    return Plan(device, threads, min(chunk, work.tasks), training.compile is True)


def plans_of(work: Work) -> list[Plan]:
    """The plans to choose from; one, where the configuration leaves no choice or nothing is trained."""
    training, tasks = work.training, work.tasks
    devices = candidates(training.device)
    threads = None if training.threads == "auto" else training.threads
    chunk = None if training.chunk == "auto" else min(training.chunk, tasks)
    if not (isinstance(work.algorithm.config, Trains) and work.iterations):
        return [Plan(str(devices[0]), threads or most_threads(), chunk or tasks)]
    plans = []
    for device in devices:
        cpu = device.type == "cpu"
        sizes = [chunk] if chunk else _sizes(tasks, work.most_tasks)
        for number in [threads] if threads else sorted({1 if cpu else most_threads(), most_threads()}):
            # a share of the meta-batch for each thread, or all of it with the threads inside operations
            shared = -(-tasks // number) if cpu else tasks
            plans += [Plan(str(device), number, size) for size in sizes if size <= shared or size == sizes[0]]
    return plans


def _sizes(tasks: int, most: int) -> list[int]:
    """The whole, half, a quarter … up to ``most``, so even that the last chunk is not a small rest.

    The largest comes first: whoever is timed after it finds memory that the process already has.
    """
    doubled = [2**power for power in range(tasks.bit_length())] + [tasks]
    return sorted({-(-tasks // -(-tasks // size)) for size in doubled if size <= most}, reverse=True)


def timed_plans(plans: list[Plan], work: Work) -> dict[Plan, Timed]:
    """Plans timed in turn, each by as many chunks as it computes at once."""
    steps = {plan: work.step(plan) for plan in plans}
    timed = {
        plan: work.timed(plan, step, plan.workers(work.tasks) * plan.chunk) for plan, step in steps.items()
    }
    try:
        race(list(timed.values()), work.asked)
    finally:
        for step in steps.values():
            step.close()
    return timed


def _measured(plans: list[Plan], work: Work) -> Measured:
    """The quickest of some plans."""
    single = Plan("cpu", 1, 1)
    timed = timed_plans(list(dict.fromkeys([*plans, single])), work)

    # the longest line to measure dispatch by: one task alone, and as many as one thread takes at once
    least = min(
        (plan for plan in plans if plan.device == "cpu"), default=None, key=lambda p: (p.threads, -p.chunk)
    )
    dispatch = 0.0 if least is None else _dispatch(least, timed[least], timed[single], work.tasks)

    def seconds_of(plan: Plan) -> float:
        taken = timed[plan].seconds
        if plan.workers(work.tasks) > 1:  # which hold the interpreter by turns, even where others hid that
            taken = max(taken, dispatch / plan.chunk)
        return taken * work.tasks

    def charged(plan: Plan) -> float:
        more = plan.threads > 1 or plan.device != "cpu"
        seconds = seconds_of(plan) / (MORE_MUST_BRING if more else 1)
        return seconds / (PARTS_MUST_BRING if plan.chunk < work.tasks else 1)

    best = min(plans, key=charged)
    seconds = seconds_of(best)
    calls = -(-work.tasks // best.chunk) / best.workers(work.tasks)
    return Measured(
        device=best.device,
        threads=best.threads,
        chunk=best.chunk,
        seconds=seconds,
        overhead=min(seconds, dispatch * calls),
        at=time.time(),
        sure=timed[best].sure,
    )


def _dispatch(plan: Plan, chunk: Timed, alone: Timed, tasks: int) -> float:
    """Seconds of a chunk that do not grow with its tasks: what compiling saves.

    They are where a straight line through the time of one task alone and that of a chunk begins.
    """
    size = plan.chunk
    if size == 1:  # the only one, or one that is all arithmetic
        return alone.seconds if tasks == 1 else 0.0
    return max(0.0, size * (alone.seconds - chunk.seconds * plan.workers(tasks)) / (size - 1))


def _compiled_if_it_pays(measured: Measured, work: Work) -> tuple[Plan, MetaStep]:
    """The plan, compiled where that saves more than it takes: by an estimate, then by trying."""
    plan = measured.plan
    step = work.step(plan)
    saved, whole = work.iterations * measured.saving, work.iterations * measured.seconds
    if saved < MUST_SAVE * measured.compiling:
        step.note = (
            f"not compiled: it would save about {max(0.0, saved):.0f} s of {whole:.0f} s and take about "
            f"{measured.compiling:.0f} s"
        )
        return plan, step
    other = replace(plan, compile=True)
    compiled = work.step(other)
    log.info("compiling the meta-step of %s, which takes a while", work.algorithm.config.name)
    torch.set_num_threads(other.threads_of_an_operation(work.tasks))  # or it would be compiled once more
    began = time.monotonic()
    _aside(lambda: compiled.gradient(work.meta, work.episode), work.asked)
    took = time.monotonic() - began
    seconds = quicker = measured.seconds
    if compiled.compiled:
        both = [work.timed(plan, step, work.tasks), work.timed(other, compiled, work.tasks)]
        race(both, work.asked)
        step.close()
        seconds, quicker = (each.seconds * work.tasks for each in both)
        compiled.note = (
            f"compiled in {took:.0f} s: {quicker * 1e3:.2f} instead of {seconds * 1e3:.2f} ms a step"
        )
    found = {"seconds": seconds, "compiled": quicker, "compiling": max(took, COMPILING_AGAIN)}
    _remember(_key(work), measured.model_copy(update=found))
    if quicker < seconds:
        return other, compiled
    step.note = compiled.note if not compiled.compiled else f"not {compiled.note}"
    return plan, step


def _aside(work: Callable[[], object], asked: Asked) -> None:
    """Do what cannot be interrupted on a thread of its own, which is left to itself if somebody asks."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="compiling")
    try:
        done = pool.submit(work)
        while wait_for([done], 0.05).not_done:
            give_up_if(asked)
        done.result()
    finally:
        pool.shutdown(wait=False)


# --- what is remembered ------------------------------------------------------------------------------


def _remembered_or_measured(plans: list[Plan], work: Work) -> Measured:
    key = _key(work)
    known = _remembered().get(key)
    if known is not None and known.holds:
        return known
    measured = _measured(plans, work)
    if known is not None and known.plan == measured.plan:  # what compiling brought stays known
        measured = measured.model_copy(update={"compiled": known.compiled, "compiling": known.compiling})
    _remember(key, measured)
    return measured


def _file() -> Path:
    return cache_folder() / "plans.json"


def _remembered() -> dict[str, Measured]:
    """What was measured so far; what is damaged or of another version is ignored."""
    try:
        entries = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = {}
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        with suppress(ValidationError):
            known[key] = Measured.model_validate(entry)
    return known


def _remember(key: str, measured: Measured) -> None:
    known = {name: each.model_dump() for name, each in (_remembered() | {key: measured}).items()}
    text = json.dumps(known, indent=1)
    write_atomically(_file(), lambda out: out.write(text.encode()))


def _key(work: Work) -> str:
    """What the quickest plan depends on."""
    algorithm, training = work.algorithm, work.training
    machines = [environment(device) for device in candidates(training.device)]
    parts = [
        algorithm.config.model_dump_json(exclude={"label", "meta_lr", "iterations"}),
        algorithm.network.config.model_dump_json(),
        [{name: list(each.shape) for name, each in part.items()} for part in work.episode],
        [training.threads, training.chunk, training.mixed_precision, training.tf32],
        [[each[name] for name in ("torch", "platform", "processors", "device_name")] for each in machines],
    ]
    if training.privacy is not None:
        parts.append("each task clipped")
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
