"""Puts the letters that an SVG uses into it, so that it looks the same where the font is not installed."""

from __future__ import annotations

import base64
import io
import re
from functools import lru_cache
from html import unescape

from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties, findfont, get_font

FAMILY = "DejaVu Sans"
_TEXT = re.compile(r"<text[^>]*>(.*?)</text>", re.DOTALL)
_TAGS = re.compile(r"<[^>]*>")


def letters_of(svg: str) -> str:
    """The letters in the texts of an SVG, each once."""
    return "".join(
        sorted({letter for text in _TEXT.findall(svg) for letter in unescape(_TAGS.sub("", text))})
    )


def lacking(text: str) -> str:
    """The letters of a text that the font does not have, each once."""
    known = get_font(findfont(FontProperties(family=FAMILY))).get_charmap()
    return "".join(sorted({letter for letter in text if ord(letter) not in known}))


def embedded(svg: bytes) -> bytes:
    """The SVG with its font inside: its texts stay texts, and look alike everywhere."""
    text = svg.decode()
    used = letters_of(text)
    return text.replace("</style>", f"{font_face(used)}</style>", 1).encode() if used else svg


@lru_cache(maxsize=64)
def font_face(letters: str) -> str:
    """A rule of CSS that holds these letters of the font (WOFF); the same letters give the same text."""
    options = subset.Options(
        layout_features=["kern"],
        hinting=False,
        notdef_outline=True,
        recalc_timestamp=False,
        drop_tables=["FFTM"],
    )
    cut = subset.Subsetter(options)
    cut.populate(text=letters)
    content = io.BytesIO()
    with TTFont(str(findfont(FontProperties(family=FAMILY))), recalcTimestamp=False, lazy=True) as font:
        cut.subset(font)
        font.flavor = "woff"
        font.save(content)
    data = base64.b64encode(content.getvalue()).decode()
    return f'@font-face{{font-family:"{FAMILY}";src:url(data:font/woff;base64,{data}) format("woff")}}'
