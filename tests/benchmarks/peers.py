"""The meta-step of this engine beside its peers': the same work, in turn, in one process.

python tests/benchmarks/peers.py [--rounds 20] [--quick] [--compile] [--case NAME] [--markdown]
python tests/benchmarks/peers.py --figures
python tests/benchmarks/peers.py --memory

--figures prints what the project holds itself to, in some minutes: second order, one inner step, five rounds,
the sinusoid compiled too, and plans made three times beside a busy process.
"of floor" is what the convolutions alone take in a plain loop, by the time that is taken: 100% is all
that can be had without quicker convolutions.

Before anything is timed, the contenders' meta-gradients are compared (float64, three tasks). Peers run
with one thread and with all, the engine with what it chooses for itself; --threads sets both.
"CPU ms" is the time of all threads together: what stays comparable when the machine has other work.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import torch

warnings.filterwarnings("ignore")  # of the peers: what they use is deprecated

from contenders import Case, Contender, Engine, Floor, Higher, Loop, Peer, TorchOpt  # noqa: E402

from workbench.config import Training  # noqa: E402
from workbench.engine.devices import keep_freed_memory, most_threads  # noqa: E402
from workbench.engine.plan import Work, choose, plans_of, timed_plans  # noqa: E402

PEERS: tuple[type[Peer], ...] = (Loop, Higher, TorchOpt)
NETWORKS = {"sinusoid": (25, 0.01), "conv4-strided": (32, 0.1), "conv4-pooled": (32, 0.1)}
CASES = [
    Case(network, *NETWORKS[network], order=order, steps=steps)
    for network, order, steps in product(NETWORKS, (2, 1), (1, 5))
]
LEAST_SECONDS = 0.2
"""A turn is at least so long: many steps of a short one, so that the clock does not matter."""


@dataclass
class Entry:
    """A contender, the threads of one of its operations, and what its turns took."""

    contender: Contender
    threads: int
    how: str = ""
    repeats: int = 1
    milliseconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    def turn(self, case: Case) -> None:
        """Some steps in a row; the first turn says how many."""
        torch.set_num_threads(self.threads)
        episode = case.episode(case.tasks)
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(self.repeats):
            self.contender.step(episode)
        self.milliseconds.append((time.perf_counter() - start) * 1e3 / self.repeats)
        self.cpu.append((time.process_time() - cpu) * 1e3 / self.repeats)


def peers_of(case: Case) -> list[type[Peer]]:
    return [peer for peer in PEERS if case.order == 2 or peer is not TorchOpt]


def check_same_work(case: Case) -> None:
    """Refuse to compare contenders whose meta-gradients differ."""
    case = case.small()
    episode = case.episode(case.tasks, torch.float64)
    engines = [Engine(case, torch.float64, chunk) for chunk in (1, case.tasks)]
    reference = Loop(case, torch.float64).gradient(episode)
    largest = max(float(each.abs().max()) for each in reference)
    for contender in [*engines, *(peer(case, torch.float64) for peer in peers_of(case))]:
        for ours, theirs in zip(contender.gradient(episode), reference, strict=True):
            if not torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9 * largest):
                raise SystemExit(f"{case.name}: {contender.title} computes something else")


def work_of(case: Case, threads: int | None = None, chunk: int | None = None) -> Work:
    """What a plan is measured for, as in a run that is too short to be compiled."""
    engine = Engine(case, torch.float32, chunk=1)
    training = Training(
        meta_batch=case.tasks, threads=threads or "auto", chunk=chunk or "auto", device="cpu", compile=False
    )
    return Work(training, engine.algorithm, engine.meta, case.episode(case.tasks), iterations=1)


def race(case: Case, rounds: int, compile: bool, threads: int | None, chunk: int | None) -> list[Entry]:
    """Time the contenders, turn by turn."""
    plan = choose(work_of(case, threads, chunk))[0]
    workers, inside = plan.workers(case.tasks), plan.threads_of_an_operation(case.tasks)
    engine = Engine(case, torch.float32, plan.chunk, workers)
    entries = [Entry(engine, inside, f"{workers * inside} ({workers} × {inside}), chunk {plan.chunk}")]
    if compile:  # a compiled chunk takes all threads, as in a run
        compiled = Engine(case, torch.float32, plan.chunk, compile=True)
        how = f"{plan.threads} (1 × {plan.threads}), chunk {plan.chunk}"
        entries.append(Entry(compiled, plan.threads, how))
    entries += [
        Entry(peer(case, torch.float32), each, str(each))
        for peer in [*peers_of(case), *([Floor] if case.network != "sinusoid" else [])]
        for each in ([threads] if threads else sorted({1, most_threads()}))
    ]
    for _ in range(2):  # the first compiles and warms up
        for entry in entries:
            entry.turn(case)
    for entry in entries:
        entry.repeats = max(1, round(LEAST_SECONDS * 1e3 / entry.milliseconds[-1]))
        entry.milliseconds.clear()
        entry.cpu.clear()
    for _ in range(rounds):
        for entry in entries:
            entry.turn(case)
    for entry in entries:
        entry.contender.close()
    return entries


def table(heading: list[str], rows: list[list[str]], markdown: bool) -> str:
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(len(heading))]
    bar = " | " if markdown else "  "
    lines = [bar.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    top = [
        bar.join(cell.ljust(width) for cell, width in zip(heading, widths, strict=True)),
        ("-|-" if markdown else "  ").join("-" * width for width in widths),
    ]
    return "\n".join(f"| {line} |" if markdown else line.rstrip() for line in [*top, *lines])


def compare(cases: list[Case], options: argparse.Namespace) -> None:
    rounds = min(options.rounds, 5) if options.quick or options.figures else options.rounds
    print(f"torch {torch.__version__}, {most_threads()} processors, {rounds} rounds", flush=True)
    rows = []
    for case in cases:
        check_same_work(case)
        compile = options.compile or (options.figures and case.network == "sinusoid")
        entries = race(case, rounds, compile, options.threads, options.chunk)
        best = min(entry.median for entry in entries if isinstance(entry.contender, Peer))
        floor = min((entry.median for entry in entries if isinstance(entry.contender, Floor)), default=0.0)
        for entry in entries:
            rows.append(
                [
                    case.name,
                    entry.contender.title,
                    f"{entry.median:.2f}",
                    f"{min(entry.milliseconds):.2f}",
                    f"{statistics.median(entry.cpu):.2f}",
                    f"{best / entry.median:.2f}×",
                    f"{floor / entry.median:.0%}" if floor else "–",
                    entry.how,
                ]
            )
        print(f"{case.name} done", file=sys.stderr, flush=True)
    heading = [
        "case",
        "contender",
        "ms (median)",
        "ms (least)",
        "CPU ms",
        "of best peer",
        "of the floor",
        "threads used",
    ]
    print(table(heading, rows, options.markdown))


def plans_beside_a_busy_process(cases: list[Case], markdown: bool) -> None:
    """Choose a plan three times beside a process that never rests, then race all plans without it."""
    rows = []
    for case in cases:
        work, chosen = work_of(case), []
        for _ in range(3):
            (Path(os.environ["WORKBENCH_CACHE"]) / "plans.json").unlink(missing_ok=True)
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            try:
                chosen.append(choose(work)[0])
            finally:
                busy.kill()
                busy.wait()
        seconds = {plan: each.seconds for plan, each in timed_plans(plans_of(work), work).items()}
        best = min(seconds, key=lambda plan: seconds[plan])
        for plan in chosen:
            ratio = f"{seconds[plan] / seconds[best]:.2f}"
            rows.append([case.name, *(f"{each.threads} × {each.chunk}" for each in (plan, best)), ratio])
    print()
    heading = ["case", "threads × chunk beside a busy process", "the best", "time / the best's"]
    print(table(heading, rows, markdown))


def memory_growth(network: str, tasks: int, chunk: int) -> float:
    """MiB by which one meta-step raises this process's peak resident memory."""
    keep_freed_memory()
    case = Case(network, tasks, NETWORKS[network][1])
    engine = Engine(case, torch.float32, chunk)
    episode = case.episode(tasks)
    engine.meta_step.gradient(engine.meta, case.episode(1))  # loads and initialises what a first call does
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    engine.step(episode)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / 2**20


