"""Invented languages: a task is a language that nobody speaks, of which a few sentences are translated.

A language has a word for each source word (and for a particle and two endings, where it has these), drawn one
to one from more, and one of the structures of :mod:`workbench.tasks.grammar`. It is of a level: 1, every word
alone and a few sentences; 2, sentences only; 3, sentences in which the verb agrees with the hidden class of
its subject.

A query is asked only if a perfect learner knows the answer: it is not in the support set, its words are (at
level 3, its subject as a subject), and every language that fits the support set translates it alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field, model_validator
from torch import Tensor

from workbench.config import EpisodeSize, Evaluation, Split, Suits, TaskConfig, Training, setting
from workbench.problems.sequence import ABSENT, Sequences, Structures
from workbench.settings import misfit
from workbench.tasks.base import DataError, Episode, Progress, TaskFamily, TaskShape
from workbench.tasks.grammar import PLACES, SETS, SLOTS, STRUCTURES, Words, leftmost
from workbench.tasks.pair_cases import PairFiles

SIZES = {"small": Words(4, 3, 2, 16), "large": Words(8, 5, 4, 32)}
NOUNS = ("dog", "cat", "bird", "fish", "child", "bear", "fox", "girl")
VERBS = ("sees", "likes", "follows", "hears", "finds")
ADJECTIVES = ("small", "old", "red", "quiet")
ONSETS, RIMES = ("d", "f", "g", "k", "l", "m", "t", "z"), ("ax", "ip", "ur", "em")
DICTIONARY, SENTENCES, AGREEMENT = 1, 2, 3
ALL = "all"
CANDIDATES = 4
"""Sentences that are drawn for each query, since not all can be answered."""

DRAWS = 50
"""Rounds after which a support set is said to be too small for any query."""


class LanguagesConfig(TaskConfig):
    problem = Sequences
    has: ClassVar = frozenset({"structures"})
    default_network: ClassVar[str] = "encoder_decoder"
    suits = Suits(
        Training(iterations=3000, meta_batch=32, meta_lr=0.002),
        Evaluation(episodes=1000, validation_episodes=100, inner_steps=10, every=250),
    )

    family: Literal["languages"] = "languages"
    level: Annotated[int, Field(ge=1, le=3)] | Literal["all"] = setting(
        2,
        help="1: every word alone and a few sentences; 2: sentences only; 3: with a verb that agrees; all: "
        "each task is of one of these.",
    )
    pairs: int = setting(10, ge=4, le=200, unit="pairs", symbol="K", help="Support pairs of a task.")
    fewest_pairs: int | None = setting(
        None,
        ge=4,
        le=200,
        unit="pairs",
        help="Each task has some number of pairs from this to the above, few as likely as many.",
        empty="all have the same",
    )
    queries: int = setting(8, ge=1, le=100, help="Sentences to be translated, of each task.")
    structures: Literal["all", "seen", "recombined", "new_order"] = setting(
        "all",
        titles={"new_order": "new order"},
        help="Orders of words that languages have: all 24; 15 of them; 5 of which those have all parts, but "
        "not together; 4 of an order that those do not have.",
    )
    words: Literal["small", "large"] = setting(
        "small", help="Words of a language: 9, of 16 that it may have; or 17, of 32."
    )

    @model_validator(mode="after")
    def _few_are_few(self) -> LanguagesConfig:
        if self.fewest_pairs is not None and self.fewest_pairs > self.pairs:
            raise misfit(("fewest_pairs",), f"{self.fewest_pairs} is more than pairs = {self.pairs}")
        alone = SIZES[self.words].source
        if self.level in (DICTIONARY, ALL) and self.pairs < alone + 1:
            least = f"each of the {alone} words stands alone there; use {alone + 1} or more"
            raise misfit(("pairs",), f"{self.pairs} are too few for level 1: {least}, or another level")
        return self

    @property
    def episode_size(self) -> EpisodeSize:
        return EpisodeSize(1, self.pairs, self.queries)


class Drawn(NamedTuple):
    """Languages with sentences.

    Attributes
    ----------
    sentences : by slot, ``[T, n, SLOTS]``.
    x, y : pairs, ``[T, n, SLOTS]`` and ``[T, n, PLACES]``.
    lexicon : the target word of each symbol, ``[T, symbols + 1]``; 0 of nothing.
    structure, level, pairs : ``[T]``.
    """

    sentences: Tensor
    x: Tensor
    y: Tensor
    lexicon: Tensor
    structure: Tensor
    level: Tensor
    pairs: Tensor

    def some(self, chosen: Tensor) -> Drawn:
        return Drawn(*(each[chosen] for each in self))


class Languages(TaskFamily):
    """Translate into a language that was invented a moment ago."""

    Config = LanguagesConfig
    title = "Invented languages"
    summary = (
        "Translate sentences into a language of unknown words and word order, of which a few are translated."
    )
    config: LanguagesConfig

    def __init__(self, config: LanguagesConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.words = words = SIZES[config.words]
        source = (*NOUNS[: words.nouns], *VERBS[: words.verbs], *ADJECTIVES[: words.adjectives])
        target = [onset + rime for rime in RIMES for onset in ONSETS][: words.target]
        structures = Structures(partial(_readings, words, config.level), words.symbols)
        problem = Sequences(source, target, structures, places=PLACES)
        self.shape = TaskShape(
            problem, (SLOTS + PLACES,), words.target + 1, vocabulary=words.source + 1, places=PLACES
        )

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        """The tasks of one call have one level and one number of pairs in training, so that a meta-batch has
        no gaps; elsewhere each its own."""
        _, pairs, queries = size or self.size
        alike = split == "train"
        level, number = self._sizes(1 if alike else count, pairs, generator)
        level, number = level.expand(count), number.expand(count)
        kept, left = [], torch.arange(count)
        for _ in range(DRAWS):
            drawn, fit = self._draw(level[left], number[left], pairs, queries, generator)
            kept.append((left[fit], drawn.some(fit)))
            left = left[~fit]
            if not len(left):
                break
        else:
            raise DataError(
                f"task.pairs: languages of {int(number[left[0]])} pairs leave hardly anything that can be "
                f"asked {queries} times; use more pairs, or fewer queries"
            )
        order = torch.cat([each for each, _ in kept]).argsort()
        found = Drawn(*(torch.cat(each)[order] for each in zip(*(some for _, some in kept), strict=True)))
        support, query = slice(pairs), slice(pairs, None)
        task = {"structure": found.structure, "level": found.level, "lexicon": found.lexicon[:, 1:]}
        return Episode(
            {"x": found.x[:, support], "y": found.y[:, support]},
            {"x": found.x[:, query], "y": found.y[:, query]},
            task,
        ).to(self.device)

    def _sizes(self, count: int, pairs: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The level and the number of pairs of T tasks."""
        config = self.config
        levels = [DICTIONARY, SENTENCES, AGREEMENT] if config.level == ALL else [config.level]
        level = torch.tensor(levels)[torch.randint(len(levels), (count,), generator=generator)]
        alone = torch.where(level == DICTIONARY, self.words.source, 0)
        fewest = torch.tensor(config.fewest_pairs or pairs)
        # sentences, which tell more than words: few as likely as many, by their logarithm
        least = torch.maximum(fewest - alone, torch.where(alone > 0, 2, 1)).clamp_max(pairs - alone)
        most = pairs - alone
        drawn = torch.rand(count, generator=generator)
        number = (least * ((most + 1) / least) ** drawn).floor().long().clamp_max(most)
        return level, number + alone

    def _draw(
        self, level: Tensor, number: Tensor, pairs: int, queries: int, generator: torch.Generator
    ) -> tuple[Drawn, Tensor]:
        """Languages of these sizes with ``queries`` queries each; and which of them have so many."""
        words, tasks, n = self.words, len(level), pairs + CANDIDATES * queries
        allowed = SETS[self.config.structures]
        structure = allowed[torch.randint(len(allowed), (tasks,), generator=generator)]
        named = torch.rand(tasks, words.target, generator=generator).argsort(-1) + 1
        kind = torch.randint(0, 2, (tasks, words.nouns), generator=generator)
        own, endings = named[:, : words.particle], named[:, words.particle : words.particle + 2]
        lexicon = torch.cat([torch.zeros_like(own[:, :1]), own, endings.gather(1, kind)], 1)
        sentences = words.sentences(tasks, n, generator)
        alone = torch.rand(tasks, words.source, generator=generator).argsort(-1) + 1
        first = (level == DICTIONARY)[:, None] & (torch.arange(n) < words.source)
        sentences = torch.where(
            first[..., None], torch.nn.functional.pad(_fill(alone, n)[..., None], (0, SLOTS - 1)), sentences
        )
        x = leftmost(sentences)
        symbols = words.said(sentences, structure[:, None].expand(tasks, n), (level == AGREEMENT)[:, None])
        symbols = torch.where(first[..., None], x.new_zeros(PLACES), symbols)
        symbols[..., 0] = torch.where(first, x[..., 0], symbols[..., 0])
        y = _looked_up(lexicon, symbols)
        there = torch.arange(pairs) < number[:, None]
        x[:, :pairs] = torch.where(there[..., None], x[:, :pairs], 0)
        y[:, :pairs] = torch.where(there[..., None], y[:, :pairs], ABSENT)
        drawn = Drawn(sentences, x, y, lexicon, structure, level, number)
        fit = answerable(words, drawn, pairs)
        first_fit = (~fit).to(torch.int8).argsort(dim=1, stable=True)[:, :queries] + pairs
        chosen = torch.cat([torch.arange(pairs).expand(tasks, -1), first_fit], 1)[..., None]
        sentences, x, y = (
            each.gather(1, chosen.expand(-1, -1, each.shape[-1])) for each in (sentences, x, y)
        )
        return Drawn(sentences, x, y, lexicon, structure, level, number), fit.sum(1) >= queries

    def check(self, size: EpisodeSize, split: Split) -> None:
        if size.shots != self.config.pairs:
            raise DataError("train_shots: tasks of languages have the pairs that [task] says; leave it out")

    def case_files(self) -> PairFiles:
        return PairFiles(self)

    def data_hash(self) -> str:
        config = self.config
        values = {"structures": config.structures, "words": config.words, "level": config.level}
        drawn = " ".join(f"{name}={value}" for name, value in sorted(values.items()))
        return hashlib.sha256(f"{config.name} {drawn} {config.fewest_pairs}".encode()).hexdigest()

    def describe(self) -> Mapping[str, object]:
        words = self.words
        return {
            "level": self.config.level,
            "structures": len(SETS[self.config.structures]),
            "source_words": words.source,
            "target_words": words.target,
            "splits": "independent draws of languages, of which there are more than ever meet",
        }


