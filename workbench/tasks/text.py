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
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import model_validator

from workbench.config import SPLITS, ClassificationTaskConfig
from workbench.data import registry
from workbench.data.found import FoundText, notes_of_a_path, some
from workbench.data.look import look
from workbench.data.prepared import unpacked
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading, refuse_beyond_memory
from workbench.errors import DataError
from workbench.settings import Name, setting
from workbench.tasks.array_cache import load_arrays, store_arrays
from workbench.tasks.base import TaskFamily
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool
from workbench.tasks.own_data import of_the_set, of_the_source, one_of_both
from workbench.tasks.standard_library import sentences_by_module
from workbench.tasks.text_features import FEATURES, as_vectors, as_words


class TextConfig(ClassificationTaskConfig):
    default_network = "mlp"

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
        one_of_both(self.path, self.dataset, needed="a file of texts with labels", optional=True)
        return self


class Text(ClassFamily):
    """Tell texts of topics apart that were never seen in training."""

    Config = TextConfig
    title = "Text"
    summary = "Tell texts apart by topic or intent: your own, or sentences of Python's documentation."

    def __init__(self, config: TextConfig, progress: Progress | None = None, reading: Reading = NOW) -> None:
        progress = progress or silent
        held = _texts_of(config, progress, reading)
        members = divide(held.names, held.groups, held.split)
        width = "length" if config.features == "words" else "dimensions"
        count, numbers = len(held.texts), getattr(config, width)
        what = f"{count:,} texts of {numbers} numbers each"
        refuse_beyond_memory(what, 4 * count * numbers, f"lower task.{width}, or use fewer texts")
        labels = np.repeat(np.arange(len(held.names)), held.counts)
        trained = np.isin(labels, members["train"]).tolist()
        known = [text for text, own in zip(held.texts, trained, strict=True) if own]
        progress(0.6, f"Learning the words of {len(known):,} texts")
        vocabulary = 0
        examples: NDArray[Any]
        if config.features == "words":
            examples, vocabulary = as_words(held.texts, known, config.vocabulary, config.length)
        else:
            examples = _vectors(held.texts, known, config)
        pool = ClassPool(torch.from_numpy(examples), held.counts, held.names, held.groups)
        super().__init__(config, pool, members, bounds=None, vocabulary=vocabulary, texts=held.texts)
        self.notes = held.notes

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
    def _read(cls, config: TextConfig, progress: Progress | None, reading: Reading) -> TaskFamily:
        return cls(config, progress, reading)

    def describe(self) -> Mapping[str, Any]:
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
        return kept
    vectors = as_vectors(texts, known, config.vocabulary, config.dimensions)
    store_arrays("text", digest, {"vectors": vectors})
    return vectors


class _Held(NamedTuple):
    names: tuple[str, ...]
    groups: tuple[str, ...]
    counts: tuple[int, ...]
    split: ClassSplit
    texts: Sequence[str]
    notes: tuple[str, ...] = ()


def _texts_of(config: TextConfig, progress: Progress, reading: Reading) -> _Held:
    if config.dataset:
        held = registry.load(config.dataset, "text")
        of = held.manifest
        return _Held(of.names, of.groups, of.counts, of_the_set(config.split, of), unpacked(held.arrays))
    if not config.path:
        by_module = sentences_by_module(progress)
        texts = [text for each in by_module.values() for text in each]
        counts = tuple(map(len, by_module.values()))
        return _Held(tuple(by_module), ("",) * len(counts), counts, config.split, texts)
    found = look(Path(config.path), reading)
    if not isinstance(found, FoundText):
        raise DataError(f"{config.path}: holds {found.kind}, no texts; choose that task family")
    if found.unreadable:
        first = some([f"{each.origin} ({each.why})" for each in found.unreadable])
        raise DataError(f"{found.where}: cannot be read: {first}; mend it, or import the data without that")
    split = of_the_source(config.split, found)
    notes = notes_of_a_path(found.findings, reading.rules)
    return _Held(found.names, found.groups, found.counts, split, found.texts, notes)
