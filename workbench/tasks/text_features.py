"""Turns texts into numbers, learned from some of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FEATURES = 1
"""Raised by whoever changes what numbers a text becomes."""

OVERLAPS = 6
"""Numbers that say how the words of two texts overlap."""

OVER, UNKNOWN = 0, 1
"""Numbers that stand for no word: the text is over; a word that is not known."""

_ITERATIONS = 3
_WORD = re.compile(r"\w+(?:'\w+)*")


def words_of(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _WORD.findall(text.casefold())


def as_words(
    texts: Sequence[str], known: Sequence[str], most: int, length: int
) -> tuple[NDArray[np.int32], int]:
    """Texts as the numbers of their first words.

    Parameters
    ----------
    texts : N texts.
    known : those that the vocabulary is learned from: what occurs twice there, the most frequent first.
    most : size of the vocabulary at most.
    length : words of a text that are kept.

    Returns
    -------
    numbers, vocabulary
        ``[N, length]``: 0 where a text is over, 1 for an unknown word; and how many numbers there are.
    """
    counted = Counter(word for text in known for word in words_of(text))
    ranked = sorted((word for word, times in counted.items() if times > 1), key=lambda w: (-counted[w], w))
    number = {word: index for index, word in enumerate(ranked[:most], UNKNOWN + 1)}
    numbers = np.full((len(texts), length), OVER, np.int32)
    for row, text in enumerate(texts):
        found = [number.get(word, UNKNOWN) for word in words_of(text)[:length]] or [UNKNOWN]
        numbers[row, : len(found)] = found
    return numbers, UNKNOWN + 1 + len(number)


def as_vectors(texts: Sequence[str], known: Sequence[str], most: int, dimensions: int) -> NDArray[np.float32]:
    """Texts as vectors ``[N, dimensions]``: TF-IDF of words and a truncated SVD, centred, of the same length
    each (√dimensions, so that a number is about 1), all learned from ``known``.

    Fewer texts or words than dimensions leave the last numbers 0. Each direction scaled to a variance of its
    own was tried: on CLINC-150 the rare words' noise then cost 1 to 2% of accuracy, and pairs of words 4%.
    """
    from sklearn.decomposition import TruncatedSVD  # takes as long to import as torch: only when used
    from sklearn.feature_extraction.text import TfidfVectorizer

    weigh = TfidfVectorizer(analyzer=words_of, max_features=most, sublinear_tf=True, dtype=np.float64)
    learned = weigh.fit_transform(known)
    reduced = max(1, min(dimensions, min(learned.shape) - 1))
    own = weigh.transform(texts)
    if learned.shape[1] > 1:
        svd = TruncatedSVD(reduced, algorithm="randomized", n_iter=_ITERATIONS, random_state=0)
        base, vectors = svd.fit_transform(learned), svd.transform(own)
    else:  # one word is a direction already
        base, vectors = learned.toarray(), own.toarray()
    vectors = vectors - base.mean(0)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    whole = np.zeros((len(texts), dimensions), np.float32)
    whole[:, :reduced] = vectors * (np.sqrt(dimensions) / np.where(length > 0, length, 1.0))
    return whole


def as_hashed(texts: Sequence[str], dimensions: int) -> NDArray[np.float32]:
    """Texts as vectors ``[N, dimensions]`` of one length (√dimensions), in which every word has a place and a
    sign by its hash (Weinberger, Dasgupta, Langford, Smola, Attenberg, "Feature hashing for large scale
    multitask learning", ICML 2009, arXiv 0902.2206). Nothing is learned: words of a new language count too.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    counts = HashingVectorizer(analyzer=words_of, n_features=dimensions, norm=None).transform(texts).toarray()
    length = np.linalg.norm(counts, axis=1, keepdims=True)
    vectors = counts * (np.sqrt(dimensions) / np.where(length > 0, length, 1.0))
    return vectors.astype(np.float32)  # type: ignore[no-any-return]


def overlaps(first: Sequence[str], second: Sequence[str]) -> NDArray[np.float32]:
    """How the words of two texts overlap, ``[N, OVERLAPS]``, whatever words they are.

    The share of the words of each that the other has, whether the words that both have are in the same
    order, the share of pairs of neighbours of the second that the first has, how much longer it is (the log
    of the ratio), and whether both are the same. Shares are centred: ±1 is all and none.
    """
    rows = np.empty((len(first), OVERLAPS), np.float32)
    for at, (one, other) in enumerate(zip(first, second, strict=True)):
        a, b = words_of(one), words_of(other)
        both = set(a) & set(b)
        kept_a, kept_b = ([word for word in each if word in both] for each in (a, b))
        neighbours = set(pairwise(a))
        share = _share(b[1:], [pair in neighbours for pair in pairwise(b)])
        shares = [_share(b, [word in both for word in b]), _share(a, [word in both for word in a])]
        rows[at] = (
            *(2 * each - 1 for each in (*shares, float(kept_a == kept_b), share)),
            np.log((1 + len(b)) / (1 + len(a))),
            2 * float(a == b) - 1,
        )
    return rows


def _share(words: Sequence[str], there: Sequence[bool]) -> float:
    return sum(there) / len(words) if words else 0.0
