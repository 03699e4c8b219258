"""Arrays as people have them: what is rounded or passed over is said, what is too much is refused unread."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data import sources
from workbench import importing
from workbench.data.found import Found, FoundFunctions
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.data.reading import Reading
from workbench.errors import DataError


def points(path: Path, **changed: Any) -> Path:
    """Lines, with some arrays as given; None leaves one out."""
    with np.load(sources.functions(path)) as arrays:
        held = {**arrays, **changed}
    np.savez(path, **{name: each for name, each in held.items() if each is not None})
    return path


def said(found: Found, what: str) -> str:
    (finding,) = (each for each in found.findings if each.what == what)
    return finding.text


def test_values_are_kept_in_64_bits_and_their_standardisation_is_said(tmp_path: Path) -> None:
    x = 1.6e15 + 1e6 * np.random.default_rng(0).uniform(-5, 5, 360)
    found = look(points(tmp_path / "a.npz", x=x))
    assert isinstance(found, FoundFunctions)
    assert sorted(found.x[:, 0].tolist()) == sorted(x.tolist())
    assert "x (1.59999" in said(found, "standardised")
    assert "standardised by its training tasks" in importing.plan(prepare(found)).findings[0].text


def test_whole_numbers_beyond_64_bit_floating_point_are_rounded_with_a_note(tmp_path: Path) -> None:
    nanoseconds = 1_700_000_000_000_000_000 + np.arange(360) * 1_000_003
    found = look(points(tmp_path / "a.npz", x=nanoseconds))
    assert "358 numbers have more digits" in (text := said(found, "rounded"))
    assert "row 1, row 2, row 3 and 355 more" in text


def test_whole_numbers_that_would_become_one_are_refused(tmp_path: Path) -> None:
    path = points(tmp_path / "a.npz", y=2**60 + np.arange(360))
    with pytest.raises(DataError, match="differ by 256 only, which 64-bit floating point cannot tell apart"):
        look(path)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.int8, np.uint16, np.int64])
def test_every_type_of_real_number_is_read(tmp_path: Path, dtype: type) -> None:
    x = np.random.default_rng(0).integers(0, 100, 360).astype(dtype)
    found = look(points(tmp_path / "a.npz", x=x))
    assert isinstance(found, FoundFunctions)
    assert found.x.dtype == np.float64
    assert sorted(found.x[:, 0].tolist()) == sorted(x.astype(float).tolist())


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(360, complex),
        np.zeros(360, bool),
        np.zeros(360, "M8[s]"),
        np.zeros(360, "S4"),
        np.zeros(360, [("a", "f8")]),
        np.zeros(359),
    ],
)
def test_what_is_no_real_number_is_refused(tmp_path: Path, x: Any) -> None:
    with pytest.raises(DataError, match=r"x is .*; numbers \[360\] or \[360, columns\] are needed"):
        look(points(tmp_path / "a.npz", x=x))


def test_rows_that_are_no_numbers_are_named_with_the_reason(tmp_path: Path) -> None:
    y = np.ones(360)
    y[[3, 5, 7]] = np.nan, -np.inf, 1e306
    found = look(points(tmp_path / "a.npz", y=y))
    assert [(each.origin.rpartition(" ")[2], each.why) for each in found.unreadable] == [
        ("3", "not a finite number"),
        ("5", "not a finite number"),
        ("7", "a number beyond 1e+305"),
    ]
    assert len(found.labels) == 357


def test_arrays_of_other_names_are_said_to_be_passed_over(tmp_path: Path) -> None:
    found = look(points(tmp_path / "a.npz", weights=np.ones(3), z=np.ones(2)))
    assert "2 arrays are passed over" in said(found, "passed over")
    path = sources.medmnist(tmp_path / "b.npz")
    with np.load(path) as arrays:
        np.savez(path, extra=np.ones(2), **arrays)
    assert "extra" in said(look(path), "passed over")


def packed(path: Path, arrays: dict[str, tuple[tuple[int, ...], str]]) -> Path:
    """Arrays of nothing but zeros in very few bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (shape, dtype) in arrays.items():
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                head, {"descr": dtype, "fortran_order": False, "shape": shape}
            )
            archive.writestr(
                f"{name}.npy", head.getvalue() + bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize)
            )
    return path


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            dict.fromkeys(("x", "y", "task"), ((16000000,), "|i1")),
            "16,000,000 points need about 2.6 GiB of memory; allowed: 1 ",
        ),
        (
            {"train_images": ((3000, 1, 1), "|u1"), "train_labels": ((3000,), "<U10000")},
            "its images and labels need about 0.",
        ),
        ({f"train_images{n}": ((1,), "|u1") for n in range(1001)}, "1,001 arrays are too many"),
    ],
)
def test_arrays_that_would_swell_are_refused_by_their_headers(
    tmp_path: Path,
    arrays: dict[str, tuple[tuple[int, ...], str]],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = packed(tmp_path / "a.npz", arrays)
    monkeypatch.setattr(np, "load", None)  # whoever reads an array fails
    budget = 2**30 if "x" in arrays else 2**27
    with pytest.raises(DataError, match=words) as caught:
        look(path, Reading(budget=budget))
    assert "\n" not in str(caught.value)


def test_labels_of_images_that_look_the_same_are_told_or_made_one(tmp_path: Path) -> None:
    path = sources.medmnist(tmp_path / "a.npz", classes=4)
    words = np.array([["cat", "Cat", "caf\u00e9", "cafe\u0301"][n % 4] for n in range(32)])
    with np.load(path) as arrays:
        np.savez(path, **{name: words if "labels" in name else each for name, each in arrays.items()})
    apart = look(path)
    assert apart.names == ("Cat", "caf\u00e9", "cat")
    assert "'Cat' = 'cat'" in said(apart, "look-alikes")
    assert said(apart, "composed").startswith("24 labels")
    assert said(apart, "shared classes").startswith("3 classes are in more than one split")
    assert look(path, Reading(merge_labels=True)).names == ("Cat", "caf\u00e9")
    assert look(path, Reading(rules=1)).counts == (24,) * 4


def test_a_test_split_of_arrays_is_kept_and_validation_is_drawn(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (80, 8, 8), np.uint8)
    labels = np.arange(80) // 10
    path = tmp_path / "a.npz"
    parts = {"train_images": images[:60], "train_labels": labels[:60]}
    np.savez(path, test_images=images[60:], test_labels=labels[60:], **parts)
    split = look(path).given_split()
    assert split is not None
    assert split["test"] == ["6", "7"]
    assert len(split["train"]) + len(split["validation"]) == 6
    assert "drawn for validation" in said(look(path), "drawn split")


def test_names_of_tasks_are_whole_and_look_alikes_are_told(tmp_path: Path) -> None:
    names = np.array(["cafe\u0301", "café", "1", "1.0", "b", "c", "d", "e", "f", "g", "h", "i"]).repeat(30)
    path = points(tmp_path / "a.npz", task=names)
    found = look(path)
    assert len(found.names) == 11
    assert found.counts[found.names.index("café")] == 60
    assert said(found, "composed").startswith("30 labels have letters in parts")
    assert "'1' = '1.0'" in said(found, "look-alikes")
    merged = look(path, Reading(merge_labels=True))
    assert merged.counts[merged.names.index("1")] == 60


@pytest.mark.parametrize("name", ["x", "y"])
def test_columns_that_never_change_are_named(tmp_path: Path, name: str) -> None:
    found = look(points(tmp_path / "a.npz", **{name: np.full((360, 1), 7.5)}))
    assert said(found, "constant").endswith(f"nothing can be learned from it: {name} (7.5)")


def test_the_split_of_tasks_is_kept(tmp_path: Path) -> None:
    part = np.array(["train"] * 8 + ["dev"] * 2 + ["test"] * 2).repeat(30)
    found = look(points(tmp_path / "a.npz", split=part))
    split = found.given_split()
    assert split is not None
    assert (len(split["train"]), split["validation"], split["test"]) == (8, ["8", "9"], ["10", "11"])
    planned = importing.plan(prepare(found))
    assert [len(planned.members[each]) for each in ("train", "validation", "test")] == [8, 2, 2]
    assert not any(each.what == "passed over" for each in found.findings)
    found = look(points(tmp_path / "b.npz", split=np.arange(360) // 90))
    assert "split" in said(found, "passed over")
