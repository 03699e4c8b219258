"""Two ways in which a network sees groups in a set at a glance, and the steps that improve them on the set.

Of T sets at once, ``[T, n, d]``, in units in which the points of a family have mean 0 and variance 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from workbench.algorithms.base import Params
from workbench.algorithms.mixture_model import (
    NONE,
    Covariance,
    em_step,
    log_joint,
    negative_log_likelihood,
)
from workbench.algorithms.pair_transformer import (
    Affinities,
    Round,
    first_groups,
    likeliest_number,
    without,
)
from workbench.algorithms.set_geometry import geometry
from workbench.algorithms.set_transformer import SetTransformer
from workbench.networks.base import initialise

SMALL = 0.75
"""The part of the training on shapes in which sets are shown in part."""


class Amortised(ABC):
    """One way to see groups.

    Parameters
    ----------
    net : the parts of its network.
    most : the most groups of a set.
    small : how the names of weights begin that are small at first: of what is no layer, and of the last
        layers of rounds.
    trained_steps : steps on a set in training.
    """

    def __init__(self, net: nn.ModuleDict, most: int, small: tuple[str, ...], trained_steps: int = 0) -> None:
        self.net, self.most, self.trained_steps = net, most, trained_steps
        self._small = small

    def initial(self, generator: torch.Generator) -> Params:
        """Weights as a network's, but for those that are small."""
        initialise(self.net, generator)
        for name, weight in self.net.named_parameters():
            if name.startswith(self._small):
                nn.init.normal_(weight, std=0.1, generator=generator)
        return {name: weight.detach().clone() for name, weight in self.net.named_parameters()}

    @abstractmethod
    def start(self, meta: Params, x: Tensor, told: Tensor) -> Params:
        """What is said at a glance, ``[T, …]`` by name."""

    @abstractmethod
    def step(self, meta: Params, known: Params, x: Tensor) -> Params:
        """The same after a step on the sets."""

    @abstractmethod
    def logits(self, known: Params, x: Tensor) -> Tensor:
        """Logits of the groups of any points, of one set, ``[n, K]``."""

    @abstractmethod
    def losses(self, meta: Params, x: Tensor, told: Tensor, y: Tensor) -> Tensor:
        """``[T]``, with the true groups ``[T, n]`` of training sets."""

    @abstractmethod
    def shown(self, sets: int, points: int, done: float, generator: torch.Generator) -> tuple[int, int]:
        """How many points of how many sets a meta-iteration learns from."""

    def part(self, name: str, meta: Params, *inputs: Tensor) -> Any:
        """What a part of the network makes of inputs."""
        weights = {key.removeprefix(f"{name}."): w for key, w in meta.items() if key.startswith(f"{name}.")}
        return functional_call(self.net[name], weights, inputs)


