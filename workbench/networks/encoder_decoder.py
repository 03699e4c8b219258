"""An encoder and a decoder that attend: Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser,
Polosukhin, "Attention Is All You Need", NeurIPS 2017, arXiv 1706.03762.

The layer norms come first (Xiong et al., "On Layer Normalization in the Transformer Architecture", ICML 2020,
arXiv 2002.04745), positions are learned, and places where nothing stands are a token of their own.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from workbench.config import NetworkConfig, setting
from workbench.networks.base import Network


class EncoderDecoderConfig(NetworkConfig):
    kind: Literal["encoder_decoder"] = "encoder_decoder"
    width: int = setting(
        32, ge=4, le=1024, multiple_of=4, unit="numbers", help="Numbers that stand for a token."
    )
    layers: int = setting(1, ge=1, le=16, unit="layers", help="Layers of the encoder, and of the decoder.")


HEADS = 4


class EncoderDecoder(Network):
    """Reads a sequence of tokens and says another, token by token."""

    Config = EncoderDecoderConfig
    title = "Encoder and decoder"
    summary = "A small transformer that reads one sequence of tokens and says another; for sequences."
    reads_words: ClassVar[bool] = True
    says_sequences: ClassVar[bool] = True

    def __init__(
        self,
        config: EncoderDecoderConfig,
        input_shape: tuple[int, ...],
        outputs: int,
        vocabulary: int,
        places: int,
    ) -> None:
        super().__init__(config, input_shape, outputs)
        width, source = config.width, input_shape[0] - places
        parts: list[tuple[str, nn.Module]] = [("tokens", Tokens(vocabulary, outputs, source, places, width))]
        parts += [(f"encoder{at + 1}", Encoder(source, width)) for at in range(config.layers)]
        parts += [(f"decoder{at + 1}", Decoder(source, width)) for at in range(config.layers)]
        parts.append(("said", Said(source, width)))
        self.body = nn.Sequential()
        for name, part in parts:
            self.body.add_module(name, part)
        self.units = {name: width for name, _ in parts[1:-1]}
        self.head = nn.Linear(width, outputs)


class Tokens(nn.Module):
    """Tokens ``[n, S + P]`` as vectors ``[n, width, S + P]``; at a place stands what was said before it."""

    def __init__(self, vocabulary: int, outputs: int, source: int, places: int, width: int) -> None:
        super().__init__()
        self.source, self.begin = source, outputs
        self.read, self.said = nn.Embedding(vocabulary, width), nn.Embedding(outputs + 1, width)
        self.place = nn.Embedding(source + places, width)
        self.mixed = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.int64)
        read, said = x[..., : self.source], x[..., self.source :]
        before = torch.cat([torch.full_like(said[..., :1], self.begin), said[..., :-1]], -1)
        vectors = torch.cat([self.read(read), self.said(before)], -2) + self.place.weight
        out: Tensor = self.mixed(vectors).transpose(-1, -2)
        return out


class Attention(nn.Module):
    """Some places look at others, ``[n, places, width]`` each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.mixed = nn.Linear(width, width)

    def forward(self, x: Tensor, others: Tensor, seen: Tensor | None = None) -> Tensor:
        query = _heads(self.query(x))
        key, value = (_heads(each) for each in self.key_value(others).chunk(2, -1))
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        if seen is not None:
            scores = scores.masked_fill(~seen, -1e4)
        found: Tensor = self.mixed((scores.softmax(-1) @ value).transpose(-2, -3).flatten(-2))
        return found


class Encoder(nn.Module):
    """The source looks at itself."""

    def __init__(self, source: int, width: int) -> None:
        super().__init__()
        self.source = source
        self.look, self.further = Attention(width), _further(width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(-1, -2)
        read, said = x[..., : self.source, :], x[..., self.source :, :]
        known = self.first(read)
        read = read + self.look(known, known)
        read = read + self.further(self.second(read))
        return torch.cat([read, said], -2).transpose(-1, -2)


class Decoder(nn.Module):
    """What is said looks at what was said before, then at the source."""

    def __init__(self, source: int, width: int) -> None:
        super().__init__()
        self.source = source
        self.back, self.look, self.further = Attention(width), Attention(width), _further(width)
        self.first, self.second, self.third = (nn.LayerNorm(width) for _ in range(3))
        self.known = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(-1, -2)
        read, said = x[..., : self.source, :], x[..., self.source :, :]
        places = torch.arange(said.shape[-2], device=x.device)
        own = self.first(said)
        said = said + self.back(own, own, places[:, None] >= places)
        said = said + self.look(self.second(said), self.known(read))
        said = said + self.further(self.third(said))
        return torch.cat([read, said], -2).transpose(-1, -2)


class Said(nn.Module):
    """The vectors of what is said, ``[n, P, width]``."""

    def __init__(self, source: int, width: int) -> None:
        super().__init__()
        self.source, self.norm = source, nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(x.transpose(-1, -2)[..., self.source :, :])
        return out


def _further(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))


def _heads(x: Tensor) -> Tensor:
    """``[…, n, width]`` as ``[…, heads, n, width / heads]``."""
    return torch.unflatten(x, -1, (HEADS, -1)).transpose(-2, -3)
