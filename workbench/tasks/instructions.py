"""Instructions: a task is a hidden interpretation grammar (Lake, Baroni, Nature 2023), of which some pairs
are studied and others asked.

Twenty-four different pairs are drawn of a grammar; 14 of them are studied, and of the rest those may be asked
whose words and functions were studied. In validation and test a query is asked only if every grammar that
fits what was studied answers alike. Which symbols stand for what is drawn anew for every task. Sets of three
forms are divided among the splits: a tenth is for validation, a tenth for test. Grammars that say what the
published test says are left out of all, and are a set of their own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from random import Random
from typing import ClassVar, Literal, NamedTuple

import torch
from pydantic import model_validator

from workbench.config import EpisodeSize, Evaluation, Split, Suits, TaskConfig, Training, setting
from workbench.problems.sequence import PARTS, Sequences
from workbench.settings import misfit
from workbench.tasks.base import DataError, Episode, Progress, TaskFamily, TaskShape
from workbench.tasks.interpretation import (
    LONGEST,
    Grammar,
    String,
    determined,
    is_published,
    part_of,
    published,
    some_form,
    some_string,
)
from workbench.tasks.pair_cases import PairFiles

INPUTS = ("dax", "wif", "lug", "zup", "fep", "blicket", "kiki", "tufa", "gazzer")
OUTPUTS = ("red", "green", "blue", "yellow", "purple", "pink")
PAIRS = 24
"""Different pairs that are drawn of a grammar."""

TRIES = 2000
"""Inputs that are drawn until a grammar is given up, which has too few pairs."""

TENTHS: dict[Split, frozenset[int]] = {
    "test": frozenset({0}),
    "validation": frozenset({1}),
    "train": frozenset(range(2, 10)),
}

Pair = tuple[String, String]


class InstructionsConfig(TaskConfig):
    problem = Sequences
    default_network: ClassVar[str] = "encoder_decoder"
    suits = Suits(
        Training(iterations=2000, meta_batch=24, meta_lr=0.002),
        Evaluation(episodes=1000, validation_episodes=100, inner_steps=10, every=250),
        {"train_queries": 8},
    )

    family: Literal["instructions"] = "instructions"
    primitives: int = setting(4, ge=2, le=6, unit="words", help="Words of a grammar, each with an output.")
    functions: int = setting(3, ge=1, le=6, help="Functions of a grammar.")
    study: int = setting(14, ge=4, le=20, unit="pairs", help="Pairs that are studied, of 24 of a grammar.")
    queries: int = setting(4, ge=1, le=20, help="Other inputs whose output is asked.")
    grammars: Literal["drawn", "mini_scan"] = setting(
        "drawn",
        titles={"mini_scan": "mini-SCAN"},
        help="Drawn, and unseen in meta-test; or the published test's, 14 pairs to study and 10 to be asked.",
    )

    @model_validator(mode="after")
    def _fits(self) -> InstructionsConfig:
        symbols = self.primitives + self.functions
        if symbols > len(INPUTS):
            raise misfit(
                ("functions",), f"{symbols} words and functions are more than the {len(INPUTS)} input symbols"
            )
        if self.study + self.queries > PAIRS:
            raise misfit(
                ("queries",), f"{self.study} pairs and {self.queries} queries are more than {PAIRS} in all"
            )
        if self.grammars == "mini_scan" and (self.primitives, self.functions, self.study) != (4, 3, 14):
            raise misfit(
                ("grammars",), "mini-SCAN has primitives = 4, functions = 3 and study = 14; leave them out"
            )
        return self

    @property
    def episode_size(self) -> EpisodeSize:
        return EpisodeSize(1, self.study, self.queries)


class Studied(NamedTuple):
    """One task in the grammar's own symbols: pairs that are studied, and that are asked."""

    studied: Sequence[Pair]
    asked: Sequence[Pair]


