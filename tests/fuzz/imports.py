"""Data to import: read, divided and told by number. No traceback, no example lost without a word."""

from __future__ import annotations

import shutil
import time
import traceback
import warnings
from pathlib import Path
from random import Random

from tests.fuzz import import_makers
from tests.fuzz.import_makers import Made
from tests.fuzz.picture_makers import pictures
from workbench import importing
from workbench.data import registry
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.errors import DataError
from workbench.words import visible

MAKERS = (*import_makers.MAKERS, pictures)
LONGEST = 10.0
"""Seconds."""


class Search:
    """The search; see :class:`tests.fuzz.search.Search`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "import"

    def example(self, number: int) -> str:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        maker = MAKERS[number % len(MAKERS)]
        made = maker(Random(number), self._folder)
        began = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            wrong = _complaint(made)
        if not wrong and time.monotonic() - began > LONGEST:
            wrong = f"took {time.monotonic() - began:.0f} s"
        return f"{maker.__name__}: {wrong}".replace("\n", " ") if wrong else ""


def _complaint(made: Made) -> str:
    try:
        prepared = prepare(look(made.path))
        kept, named = len(prepared.labels), len(prepared.unreadable)
        if prepared.kind == "images":
            named += sum(each.count for each in prepared.findings if each.what == "passed over")
        elif made.path.stem == "in":
            made = Made(made.path, None)  # pictures by chance beside texts
        if made.examples is not None and kept + named != made.examples:
            return f"of {made.examples} examples {kept} are kept and {named} named"
        planned = importing.plan(prepared)
        manifest = importing.register(planned, "made", replace=True, skip_unreadable=True)
        told = importing.in_words(planned, manifest)
        importing.as_json(planned, manifest)
        registry.load("made", prepared.kind)
    except DataError as error:
        told = [str(error)]
    except Exception:
        return traceback.format_exc(limit=-3)
    wrong = [line for line in told if visible(line) != line]
    return f"says {wrong[0]!a}" if wrong else ""


def search(folder: Path) -> Search:
    return Search(folder)
