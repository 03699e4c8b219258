"""All pictures of a source as pixels, with everything that was done to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.data.found import Finding, FoundImages, Page, Picture, Unreadable
from workbench.data.kept import Rows
from workbench.data.picture_notes import Notes, kinds_of
from workbench.data.pictures import (
    BAD_PICTURE,
    Span,
    as_pixels,
    is_coloured,
    is_deep,
    open_picture,
    range_of,
    size_of,
    upright,
)
from workbench.data.progress import Progress
from workbench.data.reading import Reading, refuse_beyond_memory
from workbench.errors import DataError

FEWER = "choose a smaller size, or grey for colour, or use fewer images"
LARGEST_SIZE = 84
"""Side to which larger images are scaled unless another is asked for: that of mini-ImageNet."""

_LOOKED_AT = 50
_REMEMBERED = 1024
_BYTES_PER_PIXEL = 12
"""That reading a picture takes at most: Pillow holds four, and may need them three times."""

Read = Callable[[int], Picture]
Made = TypeVar("Made")


@dataclass(frozen=True)
class PictureSet:
    """Pixels ``[N, channels, size, size]`` of the pictures in ``kept``, their digests and sizes, and what is
    to be said."""

    pixels: NDArray[np.uint8]
    kept: NDArray[np.int64]
    digests: list[bytes]
    sizes: tuple[int, int, int, int]
    unreadable: tuple[Unreadable, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Form:
    """How pictures are kept: their side, their channels, and the range of deep ones."""

    size: int
    channels: int
    span: Span | None = None
    hint: str = ""


def read_pictures(found: FoundImages, reading: Reading, progress: Progress) -> PictureSet:
    """Read every picture. What cannot be read is left out and listed.

    Raises
    ------
    DataError
        If nothing can be read, or it would not fit into memory.
    """
    with found.opening() as read:
        remembered = _Remembering(read)
        form = _form_by_rule_1(found, read, reading) if reading.rules == 1 else None
        form = form or _form(found, remembered, reading, progress)
        return _read(found, remembered, reading, form, progress)


class _Remembering:
    """Pictures with their digests; what was made of the last few is not made again."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._made: dict[tuple[bytes, Callable[..., object]], object] = {}

    def picture(self, index: int) -> tuple[Picture, bytes]:
        content = self._read(index)
        if isinstance(content, Page):
            raw = b"%d\0" % content.number + content.content
        else:
            raw = content if isinstance(content, bytes) else content.tobytes()
        return content, hashlib.sha256(raw).digest()

    def once(self, digest: bytes, make: partial[Made]) -> Made:
        key = digest, make.func
        if key not in self._made:
            if len(self._made) >= _REMEMBERED:
                self._made.clear()
            self._made[key] = make()
        return cast("Made", self._made[key])