class Instructions(TaskFamily):
    """Work out what made-up words do from a few examples."""

    Config = InstructionsConfig
    title = "Instructions"
    summary = "Work out what made-up words and functions mean from a few pairs, and put them together anew."
    config: InstructionsConfig

    def __init__(self, config: InstructionsConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.shape = TaskShape(
            Sequences(INPUTS, OUTPUTS, places=LONGEST + 1),
            (2 * LONGEST + 1,),
            len(OUTPUTS) + 1,
            vocabulary=len(INPUTS) + 1,
            places=LONGEST + 1,
        )

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        queries = (size or self.size).queries
        chance = Random(int(torch.randint(2**62, (1,), generator=generator)))
        tasks = [self._task(split, queries, chance) for _ in range(count)]
        c = self.config
        numbers = torch.zeros(count, c.study + queries, 2 * LONGEST + 1, dtype=torch.int64)
        words = torch.rand(count, len(INPUTS), generator=generator).argsort(-1) + 1
        said = torch.rand(count, len(OUTPUTS), generator=generator).argsort(-1) + 1
        functions = torch.zeros(count, queries, dtype=torch.int64)
        for at, task in enumerate(tasks):
            own_words, own_said = words[at].tolist(), said[at].tolist()
            for row, (a, b) in enumerate((*task.studied, *task.asked)):
                numbers[at, row, : len(a)] = torch.tensor([own_words[each] for each in a])
                numbers[at, row, LONGEST : LONGEST + len(b)] = torch.tensor([own_said[each] for each in b])
            functions[at] = torch.tensor([sum(each >= c.primitives for each in a) for a, _ in task.asked])
        x, y = numbers[..., :LONGEST], numbers[..., LONGEST:]
        support, query = slice(c.study), slice(c.study, None)
        return Episode(
            {"x": x[:, support], "y": y[:, support]},
            {"x": x[:, query], "y": y[:, query], PARTS: functions},
            {"words": words, "outputs": said},
        ).to(self.device)

    def _task(self, split: Split, queries: int, chance: Random) -> Studied:
        if self.config.grammars == "mini_scan":
            pairs = published()
            studied, rest = pairs[: self.config.study], pairs[self.config.study :]
            return Studied(studied, rest[:queries])
        while True:
            pairs = self._pairs(split, chance)
            studied, rest = pairs[: self.config.study], pairs[self.config.study :]
            asked = self._asked(studied, rest, queries, chance, train=split == "train")
            if asked is not None:
                return Studied(studied, asked)

    def _pairs(self, split: Split, chance: Random) -> list[Pair]:
        """Different pairs of a grammar of the split, in random order."""
        c = self.config
        words = range(c.primitives)
        numbers = range(c.primitives, c.primitives + c.functions)
        while True:
            forms = [some_form(chance) for _ in numbers]
            if is_published(forms) or part_of(forms) not in TENTHS[split]:
                continue
            grammar = Grammar(
                dict(zip(words, words, strict=True)), dict(zip(numbers, forms, strict=True)), tuple(numbers)
            )
            found: dict[String, String] = {}
            for _ in range(TRIES):
                string = some_string(c.primitives, forms, chance)
                if string is None or string in found:
                    continue
                said = grammar.interpreted(string)
                if said is not None and len(said) <= LONGEST:
                    found[string] = said
                if len(found) == PAIRS:
                    pairs = list(found.items())
                    chance.shuffle(pairs)
                    return pairs

    def _asked(
        self, studied: Sequence[Pair], rest: Sequence[Pair], queries: int, chance: Random, *, train: bool
    ) -> list[Pair] | None:
        """Queries of those that are left; None where there are too few. In training those with most functions
        first, more or less: there is most to learn from them."""
        known = {each for string, _ in studied for each in string}
        able = [pair for pair in rest if known.issuperset(pair[0])]
        if train:
            most = self.config.primitives
            able.sort(key=lambda pair: -sum(each >= most for each in pair[0]) + 1.5 * chance.random())
        elif len(able) >= queries:
            said = determined(studied, [a for a, _ in able], self.config.primitives, len(OUTPUTS))
            able = [pair for pair, own in zip(able, said, strict=True) if own == pair[1]]
        return able[:queries] if len(able) >= queries else None

    def check(self, size: EpisodeSize, split: Split) -> None:
        c = self.config
        if size.shots != c.study:
            raise DataError("train_shots: what is studied is said by task.study; leave it out")
        most = 10 if c.grammars == "mini_scan" else PAIRS - c.study
        if size.queries > most:
            raise DataError(
                f"{size.queries} queries, but there are {most} pairs beside the {c.study} studied"
            )

    def case_files(self) -> PairFiles:
        return PairFiles(self, free=True)

    def data_hash(self) -> str:
        c = self.config
        drawn = f"{c.primitives} {c.functions} {c.study} {c.grammars}"
        return hashlib.sha256(f"{c.name} {drawn}".encode()).hexdigest()

    def describe(self) -> Mapping[str, object]:
        c = self.config
        return {
            "words": c.primitives,
            "functions": c.functions,
            "studied": c.study,
            "splits": "sets of forms: 8 tenths for training, one for validation, one for test"
            if c.grammars == "drawn"
            else "the published test, with other symbols each time",
        }
