"""Split files in the form of mini-ImageNet: ``train.csv``, ``val.csv`` and ``test.csv`` beside images.

Each line is ``filename,label`` (Ravi, Larochelle, ICLR 2017); the images lie in one folder, in folders of
their classes, or in folders of the splits.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set

import numpy as np

from workbench.data.folders import opening
from workbench.data.found import NOT_GIVEN, SPLIT_NAMES, Finding, FoundImages, Unreadable
from workbench.data.labels import absent, made_one
from workbench.data.passed_over import passed_over, sorted_out
from workbench.data.pictures import SUFFIXES
from workbench.data.reading import NEWEST, NOW, Reading
from workbench.data.source import Source, composed, content_of, folder_of, hidden, suffix_of
from workbench.data.splits import completed, may_be_split, splits_of, unknown
from workbench.data.tables import Table, read_table
from workbench.errors import DataError
from workbench.words import shown

FILE_COLUMNS = ("filename", "file", "image", "path", "file_name", "image_id", "filepath")
SPLIT_COLUMNS = ("split", "set", "partition")
LABEL_COLUMNS = ("label", "class", "category", "label_name", "class_name", "wnid")


def split_files(
    source: Source, rules: int = NEWEST, suffixes: Sequence[str] = (".csv", ".tsv")
) -> dict[int, str]:
    """The split files of a source by split: 0 train, 1 validation, 2 test; none without a train.csv.

    By newer rules a single table beside the images, whatever its name, is one without a split: its lines may
    name theirs.
    """
    found: dict[int, str] = {}
    tables = [file for file in source.files if suffix_of(file) in suffixes and not hidden(file)]
    stems = {file: posixpath.splitext(posixpath.basename(file))[0] for file in tables}
    codes = dict.fromkeys(stems.values(), NOT_GIVEN)
    codes |= splits_of([stem for stem in codes if may_be_split(stem)])
    for file in sorted(tables, key=lambda file: file.count("/")):
        code = SPLIT_NAMES.get(stems[file].lower(), NOT_GIVEN) if rules == 1 else codes[stems[file]]
        if code != NOT_GIVEN:
            found.setdefault(code, file)
    if 0 not in found:
        return {NOT_GIVEN: tables[0]} if rules > 1 and len(tables) == 1 else {}
    return found


def tables_of(source: Source, files: Mapping[int, str], reading: Reading = NOW) -> dict[int, Table]:
    """The content of split files."""
    tables = {}
    for code, file in files.items():
        content = content_of(source, file)
        tables[code] = read_table(content, f"{source.where}: {shown(file)}", suffix_of(file), reading)
    return tables


def names_images(table: Table) -> bool:
    """Whether the first lines of a split file name image files."""
    column = table.column(FILE_COLUMNS)
    if column is None:
        return False
    values = [row[column] for _, row in table.rows[:20] if column < len(row)]
    named = sum(suffix_of(value) in SUFFIXES for value in values)
    return named > 0 and 2 * named >= len(values)


def read_split_files(
    source: Source, tables: Mapping[int, Table], files: Mapping[int, str], reading: Reading = NOW
) -> FoundImages:
    """The images that split files name.

    Parameters
    ----------
    tables, files : the split files' content and their paths, by split.

    Raises
    ------
    DataError
        For a file without the two columns, or none of whose images is there.
    """
    if reading.rules > 1:
        tables = {code: table.without_more_heads() for code, table in tables.items()}
    images, findings = sorted_out(source, reading, files.values())
    findings += [each for table in tables.values() for each in table.findings]
    columns = {code: _columns(table) for code, table in tables.items()}
    labels = {
        composed(row[columns[code][1]].strip())
        for code, table in tables.items()
        for _, row in table.rows
        if columns[code][1] < len(row)
    }
    find = _by_rule_1(images) if reading.rules == 1 else _by_place(images, labels)
    entries: list[tuple[str, int, str]] = []
    words = Counter(
        row[column]
        for code, table in tables.items()
        if (column := columns[code][2]) is not None and reading.rules > 1
        for _, row in table.rows
        if column < len(row) and row[column].strip()
    )
    codes = splits_of(words)
    findings += unknown({word: count for word, count in words.items() if codes[word] == NOT_GIVEN})
    missing: list[Unreadable] = []
    for code, table in tables.items():
        file_column, label_column, split_column = columns[code]
        for line, row in table.rows:
            if max(file_column, label_column) >= len(row) or not row[label_column].strip():
                missing.append(Unreadable(f"{table.where}, line {line}", "no filename or no label"))
                continue
            name, label = row[file_column].strip().replace("\\", "/"), row[label_column].strip()
            label = label if reading.rules == 1 else composed(label)
            found, why = find(name, label)
            if found is None:
                missing.append(Unreadable(f"{table.where}, line {line}", why))
                continue
            own = code
            if reading.rules > 1 and split_column is not None and split_column < len(row):
                own = codes.get(row[split_column], code)
            entries.append((label, own, found))
    if not entries:
        first = f" ({missing[0].origin}: {missing[0].why})" if missing else ""
        raise DataError(f"{source.where}: none of the images that the split files name can be taken{first}")
    if reading.rules > 1:
        entries, more = _with_one_label_each(entries, reading)
        unnamed = sorted(set(images) - {found for *_, found in entries})
        findings += more + passed_over(unnamed, "named by no split file")
    entries.sort()
    names = tuple(dict.fromkeys(label for label, *_ in entries))
    number = {name: index for index, name in enumerate(names)}
    paths = [path for *_, path in entries]
    groups = ("",) * len(names)
    numbers = np.array([number[label] for label, *_ in entries], np.int64)
    given = np.array([code for _, code, _ in entries], np.int8)
    if reading.rules > 1:
        given, drawn = completed(names, groups, numbers, given)
        findings += drawn
    return FoundImages(
        layout="split files and images",
        where=source.where,
        names=names,
        groups=groups,
        labels=numbers,
        given=given,
        findings=tuple(findings),
        unreadable=(*(each for table in tables.values() for each in table.unreadable), *missing),
        origins=paths,
        opening=opening(source.where, paths, reading),
    )


def _columns(table: Table) -> tuple[int, int, int | None]:
    file_column, label_column = table.column(FILE_COLUMNS), table.column(LABEL_COLUMNS)
    if file_column is None or label_column is None:
        raise DataError(
            f"{table.where}: the first line must name the columns filename and label; "
            f"it has {shown(', '.join(table.header))}"
        )
    return file_column, label_column, table.column(SPLIT_COLUMNS)


def _with_one_label_each(
    entries: list[tuple[str, int, str]], reading: Reading
) -> tuple[list[tuple[str, int, str]], list[Finding]]:
    """Labels that look the same made one, if that is asked for; and what is to be said of them."""
    counts = Counter(label for label, *_ in entries)
    alike, told = made_one(dict(sorted(counts.items())), reading)
    entries = [(alike.get(label, label), code, found) for label, code, found in entries]
    return entries, told + absent(counts)


Find = Callable[[str, str], tuple[str | None, str]]
"""From a listed name and its label to the file, or to why there is none."""


def _by_rule_1(images: Sequence[str]) -> Find:
    """A file of that bare name in whatever folder will do, unless two have it."""
    by_name: dict[str, str | None] = {}
    for file in images:
        by_name[composed(file)] = file
        name = composed(posixpath.basename(file))
        by_name[name] = file if by_name.get(name, file) == file else None

    def find(name: str, label: str) -> tuple[str | None, str]:
        for candidate in (*_places(name, label), posixpath.basename(name)) if _is_inside(name) else ():
            found = by_name.get(composed(candidate))
            if found is not None:
                return found, ""
        return None, f"there is no image {shown(name)}"

    return find


def _by_place(images: Sequence[str], labels: Set[str]) -> Find:
    """A listed name with folders is that very file; a bare one is a file of that name, if there is one only,
    and it does not lie in the folder of another label."""
    exact: dict[str, str] = {}
    endings: dict[str, list[str]] = {}
    for file in images:
        path = composed(file)
        exact[path] = file
        endings.setdefault(posixpath.basename(path), []).append(path)

    def find(name: str, label: str) -> tuple[str | None, str]:
        if not _is_inside(name):
            return None, f"there is no image {shown(name)}"
        name = composed(posixpath.normpath(name))
        found = list(dict.fromkeys(path for path in map(composed, _places(name, label)) if path in exact))
        if not found:
            found = [
                path
                for path in endings.get(posixpath.basename(name), ())
                if path.endswith(f"/{name}")
                and ("/" in name or posixpath.basename(folder_of(path)) not in labels - {label})
            ]
        if len(found) > 1:
            both = f"{shown(found[0])} and {shown(found[1])}"
            return None, f"{shown(name)} may be {both}; name the folder as well"
        return (exact[found[0]], "") if found else (None, f"there is no image {shown(name)}")

    return find


def _places(name: str, label: str) -> tuple[str, ...]:
    """Where an image that a split file names may lie."""
    return f"images/{name}", f"{label}/{name}", f"images/{label}/{name}", name


def _is_inside(name: str) -> bool:
    return bool(name) and not name.startswith("/") and ".." not in name.split("/")
