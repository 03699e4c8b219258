"""Several learners as one more dimension: meta-parameters stacked ``[M, …]``, predictions mixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.func import vmap

from workbench.algorithms.base import Params
from workbench.tasks.base import Episode, Support


def stacked(members: Sequence[Params]) -> Params:
    """Parameters of M members, ``[M, …]`` by name."""
    return {name: torch.stack([member[name] for member in members]) for name in members[0]}


def side_by_side(parts: Sequence[Episode]) -> Episode:
    """As many episodes of T tasks each, as one of T super-tasks ``[T, M, …]``."""
    columns = zip(*(part.tensors for part in parts), strict=True)
    support_x, support_y, query_x, query_y, classes = (torch.stack(column, 1) for column in columns)
    extra = {name: torch.stack([part.extra[name] for part in parts], 1) for name in parts[0].extra}
    return Episode(support_x, support_y, query_x, query_y, classes, extra)


def for_each(count: int, support: Support) -> Support:
    """One task's support set, once for each of so many members (no copy).

    Torch's ``mse_loss`` errs under two ``vmap`` where only one of its two arguments has the inner dimension.
    """
    x, y, classes = (tensor.expand(count, *tensor.shape) for tensor in support)
    return Support(x, y, classes)


def losses_of(task_loss: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, y: Tensor) -> Tensor:
    """The loss of each member ``[M]``, from their outputs ``[M, n, outputs]``."""
    losses: Tensor = vmap(task_loss)(outputs, y.expand(len(outputs), *y.shape))
    return losses


def mixture(outputs: Tensor, log_weights: Tensor, problem: str) -> Tensor:
    """Σ w_m p_m: the log of the mixed probabilities, or the weighted mean of values.

    Parameters
    ----------
    outputs : ``[M, n, outputs]``, each member's logits or values.
    log_weights : ``[M]``, log w_m.
    problem : whose predictions they are.

    Returns
    -------
    ``[n, outputs]``
    """
    if problem == "regression":
        return (log_weights.exp()[:, None, None] * outputs).sum(0)
    return (log_weights[:, None, None] + outputs.log_softmax(-1)).logsumexp(0)
