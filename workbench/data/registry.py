"""The data sets that are registered by name, in the program's data folder.

A set is a folder with ``manifest.json`` and ``content.npz`` (arrays, no pickle). It appears whole or not
at all.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from workbench.data.found import Kind, some
from workbench.data.npz import Arrays, load_own, save_own
from workbench.data.parcel import through
from workbench.data.prepared import Prepared, content_hash
from workbench.data.published.listing import published
from workbench.errors import DataError
from workbench.paths import data_folder
from workbench.settings import Section

MANIFEST, CONTENT = "manifest.json", "content.npz"
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_STALE = 24 * 3600.0
_DTYPES = {
    "images": {"pixels": (np.uint8, 4)},
    "text": {"text": (np.uint8, 1), "ends": (np.int64, 1)},
    "functions": {"x": (np.float64, 2), "y": (np.float64, 2)},
    "subjects": {
        "time": (np.float64, 1),
        "y": (np.float64, 1),
        "doses": (np.float64, 2),
        "covariates": (np.float64, 2),
        "words": (np.uint8, 1),
    },
    "translation": {"text": (np.uint8, 1), "ends": (np.int64, 1)},
    "sentence_pairs": {"text": (np.uint8, 1), "ends": (np.int64, 1)},
}
_EARLIER = {"functions": {"x": (np.float32, 2), "y": (np.float32, 2)}}
"""What sets of format 1 hold, where it was something else."""
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class Manifest(Section):
    """What is known of a registered set without reading it."""

    format: Literal[1, 2] = 1
    name: str
    kind: Kind
    layout: str
    source: str
    names: Texts
    groups: Texts
    counts: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)]
    split: dict[str, object]
    hash: str
    findings: Texts = ()


@dataclass(frozen=True)
class Registered:
    """A registered set."""

    manifest: Manifest
    arrays: Arrays


def check_name(name: str) -> str:
    """The name as it is kept.

    Raises
    ------
    DataError
        If it could not be the name of a folder on every system.
    """
    name = unicodedata.normalize("NFC", name)
    good = re.fullmatch(r"\w[\w .+-]{0,63}", name) and name[-1] not in " ." and name[0] != "_"
    if not good or name.partition(".")[0].strip().lower() in _RESERVED:
        raise DataError(
            f"{name!r} cannot name a data set; allowed: up to 64 letters, digits, spaces and . + - _, "
            "a letter or digit first"
        )
    return name


def registered() -> list[str]:
    """The names of the registered sets, in alphabetical order."""
    with contextlib.suppress(OSError):
        return sorted(each.name for each in _home().iterdir() if (each / MANIFEST).is_file())
    return []


def check_free(name: str, *, replace: bool = False) -> str:
    """The name, if a set may be registered under it.

    Raises
    ------
    DataError
        If it cannot name a set, or another has it and is not to be replaced.
    """
    name = check_name(name)
    taken = next((each for each in registered() if each.casefold() == name.casefold()), None)
    if taken is not None and not replace:
        raise DataError(
            f"a data set named {taken!r} is registered already; choose another name, or replace it "
            "(--replace)"
        )
    return taken or name


def register(
    name: str,
    prepared: Prepared,
    split: Mapping[str, object],
    *,
    replace: bool = False,
    skip_unreadable: bool = False,
) -> Manifest:
    """Keep a set under a name.

    Parameters
    ----------
    split : how its classes are divided unless an experiment says otherwise, as under ``[task.split]``.
    replace : whether it may take the place of another set of that name.
    skip_unreadable : whether what cannot be read may be missing.

    Raises
    ------
    DataError
        If the name is not free, or something cannot be read and may not be missing.
    """
    name = check_free(name, replace=replace)
    refuse_unreadable(prepared, skip_unreadable=skip_unreadable)
    manifest = Manifest(
        format=2 if prepared.kind in _EARLIER else 1,  # what earlier versions can read, they may
        name=name,
        kind=prepared.kind,
        layout=prepared.layout,
        source=prepared.where,
        names=prepared.names,
        groups=prepared.groups,
        counts=prepared.counts,
        split=dict(split),
        hash=prepared.hash(),
        findings=tuple(notes_of(prepared)),
    )
    home = _home()
    home.mkdir(parents=True, exist_ok=True)
    _remove_stale(home)
    working = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    new, old, target = working / "new", working / "old", home / name
    try:
        new.mkdir()
        with (new / CONTENT).open("wb") as file:
            save_own(file, {"labels": prepared.labels, **prepared.arrays})
            file.flush()
            os.fsync(file.fileno())
        text = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=1)
        (new / MANIFEST).write_text(text, encoding="utf-8")
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return manifest


def notes_of(prepared: Prepared) -> list[str]:
    """Everything that is to be said of a set, line by line: what was found, done and left out."""
    notes = [each.text for each in prepared.findings]
    if prepared.unreadable:
        listed = some([f"{each.origin} ({each.why})" for each in prepared.unreadable])
        notes.append(f"{len(prepared.unreadable):,} that cannot be read are left out: {listed}")
    return notes


def refuse_unreadable(prepared: Prepared, *, skip_unreadable: bool) -> None:
    """Refuse what is incomplete, unless somebody agreed to that.

    Raises
    ------
    DataError
        Naming the first few that cannot be read.
    """
    if prepared.unreadable and not skip_unreadable:
        listed = some([f"{each.origin} ({each.why})" for each in prepared.unreadable])
        raise DataError(
            f"{prepared.where}: {len(prepared.unreadable):,} cannot be read: {listed}; mend or remove them, "
            "or agree to leave them out (--skip-unreadable)"
        )


def manifest_of(name: str) -> Manifest:
    """What is known of a registered set.

    Raises
    ------
    DataError
        If there is none of that name, or its manifest is damaged.
    """
    name = check_name(name)
    path = _home() / name / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        known = registered()
        close = difflib.get_close_matches(name, known, n=1)
        if name in published():
            get = f"it is published: get it by 'workbench data {name}', or Get published data… in the window"
            raise DataError(f"no data set named {name!r} is registered; {get}") from None
        hint = f"did you mean {close[0]!r}?" if close else f"registered: {some(known, 8) or 'none'}"
        raise DataError(f"no data set named {name!r} is registered; {hint}") from None
    except (OSError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{path}: damaged ({first}); import the data again") from None


def remove(name: str) -> None:
    """Forget a registered set, and delete its copy of the data.

    Raises
    ------
    DataError
        If there is none of that name.
    """
    path = _home() / check_name(name)
    if not (path / MANIFEST).is_file():
        manifest_of(name)  # says what there is instead
    shutil.rmtree(path)


def load(name: str, kind: Kind) -> Registered:
    """A registered set of a kind.

    Raises
    ------
    DataError
        If there is none, or it is of another kind, or it is not what was registered.
    """
    return through((name, kind), lambda: _load(check_name(name), kind))


def _load(name: str, kind: Kind) -> Registered:
    manifest = manifest_of(name)
    if manifest.kind != kind:
        raise DataError(f"the data set {name!r} holds {manifest.kind}, and {kind} are needed")
    path = _home() / name / CONTENT
    arrays = load_own(path)
    labels = arrays.pop("labels", np.empty(0))
    names, groups, counts = manifest.names, manifest.groups, manifest.counts
    expected = _EARLIER.get(kind, _DTYPES[kind]) if manifest.format == 1 else _DTYPES[kind]
    sound = (
        {key: (each.dtype.type, each.ndim) for key, each in arrays.items()} == expected
        and labels.dtype == np.int64
        and len(names) == len(groups) == len(counts)
        and np.array_equal(labels, np.repeat(np.arange(len(names)), counts))
        and manifest.hash == content_hash(kind, names, groups, labels.view(np.int64), arrays)
    )
    if not sound:
        raise DataError(f"{path}: is not what was registered as {name!r}; import the data again")
    return Registered(manifest, arrays)


def _home() -> Path:
    return data_folder() / "datasets"


def _remove_stale(home: Path) -> None:
    """What a killed program has left behind."""
    for left in home.glob(".new-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE:
                shutil.rmtree(left)