def _readings(words: Words, level: int | str, x: Tensor) -> Tensor:
    """What structures make of sources; with agreement where all tasks have it, and both where some do."""
    ways = {ALL: (False, True), AGREEMENT: (True,)}.get(level, (False,))
    return torch.cat([words.readings(x, agreement=agreement) for agreement in ways])


def _fill(alone: Tensor, n: int) -> Tensor:
    """``[T, n]``, of which the first are given."""
    most = min(n, alone.shape[1])
    return torch.cat([alone[:, :most], alone.new_zeros(len(alone), n - most)], 1)


def _looked_up(lexicon: Tensor, symbols: Tensor) -> Tensor:
    """Symbols ``[T, n, P]`` in words of the language."""
    return lexicon.gather(-1, symbols.flatten(1)).view_as(symbols)


def answerable(words: Words, drawn: Drawn, pairs: int) -> Tensor:
    """Which queries, bool ``[T, n]``, a perfect learner can answer by the support set.

    Every structure fixes the lexicon, if any fits: so many hypotheses there are, and those that fit must
    agree.
    """
    sentences, x = drawn.sentences, drawn.x
    support, asked = x[:, :pairs], x[:, pairs:]
    new = (asked[:, :, None] != support[:, None]).any(-1).all(-1)
    words_seen = torch.zeros(len(x), words.source + 1, dtype=torch.bool)
    words_seen.scatter_(1, support.flatten(1), True)
    words_seen[:, 0] = True
    fit = new & words_seen.gather(1, asked.flatten(1)).view_as(asked).all(-1)
    is_sentence = (support[..., 1] > 0) | (support[..., 0] == 0)
    subjects = torch.where(is_sentence & (support[..., 0] > 0), sentences[:, :pairs, 1], -1)
    as_subject = (sentences[:, pairs:, None, 1] == subjects[:, None]).any(-1)
    fit &= as_subject | (drawn.level != AGREEMENT)[:, None]
    return fit & _agreed(words, drawn, pairs, ~is_sentence)


