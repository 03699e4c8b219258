"""What a search is."""

from __future__ import annotations

from typing import Protocol


class Search(Protocol):
    """Examples by number. What takes long to make (a sound project) is made once, with the search."""

    def example(self, number: int) -> str:
        """Try the example of that number; what was wrong in one line, empty if nothing was."""
