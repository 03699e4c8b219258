"""What clustering measures and loses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from torch import Tensor
from torch.func import grad, vmap

from workbench.problems.clustering import (
    ARI,
    GROUPS_FOUND,
    GROUPS_RIGHT,
    NMI,
    PURITY,
    Clustering,
    called_alike,
    in_a_plane,
    pair_loss,
)

G = 4
PROBLEM = Clustering(G)


def labels(seed: int, points: int, groups: int) -> Tensor:
    return torch.randint(groups, (points,), generator=torch.Generator().manual_seed(seed))


def measured(found: Tensor, true: Tensor, width: int = 6) -> dict[str, float]:
    logits = 9 * torch.nn.functional.one_hot(found, width).double()
    told = PROBLEM.measured(lambda x: x, {"x": logits, "y": true})
    return {name: float(each) for name, each in told.items()}


CASES = {
    "at random": (labels(0, 50, 3), labels(1, 50, 4)),
    "the same": (labels(2, 30, 4), labels(2, 30, 4)),
    "other numbers": (5 - labels(2, 30, 4), labels(2, 30, 4)),
    "one group found": (torch.zeros(20, dtype=torch.int64), labels(3, 20, 4)),
    "one true group": (labels(3, 20, 4), torch.full((20,), 2)),
    "one and one": (torch.ones(20, dtype=torch.int64), torch.full((20,), 2)),
    "more than there are": (labels(4, 40, 6), labels(5, 40, 2)),
    "each alone": (torch.arange(6), torch.tensor([0, 0, 1, 1, 2, 3])),
    "two points": (torch.tensor([0, 1]), torch.tensor([0, 0])),
}


@pytest.mark.parametrize("case", CASES)
def test_indices_equal_scikit_learns(case: str) -> None:
    found, true = CASES[case]
    told = measured(found, true)
    assert told[ARI.name] == pytest.approx(adjusted_rand_score(true, found), abs=1e-12)
    assert told[NMI.name] == pytest.approx(normalized_mutual_info_score(true, found), abs=1e-12)


def test_purity_and_numbers_of_groups_are_counts() -> None:
    told = measured(torch.tensor([0, 0, 0, 3, 3, 5]), torch.tensor([1, 1, 2, 2, 2, 0]))
    assert told[PURITY.name] == pytest.approx((2 + 2 + 1) / 6)
    assert (told[GROUPS_FOUND.name], told[GROUPS_RIGHT.name]) == (3, 1)
    assert measured(torch.tensor([0, 0, 1]), torch.tensor([0, 1, 2]))[GROUPS_RIGHT.name] == 0


def test_what_is_measured_of_many_sets_at_once_is_what_is_measured_of_each() -> None:
    g = torch.Generator().manual_seed(0)
    logits, y = torch.randn(7, 25, 5, generator=g), torch.randint(G, (7, 25), generator=g)
    at_once = vmap(lambda x, y: PROBLEM.measured(lambda x: x, {"x": x, "y": y}))(logits, y)
    for task in range(7):
        alone = PROBLEM.measured(lambda x: x, {"x": logits[task], "y": y[task]})
        for name, each in alone.items():
            torch.testing.assert_close(at_once[name][task], each)


def test_the_loss_of_pairs_does_not_depend_on_the_numbers_of_groups() -> None:
    y = labels(0, 40, 4)
    p = torch.randn(40, 4, dtype=torch.float64).softmax(-1)
    torch.testing.assert_close(pair_loss(p, y), pair_loss(p[:, [2, 0, 3, 1]], (y + 1) % 4))
    sure = torch.nn.functional.one_hot(y).double()
    assert pair_loss(sure, y) < 1e-5 < pair_loss(p, y)


def test_the_loss_of_pairs_is_the_mean_over_pairs_of_different_points() -> None:
    y = torch.tensor([0, 0, 1])
    p = torch.tensor([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]], dtype=torch.float64)
    together = [0.7 * 0.6 + 0.3 * 0.4, 0.7 * 0.1 + 0.3 * 0.9, 0.6 * 0.1 + 0.4 * 0.9]
    expected = -(math.log(together[0]) + math.log(1 - together[1]) + math.log(1 - together[2])) / 3
    assert float(pair_loss(p, y)) == pytest.approx(expected)


def test_mutual_information_wants_sure_groups_of_like_size() -> None:
    def lost(logits: Tensor) -> float:
        return float(PROBLEM.adapt_loss(lambda x: x, {"x": logits}))

    even = 50 * torch.nn.functional.one_hot(torch.arange(40) % G).double()
    assert lost(even) == pytest.approx(-math.log(G))
    assert lost(torch.zeros(40, G, dtype=torch.float64)) == pytest.approx(0)
    assert lost(
        50 * torch.nn.functional.one_hot(torch.zeros(40, dtype=torch.int64), G).double()
    ) == pytest.approx(0)


def test_groups_beyond_the_number_that_is_told_are_never_found() -> None:
    logits = torch.zeros(8, G, dtype=torch.float64)
    logits[:, 3] = 30
    data = {"x": logits, "groups": torch.full((8,), 3), "y": torch.arange(8) % 3}
    assert PROBLEM.logits(lambda x: x, data).softmax(-1)[:, 3].eq(0).all()
    gradient = grad(lambda x: PROBLEM.adapt_loss(lambda _: x, data))(logits)
    assert gradient.isfinite().all()
    assert gradient[:, 3].eq(0).all()


def test_groups_are_called_as_the_true_ones_they_share_most_points_with() -> None:
    true = np.array([0, 0, 0, 1, 1, 2])
    assert called_alike(np.array([5, 5, 5, 0, 0, 1]), true).tolist() == true.tolist()
    assert called_alike(np.array([2, 2, 4, 4, 4, 4]), true).tolist() == [0, 0, 1, 1, 1, 1]
    further = called_alike(np.array([9, 9, 8, 7, 7, 6]), true)
    assert further.tolist() == [0, 0, 3, 1, 1, 2]


def test_points_of_many_numbers_are_shown_in_the_plane_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 5)) * [10, 5, 0.1, 0.1, 0.1]
    spreads = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    assert in_a_plane(x).var(0) == pytest.approx(spreads[:2])
    assert in_a_plane(x[:, :1]).shape == (30, 2)
    assert np.array_equal(in_a_plane(x[:, :2]), x[:, :2])
