"""The order, names and choice of algorithms in figures and tables, as a person wants them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

from workbench.errors import InputError
from workbench.words import LONGEST_NAME, shown, unfit_name


class Item(Protocol):
    """What can be arranged: it is the same under another name."""

    @property
    def key(self) -> str: ...

    @property
    def own_name(self) -> str: ...

    def named(self, name: str) -> Self: ...


T = TypeVar("T", bound=Item)


@dataclass(frozen=True)
class Place:
    """One algorithm.

    Attributes
    ----------
    key : stays the same whatever joins (see ``Group``); from an older file, or typed, it is its own name.
    name : what a person calls it; empty: by its own name.
    shown : whether it is in the figure.
    """

    key: str
    name: str = ""
    shown: bool = True


@dataclass(frozen=True)
class Arrangement:
    """Places in their order; algorithms without one come last, as they are."""

    places: tuple[Place, ...] = ()

    def _places(self, items: Sequence[T]) -> list[tuple[T, Place]]:
        """Each of the items, in their order, with its place."""
        known = {place.key: (at, place) for at, place in reversed([*enumerate(self.places)])}
        new = len(self.places), Place("")
        found = [known.get(item.key) or known.get(item.own_name) or new for item in items]
        placed = sorted(zip(found, items, strict=True), key=lambda each: each[0][0])
        return [(item, replace(place, key=item.key)) for (_, place), item in placed]

    def of(self, items: Sequence[Item]) -> Arrangement:
        """The same with a place for each of these, first of all, by its key."""
        here = tuple(place for _, place in self._places(items))
        taken = {each.key for each in here} | {each.own_name for each in items}
        return Arrangement((*here, *(place for place in self.places if place.key not in taken)))

    def apply(self, items: Sequence[T]) -> list[T]:
        """The items in their order, renamed, without the hidden ones."""
        return [
            item.named(place.name) if place.name else item
            for item, place in self._places(items)
            if place.shown
        ]

    @property
    def whole(self) -> Arrangement:
        """The same order and names, with nothing hidden."""
        return Arrangement(tuple(replace(each, shown=True) for each in self.places))

    @property
    def hidden(self) -> frozenset[str]:
        """The keys of those that are not in the figure."""
        return frozenset(each.key for each in self.places if not each.shown)

    def to_json(self) -> list[dict[str, object]]:
        """As it is kept."""
        return [{"key": each.key, "name": each.name, "shown": each.shown} for each in self.places]

    @classmethod
    def from_json(cls, value: object) -> Arrangement:
        """What was kept; entries that are none are left out."""
        entries = value if isinstance(value, list) else []
        fit = [
            each
            for each in entries
            if isinstance(each, Mapping)
            and isinstance(each.get("key"), str)
            and isinstance(each.get("name"), str)
            and isinstance(each.get("shown"), bool)
        ]
        named = [(each["key"], each["name"], each["shown"]) for each in fit]
        return cls(  # older files have an algorithm's own name in the place of none
            tuple(Place(key, "" if name == key else shown(name, LONGEST_NAME), on) for key, name, on in named)
        )


_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=([,=]|$))')
_BARE = re.compile(r"[^,]*")


def ordered(text: str, allowed: Sequence[str]) -> Arrangement:
    """The arrangement that a text such as ``ProtoNet, Transfer=Fine-tuning`` asks for.

    A name stands as it is, whatever signs are in it (of several that fit, the longest is meant), or in
    ``"…"`` with each ``"`` in it doubled; so does the new one, which as it is ends at a comma.

    Raises
    ------
    InputError
        If a name is none of those allowed or is there twice, or if a new one cannot be shown or is taken.
    """
    places: dict[str, Place] = {}
    at = 0
    while text.strip() and at <= len(text):
        name, new, end = _entry(text, at, allowed)
        if name in places:
            raise InputError(f"--order: {shown(name)!r} is named twice")
        if wrong := unfit_name(new) if new != name else "":
            raise InputError(f"--order: {wrong}")
        places[name] = Place(name, "" if new == name else new)
        at = end + 1  # the comma
    names = [
        *(each.name or each.key for each in places.values()),
        *(each for each in allowed if each not in places),
    ]
    if twice := next((each for each in names if names.count(each) > 1), ""):
        raise InputError(f"--order: two algorithms would be called {shown(twice)!r}")
    return Arrangement(tuple(places.values()))


def _entry(text: str, at: int, allowed: Sequence[str]) -> tuple[str, str, int]:
    """The entry that begins there: a name, what it is to become, and where the entry ends."""
    quoted = _QUOTED.match(text, at)
    if quoted:
        inside = quoted[1].replace('""', '"')
        if inside in allowed:
            return _renaming(text, inside, quoted.end())
        renamed = _standing(inside, 0, allowed) if quoted[2] != "=" else None  # "NAME=NEW"
        if renamed and inside[renamed[1] : renamed[1] + 1] == "=":
            return renamed[0], inside[renamed[1] + 1 :].strip(), quoted.end()
    standing = _standing(text, at, allowed)
    if standing:
        return _renaming(text, *standing)
    wrong, known = _bare(text, at)[0], ", ".join(map(_in_quotes, allowed))
    raise InputError(f"--order: {shown(wrong)!r} is not known here; allowed: {known}")


def _standing(text: str, at: int, allowed: Sequence[str]) -> tuple[str, int] | None:
    """The longest of the names that stands there as it is, and where what follows it begins."""
    at = _after_blanks(text, at)
    for name in sorted(allowed, key=len, reverse=True):
        end = _after_blanks(text, at + len(name))
        if name and text.startswith(name, at) and text[end : end + 1] in (",", "=", ""):
            return name, end
    return None


def _renaming(text: str, name: str, at: int) -> tuple[str, str, int]:
    if text[at : at + 1] != "=":
        return name, name, at
    quoted = _QUOTED.match(text, at + 1)
    if quoted and quoted[2] != "=":
        return name, quoted[1].replace('""', '"'), quoted.end()
    return name, *_bare(text, at + 1)


def _bare(text: str, at: int) -> tuple[str, int]:
    """What stands there up to a comma."""
    found = _BARE.match(text, at)
    assert found is not None
    return found[0].strip(), found.end()


def _after_blanks(text: str, at: int) -> int:
    return at + len(text[at:]) - len(text[at:].lstrip())


def _in_quotes(name: str) -> str:
    """A name as it may be typed."""
    return '"' + name.replace('"', '""') + '"' if re.search('[,="]', name) else name
