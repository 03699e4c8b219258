"""Pairs of sentences become vectors that mean the same in a language that was never seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.data import sources
from workbench.data.found import BETWEEN
from workbench.data.sentence_pairs import read_new_sentence_pairs, read_sentence_pairs
from workbench.errors import DataError
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.sentence_pairs import SentencePairs, SentencePairsConfig
from workbench.tasks.text_features import OVERLAPS, overlaps

SPLIT = ClassSplit(train=("lang 0", "lang 1", "lang 2"), validation=("lang 3",), test=("lang 4",))
SMALL: dict[str, Any] = {"shots": 2, "queries": 3, "dimensions": 4, "split": SPLIT}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sources.sentence_pairs(tmp_path / "pairs.tsv")


def family(path: Path, **more: Any) -> SentencePairs:
    return SentencePairs(SentencePairsConfig(path=str(path), **SMALL | more))


def examples(made: SentencePairs, language: str) -> NDArray[np.float32]:
    rows = np.repeat([group == language for group in made._pool.groups], made._pool.counts)
    kept: NDArray[np.float32] = made.every_example().numpy()[rows]
    return kept


def test_a_task_is_of_one_language_whose_labels_are_its_classes(path: Path) -> None:
    made = family(path)
    for seed in range(5):
        excerpt = made.excerpt("train", torch.Generator().manual_seed(seed))
        assert len({name.partition("/")[0] for name in excerpt.classes}) == 1
        assert sorted(name[-1] for name in excerpt.classes) == ["A", "B", "C"]
        assert all(text.count(BETWEEN) == 1 for own in excerpt.query for text in own)
    mixed = family(path, within=None)
    seen = [mixed.excerpt("train", torch.Generator().manual_seed(seed)).classes for seed in range(9)]
    assert any(len({name.partition("/")[0] for name in classes}) > 1 for classes in seen)


def test_how_words_overlap_means_the_same_in_every_language() -> None:
    first = ["a b c d", "x y z w", "a b", "", "a b c"]
    second = ["a b c", "x y z", "b a", "a", "a b c"]
    found = overlaps(first, second)
    assert found.shape == (5, OVERLAPS)
    assert np.array_equal(found[0], found[1])
    #       of second, of first, same order, of neighbours, length, the same
    assert np.allclose(found[0], [1, 0.5, 1, 1, np.log(4 / 5), -1])
    assert np.allclose(found[2], [1, 1, -1, -1, 0, -1])
    assert np.allclose(found[4], [1, 1, 1, 1, 0, 1])
    assert np.isfinite(found).all()


def test_a_vector_puts_both_texts_together(path: Path) -> None:
    made = family(path)
    u, v, apart, together = np.split(examples(made, "lang 0")[:, :-OVERLAPS], 4, axis=1)
    assert u.any()
    assert np.array_equal(apart, np.abs(u - v))
    assert np.array_equal(together, u * v)


def test_only_words_that_two_training_languages_share_are_known(path: Path) -> None:
    """One of two of these is in each first text."""
    made = family(path)
    for language in ("lang 0", "lang 4"):
        u, v = np.split(examples(made, language)[:, :8], 2, axis=1)
        assert (u != 0).any(1).all()
        assert not v.any()


def test_the_languages_of_the_test_change_nothing_in_training(path: Path) -> None:
    made = family(path)
    path.write_text(path.read_text().replace("red4", "ok"))
    other = family(path)
    assert np.array_equal(examples(made, "lang 0"), examples(other, "lang 0"))
    assert not np.array_equal(examples(made, "lang 4"), examples(other, "lang 4"))
    assert made.data_hash() != other.data_hash()


def test_more_ways_than_a_language_has_labels_are_refused_in_a_line(path: Path) -> None:
    with pytest.raises(DataError, match="of which 3 can meet of one group; use at most 3 ways"):
        family(path, ways=4)


def test_languages_of_two_spellings_are_told_and_pairs_without_labels_have_none(tmp_path: Path) -> None:
    rows = [
        f"a {n},b,{'yes' if n % 2 else 'no'},{lang}" for lang in ("German", "german", "fr") for n in (1, 2)
    ]
    path = tmp_path / "pairs.csv"
    path.write_text("premise,hypothesis,label,lang\n" + "\n".join(rows) + "\n")
    told = [each.text for each in read_sentence_pairs(path).findings]
    assert any("2 languages look like another one: 'German' = 'german'" in each for each in told)
    path.write_text("premise,hypothesis\na,b\n")
    found, labelled = read_new_sentence_pairs(path)
    assert not labelled
    assert not found.findings
