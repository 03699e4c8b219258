"""One image out of a file that a stranger may have made."""

from __future__ import annotations

import functools
import io
import re
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.data.found import Page, Picture
from workbench.data.reading import NEWEST
from workbench.data.source import UNREADABLE

SUFFIXES_BY_RULE_1 = {
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm"),
}
SUFFIXES = SUFFIXES_BY_RULE_1 | {
    *(".jpe", ".jfif", ".jif", ".mpo", ".apng", ".dib", ".pnm", ".tga", ".icb", ".vda", ".vst"),
    *(".jp2", ".j2k", ".jpx", ".jpc", ".jpf", ".ico", ".cur", ".avif", ".avifs", ".pcx", ".dds", ".qoi"),
    *(".sgi", ".rgb", ".rgba", ".bw", ".ras", ".icns", ".psd", ".pfm", ".im", ".msp"),
}
_FORMATS = (
    *("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "MPO", "DIB", "JPEG2000", "ICO", "CUR", "AVIF"),
    *("PCX", "DDS", "QOI", "SGI", "SUN", "ICNS", "PSD", "IM", "MSP", "TGA"),
)
"""No others, whatever a file calls itself: Pillow would start another program to read some of them. TGA is
the last, since it has no mark of its own."""

_MARKS = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF....WEBP|BM....\0\0\0\0"
    rb"|\0\0\0\x0cjP  |\xffO\xffQ|....ftypavi[fs]|P[1-6]\s|qoif|DDS |8BPS|icns",
    re.DOTALL,
)
_ORIENTATION, _BITS = 0x0112, 0x0102  # tags of EXIF and of TIFF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

MOST_PIXELS = 64_000_000
_LARGE = 2**23
"""Pixels beyond which an image is made smaller before anything else, to spare memory."""

_STRIP = 256
BAD_PICTURE: tuple[type[Exception], ...] = (
    *UNREADABLE,
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
    *(TypeError, LookupError, ArithmeticError),  # what Pillow runs into in damaged TIFF and EXIF
    *(AttributeError, AssertionError, MemoryError),
)


class Span(NamedTuple):
    """The numbers that become black and white in pictures of more than 8 bits.

    ``asked``: whether a person has said so, and it holds for numbers of any kind.
    """

    low: float
    high: float
    asked: bool = False


@functools.cache
def formats() -> tuple[str, ...]:
    """The formats that are read, as far as this Pillow knows them."""
    Image.init()
    return tuple(each for each in _FORMATS if each in Image.OPEN)


def is_picture(begin: bytes) -> bool:
    """Whether the first bytes are those of a format that is read here and has a mark of its own."""
    return _MARKS.match(begin) is not None


