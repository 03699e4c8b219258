"""The page of what is selected: what it is, what it reached, notes and tags, and what can be done next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QCursor, QFocusEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QCompleter,
    QFrame,
    QGridLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench.gui import theme
from workbench.gui.plain import Elided, Label, Markup, coloured, joined, rich, set_tip, show_tip
from workbench.gui.run_facts import HASH, RunFacts
from workbench.gui.run_queue import CAN_GO_ON
from workbench.gui.runs_model import RunsModel
from workbench.gui.session import Session
from workbench.project import RunRecord

KEEP_MILLISECONDS = 800
"""After the last letter, until notes are written to the project."""
ACROSS = 3
"""Buttons in a row."""


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
        self._ways: list[QToolButton] = []
        self._go_on: QToolButton | None = None
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
        self._more = QToolButton()
        self._more.setObjectName("run_configuration")
        self._more.setText("Configuration")
        self._more.setCheckable(True)
        self._more.setAutoRaise(True)
        self._more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        set_tip(self._more, "All settings of these runs")
        self._more.toggled.connect(self._fill)
        self._settings = _facts_label("run_settings")
        self.tags = _Tags()
        self.tags.editingFinished.connect(self.keep)
        self.notes = _Notes()
        self.notes.left.connect(self._leave)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(KEEP_MILLISECONDS)
        self._timer.timeout.connect(self.keep)
        self.notes.textChanged.connect(self._timer.start)
        self._body = QWidget()
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 4, 0)
        body.setSpacing(4)
        for widget in (self._state, self._told, self.tags, self.notes, self._more, self._settings):
            body.addWidget(widget)
        body.addStretch(1)
        scroll = QScrollArea()
        scroll.setObjectName("run_scroll")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._body)
        self._hint = Label("Select runs in the tree, or in a chart, to see what they are.")
        self._hint.setWordWrap(True)
        self._buttons = QGridLayout()
        self._buttons.setSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._title)
        layout.addWidget(self._hint)
        layout.addWidget(scroll)
        layout.addLayout(self._buttons)
        layout.addStretch(0)
        self._scroll = scroll

        session.data.selection_changed.connect(self._select)
        session.data.listed.connect(self._fill)
        session.data.grew.connect(self._grew)
        session.leaving.connect(self._leave)
        self._watch = theme.ThemeWatch(self)
        self._watch.changed.connect(self._fill)
        self._fill()

    def add_actions(self, actions: Sequence[QAction], exports: Sequence[QAction]) -> None:
        """The ways on from here: a button for each, and one for all exports."""
        export = QToolButton()
        export.setObjectName("run_export")
        export.setText("Export")
        export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_tip(export, "Write these runs down, so that others can do them again")
        menu = QMenu(export)
        menu.addActions(list(exports))
        export.setMenu(menu)
        for number, action in enumerate([*actions[:2], None, *actions[2:]]):
            button = export
            if action is not None:
                button = QToolButton()
                button.setDefaultAction(action)
                button.setObjectName(action.objectName().replace("action", "run"))
                button.setAccessibleName(action.iconText())
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._buttons.addWidget(button, number // ACROSS, number % ACROSS)
            self._ways.append(button)
            if action is not None and action.objectName() == "action_resume":
                self._go_on = button

    def enter(self) -> None:
        """Put the keyboard to where something can be written."""
        (self.notes if self.notes.isVisible() else self.tags).setFocus(Qt.FocusReason.TabFocusReason)

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
        self._title.setVisible(bool(runs))
        self._scroll.setVisible(bool(runs))
        able = any(run.status in CAN_GO_ON and run.id != self._session.queue.running for run in runs)
        for button in self._ways:
            button.setVisible(bool(runs) and (able or button is not self._go_on))
        if not runs:
            return
        one = runs[0] if len(runs) == 1 else None
        self._title.setText(self._facts.title(runs))
        state = self._says.state_of(one) if one is not None else ""
        wrong = one is not None and self._says.is_wrong(one)
        self._state.setText(coloured(state, theme.wrong()) if wrong else state)
        self._state.setVisible(bool(state))
        rows = self._facts.of_one(one) if one is not None else self._facts.of_several(runs)
        parts = [_table(rows)]
        if one is not None:
            links = [
                rich('{}&nbsp;<a href="{}">{}</a>', title, each, each[:HASH])
                for title, each in self._facts.hashes(one)
            ]
            hashes = _line("Hashes", joined(rich(" &nbsp; "), links))
            parts += [rich("<table>{}</table>", hashes)] if links else []
            parts.append(_grid(self._facts.by_step(one)))
        _say(self._told, _all(parts))
        opened = self._more.isChecked()
        self._more.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self._settings.setVisible(opened)
        if opened:
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
        show_tip(QCursor.pos(), "Copied", self._told)

    @Slot(str)
    def _tell_whole(self, whole: str) -> None:
        show_tip(QCursor.pos(), f"{whole}: a click copies it" if whole else "", self._told)

    # --- what is written ---------------------------------------------------------------------------

    @Slot()
    def keep(self) -> None:
        """Write notes and tags to the project, if they are others."""
        self._timer.stop()
        runs, text = self._runs(), self.notes.toPlainText()
        if len(runs) == 1 and text != runs[0].notes:
            self._session.change_runs("Change notes", {runs[0].id: {"notes": text}}, typing=self._typing)
        if self.tags.isModified():
            self.tags.setModified(False)
            before, after = _common(runs), self.tags.tags()
            gone = [tag for tag in before if tag not in after]
            self._session.change_tags("Change tags", self._of, add=after, remove=gone)

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


def _line(title: str, text: Markup) -> Markup:
    faint = coloured(title, theme.muted())
    return rich('<tr><td style="padding-right: 12px">{}</td><td>{}</td></tr>', faint, text)


def _all(parts: Iterable[Markup]) -> Markup:
    return joined(rich(""), parts)


def _table(rows: Sequence[tuple[str, str]]) -> Markup:
    return rich("<table>{}</table>", _all(_line(title, rich("{}", text)) for title, text in rows))


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
        self.setAccessibleName("Notes on the run")
        self.setPlaceholderText("Notes")
        set_tip(self, "Notes on the run; they are kept while you type")
        self.setTabChangesFocus(True)
        self.setFixedHeight(64)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class _Tags(QLineEdit):
    """Tags, with commas between them; known ones are offered."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[str] = []
        self.setObjectName("run_tags")
        self.setAccessibleName("Tags of the selected runs")
        self.setPlaceholderText("Tags")
        set_tip(self, "Tags, with commas between them; of several runs those that all have. Enter keeps them")

    def show_tags(self, tags: Sequence[str], known: set[str]) -> None:
        """Show tags, and offer what is known."""
        self._shown = list(tags)
        self.setText(", ".join(tags))
        completer = _Last(sorted(known), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompleter(completer)

    def tags(self) -> list[str]:
        """What stands in it."""
        return list(dict.fromkeys(tag for each in self.text().split(",") if (tag := each.strip())))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.setText(", ".join(self._shown))
        super().keyPressEvent(event)


class _Last(QCompleter):
    """Completes the last of several words with commas between them."""

    def splitPath(self, path: str) -> list[str]:
        return [path.rpartition(",")[2].strip()]

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        before, comma, _ = self.widget().text().rpartition(",")  # type: ignore[attr-defined]
        return f"{before}{comma}{' ' * bool(comma)}{super().pathFromIndex(index)}"
