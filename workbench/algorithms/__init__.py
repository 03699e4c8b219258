"""Algorithms, one file each; a new file is found by itself."""

from typing import Any

from workbench.algorithms.base import Algorithm, Citation, Params
from workbench.config import AlgorithmConfig
from workbench.networks.base import Network
from workbench.settings import discover
from workbench.tasks.base import TaskShape

ALGORITHMS = discover(__name__, Algorithm)  # type: ignore[type-abstract]

__all__ = ["ALGORITHMS", "Algorithm", "Citation", "Params", "make"]


def make(config: AlgorithmConfig, network: Network, shape: TaskShape) -> Algorithm:
    """The algorithm that a section of the configuration describes, with the one that it is built over."""
    base = getattr(config, "base", None)
    if base is None:
        return ALGORITHMS[config.name](config, network, shape)
    base = base.model_copy(update={"meta_lr": config.meta_lr})  # Reptile knows its own where none is given
    over: Any = ALGORITHMS[config.name]
    wrapped: Algorithm = over(config, network, shape, make(base, network, shape))
    return wrapped
