"""The widget for a value that is typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSettings, QStringListModel, Qt, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from workbench.gui import theme
from workbench.settings import Field
from workbench.settings.fields import UNSET, text_of
from workbench.settings.texts import folded, read, stepped

RECENT = 8
_KEEP_FREE = 40  # pixels for the number, before the unit may be shown


class LineField(QLineEdit):
    """A value that is typed; its unit is written into the field, at the right."""

    edited = Signal(object)
    finished = Signal()

    def __init__(self, spec: Field, recent_key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.input: QWidget = self
        self.offered: list[QAction] = []
        """What its context menu offers beside what is done to any text."""

        self._spec, self._recent_key, self._bad = spec, f"recent/{recent_key}", False
        self.setMinimumWidth(60)
        self.setAcceptDrops(False)  # what is dropped is for the panel
        self.setPlaceholderText(spec.empty)
        self._recent = QStringListModel(self)
        completer = QCompleter(self._recent, self)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.setCompleter(completer)
        completer.activated.connect(self._typed)
        self.textEdited.connect(self._typed)
        self.editingFinished.connect(self._finish)

    def show_value(self, value: object, *, settled: bool) -> None:
        text = folded(self._spec, value)
        if text == self.text():
            return
        typed = read(self._spec, self.text())
        if settled if typed is UNSET else typed != value:
            self.setText(text)
            if not self.hasFocus():
                self.setCursorPosition(0)  # shows the beginning

    def set_bad(self, bad: bool) -> None:
        if bad != self._bad:
            self._bad = bad
            self.update()

    @Slot(str)
    def _typed(self, text: str) -> None:
        self.edited.emit(read(self._spec, text))

    @Slot()
    def _finish(self) -> None:
        self.finished.emit()
        text = self.text().strip()
        if self._spec.shape == "list" and text and not self._bad:
            self.setText(folded(self._spec, read(self._spec, text)))
        if text and not self._bad and text != text_of(self._spec.default):
            settings = QSettings()
            kept = [each for each in _texts(settings.value(self._recent_key)) if each != text]
            settings.setValue(self._recent_key, [text, *kept][:RECENT])

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._recent.setStringList(_texts(QSettings().value(self._recent_key)))
        super().focusInEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and _is_undo(event):
            event.ignore()  # the window undoes, not the field
            return False
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_undo(event):
            event.ignore()
            return
        up = event.key() == Qt.Key.Key_Up
        if self._spec.shape == "number" and (up or event.key() == Qt.Key.Key_Down):
            value = stepped(self._spec, read(self._spec, self.text()), up)
            self.setText(text_of(value))
            self.edited.emit(value)
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.createStandardContextMenu()
        menu.setParent(self, Qt.WindowType.Popup)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.offered:
            menu.addSeparator()
            menu.addActions(self.offered)
        menu.popup(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:
        unit, width = self._spec.unit, 0
        if unit:
            small = self.font()
            small.setPointSizeF(small.pointSizeF() * 0.85)
            width = QFontMetrics(small).horizontalAdvance(unit) + 4
            width = width if self.width() - width > self._free() else 0
        if self.textMargins().right() != width:
            self.setTextMargins(0, 0, width, 0)
        super().paintEvent(event)
        painter = QPainter(self)
        if width:
            painter.setPen(QColor(theme.muted()))
            painter.setFont(small)
            place = self.rect().adjusted(0, 0, -5, 0)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, unit)
        if self._bad:
            frame(painter, self)

    def _free(self) -> int:
        return max(_KEEP_FREE, self.fontMetrics().horizontalAdvance(self.text()) + 10)


def _texts(value: object) -> list[str]:
    """A list of texts out of the settings, where a list of one may come back as the one."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value else []


def _is_undo(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and (
        event.matches(QKeySequence.StandardKey.Undo) or event.matches(QKeySequence.StandardKey.Redo)
    )


def frame(painter: QPainter, widget: QWidget) -> None:
    """Mark a widget whose value is bad."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(theme.wrong()))
    painter.drawRoundedRect(widget.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)
