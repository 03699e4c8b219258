"""From the name of a published data set to data that experiments learn from; alike in window and commands."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from workbench import importing
from workbench.data import registry
from workbench.data.found import Kind
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.data.progress import Progress, silent
from workbench.data.published import making, store
from workbench.data.published.download import USUAL, Patience
from workbench.data.published.listing import Entry
from workbench.data.registry import Manifest
from workbench.errors import DataError
from workbench.paths import cache_folder, write_atomically
from workbench.tasks.class_splits import ClassSplit


@dataclass(frozen=True)
class Got:
    """A published set that is ready for use.

    Attributes
    ----------
    name : that it is kept under.
    planned, manifest : how it was imported; None for a table of sentences, which is used as a file.
    """

    entry: Entry
    name: str
    planned: importing.Plan | None = None
    manifest: Manifest | None = None

    @property
    def task(self) -> dict[str, object]:
        """What an experiment says under ``[task]``."""
        return task_of(self.entry, self.name)

    def use(self) -> str:
        """The same as in an experiment's file: ``family = "images", dataset = "omniglot"``."""
        return ", ".join(f"{key} = {json.dumps(value)}" for key, value in self.task.items())

    def as_json(self) -> dict[str, object]:
        """What was had (JSON types)."""
        entry = self.entry
        told: dict[str, object] = {"name": entry.name, "kind": entry.kind}
        if self.planned is not None and self.manifest is not None:
            told = importing.as_json(self.planned, self.manifest)
        return {**told, "licence": entry.licence, "citation": entry.citation, "task": self.task}

    def in_words(self) -> list[str]:
        """The same, line by line."""
        lines = [f"{self.entry.name}: {self.entry.what}"]
        if self.planned is not None and self.manifest is not None:
            lines = importing.in_words(self.planned, self.manifest)[:-1]
        cite = [f"  licence    {self.entry.licence}", f"  cite       {self.entry.citation}"]
        return [*lines, *cite, f"ready; use it with  {self.use()}"]


def get(
    entry: Entry,
    name: str = "",
    *,
    replace: bool = False,
    progress: Progress = silent,
    patience: Patience = USUAL,
) -> Got:
    """Fetch what is missing of a published set, check it, and keep it under a name (its own by default).

    Raises
    ------
    DataError
        If the name is not free, a file cannot be had, or is not what it should be; what was there stays.
    """
    name = registry.check_free(name or entry.name, replace=replace)
    if store.table_of(name).is_file() and not replace:
        raise DataError(
            f"{store.table_of(name)}: is there already; choose another name, or replace it (--replace)"
        )
    folder = store.obtain(entry, progress, patience)
    with tempfile.TemporaryDirectory(
        prefix="making-", dir=cache_folder(), ignore_cleanup_errors=True
    ) as inner:
        made = making.made(entry, folder, Path(inner), progress)
        if isinstance(made, making.Table):
            kept = entry.kind not in get_args(Kind)  # it is used as a file
            path = store.table_of(name) if kept else Path(inner) / f"{name}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = made.tsv()
            write_atomically(path, lambda file: file.write(content))
            if kept:
                return Got(entry, name)
            made = dataclasses.replace(look(path, progress=progress), where=folder)
        prepared = prepare(made, making.reading_of(entry), progress=progress)
        split = making.split_of(entry, made)
        fit = ClassSplit.model_validate(split) if split else None
        planned = importing.plan(prepared) if fit is None else importing.divided(prepared, fit)
        progress(1.0, "Registering")
        manifest = importing.register(planned, name, replace=replace, skip_unreadable=True)
    return Got(entry, name, planned, manifest)


def task_of(entry: Entry, name: str = "") -> dict[str, object]:
    """What an experiment says under ``[task]`` to learn from a set that was had (under its own name)."""
    name = name or entry.name
    table = store.table_of(name)
    source = {"path": str(table)} if table.is_file() else {"dataset": name}
    return {"family": entry.kind, **source, **entry.task}


def here(entry: Entry) -> str:
    """What of a published set is on this machine: ``imported``, ``downloaded``, ``partly`` or nothing."""
    with contextlib.suppress(DataError):  # there is none of that name, or it is damaged
        if Path(registry.manifest_of(entry.name).source).is_relative_to(store.folder_of(entry)):
            return "imported"
    return "imported" if store.table_of(entry.name).is_file() else store.state_of(entry)


def listed_as_json(entry: Entry) -> dict[str, object]:
    """What is known of a published set (JSON types)."""
    plain = {"name", "title", "what", "kind", "licence", "citation", "homepage", "source"}
    told: dict[str, object] = entry.model_dump(include=plain)
    told["verified"] = entry.verified if entry.files else None
    told["bytes"], told["about"] = entry.size or None, entry.about
    told["instructions"] = entry.instructions or None
    told["here"], told["folder"] = here(entry), str(store.folder_of(entry))
    told["files"] = [
        {
            "name": each.name,
            "hash": each.hash or None,
            "bytes": each.size or None,
            "at_most": each.at_most or None,
            "addresses": entry.addresses(each),
        }
        for each in entry.files
    ]
    return told


def listed_in_words(entry: Entry) -> list[str]:
    """The same, line by line."""
    lines = [
        f"{entry.name}: {entry.title}; {entry.what}",
        f"  size       {entry.size_in_words() or 'not fetched by the program'}",
        f"  licence    {entry.licence}",
        f"  cite       {entry.citation}",
        f"  homepage   {entry.homepage}",
        f"  hashes     {entry.hashes_in_words() or 'none'}; read in {entry.source}",
        f"  here       {here(entry) or 'no'}",
        f"  folder     {store.folder_of(entry)} (files fetched by hand are taken from there)",
    ]
    if entry.instructions:
        lines.append(f"  by hand    {entry.instructions}")
    for file in entry.files:
        lines.append(f"  file       {file.name}, {file.hash or 'hash not verified'}")
        lines += [f"             {address}" for address in entry.addresses(file)]
    return lines
