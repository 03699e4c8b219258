"""Pictures class by class in one array, beside JSON that names the classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import importing
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.data.reading import Reading
from workbench.errors import DataError

NAMES = [["Greek", "b"], ["Greek", "a"], ["Latin", "a"], ["Runes", "x"], ["Runes", "y"]]


def folder(path: Path, stack: Any, told: object) -> Path:
    path.mkdir(exist_ok=True)
    np.savez_compressed(path / "letters.npz", bits=stack)
    (path / "letters.json").write_text(told if isinstance(told, str) else json.dumps(told))
    (path / "README.md").write_text("read me")
    return path


@pytest.fixture
def pixels() -> Any:
    return np.random.default_rng(0).integers(0, 2, (5, 4, 8, 8), np.uint8)


@pytest.mark.parametrize("form", ["bits", "pixels", "grey", "bool"])
def test_letters_come_in_with_names_groups_and_splits(tmp_path: Path, pixels: Any, form: str) -> None:
    stack = {
        "bits": np.packbits(pixels.reshape(5, 4, 64), axis=-1),
        "pixels": pixels * 200,
        "grey": pixels[..., None] * 255,
        "bool": pixels.astype(bool),
    }[form]
    white = 200 if form == "pixels" else 255
    splits = {"one": {"train": [0, 1], "val": [2], "trainval": [0, 1, 2], "test": [3, 4]}, "runs": [1]}
    told = {"source": "me", "classes": NAMES, "splits": splits}
    prepared = prepare(look(folder(tmp_path / "set", stack, told)))
    assert prepared.names == ("Greek/a", "Greek/b", "Latin/a", "Runes/x", "Runes/y")
    assert prepared.groups[0] == "Greek"
    in_order = pixels[[1, 0, 2, 3, 4]].reshape(20, 1, 8, 8)
    assert np.array_equal(prepared.arrays["pixels"], in_order * np.uint8(white))
    planned = importing.plan(prepared)
    assert {part: list(each) for part, each in planned.members.items()} == {
        "train": [0, 1], "validation": [2], "test": [3, 4],
    }  # fmt: skip


def test_plain_names_are_enough_and_splits_may_be_missing(tmp_path: Path, pixels: Any) -> None:
    prepared = prepare(look(folder(tmp_path / "set", pixels, list("edcba"))))
    assert prepared.names == tuple("abcde")
    assert prepared.given_split() is None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"classes": NAMES[:4]}, "no list of 5 names"),
        ({"classes": [["a"], 1, 2, 3, 4]}, "no list of 5 names"),
        ({"classes": ["a"] * 5}, "must differ"),
        ({"classes": NAMES, "splits": {"train": [0, 9]}}, "from 0 to 4"),
        ({"classes": NAMES, "splits": {"train": [0, 1], "test": [1]}}, "from 0 to 4"),
        ({"classes": NAMES, "splits": {"a": {"train": "all"}}}, "from 0 to 4"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_json_that_does_not_fit_is_one_line(tmp_path: Path, pixels: Any, told: object, why: str) -> None:
    with pytest.raises(DataError) as refused:
        look(folder(tmp_path / "set", pixels, told))
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_bits_of_no_square_and_more_than_memory_may_hold_are_refused(tmp_path: Path, pixels: Any) -> None:
    with pytest.raises(DataError, match="square"):
        look(folder(tmp_path / "set", np.zeros((5, 4, 3), np.uint8), {"classes": NAMES}))
    with pytest.raises(DataError, match="GiB of memory"):
        look(folder(tmp_path / "set", pixels, {"classes": NAMES}), Reading(budget=1000))


def test_a_folder_of_tables_names_them_all(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("id,time,y\n1,0,2\n")
    with pytest.raises(DataError, match=r"each a set of its own; give one of them: one\.csv, two\.csv"):
        look(tmp_path)
