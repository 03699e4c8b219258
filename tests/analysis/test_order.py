"""The text behind ``--order``: whatever algorithms are called, they can be typed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.arrangement import Place, ordered
from workbench.errors import InputError
from workbench.words import unfit_name

NAMES = st.text(min_size=1, max_size=8).filter(lambda name: not unfit_name(name))
TYPED = st.text(st.sampled_from(' ,="aα'), min_size=1, max_size=5)
LISTS = st.lists(st.one_of(NAMES, TYPED), min_size=1, max_size=6, unique=True)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@given(LISTS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=300)
def test_any_names_in_quotes_come_back(names: list[str], chance: object) -> None:
    wanted = list(names)
    chance.shuffle(wanted)  # type: ignore[attr-defined]
    places = ordered(", ".join(map(quoted, wanted)), names).places
    assert [(each.key, each.name) for each in places] == [(name, "") for name in wanted]


@given(LISTS, LISTS)
@settings(deadline=None, max_examples=300)
def test_any_new_names_in_quotes_come_back(names: list[str], new: list[str]) -> None:
    pairs = list(zip(names, [each for each in new if each not in names], strict=False))
    text = ",".join(f"{quoted(old)} = {quoted(name)}" for old, name in pairs)
    assert ordered(text, names).places == tuple(Place(old, name) for old, name in pairs)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("α = 0.02, one step, α = 0.01, one step", ["α = 0.02, one step", "α = 0.01, one step"]),
        ("α = 0.01, one step=X, α = 0.02, one step", ["α = 0.01, one step→X", "α = 0.02, one step"]),
        ('"α = 0.01, one step=X, Y"', ["α = 0.01, one step→X, Y"]),
        ('α = 0.01, one step = "X, Y = ""Z""" , ProtoNet', ['α = 0.01, one step→X, Y = "Z"', "ProtoNet"]),
        ("α, α = 0.01, one step", ["α", "α = 0.01, one step"]),
        ('"α" = 0.5', ["α→0.5"]),
        ("ProtoNet=", ["ProtoNet"]),
        ("ProtoNet=β = 0.01", ["ProtoNet→β = 0.01"]),
        ('say "hi"=x', ['say "hi"→x']),
        ("", []),
    ],
)
def test_names_with_signs_can_be_typed(text: str, places: list[str]) -> None:
    known = ["α", "α = 0.01, one step", "α = 0.02, one step", "ProtoNet", 'say "hi"']
    found = ordered(text, known).places
    assert [f"{each.key}→{each.name}" if each.name else each.key for each in found] == places


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Proto", "'Proto' is not known here; allowed: \"α = 0.01, one step\", ProtoNet"),
        ("ProtoNet,", "'' is not known here"),
        ("ProtoNet, ProtoNet", "'ProtoNet' is named twice"),
        ('ProtoNet="α = 0.01, one step"', "two algorithms would be called 'α = 0.01, one step'"),
        ("ProtoNet=a\x1b[31m", "'a␛[31m' holds U+001B (letter 2)"),
        ("ProtoNet=" + "x" * 201, "has 201 letters; allowed: up to 200"),
    ],
)
def test_what_cannot_be_meant_is_said(text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        ordered(text, ["α = 0.01, one step", "ProtoNet"])
    assert words in str(error.value)