def memory(markdown: bool) -> None:
    """Peak memory by chunk and meta-batch, each in a process of its own (Linux)."""
    rows = []
    for network in ("conv4-strided", "conv4-pooled"):
        for tasks, chunk in ((32, 4), (32, 8), (32, 16), (32, 32), (64, 8)):
            command = [sys.executable, __file__, "--memory-of", network, str(tasks), str(chunk)]
            growth = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
            rows.append([network, str(tasks), str(chunk), growth])
    print(table(["network", "meta-batch", "chunk", "peak growth, MiB"], rows, markdown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="second order, one inner step, 5 rounds")
    parser.add_argument("--figures", action="store_true", help="what the project holds itself to")
    parser.add_argument("--compile", action="store_true", help="the compiled engine too")
    parser.add_argument("--case", help="only cases whose name contains this")
    parser.add_argument("--threads", type=int, help="for everyone")
    parser.add_argument("--chunk", type=int, help="the engine's, instead of what it measures to be best")
    parser.add_argument("--queries", type=int, default=15, help="of each class (Conv4)")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--memory", action="store_true", help="peak memory of the engine instead")
    parser.add_argument("--memory-of", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        network, tasks, chunk = options.memory_of
        print(f"{memory_growth(network, int(tasks), int(chunk)):.0f}")
    elif options.memory:
        memory(options.markdown)
    else:
        cases = [
            replace(case, queries=options.queries) for case in CASES if (options.case or "") in case.name
        ]
        if options.quick or options.figures:
            cases = [case for case in cases if case.order == 2 and case.steps == 1]
        if not cases:
            parser.error(f"no such case; there are {', '.join(case.name for case in CASES)}")
        keep_freed_memory()  # as a run does; it is the process's, so the peers gain by it as well
        with tempfile.TemporaryDirectory() as folder:
            os.environ["WORKBENCH_CACHE"] = folder  # plans measured now, not on another day
            compare(cases, options)
            if options.figures:
                plans_beside_a_busy_process(cases, options.markdown)


if __name__ == "__main__":
    main()
