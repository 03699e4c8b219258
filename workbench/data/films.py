"""Each page of a film (TIFF, GIF, WebP, APNG …) as a picture of its own, where that is asked for."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from workbench.data.found import FoundImages, Page, Picture, about
from workbench.data.pictures import BAD_PICTURE, open_picture, pages_of
from workbench.data.progress import Progress

MOST_PAGES = 100_000
"""Of one film."""


def with_pages(found: FoundImages, progress: Progress) -> FoundImages:
    """What was found, with a picture for each page. A film that cannot be opened stays one picture."""
    pages = []
    count = len(found.labels)
    with found.opening() as read:
        for index in range(count):
            if index % 100 == 0:
                progress(index / count, f"Counting pages of image {index + 1:,} of {count:,}")
            try:
                with open_picture(read(index)) as image:
                    pages.append(min(pages_of(image), MOST_PAGES))
            except BAD_PICTURE:  # is listed when all are read
                pages.append(1)
    films = [index for index in range(count) if pages[index] > 1]
    if not films:
        return found
    place = [(index, number) for index in range(count) for number in range(pages[index])]
    rows = np.array([index for index, _ in place])

    @contextlib.contextmanager
    def opening() -> Iterator[Callable[[int], Picture]]:
        with found.opening() as read:
            once = functools.lru_cache(maxsize=1)(read)  # the pages of a film follow each other

            def page(row: int) -> Picture:
                index, number = place[row]
                content = once(index)
                return Page(content, number) if pages[index] > 1 and isinstance(content, bytes) else content

            yield page

    taken = sum(pages[index] for index in films)
    names = [found.origins[index] for index in films]
    text = f"{len(films):,} films are taken page by page, as {taken:,} pictures"
    origins = [
        f"{found.origins[index]}, page {number + 1}" if pages[index] > 1 else found.origins[index]
        for index, number in place
    ]
    return replace(
        found,
        labels=found.labels[rows],
        given=found.given[rows],
        origins=origins,
        opening=opening,
        findings=(*found.findings, *about("pages", text, names, taken)),
    )
