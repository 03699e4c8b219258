"""A transformer that pools over places of equal symbols, of one task.

In every layer tokens attend within their pair; every symbol takes a gated mean over all places of the support
set where it stands; symbols attend to each other; tokens are given back what their symbol knows. Symbols of
the target have no vectors of their own: what they are, their places tell, so that words never seen before are
like any others. What is said points at symbols of the support set, or ends.

Both attentions know three things of two symbols (whether they are the same, whether they stand in the same
pairs, how often), those within a pair also how far apart two tokens are.

The support set never looks at queries, so it is read once (:meth:`SymbolTransformer.read`) and asked as often
as one likes (:meth:`SymbolTransformer.say`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.problems.sequence import numbered

HEADS = 4
FAR = 8
"""Distances of tokens beyond this are alike."""

NEVER = -1e4
READ, SAID, END, TO_SAY = range(4)
"""What a token is."""


class Sizes(NamedTuple):
    """What one computation has room for.

    Attributes
    ----------
    tokens : of all pairs together.
    longest : tokens of one pair.
    """

    tokens: int
    longest: int


class Tokens(NamedTuple):
    """Tokens of pairs, those that are there in a row and then nothing, ``[n]``.

    Attributes
    ----------
    symbol : the token, as the whole family counts them from 1: those of the source first; 0 of an end, and of
        the beginning.
    place, kind : where it stands, and what it is.
    there : whether it is.
    slots : the tokens of each pair, ``[pairs, longest]``; n where there is none.
    slot : where each token is among these, counted over all pairs.
    """

    symbol: Tensor
    place: Tensor
    kind: Tensor
    there: Tensor
    slots: Tensor
    slot: Tensor


class Symbols(NamedTuple):
    """The symbols of a support set.

    Attributes
    ----------
    number : of each token of the family, from 1, ``[V + 1]``; G where the support set does not have it.
    known : which of the G numbers are symbols, ``[G]``.
    alike : what is known of two of them, and of what is none, ``[G + 1, G + 1, 3]``.
    """

    number: Tensor
    known: Tensor
    alike: Tensor


class Attending(nn.Module):
    """Scores by what is looked for, and a bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.looks = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)

    def forward(self, looks: Tensor, bias: Tensor) -> Tensor:
        """Of ``[…, n, 3 · width]`` and ``[…, HEADS, n, n]``: ``[…, n, width]``."""
        query, key, value = (_heads(each) for each in looks.chunk(3, -1))
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
        found: Tensor = (scores.softmax(-1) @ value).transpose(-2, -3).flatten(-2)
        return found


def _heads(x: Tensor) -> Tensor:
    return torch.unflatten(x, -1, (HEADS, -1)).transpose(-2, -3)


def _further(width: int) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
    )


