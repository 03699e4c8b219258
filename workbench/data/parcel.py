"""Own data that goes along with a run, to where its files may not be.

All own data comes in by two doors, a path that is read and a name that is registered. What they gave here is
packed; there the same doors give it again, and the hash of the run's data tells whether it is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

Read = TypeVar("Read")


@dataclass(frozen=True)
class Parcel:
    """What the doors have given, by what they were asked for."""

    sets: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @contextmanager
    def open(self) -> Iterator[None]:
        """The doors of this thread give what is in it; what is not, they read, and it is put in."""
        before = _OPEN.set(self)
        try:
            yield
        finally:
            _OPEN.reset(before)


_OPEN: ContextVar[Parcel | None] = ContextVar("parcel", default=None)


def through(asked: Hashable, read: Callable[[], Read]) -> Read:
    """What a door gives: out of the open parcel, if there is one that has it."""
    parcel = _OPEN.get()
    if parcel is None:
        return read()
    if asked not in parcel.sets:
        parcel.sets[asked] = read()
    given: Read = parcel.sets[asked]
    return given
