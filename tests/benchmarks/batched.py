"""Every algorithm's outer step on a whole meta-batch beside a loop over its single tasks, in turn.

python tests/benchmarks/batched.py [sinusoid|glyphs] [--rounds 5] [NAME …]

The loop does the same mathematics without ``vmap``: each task's gradient by autograd, one after the other.
Both use one thread. The ratio is loop / batch: above 1, batching pays. Before they are timed, the two
gradients are compared in float64, on three tasks.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from workbench import runs
from workbench.algorithms import ALGORITHMS, Algorithm, Params
from workbench.algorithms.memory import Memory
from workbench.config import Training, Trains, parse
from workbench.engine.building import build, training_size
from workbench.engine.episodes import TrainingEpisodes, seeded
from workbench.engine.meta_step import MetaStep
from workbench.engine.plan import Work, choose
from workbench.tasks.base import Episode

PROBLEMS = {"sinusoid": "regression", "glyphs": "classification"}
TEXTS = {
    "sinusoid": '[task]\nfamily = "sinusoid"\n[network]\nkind = "mlp"\n[training]\nmeta_batch = 25\n',
    "glyphs": '[task]\nfamily = "glyphs"\nqueries = 5\n[network]\nkind = "conv4"\nstride = 2\nwidth = 32\n'
    "[training]\nmeta_batch = 16\n",
}


def looped(algorithm: Algorithm, meta: Params, episode: Episode) -> Params:
    """The mean gradient, task by task."""
    total: Params = {}
    count = episode.count
    for index in range(count):
        task = episode.one(index)
        direction = algorithm.outer.direction
        if direction is None:
            leaves = {name: value.detach().requires_grad_() for name, value in meta.items()}
            gradients = torch.autograd.grad(
                algorithm.loss(leaves, task), list(leaves.values()), materialize_grads=True
            )
            part = dict(zip(leaves, gradients, strict=True))
        else:
            with torch.no_grad():
                part, _ = direction(meta, task)
        total = {name: total[name] + part[name] for name in part} if total else part
    return {name: value / count for name, value in total.items()}


def _doubled(episode: Episode) -> Episode:
    return episode.map(lambda each: each.double() if each.is_floating_point() else each)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("setting", nargs="?", choices=TEXTS, default="sinusoid")
    parser.add_argument("names", nargs="*", help="algorithms; all without it")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| algorithm | batch ms | loop ms | loop / batch | greatest difference |\n|---|---|---|---|---|")
    family = None
    for name, cls in ALGORITHMS.items():
        if not issubclass(cls.Config, Trains) or (options.names and name not in options.names):
            continue
        text = f'{TEXTS[options.setting]}\n[[algorithm]]\nkind = "{name}"\n'
        if PROBLEMS[options.setting] not in cls.Config.problems():
            continue
        experiment = parse(text)
        family = family or runs.open_family(experiment)
        algorithm = build(experiment, experiment.algorithm[0], family)
        meta = algorithm.initial(seeded(0, 0))
        source = algorithm.training_family(family)
        meta_batch = algorithm.new_tasks(experiment.training.meta_batch)
        new = TrainingEpisodes(source, training_size(algorithm.config, family), meta_batch, 0)[0]
        memory = Memory(algorithm.capacity)
        memory.add(new, 0, seeded(1))
        episode = algorithm.prepare(new, 0.5, seeded(2), memory)
        training = Training(threads=1, device="cpu", compile=False)
        plan, _ = choose(Work(training, algorithm, meta, episode, iterations=1))
        step = MetaStep(algorithm, chunk=plan.chunk)
        exact, few = {n: value.double() for n, value in meta.items()}, _doubled(episode.tasks(0, 3))
        one, other = MetaStep(algorithm, chunk=3).gradient(exact, few)[0], looped(algorithm, exact, few)
        scale = max(float(value.abs().max()) for value in other.values()) or 1.0
        apart = max(float((one[each] - other[each]).abs().max()) for each in one) / scale
        pairs = [
            (
                milliseconds(lambda: step.gradient(meta, episode)),  # noqa: B023
                milliseconds(lambda: looped(algorithm, meta, episode)),  # noqa: B023
            )
            for _ in range(options.rounds)
        ]
        batch, loop = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(loop / batch for batch, loop in pairs)
        print(f"| {name} | {batch:.1f} | {loop:.1f} | {ratio:.2f} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    main()
