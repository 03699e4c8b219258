"""Several learners as one more dimension: meta-parameters stacked ``[M, …]``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import vmap

from workbench.algorithms.base import Params
from workbench.problems.base import Supervised
from workbench.tasks.base import Data, Episode


def stacked(members: Sequence[Params]) -> Params:
    """Parameters of M members, ``[M, …]`` by name."""
    return {name: torch.stack([member[name] for member in members]) for name in members[0]}


def side_by_side(parts: Sequence[Episode]) -> Episode:
    """As many episodes of T tasks each, as one of T super-tasks ``[T, M, …]``."""
    return Episode.merged(parts, lambda tensors: torch.stack(tensors, 1))


def for_each(count: int, data: Data) -> Data:
    """One task's support or query set, once for each of so many members (no copy).

    Torch's ``mse_loss`` errs under two ``vmap`` where only one of its two arguments has the inner dimension.
    """
    return {name: tensor.expand(count, *tensor.shape) for name, tensor in data.items()}


def losses_of(problem: Supervised, outputs: Tensor, y: Tensor) -> Tensor:
    """The loss of each member ``[M]``, from their outputs ``[M, n, outputs]``."""
    losses: Tensor = vmap(problem.of)(outputs, y.expand(len(outputs), *y.shape))
    return losses
