"""What a sweep claims where there is nothing, and what its proposals are worth.

python tests/benchmarks/sweeps.py [--cases 200] [--trials 8] [--seeds 6] [--studies 20]

Null: two copies of one algorithm are tuned alike, each by as many trials of its own, and what was chosen is
tested from fresh seeds; the test over seeds should claim a difference in about 5% of the cases, if the copies
are tuned to about the same. A trial's result depends on its setting and on chance as measured from real short
trainings: the validation and test loss of MAML at each of a grid of inner rates, each from many seeds.

Proposals: the best of 30 by TPE against the best of 30 at random, on the Branin function, whose least value
is .397887, in the mean of several seeds.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from workbench import runs
from workbench.analysis.statistics import SIGNIFICANCE
from workbench.config import Range, Sweep, parse
from workbench.engine.events import Evaluated, Finished
from workbench.engine.intervals import difference_interval
from workbench.engine.trainer import Trainer
from workbench.project import Tried
from workbench.runs.proposing import Proposer

EXPERIMENT = """
[task]
family = "sinusoid"
shots = 5
queries = 10
[network]
kind = "mlp"
hidden = [20, 20]
[[algorithm]]
kind = "maml"
[training]
iterations = 60
meta_batch = 8
threads = 1
chunk = 8
compile = false
[evaluation]
episodes = 100
validation_episodes = 50
inner_steps = 1
every = 60
checkpoint = "last alone"
"""
LOW, HIGH = 0.003, 0.3
RATES = np.geomspace(LOW, HIGH, 9)


def measured(seeds: int) -> np.ndarray:
    """``[rates, seeds, (validation, test)]``: the losses of real trainings."""
    found = np.empty((len(RATES), seeds, 2))
    family = runs.open_family(parse(EXPERIMENT))
    for at, rate in enumerate(RATES):
        experiment = parse(EXPERIMENT, [f"algorithm.0.inner_lr={rate}"])
        for seed in range(seeds):
            for event in Trainer(experiment, experiment.algorithm[0], seed, family).events():
                if isinstance(event, Evaluated):
                    found[at, seed, 0] = event.summary["measures"]["loss"]["mean"][-1]
                if isinstance(event, Finished):
                    found[at, seed, 1] = event.summary["measures"]["loss"]["mean"][-1]
    return found


def null(cases: int, trials: int, seeds: int, pool: np.ndarray, apart: int) -> tuple[int, int]:
    """How often the test over seeds claims a difference between two copies that were tuned alike, and how
    often they were tuned to the same rate.

    Parameters
    ----------
    apart : added to the second copy's seed: 0, as in a sweep, where all algorithms begin with the same draws.
    """
    chance = np.random.default_rng(0)
    claimed = same = 0
    for case in range(cases):
        tested, chosen = [], []
        seed = chance.integers(pool.shape[1])  # one for all trials, as in a sweep
        for copy in range(2):
            tried: list[Tried] = []
            sweep = _sweep(case + copy * apart, trials, "random")
            proposer = Proposer(sweep, [(sweep.ranges[0], False)], copy, -1)
            for number in range(1, trials + 1):
                values = proposer.propose(number, tried)
                nearest = _nearest(float(values["rate"]))  # type: ignore[arg-type]
                value = float(pool[nearest, seed, 0])
                tried.append(Tried(number, values, value, sign=-1))
            best = min(tried, key=lambda each: each.value or math.inf)
            at = _nearest(float(best.values["rate"]))
            chosen.append(at)
            tested.append(pool[at, chance.choice(pool.shape[1], seeds, replace=False), 1])
        interval = difference_interval(*tested)
        claimed += abs(interval.mean) > interval.half_width
        same += chosen[0] == chosen[1]
    return claimed, same


def _sweep(seed: int, trials: int, method: str) -> Sweep:
    tried = Range.model_construct(field="rate", low=LOW, high=HIGH, log=True, points=None, values=None)
    return Sweep.model_construct(
        method=method, trials=trials, seed=seed, ranges=(tried,), objective=None, pruning=None, width=1
    )


def _nearest(rate: float) -> int:
    return int(np.abs(np.log(RATES / rate)).argmin())


def branin(x: float, y: float) -> float:
    """The Branin function on −5 ≤ x ≤ 10, 0 ≤ y ≤ 15 (Branin 1972)."""
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    return (y - b * x**2 + c * x - 6) ** 2 + 10 * (1 - t) * math.cos(x) + 10


def best_of(method: str, seed: int, trials: int = 30, width: int = 1) -> float:
    """The least value that so many trials find."""
    ranges = (
        Range.model_construct(field="x", low=-5.0, high=10.0, log=False, points=None, values=None),
        Range.model_construct(field="y", low=0.0, high=15.0, log=False, points=None, values=None),
    )
    sweep = Sweep.model_construct(
        method=method, trials=trials, seed=seed, ranges=ranges, objective=None, pruning=None, width=width
    )
    proposer = Proposer(sweep, [(each, False) for each in ranges], 0, -1)
    tried: list[Tried] = []
    for number in range(1, trials + 1):
        values = proposer.propose(number, tried[: max(0, number - width)])
        tried.append(Tried(number, values, branin(float(values["x"]), float(values["y"])), sign=-1))  # type: ignore[arg-type]
    return min(each.value for each in tried if each.value is not None)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("cases", 200), ("trials", 8), ("seeds", 6), ("studies", 20), ("pool", 40)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    for width in (1, 4):
        found = {
            method: np.array([best_of(method, each, width=width) for each in range(asked.studies)])
            for method in ("random", "tpe")
        }
        told = ", ".join(
            f"{method} {each.mean():.3f} ± {each.std(ddof=1):.3f}" for method, each in found.items()
        )
        print(f"best of 30 on Branin, width {width}, mean ± sd of {asked.studies} seeds: {told}")
    pool = measured(asked.pool)
    for at, rate in enumerate(RATES):
        validation, test = pool[at].mean(axis=0)
        spread = pool[at, :, 1].std(ddof=1)
        print(f"rate {rate:.4f}: validation {validation:.3f}, test {test:.3f} ± {spread:.3f}")
    for title, apart in (("the same draws for both", 0), ("draws of its own for each", 10**6)):
        claimed, same = null(asked.cases, asked.trials, asked.seeds, pool, apart)
        print(
            f"null, {title}: {claimed} of {asked.cases} claims at {SIGNIFICANCE:.0%} "
            f"({claimed / asked.cases:.1%}); tuned to the same rate in {same}"
        )


if __name__ == "__main__":
    main()
