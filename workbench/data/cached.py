"""The door for a person's own data: what is at a path, read and checked once.

A prepared set lies in the cache and is found by all that it was made of: every name and every byte at its
path, and how they are read. Nothing is taken for unchanged by its size or its time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import PIL

from workbench.data.found import Finding, Found, FoundPairs, Unreadable, quoted
from workbench.data.kept import load_arrays, store_arrays
from workbench.data.look import look, refuse_unlike_data
from workbench.data.npz import Array
from workbench.data.parcel import through
from workbench.data.prepared import Prepared, packed, prepare, text_at, unpacked
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading
from workbench.data.source import content_hash
from workbench.errors import DataError

PREPARING = 1
"""Raised by whoever changes what reading makes of a source, or says of it: older sets are not used then."""

_DIGEST = 32
"""Bytes."""


def prepared_at(
    path: Path,
    reading: Reading = NOW,
    *,
    progress: Progress = silent,
    check: Callable[[Found], object] | None = None,
) -> Prepared:
    """What is at a path: out of the cache, or else looked at, read, checked and kept there.

    Parameters
    ----------
    check : refuses classes that cannot serve, before their examples are read, which may take long.

    Raises
    ------
    DataError
        If it cannot be read, or changes while it is.
    """
    return through((str(path), reading), lambda: _prepared_at(path, reading, progress, check))


def _prepared_at(
    path: Path, reading: Reading, progress: Progress, check: Callable[[Found], object] | None
) -> Prepared:
    refuse_unlike_data(path)
    content = content_hash(path)
    key = json.dumps([PREPARING, PIL.__version__, str(path), content, asdict(reading)])
    held = _loaded(key)
    if held is not None:
        return held
    found = look(path, reading, progress=progress)
    if check is not None:
        check(found)
    made = prepare(found, reading, progress=progress)
    if content_hash(path) != content:
        raise DataError(f"{path}: changed while it was read; wait until it is complete, and try again")
    store_arrays("set", key, _packed(made))
    return _loaded(key) or made


def _packed(made: Prepared) -> dict[str, Array]:
    """A set as arrays; texts are called by their beginnings, which need not be kept beside them."""
    head = {name: getattr(made, name) for name in ("kind", "layout", "where", "names", "groups", "sizes")}
    told = {**head, "findings": [asdict(each) for each in made.findings], "unreadable": made.unreadable}
    origins = map(made.origin, range(len(made.labels))) if made.kind == "images" else ()
    words = packed([json.dumps(told), *origins])
    return {
        **made.arrays,
        "labels": made.labels,
        "given": made.given,
        "digests": np.frombuffer(b"".join(made.digests), np.uint8),
        "told": words["text"],
        "told_ends": words["ends"],
    }


def _loaded(key: str) -> Prepared | None:
    """A set that was kept; None if there is none."""
    held = load_arrays("set", key)
    if not held:
        return None
    head, *origins = unpacked({"text": held.pop("told"), "ends": held.pop("told_ends")})
    told = json.loads(head)
    digests = held.pop("digests").tobytes()
    every = 2 if told["kind"] == FoundPairs.kind else 1  # a source before each target
    labels = held.pop("labels").astype(np.int64, copy=False)
    return Prepared(
        kind=told["kind"],
        layout=told["layout"],
        where=told["where"],
        names=tuple(told["names"]),
        groups=tuple(told["groups"]),
        labels=labels,
        given=held.pop("given").astype(np.int8, copy=False),
        findings=tuple(Finding(**each | {"examples": tuple(each["examples"])}) for each in told["findings"]),
        unreadable=tuple(Unreadable(*each) for each in told["unreadable"]),
        arrays=held,
        origin=origins.__getitem__ if origins else lambda index: quoted(text_at(held, every * index)),
        digests=[digests[start : start + _DIGEST] for start in range(0, len(digests), _DIGEST)],
        sizes=tuple(told["sizes"]) if told["sizes"] else None,
    )
