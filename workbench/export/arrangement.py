"""The order, names and choice of algorithms in figures and tables, as a person wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar


class Named(Protocol):
    """What can be arranged: a dataclass with a name."""

    @property
    def name(self) -> str: ...


S = TypeVar("S")
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
        return self.placed(items, lambda each: each.name, _renamed)

    def placed(self, items: Sequence[S], key: Callable[[S], str], renamed: Callable[[S, str], S]) -> list[S]:
        """The same of anything that has a name to be found by."""
        places = self.of(map(key, items)).places
        by_key: dict[str, list[S]] = {}
        for each in items:
            by_key.setdefault(key(each), []).append(each)
        return [
            each if place.name == place.key else renamed(each, place.name)
            for place in places
            if place.shown
            for each in by_key[place.key]
        ]

    @property
    def whole(self) -> Arrangement:
        """The same order and names, with nothing hidden."""
        return Arrangement(tuple(replace(each, shown=True) for each in self.places))

    @property
    def hidden(self) -> tuple[str, ...]:
        """The names of those that are not in the figure."""
        return tuple(each.key for each in self.places if not each.shown)

    def to_json(self) -> list[dict[str, Any]]:
        """As it is kept."""
        return [{"key": each.key, "name": each.name, "shown": each.shown} for each in self.places]

    @classmethod
    def from_json(cls, value: Any) -> Arrangement:
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
        return cls(tuple(Place(each["key"], each["name"], each["shown"]) for each in fit))


def _renamed(item: T, name: str) -> T:
    changes: dict[str, Any] = {"name": name}
    row = getattr(item, "row", None)
    if isinstance(row, dict):
        changes["row"] = row | {"algorithm": name}
    return replace(item, **changes)  # type: ignore[type-var]
