"""Few-shot text classification: a person's own texts, or sentences about Python's standard library.

A text is a list of words for the network ``bag``, or a vector for all others: TF-IDF, reduced by a truncated
singular value decomposition (latent semantic analysis: Deerwester, Dumais, Furnas, Landauer, Harshman, JASIS
1990). Words, weights and vectors are learned from the meta-training classes only; or words are hashed, and
nothing is learned.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import model_validator
from torch import Tensor

from workbench.config import SPLITS, ClassificationTaskConfig, Evaluation, Suits, TaskConfig, Training
from workbench.data.kept import load_arrays, store_arrays
from workbench.data.prepared import packed, unpacked
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading, refuse_beyond_memory
from workbench.settings import Name, setting
from workbench.tasks.base import DataError, TaskFamily
from workbench.tasks.class_cases import ClassCase, TextFiles
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool
from workbench.tasks.own_data import OwnData, one_of_both, own_data
from workbench.tasks.standard_library import sentences_by_module
from workbench.tasks.text_features import FEATURES, as_hashed, as_vectors, as_words


class TextConfig(ClassificationTaskConfig):
    default_network = "mlp"
    suits = Suits(
        Training(iterations=300, meta_batch=16),
        Evaluation(every=50),
    )

    family: Literal["text"] = "text"
    path: str | None = setting(
        None,
        path=True,
        help="Texts with labels (.csv, .tsv, .jsonl, .json).",
        empty="sentences of Python's documentation",
    )
    dataset: Name | None = setting(None, help="Instead of a path: the name of an imported set of texts.")
    features: Literal["tfidf", "words", "hashed"] = setting(
        "tfidf",
        help="tfidf: a vector for each text (TF-IDF and SVD). words: its words, for the network bag. hashed: "
        "a vector in which every word has a place, also one that training never had.",
    )
    dimensions: int = setting(
        512, ge=2, le=2048, unit="numbers", help="Length of the vectors that stand for texts (not words)."
    )
    vocabulary: int = setting(
        5000, ge=10, le=100_000, unit="words", help="Most words that are known: the most frequent ones."
    )
    length: int = setting(32, ge=1, le=512, unit="words", help="Words of a text that are read (words).")
    split: ClassSplit = setting(
        ClassSplit(), help="Groups or classes by name, or drawn by seed.", empty="the data's own, if any"
    )

    @model_validator(mode="after")
    def _path_or_dataset(self) -> Self:
        one_of_both(self, needed="a file of texts with labels", optional=True)
        return self


class Known(NamedTuple):
    """Texts that words, weights and vectors are learned from, and the group of each."""

    texts: Sequence[str]
    groups: Sequence[str]


class OfTexts(ClassFamily):
    """A family whose examples are texts, which become numbers.

    Parameters
    ----------
    known : what these are learned from; None: the meta-training classes.
    """

    version: ClassVar[tuple[int, ...]] = (FEATURES,)
    """Of how texts become numbers."""

    made_with: ClassVar[tuple[str, ...]]
    """The settings that say what numbers a text becomes."""

    def __init__(
        self,
        config: ClassificationTaskConfig,
        progress: Progress | None = None,
        reading: Reading = NOW,
        known: Known | None = None,
    ) -> None:
        self.config = config
        progress = progress or silent
        held = self._held(reading, progress)
        texts = unpacked(held.arrays)
        members = divide(held.names, held.groups, held.split)
        width, numbers = self._width()
        what = f"{len(texts):,} texts of {numbers} numbers each"
        refuse_beyond_memory(what, 4 * len(texts) * numbers, f"lower task.{width}, or use fewer texts")
        if known is None:
            labels = np.repeat(np.arange(len(held.names)), held.counts)
            trained = np.flatnonzero(np.isin(labels, members["train"])).tolist()
            known = Known([texts[at] for at in trained], [held.groups[labels[at]] for at in trained])
        self._known = known
        progress(0.6, f"Learning the words of {len(known.texts):,} texts")
        examples, vocabulary = self._as_numbers(texts, kept=True)
        pool = ClassPool(torch.from_numpy(examples), held.counts, held.names, held.groups)
        super().__init__(config, pool, members, bounds=None, vocabulary=vocabulary, texts=texts)
        self.notes = held.notes

    @abstractmethod
    def _held(self, reading: Reading, progress: Progress) -> OwnData:
        """The texts, their classes and the split."""

    @abstractmethod
    def _width(self) -> tuple[str, int]:
        """The setting that an example is shorter by, and how many numbers one has."""

    @abstractmethod
    def _as_numbers(self, texts: Sequence[str], *, kept: bool) -> tuple[NDArray[np.generic], int]:
        """What texts become, ``[N, *input_shape]``, and the size of the vocabulary, where these are words;
        ``kept`` in the cache, or made anew."""

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        assert isinstance(config, ClassificationTaskConfig)
        return cls(config, progress, reading)

    def beside(self, config: TaskConfig, progress: Progress | None) -> OfTexts:
        """Other texts as numbers of the same words and vectors."""
        assert isinstance(config, ClassificationTaskConfig)
        for name in self.made_with:
            own, other = getattr(self.config, name), getattr(config, name)
            if own != other:
                raise DataError(
                    f"task.{name}: {other!r} would make other numbers of texts than those that are learned "
                    f"from; leave it out, so that it is {own!r}"
                )
        family = type(self)(config, progress, Reading(rules=self.reading), self._known)
        family.reading = self.reading
        return family

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        return torch.from_numpy(self._as_numbers(texts, kept=False)[0]).float()

    def data_hash(self) -> str:
        """Of the texts and of how they become numbers: the numbers' last bits depend on the machine."""
        head = [*self.version, *(getattr(self.config, name) for name in self.made_with)]
        digest = hashlib.sha256(json.dumps(head).encode())
        for split in SPLITS:
            members = self._members[split]
            digest.update(f"{split} {self._counts[members].tolist()}\n".encode())
            for index in members.tolist():
                first = int(self._first[index])
                texts = self._texts[first : first + self._pool.counts[index]]
                digest.update(json.dumps(texts).encode())
        return digest.hexdigest()


