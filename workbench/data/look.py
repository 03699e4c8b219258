"""Tells which layout a source has, and reads what is in it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from workbench.data import decoding
from workbench.data.arrays import read_arrays
from workbench.data.decoding import undecodable
from workbench.data.films import with_pages
from workbench.data.folders import read_class_folders
from workbench.data.found import NOT_GIVEN, Found, FoundImages, FoundText, some
from workbench.data.npz import read_headers, refuse_giant
from workbench.data.pairs import has_pairs, read_pairs
from workbench.data.passed_over import passed_over
from workbench.data.pictures import SUFFIXES as PICTURES
from workbench.data.progress import Progress, silent
from workbench.data.reading import NOW, Reading
from workbench.data.sentence_pairs import has_sentence_pairs, read_sentence_pairs
from workbench.data.source import Source, hidden, open_source, suffix_of
from workbench.data.split_files import names_images, read_split_files, split_files, tables_of
from workbench.data.stacked import read_stack, stack_in
from workbench.data.subjects import long_table, read_subjects
from workbench.data.tables import Table
from workbench.data.texts import SUFFIXES, TABLES, has_texts, read_text_files, read_text_tables, read_texts
from workbench.errors import DataError
from workbench.words import shown

ACCEPTED = (
    "a zip or a folder of class folders with images, split files (train.csv …) beside images, an .npz file "
    "(or one beside a .json that names its classes), "
    "a .csv, .tsv, .jsonl or .json file of texts with labels, one of pairs of sentences with labels "
    "(premise, hypothesis, label, language) or of translations (source, target, language), "
    "or a .csv or .tsv table of subjects (a row for each sample: subject, time, outcome)"
)


def look(path: Path, reading: Reading = NOW, *, progress: Progress = silent) -> Found:
    """What is at a path: classes and examples. Images are listed, not read; the rest is.

    Raises
    ------
    DataError
        If it is none of the layouts, damaged, or made to do harm; or a name in it cannot be written down.
    """
    progress(0.0, f"Looking into {path}")
    refuse_unlike_data(path)
    found = _read(path, reading)
    if reading.pages and isinstance(found, FoundImages):
        found = with_pages(found, progress)
    strange = next((name for name in (*found.names, *found.groups) if undecodable(name)), None)
    if strange is not None:
        raise DataError(f"{path}: the name {shown(strange)} is not UTF-8; rename it")
    return found


def refuse_unlike_data(path: Path) -> None:
    """Refuse what cannot be data, or could not be held, before any of it is read.

    Raises
    ------
    DataError
        Saying what would be.
    """
    if path.exists() and not path.is_dir() and not path.is_file():
        raise DataError(f"{path}: neither a file nor a folder; give {ACCEPTED}")
    if not path.is_file():
        return
    suffix, size = path.suffix.lower(), path.stat().st_size
    if suffix == ".npz":
        refuse_giant(path, read_headers(path))
    elif suffix in SUFFIXES:
        if size > decoding.MOST_TEXT:
            raise DataError(f"{path}: {size / 2**20:.0f} MiB of text are too many (256 MiB)")
    elif not zipfile.is_zipfile(path):
        raise DataError(f"{path}: no readable zip, nor another kind of data; give {ACCEPTED}")


def _read(path: Path, reading: Reading) -> Found:
    suffix = path.suffix.lower()
    if path.is_file() and suffix == ".npz":
        return read_arrays(path, reading)
    if path.is_file() and suffix in SUFFIXES:
        if has_sentence_pairs(path, reading):
            return read_sentence_pairs(path, reading)
        if has_pairs(path, reading):
            return read_pairs(path, reading)
        table = long_table(path, reading)
        return read_texts(path, reading) if table is None else read_subjects(path, table, reading)
    with open_source(path, reading) as source:
        source.refuse_unsafe()
        stack = stack_in(source) if reading.rules > 1 else None
        if stack is not None:
            return read_stack(source, *stack, reading)
        texts = _texts_by_split(source, reading)
        if texts:
            return _beside(source, texts, read_text_files(source, texts, reading), reading)
        files = split_files(source, reading.rules)
        alone = NOT_GIVEN in files
        tables = _if_readable(source, files, reading) if alone else tables_of(source, files, reading)
        if tables:
            if all(names_images(table) for table in tables.values()):
                return read_split_files(source, tables, files, reading)
            if not alone and all(has_texts(table) for table in tables.values()):
                return _beside(source, files, read_text_tables(path, tables, reading), reading)
        if only := _data_files(source):
            if len(only) > 1:
                raise DataError(
                    f"{path}: has no class folders with images, but {len(only):,} files with data, each "
                    f"a set of its own; give one of them: {some(only, 9)}"
                )
            raise DataError(f"{path}: has no class folders with images; did you mean {path / only[0]}?")
        return read_class_folders(source, reading)


def _texts_by_split(source: Source, reading: Reading) -> dict[int, str]:
    """Files of texts for splits, JSON among them; none where there are pictures, about which JSON may be."""
    if reading.rules == 1 or any(suffix_of(file) in PICTURES for file in source.files):
        return {}
    files = split_files(source, reading.rules, SUFFIXES)
    of_tables = all(suffix_of(file) in TABLES for file in files.values())
    return files if len(files) > 1 and not of_tables else {}


def _if_readable(source: Source, files: Mapping[int, str], reading: Reading) -> dict[int, Table]:
    """A table that lies beside images for whatever reason; none if it is none."""
    try:
        return tables_of(source, files, reading)
    except DataError:
        return {}


def _beside(source: Source, files: Mapping[int, str], found: FoundText, reading: Reading) -> FoundText:
    """What was found, and that the other files are not read."""
    others = sorted(set(source.files) - set(files.values()))
    if reading.rules == 1 or not others:
        return found
    notes = passed_over(others, "beside the tables of texts")
    return replace(found, findings=(*source.findings, *found.findings, *notes))


def _data_files(source: Source) -> list[str]:
    """The data files in a folder that has nothing else to offer."""
    if not source.where.is_dir():
        return []
    seen = [file for file in source.files if not hidden(file)]
    data = sorted(file for file in seen if suffix_of(file) in (*SUFFIXES, ".npz", ".zip"))
    alone = data and len(data) == len(seen) and (source.where / data[0]).is_file()
    return data if alone else []
