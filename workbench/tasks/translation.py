"""A person's own pairs of texts: each language (or domain) is a task, unseen in training.

Texts are words, or characters. Which of them there are is known of all languages; nothing else is. Tokens of
targets mean nothing across languages, as in invented ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple, Self

import torch
from pydantic import model_validator
from torch import Tensor

from workbench.config import (
    SPLITS,
    EpisodeSize,
    Evaluation,
    Examples,
    Split,
    Suits,
    TaskConfig,
    Training,
    setting,
)
from workbench.data.prepared import unpacked
from workbench.data.progress import Progress
from workbench.data.reading import NOW, Reading
from workbench.problems.sequence import Sequences
from workbench.settings import Name
from workbench.tasks.base import DataError, Episode, TaskFamily, TaskShape
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.own_data import one_of_both, own_data
from workbench.tasks.pair_cases import PairFiles
from workbench.words import plural, shown

SPACE = "␣"
"""A blank among characters."""

TRIES = 200
"""Support sets that are drawn until there are queries of which everything is known."""

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


class TranslationConfig(Examples):
    problem = Sequences
    default_network: ClassVar[str] = "encoder_decoder"
    suits = Suits(
        Training(iterations=2000, meta_batch=16, meta_lr=0.002),
        Evaluation(episodes=200, validation_episodes=50, inner_steps=10, every=200),
    )

    family: Literal["translation"] = "translation"
    path: str | None = setting(
        None, path=True, help="Pairs of texts: a table or JSON lines with source, target and language."
    )
    dataset: Name | None = setting(None, help="Instead of a path: the name of an imported set of pairs.")
    shots: int = setting(10, ge=1, le=200, unit="pairs", help="Pairs that a learner sees of a language.")
    queries: int = setting(5, ge=1, le=200, unit="pairs", help="Other sources, whose targets are asked.")
    tokens: Literal["words", "characters"] = setting("words", help="What a text is a sequence of.")
    length: int = setting(
        16, ge=1, le=64, unit="tokens", help="Pairs with a longer source or target are left out."
    )
    vocabulary: int = setting(
        5000,
        ge=10,
        le=100_000,
        help="Most tokens of each side: the most frequent; pairs with others are left out.",
    )
    known: bool = setting(
        False, help="Ask only sentences all of whose tokens stand in the support pairs, on both sides."
    )
    split: ClassSplit = setting(
        ClassSplit(), help="Languages by name, or drawn by seed.", empty="the data's own, if any"
    )

    @model_validator(mode="after")
    def _path_or_dataset(self) -> Self:
        one_of_both(self, needed="a file of pairs")
        return self


class Pairs(NamedTuple):
    """The pairs of one language, as numbers: ``[n, S]`` and ``[n, P]``."""

    x: Tensor
    y: Tensor


class Translation(TaskFamily):
    """Translate into a language (or as in a domain) of which a few pairs are seen."""

    Config = TranslationConfig
    title = "Translation"
    summary = "Your own pairs of texts, such as sentences with translations: each language is a task."
    config: TranslationConfig

    def __init__(
        self, config: TranslationConfig, progress: Progress | None = None, reading: Reading = NOW
    ) -> None:
        super().__init__(config, progress)
        own = own_data("translation", config, reading, progress)
        self._names = own.names
        self._members = divide(own.names, own.groups, own.split)
        texts = [self.divided(each) for each in unpacked(own.arrays)]
        short = [max(map(len, pair)) <= config.length for pair in zip(texts[::2], texts[1::2], strict=True)]
        source, target = (
            _inventory([each for each, fits in zip(side, short, strict=True) if fits], config)
            for side in (texts[::2], texts[1::2])
        )
        places = config.length + 1
        self._sides = Sequences(source, target, places=places)
        self._numbers = [{token: at for at, token in enumerate(each, 1)} for each in (source, target)]
        known = [
            fits and set(a) <= self._numbers[0].keys() and set(b) <= self._numbers[1].keys()
            for a, b, fits in zip(texts[::2], texts[1::2], short, strict=True)
        ]
        self._pairs, first = list[Pairs](), 0
        for count in own.counts:
            kept: dict[tuple[str, ...], tuple[str, ...]] = {}
            for at in range(first, first + count):
                if known[at]:
                    kept.setdefault(texts[2 * at], texts[2 * at + 1])
            self._pairs.append(Pairs(self._rows([*kept], 0), self._rows([*kept.values()], 1)))
            first += count
        self._left_out = _left_out(short, known, config)
        self.notes = (*own.notes, *self._left_out)
        self.shape = TaskShape(
            self._sides,
            (config.length + places,),
            len(target) + 1,
            vocabulary=len(source) + 1,
            places=places,
        )
        for part in SPLITS:
            self.check(self.size, part)

    def divided(self, text: str) -> tuple[str, ...]:
        """A text as tokens."""
        if self.config.tokens == "words":
            return tuple(_WORD.findall(text.lower()))
        return tuple(text.replace(" ", SPACE))

    def _rows(self, texts: Sequence[Sequence[str]], side: int) -> Tensor:
        """Texts as numbers, ``[n, length]`` (and a place more of targets)."""
        rows = torch.zeros(len(texts), self.config.length + side, dtype=torch.int64)
        for row, text in zip(rows, texts, strict=True):
            row[: len(text)] = torch.tensor([self._numbers[side][token] for token in text])
        return rows

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        size = size or self.size
        self.check(size, split)
        members = self._members[split]
        chosen = torch.randint(len(members), (count,), generator=generator).tolist()
        drawn = [self._drawn(members[at], size, generator) for at in chosen]
        x, y = (torch.stack(each) for each in zip(*drawn, strict=True))
        support, query = slice(size.shots), slice(size.shots, None)
        language = torch.tensor([members[at] for at in chosen])
        return Episode(
            {"x": x[:, support], "y": y[:, support]},
            {"x": x[:, query], "y": y[:, query]},
            {"language": language},
        ).to(self.device)

    def _drawn(self, language: int, size: EpisodeSize, generator: torch.Generator) -> Pairs:
        """The pairs of one task, those of its support set first."""
        x, y = self._pairs[language]
        if not self.config.known:
            rows = torch.randperm(len(x), generator=generator)[: size.shots + size.queries]
            return Pairs(x[rows], y[rows])
        for _ in range(TRIES):
            rows = torch.randperm(len(x), generator=generator)
            shown_, rest = rows[: size.shots], rows[size.shots :]
            able = torch.ones(len(rest), dtype=torch.bool)
            for side in (x, y):
                seen = torch.cat([side[shown_].flatten(), side.new_zeros(1)])
                able &= torch.isin(side[rest], seen).all(-1)
            asked = rest[able][: size.queries]
            if len(asked) == size.queries:
                rows = torch.cat([shown_, asked])
                return Pairs(x[rows], y[rows])
        raise DataError(
            f"language {shown(self._names[language])}: {size.shots} pairs hardly ever have all tokens of "
            f"{size.queries} others; use more shots, or set task.known to false"
        )

    def check(self, size: EpisodeSize, split: Split) -> None:
        needed = size.shots + size.queries
        scarcest = min(self._members[split], key=lambda at: len(self._pairs[at].x))
        held = len(self._pairs[scarcest].x)
        if held < needed:
            asked = f"{plural(size.shots, 'shot')} + {plural(size.queries, 'query', 'queries')}"
            held_are = f"{plural(held, 'pair')} with different sources, but {asked} need {needed}"
            what_to_do = "; ".join(["use fewer, or leave it out", *self._left_out])
            raise DataError(
                f"language {shown(self._names[scarcest])} of the {split} split has {held_are}; {what_to_do}"
            )

    def names_in(self, split: Split) -> list[str]:
        return [self._names[at] for at in self._members[split]]

    def case_files(self) -> PairFiles:
        return PairFiles(self, self.divided)

    def data_hash(self) -> str:
        head = [self.config.tokens, self._sides.source, self._sides.target, self._members]
        digest = hashlib.sha256(json.dumps(head).encode())
        for pairs in self._pairs:
            for each in pairs:
                digest.update(each.numpy().tobytes())
        return digest.hexdigest()

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        assert isinstance(config, TranslationConfig)
        return cls(config, progress, reading)

    def describe(self) -> Mapping[str, object]:
        where = {"path": self.config.path} if self.config.path else {"dataset": self.config.dataset}
        return {
            **where,
            "languages": {part: len(self._members[part]) for part in SPLITS},
            "pairs": {part: sum(len(self._pairs[at].x) for at in self._members[part]) for part in SPLITS},
            "source_tokens": len(self._sides.source),
            "target_tokens": len(self._sides.target),
        }


def _inventory(texts: Sequence[Sequence[str]], config: TranslationConfig) -> list[str]:
    """The most frequent tokens, in the order of the alphabet."""
    counts = Counter(token for text in texts for token in text)
    most = sorted(counts, key=lambda token: (-counts[token], token))[: config.vocabulary]
    return sorted(most)


def _left_out(short: Sequence[bool], known: Sequence[bool], config: TranslationConfig) -> list[str]:
    """Which pairs are not learned from, and why."""
    long, rare = short.count(False), short.count(True) - known.count(True)
    said = [
        (long, f"longer than {config.length} tokens (task.length)"),
        (rare, f"tokens that are not among the {config.vocabulary:,} most frequent (task.vocabulary)"),
    ]
    return [f"{n:,} {'pairs are' if n > 1 else 'pair is'} left out: {why}" for n, why in said if n]
