"""What the data is: classes and examples by split, groups, hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from workbench.config import SPLITS, Drifts, TaskConfig
from workbench.gui.plain import set_tip
from workbench.gui.setup.task_data import Opened
from workbench.gui.setup.widgets import muted_label
from workbench.settings import fields_of
from workbench.words import shown, tr

MOST_LISTED = 4
_HASH_DIGITS = 12


class DataFacts(QWidget):
    """A small table of what a task family says: numbers by split in columns, the rest in words."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("data_summary")
        self.setAccessibleName(tr("Data summary"))
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(1)
        for column in range(1, 1 + len(SPLITS)):
            self._grid.setColumnStretch(column, 1)

    def show_data(self, opened: Opened | None) -> None:
        """Describe a family, or nothing."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        if opened is None:
            return
        fields = fields_of(type(opened.config))
        facts = {
            name: fields[name].title_of(value) if name in fields and value in fields[name].choices else value
            for name, value in opened.description.items()
            if name != "path"
        }
        tables = {name: value for name, value in facts.items() if _by_split(value)}
        if tables:
            for column, split in enumerate(SPLITS, 1):
                self._put(0, column, tr(split), "")
        for name, counts in tables.items():
            row = self._put_name(name)
            for column, split in enumerate(SPLITS, 1):
                self._put(row, column, f"{counts[split]:,}" if split in counts else "", "")
        for name, value in facts.items():
            if name not in tables:
                self._put(self._put_name(name), 1, *_in_words(value), span=len(SPLITS))
        if notes := opened.family.notes:
            text = tr("{:,} on how it is read", len(notes))
            tip = "\n".join(shown(each, 2000) for each in notes)
            self._put(self._put_name("notes"), 1, text, tip, span=len(SPLITS))
        stream = told_of_stream(opened.config)
        if stream:
            self._put(self._grid.rowCount(), 0, stream, "", span=1 + len(SPLITS))
        row = self._put_name("data_hash")
        self._put(row, 1, opened.data_hash[:_HASH_DIGITS], f"SHA-256 {opened.data_hash}", span=len(SPLITS))

    def _put_name(self, name: str) -> int:
        row = self._grid.rowCount()
        text = name.replace("_", " ")
        self._put(row, 0, text[:1].upper() + text[1:], "")
        return row

    def _put(self, row: int, column: int, text: str, tip: str, span: int = 1) -> None:
        label = muted_label(text)
        set_tip(label, tip)
        if column:
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._grid.addWidget(label, row, column, 1, span, Qt.AlignmentFlag.AlignTop)


def told_of_stream(config: TaskConfig) -> str:
    """That training is a stream that drifts, in a line; empty where it does not."""
    drift = config.drift if isinstance(config, Drifts) else None
    if drift is None:
        return ""
    parameter = getattr(drift, "parameter", "")
    part = tr("range of {}", parameter) if parameter else tr("training classes")
    return tr("Training is a stream of {} segments, each with a part of the {}.", drift.segments, part)


def _by_split(value: object) -> TypeGuard[Mapping[str, int]]:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and set(value) <= set(SPLITS)
        and all(isinstance(each, int) for each in value.values())
    )


def _in_words(value: object) -> tuple[str, str]:
    """A value of a family's description: short, and in full."""
    if isinstance(value, Mapping):
        parts = [(key, *_in_words(each)) for key, each in value.items()]
        short = "; ".join(f"{key}: {text}" for key, text, _ in parts)
        return short, "; ".join(f"{key}: {full}" for key, _, full in parts)
    if isinstance(value, list | tuple):
        texts = [_in_words(each)[0] for each in value]
        if value and all(isinstance(each, int) for each in value):
            return " × ".join(texts), ""
        if len(value) == 2 and all(isinstance(each, int | float) for each in value):
            return tr(" to ").join(texts), ""
        few = ", ".join(texts[:MOST_LISTED])
        return few + (f", … ({len(texts)})" if len(texts) > MOST_LISTED else ""), ", ".join(texts)
    if isinstance(value, bool):
        return tr("yes") if value else tr("no"), ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text, text
