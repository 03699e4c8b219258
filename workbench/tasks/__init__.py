"""Task families, one file each; a new file is found by itself."""

from workbench.settings import discover
from workbench.tasks.base import DataError, Episode, EpisodeSize, TaskFamily, TaskShape

FAMILIES = discover(__name__, TaskFamily)  # type: ignore[type-abstract]

__all__ = ["FAMILIES", "DataError", "Episode", "EpisodeSize", "TaskFamily", "TaskShape"]
