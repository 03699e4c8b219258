"""One image out of a file that a stranger may have made."""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.data.source import UNREADABLE

DECODING = 2
"""Raised by whoever changes how images are read, so that caches of the older ones are not used."""

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pbm"}
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""No others, whatever a file calls itself: Pillow would start another program to read some of them."""

MOST_PIXELS = 64_000_000
BAD_PICTURE: tuple[type[Exception], ...] = (
    *UNREADABLE,
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
    *(TypeError, LookupError, ArithmeticError),  # what Pillow runs into in damaged TIFF and EXIF
)


def open_picture(content: bytes) -> Image.Image:
    """An image whose pixels may be read without harm.

    Raises
    ------
    One of ``BAD_PICTURE``, for what is no image, or an absurdly large one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is stricter
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError:
            raise ValueError("not an image of a kind that is read here") from None
    if image.width * image.height > MOST_PIXELS:
        raise Image.DecompressionBombError(
            f"{image.width} × {image.height} pixels could be a decompression bomb"
        )
    return image


def in_bytes(image: Image.Image, kind: str | None) -> Image.Image:
    """An image of 16 bits scaled to 8, which Pillow would clip at 255; any other as it is.

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
        raise ValueError("its pixels are of an unknown range; save it with 8 or 16 bits")
    return image


def decode(content: bytes | NDArray[np.uint8], size: int, channels: int) -> NDArray[np.uint8]:
    """An image ``[channels, size, size]``, scaled whatever its proportions; transparency becomes white.

    Parameters
    ----------
    content : a file's bytes, or pixels ``[h, w]`` or ``[h, w, 3]``.
    """
    if isinstance(content, bytes):
        with open_picture(content) as opened:
            image = in_bytes(ImageOps.exif_transpose(opened), opened.format)
    else:
        image = Image.fromarray(content)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    scaled = np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))
    return scaled.reshape(size, size, channels).transpose(2, 0, 1)


def is_coloured(content: bytes | NDArray[np.uint8]) -> bool:
    """Whether an image is more than shades of grey."""
    if isinstance(content, bytes):
        with open_picture(content) as image:
            if image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16"):
                return False
            image.thumbnail((64, 64))
            pixels = np.asarray(image.convert("RGB")).astype(int)
    else:
        if content.ndim == 2:
            return False
        pixels = content.astype(int)
    return bool(np.ptp(pixels, axis=-1).max() > 8)


def size_of(content: bytes | NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height."""
    if isinstance(content, bytes):
        with open_picture(content) as image:
            return image.size
    return content.shape[1], content.shape[0]
