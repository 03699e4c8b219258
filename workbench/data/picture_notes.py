"""What reading does to pictures, counted and said."""

from __future__ import annotations

from PIL import Image

from workbench.data.found import Finding, some
from workbench.data.pictures import Span, is_deep, orientation_of, pages_of

_TEXTS = {
    "scaled": "{n} scaled to {size} × {size}",
    "proportions": "{n} not square, and stretched until they are",
    "depth": "{n} of more than 8 bits and scaled: {low:g} becomes black, {high:g} white ({why})",
    "cut off": "{n} cut off at {low:g} and {high:g}, beyond which they have numbers",
    "deep colour": "{n} in colours of 16 bits, of which the upper 8 are kept",
    "colour lost": "{n} in colour, which is lost: the set is kept in grey (--channels 3 keeps it)",
    "pages": "{n} films of several pages ({pages}), of which the first is taken (--pages takes all)",
    "transparency": "{n} drawn on white where they are transparent",
    "turned": "{n} turned the way that EXIF says",
    "converted": "{n} converted from {mode}",
    "profile": "{n} made for a colour profile, which is not applied",
}
_CONVERTED = {"CMYK": "CMYK", "YCbCr": "YCbCr", "LAB": "CIE L*a*b*", "HSV": "HSV", "P": "a palette"}


class Notes:
    """Counts pictures by what is done to them, and keeps the names of the first."""

    def __init__(self, size: int, span: Span | None, deepest: str) -> None:
        self._size, self._span, self._deepest = size, span, deepest
        self._seen: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self._pages = 0

    def add(self, what: str, name: str, detail: str = "") -> None:
        """One more picture of that kind."""
        count, names = self._seen.get((what, detail), (0, []))
        if count < 3:
            names = [*names, name]
        self._seen[what, detail] = count + 1, names

    def of(self, kinds: tuple[str, ...], pages: int, name: str) -> None:
        """One more picture, by what :func:`kinds_of` has told."""
        for each in kinds:
            what, _, detail = each.partition(":")
            self.add(what, name, detail)
        self._pages += pages if pages > 1 else 0

    def findings(self) -> list[Finding]:
        """What was done, in a fixed order."""
        found = []
        low, high, asked = self._span or Span(0, 255)
        for (what, detail), (count, names) in sorted(self._seen.items(), key=lambda each: _ORDER[each[0][0]]):
            told = _TEXTS[what].format(
                n=f"{count:,} {'picture is' if count == 1 else 'pictures are'}",
                size=self._size,
                low=low,
                high=high,
                why=f"the range asked for{self._deepest}" if asked else f"the range in use{self._deepest}",
                pages=f"{self._pages:,} in all",
                mode=detail,
            )
            text = f"{told}: {some(names, 3)}" + (f" and {count - 3:,} more" if count > 3 else "")
            found.append(Finding(what, text, count, tuple(names)))
        return found


_ORDER = {name: place for place, name in enumerate(_TEXTS)}


def kinds_of(image: Image.Image, *, all_pages: bool) -> tuple[tuple[str, ...], int]:
    """What reading does to an image that is open but not read, and how many pages it has."""
    kinds = []
    if is_deep(image):
        kinds.append("depth")
    elif ";16" in str(getattr(image, "tile", "")):
        kinds.append("deep colour")
    pages = 1 if all_pages else pages_of(image)
    if pages > 1:
        kinds.append("pages")
    if image.has_transparency_data:
        kinds.append("transparency")
    if orientation_of(image) != 1:
        kinds.append("turned")
    if image.mode in _CONVERTED:
        kinds.append(f"converted:{_CONVERTED[image.mode]}")
    if image.info.get("icc_profile"):
        kinds.append("profile")
    return tuple(kinds), pages
