"""Numbers as they are written: what is read off them is the number."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis import numerals

_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read(text: str) -> float:
    """The number that a person reads: 0.6, −1 200, 3×10⁻⁶, 10⁶."""
    plain = text.replace(numerals.MINUS, "-").replace(numerals.THIN_SPACE, "")
    sign, plain = (-1.0, plain[1:]) if plain.startswith("-") else (1.0, plain)
    mantissa, times, power = plain.partition("×")
    if not times and any(letter in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹" for letter in plain):
        mantissa, power = "1", plain
    if not power:
        return sign * float(mantissa)
    assert power.startswith("10")
    return sign * float(f"{mantissa}e{power[2:].translate(_LOWERED)}")


@given(st.floats(-1e308, 1e308))
def test_a_number_keeps_its_size_and_its_digits(value: float) -> None:
    text = numerals.number(value)
    assert read(text) == pytest.approx(value, rel=1e-3, abs=5e-324)
    assert len(text) <= len("−1.234×10⁻³⁰⁸")


def test_numbers_are_short_and_whole() -> None:
    assert numerals.number(3.57e33) == "3.57×10³³"
    assert numerals.number(-3e-6) == "−3×10⁻⁶"
    assert numerals.number(0.6) == "0.6"
    assert numerals.number(math.nan) == numerals.number(math.inf) == "–"


@pytest.mark.parametrize(
    ("low", "step", "expected"),
    [
        (0.0, 0.2, ["0.0", "0.2", "0.4", "0.6"]),
        (600.0, 300.0, ["600", "900", "1 200", "1 500"]),
        (-5.0, 5.0, ["−5", "0", "5", "10"]),
        (0.0, 1e-6, ["0", "10⁻⁶", "2×10⁻⁶", "3×10⁻⁶"]),
        (0.0, 5e8, ["0", "5×10⁸", "10⁹", "1.5×10⁹"]),
        (6e7, 0.5, ["60 000 000.0", "60 000 000.5", "60 000 001.0", "60 000 001.5"]),
    ],
)  # fmt: skip
def test_steps_are_written_alike(low: float, step: float, expected: list[str]) -> None:
    texts = numerals.steps([low + n * step for n in range(4)], step, 4 * step)
    assert [each.replace(numerals.THIN_SPACE, " ") for each in texts] == expected


@given(
    st.floats(-12, 15).map(lambda power: 10.0**power),
    st.sampled_from([1, 2, 5]),
    st.integers(-(10**6), 10**6),
)
def test_every_step_can_be_told_from_its_neighbours(size: float, digit: int, first: int) -> None:
    step = digit * 10.0 ** math.floor(math.log10(size))
    values = [n * step for n in range(first, first + 5)]
    texts = numerals.steps(values, step, 5 * step)
    for value, text in zip(values, texts, strict=True):
        assert read(text) == pytest.approx(value, rel=1e-12, abs=step * 1e-6)
    assert all(one != other for one, other in pairwise(texts))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1.6e15 - 5e6, 1.6e15 + 5e6, (1.6e15, " − 1\u202f600\u202f000\u202f000\u202f000\u202f000")),
        (-5000.4, -4999.6, (-5000.0, " + 5\u202f000")),
        (0.99999, 1.00001, (1.0, " − 1.0000")),
        (5.0, 6.0, (0.0, "")),
        (-1e300, 1e300, (0.0, "")),
        (7e9, 7e9, (0.0, "")),
        (1e300, 1.0001e300, (1e300, " − 10³⁰⁰")),
    ],
)
def test_values_far_from_zero_are_counted_from_a_number_near_them(
    low: float, high: float, expected: tuple[float, str]
) -> None:
    value, words = numerals.origin(low, high)
    assert (pytest.approx(value), words) == expected
