"""Grammars of invented languages: a sentence as a source has it, and as each of 24 structures puts it.

Sources are English-like: nouns, verbs, adjectives, ``[adjective] noun verb [adjective] noun``, each adjective
with probability .4. A structure is one of six orders of subject, verb and object, the adjective before or
after its noun, and a particle after the object or none. With agreement, a word behind the verb tells the
hidden class of the subject.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ORDERS = ("SVO", "SOV", "VSO", "VOS", "OSV", "OVS")
_PLACES = torch.tensor([["SVO".index(part) for part in order] for order in ORDERS])
STRUCTURES = 24
SLOTS = 5
"""Of a sentence: adjective, noun, verb, adjective, noun."""

PLACES = 8
"""Of a target: two nouns with adjectives, a verb with its ending, a particle, and the end."""

ADJECTIVE = 0.4

EVERY = torch.arange(STRUCTURES)
"""A structure's number is order + 6 · (adjective before) + 12 · (particle)."""

_order, _before, _particle = EVERY % 6, EVERY // 6 % 2, EVERY // 12
_known = _order < 5
_held = _known & (_before == _order % 2) & (_particle == _order // 2 % 2)
SETS: dict[str, Tensor] = {
    "all": EVERY,
    "seen": EVERY[_known & ~_held],
    "recombined": EVERY[_held],
    "new_order": EVERY[~_known],
}
"""Structures by set: 15 ``seen``; 5 ``recombined`` of what those have, a combination that none of them has; 4
of an order that none of them has."""


def told(structure: int) -> str:
    """A structure in words."""
    adjective = "before" if structure // 6 % 2 else "after"
    particle = "a particle" if structure // 12 else "no particle"
    return f"{ORDERS[structure % 6]}, adjectives {adjective} nouns, {particle}"


class Words(NamedTuple):
    """How many words a language has.

    Attributes
    ----------
    target : words of the target that a language draws its own from.
    """

    nouns: int
    verbs: int
    adjectives: int
    target: int

    @property
    def source(self) -> int:
        """Words of the source, numbered from 1: nouns, verbs, adjectives."""
        return self.nouns + self.verbs + self.adjectives

    @property
    def particle(self) -> int:
        """The symbol of the particle; those of the endings, one for each noun, follow."""
        return self.source + 1

    @property
    def symbols(self) -> int:
        return self.source + 1 + self.nouns

    # --- sentences, [T, n, SLOTS] ------------------------------------------------------------------

    def sentences(self, tasks: int, n: int, generator: torch.Generator) -> Tensor:
        """Sentences of T tasks: words by slot, 0 where there is no adjective."""

        def some(first: int, words: int) -> Tensor:
            return torch.randint(first, first + words, (tasks, n), generator=generator)

        def adjective() -> Tensor:
            there = torch.rand(tasks, n, generator=generator) < ADJECTIVE
            return torch.where(there, some(1 + self.nouns + self.verbs, self.adjectives), 0)

        noun = (1, self.nouns)
        return torch.stack(
            [adjective(), some(*noun), some(1 + self.nouns, self.verbs), adjective(), some(*noun)], -1
        )

    def parsed(self, x: Tensor) -> Tensor:
        """Sentences by slot of sources ``[…, SLOTS]`` that are sentences; of others, nothing that counts."""
        adjective = x > self.nouns + self.verbs
        first, rest = _head(x, adjective[..., 0])
        noun, verb, rest = rest[..., 0], rest[..., 1], rest[..., 2:]
        second, rest = _head(rest, rest[..., 0] > self.nouns + self.verbs)
        return torch.stack([first, noun, verb, second, rest[..., 0]], -1)

    def readings(self, x: Tensor, *, agreement: bool | Tensor = False) -> Tensor:
        """What every structure makes of sources ``[n, SLOTS]``: symbols ``[24, n, PLACES]``; a word alone is
        itself."""
        slots = self.parsed(x)
        shape = (STRUCTURES, len(x))
        structure = EVERY.to(x.device)[:, None].expand(shape)
        said = self.said(slots.expand(STRUCTURES, *slots.shape), structure, agreement)
        alone = torch.cat([x[:, :1], x.new_zeros(len(x), PLACES - 1)], -1)
        return torch.where((x[:, 1] == 0)[:, None], alone, said)

    def said(self, sentences: Tensor, structure: Tensor, agreement: bool | Tensor) -> Tensor:
        """Sentences ``[…, SLOTS]`` as structures ``[…]`` put them: symbols ``[…, PLACES]``, then 0."""
        first, noun, verb, second, object_ = sentences.unbind(-1)
        none = torch.zeros_like(noun)
        before, particle = structure // 6 % 2 == 1, structure // 12 == 1
        ending = torch.where(torch.as_tensor(agreement, device=noun.device), self.particle + noun, 0)
        subject = [torch.where(before, first, 0), noun, torch.where(before, 0, first), none]
        object_part = [
            torch.where(before, second, 0),
            object_,
            torch.where(before, 0, second),
            torch.where(particle, self.particle, 0),
        ]
        parts = [torch.stack(each, -1) for each in (subject, [verb, ending, none, none], object_part)]
        places = _PLACES.to(noun.device)[structure % 6]
        ordered = torch.stack(parts, -2).gather(-2, places[..., None].expand(*places.shape, 4))
        return leftmost(ordered.flatten(-2))[..., :PLACES]


def _head(x: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
    """The first word where it is there, 0 elsewhere; and what follows it."""
    later = torch.cat([x[..., 1:], torch.zeros_like(x[..., :1])], -1)
    return torch.where(there, x[..., 0], 0), torch.where(there[..., None], later, x)


def leftmost(x: Tensor) -> Tensor:
    """Tokens with those that are nothing at the end."""
    return x.gather(-1, (x == 0).to(torch.int8).argsort(dim=-1, stable=True))
