"""Figures that take long to compute, kept in the cache folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from workbench import __version__
from workbench.paths import cache_folder, write_atomically
from workbench.pictures import Curve, Figure, Panel, Picture, Shade, Text, Word

T = TypeVar("T", Curve, Figure, Panel, Picture, Text)

EDITION = 4
"""Raised by whoever changes what is computed: what was kept before is computed anew."""

MOST = 500
"""Figures that are kept; the oldest go."""

_PARTS: dict[type, dict[str, type]] = {
    Figure: {"panels": Panel},
    Panel: {"curves": Curve, "pictures": Picture, "lines": Word, "shades": Shade, "texts": Text},
}


def find(key: tuple[object, ...]) -> Figure | None:
    """A figure that was kept under a key; None if there is none, or it cannot be read."""
    try:
        return _of(Figure, json.loads(_path(key).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def keep(key: tuple[object, ...], figure: Figure) -> None:
    """Keep a figure, if the disk lets it."""
    content = json.dumps(figure, default=_plain).encode()
    try:
        path = _path(key)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, lambda file: file.write(content))
        kept = sorted(path.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)
        for old in kept[:-MOST]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def folder() -> Path:
    """Where they are."""
    return cache_folder() / "inside"


def _path(key: tuple[object, ...]) -> Path:
    digest = hashlib.sha256(repr((__version__, EDITION, *key)).encode()).hexdigest()
    return folder() / f"{digest}.json"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"numbers": value.tolist()}
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _of(kind: type[T], told: Mapping[str, Any]) -> T:
    parts = _PARTS.get(kind, {})
    return kind(**{name: _value(value, parts.get(name)) for name, value in told.items()})


def _value(value: Any, kind: Any) -> Any:
    if isinstance(value, list):
        return tuple(_value(each, kind) for each in value)
    if not isinstance(value, dict):
        return value
    if value.keys() == {"numbers"}:
        return np.array(value["numbers"], np.float64)
    return value if kind is None else _of(kind, value)
