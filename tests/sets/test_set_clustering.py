"""A network that groups sets at a glance, and the steps on the set itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from torch import Tensor
from torch.func import vmap

from tests.sets.some import experiment
from workbench import runs
from workbench.algorithms.amortised import numbered_as_suits
from workbench.algorithms.mixture_model import (
    NONE,
    RIDGE,
    Covariance,
    em_step,
    log_joint,
    negative_log_likelihood,
)
from workbench.algorithms.pair_transformer import first_groups, likeliest_number
from workbench.algorithms.set_clustering import SetClustering
from workbench.algorithms.set_geometry import (
    FRAME,
    FRAME_KINDS,
    PAIR_FEATURES,
    frames,
    geometry,
    point_features,
)
from workbench.engine.building import build
from workbench.engine.evaluation import evaluate
from workbench.engine.events import Finished
from workbench.engine.trainer import Trainer
from workbench.tasks.base import Episode

COVARIANCES: tuple[Covariance, ...] = ("full", "tied", "diag", "spherical")
WAYS = ("gaussians", "shapes")
each_way = pytest.mark.parametrize("way", WAYS)


def points(seed: int = 0, number: int = 60, dimensions: int = 2) -> Tensor:
    """Three groups of unlike size and stretch."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, number, p=[0.5, 0.3, 0.2])
    centres = rng.normal(size=(3, dimensions)) * 3
    return torch.from_numpy(centres[y] + rng.normal(size=(number, dimensions)) * (1 + y)[:, None] / 3)


def mixture(seed: int = 0, dimensions: int = 2) -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(seed)
    mean = torch.randn(3, dimensions, generator=g, dtype=torch.float64)
    weight = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    return {"mean": mean, "root": torch.eye(dimensions).double().repeat(3, 1, 1), "log_weight": weight.log()}


# --- expectation maximisation ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_a_step_of_em_is_scikit_learns(covariance: Covariance) -> None:
    x, known = points(), mixture()
    precision = {"full": np.stack([np.eye(2)] * 3), "tied": np.eye(2), "diag": np.ones((3, 2))}
    theirs = GaussianMixture(
        3,
        covariance_type=covariance,
        max_iter=1,
        reg_covar=RIDGE * float(x.var(0, correction=0).mean()),
        weights_init=known["log_weight"].exp().numpy(),
        means_init=known["mean"].numpy(),
        precisions_init=precision.get(covariance, np.ones(3)),
    ).fit(x.numpy())
    ours = em_step(known, x, covariance)
    np.testing.assert_allclose(ours["mean"], theirs.means_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours["log_weight"].exp(), theirs.weights_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(log_joint(ours, x).softmax(-1), theirs.predict_proba(x.numpy()), atol=1e-3)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_em_never_makes_a_set_less_likely(covariance: Covariance) -> None:
    x, known = points(), mixture()
    lost = []
    for _ in range(30):
        lost.append(float(negative_log_likelihood(known, x)))
        known = em_step(known, x, covariance)
    start = 1 if covariance != "full" else 0  # the first mixture may be one that the others cannot be
    assert (np.diff(lost[start:]) < 1e-6).all()
    assert lost[-1] < lost[0] - 0.3


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_groups_without_points_or_spread_stay_what_a_mixture_can_be(covariance: Covariance) -> None:
    far = mixture()
    far["mean"] = far["mean"] + torch.tensor([[0.0], [0.0], [1e3]])
    absent = mixture()
    absent["log_weight"] = torch.tensor([0.0, math.log(0.5), NONE]).double()
    for x in (points(), torch.ones(9, 2).double(), points(number=3)):
        for known in (mixture(), far, absent):
            after = known
            for _ in range(5):
                after = em_step(after, x, covariance)
            assert all(each.isfinite().all() for each in after.values())
            assert log_joint(after, x).isfinite().all()
            if known is far:
                torch.testing.assert_close(after["mean"][2], far["mean"][2])
            if known is absent:
                assert (log_joint(after, x).argmax(-1) < 2).all()


# --- what a set's places say -------------------------------------------------------------------------


def arc(number: int = 12, turn: float = 1.5) -> Tensor:
    angle = torch.linspace(0, turn, number)
    return torch.stack([angle.cos(), angle.sin()], -1)


def turned(x: Tensor, by: float) -> Tensor:
    cos, sin = math.cos(by), math.sin(by)
    return x @ torch.tensor([[cos, sin], [-sin, cos]], dtype=x.dtype)


def test_points_of_a_circle_agree_when_mirrored_and_points_of_a_line_as_they_are() -> None:
    """Features in the order in which they are told: five kernels, a distance, agreement, mirrored."""
    circle = geometry(arc(60, 2.4)[None]).pairs
    agree, mirrored = circle[6, 0], circle[7, 0]
    assert agree[10, 50] < 0.5 < 0.9 < mirrored[10, 50]
    line = geometry(torch.stack([torch.linspace(-1, 1, 40), torch.zeros(40)], -1)[None]).pairs
    assert line[6, 0].min() > 0.85
    assert line[7, 0].min() > 0.85


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5])
def test_geometry_has_as_many_numbers_as_it_says_in_any_dimensions(dimensions: int) -> None:
    x = points(dimensions=dimensions).float()[None]
    found = geometry(x)
    assert found.points.shape == (1, 60, point_features(dimensions))
    assert found.pairs.shape == (PAIR_FEATURES, 1, 60, 60)
    assert found.points.isfinite().all()
    torch.testing.assert_close(found.pairs, found.pairs.transpose(-1, -2))
    places, kinds = frames(x, torch.randn(1, 60, 4).softmax(-1))
    assert places.shape == (1, 60, 4, FRAME)
    assert kinds.shape == (1, 4, FRAME_KINDS)
    assert places.isfinite().all()


