"""Algorithms, one file each; a new file is found by itself."""

from workbench.algorithms.base import Algorithm, Citation, Params
from workbench.algorithms.folded import Folded
from workbench.algorithms.wrapper import Wrapper, WrapperConfig
from workbench.config import AlgorithmConfig
from workbench.networks.base import Network
from workbench.settings import discover
from workbench.tasks.base import TaskShape

ALGORITHMS = discover(__name__, Algorithm)  # type: ignore[type-abstract]

__all__ = ["ALGORITHMS", "Algorithm", "Citation", "Params", "make"]


def make(
    config: AlgorithmConfig, network: Network, shape: TaskShape, step_cost: float | None = None
) -> Algorithm:
    """The algorithm that a section of the configuration describes, with the one that it is built over; one
    for each fold, where the data has folds.

    Parameters
    ----------
    step_cost : of the learner itself, see :class:`Algorithm`.
    """
    made = _made(config, network, shape, step_cost)
    return Folded(made, shape.folds) if shape.folds else made


def _made(config: AlgorithmConfig, network: Network, shape: TaskShape, step_cost: float | None) -> Algorithm:
    kind = ALGORITHMS[config.name]
    if not isinstance(config, WrapperConfig):
        made = kind(config, network, shape)
        if step_cost is not None:
            made.step_cost = step_cost
        return made
    assert issubclass(kind, Wrapper)
    # Reptile knows its own rate where none is given
    base = config.base.model_copy(update={"meta_lr": config.meta_lr})
    return kind(config, network, shape, _made(base, network, shape, step_cost))
