"""What people type as values."""

from __future__ import annotations

import csv
import io
import math
import re

from workbench.settings.fields import UNSET, Field, text_of

MOST_IN_A_RANGE = 10_000


def read(field: Field, text: str) -> object:
    """The value of a text; what cannot be read stays text, and the validation says what is wrong."""
    text = text.strip()
    if field.shape in ("text", "path"):
        return text if text or not field.optional else UNSET
    if not text:
        return UNSET
    if field.shape == "list":
        return _read_names(text) if field.item is str else _read_numbers(text, field.item)
    return text if text in field.choices else _number(text, field.item)


def _read_names(text: str) -> list[str]:
    (row,) = csv.reader(io.StringIO(text.replace("\n", " ")), skipinitialspace=True)
    return [each.strip() for each in row if each.strip()]


def _read_numbers(text: str, item: type) -> list[int | float | str]:
    values: list[int | float | str] = []
    for part in re.split(r"[,;\s]+", re.sub(r"\s*(\.\.|–)\s*", "–", text).strip("[](),; ")):
        span = re.fullmatch(r"(\d+)[–-](\d+)", part)
        if span and item is int and 0 <= int(span[2]) - int(span[1]) < MOST_IN_A_RANGE:
            values += range(int(span[1]), int(span[2]) + 1)
        elif part:
            values.append(_number(part, item))
    return values


def _number(text: str, item: type) -> int | float | str:
    if re.fullmatch(r"[+-]?\d+,\d+", text):  # a decimal comma
        text = text.replace(",", ".")
    try:
        if item is int and re.fullmatch(r"[+-]?\d+", text):
            return int(text)
        value = float(text)
    except ValueError:  # also for a whole number of thousands of digits
        return text
    if not math.isfinite(value):  # neither a file nor a form holds it
        return text
    return int(value) if item is int and value.is_integer() and abs(value) < 2**53 else value


def folded(field: Field, value: object) -> str:
    """A value as it is shown: whole numbers that follow each other as a range, ``0–15, 20``."""
    if field.shape != "list" or field.item is not int or not isinstance(value, list | tuple):
        return text_of(value)
    spans: list[list[object]] = []
    for each in value:
        last = spans[-1][-1] if spans else None
        if type(each) is type(last) is int and each == last + 1:
            spans[-1].append(each)
        else:
            spans.append([each])
    return ", ".join(
        f"{span[0]}–{span[-1]}" if len(span) > 2 else ", ".join(map(text_of, span)) for span in spans
    )


def stepped(field: Field, value: object, up: bool) -> int | float:
    """The next value up or down: 1, 2, 5, 10 … for rates, one in the second digit for counts."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        value = field.default if isinstance(field.default, int | float) else max(field.low, 1)
        if not math.isfinite(value):
            value = 1
    whole = field.item is int
    new = _step_count(int(value), up) if whole else _step_rate(float(value), up)
    new = min(max(new, field.low), field.high)
    return int(new) if whole else float(new)


def _step_count(value: int, up: bool) -> int:
    size = abs(value) - (0 if up == (value >= 0) else 1)
    step = 1 if size < 10 else 10 ** (len(str(size)) - 2)
    return value + step if up else value - step


def _step_rate(value: float, up: bool) -> float:
    if value <= 0:
        return value + 1 if up else value - 1
    exponent = math.floor(math.log10(value) + 1e-9)
    ladder = [float(f"{digit}e{power}") for power in range(exponent - 1, exponent + 2) for digit in (1, 2, 5)]
    if up:
        return next(each for each in ladder if each > value * (1 + 1e-9))
    return next(each for each in reversed(ladder) if each < value * (1 - 1e-9))
