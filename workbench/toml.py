"""Text in TOML that may come from anywhere."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

LONGEST = 300_000
"""Letters of a text that is read; ten thousand seeds, each on a line, come in under it."""

DEEPEST = 12
MOST_DOTS = 100
"""Of a line: the time that tomllib takes grows with the cube of a dotted key's parts."""


def digest(table: Mapping[str, object]) -> str:
    """SHA-256 of tables, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(table, sort_keys=True, default=str).encode()).hexdigest()


def read(text: str) -> dict[str, Any]:
    """The tables of a text.

    Raises
    ------
    ValueError
        If it is no TOML, or longer or nested more deeply than any that a person needs; one line.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{len(text):,} letters are too many; allowed: {LONGEST:,}")
    if any(line.count(".") > MOST_DOTS for line in text.split("\n")):
        raise ValueError(f"a line has more than {MOST_DOTS} dots")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:  # also of a number with thousands of digits
        raise ValueError(f"not valid TOML: {error}") from None
    inside: list[Any] = [table]
    for _ in range(DEEPEST):
        inside = [each for value in inside for each in _values(value)]
    if inside:
        raise ValueError("nested too deeply")
    return table


def _values(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def assign(table: dict[str, Any], path: str, value: object) -> None:
    """Put a value at a place in tables, such as ``training.iterations`` or ``algorithm.0.inner_lr``.

    Raises
    ------
    LookupError
        If an index on the way is none; one line.
    """
    *parents, last = path.replace("[", ".").replace("]", "").split(".")
    target: Any = table
    for part in parents:
        target = target.setdefault(part, {}) if isinstance(target, dict) else target[_index(target, part)]
    target[last if isinstance(target, dict) else _index(target, last)] = value


def _index(target: object, part: str) -> int:
    """The number that a part of a path means in a list."""
    if not isinstance(target, list):
        raise LookupError(f"{part!r} is inside a value that is no table")
    if not part.isdigit() or int(part) >= len(target):
        allowed = f"allowed: 0 to {len(target) - 1}" if target else "the list is empty"
        raise LookupError(f"{part!r} is no index here; {allowed}")
    return int(part)
