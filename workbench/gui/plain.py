"""Words in the window: a text is text, whatever is in it; markup is only what we ourselves wrote.

Qt takes a text for HTML where it looks like it (labels, tool tips, questions), pyqtgraph always does, and
buttons, menus and tabs take an ``&`` for a key. A name may come from a stranger's file, so all of these texts
go through here; ``tests/gui/test_plain.py`` finds those that do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape
from typing import Any, Protocol

from PySide6.QtCore import QPoint, QSize, Qt, Slot
from PySide6.QtGui import QAction, QColor, QResizeEvent
from PySide6.QtGui import Qt as QtOfTexts
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QMessageBox,
    QStyle,
    QStyleOptionComboBox,
    QTextBrowser,
    QToolTip,
    QTreeWidgetItem,
    QWidget,
)

from workbench.words import tr, visible

LONGEST_TIP = 2_000
"""Letters of a tool tip."""


class Markup(str):
    """HTML of our own, made by :func:`rich` alone."""

    __slots__ = ()


def rich(template: str, *words: str) -> Markup:
    """Our HTML, with words in the places of its ``{}``; what is no markup itself is shown as it is.

    Parameters
    ----------
    template : written out in the code, never made of what a person or a file brought along.
    """
    shown = (each if isinstance(each, Markup) else _escaped(each) for each in words)
    return Markup(tr(template).format(*shown))


def joined(separator: Markup, parts: Iterable[Markup]) -> Markup:
    """Pieces of markup, one behind the other."""
    return Markup(separator.join(parts))


def coloured(text: str, colour: str) -> Markup:
    """Words in a colour; in that of the text around them where it is none."""
    known = QColor(colour)
    return (
        rich('<span style="color:{}">{}</span>', known.name(), text) if known.isValid() else rich("{}", text)
    )


def unbroken(text: str) -> Markup:
    """Words that stay on one line, units such as m/s² included."""
    return Markup(re.sub(r"(?<=\w)/(?=\w)", "/&#8288;", _escaped(text)).replace(" ", "&nbsp;"))


def legend(entries: Iterable[tuple[str, str, str]]) -> Markup:
    """Signs in their colours, each with its name: ``(sign, colour, name)``."""
    named = (rich("{}&nbsp;{}", coloured(sign, colour), unbroken(name)) for sign, colour, name in entries)
    return joined(Markup(" &nbsp; "), named)


def _escaped(text: str) -> str:
    return escape(_seen(text))


def _seen(text: str) -> str:
    """The text, line by line, with what cannot be seen in it as pictures."""
    return "\n".join(map(visible, text.split("\n")))


class Label(QLabel):
    """A text in the window; only :class:`Markup` is taken for HTML."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)

    def setText(self, text: str) -> None:
        formats = Qt.TextFormat
        super().setTextFormat(formats.RichText if isinstance(text, Markup) else formats.PlainText)
        super().setText(text if isinstance(text, Markup) else _seen(text))


class Elided(Label):
    """A plain text of one line that gives way: cut where there is no room, and whole in the tool tip."""

    LEAST = 60

    def setText(self, text: str) -> None:
        self._whole = _seen(text)
        set_tip(self, text)
        self.setAccessibleName(self._whole)
        self._fit()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 1, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        return QSize(min(hint.width(), self.LEAST), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        right = Qt.TextElideMode.ElideRight
        super().setText(self.fontMetrics().elidedText(self._whole, right, self.width()))


class Chooser(QComboBox):
    """Offers names that may be long: one is cut where there is no room, and whole in the tool tip.

    Parameters
    ----------
    about : what is chosen; the rest of the tool tip.
    """

    def __init__(self, about: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._about = about
        self.currentTextChanged.connect(self.tell)
        self.tell()

    @Slot()
    def tell(self) -> None:
        """Say what is chosen in the tool tip; for whoever changes it silently."""
        set_tip(self, f"{self.currentText()}\n{self._about}".strip())

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        box, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room, middle = self.style().subControlRect(box, option, field, self), Qt.TextElideMode.ElideMiddle
        text: str = option.currentText
        option.currentText = self.fontMetrics().elidedText(text, middle, room.width())


class Page(QTextBrowser):
    """A page of our own markup, to be read."""

    def __init__(self, text: Markup, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenExternalLinks(True)
        self.write(text)

    def write(self, text: Markup) -> None:
        """Put another text on the page."""
        super().setHtml(text)


class Question(QMessageBox):
    """A question to the person, in plain words."""

    def __init__(self, title: str, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setIcon(QMessageBox.Icon.Question)
        name_window(self, title)
        self.setText(_seen(text))


class _Tipped(Protocol):
    def setToolTip(self, text: str, /) -> None: ...


def tip(text: str) -> str:
    """A text as Qt shows it in a tool tip."""
    if isinstance(text, Markup):
        return text
    if len(text) > LONGEST_TIP:
        text = f"{text[: LONGEST_TIP - 1]}…"
    text = _seen(text)
    if not QtOfTexts.mightBeRichText(text):
        return text
    return rich('<span style="white-space:pre-wrap">{}</span>', text)


def set_tip(target: _Tipped, text: str) -> None:
    """Give a widget, an action or an item its tool tip; an action says it in the status bar as well."""
    target.setToolTip(tip(text))
    if isinstance(target, QAction):
        target.setStatusTip(_seen(text))


def set_tree_tip(item: QTreeWidgetItem, column: int, text: str) -> None:
    """The same of one column of a tree's item."""
    item.setToolTip(column, tip(text))


def tipped(words: Callable[..., str]) -> Callable[..., str]:
    """What makes the tool tips of a plot's points."""

    def made(*point: object, **more: object) -> str:
        return tip(words(*point, **more))

    return made


def show_tip(place: QPoint, text: str, widget: QWidget) -> None:
    """Show a tool tip at a place of the screen; an empty text hides it."""
    QToolTip.showText(place, tip(text), widget)


def without_keys(text: str) -> str:
    """A text for a button, a menu or a tab, where a single ``&`` would mean a key."""
    return visible(text).replace("&", "&&")


def with_key(label: str, taken: set[str]) -> str:
    """A label with the first of its letters that is not taken as its key, which then is."""
    free = next((letter for letter in label if letter.isalpha() and letter.lower() not in taken), "")
    taken.add(free.lower())
    return label.replace(free, f"&{free}", 1) if free else label


def name_window(window: QWidget, text: str) -> None:
    """Give a window its title; ``[*]`` would be the place of a sign of Qt's."""
    window.setWindowTitle(visible(text).replace("[*]", "[*][*]"))


def set_title(plot: Any, text: str, **style: str) -> None:
    """Write a text above a plot of pyqtgraph's."""
    plot.setTitle(rich("{}", text), **style)
