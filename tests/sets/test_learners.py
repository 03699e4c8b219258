"""Who groups sets: any learner by gradients, and classical methods by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import cluster, mixture
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from tests.sets.some import experiment
from workbench import runs
from workbench.algorithms import ALGORITHMS
from workbench.algorithms.classical_grouping import ClassicalGrouping
from workbench.config import Experiment
from workbench.engine.building import build
from workbench.engine.episodes import FrozenEpisodes
from workbench.engine.evaluation import evaluate
from workbench.engine.events import Finished
from workbench.engine.trainer import Trainer
from workbench.tasks.base import Episode

GROUPING = [name for name, kind in ALGORITHMS.items() if "clustering" in kind.Config.problems()]
CLASSICAL = [name for name in GROUPING if issubclass(ALGORITHMS[name], ClassicalGrouping)]


def trained(experiment: Experiment) -> Trainer:
    trainer = Trainer(experiment, experiment.algorithm[0], 0, runs.open_family(experiment))
    *_, last = trainer.events()
    assert isinstance(last, Finished), last
    return trainer


def test_sets() -> Episode:
    return runs.open_family(experiment("kmeans")).sample("test", 5, torch.Generator().manual_seed(3))


def predictions(trainer: Trainer, episode: Episode) -> Tensor:
    """Logits after the last step, of each set by itself."""
    found = []
    for task in map(episode.one, range(episode.count)):
        *_, learner = trainer.algorithm.adaptation(trainer.meta, task.support, 2)
        found.append(trainer.algorithm.predict(learner, task.query["x"]).detach())
    return torch.stack(found)


test_sets.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", GROUPING)
def test_no_learner_reads_a_label_of_a_test_set(name: str) -> None:
    """What is found is the same, bit for bit, when labels are drawn by chance; what is measured is not."""
    trainer = trained(experiment(name, overrides=("evaluation.inner_steps=2",)))
    episode = test_sets()
    chance = torch.randint(3, episode.query["y"].shape, generator=torch.Generator().manual_seed(0))
    other = episode._replace(query=episode.query | {"y": chance})
    assert torch.equal(predictions(trainer, episode), predictions(trainer, other))
    curves = [evaluate(trainer.algorithm, trainer.meta, [each], 2) for each in (episode, other)]
    assert np.array_equal(*(each.values["groups_found"] for each in curves))
    assert not np.array_equal(*(each.values["loss"] for each in curves))


def alone(name: str, x: np.ndarray, groups: int | None = 3, outputs: int = 3, **settings: Any) -> np.ndarray:
    """What a classical method finds in one set, ``[n]``."""
    overrides = [f"algorithm.0.{key}={value}" for key, value in settings.items()]
    e = experiment(name, overrides=(f"task.groups={outputs}", *overrides))
    algorithm = build(e, e.algorithm[0], runs.open_family(e))
    meta = algorithm.initial(torch.Generator())
    points = torch.from_numpy(x).float()
    support = {"x": points} | ({"groups": torch.full((len(x),), groups)} if groups else {})
    return algorithm.predict(algorithm.start(meta, support), points).argmax(-1).numpy()


def blobs(
    sizes: tuple[int, ...] = (20, 15, 25), spread: float = 0.3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Groups far apart, and which point belongs to which."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    centres = 6 * np.stack(
        [
            np.cos(2 * np.pi * np.arange(len(sizes)) / len(sizes)),
            np.sin(2 * np.pi * np.arange(len(sizes)) / len(sizes)),
        ],
        1,
    )
    return (centres[y] + spread * rng.normal(size=(len(y), 2))).astype(np.float32), y


@pytest.mark.parametrize("name", CLASSICAL)
def test_groups_far_apart_are_found_and_so_is_their_number_where_it_is_not_told(name: str) -> None:
    x, y = blobs()
    assert adjusted_rand_score(y, alone(name, x)) == 1
    assert adjusted_rand_score(y, alone(name, x, groups=None, outputs=6)) == 1


def test_classical_methods_are_scikit_learns() -> None:
    x, _ = blobs(spread=3.0)
    known = {
        "kmeans": cluster.KMeans(3, n_init=10, random_state=0),
        "gaussian_mixture": mixture.GaussianMixture(3, covariance_type="tied", n_init=3, random_state=0),
        "agglomerative": cluster.AgglomerativeClustering(3, linkage="average"),
    }
    settings = {"gaussian_mixture": {"covariance": "tied"}, "agglomerative": {"linkage": "average"}}
    for name, method in known.items():
        found = alone(name, x, **settings.get(name, {}))
        assert adjusted_rand_score(method.fit_predict(x.astype(np.float64)), found) == 1, name


DEGENERATE = {
    "all in one place": np.zeros((12, 2)),
    "two places": np.repeat([[0.0, 0.0], [1.0, 1.0]], 6, axis=0),
    "on a line": np.column_stack([np.arange(12.0), np.zeros(12)]),
    "as many as groups": np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]]),
    "far away": 1e6 + np.random.default_rng(0).normal(size=(12, 2)),
    "no numbers": np.full((12, 2), np.nan),
}


@pytest.mark.parametrize("told", [3, None], ids=["told", "not told"])
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", CLASSICAL)
def test_a_degenerate_set_has_a_result(name: str, case: str, told: int | None) -> None:
    x = DEGENERATE[case].astype(np.float32)
    found = alone(name, x, groups=told)
    assert found.shape == (len(x),)
    same = (x[:, None] == x).all(-1)
    assert (found[:, None] == found)[same].all(), "equal points are in one group"


def test_settings_are_chosen_on_validation_sets() -> None:
    """Rings in rings: only one linkage follows them."""
    e = experiment("agglomerative")
    algorithm = build(e, e.algorithm[0], runs.open_family(e))
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 2 * np.pi, (4, 240)), np.repeat([1.0, 5.0, 9.0], 80)
    x = torch.from_numpy(np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)).float()
    y = torch.arange(3).repeat_interleave(80).expand(4, -1)
    told = torch.full((4, 240), 3)
    meta = algorithm.initial(torch.Generator())
    chosen = algorithm.fit(meta, [Episode({"x": x, "groups": told}, {"x": x, "y": y, "groups": told})])
    assert isinstance(algorithm, ClassicalGrouping)
    assert algorithm.choices[int(chosen["chosen"])] == {"linkage": "single"}
    said = experiment("agglomerative", overrides=("algorithm.0.linkage=ward",))
    assert not build(said, said.algorithm[0], runs.open_family(said)).fits


@pytest.mark.parametrize("name", CLASSICAL)
def test_sets_at_once_are_grouped_as_each_alone_and_the_same_twice(name: str) -> None:
    trainer = trained(experiment(name, overrides=("evaluation.episodes=2",)))
    episode = test_sets()
    at_once = [evaluate(trainer.algorithm, trainer.meta, [episode], 2).values for _ in range(2)]
    each = [
        evaluate(trainer.algorithm, trainer.meta, [episode.tasks(at, at + 1)], 2).values for at in range(5)
    ]
    for measure, values in at_once[0].items():
        assert np.array_equal(values, at_once[1][measure])
        assert np.array_equal(values, np.concatenate([one[measure] for one in each], 1)), measure


def test_a_further_point_belongs_to_the_group_of_the_nearest() -> None:
    x, _ = blobs()
    e = experiment("kmeans")
    algorithm = build(e, e.algorithm[0], runs.open_family(e))
    support = {"x": torch.from_numpy(x), "groups": torch.full((len(x),), 3)}
    learner = algorithm.start({}, support)
    beside = torch.from_numpy(x) + 0.1
    assert torch.equal(
        algorithm.predict(learner, beside).argmax(-1), algorithm.predict(learner, support["x"]).argmax(-1)
    )


def test_maml_learns_to_group_without_labels_in_its_inner_loop() -> None:
    """Its inner loss is mutual information, its outer loss over pairs: steps on a set make groups better."""
    longer = ["iterations=120", "meta_batch=8", "chunk=8", "meta_lr=0.003"]
    own = ("network.hidden=[32, 32]", "algorithm.0.inner_steps=3", "task.weights=20")
    e = experiment("maml", overrides=(*(f"training.{each}" for each in longer), *own))
    trainer = trained(e)
    family = runs.open_family(e)
    episodes = FrozenEpisodes(family, "test", family.size, 100, 0)
    ari = evaluate(trainer.algorithm, trainer.meta, episodes, 6).values["ari"].mean(1)
    untrained = trainer.algorithm.initial(torch.Generator().manual_seed(0))
    before = evaluate(trainer.algorithm, untrained, episodes, 6).values["ari"].mean(1)
    assert ari[-1] > ari[0] + 0.05
    assert ari[-1] > before[-1] + 0.1