class Layer(nn.Module):
    """Within pairs, to symbols, among symbols, and back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.within, self.further = Attending(width), _further(width)
        self.among, self.node_further = Attending(width), _further(width)
        self.norm, self.node_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.value, self.gate = nn.Linear(width, width), nn.Linear(width, HEADS)
        self.back, self.whole = nn.Linear(width, width), nn.Linear(width, width)
        self.alike = nn.Parameter(torch.zeros(3, HEADS))
        self.node_alike = nn.Parameter(torch.zeros(3, HEADS))
        self.apart = nn.Parameter(torch.zeros(2 * (2 * FAR + 1), HEADS))

    def looked(self, x: Tensor, tokens: Tokens, bias: Tensor) -> Tensor:
        """Tokens after they have attended within their pairs."""
        looks = F.pad(self.within.looks(self.within.norm(x)), (0, 0, 0, 1))
        found = self.within(looks[tokens.slots], bias).flatten(0, 1)
        out: Tensor = x + self.within.mixed(found[tokens.slot])
        return out

    def gathered(self, nodes: Tensor, x: Tensor, stands: Tensor, bias: Tensor) -> Tensor:
        """Symbols ``[G + 1, width]``, the last for the whole, once they have seen their places and others.

        Parameters
        ----------
        stands : where each stands, ``[G + 1, n]``.
        """
        known = self.norm(x)
        gate = self.gate(known).clamp(-8, 8).exp()
        value = torch.unflatten(self.value(known), -1, (HEADS, -1)) * gate[..., None]
        mean = (
            torch.unflatten(stands @ value.flatten(-2), -1, (HEADS, -1)) / (stands @ gate + 1e-6)[..., None]
        )
        nodes = nodes + mean.flatten(-2)
        among = self.among
        nodes = nodes + among.mixed(among(among.looks(among.norm(nodes)), bias))
        out: Tensor = nodes + self.node_further(nodes)
        return out

    def given(self, x: Tensor, nodes: Tensor, number: Tensor) -> Tensor:
        """Tokens after their symbols, and the whole, have told them what they know; one without a symbol is
        told of the whole twice."""
        known = self.node_norm(nodes)
        x = x + self.back(known)[number] + self.whole(known[-1])
        out: Tensor = x + self.further(x)
        return out


class SymbolTransformer(nn.Module):
    """Reads the pairs of a task, and says targets of sources.

    Parameters
    ----------
    source, target : symbols of each side that there are in the family.
    read, said : places of each.
    width, layers : of the network.
    """

    def __init__(self, source: int, target: int, read: int, said: int, *, width: int, layers: int) -> None:
        super().__init__()
        self.source, self.target, self.reads, self.says = source, target, read, said
        self.words = nn.Embedding(source, width)
        self.place = nn.Embedding(read + 2 * said, width)
        self.kind = nn.Embedding(4, width)
        self.sort = nn.Embedding(2, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))
        self.asked, self.pointed = (
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width)) for _ in range(2)
        )
        self.end = nn.Parameter(torch.zeros(width))

    def read(self, x: Tensor, y: Tensor, sizes: Sizes | None = None) -> tuple[Tensor, Symbols]:
        """The support set as what each layer knows of its symbols.

        Parameters
        ----------
        x, y : pairs, ``[K, S]`` and ``[K, P]``.

        Returns
        -------
        nodes : ``[layers, G + 1, width]``.
        symbols : which they are.
        """
        there = x[:, :1] > 0
        ended = (y == 0) & ((y == 0).cumsum(-1) == 1)
        symbol = torch.cat([x, torch.where(y > 0, y + self.source, 0)], -1)
        present = torch.cat([x > 0, (y > 0) | ended], -1) & there
        places = torch.arange(symbol.shape[-1], device=x.device).expand_as(symbol)
        kind = torch.where(places < self.reads, READ, torch.where(symbol > 0, SAID, END))
        sizes = sizes or Sizes(symbol.numel(), symbol.shape[-1])
        tokens = packed(symbol, places, kind, present, sizes)
        symbols = self._symbols(symbol, present)
        vectors, number = self._vectors(tokens, symbols)
        bias = self._bias(tokens, number, symbols)
        many = len(symbols.known)
        stands = F.one_hot(number, many + 1).to(vectors.dtype).T
        stands = torch.cat([stands[:-1], torch.ones_like(stands[-1:])]) * tokens.there
        real = torch.cat([symbols.known, torch.ones_like(symbols.known[:1])])
        unknown = torch.where(real, 0.0, NEVER).to(vectors.dtype)
        nodes = self._first_nodes(symbols)
        found: list[Tensor] = []
        for layer, within in zip(self._layers, bias, strict=True):
            if found:
                vectors = layer.given(vectors, nodes, number)
            vectors = layer.looked(vectors, tokens, within)
            among = (symbols.alike @ layer.node_alike).permute(2, 0, 1) + unknown
            nodes = layer.gathered(nodes, vectors, stands, among)
            found.append(nodes)
        return torch.stack(found), symbols

    def say(self, nodes: Tensor, symbols: Symbols, asked: Tensor, sizes: Sizes | None = None) -> Tensor:
        """Logits of the token at every place of every query, ``[M, P, target + 1]``.

        Parameters
        ----------
        asked : sources beside what has been said so far, ``[M, S + P]``.
        """
        x, said = asked[:, : self.reads], asked[:, self.reads :]
        before = torch.cat([torch.full_like(said[:, :1], -1), said[:, :-1]], -1)
        going = (before != 0).cumprod(-1) > 0
        symbol = torch.cat([x, torch.where(before > 0, before + self.source, 0)], -1)
        present = torch.cat([x > 0, going], -1)
        places = torch.arange(symbol.shape[-1], device=x.device)
        kind = torch.where(places < self.reads, READ, TO_SAY).expand_as(symbol)
        where = torch.where(places < self.reads, places, places + self.says).expand_as(symbol)
        sizes = sizes or Sizes(symbol.numel(), symbol.shape[-1])
        tokens = packed(symbol, where, kind, present, sizes)
        vectors, number = self._vectors(tokens, symbols)
        bias = self._bias(tokens, number, symbols, later=self.reads)
        for layer, within, known in zip(self._layers, bias, nodes, strict=True):
            vectors = layer.given(layer.looked(vectors, tokens, within), known, number)
        return self._pointed(vectors, tokens, nodes[-1], symbols, asked)

    # --- parts ---------------------------------------------------------------------------------------

    def _symbols(self, symbol: Tensor, present: Tensor) -> Symbols:
        """The symbols that stand in pairs, numbered in the order of the family."""
        number, many = numbered(torch.where(present, symbol, 0), self.source + self.target)
        met = number < many
        known = torch.arange(many, device=symbol.device) < met.sum()
        own = torch.where(present, number[symbol], many)
        stands = F.one_hot(own, many + 1).amax(1)[:, :-1].to(torch.get_default_dtype())  # in which pair
        # the sides of symbols: those of the source come first
        side = torch.arange(many, device=symbol.device) >= met[: self.source + 1].sum()
        together = stands.T @ stands
        often = together.diagonal()
        across = (side[:, None] != side) & (together > 0)
        same_pairs = 4 * (2 * together - often[:, None] - often).exp() * across
        share = together / (often + 1e-6) * across
        alike = torch.stack([torch.eye(many, device=symbol.device), same_pairs, share], -1)
        return Symbols(number, known, F.pad(alike, (0, 0, 0, 1, 0, 1)))

    def _vectors(self, tokens: Tokens, symbols: Symbols) -> tuple[Tensor, Tensor]:
        """Vectors of tokens, and the number of the symbol of each; G where it has none."""
        number = torch.where(tokens.there, symbols.number[tokens.symbol], len(symbols.known))
        read = (tokens.kind == READ) & tokens.there
        word = self.words(torch.where(read, tokens.symbol - 1, 0)) * read[:, None]
        return self.kind(tokens.kind) + self.place(tokens.place) + word, number

    def _first_nodes(self, symbols: Symbols) -> Tensor:
        """What is known of symbols before anything is read: those of the source have a vector each."""
        every = torch.cat([self.words.weight, self.sort.weight[:1].expand(self.target, -1)])
        many = len(symbols.known)
        rows = torch.zeros(many + 1, every.shape[-1], dtype=every.dtype, device=every.device)
        rows = rows.index_add(0, symbols.number[1:], every)
        return torch.cat([rows[:-1], self.sort.weight[1:]])

    @property
    def _layers(self) -> list[Layer]:
        return [each for each in self.layers if isinstance(each, Layer)]

    def _bias(
        self, tokens: Tokens, number: Tensor, symbols: Symbols, later: int | None = None
    ) -> Sequence[Tensor]:
        """What attention within pairs knows beside, of each layer ``[pairs, HEADS, longest, longest]``.

        Parameters
        ----------
        later : the first place from which tokens do not see those behind them, and others do not see them.
        """
        n = len(number)
        slots = tokens.slots
        there = slots < n
        row = slots.clamp_max(n - 1)
        own, place = number[row], tokens.place[row]
        alike = symbols.alike[own[:, :, None], own[:, None]]
        said = place >= self.reads
        count = torch.where(said, (place - self.reads) % self.says, place)
        distance = (count[:, None] - count[:, :, None]).clamp(-FAR, FAR) + FAR
        distance = distance + (2 * FAR + 1) * (said[:, None] != said[:, :, None])
        seen = there[:, None].expand_as(distance)
        if later is not None:
            seen = seen & ~(said[:, None] & (place[:, None] > place[:, :, None]))
        # one product for all layers
        known = torch.cat([alike, F.one_hot(distance, 2 * (2 * FAR + 1)).to(alike.dtype)], -1)
        weight = torch.cat([torch.cat([each.alike, each.apart]) for each in self._layers], -1)
        unseen = torch.where(seen, 0.0, NEVER).to(alike.dtype)
        return torch.split((known @ weight).permute(0, 3, 1, 2) + unseen[:, None], HEADS, 1)

    def _pointed(
        self, vectors: Tensor, tokens: Tokens, nodes: Tensor, symbols: Symbols, asked: Tensor
    ) -> Tensor:
        """Logits at every place of the queries; where nothing is to be said any more, of the end."""
        slots = self.asked(vectors)
        slots = F.pad(slots, (0, 0, 0, 1))[tokens.slots]  # [M, longest, width]
        length = (asked[:, : self.reads] > 0).sum(-1)
        at = length[:, None] + torch.arange(self.says, device=asked.device)
        inside = at < slots.shape[1]
        at = at.clamp_max(slots.shape[1] - 1)
        found = slots.gather(1, at[..., None].expand(-1, -1, slots.shape[-1]))
        found = found * inside[..., None]
        scores = found @ self.pointed(nodes[:-1]).T / math.sqrt(found.shape[-1])
        number = symbols.number[self.source + 1 :]
        unknown = number >= len(symbols.known)
        scores = scores[..., torch.where(unknown, 0, number)].masked_fill(unknown, NEVER)
        end = found @ self.end / math.sqrt(found.shape[-1])
        return torch.cat([end[..., None], scores], -1)


def packed(symbol: Tensor, place: Tensor, kind: Tensor, present: Tensor, sizes: Sizes) -> Tokens:
    """Tokens of pairs ``[pairs, places]`` in a row, without those that are not there."""
    pairs, places = symbol.shape
    order = (~present).flatten().to(torch.int8).argsort(dim=0, stable=True)[: sizes.tokens]
    there = present.flatten()[order]
    inside = present.long().cumsum(-1) - 1  # which of its pair a token is
    first = present.sum(-1).cumsum(0) - present.sum(-1)
    steps = torch.arange(sizes.longest, device=symbol.device)
    slots = torch.where(steps < present.sum(-1, keepdim=True), first[:, None] + steps, sizes.tokens)
    slots = slots.clamp_max(sizes.tokens)
    pair = torch.arange(pairs, device=symbol.device)[:, None].expand(pairs, places)
    slot = (pair * sizes.longest + inside.clamp(0, sizes.longest - 1)).flatten()[order]
    symbol, place, kind = (each.flatten()[order] for each in (symbol, place, kind))
    return Tokens(symbol, place, kind, there, slots, slot)


def needed(x: Tensor, y: Tensor) -> Sizes:
    """The room that pairs ``[T, K, S]`` and ``[T, K, P]`` need, ends included."""
    there = x[..., 0] > 0
    tokens = (x > 0).sum(-1) + torch.where(there, (y > 0).sum(-1) + 1, 0)
    return Sizes(int(tokens.sum(-1).max()), int(tokens.max()))
