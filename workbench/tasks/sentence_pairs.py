"""Two texts and how they relate, as inference has it: a person's own pairs, of languages or genres that were
never seen in training.

A pair is a vector: those of both texts, u and v, with |u − v| and u ∗ v, as InferSent puts them together
(Conneau, Kiela, Schwenk, Barrault, Bordes, EMNLP 2017, arXiv 1705.02364). Here they come from TF-IDF and a
truncated singular value decomposition, learned from the meta-training groups only, of the words that two of
these share. They know few words of a language that is new. So a pair also has, as the baseline of SNLI had
(Bowman, Angeli, Potts, Manning, EMNLP 2015, arXiv 1508.05326), how the words of the two texts overlap, which
means the same in every language.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from workbench.config import ClassificationTaskConfig, Evaluation, Suits, Training
from workbench.data.found import BETWEEN, FoundText
from workbench.data.progress import Progress
from workbench.data.reading import Reading
from workbench.data.sentence_pairs import read_new_sentence_pairs
from workbench.settings import Name, setting
from workbench.tasks.class_cases import ClassCase, TextFiles
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.own_data import OwnData, one_of_both, own_data
from workbench.tasks.text import OfTexts, kept_vectors
from workbench.tasks.text_features import FEATURES, OVERLAPS, as_vectors, overlaps, words_of

PAIRS = 1
"""Raised by whoever changes what numbers two vectors become."""

_PARTS = 4
"""u, v, |u − v| and u ∗ v."""


class SentencePairsConfig(ClassificationTaskConfig):
    default_network = "mlp"
    suits = Suits(
        Training(iterations=300, meta_batch=16),
        Evaluation(every=50),
    )

    family: Literal["sentence_pairs"] = "sentence_pairs"
    path: str | None = setting(
        None, path=True, help="Pairs with labels (.csv, .tsv, .jsonl): premise, hypothesis, label, language."
    )
    dataset: Name | None = setting(None, help="Instead of a path: the name of an imported set of pairs.")
    ways: int = setting(3, ge=2, le=1000, help="Classes in one task: the labels of a language.")
    shots: int = setting(5, ge=1, le=1000, help="Support examples of each class.")
    within: Literal["group"] | None = setting(
        "group",
        rare=True,
        help="The classes of a task are the labels of one language (or genre).",
        empty="of all groups of a split",
    )
    dimensions: int = setting(
        64, ge=2, le=1024, unit="numbers", help="Length of the vector of each of the two texts."
    )
    vocabulary: int = setting(
        5000, ge=10, le=100_000, unit="words", help="Most words that are known: the most frequent ones."
    )
    split: ClassSplit = setting(
        ClassSplit(), help="Languages by name, or drawn by seed.", empty="the data's own, if any"
    )

    @model_validator(mode="after")
    def _path_or_dataset(self) -> Self:
        one_of_both(self, needed="a file of pairs with labels")
        return self


class SentencePairs(OfTexts):
    """Tell how two texts relate, in a language of which a few pairs are labelled."""

    Config = SentencePairsConfig
    config: SentencePairsConfig
    title = "Sentence pairs"
    summary = "Your own pairs of sentences with labels, as in inference: each language is a group of tasks."
    version = (FEATURES, PAIRS)
    made_with = ("dimensions", "vocabulary")

    def _held(self, reading: Reading, progress: Progress) -> OwnData:
        return own_data("sentence_pairs", self.config, reading, progress)

    def _width(self) -> tuple[str, int]:
        return "dimensions", _PARTS * self.config.dimensions + OVERLAPS

    def _as_numbers(self, texts: Sequence[str], *, kept: bool) -> tuple[NDArray[np.generic], int]:
        first, second = _sides(texts)
        u, v = np.split(self._vectors([*first, *second], kept=kept), 2)
        return np.concatenate([u, v, np.abs(u - v), u * v, overlaps(first, second)], 1), 0

    def _vectors(self, texts: Sequence[str], *, kept: bool) -> NDArray[np.float32]:
        """Vectors of single texts; 0 for one without a word that two groups of training have."""
        c, shared = self.config, self._shared

        def of_shared(text: str) -> str:
            return " ".join(word for word in words_of(text) if word in shared)

        known = [of_shared(text) for side in _sides(self._known.texts) for text in side]
        plain, some = list(map(of_shared, texts)), list(filter(None, known))
        vectors = np.zeros((len(texts), c.dimensions), np.float32)
        if some:
            vectors = (kept_vectors if kept else as_vectors)(plain, some, c.vocabulary, c.dimensions).copy()
            vectors[[not text for text in plain]] = 0
        return vectors

    @cached_property
    def _shared(self) -> set[str]:
        """Words that two groups of training have or more (where there are two): what one alone has is no help
        in another, and would be learned by heart."""
        groups = defaultdict[str, set[str]](set)
        for pair, group in zip(*self._known, strict=True):
            for word in words_of(pair):
                groups[word].add(group)
        fewest = min(2, len(set(self._known.groups)))
        return {word for word, own in groups.items() if len(own) >= fewest}

    def case_files(self) -> ClassCase:
        return SentencePairFiles(self, self._known.texts)

    def describe(self) -> Mapping[str, object]:
        c = self.config
        where = {"path": c.path} if c.path else {"dataset": c.dataset}
        return {**where, **super().describe()}


class SentencePairFiles(TextFiles):
    """A table of pairs with labels."""

    support = "pairs with labels (.csv, .tsv, .jsonl), in columns called premise, hypothesis and label"
    parts = ("premise", "hypothesis")
    one_set = "pairs (.csv, .tsv, .jsonl) in columns called premise and hypothesis; beside them label, if any"

    def _texts_in(self, path: Path) -> tuple[FoundText, bool]:
        return read_new_sentence_pairs(path)


def _sides(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """The first and the second text of each pair."""
    pairs = [text.partition(BETWEEN) for text in texts]
    return [first for first, _, _ in pairs], [second for _, _, second in pairs]
