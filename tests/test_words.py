"""Words as they may be shown: nothing hidden, nothing that commands, short where they must be."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench
from workbench.words import LONGEST_NAME, shown, told_apart, unfit_name, visible

STEMS = st.text("ab _-x1", min_size=0, max_size=40)
LONG = st.builds("".join, st.lists(st.one_of(STEMS, st.just("a_very_long_part_")), min_size=1, max_size=5))


@given(st.lists(st.one_of(st.text(max_size=60), LONG), min_size=1, max_size=12), st.integers(8, 60))
@settings(deadline=None, max_examples=300)
def test_different_names_stay_different_within_their_letters(names: list[str], most: int) -> None:
    short = told_apart(names, most)
    assert len(short) == len(names)
    for (a, b), (one, other) in zip(
        itertools.combinations(names, 2), itertools.combinations(short, 2), strict=True
    ):
        assert (a == b) == (one == other)
    assert all(len(text) <= most for text in short)
    assert all(text == name for name, text in zip(names, short, strict=True) if len(name) <= most)


@pytest.mark.parametrize(
    ("names", "most", "right"),
    [
        (
            [f"a_very_long_label_without_any_space_that_ends_in_{each}" for each in "ABC"],
            20,
            [f"a_very_lon…ends_in_{each}" for each in "ABC"],
        ),
        (
            [f"a common beginning, rate {each}, and a common end of it" for each in ("0.01", "0.02")],
            24,
            ["a com…e 0.01, and…of it", "a com…e 0.02, and…of it"],
        ),
        (["MAML", "a rather long name"], 10, ["MAML", "a rat…name"]),
    ],
)
def test_names_are_shortened_where_they_are_the_same(names: list[str], most: int, right: list[str]) -> None:
    assert told_apart(names, most) == right


def test_a_thousand_long_names_are_told_apart_in_no_time() -> None:
    names = [f"{'the same beginning ' * 10}{number}{' the same end' * 10}" for number in range(1000)]
    short = told_apart(names, 30)
    assert len(set(short)) == 1000
    assert all(str(number) in text for number, text in enumerate(short))


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=300)
def test_what_is_visible_stays_so_and_fits_a_line(text: str) -> None:
    seen = visible(text)
    assert visible(seen) == seen
    assert len(seen.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in seen)
    assert len(shown(text, 50)) <= 50
    assert visible(unfit_name(text)) == unfit_name(text)
    assert (unfit_name(text) == "") == (seen == text and len(text) <= LONGEST_NAME)


def printed_by_another_way(source: str) -> list[str]:
    """Where a module writes on the terminal, not by way of ``workbench.terminal``."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if name in ("print", "echo", "secho", "print_exc"):
                found.append(f"{node.lineno}: {name}")
        if isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr"):
            found.append(f"{node.lineno}: {node.attr}")
    return found


def test_no_module_writes_on_the_terminal_by_another_way() -> None:
    folder = Path(workbench.__file__).parent
    modules = [path for path in folder.rglob("*.py") if path != folder / "terminal.py"]
    assert len(modules) > 100
    found = {str(path): printed_by_another_way(path.read_text(encoding="utf-8")) for path in modules}
    assert not {path: where for path, where in found.items() if where}
    for planted in ("print(run.name)", "click.echo(run.name)", "sys.stderr.write(run.failure)"):
        assert printed_by_another_way(planted)
