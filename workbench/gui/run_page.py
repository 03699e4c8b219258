"""The page of what is selected: what it is, what it reached, notes and tags, and what can be done next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCursor, QFocusEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QCompleter,
    QFrame,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.gui import theme
from workbench.gui.flow import Flow
from workbench.gui.plain import Elided, Label, Markup, coloured, joined, rich, set_tip, show_tip
from workbench.gui.run_facts import HASH, RunFacts
from workbench.gui.run_queue import CAN_GO_ON
from workbench.gui.runs_model import RunsModel
from workbench.gui.session import Session
from workbench.gui.setup.widgets import Collapsible
from workbench.project import RunRecord
from workbench.words import tr

KEEP_MILLISECONDS = 800
"""After the last letter, until notes are written to the project."""


class RunPage(QWidget):
    """What is known of the selected runs, and what a person writes about them.

    Parameters
    ----------
    model : knows the runs' settings and what they reached.
    """

    def __init__(self, session: Session, model: RunsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._says = session, model.says
        self._facts = RunFacts(session.data, model.tree, model.says)
        self._of: tuple[int, ...] = ()
        self._typing = 1
        self.setObjectName("run_page")
        self._title, self._state = Elided(), Label()
        self._title.setObjectName("run_title")
        self._state.setObjectName("run_state")
        self._state.setWordWrap(True)
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._told = _facts_label("run_facts")
        self._told.linkActivated.connect(self._copy)
        self._told.linkHovered.connect(self._tell_whole)
        self._settings = _facts_label("run_settings")
        more = Collapsible(tr("Configuration"), "run_configuration", self._settings, opened=False)
        more.toggled.connect(self._fill)
        self.tags = _Tags()
        self.tags.editingFinished.connect(self.keep)
        self.notes = _Notes()
        self.notes.left.connect(self._leave)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(KEEP_MILLISECONDS)
        self._timer.timeout.connect(self.keep)
        self.notes.textChanged.connect(self._timer.start)
        inside = QWidget()
        body = QVBoxLayout(inside)
        body.setContentsMargins(0, 0, 4, 0)
        body.setSpacing(4)
        for widget in (self._state, self._told, self.tags, self.notes, more):
            body.addWidget(widget)
        body.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setObjectName("run_scroll")
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(inside)
        self._hint = Label(tr("Select runs in the tree, or in a chart, to see what they are."))
        self._hint.setWordWrap(True)
        self._ways = QWidget()
        ways = Flow(self._ways)
        ways.setContentsMargins(0, 0, 0, 0)
        ways.setSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        for part in (self._title, self._hint, self._scroll, self._ways):
            layout.addWidget(part)

        session.data.selection_changed.connect(self._select)
        session.data.listed.connect(self._fill)
        session.data.grew.connect(self._grew)
        session.leaving.connect(self._leave)
        self._watch = theme.ThemeWatch(self)
        self._watch.changed.connect(self._fill)
        self._fill()

    def add_actions(self, actions: Sequence[QAction], exports: Sequence[QAction]) -> None:
        """The ways on from here: a button for each, and one for all exports."""
        ways, export = self._ways.layout(), QToolButton()
        assert ways is not None
        export.setObjectName("run_export")
        export.setText(tr("Export"))
        export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_tip(export, tr("Write these runs down, so that others can do them again"))
        menu = QMenu(export)
        menu.addActions(list(exports))
        export.setMenu(menu)
        for action in [*actions[:2], None, *actions[2:]]:
            button = export
            if action is not None:
                button = QToolButton()
                button.setDefaultAction(action)
                button.setObjectName(action.objectName().replace("action", "run"))
                button.setAccessibleName(action.iconText())
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            ways.addWidget(button)

    def enter(self) -> None:
        """Put the keyboard to where something can be written."""
        self.write_in(self.tags if self.notes.isHidden() else self.notes)

    def write_in(self, field: QWidget) -> None:
        """Put the keyboard into a field, and bring it into sight."""
        field.setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(field)

    def _runs(self) -> list[RunRecord]:
        return [run for each in self._of if (run := self._session.data.run(each)) is not None]

    # --- what is shown -----------------------------------------------------------------------------

    @Slot()
    def _select(self) -> None:
        self._leave()
        self._of = self._session.data.selected
        self._fill()

    @Slot(object)
    def _grew(self, grown: object) -> None:
        assert isinstance(grown, set)
        if not grown.isdisjoint(self._of):
            self._fill()

    @Slot()
    def _fill(self) -> None:
        runs = self._runs()
        self._hint.setVisible(not runs)
        for part in (self._title, self._scroll, self._ways):
            part.setVisible(bool(runs))
        if not runs:
            return
        able = any(run.status in CAN_GO_ON and run.id not in self._session.queue.going for run in runs)
        for go_on in self._ways.findChildren(QToolButton, "run_resume"):
            go_on.setVisible(able)
        one = runs[0] if len(runs) == 1 else None
        self._title.setText(self._facts.title(runs))
        state = self._says.state_of(one) if one is not None else ""
        wrong = one is not None and self._says.is_wrong(one)
        self._state.setText(coloured(state, theme.wrong()) if wrong else state)
        self._state.setVisible(bool(state))
        rows = self._facts.of_one(one) if one is not None else self._facts.of_several(runs)
        if one is not None:
            links = [
                rich('{}&nbsp;<a href="{}">{}</a>', title, each, each[:HASH])
                for title, each in self._facts.hashes(one)
            ]
            rows.append((tr("Hashes"), joined(rich(" &nbsp; "), links)))
        grid = _grid(self._facts.by_step(one) if one is not None else [])
        _say(self._told, rich("{}{}", _table(rows), grid))
        if not self._settings.isHidden():
            _say(self._settings, _table(self._facts.configuration(runs)))
        self.notes.setVisible(one is not None)
        for field in (self.tags, self.notes):
            field.setReadOnly(self._session.read_only)
        if not self._timer.isActive() and one is not None and one.notes != self.notes.toPlainText():
            blocked = self.notes.blockSignals(True)
            self.notes.setPlainText(one.notes)
            self.notes.blockSignals(blocked)
        if not self.tags.isModified():
            self.tags.show_tags(_common(runs), {tag for run in self._session.data.runs() for tag in run.tags})

    @Slot(str)
    def _copy(self, whole: str) -> None:
        QGuiApplication.clipboard().setText(whole)
        show_tip(QCursor.pos(), tr("Copied"), self._told)

    @Slot(str)
    def _tell_whole(self, whole: str) -> None:
        show_tip(QCursor.pos(), tr("{}: a click copies it", whole) if whole else "", self._told)

    # --- what is written ---------------------------------------------------------------------------

    @Slot()
    def keep(self) -> None:
        """Write notes and tags to the project, if they are others."""
        self._timer.stop()
        runs, text = self._runs(), self.notes.toPlainText()
        if len(runs) == 1 and text != runs[0].notes:
            self._session.change_runs(tr("Change notes"), {runs[0].id: {"notes": text}}, typing=self._typing)
        if self.tags.isModified():
            self.tags.setModified(False)
            before, after = _common(runs), self.tags.tags()
            gone = [tag for tag in before if tag not in after]
            self._session.change_tags(tr("Change tags"), self._of, add=after, remove=gone)

    @Slot()
    def _leave(self) -> None:
        """What is written from now on is another change."""
        self.keep()
        self._typing += 1


def _common(runs: Sequence[RunRecord]) -> list[str]:
    """The tags that all of them have."""
    return [tag for tag in runs[0].tags if all(tag in run.tags for run in runs)] if runs else []


def _facts_label(name: str) -> Label:
    label = Label()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
    return label


def _say(label: Label, text: Markup) -> None:
    """Show a text; the same one leaves what is marked in it alone."""
    if label.text() != text:
        label.setText(text)


def _all(parts: Iterable[Markup]) -> Markup:
    return joined(rich(""), parts)


def _table(rows: Iterable[tuple[str, str]]) -> Markup:
    """Facts beside what they are called."""
    named = ((coloured(title, theme.muted()), text) for title, text in rows)
    lines = (rich('<tr><td style="padding-right: 12px">{}</td><td>{}</td></tr>', *each) for each in named)
    return rich("<table>{}</table>", _all(lines))


def _grid(rows: Sequence[Sequence[str]]) -> Markup:
    """A table of numbers under their headings."""
    cells = (_all(rich('<td style="padding-right: 12px">{}</td>', cell) for cell in row) for row in rows)
    return rich('<table style="margin-top: 6px">{}</table>', _all(rich("<tr>{}</tr>", row) for row in cells))


class _Notes(QPlainTextEdit):
    """Notes on a run; nothing of them is lost, whatever comes next."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("run_notes")
        self.setAccessibleName(tr("Notes on the run"))
        self.setPlaceholderText(tr("Notes"))
        set_tip(self, tr("Notes on the run; they are kept while you type"))
        self.setTabChangesFocus(True)
        self.setFixedHeight(64)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class _Tags(QLineEdit):
    """Tags, with commas between them; known ones are offered."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[list[str], set[str]] | None = None
        self.setObjectName("run_tags")
        self.setAccessibleName(tr("Tags of the selected runs"))
        self.setPlaceholderText(tr("Tags"))
        set_tip(
            self, tr("Tags, with commas between them; of several runs those that all have. Enter keeps them")
        )

    def show_tags(self, tags: Sequence[str], known: set[str]) -> None:
        """Show tags, and offer what is known."""
        if (shown := (list(tags), known)) == self._shown:
            return
        self._shown = shown
        self.setText(", ".join(tags))
        completer = _Last(sorted(known), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompleter(completer)

    def tags(self) -> list[str]:
        """What stands in it."""
        return list(dict.fromkeys(tag for each in self.text().split(",") if (tag := each.strip())))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setText(", ".join(self._shown[0] if self._shown else []))
        super().keyPressEvent(event)


class _Last(QCompleter):
    """Completes the last of several words with commas between them."""

    def splitPath(self, path: str) -> list[str]:
        return [path.rpartition(",")[2].strip()]

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        before, comma, _ = self.widget().text().rpartition(",")  # type: ignore[attr-defined]
        return f"{before}{comma}{' ' * bool(comma)}{super().pathFromIndex(index)}"
