"""Cells of a table that a spreadsheet would take for a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_FORMULA = re.compile(r"^[\t\r\n]|(?:^|(?<=[;\t|]))(?=\s*[=+\-@＝＋－＠])")
"""Where a cell begins that would be carried out; some readers also part cells at ; or at a tab."""


def neutral(value: Any) -> Any:
    """The value; a text that a spreadsheet would carry out as a formula begins with an apostrophe.

    A label may come from a stranger's file (OWASP, *CSV injection*). Numbers stay numbers. A carriage return,
    which would end the row for some readers, becomes a space.
    """
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"'\g<0>", value).replace("\r", " ")


def neutral_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with every text made harmless."""
    return [{name: neutral(value) for name, value in row.items()} for row in rows]
