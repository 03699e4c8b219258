"""Draws letters of many scripts with the typefaces that matplotlib brings along, each in many ways.

A letter is drawn large, fitted to a common size, made bolder or lighter, turned, sheared, stretched
and moved, and then reduced to 28 × 28 pixels. The same seed gives the same drawings.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from workbench.tasks.base import DataError

Image8 = NDArray[np.uint8]

SIDE = 28
PLAIN_FACES = ("DejaVuSans", "DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSansMono")
FACES = (
    *PLAIN_FACES,
    *("DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSans-BoldOblique"),
    *("DejaVuSerif-Bold", "DejaVuSerif-BoldItalic"),
    *("DejaVuSansMono-Oblique", "DejaVuSansMono-Bold", "DejaVuSansMono-BoldOblique"),
)
_FEWEST_FACES = 2

# A letter is drawn with 128 pixels to the em; its longer side is then scaled to 76 of 112 pixels (19 of
# the final 28), though by a factor of two at most, so that a letter that is a mere dot stays a dot.
_EM, _CANVAS, _FITTED, _GREATEST_SCALE = 128, 112, 76, 2.0
_BLANK = 8  # less than what stays blank at each edge of the 112 pixels
_HALFWAY = 2 * SIDE  # what is transformed is then averaged over 2 × 2 pixels
_MARGIN = 1.0  # final pixels that stay empty at each edge

# How far a drawing strays from its typeface.
_DEGREES, _SHEAR, _STRETCH, _SHIFT = 12.0, 0.2, (0.85, 1.1), 2.0
_THICKER = {"light": (0, 3), "bold": (-1, 1)}  # pixels of 112 added on each side of a stroke, from and below


@dataclass(frozen=True)
class Letter:
    """A letter, its script and the typefaces that have it."""

    character: str
    script: str
    faces: tuple[str, ...]


class Typefaces:
    """The DejaVu fonts in matplotlib's data folder.

    Raises
    ------
    DataError
        If one of them is not there.
    """

    def __init__(self) -> None:
        folder = Path(get_data_path()) / "fonts" / "ttf"
        self._paths = {face: folder / f"{face}.ttf" for face in FACES}
        missing = [path.name for path in self._paths.values() if not path.is_file()]
        if missing:
            raise DataError(f"{folder}: the font {missing[0]} is missing; install matplotlib again")
        # shaping would join letters; each is to be drawn as it stands alone
        self._fonts = {
            face: ImageFont.truetype(str(path), _EM, layout_engine=ImageFont.Layout.BASIC)
            for face, path in self._paths.items()
        }

    def hash(self) -> str:
        """SHA-256 of the font files."""
        return hashlib.sha256(b"".join(path.read_bytes() for path in self._paths.values())).hexdigest()

    def letters(self) -> list[Letter]:
        """Letters, not composed of others, that at least two typefaces have; in Unicode's order."""
        faces: dict[int, list[str]] = {}
        for face, path in self._paths.items():
            for code in FT2Font(str(path)).get_charmap():
                faces.setdefault(code, []).append(face)
        return [
            Letter(chr(code), _script(chr(code)), tuple(having))
            for code, having in sorted(faces.items())
            if len(having) >= _FEWEST_FACES and _is_plain_letter(chr(code))
        ]

    def fitted(self, character: str, face: str) -> Image8:
        """A letter scaled to the common size, in the middle of ``[112, 112]``; ink is 255."""
        page = Image.new("L", (3 * _EM, 3 * _EM))
        middle = (1.5 * _EM, 1.5 * _EM)
        ImageDraw.Draw(page).text(middle, character, fill=255, font=self._fonts[face], anchor="mm")
        drawn = page.crop(page.getbbox())
        scale = min(_FITTED / max(drawn.size), _GREATEST_SCALE)
        width, height = (max(1, round(side * scale)) for side in drawn.size)
        drawn = drawn.resize((width, height), Image.Resampling.BILINEAR)
        canvas = Image.new("L", (_CANVAS, _CANVAS))
        canvas.paste(drawn, ((_CANVAS - drawn.width) // 2, (_CANVAS - drawn.height) // 2))
        return np.asarray(canvas)


def draw(letters: Sequence[Letter], count: int, seed: int, progress: Callable[[float], None]) -> Image8:
    """Drawings ``[letters, count, 28, 28]``; ink is 255 on 0."""
    typefaces = Typefaces()
    drawings = np.empty((len(letters), count, SIDE, SIDE), np.uint8)
    for number, letter in enumerate(letters):
        if number % 50 == 0:
            progress(number / len(letters))
        # a generator of its own, so that a letter does not depend on which others are drawn
        random = np.random.default_rng([seed, ord(letter.character)])
        faces = ([letter.faces[index] for index in random.permutation(len(letter.faces))] * count)[:count]
        thicker = [random.integers(*_THICKER["bold" if "Bold" in face else "light"]) for face in faces]
        fitted = {face: typefaces.fitted(letter.character, face) for face in set(faces)}
        strokes = [_thicken(fitted[face], int(pixels)) for face, pixels in zip(faces, thicker, strict=True)]
        changes = _changes(np.array([_extent(image) for image in strokes]), random)
        changed = [_transform(*each) for each in zip(strokes, changes, strict=True)]
        drawings[number] = _reduce(np.stack(changed), 2)
    return drawings


def plain(letter: Letter, typefaces: Typefaces) -> Image8:
    """The letter as its plain typefaces have it, ``[typefaces, 24, 24]``: without the blank edge."""
    faces = [face for face in letter.faces if face in PLAIN_FACES] or letter.faces
    edge = slice(_BLANK, _CANVAS - _BLANK)
    fitted = np.stack([typefaces.fitted(letter.character, face)[edge, edge] for face in faces])
    return _reduce(fitted, _CANVAS // SIDE)


def _is_plain_letter(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo")
        and not unicodedata.decomposition(character)
        and unicodedata.name(character, "") != ""
    )


def _script(character: str) -> str:
    """The script, as the character's name in Unicode tells it."""
    first = unicodedata.name(character).split()[0]
    others = {"OLD": "Old Italic", "NKO": "N'Ko", "ROMAN": "Latin", "TURNED": "Latin"}
    return others.get(first, first.capitalize())


def _extent(image: Image8) -> tuple[int, int]:
    """Width and height of what is drawn, which is in the middle of the image."""
    columns, rows = np.asarray(image.any(0)), np.asarray(image.any(1))
    return len(columns) - 2 * int(columns.argmax()), len(rows) - 2 * int(rows.argmax())


def _changes(extents: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.float64]:
    """For letters of these extents ``[n, 2]`` a turn, shear, stretch and shift each, never over the edge.

    Returns
    -------
    float64 ``[n, 2, 3]``: x and y on the canvas as a function of x and y in the transformed image.
    """
    n = len(extents)
    angle = np.radians(random.uniform(-_DEGREES, _DEGREES, n))
    rotate = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], 1).reshape(n, 2, 2)
    shear = np.tile(np.eye(2), (n, 1, 1))
    shear[:, 0, 1] = random.uniform(-_SHEAR, _SHEAR, n)
    stretch = random.uniform(*_STRETCH, (n, 1, 2)) * _HALFWAY / _CANVAS
    outward = rotate @ shear * stretch
    half = (np.abs(outward) @ (extents[:, :, None] / 2 + 1))[:, :, 0]  # of the transformed letter's extent
    room = _HALFWAY / 2 - 2 * _MARGIN
    fit = np.minimum(1.0, room / half.max(1))[:, None]
    shift = random.uniform(-1, 1, (n, 2)) * np.minimum(2 * _SHIFT, room - fit * half)
    inward = np.linalg.inv(outward * fit[:, :, None])
    origin = _CANVAS / 2 - inward @ (_HALFWAY / 2 + shift)[:, :, None]
    return np.concatenate([inward, origin], 2)


def _transform(image: Image8, change: NDArray[np.float64]) -> Image8:
    drawn = Image.fromarray(image).transform(
        (_HALFWAY, _HALFWAY), Image.Transform.AFFINE, change.flatten().tolist(), Image.Resampling.BILINEAR
    )
    return np.asarray(drawn)


def _thicken(image: Image8, pixels: int) -> Image8:
    """Strokes wider (or, if negative, narrower) by so many pixels on each side."""
    pick = np.maximum if pixels > 0 else np.minimum
    for _ in range(abs(pixels)):
        for _ in range(2):  # along one axis, then the other
            wider = image.copy()
            pick(wider[1:], image[:-1], out=wider[1:])
            pick(wider[:-1], image[1:], out=wider[:-1])
            image = wider.T
    return np.ascontiguousarray(image)


def _reduce(images: Image8, factor: int) -> Image8:
    """Averages over ``factor`` × ``factor`` pixels of ``[n, height, width]``."""
    n, height, width = images.shape
    blocks = images.reshape(n, height // factor, factor, width // factor, factor)
    average: NDArray[np.uint32] = (blocks.sum((2, 4), dtype=np.uint32) + factor**2 // 2) // factor**2
    return average.astype(np.uint8)
