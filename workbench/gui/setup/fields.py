"""Widgets for single values. Each shows what the draft holds and tells what the person makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import (
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QToolButton,
    QWidget,
)

from workbench.gui.plain import set_tip
from workbench.gui.setup.line_field import LineField, frame
from workbench.settings import Field
from workbench.settings.fields import UNSET
from workbench.words import tr


class FieldWidget(Protocol):
    """What a form asks of a field's widget.

    Attributes
    ----------
    edited : the new value, while it is typed; UNSET for the default.
    finished : the person is done with the field for now.
    input : the widget that has the focus and the object name.
    """

    edited: SignalInstance
    finished: SignalInstance
    input: QWidget

    def show_value(self, value: object, *, settled: bool) -> None:
        """Show a value; ``settled`` if nothing that is being typed may stay."""

    def set_bad(self, bad: bool) -> None:
        """Mark the value as one that cannot be used."""


class CheckField(QCheckBox):
    """Yes or no."""

    edited = Signal(object)
    finished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.input: QWidget = self
        self.clicked.connect(self._clicked)

    def show_value(self, value: object, *, settled: bool) -> None:
        self.setChecked(value is True)

    def set_bad(self, bad: bool) -> None:
        """A tick is never bad, except in a file that was written by hand."""

    @Slot(bool)
    def _clicked(self, on: bool) -> None:
        self.edited.emit(on)
        self.finished.emit()


class ChoiceField(QComboBox):
    """One of a few; a value that is none of them (from a file) is shown all the same."""

    edited = Signal(object)
    finished = Signal()

    def __init__(
        self, choices: Sequence[tuple[str, object]], parent: QWidget | None = None, *, empty: str = ""
    ) -> None:
        super().__init__(parent)
        self.input: QWidget = self
        self._values: list[object] = []
        self.offer([*([(empty, None)] if empty else []), *choices])
        self._bad = False
        self.setMinimumContentsLength(5)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.activated.connect(self._chosen)

    def offer(self, choices: Sequence[tuple[str, object]]) -> None:
        """Have other choices."""
        self.clear()
        self._values.clear()
        for text, value in choices:
            self._add(text, value)

    def show_value(self, value: object, *, settled: bool) -> None:
        for index, each in enumerate(self._values):
            if each == value and isinstance(each, bool) == isinstance(value, bool):
                self.setCurrentIndex(index)
                return
        self._add(str(value), value)
        self.setCurrentIndex(self.count() - 1)

    def set_bad(self, bad: bool) -> None:
        self._bad = bad
        self.update()

    def _add(self, text: str, value: object) -> None:
        self.addItem(text)
        self._values.append(value)

    @Slot(int)
    def _chosen(self, index: int) -> None:
        value = self._values[index]
        self.edited.emit(UNSET if value is None else value)
        self.finished.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # scrolls the panel instead

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._bad:
            frame(QPainter(self), self)


class PathField(QWidget):
    """A file or a folder: typed, or chosen."""

    edited = Signal(object)
    finished = Signal()

    def __init__(self, spec: Field, recent_key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = LineField(spec, recent_key)
        self.input: QWidget = self.line
        self.line.setPlaceholderText(tr("folder or file"))
        browse = QToolButton()
        browse.setText("…")
        browse.setAccessibleName(tr("Browse"))
        set_tip(browse, tr("Browse for a folder or a file"))
        browse.setObjectName("browse")
        browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(browse)
        menu.addAction(tr("File…")).triggered.connect(self._browse_file)
        menu.addAction(tr("Folder…")).triggered.connect(self._browse_folder)
        browse.setMenu(menu)
        browse.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.line, 1)
        layout.addWidget(browse)
        self.line.edited.connect(self.edited)
        self.line.finished.connect(self._finish)

    def show_value(self, value: object, *, settled: bool) -> None:
        self.line.show_value(value, settled=settled)

    def set_bad(self, bad: bool) -> None:
        self.line.set_bad(bad)

    @Slot()
    def _finish(self) -> None:
        if self.line.text().startswith("~"):  # the user's folder: what opens the data does not know it
            self.edited.emit(str(Path(self.line.text()).expanduser()))
        self.finished.emit()

    @Slot()
    def _browse_file(self) -> None:
        start = str(Path(self.line.text()).parent) if self.line.text() else ""
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Choose data"), start, tr("Data (*.zip *.npz *.csv *.tsv *.json *.jsonl *.ndjson)")
        )
        self._take(path)

    @Slot()
    def _browse_folder(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, tr("Choose a folder"), self.line.text()))

    def _take(self, path: str) -> None:
        if path:
            self.edited.emit(path)
            self.finished.emit()


def make_field(
    spec: Field, recent_key: str, choices: Sequence[tuple[str, object]] | None = None
) -> FieldWidget:
    """The widget for a field."""
    if choices is None and spec.shape == "choice":
        choices = [(spec.title_of(choice), choice) for choice in spec.choices]
    if choices is not None:
        may_be_empty = spec.optional and spec.where is None  # else the task's default would be filled in
        return ChoiceField(choices, empty=spec.empty or ("–" if may_be_empty else ""))
    if spec.shape == "switch":
        return CheckField()
    if spec.shape == "path":
        return PathField(spec, recent_key)
    return LineField(spec, recent_key)