def test_pairs_know_nothing_of_where_a_set_is_or_how_it_is_turned() -> None:
    x = points().double()[None]
    torch.testing.assert_close(geometry(x).pairs, geometry(turned(x, 0.7) + 3).pairs, atol=1e-9, rtol=1e-6)


def test_a_groups_frame_turns_and_grows_with_it() -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.cat([arc(20).double(), points(1, 20) + 8])[None]
    x = x + 0.05 * torch.randn(x.shape, generator=g, dtype=torch.float64)
    share = torch.nn.functional.one_hot(torch.arange(40) // 20).double()[None]
    places, kinds = frames(x, share)
    again, others = frames(turned(x, 2.0) - 3, share)
    torch.testing.assert_close(again, places, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(others, kinds, atol=1e-6, rtol=1e-6)
    larger, others = frames(5 * x, share)
    torch.testing.assert_close(larger[..., :2], places[..., :2], atol=0.02, rtol=0.02)
    assert (others[..., 0] - kinds[..., 0]).tolist()[0] == pytest.approx([math.log(5)] * 2, abs=0.01)


# --- groups from pairs ---------------------------------------------------------------------------------


def affinity(y: Tensor, noise: float = 0.0) -> Tensor:
    g = torch.Generator().manual_seed(0)
    sure = 8 * (y[:, None] == y).float() - 4
    return (sure + noise * torch.randn(sure.shape, generator=g))[None]


@pytest.mark.parametrize("noise", [0.0, 2.0])
@pytest.mark.parametrize("groups", [2, 3, 5])
def test_groups_and_their_number_follow_from_affinities(groups: int, noise: float) -> None:
    y = torch.arange(60) % groups
    pairs = affinity(y, noise)
    found = first_groups(pairs, torch.tensor([groups]), 6).argmax(-1)[0]
    assert adjusted_rand_score(y, found) == 1
    assert likeliest_number(pairs, 6).tolist() == [groups]
    fewer = first_groups(pairs, torch.tensor([groups - 1]), 6).argmax(-1)
    assert len(fewer.unique()) <= groups - 1


def test_groups_arenumbered_as_suits_them_best() -> None:
    g = torch.Generator().manual_seed(1)
    logits, y = torch.randn(5, 30, 4, generator=g), torch.randint(4, (5, 30), generator=g)
    true = torch.nn.functional.one_hot(y, 4).float()
    found = numbered_as_suits(logits, true)
    every = [
        torch.nn.functional.cross_entropy(
            logits[:, :, list(order)].transpose(1, 2), y, reduction="none"
        ).mean(1)
        for order in itertools.permutations(range(4))
    ]
    torch.testing.assert_close(found, torch.stack(every).amin(0))


# --- the learner ---------------------------------------------------------------------------------------


def learner(way: str, *overrides: str, sets: int = 4) -> tuple[SetClustering, dict[str, Tensor], Episode]:
    """The learner untrained, in the units of its family, and some sets."""
    e = experiment("set_clustering", overrides=(f"algorithm.0.groups={way}", *overrides))
    family = runs.open_family(e)
    algorithm = build(e, e.algorithm[0], family)
    assert isinstance(algorithm, SetClustering)
    meta = algorithm.initial(torch.Generator().manual_seed(0))
    drawn = family.sample("test", sets, torch.Generator().manual_seed(1))
    return algorithm, meta | algorithm.fit(meta, [drawn]), drawn


def grouped(algorithm: SetClustering, meta: dict[str, Tensor], sets: Episode, steps: int = 2) -> Tensor:
    """Logits after so many steps, ``[T, n, K]``."""

    def one(episode: Episode) -> Tensor:
        return algorithm.predict(algorithm.adapt(meta, episode.support, steps), episode.support["x"])

    found: Tensor = vmap(one)(Episode(sets.support, {}))
    return found


@each_way
def test_points_in_another_order_are_grouped_the_same(way: str) -> None:
    algorithm, meta, sets = learner(way)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    other = sets.map(lambda each: each[:, order] if each.dim() > 1 and each.shape[1] == 24 else each)
    torch.testing.assert_close(
        grouped(algorithm, meta, sets)[:, order], grouped(algorithm, meta, other), atol=1e-3, rtol=1e-3
    )


@each_way
def test_sets_at_once_lose_what_each_alone_does(way: str) -> None:
    algorithm, meta, sets = learner(way)
    at_once = algorithm.losses(meta, sets)
    each = [algorithm.losses(meta, sets.tasks(at, at + 1)) for at in range(4)]
    torch.testing.assert_close(at_once, torch.cat(each), atol=1e-4, rtol=1e-4)
    alone = [
        algorithm.predict(algorithm.adapt(meta, sets.one(at).support, 2), sets.one(at).support["x"])
        for at in range(4)
    ]
    torch.testing.assert_close(grouped(algorithm, meta, sets), torch.stack(alone), atol=1e-3, rtol=1e-3)


@each_way
def test_no_more_groups_are_found_than_are_told(way: str) -> None:
    algorithm, meta, sets = learner(way, "task.groups=2", "task.most_groups=6")
    found = grouped(algorithm, meta, sets).argmax(-1)
    assert (found.amax(1) < sets.support["groups"][:, 0]).all()
    algorithm, meta, sets = learner(way, "task.groups=2", "task.most_groups=6", "task.told=false")
    assert grouped(algorithm, meta, sets).isfinite().all()


@each_way
@pytest.mark.parametrize("dimensions", [1, 3])
def test_points_may_have_any_number_of_dimensions(way: str, dimensions: int) -> None:
    algorithm, meta, sets = learner(way, f"task.dimensions={dimensions}")
    assert algorithm.losses(meta, sets).isfinite().all()
    assert grouped(algorithm, meta, sets).isfinite().all()


@each_way
def test_degenerate_sets_have_groups(way: str) -> None:
    algorithm, meta, _ = learner(way)
    told = torch.full((2, 5), 3)
    x = torch.stack([torch.ones(5, 2), torch.tensor([[0.0, 0.0]] * 4 + [[1e4, 0.0]])])
    sets = Episode({"x": x, "groups": told}, {"x": x, "groups": told, "y": torch.zeros(2, 5).long()})
    found = grouped(algorithm, meta, sets, steps=4)
    assert found.isfinite().all()
    assert (found.argmax(-1)[0] == found.argmax(-1)[0, 0]).all()


@each_way
def test_a_family_in_other_units_is_learned_the_same(way: str) -> None:
    trained = []
    for units in (1, 100):
        asked = (f"algorithm.0.groups={way}", f"task.reach={4 * units}", f"task.spread={0.3 * units}")
        e = experiment("set_clustering", overrides=asked)
        trainer = Trainer(e, e.algorithm[0], 0, runs.open_family(e))
        *_, last = trainer.events()
        assert isinstance(last, Finished)
        trained.append(last.arrays["ari"])
    np.testing.assert_allclose(*trained, atol=0.02)


@each_way
def test_a_training_that_was_stopped_goes_on_bit_for_bit(way: str) -> None:
    asked = (f"algorithm.0.groups={way}", "training.iterations=4")
    e = experiment("set_clustering", overrides=asked)
    whole, first, then = (Trainer(e, e.algorithm[0], 0, runs.open_family(e), plan=None) for _ in range(3))
    for trainer, steps in ((whole, 4), (first, 2)):
        trainer._fit()
        trainer._evaluated = 0
        for _ in range(steps):
            trainer._step()
    then.restore(first.state())
    for _ in range(2):
        then._step()
    assert all(torch.equal(each, then.meta[name]) for name, each in whole.meta.items())


@each_way
def test_it_learns_to_lose_less_of_unseen_sets(way: str) -> None:
    own = (f"algorithm.0.groups={way}", "algorithm.0.width=16", "algorithm.0.layers=1", "task.weights=20")
    longer = ("training.iterations=12", "algorithm.0.meta_lr=0.01", "evaluation.every=12")
    e = experiment("set_clustering", overrides=(*own, *longer))
    trainer = Trainer(e, e.algorithm[0], 0, runs.open_family(e))
    assert isinstance([*trainer.events()][-1], Finished)
    sets = trainer.family.sample("test", 40, torch.Generator().manual_seed(1))
    units = {name: trainer.meta[name] for name in ("middle", "scale")}
    untrained = trainer.algorithm.initial(torch.Generator().manual_seed(0)) | units
    before, after = (trainer.algorithm.losses(meta, sets).mean() for meta in (untrained, trainer.meta))
    assert after < before - 0.2


def test_steps_on_a_set_make_groups_better_that_nobody_learned_to_find() -> None:
    algorithm, meta, sets = learner("gaussians", "task.weights=20", sets=40)
    ari = evaluate(algorithm, meta, [sets], 4).values["ari"].mean(1)
    assert ari[-1] > ari[0] + 0.05
