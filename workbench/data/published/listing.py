"""The published data sets that are known by name: addresses, hashes, sizes, licences, citations.

The program's own list is ``resources/published.toml``. A second one in the same form (``published.toml`` in
the program's data folder, or the file that ``WORKBENCH_PUBLISHED`` names) adds sets, takes the place of
sets of the same name, and may name ``mirrors``: addresses where ``MIRROR/SET/FILE`` is sought before all
others.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationError, model_validator

from workbench import toml
from workbench.data.found import some
from workbench.errors import DataError
from workbench.paths import data_folder, resource
from workbench.settings import Section
from workbench.words import shown

Words = Annotated[tuple[str, ...], Field(strict=False)]
NAME = "[a-z0-9][a-z0-9._-]{0,63}"
FILE_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
HASH = "sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}"
_SLACK, _LEAST_SLACK = 1.5, 2**20
"""How much more than it is said to have a file may have whose size is not known exactly."""


class File(Section):
    """A file of a published set.

    Attributes
    ----------
    hash : ``sha256:…`` or ``md5:…``, as its source publishes it; empty where none was found.
    at : addresses beside those that the set's ``base`` gives.
    size, at_most : bytes, exactly or roughly.
    """

    name: str = Field(pattern=f"^{FILE_NAME}$")
    hash: str = Field("", pattern=f"^({HASH}|)$")
    at: Words = ()
    size: int = Field(0, ge=0)
    at_most: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.size > 0) == (self.at_most > 0):
            raise ValueError("give its size in bytes, or at_most")
        return self

    @property
    def limit(self) -> int:
        """Bytes that are taken at most."""
        return self.size or int(self.at_most * _SLACK) + _LEAST_SLACK


class Entry(Section):
    """A published set.

    Attributes
    ----------
    name : what it is called by; that of its table.
    what : in a line; ``kind`` is the task family that learns from it.
    source : where its addresses and hashes were read.
    base, mirrors : addresses that a file's name is put behind; mirrors are tried first.
    folder : where its files lie, if not under its name: sets may share files.
    instructions : how it is made by hand, where it cannot be fetched.
    making : how its files become examples, by :data:`workbench.data.published.making.MAKERS`.
    split : as under ``[task.split]``; or ``turns``: the splits that classes take in turn.
    columns : of a table of subjects. ``classes``: how classes are called that have numbers in the files.
    task : settings that suit it.
    """

    name: str = Field(pattern=f"^{NAME}$")
    title: str
    what: str
    kind: str
    licence: str
    citation: str
    homepage: str
    source: str
    base: Words = ()
    mirrors: Words = ()
    folder: str = Field("", pattern=f"^({NAME}|)$")
    files: Annotated[tuple[File, ...], Field(strict=False)] = ()
    instructions: str = ""
    making: str = "as it is"
    split: dict[str, object] = Field(default_factory=dict)
    columns: dict[str, str] = Field(default_factory=dict)
    classes: dict[str, str] = Field(default_factory=dict)
    task: dict[str, object] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.files and not self.instructions:
            raise ValueError("give files, or instructions how it is made")
        for file in self.files:
            if not self.addresses(file):
                raise ValueError(f"{file.name}: no address")
            wrong = [each for each in self.addresses(file) if urlsplit(each).scheme not in ("http", "https")]
            if wrong:
                raise ValueError(f"{shown(wrong[0])}: http and https are read from, nothing else")
        return self

    @property
    def verified(self) -> bool:
        """Whether all its hashes were read where they are published."""
        return all(file.hash for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all files; roughly, if ``about``."""
        return sum(file.size or file.at_most for file in self.files)

    @property
    def about(self) -> bool:
        """Whether the size is not known exactly."""
        return any(not file.size for file in self.files)

    def addresses(self, file: File) -> list[str]:
        """Where a file may be fetched from, in the order in which that is tried."""
        return [*_behind(self.mirrors, file), *_behind(self.base, file), *file.at]

    def size_in_words(self) -> str:
        """The size of all files; empty where there are none."""
        if not self.files:
            return ""
        return f"{'up to ' if self.about else ''}{megabytes(self.size)}"

    def hashes_in_words(self) -> str:
        """Whether they are verified, in words; empty where there are no files."""
        return "" if not self.files else "verified" if self.verified else "hash not verified"

    def public(self, file: File) -> str:
        """The address to give to a person."""
        return [*_behind(self.base, file), *file.at, *_behind(self.mirrors, file)][0]


def megabytes(count: int) -> str:
    """Bytes for people: ``1.2 GB``, ``15.9 MB``, ``3 kB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{max(1, round(count / 1e3))} kB"


def _behind(places: tuple[str, ...], file: File) -> list[str]:
    return [f"{each.rstrip('/')}/{quote(file.name)}" for each in places]


def published() -> dict[str, Entry]:
    """All sets that are listed, by name.

    Raises
    ------
    DataError
        If the second list cannot be read.
    """
    ours = _entries(resource("published.toml").read_text(encoding="utf-8"), "published.toml")[0]
    named = os.environ.get("WORKBENCH_PUBLISHED")
    path = Path(named) if named else data_folder() / "published.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named:
            raise DataError(f"{path}: no such file; WORKBENCH_PUBLISHED names a list of data sets") from None
        return ours
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    theirs, mirrors = _entries(text, str(path))
    both = ours | theirs
    return {name: _mirrored(entry, mirrors) for name, entry in both.items()}


def entry_of(name: str) -> Entry:
    """A set, by its name.

    Raises
    ------
    DataError
        If there is none.
    """
    known = published()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {some(list(known), 8)}"
    raise DataError(f"no published data set named {shown(name)!r} is listed; {hint}")


def _entries(text: str, where: str) -> tuple[dict[str, Entry], list[str]]:
    try:
        tables = toml.read(text)
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    mirrors = tables.pop("mirrors", [])
    if not isinstance(mirrors, list) or not all(
        isinstance(each, str) and re.match("https?://", each) for each in mirrors
    ):
        raise DataError(f"{where}: mirrors: a list of addresses (http or https) is needed")
    entries = {}
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            raise DataError(f"{where}: {shown(name)}: a table [{shown(name)}] for each set is needed")
        try:
            entries[name] = Entry.model_validate({"name": name, **table})
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise DataError(f"{where}: [{shown(name)}] {place}: {first['msg']}") from None
    return entries, mirrors


def _mirrored(entry: Entry, mirrors: list[str]) -> Entry:
    more = tuple(f"{each.rstrip('/')}/{entry.folder or entry.name}" for each in mirrors)
    return entry.model_copy(update={"mirrors": (*more, *entry.mirrors)}) if more else entry
