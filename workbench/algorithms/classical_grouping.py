"""Classical clustering by scikit-learn, as reference learners: nothing is learned across sets.

A set is grouped by itself, at once. Where the family does not tell how many groups there are, each estimates
their number in its own way. What is not said in an algorithm's section may be chosen on meta-validation sets,
whose labels count as known: the best mean adjusted Rand index. Everything random has seed 0.

A point that is not of the set belongs to the group of the set's point nearest to it. Where a method only says
groups, its logits are far apart: as probabilities they have no meaning.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.algorithms.base import OuterStep, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import Untrained, setting
from workbench.problems.clustering import Clustering, adjusted_rand_index, contingency
from workbench.tasks.base import Data, Episode

Points = NDArray[np.float64]
Labels = NDArray[np.int64]

SURE = 20.0
"""Logit of the group that a method says, where it says no probabilities."""

LOOKED_AT = 50
"""Meta-validation sets that settings are chosen on."""


class ClassicalConfig(Untrained):
    """What every classical method has."""

    needs = frozenset({"sets"})
    episodic = False

    components: int | None = setting(
        None,
        rare=True,
        ge=1,
        le=2048,
        unit="numbers",
        help="Group by so many principal components of a set's points.",
        empty="the points as they are",
    )


class ClassicalGrouping(ClosedForm):
    """Groups a set by itself."""

    family = "reference"
    config: ClassicalConfig
    problem: Clustering

    @abstractmethod
    def logits(self, x: Points, groups: int | None, **chosen: Any) -> Points:
        """Logits of the groups for each point of a set, ``[n, M]``.

        Parameters
        ----------
        x : ``[n, d]``.
        groups : how many there are; None where it is to be estimated.
        chosen : one of :attr:`choices`.
        """

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        """Settings to choose among on meta-validation sets."""
        return ({},)

    def most_groups(self, points: int) -> int:
        """M, for a set of so many points."""
        return self.shape.outputs

    # --- the contract --------------------------------------------------------------------------------

    def initial(self, generator: torch.Generator) -> Params:
        return {"chosen": torch.zeros(())} if self.fits else {}

    def start(self, meta: Params, support: Data) -> Params:
        x = support["x"].flatten(1)
        groups = support["groups"] if "groups" in support else x.new_zeros(len(x), dtype=torch.int64)
        chosen = meta["chosen"] if "chosen" in meta else x.new_zeros(())
        return {"x": x, "logits": _outside(self._grouped, self.most_groups(len(x)), x, groups, chosen)}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        # exact distances: a point of the set is to be nearest to itself
        apart = torch.cdist(x.flatten(1), learner["x"], compute_mode="donot_use_mm_for_euclid_dist")
        return learner["logits"][apart.argmin(-1)]

    @property
    def outer(self) -> OuterStep:
        return OuterStep(lambda meta, episode: ({}, self.loss(meta, episode)))  # nothing could be moved

    # --- what is chosen on meta-validation sets ------------------------------------------------------

    @property
    def fits(self) -> bool:
        return len(self.choices) > 1

    def fit(self, meta: Params, episodes: Iterable[Episode]) -> Params:
        sets = [set_ for block in episodes for set_ in map(block.one, range(block.count))][:LOOKED_AT]
        means = [self._mean_index(sets, torch.tensor(float(each))) for each in range(len(self.choices))]
        return {"chosen": torch.full_like(meta["chosen"], float(np.argmax(means)))}

    def _mean_index(self, sets: Sequence[Episode], chosen: Tensor) -> float:
        found = []
        for each in sets:
            learner = self.start({"chosen": chosen}, each.support)
            counts = contingency(learner["logits"], each.query["y"], self.problem.groups)
            found.append(float(adjusted_rand_index(counts)))
        return float(np.mean(found))

    def _grouped(self, x: Points, groups: Labels, chosen: Points) -> Points:
        """One set, as scikit-learn takes it."""
        told = int(groups[0]) or None
        width = self.most_groups(len(x))
        if not np.isfinite(x).all():
            return np.zeros((len(x), width))
        with one_thread():
            seen = x if self.config.components is None else principal(x, self.config.components)
            logits = self.logits(seen, told, **self.choices[int(chosen)])
        return np.pad(logits, ((0, 0), (0, width - logits.shape[1])), constant_values=-SURE)


def said(labels: Labels, groups: int) -> Points:
    """Labels ``[n]`` as logits ``[n, groups]``."""
    logits: Points = np.where(labels[:, None] == np.arange(groups), SURE, -SURE)
    return logits


def best_silhouette(x: Points, most: int, grouped: Callable[[int], Labels]) -> Labels:
    """The groups of that number, from 2, whose points are nearest to their own group compared with the next:
    Rousseeuw, "Silhouettes", Journal of Computational and Applied Mathematics 1987. One group is never found.
    """
    from sklearn.metrics import silhouette_score

    different = len(np.unique(x, axis=0))
    tried = [grouped(each) for each in range(2, min(most, different - 1) + 1)]
    if not tried:
        return np.zeros(len(x), np.int64)
    scores = [silhouette_score(x, each) if 1 < len(set(each.tolist())) < len(x) else -1.0 for each in tried]
    return tried[int(np.argmax(scores))]


def principal(x: Points, components: int) -> Points:
    """The principal components of a set's points, ``[n, components]``, or as many as there are."""
    apart = x - x.mean(0)
    left, sizes, _ = np.linalg.svd(apart, full_matrices=False)
    found: Points = (left * sizes)[:, :components]
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums are added up in one order, so results are the same twice; doubtful fits say nothing."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # scikit-learn needs it

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def _outside(
    grouped: Callable[[Points, Labels, Points], Points], width: int, x: Tensor, groups: Tensor, chosen: Tensor
) -> Tensor:
    """What numpy says of a set, ``[n, width]``, also where sets are batched: one after the other."""
    result: Tensor = _Outside.apply(grouped, width, x, groups, chosen)  # type: ignore[no-untyped-call]
    return result


class _Outside(torch.autograd.Function):
    """Leaves torch for one set, or for each of several. It has no gradient."""

    @staticmethod
    def forward(grouped: Any, width: int, x: Tensor, groups: Tensor, chosen: Tensor) -> Tensor:
        arrays = (each.detach().cpu().numpy() for each in (x.double(), groups, chosen))
        return torch.from_numpy(grouped(*arrays)).to(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def vmap(info: Any, in_dims: Any, grouped: Any, width: int, *tensors: Tensor) -> tuple[Tensor, int]:
        every = [
            each.expand(info.batch_size, *each.shape) if dim is None else each.movedim(dim, 0)
            for each, dim in zip(tensors, in_dims[2:], strict=True)
        ]
        found = [_outside(grouped, width, *each) for each in zip(*every, strict=True)]
        return torch.stack(found), 0
