"""How often a test claims a difference where there is none.

python tests/benchmarks/null.py [--pairs 200] [--seeds 6]

Trains one algorithm from many seeds, in two groups at a time, and puts each pair of groups to the tests that
the program offers: the one over seeds should reject in about 5%; those over episodes are about *these*
trained learners, which do differ, so that they reject more often. Each test over episodes is tried in its own
null, too: the two learners' values of an episode change places by chance. Ranks are tried on families where
every learner is the same algorithm.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from workbench import runs
from workbench.analysis.statistics import (
    SIGNIFICANCE,
    Array,
    bootstrap,
    differences,
    friedman,
    holm,
    wilcoxon,
)
from workbench.config import parse
from workbench.engine.events import Finished
from workbench.engine.intervals import difference_interval
from workbench.engine.trainer import Trainer

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
validation_episodes = 2
inner_steps = 1
every = 1000
checkpoint = "last alone"
"""
FAMILIES, LEARNERS = 10, 4


def trained(count: int) -> Array:
    """Query loss of each seed's learner on each of the frozen episodes, ``[seeds, episodes]``."""
    experiment = parse(EXPERIMENT)
    family = runs.open_family(experiment)
    found, plan = [], None
    for seed in range(count):
        trainer = Trainer(experiment, experiment.algorithm[0], seed, family, plan=plan)
        plan = trainer.plan
        (*_, end) = trainer.events()
        assert isinstance(end, Finished)
        found.append(end.arrays["loss"][-1])
    return np.array(found, dtype=float)


def rate(name: str, rejected: list[bool]) -> None:
    """Print how often a test rejected, with the 95% interval of that share (Wilson)."""
    found = stats.binomtest(sum(rejected), len(rejected))
    low, high = found.proportion_ci(method="wilson")
    print(f"{name:46} {found.statistic:6.1%}  [{low:.1%}, {high:.1%}] of {len(rejected)}")


def main() -> None:
    """Train, test, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=6)
    given = parser.parse_args()
    losses = trained(2 * given.pairs * given.seeds).reshape(given.pairs, 2, given.seeds, -1)
    chance = np.random.default_rng(0)

    over_seeds = [difference_interval(*pair.mean(2)) for pair in losses]
    rate("over seeds (Welch)", [abs(each.mean) > each.half_width for each in over_seeds])
    real = [differences(*pair.mean(1)) for pair in losses]
    flipped = [each * chance.choice([-1, 1], len(each)) for each in real]
    for title, cases in (("these learners", real), ("exchanged by chance", flipped)):
        rate(f"over episodes, {title} (Wilcoxon)", [wilcoxon(each) < SIGNIFICANCE for each in cases])
        rate(f"over episodes, {title} (bootstrap)", [bootstrap(each)[1] < SIGNIFICANCE for each in cases])
    several = [holm([wilcoxon(each) for each in flipped[at : at + 3]]) for at in range(0, given.pairs - 2, 3)]
    rate("any of three, exchanged (Holm)", [min(each) < SIGNIFICANCE for each in several])

    means = losses.mean(3).ravel()
    drawn = [chance.choice(means, (FAMILIES, LEARNERS), replace=False) for _ in range(1000)]
    ranks = [friedman(each) for each in drawn]
    apart = ~np.eye(LEARNERS, dtype=bool)
    for title, each_p in {
        "ranks over families (Friedman)": [each.p_friedman for each in ranks],
        "ranks over families (Iman, Davenport)": [each.p_iman_davenport for each in ranks],
        "any pair of ranks (Nemenyi)": [each.p_nemenyi[apart].min() for each in ranks],
        "any pair over families (Wilcoxon, Holm)": [each.p_wilcoxon[apart].min() for each in ranks],
    }.items():
        rate(title, [bool(p < SIGNIFICANCE) for p in each_p])


if __name__ == "__main__":
    main()