class Text(OfTexts):
    """Tell texts of topics apart that were never seen in training."""

    Config = TextConfig
    config: TextConfig
    title = "Text"
    summary = "Tell texts apart by topic or intent: your own, or sentences of Python's documentation."
    made_with = ("features", "dimensions", "vocabulary", "length")

    def _held(self, reading: Reading, progress: Progress) -> OwnData:
        c = self.config
        held = own_data("text", c, reading, progress) if c.path or c.dataset else None
        return held or _sentences(c, progress)

    def _width(self) -> tuple[str, int]:
        width = "length" if self.config.features == "words" else "dimensions"
        return width, getattr(self.config, width)

    def _as_numbers(self, texts: Sequence[str], *, kept: bool) -> tuple[NDArray[np.generic], int]:
        c, known = self.config, self._known.texts
        if c.features == "words":
            return as_words(texts, known, c.vocabulary, c.length)
        if c.features == "hashed":
            return as_hashed(texts, c.dimensions), 0
        return (kept_vectors if kept else as_vectors)(texts, known, c.vocabulary, c.dimensions), 0

    def case_files(self) -> ClassCase:
        return TextFiles(self, self._known.texts)

    def describe(self) -> Mapping[str, object]:
        c = self.config
        where = c.path or c.dataset or "sentences of Python's documentation"
        words = {"vocabulary": self.shape.vocabulary} if self.shape.vocabulary else {}
        return {"path" if c.path else "texts": where, "features": c.features, **words, **super().describe()}


def kept_vectors(
    texts: Sequence[str], known: Sequence[str], most: int, dimensions: int
) -> NDArray[np.float32]:
    """The texts' vectors, kept in the cache: another number of BLAS threads would change their last bits."""
    settings = [FEATURES, version("scikit-learn"), most, dimensions]
    digest = hashlib.sha256(json.dumps([*settings, list(texts), list(known)]).encode()).hexdigest()
    kept = load_arrays("text", digest).get("vectors")
    if kept is not None and kept.dtype == np.float32 and kept.shape == (len(texts), dimensions):
        return kept.view(np.float32)
    vectors = as_vectors(texts, known, most, dimensions)
    store_arrays("text", digest, {"vectors": vectors})
    return vectors


def _sentences(config: TextConfig, progress: Progress) -> OwnData:
    by_module = sentences_by_module(progress)
    counts = tuple(map(len, by_module.values()))
    arrays = packed([text for each in by_module.values() for text in each])
    return OwnData(tuple(by_module), ("",) * len(counts), counts, config.split, arrays)
