"""A sample episode as its problem draws it, made in the worker thread and painted in the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.config import Split
from workbench.pictures import Drawing
from workbench.problems.predicted import Example
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.tasks import TaskFamily


@dataclass(frozen=True)
class Sample:
    """One task of a split; ``shots`` and ``queries`` as the episode has them, of which fewer may be drawn."""

    split: Split
    shots: int
    queries: int
    drawing: Drawing

    @property
    def caption(self) -> str:
        """What the episode is, in words."""
        return tr("{} split: {}", tr(self.split), self.drawing.words)


def draw(family: TaskFamily, split: Split, seed: int) -> Sample | None:
    """Draw one task of a family; the same seed gives the same task. None where its problem has no picture.

    Raises
    ------
    DataError
        If the split cannot give such an episode.
    """
    import torch

    size = family.size
    shown = max(size.queries, family.problem.queries_shown(size.queries, family.shape.input_shape))
    wanted = size._replace(queries=min(shown, family.most_queries or shown))
    episode = family.sample(split, 1, torch.Generator().manual_seed(seed), wanted)
    told = family.excerpt(split, torch.Generator().manual_seed(seed), wanted)
    support, query = (
        {name: each[0].cpu().numpy() for name, each in part.items()}
        for part in (episode.support, episode.query)
    )
    drawing = family.problem.example(
        Example(
            support=support,
            query=query,
            classes=told.classes if told else (),
            support_texts=told.support if told else (),
            query_texts=told.query if told else (),
        )
    )
    return Sample(split, size.shots, size.queries, drawing) if drawing else None
