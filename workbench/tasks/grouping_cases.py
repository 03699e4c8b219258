"""New cases of pictures or texts to group: one set of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from workbench.data.progress import Progress
from workbench.errors import DataError
from workbench.tasks.base import Data, Episode, EpisodeSize, Excerpt
from workbench.tasks.cases import Case, CaseFiles
from workbench.tasks.class_cases import ClassCase
from workbench.words import plural

if TYPE_CHECKING:
    from workbench.tasks.grouping import Grouping


class GroupingFiles(CaseFiles):
    """The examples of one set. Where their classes are known, the result is measured; no learner reads them.

    Parameters
    ----------
    files : how examples of the source are read and written.
    """

    query = ""

    def __init__(self, family: Grouping, files: ClassCase) -> None:
        self._family, self._files = family, files
        self.support = f"the set: {files.one_set}"

    def _read(self, support: Path, query: Path, progress: Progress) -> Case:
        read = self._files.read_set(support, progress)
        config, count = self._family.config, len(read.x)
        notes = list(read.notes)
        if count != config.points:
            notes.append(f"{plural(count, 'example')}; the sets of this run have {config.points}")
        groups = self._how_many(len(read.classes), support)
        if count < groups:
            raise DataError(f"{support}: {count} examples are too few for {groups} groups; add some")
        data: Data = {"x": self._family.embedded(read.x[None].to(self._family.device)).cpu()}
        if config.told:
            data["groups"] = torch.full((1, count), groups)
        truth: Data = {"y": torch.from_numpy(read.labels)[None]} if read.classes else {}
        return Case(
            Episode(data, data | truth).to(self._family.device),
            self._family.shape,
            EpisodeSize(1, count, count),
            read.names,
            excerpt=Excerpt(read.classes, query=(read.texts,) if read.texts else ()),
            notes=tuple(notes),
        )

    def _how_many(self, true: int, path: Path) -> int:
        """Groups of the set: the true ones, or those that all sets of the run have; where learners are not
        told, the fewest."""
        config = self._family.config
        if true > config.most:
            raise DataError(f"{path}: {true} classes; this run knows sets of up to {config.most} groups")
        if config.told and config.groups < config.most:
            if true < 2:
                raise DataError(
                    f"{path}: this run is told how many groups a set has, from {config.groups} to "
                    f"{config.most}, which nothing here says; give examples with their classes"
                )
            return true
        return config.groups

    def write(self, episode: Episode, excerpt: Excerpt | None) -> dict[str, bytes]:
        assert excerpt is not None
        x = self._family.examples_of(episode.query["x"][0])
        return self._files.write_set(x, episode.query["y"][0].tolist(), excerpt)
