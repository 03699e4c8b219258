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
