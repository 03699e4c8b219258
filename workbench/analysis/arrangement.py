"""The order, names and choice of algorithms in figures and tables, as a person wants them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

from workbench.errors import InputError
from workbench.words import LONGEST_NAME, shown, unfit_name


class Named(Protocol):
    """What can be arranged: it has a name, and is the same under another one."""

    @property
    def name(self) -> str: ...

    def named(self, name: str) -> Self: ...


T = TypeVar("T", bound=Named)


@dataclass(frozen=True)
class Place:
    """One algorithm.

    Attributes
    ----------
    key : its own name.
    name : what it is called in the figure.
    shown : whether it is in the figure.
    """

    key: str
    name: str
    shown: bool = True


@dataclass(frozen=True)
class Arrangement:
    """Places in their order; algorithms without one come last, as they are."""

    places: tuple[Place, ...] = ()

    def of(self, keys: Iterable[str]) -> Arrangement:
        """The places of these algorithms, every one of them."""
        known = {each.key: each for each in self.places}
        there = list(dict.fromkeys(keys))
        old = [each for each in self.places if each.key in there]
        return Arrangement((*old, *(Place(key, key) for key in there if key not in known)))

    def apply(self, items: Sequence[T]) -> list[T]:
        """The items in their order, renamed, without the hidden ones."""
        by_name: dict[str, list[T]] = {}
        for each in items:
            by_name.setdefault(each.name, []).append(each)
        return [
            each if place.name == place.key else each.named(place.name)
            for place in self.of(by_name).places
            if place.shown
            for each in by_name[place.key]
        ]

    @property
    def whole(self) -> Arrangement:
        """The same order and names, with nothing hidden."""
        return Arrangement(tuple(replace(each, shown=True) for each in self.places))

    @property
    def hidden(self) -> tuple[str, ...]:
        """The names of those that are not in the figure."""
        return tuple(each.key for each in self.places if not each.shown)

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
        return cls(
            tuple(Place(each["key"], shown(each["name"], LONGEST_NAME), each["shown"]) for each in fit)
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
        places[name] = Place(name, new or name)
        at = end + 1  # the comma
    names = [*(each.name for each in places.values()), *(each for each in allowed if each not in places)]
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
