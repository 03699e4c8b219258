"""Sentences about Python's standard library, out of the docstrings in its own source files.

They come with Python, so that texts can be tried at once, without a download. Files are parsed, never
imported. Every version of Python has its own sentences; the data's hash tells them apart.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.data.kept import load_arrays, store_arrays
from workbench.data.prepared import packed, unpacked
from workbench.data.progress import Progress, silent
from workbench.errors import DataError

READING = 1
"""Raised by whoever changes what sentences are taken, so that caches of the older ones are not used."""

FEWEST = 40
"""Sentences of a module that is a class."""

MOST = 400
_SHORTEST, _LONGEST = 5, 60  # words
_LEFT_OUT = {"test", "tests", "idlelib", "turtledemo", "pydoc_data", "lib2to3", "ensurepip", "__phello__"}


def sentences_by_module(progress: Progress = silent) -> Mapping[str, list[str]]:
    """The sentences about each module that has enough of them, in the order of the source.

    A sentence that two modules have is left out of both.

    Raises
    ------
    DataError
        If Python came without the sources of its standard library.
    """
    files = _source_files()
    if len(files) < 50:
        raise DataError(
            "this Python came without the sources of its standard library; give texts of your own "
            "(task.path or task.dataset)"
        )
    digest = hashlib.sha256(f"{READING} {sys.version_info[:3]}".encode())
    content: list[tuple[str, bytes]] = []
    for module, path in files:
        content.append((module, path.read_bytes()))
        digest.update(f"\n{module} ".encode() + hashlib.sha256(content[-1][1]).digest())
    key = digest.hexdigest()
    kept = load_arrays("standard-library", key)
    if set(kept) == {"text", "ends"}:
        pairs = [json.loads(line) for line in unpacked(kept)]
    else:
        pairs = list(_sentences(content, progress))
        store_arrays("standard-library", key, packed([json.dumps(pair) for pair in pairs]))
    return _sorted(pairs)


def _source_files() -> list[tuple[str, Path]]:
    """Each file with the module that it belongs to, in an order of its own on no machine."""
    root = Path(sysconfig.get_path("stdlib"))
    found = []
    for module in sorted(sys.stdlib_module_names):
        if module.startswith("_") or module in _LEFT_OUT:
            continue
        if (root / f"{module}.py").is_file():
            found.append((module, root / f"{module}.py"))
        elif (root / module).is_dir():
            inner = sorted((root / module).rglob("*.py"), key=lambda path: path.as_posix())
            found += [
                (module, path) for path in inner if not _LEFT_OUT & set(path.relative_to(root).parts[1:-1])
            ]
    return found


def _sentences(content: list[tuple[str, bytes]], progress: Progress) -> Iterator[tuple[str, str]]:
    """Pairs of module and sentence."""
    for index, (module, source) in enumerate(content):
        if index % 20 == 0:
            progress(0.5 * index / len(content), "Reading Python's documentation")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about escapes in old files
                tree = ast.parse(source)
        except (SyntaxError, ValueError):  # a few files are templates
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                for sentence in split_sentences(ast.get_docstring(node) or ""):
                    yield module, sentence


def split_sentences(docstring: str) -> Iterator[str]:
    """The sentences in the running text of a docstring: no examples, tables or lists of arguments."""
    for block in re.split(r"\n\s*\n", docstring):
        if any(
            line.startswith((" ", "\t", ">", "-", "*", "|", "=", ":", ".")) for line in block.splitlines()
        ):
            continue
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'`(])", " ".join(block.split())):
            if _SHORTEST <= len(sentence.split()) <= _LONGEST:
                yield sentence


def _sorted(pairs: list[tuple[str, str]]) -> Mapping[str, list[str]]:
    by_module: dict[str, dict[str, None]] = {}
    for module, sentence in pairs:
        by_module.setdefault(module, {})[sentence] = None
    shared = Counter(sentence for each in by_module.values() for sentence in each)
    own = {
        module: [sentence for sentence in each if shared[sentence] == 1][:MOST]
        for module, each in sorted(by_module.items())
    }
    return {module: each for module, each in own.items() if len(each) >= FEWEST}
