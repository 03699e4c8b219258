"""Algorithms, one file each; a new file is found by itself."""

from workbench.algorithms.base import Algorithm, Citation, Params
from workbench.discovery import discover

ALGORITHMS = discover(__name__, Algorithm)  # type: ignore[type-abstract]

__all__ = ["ALGORITHMS", "Algorithm", "Citation", "Params"]
