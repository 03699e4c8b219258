"""How long work tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Called with the part done (0 to 1) and what is being done; it may raise, to end the work."""


def silent(done: float, what: str) -> None:
    """For work that nobody watches."""