class Gaussians(Amortised):
    """A mixture of Gaussians, improved by expectation maximisation."""

    def __init__(
        self, numbers: int, most: int, *, width: int, layers: int, inducing: int, covariance: Covariance
    ) -> None:
        size = {"width": width, "layers": layers, "inducing": inducing}
        said = SetTransformer(numbers, most, 1 + 2 * numbers, **size)
        net = nn.ModuleDict({"set": said, "told": nn.Embedding(most + 1, width)})
        super().__init__(net, most, ("set.inducing", "set.seeds", "told"))
        self.numbers, self._covariance = numbers, covariance

    def start(self, meta: Params, x: Tensor, told: Tensor) -> Params:
        said = self.part("set", meta, x, self.part("told", meta, told)[:, None])
        weight, mean, log_spread = said.split([1, self.numbers, self.numbers], -1)
        beyond = (torch.arange(self.most, device=x.device) >= told[:, None]) & (told > 0)[:, None]
        return {
            "mean": mean,
            "root": torch.diag_embed(log_spread.clamp(-5, 2).exp()),
            "log_weight": weight[..., 0].masked_fill(beyond, NONE).log_softmax(-1),
        }

    def step(self, meta: Params, known: Params, x: Tensor) -> Params:
        return em_step(known, x, self._covariance)

    def logits(self, known: Params, x: Tensor) -> Tensor:
        joint = log_joint(known, x)
        return joint - joint.amax(-1, keepdim=True)  # far from all, a group that is not there is not nearer

    def losses(self, meta: Params, x: Tensor, told: Tensor, y: Tensor) -> Tensor:
        return negative_log_likelihood(self.start(meta, x, told), x)

    def shown(self, sets: int, points: int, done: float, generator: torch.Generator) -> tuple[int, int]:
        return int(torch.randint(points // 2, points + 1, (1,), generator=generator)), sets


class Shapes(Amortised):
    """Groups of points that belong together pair by pair, improved by rounds of assignment."""

    def __init__(self, numbers: int, most: int, *, width: int, layers: int, rounds: int) -> None:
        net = nn.ModuleDict({"pairs": Affinities(numbers, width, layers), "round": Round(width)})
        super().__init__(net, most, ("round.out.3",), rounds)

    def start(self, meta: Params, x: Tensor, told: Tensor) -> Params:
        hidden, affinity = self.part("pairs", meta, *geometry(x))
        groups = torch.where(told > 0, told, likeliest_number(affinity, self.most))
        logits = first_groups(affinity, groups, self.most)
        return {"x": x, "hidden": hidden, "affinity": affinity, "groups": groups, "logits": logits}

    def step(self, meta: Params, known: Params, x: Tensor) -> Params:
        inputs = (known[name] for name in ("x", "hidden", "affinity", "logits"))
        return {"logits": without(self.part("round", meta, *inputs), known["groups"])}

    def logits(self, known: Params, x: Tensor) -> Tensor:
        # exact distances: a point of the set is to be nearest to itself
        apart = torch.cdist(x, known["x"], compute_mode="donot_use_mm_for_euclid_dist")
        return known["logits"][apart.argmin(-1)]

    def losses(self, meta: Params, x: Tensor, told: Tensor, y: Tensor) -> Tensor:
        """Twice the cross-entropy of pairs, and the mean over rounds of that of groups. Every round learns
        from its own result alone."""
        true = F.one_hot(y, self.most).to(x.dtype)
        told = torch.where(told > 0, told, (true.sum(1) > 0).sum(-1))
        known = self.start(meta, x, told)
        of_pairs = F.binary_cross_entropy_with_logits(
            known["affinity"], true @ true.transpose(1, 2), reduction="none"
        )
        of_rounds = []
        fixed = known | {"affinity": known["affinity"].detach()}
        for _ in range(self.trained_steps):
            found = self.step(meta, fixed, x)["logits"]
            of_rounds.append(numbered_as_suits(found, true))
            fixed = fixed | {"logits": found.detach()}
        return 2 * of_pairs.mean((1, 2)) + torch.stack(of_rounds).mean(0)

    def shown(self, sets: int, points: int, done: float, generator: torch.Generator) -> tuple[int, int]:
        """Small sets first, for pairs cost their square."""
        if done >= SMALL:
            return points, max(1, sets // 2)
        if torch.rand((), generator=generator) < 0.5:
            return points // 2, sets
        return 2 * points // 3, max(1, sets // 2)


def numbered_as_suits(logits: Tensor, true: Tensor) -> Tensor:
    """Cross-entropy of groups whose numbers mean nothing, under the numbering with the least, ``[T]``.

    Parameters
    ----------
    logits, true : ``[T, n, K]``; the latter one-hot.
    """
    cost = -(true.transpose(1, 2) @ logits.log_softmax(-1)) / true.shape[1]
    best = [linear_sum_assignment(each)[1] for each in cost.detach().cpu().double().numpy()]
    chosen = torch.from_numpy(np.stack(best)).to(cost.device)
    return cost.gather(2, chosen[..., None])[..., 0].sum(-1)
