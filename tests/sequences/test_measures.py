"""What is measured of sequences, against the plain definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from workbench.problems.sequence import ABSENT, Sequences, compared, counted, edit_distance, numbered, spoken


def distance(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """Levenshtein's, by its definition."""
    if not a or not b:
        return len(a) + len(b)
    return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))


def test_the_edit_distance_is_levenshteins() -> None:
    words = [each for n in range(4) for each in itertools.product((1, 2), repeat=n)]
    rows = {each: torch.tensor([*each, *[0] * (4 - len(each))]) for each in words}
    pairs = list(itertools.product(words, words))
    found = edit_distance(torch.stack([rows[a] for a, _ in pairs]), torch.stack([rows[b] for _, b in pairs]))
    assert found.tolist() == [distance(a, b) for a, b in pairs]


def test_what_counts_are_tokens_and_one_end() -> None:
    y = torch.tensor([[3, 1, 0, 0], [0, 0, 0, 0], [1, 2, 3, 0], [ABSENT] * 4])
    assert counted(y).tolist() == [[True] * 3 + [False], [True] + [False] * 3, [True] * 4, [False] * 4]


def echo(asked: Tensor) -> Tensor:
    """Says 3, then the last token that was said plus one, and ends after 5; of what comes later, nothing."""
    before = torch.cat([torch.full_like(asked[:, :1], 2), asked[:, 1:-1]], 1)
    return torch.nn.functional.one_hot(torch.where(before < 5, before + 1, 0), 7).float()


def test_what_is_said_follows_from_what_was_said_before() -> None:
    assert spoken(echo, torch.ones(2, 1, dtype=torch.int64), 5).tolist() == [[3, 4, 5, 0, 0]] * 2
    assert spoken(echo, torch.ones(1, 1, dtype=torch.int64), 2).tolist() == [[3, 4]]


def test_measures_of_what_is_said_freely() -> None:
    right = torch.tensor([[3, 4, 5, 0, 0], [3, 5, 0, 0, 0]])
    data = {"x": torch.ones(2, 1, dtype=torch.int64), "y": right}
    found = Sequences().measured(echo, data)
    assert found["exact"] == 0.5
    assert found["token_accuracy"] == pytest.approx(5 / 7)  # of 3 4 5 end, and 3 5 end
    assert found["edit_distance"] == 0.5
    teacher = echo(torch.cat([data["x"], right], 1)).log_softmax(-1)
    by_hand = torch.cat([teacher[0, range(4), right[0, :4]], teacher[1, range(3), right[1, :3]]])
    torch.testing.assert_close(found["loss"], -by_hand.mean())


def test_pairs_that_are_not_there_cost_nothing() -> None:
    outputs = torch.randn(3, 5, 7)
    y = torch.tensor([[3, 4, 5, 0, 0], [3, 5, 0, 0, 0], [ABSENT] * 5])
    torch.testing.assert_close(Sequences().of(outputs, y), Sequences().of(outputs[:2], y[:2]))


def test_a_few_wrong_sentences_among_right_ones_have_not_diverged() -> None:
    loss = np.array([[1e-4] * 99 + [5.0]])
    assert not Sequences().diverged(loss).any()
    assert Sequences().diverged(np.array([[0.1, np.nan, np.inf]])).tolist() == [[False, True, True]]


def test_tokens_are_numbered_in_their_order() -> None:
    number, room = numbered(torch.tensor([[7, 0, 3], [3, 9, 0]]), 10)
    assert room == 6
    assert number.tolist() == [6, 6, 6, 0, 6, 6, 6, 1, 6, 2, 6]


@pytest.mark.parametrize(
    ("said", "right", "marked"),
    [
        ("a b c", "a c", ["b"]),
        ("a b", "a b c", ["∅"]),
        ("a x", "a b c", ["x", "∅"]),
        ("", "a", ["∅"]),
        ("a b", "a b", []),
    ],
)
def test_what_differs_is_marked(said: str, right: str, marked: list[str]) -> None:
    assert [word.text for word in compared(said.split(), right.split()) if word.marked] == marked
