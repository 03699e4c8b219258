"""Split files in the form of mini-ImageNet: ``train.csv``, ``val.csv`` and ``test.csv`` beside images.

Each line is ``filename,label`` (Ravi, Larochelle, ICLR 2017); the images lie in one folder, in folders of
their classes, or in folders of the splits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from workbench.data.folders import hashing, opening
from workbench.data.found import SPLIT_NAMES, FoundImages, Unreadable
from workbench.data.pictures import SUFFIXES
from workbench.data.reading import NOW, Reading
from workbench.data.source import UNREADABLE, Source, composed, hidden
from workbench.data.tables import Table, read_table
from workbench.errors import DataError
from workbench.words import shown

FILE_COLUMNS = ("filename", "file", "image", "path", "file_name", "image_id", "filepath")
LABEL_COLUMNS = ("label", "class", "category", "label_name", "class_name", "wnid")


def split_files(source: Source) -> dict[int, PurePosixPath]:
    """The split files of a source by split: 0 train, 1 validation, 2 test; none without a train.csv."""
    found: dict[int, PurePosixPath] = {}
    files = sorted((file for file in source.files if not hidden(file)), key=lambda file: len(file.parts))
    for file in files:
        code = SPLIT_NAMES.get(file.stem.lower())
        if file.suffix.lower() in (".csv", ".tsv") and code is not None:
            found.setdefault(code, file)
    return found if 0 in found else {}


def tables_of(source: Source, files: Mapping[int, PurePosixPath]) -> dict[int, Table]:
    """The content of split files."""
    tables = {}
    for code, file in files.items():
        where = f"{source.where}: {shown(str(file))}"
        try:
            content = source.read(file)
        except UNREADABLE as error:
            raise DataError(f"{where}: cannot be read ({error})") from None
        tables[code] = read_table(content, where, file.suffix)
    return tables


def names_images(table: Table) -> bool:
    """Whether the first lines of a split file name image files."""
    column = table.column(FILE_COLUMNS)
    if column is None:
        return False
    values = [row[column] for _, row in table.rows[:20] if column < len(row)]
    named = sum(PurePosixPath(value).suffix.lower() in SUFFIXES for value in values)
    return named > 0 and 2 * named >= len(values)


def read_split_files(source: Source, tables: Mapping[int, Table], reading: Reading = NOW) -> FoundImages:
    """The images that split files name.

    Raises
    ------
    DataError
        For a file without the two columns, or none of whose images is there.
    """
    by_name: dict[str, PurePosixPath | None] = {}
    for file in source.files:
        if file.suffix.lower() in SUFFIXES and not hidden(file):
            path = composed(file)
            by_name[path] = file
            # a bare name stands for a file in any folder, unless two have it
            name = composed(PurePosixPath(file.name))
            by_name[name] = file if by_name.get(name, file) == file else None
    entries: list[tuple[str, int, str, PurePosixPath]] = []
    missing: list[Unreadable] = []
    for code, table in tables.items():
        file_column, label_column = table.column(FILE_COLUMNS), table.column(LABEL_COLUMNS)
        if file_column is None or label_column is None:
            raise DataError(
                f"{table.where}: the first line must name the columns filename and label; "
                f"it has {shown(', '.join(table.header))}"
            )
        for line, row in table.rows:
            if max(file_column, label_column) >= len(row) or not row[label_column].strip():
                missing.append(Unreadable(f"{table.where}, line {line}", "no filename or no label"))
                continue
            name, label = row[file_column].strip().replace("\\", "/"), row[label_column].strip()
            found = _find(by_name, table, name, label)
            if found is None:
                missing.append(Unreadable(f"{table.where}, line {line}", f"there is no image {shown(name)}"))
            else:
                entries.append((label, code, str(found), found))
    if not entries:
        raise DataError(f"{source.where}: none of the images that the split files name is there")
    entries.sort(key=lambda entry: entry[:3])
    names = tuple(dict.fromkeys(label for label, *_ in entries))
    number = {name: index for index, name in enumerate(names)}
    paths: Sequence[PurePosixPath] = [path for *_, path in entries]
    return FoundImages(
        layout="split files and images",
        where=source.where,
        names=names,
        groups=("",) * len(names),
        labels=np.array([number[label] for label, *_ in entries], np.int64),
        given=np.array([code for _, code, *_ in entries], np.int8),
        unreadable=(*(each for table in tables.values() for each in table.unreadable), *missing),
        origins=[str(path) for path in paths],
        opening=opening(source.where, paths),
        hash=hashing(source.where, paths),
    )


def _find(
    by_name: Mapping[str, PurePosixPath | None], table: Table, name: str, label: str
) -> PurePosixPath | None:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or PurePosixPath(name).is_absolute():
        return None
    for candidate in (f"images/{name}", f"{label}/{name}", f"images/{label}/{name}", name, parts[-1]):
        found = by_name.get(composed(PurePosixPath(candidate)))
        if found is not None:
            return found
    return None
