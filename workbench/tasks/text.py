"""Few-shot text classification: a person's own texts, or sentences about Python's standard library.

A text is a list of words for the network ``bag``, or a vector for all others: TF-IDF, reduced by a truncated
singular value decomposition (latent semantic analysis: Deerwester, Dumais, Furnas, Landauer, Harshman, JASIS
1990). Words, weights and vectors are learned from the meta-training classes only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Literal, Self

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
from workbench.tasks.text_features import FEATURES, as_vectors, as_words

FEATURE_FIELDS = ("features", "dimensions", "vocabulary", "length")
"""The settings that say what numbers a text becomes."""


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
    features: Literal["tfidf", "words"] = setting(
        "tfidf", help="tfidf: a vector for each text (TF-IDF and SVD). words: its words, for the network bag."
    )
    dimensions: int = setting(
        512, ge=2, le=2048, unit="numbers", help="Length of the vectors that stand for texts (tfidf)."
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


class Text(ClassFamily):
    """Tell texts of topics apart that were never seen in training.

    Parameters
    ----------
    known : the texts that words, weights and vectors are learned from; None: those of meta-training.
    """

    Config = TextConfig
    config: TextConfig
    title = "Text"
    summary = "Tell texts apart by topic or intent: your own, or sentences of Python's documentation."

    def __init__(
        self,
        config: TextConfig,
        progress: Progress | None = None,
        reading: Reading = NOW,
        known: Sequence[str] | None = None,
    ) -> None:
        progress = progress or silent
        held = own_data("text", config, reading, progress) if config.path or config.dataset else None
        held = held or _sentences(config, progress)
        texts = unpacked(held.arrays)
        members = divide(held.names, held.groups, held.split)
        width = "length" if config.features == "words" else "dimensions"
        count, numbers = len(texts), getattr(config, width)
        what = f"{count:,} texts of {numbers} numbers each"
        refuse_beyond_memory(what, 4 * count * numbers, f"lower task.{width}, or use fewer texts")
        if known is None:
            labels = np.repeat(np.arange(len(held.names)), held.counts)
            trained = np.isin(labels, members["train"]).tolist()
            known = [text for text, own in zip(texts, trained, strict=True) if own]
        self._known = known
        progress(0.6, f"Learning the words of {len(known):,} texts")
        vocabulary = 0
        examples: NDArray[np.generic]
        if config.features == "words":
            examples, vocabulary = as_words(texts, known, config.vocabulary, config.length)
        else:
            examples = _vectors(texts, known, config)
        pool = ClassPool(torch.from_numpy(examples), held.counts, held.names, held.groups)
        super().__init__(config, pool, members, bounds=None, vocabulary=vocabulary, texts=texts)
        self.notes = held.notes

    def beside(self, config: TaskConfig, progress: Progress | None) -> Text:
        """Other texts as numbers of the same words and vectors."""
        assert isinstance(config, TextConfig)
        for name in FEATURE_FIELDS:
            own, other = getattr(self.config, name), getattr(config, name)
            if own != other:
                raise DataError(
                    f"task.{name}: {other!r} would make other numbers of texts than those that are learned "
                    f"from; leave it out, so that it is {own!r}"
                )
        family = Text(config, progress, Reading(rules=self.reading), self._known)
        family.reading = self.reading
        return family

    def case_files(self) -> ClassCase:
        return TextFiles(self, self._known)

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        c = self.config
        if c.features == "words":
            return torch.from_numpy(as_words(texts, self._known, c.vocabulary, c.length)[0]).float()
        return torch.from_numpy(as_vectors(texts, self._known, c.vocabulary, c.dimensions))

    def data_hash(self) -> str:
        """Of the texts and of how they become numbers: the numbers' last bits depend on the machine."""
        c = self.config
        head = [FEATURES, c.features, c.dimensions, c.vocabulary, c.length]
        digest = hashlib.sha256(json.dumps(head).encode())
        for split in SPLITS:
            members = self._members[split]
            digest.update(f"{split} {self._counts[members].tolist()}\n".encode())
            for index in members.tolist():
                first = int(self._first[index])
                texts = self._texts[first : first + self._pool.counts[index]]
                digest.update(json.dumps(texts).encode())
        return digest.hexdigest()

    @classmethod
    def _read(cls, config: TaskConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        assert isinstance(config, TextConfig)
        return cls(config, progress, reading)

    def describe(self) -> Mapping[str, object]:
        c = self.config
        where = c.path or c.dataset or "sentences of Python's documentation"
        words = {"vocabulary": self.shape.vocabulary} if self.shape.vocabulary else {}
        return {"path" if c.path else "texts": where, "features": c.features, **words, **super().describe()}


def _vectors(texts: Sequence[str], known: Sequence[str], config: TextConfig) -> NDArray[np.float32]:
    """The texts' vectors, kept in the cache: another number of BLAS threads would change their last bits."""
    settings = [FEATURES, version("scikit-learn"), config.vocabulary, config.dimensions]
    digest = hashlib.sha256(json.dumps([*settings, list(texts), list(known)]).encode()).hexdigest()
    kept = load_arrays("text", digest).get("vectors")
    if kept is not None and kept.dtype == np.float32 and kept.shape == (len(texts), config.dimensions):
        return kept.view(np.float32)
    vectors = as_vectors(texts, known, config.vocabulary, config.dimensions)
    store_arrays("text", digest, {"vectors": vectors})
    return vectors


def _sentences(config: TextConfig, progress: Progress) -> OwnData:
    by_module = sentences_by_module(progress)
    counts = tuple(map(len, by_module.values()))
    arrays = packed([text for each in by_module.values() for text in each])
    return OwnData(tuple(by_module), ("",) * len(counts), counts, config.split, arrays)
