"""Interpretation grammars: rules by hand, what can be known, and which grammar is where."""

from __future__ import annotations

from random import Random

import pytest
import torch

from tests.sequences.some import INSTRUCTIONS, family
from workbench.config import ConfigError
from workbench.tasks.base import DataError
from workbench.tasks.interpretation import (
    Form,
    Grammar,
    determined,
    is_published,
    part_of,
    published,
    some_form,
    some_string,
)

F, G = 4, 5
WORDS = {each: each for each in range(4)}


@pytest.mark.parametrize(
    ("forms", "string", "said"),
    [
        ({F: Form("u", (0, 0))}, (1, F), (1, 1)),
        ({F: Form("u", (0, 0))}, (2, 1, F), (2, 1, 1)),  # no one word: the first, then the rest
        ({F: Form("x", (0, 0))}, (2, 1, F), (2, 1, 2, 1)),
        ({F: Form("xx", (1, 0))}, (0, F, 1, F, 2), (2, 1, 0)),  # splits at the last
        ({F: Form("ux", (1, 0))}, (0, F, 1, 2), (1, 2, 0)),
        ({F: Form("xu", (1, 0))}, (0, 1, F, 2), (2, 0, 1)),
        ({F: Form("uu", (1, 0))}, (0, F, 1, 2), None),  # a function is no word
        ({F: Form("x", (0, 0)), G: Form("xx", (1, 0))}, (0, G, 1, F), (1, 0, 1, 0)),  # F is tried first
        ({G: Form("xx", (1, 0)), F: Form("x", (0, 0))}, (0, G, 1, F), (1, 1, 0)),
    ],
)
def test_the_first_rule_that_fits_counts(
    forms: dict[int, Form], string: tuple[int, ...], said: tuple[int, ...] | None
) -> None:
    assert Grammar(WORDS, forms, tuple(forms)).interpreted(string) == said


def test_the_published_grammar_says_the_published_pairs() -> None:
    forms = {4: Form("u", (0, 0, 0)), 5: Form("uu", (0, 1, 0)), 6: Form("xx", (1, 0))}
    grammar = Grammar(WORDS, forms, (6, 5, 4))
    pairs = published()
    assert len(pairs) == 24
    assert [grammar.interpreted(a) for a, _ in pairs] == [b for _, b in pairs]
    assert is_published(list(forms.values()))
    said = determined(pairs[:14], [a for a, _ in pairs[14:]], 4, 6)
    assert said == [b for _, b in pairs[14:]]


def test_what_is_determined_is_right_and_nothing_else_fits() -> None:
    """Against grammars drawn at random: those that fit what was studied say what was determined."""
    chance, known, tried = Random(5), 0, 0
    for _ in range(30):
        forms = [some_form(chance) for _ in range(2)]
        grammar = Grammar(WORDS, dict(zip((F, G), forms, strict=True)), (F, G))
        found = {}
        while len(found) < 16:
            string = some_string(4, forms, chance)
            said = grammar.interpreted(string) if string else None
            if string and said is not None and len(said) <= 8:
                found[string] = said
        pairs = list(found.items())
        studied, asked = pairs[:10], pairs[10:]
        said = determined(studied, [a for a, _ in asked], 4, 6)
        for (_, right), own in zip(asked, said, strict=True):
            tried += 1
            known += own is not None
            assert own in (None, right)
        for _ in range(300):  # others of the same left-hand sides
            others = [Form(each.arguments, some_said(each, chance)) for each in forms]
            other = Grammar(WORDS, dict(zip((F, G), others, strict=True)), (F, G))
            if all(other.interpreted(a) == b for a, b in studied):
                for (string, _), own in zip(asked, said, strict=True):
                    assert own is None or other.interpreted(string) == own
    assert known > 0.6 * tried


def some_said(form: Form, chance: Random) -> tuple[int, ...]:
    while True:
        drawn = some_form(chance)
        if len(drawn.arguments) == len(form.arguments):
            return drawn.said


def test_a_grammar_is_in_one_split_whatever_its_order() -> None:
    chance = Random(1)
    drawn = {tuple(sorted(some_form(chance) for _ in range(3))) for _ in range(3000)}
    parts = [part_of(each) for each in drawn]
    assert parts == [part_of(each[::-1]) for each in drawn]
    assert all(0.07 < parts.count(tenth) / len(parts) < 0.13 for tenth in range(10))


def test_queries_hold_what_was_studied() -> None:
    drawn = family(text=INSTRUCTIONS)
    for split in ("train", "validation", "test"):
        episode = drawn.sample(split, 8, torch.Generator().manual_seed(2))  # type: ignore[arg-type]
        for at in range(8):
            task = episode.one(at)
            assert set(task.query["x"].flatten().tolist()) <= set(task.support["x"].flatten().tolist()) | {0}
            assert len({tuple(row) for row in torch.cat([task.support["x"], task.query["x"]]).tolist()}) == 16


def test_the_published_test_is_its_24_pairs_under_other_names() -> None:
    drawn = family('task.grammars="mini_scan"', "task.queries=10", text=INSTRUCTIONS)
    episode = drawn.sample("test", 3, torch.Generator().manual_seed(2))
    assert episode.query["parts"].tolist() == [[1] * 5 + [2] * 3 + [3] * 2] * 3
    assert len({tuple(row.flatten().tolist()) for row in episode.support["x"]}) == 3
    with pytest.raises(DataError, match="11 queries"):
        drawn.check(drawn.size._replace(queries=11), "test")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("task.primitives=6", "task.functions=4"), "10 words and functions are more than the 9"),
        (("task.study=20", "task.queries=5"), "20 pairs and 5 queries are more than 24"),
        (('task.grammars="mini_scan"', "task.functions=2"), "leave them out"),
    ],
)
def test_instructions_that_cannot_be_are_refused(overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        family(*overrides, text=INSTRUCTIONS)
