"""What a package offers is found by itself; what is wrongly declared is refused by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from workbench.algorithms import ALGORITHMS, Algorithm
from workbench.algorithms.anil import ANIL
from workbench.errors import DeclarationError
from workbench.settings import discover


def package(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of one module."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").touch()
    (folder / name / "one.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    for each in (name, f"{name}.one"):
        monkeypatch.setitem(sys.modules, each, None)
        monkeypatch.delitem(sys.modules, each)
    return name


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("class Other(ANIL):\n    title = 'Other'", r"offered_0\.one\.Other: a Config of its own is missing"),
        ("class Other(Algorithm):\n    Config = ANIL.Config", "Other: title is missing; family is missing"),
        (
            "class First(ANIL):\n    Config = ANIL.Config\n\nclass Second(First):\n    Config = ANIL.Config",
            "Second: First has its name, 'anil'",
        ),
    ],
)
def test_a_class_is_never_left_out_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, wrong: str
) -> None:
    text = (
        f"from workbench.algorithms.anil import ANIL\nfrom workbench.algorithms import Algorithm\n\n{body}\n"
    )
    with pytest.raises(DeclarationError, match=wrong):
        discover(package(tmp_path, "offered_0", text, monkeypatch), Algorithm)  # type: ignore[type-abstract]


def test_a_class_is_found_by_the_name_of_its_kind() -> None:
    assert ALGORITHMS["anil"] is ANIL
