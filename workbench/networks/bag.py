"""A bag of words: the mean of learned embeddings of a text's words, then a layer (as in fastText).

Joulin, Grave, Bojanowski, Mikolov, "Bag of Tricks for Efficient Text Classification", EACL 2017,
arXiv 1607.01759.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.config import NetworkConfig, setting
from workbench.networks.base import Network, NetworkError


class BagConfig(NetworkConfig):
    kind: Literal["bag"] = "bag"
    width: int = setting(64, ge=1, le=4096, unit="numbers", help="Numbers that stand for a word.")
    hidden: int | None = setting(
        64, ge=1, le=4096, unit="units", help="Width of the layer above the mean.", empty="no layer"
    )


class Embeddings(nn.Embedding):
    """Numbers of words ``[n, length]``, 0 where the text is over, to the mean of their embeddings."""

    def forward(self, words: Tensor) -> Tensor:
        known = (words > 0).to(self.weight.dtype)
        vectors = F.embedding(words.to(torch.int64), self.weight) * known[..., None]
        return vectors.sum(-2) / known.sum(-1, keepdim=True).clamp(min=1.0)


class Bag(Network):
    """Mean of word embeddings, a hidden layer, a head."""

    Config = BagConfig
    title = "Bag of words"
    summary = "The mean of learned embeddings of a text's words, and a layer with ReLU; for texts as words."
    reads_words: ClassVar[bool] = True

    def __init__(
        self, config: BagConfig, input_shape: tuple[int, ...], outputs: int, vocabulary: int
    ) -> None:
        super().__init__(config, input_shape, outputs)
        if len(input_shape) != 1:
            raise NetworkError(
                f"network 'bag' takes lists of words, not examples of shape {list(input_shape)}"
            )
        layers: list[nn.Module] = [Embeddings(vocabulary, config.width)]
        width = config.width
        if config.hidden is not None:
            layers += [nn.Linear(width, config.hidden), nn.ReLU()]
            self.units = {"2": config.hidden}
            width = config.hidden
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, outputs)
