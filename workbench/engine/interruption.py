"""How long work is given up half-way when somebody waits for it."""

from __future__ import annotations

from collections.abc import Callable

Asked = Callable[[], bool]
"""Whether somebody wants the work to be given up; called often, on any thread."""


class AbandonedError(Exception):
    """The work was given up since somebody asked."""


def nobody_asks() -> bool:
    """For work that nobody interrupts."""
    return False


def give_up_if(asked: Asked) -> None:
    """Called between two pieces of work.

    Raises
    ------
    AbandonedError
        If somebody wants the work to be given up.
    """
    if asked():
        raise AbandonedError
