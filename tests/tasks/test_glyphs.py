from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from workbench import algorithms, networks  # noqa: F401  (their kinds must be known)
from workbench.config import SPLITS, parse
from workbench.paths import cache_folder
from workbench.tasks.base import DataError, EpisodeSize
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.glyph_rendering import Letter, Typefaces, draw, plain
from workbench.tasks.glyphs import Glyphs, GlyphsConfig
from workbench.tasks.look_alikes import likeness


@pytest.fixture(scope="module")
def glyphs() -> Glyphs:
    return Glyphs(GlyphsConfig())


@pytest.fixture(scope="module")
def letters() -> dict[str, Letter]:
    return {letter.character: letter for letter in Typefaces().letters()}


@pytest.fixture(scope="module")
def alike(glyphs: Glyphs, letters: dict[str, Letter]) -> NDArray[np.bool_]:
    """Which of the first 300 training classes look alike, measured anew."""
    typefaces, training = Typefaces(), set(glyphs.describe()["groups"]["train"])
    trained = [letter for letter in letters.values() if letter.script in training]
    alike = likeness([plain(letter, typefaces) for letter in trained[:300]]) > 0.95
    np.fill_diagonal(alike, False)
    assert alike.sum() > 20
    return alike


def test_there_are_enough_letters_for_the_usual_episodes(glyphs: Glyphs) -> None:
    classes = glyphs.describe()["classes"]
    assert classes["train"] >= 1000
    assert classes["test"] >= 150
    for split in SPLITS:
        glyphs.check(EpisodeSize(20, 5, 15), split)


def test_scripts_of_the_test_are_unseen_in_training(glyphs: Glyphs) -> None:
    groups = glyphs.describe()["groups"]
    assert not set(groups["train"]) & set(groups["validation"] + groups["test"])
    assert not set(groups["validation"]) & set(groups["test"])


def test_letters_are_those_that_are_composed_of_no_others(letters: dict[str, Letter]) -> None:
    assert len(letters) > 1500
    assert all(unicodedata.category(character).startswith("L") for character in letters)
    assert {"A", "ж", "ა", "ᐊ"} <= set(letters)
    assert not {"é", "7", "ﬁ"} & set(letters)
    assert letters["𐌀"].script == "Old Italic"


@pytest.mark.parametrize("ways", [5, 20, 60])
def test_letters_that_look_alike_never_meet_in_an_episode(
    glyphs: Glyphs, alike: NDArray[np.bool_], ways: int
) -> None:
    size = EpisodeSize(ways, 1, 1)
    classes = (
        glyphs.sample("train", 300, torch.Generator().manual_seed(ways), size).support["classes"].numpy()
    )
    for task in classes:
        measured = task[task < len(alike)]
        assert not alike[np.ix_(measured, measured)].any()


@pytest.mark.parametrize("pair", ["AΑ", "AА", "ıі", "Oо", "шщ"])
def test_one_shape_in_two_scripts_looks_alike(letters: dict[str, Letter], pair: str) -> None:
    assert _likeness(letters, pair) > 0.9


@pytest.mark.parametrize("pair", ["AB", "жა", "ᐊO", "Eк", "bd", "MN"])
def test_letters_that_a_person_tells_apart_do_not_look_alike(letters: dict[str, Letter], pair: str) -> None:
    assert _likeness(letters, pair) < 0.86


def test_no_letter_of_the_test_looks_like_one_of_training() -> None:
    split = ClassSplit(train=["Latin"], validation=["Arabic"], test=["Greek"])
    description = Glyphs(GlyphsConfig(split=split)).describe()
    left_out = description["left_out_as_like_a_letter_of_training"]["test"]
    assert left_out > 24  # at the least the capitals and small letters that are Latin's own
    assert description["classes"]["test"] + left_out == 84


def test_a_test_of_nothing_but_known_shapes_is_refused() -> None:
    split = ClassSplit(train=["Latin"], validation=["Arabic"], test=["Greek/Α", "Greek/Β"])
    with pytest.raises(
        DataError, match=r"task\.split\.test: every letter of it looks like one of meta-training"
    ):
        Glyphs(GlyphsConfig(split=split))


def test_drawings_are_whole_bright_and_in_the_middle(letters: dict[str, Letter]) -> None:
    drawings = draw(list(letters.values())[::20], 20, 0, lambda done: None).reshape(-1, 28, 28)
    edges = (drawings[:, 0], drawings[:, -1], drawings[:, :, 0], drawings[:, :, -1])
    assert not any(edge.any() for edge in edges)
    assert drawings.max((1, 2)).min() > 128
    for axis in (1, 2):
        inked = drawings.any(axis)
        middle = (inked.argmax(1) + 27 - inked[:, ::-1].argmax(1)) / 2
        assert abs(middle - 13.5).max() < 5


def test_drawings_of_a_letter_all_differ(letters: dict[str, Letter]) -> None:
    for character in "Aжᐊ":
        drawings = draw([letters[character]], 20, 0, lambda done: None)[0]
        assert len({drawing.tobytes() for drawing in drawings}) == 20


def test_a_letter_is_drawn_the_same_whichever_others_are_drawn(letters: dict[str, Letter]) -> None:
    a, zhe = letters["A"], letters["ж"]
    assert np.array_equal(
        draw([a, zhe], 20, 7, lambda done: None)[1], draw([zhe], 20, 7, lambda done: None)[0]
    )
    assert not np.array_equal(draw([zhe], 20, 7, lambda done: None), draw([zhe], 20, 8, lambda done: None))


def test_a_second_opening_reads_the_cache_and_gives_the_same(glyphs: Glyphs) -> None:
    told: list[str] = []
    again = Glyphs(GlyphsConfig(), lambda done, text: told.append(text))
    assert not told
    assert again.data_hash() == glyphs.data_hash()


def test_a_damaged_cache_is_made_again(
    letters: dict[str, Letter], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    few = [letter for letter in letters.values() if letter.script in ("Coptic", "Lao", "Ogham")]
    monkeypatch.setattr(Typefaces, "letters", lambda self: few)
    config = GlyphsConfig(ways=2, split=ClassSplit(train=["Lao"], validation=["Ogham"], test=["Coptic"]))
    told: list[float] = []
    good = Glyphs(config, lambda done, text: told.append(done)).data_hash()
    assert told[-1] == 1
    assert told == sorted(told)
    (file,) = cache_folder().iterdir()
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:500_000] + bytes(100) + whole[500_100:]):
        file.write_bytes(damaged)
        assert Glyphs(config).data_hash() == good
        assert file.read_bytes() == whole


def test_glyphs_go_through_a_file_unchanged() -> None:
    experiment = parse(
        '[task]\nfamily = "glyphs"\n[network]\nkind = "conv4"\n[[algorithm]]\nkind = "protonet"\n'
    )
    assert parse(experiment.to_toml()) == experiment


def _likeness(letters: dict[str, Letter], pair: str) -> float:
    typefaces = Typefaces()
    return float(likeness([plain(letters[character], typefaces) for character in pair])[0, 1])
