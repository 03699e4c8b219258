"""How a source is read: the version of the rules, and what a person has chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.errors import DataError
from workbench.words import shown

NEWEST = 3
"""Version of the rules for reading files. A run goes on with those that it was begun with.

1: pictures of more than 8 bits lose their lower ones; a few pictures tell whether all are coloured; bytes in
the names of a zip are cp437; a source without a validation split has none of its own.
2: nothing is passed over, scaled, cast, merged, converted or renamed without a note.
3: labels of texts in several languages are told apart by language.
"""

BUDGET = 2**30
MOST_BYTES = 2**31
"""Of all images together, or of what all texts become, with the usual budget of memory."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What somebody says of the columns of a table of subjects; what is left open is recognised.

    Attributes
    ----------
    subject, time, outcome, dose : their names.
    which : the kind of outcome that is taken where rows have several (NONMEM's DVID); empty: the first.
    covariates : names of columns that say something of a subject; None: all that do.
    unit, time_unit : of the outcome and of times, where the columns' names do not say them.
    """

    subject: str = ""
    time: str = ""
    outcome: str = ""
    which: str = ""
    dose: str = ""
    covariates: tuple[str, ...] | None = None
    unit: str = ""
    time_unit: str = ""

    @classmethod
    def of(cls, said: Mapping[str, str | None]) -> Columns:
        """Out of words; names of covariates stand between commas."""
        words = {name: word.strip() for name, word in said.items() if word and word.strip()}
        listed = words.pop("covariates", None)
        names = None if listed is None else tuple(name.strip() for name in listed.split(",") if name.strip())
        return cls(**words, covariates=names)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a source is read.

    Attributes
    ----------
    rules : version of the rules, from 1 to ``NEWEST``.
    size, channels : of images; None chooses by what they are.
    encoding : of the names in a zip, and of texts; None guesses, and says what.
    range : the numbers that become black and white in pictures of more than 8 bits; None takes those in use.
    pages : whether each page of a film is a picture; otherwise the first stands for the film.
    merge_labels : whether labels that look the same are one.
    columns : of a table of subjects; None: whether a table is one is told by what is in it.
    budget : bytes of memory that reading may take, beside what is streamed to the cache.
    """

    rules: int = NEWEST
    size: int | None = None
    channels: int | None = None
    encoding: str | None = None
    range: tuple[float, float] | None = None
    pages: bool = False
    merge_labels: bool = False
    columns: Columns | None = None
    budget: int = BUDGET

    def __post_init__(self) -> None:
        if self.encoding is not None:
            try:
                "a".encode(self.encoding).decode(self.encoding)
            except (LookupError, ValueError):  # none of that name, or one of bytes
                raise DataError(
                    f"{shown(self.encoding)} is no encoding of texts; allowed: utf-8, cp866, shift_jis, gbk, "
                    "latin-1 and others that Python knows"
                ) from None
        if self.range is not None and not -float("inf") < self.range[0] < self.range[1] < float("inf"):
            low, high = self.range
            raise DataError(f"the range {low:g} to {high:g} is none: the first number must be the smaller")


NOW = Reading()
"""By the newest rules, with nothing chosen."""


def refuse_beyond(reading: Reading, needed: int, what: str) -> None:
    """Refuse what would take more memory than it may, before it takes it; a run begun before goes on.

    Raises
    ------
    DataError
        If it would.
    """
    if reading.rules > 1 and needed > reading.budget:
        raise DataError(
            f"{what} need about {needed / 2**30:.2g} GiB of memory; allowed: {reading.budget / 2**30:.2g} "
            "GiB; use fewer or smaller ones, or allow more when you import them (--memory)"
        )


def refuse_beyond_memory(what: str, needed: int, mend: str, budget: int = BUDGET) -> None:
    """Refuse examples that need more bytes than are allowed, before they take them.

    Raises
    ------
    DataError
        If they do.
    """
    allowed = MOST_BYTES * max(1.0, budget / BUDGET)
    if needed > allowed:
        raise DataError(f"{what} need {needed / 2**30:.1f} GiB; allowed: {allowed / 2**30:g} GiB; {mend}")
