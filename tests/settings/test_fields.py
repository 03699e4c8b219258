from __future__ import annotations

import subprocess
import sys

import pytest

from workbench import algorithms, networks  # noqa: F401  (their kinds must be known)
from workbench.config import AlgorithmConfig, Experiment, Training
from workbench.settings import Field, Section, fields_of, setting
from workbench.settings.fields import UNSET, text_of
from workbench.settings.texts import folded, read, stepped
from workbench.tasks import FAMILIES


class Everything(Section):
    """One field of each type."""

    flag: bool = setting(False, help="A flag.")
    count: int = setting(3, ge=1, le=10, help="A count.")
    rate: float | None = setting(None, gt=0, help="A rate.", empty="the usual one")
    words: tuple[str, ...] = setting((), strict=False, help="Words.")
    name: str = setting("", help="A name.")
    place: str = setting("", path=True, label="File or folder", help="A path.")


def of(section: type[Section], name: str) -> Field:
    return fields_of(section)[name]


def test_every_field_of_the_configuration_is_described() -> None:
    for section in (Experiment, Training, *AlgorithmConfig.kinds.values()):
        for field in fields_of(section).values():
            assert field.label[0].isupper()
            assert field.help or field.section is not None


def test_a_description_is_what_was_declared() -> None:
    shapes = [each.shape for each in fields_of(Everything).values()]
    assert shapes == ["switch", "number", "number", "list", "text", "path"]
    assert (of(Everything, "count").low, of(Everything, "count").high) == (1, 10)
    assert of(Everything, "count").allowed == "a whole number ≥ 1 and ≤ 10"
    assert of(Everything, "rate").empty == "the usual one"
    assert of(Everything, "rate").help == "A rate; empty: the usual one."
    assert of(Everything, "place").label == "File or folder"
    assert of(Training, "threads").choices == ("auto",)
    assert of(Experiment, "task").shape == "kinds"
    assert of(Experiment, "algorithm").shape == "list of kinds"
    assert of(Experiment, "training").shape == "section"
    for family in ("images", "text", "functions"):
        assert of(FAMILIES[family].Config, "path").shape == "path"


def test_settings_are_described_without_torch_and_qt() -> None:
    code = "import sys, workbench.settings.draft; print({'torch', 'PySide6'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("0,5", 0.5), (" 2 ", 2.0), ("", UNSET), ("fast", "fast"), ("1e999", "1e999")],
)
def test_rates_are_read_as_people_write_them(text: str, value: object) -> None:
    assert read(of(Everything, "rate"), text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("1e4", 10_000), ("1_000", 1000), ("12x", "12x"), ("1.5", 1.5), ("9" * 5000, None)]
)
def test_counts_are_read_as_people_write_them(text: str, value: object) -> None:
    parsed = read(of(Everything, "count"), text)
    assert value is None or (parsed == value and type(parsed) is type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", [0]),
        ("0, 1,2", [0, 1, 2]),
        ("0-3", [0, 1, 2, 3]),
        ("1–2 7", [1, 2, 7]),
        ("0, x", [0, "x"]),
        ("0-99999999", ["0-99999999"]),
    ],
)
def test_lists_of_seeds_take_commas_and_ranges(text: str, value: list[object]) -> None:
    assert read(of(Training, "seeds"), text) == value


def test_names_with_commas_survive() -> None:
    spec = of(Everything, "words")
    names = ["Greek", "Old, Italic", "N'Ko"]
    assert read(spec, text_of(names)) == names


def test_arrows_step_rates_by_1_2_5_and_counts_in_the_second_digit() -> None:
    rate, count = of(Everything, "rate"), of(Training, "iterations")
    values = [0.01]
    for _ in range(3):
        values.append(stepped(rate, values[-1], True))
    assert values == [0.01, 0.02, 0.05, 0.1]
    assert stepped(rate, 0.01, False) == 0.005
    assert stepped(count, 10_000, True) == 11_000
    assert stepped(count, stepped(count, 10_000, False), True) == 10_000
    assert stepped(count, 1, False) == 1
    assert stepped(of(Everything, "count"), 10, True) == 10


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("0-15", "0–15"),
        ("0–15", "0–15"),
        ("0..15", "0–15"),
        ("0, 1, 2, 3", "0–3"),
        ("0 1", "0, 1"),
        ("3, 4, 5, 9, 7, 6", "3–5, 9, 7, 6"),
        ("x, 1", "x, 1"),
        ("0, 99999999999999999999", "0, 99999999999999999999"),
    ],
)
def test_seeds_that_follow_each_other_are_shown_as_a_range_that_can_be_typed(typed: str, shown: str) -> None:
    seeds = of(Training, "seeds")
    assert folded(seeds, read(seeds, typed)) == shown
    assert read(seeds, shown) == read(seeds, typed)