def _form_by_rule_1(found: FoundImages, read: Read, reading: Reading) -> _Form:
    """The side and the channels that suit the images: what a few of them say."""
    sides, coloured, count = [], False, len(found.labels)
    step = max(1, count // _LOOKED_AT)
    for index in range(0, count, step) if reading.size is None or reading.channels is None else ():
        try:
            content = read(index)
            sides.append(min(size_of(content)))
            coloured = coloured or is_coloured(content)
        except BAD_PICTURE:  # is listed when all are read
            continue
    return _Form(reading.size or _usual(sides), reading.channels or (3 if coloured else 1))


def _usual(sides: list[int]) -> int:
    return max(4, min(LARGEST_SIZE, int(np.median(sides)) if sides else LARGEST_SIZE))


def _form(found: FoundImages, pictures: _Remembering, reading: Reading, progress: Progress) -> _Form:
    """The side, the channels and the range that suit the images: what all of them say."""
    count, sides, coloured = len(found.labels), [], reading.channels == 3
    asked = None if reading.range is None else Span(*reading.range, asked=True)
    used = _Range()
    for index in range(count):
        if index % 100 == 0:
            progress(0.3 * index / count, f"Looking at image {index + 1:,} of {count:,}")
        try:
            content, digest = pictures.picture(index)
            wanted = reading.channels is None and not coloured
            seen = pictures.once(digest, partial(_look, content, reading, asked, wanted))
        except BAD_PICTURE:  # is listed when all are read
            continue
        sides.append(seen[0])
        coloured = coloured or seen[1]
        used.add(seen[2])
    size = reading.size or _usual(sides)
    return _Form(size, reading.channels or (3 if coloured else 1), asked or used.span(), used.hint(asked))


def _look(
    content: Picture, reading: Reading, asked: Span | None, colour: bool
) -> tuple[int, bool, NDArray[np.int64] | None]:
    """The shorter side of a picture, whether it is coloured if that is asked, and how often a deep one has
    each number."""
    with open_picture(content) as image:
        side, deep, plain = min(image.size), is_deep(image), image.mode in ("1", "L", "LA")
        _refuse_huge(image, reading.budget)
        times = None
        if deep and asked is None:
            low, high = range_of(image)[:2]
            times = _histogram(np.asarray(image), low, high)
    return side, colour and not (deep or plain) and is_coloured(content), times


_LOWEST = -(2**15)


def _histogram(values: NDArray[np.integer], low: float, high: float) -> NDArray[np.int64]:
    """How often each number of 16 bits, signed or not, is there."""
    times = np.zeros(2**16 - _LOWEST, np.int64)
    begin, end = int(low) - _LOWEST, int(high) - _LOWEST + 1
    for start in range(0, len(values), 256):
        strip = values[start : start + 256].astype(np.int64).ravel() - int(low)
        times[begin:end] += np.bincount(strip, minlength=end - begin)
    return times


class _Range:
    """The numbers in use in all deep pictures together."""

    def __init__(self) -> None:
        self._times: NDArray[np.int64] | None = None

    def add(self, times: NDArray[np.int64] | None) -> None:
        if times is not None:
            self._times = times.copy() if self._times is None else self._times + times

    def span(self) -> Span | None:
        if self._times is None:
            return None
        used = np.flatnonzero(self._times) + _LOWEST
        return Span(float(used[0]), float(used[-1]))

    def hint(self, asked: Span | None) -> str:
        """Where most numbers lie, if that is much narrower than the range in use."""
        span = self.span()
        if asked is not None or span is None or self._times is None:
            return ""
        share = np.cumsum(self._times) / self._times.sum()
        low, high = (int(np.searchsorted(share, part)) + _LOWEST for part in (0.001, 0.999))
        if 2 * (high - low) >= span.high - span.low or low >= high:
            return ""
        return f"; 99.8% of the numbers lie from {low} to {high}: --range {low} {high} would show them finer"


def _refuse_huge(image: Image.Image, budget: int) -> None:
    needed = image.width * image.height * _BYTES_PER_PIXEL
    if needed > budget and image.format is not None:  # given pixels are in memory already
        raise ValueError(
            f"{image.width} × {image.height} pixels may need {needed / 2**30:.1f} GiB; "
            f"allowed: {budget / 2**30:.1f}; make it smaller, or allow more when you import it (--memory)"
        )


def _read(
    found: FoundImages, pictures: _Remembering, reading: Reading, form: _Form, progress: Progress
) -> PictureSet:
    count, size, channels = len(found.labels), form.size, form.channels
    what = f"{found.where}: {count:,} images of {size} × {size} × {channels}"
    refuse_beyond_memory(what, count * channels * size * size, FEWER, reading.budget)
    notes = Notes(size, form.span, form.hint)
    kept, digests, constant, sizes, unreadable = [], [], [], [], [*found.unreadable]
    with Rows((channels, size, size), count) as rows:
        for index in range(count):
            if index % 50 == 0:
                done = index / count if reading.rules == 1 else 0.3 + 0.7 * index / count
                progress(done, f"Reading image {index + 1:,} of {count:,}")
            try:
                content, digest = pictures.picture(index)
                made = pictures.once(digest, partial(_made, content, form, reading))
            except BAD_PICTURE as error:
                unreadable.append(Unreadable(found.origin(index), str(error) or type(error).__name__))
                continue
            rows.add(made.pixels)
            kept.append(index)
            digests.append(digest)
            sizes.append(made.size)
            if made.constant:
                constant.append(index)
            if made.kinds:
                notes.of(made.kinds, made.pages, found.origin(index))
        progress(1.0, f"Read {count:,} images")
        if not kept:
            first = unreadable[0]
            raise DataError(f"{found.where}: none of the images can be read ({first.origin}: {first.why})")
        pixels = rows.done()
    widths, heights = zip(*sizes, strict=True)
    findings = notes.findings()
    if constant:
        some = f"{len(constant):,} images show nothing: every pixel is the same"
        first_few = tuple(found.origin(index) for index in constant[:3])
        findings.append(Finding("constant", some, len(constant), first_few))
    return PictureSet(
        pixels,
        np.array(kept, np.int64),
        digests,
        (min(widths), max(widths), min(heights), max(heights)),
        tuple(unreadable),
        tuple(findings),
    )


@dataclass(frozen=True)
class _Made:
    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    constant: bool
    kinds: tuple[str, ...]
    pages: int


def _made(content: Picture, form: _Form, reading: Reading) -> _Made:
    """One picture as it is kept, and what was done to it."""
    kinds: tuple[str, ...] = ()
    with open_picture(content) as image:
        pages, size = 1, image.size
        if reading.rules > 1:
            _refuse_huge(image, reading.budget)
            kinds, pages = kinds_of(image, all_pages=reading.pages)
            if form.span is not None and form.span.asked and is_deep(image):
                kinds += _cut_off(image, form.span)
        plain = upright(image, form.size, rules=reading.rules, span=form.span)
        pixels = as_pixels(plain, form.size, form.channels)
    if reading.rules > 1:
        if size != (form.size, form.size):
            kinds += ("scaled", "proportions") if size[0] != size[1] else ("scaled",)
        if form.channels == reading.channels == 1 and is_coloured(content):
            kinds += ("colour lost",)
    return _Made(pixels, size, bool(pixels.min() == pixels.max()), kinds, pages)


def _cut_off(image: Image.Image, span: Span) -> tuple[str, ...]:
    values = np.asarray(image)
    return ("cut off",) if values.min() < span.low or values.max() > span.high else ()
