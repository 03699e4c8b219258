"""Changes by the person, each of which can be undone."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

from workbench.gui.setup.draft import Draft
from workbench.settings import Path
from workbench.settings.draft import Table
from workbench.settings.fields import UNSET
from workbench.words import tr


class Change(QUndoCommand):
    """From one state of the draft to another.

    Parameters
    ----------
    path : the field that an undo or a redo shows.
    typing : changes with the same number (not 0) and path are one.
    """

    def __init__(self, draft: Draft, after: Table, text: str, path: Path, typing: int) -> None:
        super().__init__(text)
        self.draft, self.before, self.after = draft, draft.state, after
        self.path, self.typing, self.done_before = path, typing, False

    def id(self) -> int:
        return 1

    def redo(self) -> None:
        self._assume(self.after)

    def undo(self) -> None:
        self._assume(self.before)

    def _assume(self, state: Table) -> None:
        self.draft.assume(state)
        if self.done_before:
            self.draft.shown.emit(self.path)
        self.done_before = True

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Change) or not self.typing:
            return False
        if (other.path, other.typing) != (self.path, self.typing) or other.before is not self.after:
            return False
        self.after = other.after
        self.setObsolete(self.before == self.after)
        return True


class Edits(QObject):
    """Carries out what the person does to a draft, through an undo stack."""

    def __init__(self, draft: Draft, undo: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft, self._undo = draft, undo
        self._typing = 1

    def set(self, path: Path, value: object, *, typing: bool = False, text: str = "") -> None:
        """Change a field; while typing, into one command until :meth:`finish`."""
        text = text or tr("Change {}", self.draft.describe(path))
        self.do(text, path, self.draft.with_value(path, value), typing=typing)

    def unset(self, path: Path) -> None:
        """Back to the default."""
        self.do(tr("Reset {}", self.draft.describe(path)), path, self.draft.with_value(path, UNSET))

    def do(self, text: str, path: Path, after: Table, *, typing: bool = False) -> None:
        """Become another state, as one command; ``path`` is what an undo shows."""
        if after != self.draft.state:
            self._undo.push(Change(self.draft, after, text, path, self._typing if typing else 0))
        if not typing:
            self.finish()

    def finish(self) -> None:
        """What is typed from now on is a command of its own."""
        self._typing += 1