def open_picture(content: Picture) -> Image.Image:
    """An image whose pixels may be read without harm; one of given pixels is of no format.

    Raises
    ------
    One of ``BAD_PICTURE``, for what is no image, or an absurdly large one.
    """
    if not isinstance(content, bytes | Page):
        return Image.fromarray(content)
    content, page = content if isinstance(content, Page) else (content, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the limit below is stricter, and what is odd is said otherwise
        try:
            image = Image.open(io.BytesIO(content), formats=formats())
        except UnidentifiedImageError:
            raise ValueError("not an image of a kind that is read here") from None
        if page:
            image.seek(page)
    if image.width * image.height > MOST_PIXELS:
        raise Image.DecompressionBombError(
            f"{image.width} × {image.height} pixels could be a decompression bomb"
        )
    return image


def is_deep(image: Image.Image) -> bool:
    """Whether an image has one number of more than 8 bits for each pixel."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def pages_of(image: Image.Image) -> int:
    """How many pages a film has; 1 for what is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged pages are told apart by whether they can be read
        return int(getattr(image, "n_frames", 1))


def orientation_of(image: Image.Image) -> int:
    """How EXIF says that the image is to be turned; 1 is not at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = image.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def of_upper_bytes(image: Image.Image, kind: str | None) -> Image.Image:
    """By rule 1: an image of 16 bits without the lower 8; any other as it is.

    Parameters
    ----------
    kind : its format: a PGM's numbers reach 65535 in the mode that elsewhere says nothing of their range.

    Raises
    ------
    ValueError
        If nobody can tell how bright its numbers are.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and kind == "PPM"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(
            "its pixels are of an unknown range; save it with 8 or 16 bits, or give its range (--range)"
        )
    return image


def range_of(image: Image.Image) -> Span:
    """The smallest and the largest number of a deep image.

    Raises
    ------
    ValueError
        If nobody can tell how bright its numbers are.
    """
    if not _is_known(image):
        raise ValueError(
            "its pixels are of an unknown range; save it with 8 or 16 bits, or give its range (--range)"
        )
    values = np.asarray(image)
    return Span(float(values.min()), float(values.max()))


def _is_known(image: Image.Image) -> bool:
    """Whether a deep image has at most 16 bits."""
    sixteen = image.format in ("PPM", "PNG") or getattr(image, "tag_v2", {}).get(_BITS) == (16,)
    return image.mode.startswith("I;16") or (image.mode == "I" and sixteen)


def in_bytes(image: Image.Image, span: Span) -> Image.Image:
    """A deep image with the numbers of a span from black to white; what lies outside is cut off."""
    values = np.asarray(image)
    low, high, _ = span
    result = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _STRIP):  # whole, it would be there eight times over
        strip = (values[start : start + _STRIP].astype(np.float64) - low) * (255 / (high - low))
        result[start : start + _STRIP] = np.nan_to_num(strip.round(), nan=0.0).clip(0, 255)
    return Image.fromarray(result)


def as_pixels(image: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    """An image of 8 bits as it is kept ``[channels, size, size]``; transparency becomes white."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    scaled = np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))
    return scaled.reshape(size, size, channels).transpose(2, 0, 1)


def upright(opened: Image.Image, size: int, *, rules: int = NEWEST, span: Span | None = None) -> Image.Image:
    """An image of 8 bits the right way up; a large one already made smaller, but not below ``size``.

    Parameters
    ----------
    rules : version of the rules for reading.
    span : of deep images; None takes the numbers of this one.
    """
    if rules == 1:
        return of_upper_bytes(ImageOps.exif_transpose(opened), opened.format)
    own = None
    if is_deep(opened):
        own = span if span is not None and (span.asked or _is_known(opened)) else range_of(opened)
        own = own if own.low < own.high else depth_of(own.high)
    if opened.format is None or opened.width * opened.height <= _LARGE:
        image: Image.Image = ImageOps.exif_transpose(opened)
        return image if own is None else in_bytes(image, own)
    turn = _TURNS.get(orientation_of(opened))
    image = _smaller(opened if own is None else in_bytes(opened, own), size)
    image.load()
    return image if turn is None else image.transpose(turn)


def _smaller(image: Image.Image, size: int) -> Image.Image:
    image.draft(None, (4 * size, 4 * size))  # JPEG can be decoded at a part of its size
    if image.mode in ("1", "P", "PA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB" if image.mode != "1" else "L")
    factor = min(image.size) // (4 * size)
    return image.reduce(factor) if factor > 1 else image


def depth_of(value: float) -> Span:
    """The range of a depth that holds a number: where all pixels are the same, nothing else is known."""
    bits = next(bits for bits in (8, 10, 12, 14, 16, 32) if value < 2**bits or bits == 32)
    return Span(0.0, float(2**bits - 1))


def is_coloured(content: Picture) -> bool:
    """Whether an image is more than shades of grey; of a file, whether one can see that from afar."""
    with open_picture(content) as image:
        if image.mode in ("1", "L", "LA") or is_deep(image):
            return False
        small = image
        if image.format is not None:
            small = _smaller(image, 64) if image.width * image.height > _LARGE else image
            small.thumbnail((64, 64))
        pixels = np.asarray(small.convert("RGB")).astype(int)
    return bool(np.ptp(pixels, axis=-1).max() > 8)


def size_of(content: Picture) -> tuple[int, int]:
    """Width and height."""
    with open_picture(content) as image:
        return image.size
