from __future__ import annotations

import pytest

from workbench import algorithms, networks  # noqa: F401  (their kinds must be known)
from workbench.config import AlgorithmConfig, Training
from workbench.gui.setup.specs import UNSET, FieldSpec, specs
from workbench.problems import PROBLEMS
from workbench.settings import Section, setting


class Everything(Section):
    """One field of each type."""

    flag: bool = setting(False, help="A flag.")
    count: int = setting(3, ge=1, le=10, help="A count.")
    rate: float | None = setting(None, gt=0, help="A rate.", empty="the usual one")
    words: tuple[str, ...] = setting((), strict=False, help="Words.")
    name: str = setting("", help="A name.")


def of(section: type[Section], name: str) -> FieldSpec:
    return next(each for each in specs(section, PROBLEMS["regression"].gives) if each.name == name)


def test_every_field_of_the_configuration_has_a_shape_and_a_tooltip() -> None:
    for section in (Training, *AlgorithmConfig.kinds.values()):
        for spec in specs(section, PROBLEMS["classification"].gives):
            assert spec.label[0].isupper()
            assert spec.help.split(";")[0][:10].replace("&", "&amp;") in spec.tooltip(f"x.{spec.name}")


def test_shapes_follow_the_types() -> None:
    assert [each.shape for each in specs(Everything)] == ["switch", "number", "number", "list", "text"]
    assert (of(Everything, "count").low, of(Everything, "count").high) == (1, 10)
    assert of(Everything, "rate").empty == "the usual one"
    assert of(Training, "threads").choices == ("auto",)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("0,5", 0.5), (" 2 ", 2.0), ("", UNSET), ("fast", "fast"), ("1e999", "1e999")],
)
def test_rates_are_read_as_people_write_them(text: str, value: object) -> None:
    assert of(Everything, "rate").parse(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("1e4", 10_000), ("1_000", 1000), ("12x", "12x"), ("1.5", 1.5), ("9" * 5000, None)]
)
def test_counts_are_read_as_people_write_them(text: str, value: object) -> None:
    parsed = of(Everything, "count").parse(text)
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
    assert of(Training, "seeds").parse(text) == value


def test_names_with_commas_survive() -> None:
    spec = of(Everything, "words")
    names = ["Greek", "Old, Italic", "N'Ko"]
    assert spec.parse(spec.format(names)) == names


def test_arrows_step_rates_by_1_2_5_and_counts_in_the_second_digit() -> None:
    rate, count = of(Everything, "rate"), of(Training, "iterations")
    values = [0.01]
    for _ in range(3):
        values.append(rate.stepped(values[-1], True))
    assert values == [0.01, 0.02, 0.05, 0.1]
    assert rate.stepped(0.01, False) == 0.005
    assert count.stepped(10_000, True) == 11_000
    assert count.stepped(count.stepped(10_000, False), True) == 10_000
    assert count.stepped(1, False) == 1
    assert of(Everything, "count").stepped(10, True) == 10
