"""The nearest sentence: what the most similar source of the support set means, said again as it is.

Translation by example: Nagao, "A framework of a mechanical translation between Japanese and English by
analogy principle", in Artificial and Human Intelligence, 1984, without the part that puts in other words.
Similar is what takes fewest insertions, deletions and replacements; the first of equal ones.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Citation, OuterStep, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.config import Untrained
from workbench.problems.sequence import edit_distance
from workbench.tasks.base import Data

SURE = 20.0
"""Logit of what is said, and minus that of what is not: as probabilities they have no meaning."""


class NearestSentenceConfig(Untrained):
    needs = frozenset({"tokens"})
    episodic = False

    kind: Literal["nearest_sentence"] = "nearest_sentence"


class NearestSentence(ClosedForm):
    """Says the target of the most similar source."""

    Config = NearestSentenceConfig
    title = "Nearest sentence"
    family = "reference"
    summary = "Says again what the most similar source of the support set means; learns nothing."
    citation = Citation(
        "M. Nagao",
        "A framework of a mechanical translation between Japanese and English by analogy principle",
        "Artificial and Human Intelligence",
        1984,
    )

    def initial(self, generator: torch.Generator) -> Params:
        return {}

    def start(self, meta: Params, support: Data) -> Params:
        return {"x": support["x"], "y": support["y"]}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        known, y = learner["x"], learner["y"]
        asked = x[:, : known.shape[-1]]
        every = asked.repeat_interleave(len(known), 0), known.repeat(len(asked), 1)
        apart = edit_distance(*every).view(len(asked), len(known))
        apart = torch.where(known[:, 0] > 0, apart, known.shape[-1] + 1)
        return said(y[apart.argmin(-1)], self.shape.outputs)

    @property
    def outer(self) -> OuterStep:
        return OuterStep(lambda meta, episode: ({}, self.loss(meta, episode)))  # nothing could be moved


def said(tokens: Tensor, outputs: int) -> Tensor:
    """Tokens ``[n, P]`` as logits ``[n, P, outputs]``."""
    return SURE * (2 * F.one_hot(tokens.clamp_min(0).long(), outputs).to(torch.get_default_dtype()) - 1)