def _agreed(words: Words, drawn: Drawn, pairs: int, alone: Tensor) -> Tensor:
    """Which queries all languages that fit the support set translate as this one does."""
    agreement, result = (drawn.level == AGREEMENT)[:, None], None
    tasks, n = drawn.x.shape[:2]
    there = (drawn.x[:, :pairs, 0] > 0)[..., None]
    one = torch.cat([drawn.x[:, :pairs, :1], drawn.x.new_zeros(tasks, pairs, PLACES - 1)], -1)
    for structure in range(STRUCTURES):
        same = torch.full((tasks, n), structure)
        said = words.said(drawn.sentences, same, agreement)
        symbols = torch.where(alone[..., None], one, said[:, :pairs]) * there
        fits, lexicon = _lexicon(words, symbols, drawn.y[:, :pairs].clamp_min(0))
        agrees = (_looked_up(lexicon, said[:, pairs:]) == drawn.y[:, pairs:]).all(-1) | ~fits[:, None]
        result = agrees if result is None else result & agrees
    assert result is not None
    return result


def _lexicon(words: Words, symbols: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Whether symbols ``[T, n, P]`` may stand for words ``[T, n, P]``, bool ``[T]``; and the word of each, −1
    where none is known, ``[T, symbols + 1]``."""
    tasks, many = len(y), words.target + 1
    fits = ((symbols == 0) == (y == 0)).flatten(1).all(1)
    met = torch.zeros(tasks, (words.symbols + 1) * many, dtype=torch.bool)
    met.scatter_(1, (symbols * many + y).flatten(1), True)
    met = met.view(tasks, words.symbols + 1, many)[..., 1:]
    met[:, 0] = False
    endings = met[:, words.particle + 1 :]
    sorts = torch.cat([met[:, : words.particle + 1], endings.any(1, keepdim=True)], 1)
    fits &= (met.sum(-1) <= 1).all(-1) & (sorts.sum(1) <= 1).all(-1)  # a word each, and each its own
    fits &= endings.any(1).sum(-1) <= 2
    lexicon = torch.where(met.any(-1), met.to(torch.int8).argmax(-1) + 1, -1)
    lexicon[:, 0] = 0
    return fits, lexicon
