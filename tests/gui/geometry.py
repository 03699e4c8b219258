"""What is wrong with a window as it is laid out: a text that is cut, widgets over each other or beyond an
edge, what is too small to be hit, colours too near each other, a panel that holds nothing without a word.

A text may be elided where the whole of it is in the tool tip, and what is scrolled may be out of sight.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations

from PySide6.QtCore import QModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QImage, QPalette, QTextDocumentFragment
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDockWidget,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenuBar,
    QPushButton,
    QScrollBar,
    QSlider,
    QSplitter,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStyleOptionTab,
    QTabBar,
    QToolButton,
    QTreeView,
    QWidget,
)

from workbench.analysis.colours import contrast
from workbench.gui.charts.base import Chart

LEAST_TARGET = 20
LEAST_PANEL = 80
LEAST_CONTRAST, LEAST_DISABLED = 4.5, 3.0
SLACK = 1
"""Pixels by which rounding may miss."""

TARGETS = QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QSlider
OF_QT = QLineEdit, QAbstractSpinBox, QComboBox, QTabBar, QAbstractItemView, QScrollBar, QSplitter, QMenuBar
"""Widgets whose insides Qt lays out itself."""

SHOWN = Qt.ItemDataRole.DisplayRole
TIP = Qt.ItemDataRole.ToolTipRole


def faults(window: QWidget) -> list[str]:
    """Everything that is wrong, in sentences that name the widgets."""
    seen = [each for each in [window, *window.findChildren(QWidget)] if _is_seen(each)]
    picture = window.grab().toImage()
    found = [
        *cut(seen),
        *overlapping(seen),
        *outside(seen),
        *too_small(seen),
        *pale(seen, window, picture),
        *empty(seen),
    ]
    return list(dict.fromkeys(found))


# --- texts -------------------------------------------------------------------------------------------


def cut(seen: Iterable[QWidget]) -> Iterator[str]:
    """Texts that have less room than they need, and are not told in the tool tip."""
    for widget in seen:
        for text, needed, room, tip in _texts(widget):
            if needed > room + SLACK and _plain(text) not in _plain(tip):
                yield f"{_name(widget)}: {text!r} needs {needed} px, and has {room}"


def _texts(widget: QWidget) -> Iterator[tuple[str, int, int, str]]:
    """Texts of a widget: what it takes, what it has (both across, or both down), and its tool tip."""
    metrics, tip = widget.fontMetrics(), widget.toolTip()
    if isinstance(widget, QLabel):
        yield from _of_label(widget)
    elif isinstance(widget, QAbstractButton) and widget.text():
        text = widget.text()
        size = metrics.size(Qt.TextFlag.TextShowMnemonic, text)
        yield text, size.width(), _room_of_button(widget), tip
        yield text, size.height(), widget.height(), tip
    elif isinstance(widget, QComboBox):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = widget.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, widget)
        yield widget.currentText(), metrics.horizontalAdvance(widget.currentText()), room.width(), tip
    elif isinstance(widget, QAbstractSpinBox):
        field = widget.lineEdit()
        yield widget.text(), metrics.horizontalAdvance(widget.text()), field.width(), tip
    elif isinstance(widget, QLineEdit) and not isinstance(widget.parent(), QAbstractSpinBox | QComboBox):
        margins = 2 * (5 + 2)  # of the style sheet, and Qt's own
        text = widget.text() or widget.placeholderText()
        yield text, metrics.horizontalAdvance(text), widget.width() - margins, f"{tip}\n{widget.text()}"
    elif isinstance(widget, QTabBar):
        yield from _of_tabs(widget)
    elif isinstance(widget, QMenuBar):
        for action in widget.actions():
            place = widget.actionGeometry(action)
            yield action.text(), place.right(), widget.width(), ""
    elif isinstance(widget, QHeaderView):
        yield from _of_header(widget)
    elif isinstance(widget, QAbstractItemView):
        yield from _of_cells(widget)


def _of_label(label: QLabel) -> Iterator[tuple[str, int, int, str]]:
    text, tip = label.text(), label.toolTip()
    if not text.strip():
        return
    if text.endswith("…") and len(tip) > len(text) and _plain(text[:-1]) in _plain(tip):
        return  # elided, with the whole in the tool tip
    margins = label.contentsMargins()
    across = label.width() - margins.left() - margins.right()
    needed = QLabel.sizeHint(label)
    if label.wordWrap():
        longest = max(re.split(r"[\s\u200b\u00a0/-]+", _plain(text)), key=len)
        if not _has_ideographs(longest):
            yield longest, label.fontMetrics().horizontalAdvance(longest), across, ""
        yield text, QLabel.heightForWidth(label, label.width()), label.height(), ""
    else:
        yield text, needed.width() - margins.left() - margins.right(), across, tip
        yield text, needed.height(), label.height(), tip


def _room_of_button(button: QAbstractButton) -> int:
    option = QStyleOptionButton()
    option.initFrom(button)
    option.rect = button.rect()
    if isinstance(button, QCheckBox):
        return button.style().subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, button).width()
    taken = 0
    styles = Qt.ToolButtonStyle
    if isinstance(button, QToolButton):
        beside = button.toolButtonStyle() == styles.ToolButtonTextBesideIcon
        has_icon = not button.icon().isNull() or button.arrowType() != Qt.ArrowType.NoArrow
        if beside and has_icon:
            taken += button.iconSize().width()
        if button.menu() is not None:
            taken += button.style().pixelMetric(QStyle.PixelMetric.PM_MenuButtonIndicator, None, button) // 2
    elif isinstance(button, QPushButton) and button.menu() is not None:
        taken += button.style().pixelMetric(QStyle.PixelMetric.PM_MenuButtonIndicator, None, button)
    return button.width() - taken


def _of_tabs(tabs: QTabBar) -> Iterator[tuple[str, int, int, str]]:
    for at in range(tabs.count()):
        rect = tabs.tabRect(at)
        if not tabs.isTabVisible(at) or not tabs.rect().intersects(rect):
            continue
        option = QStyleOptionTab()
        tabs.initStyleOption(option, at)
        room = tabs.style().subElementRect(QStyle.SubElement.SE_TabBarTabText, option, tabs).width()
        text = tabs.tabText(at)
        needed = tabs.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, text).width()
        yield text, needed, room, tabs.tabToolTip(at)


def _of_header(header: QHeaderView) -> Iterator[tuple[str, int, int, str]]:
    model, across = header.model(), header.orientation() is Qt.Orientation.Horizontal
    for section in range(header.count()) if model is not None else ():
        start, size = header.sectionViewportPosition(section), header.sectionSize(section)
        if (
            header.isSectionHidden(section)
            or start + size < 0
            or start > (header.width() if across else header.height())
        ):
            continue
        text = str(model.headerData(section, header.orientation()) or "")
        tip = str(model.headerData(section, header.orientation(), TIP) or "")
        needed = header.fontMetrics().horizontalAdvance(text)
        yield text, needed, (size if across else header.width()) - 4, tip


def _of_cells(view: QAbstractItemView) -> Iterator[tuple[str, int, int, str]]:
    for index in _indexes(view):
        text, rect = str(index.data(SHOWN) or ""), view.visualRect(index)
        if text and view.indexWidget(index) is None:
            needed = view.sizeHintForIndex(index).width()
            yield text, needed, rect.width(), str(index.data(TIP) or "")


def _indexes(view: QAbstractItemView) -> Iterator[QModelIndex]:
    """What is on the screen, all columns of it."""
    model = view.model()
    if model is None:
        return
    first = view.indexAt(QPoint(1, 1))
    index = first
    while index.isValid() and view.visualRect(index).top() < view.viewport().height():
        cell = index.siblingAtColumn(0)
        while cell.isValid():
            if view.visualRect(cell).intersects(view.viewport().rect()):
                yield cell
            cell = cell.siblingAtColumn(cell.column() + 1)
        if isinstance(view, QTreeView):
            index = view.indexBelow(index)
        else:
            index = index.sibling(index.row() + 1, index.column())


# --- places ------------------------------------------------------------------------------------------


def overlapping(seen: Iterable[QWidget]) -> Iterator[str]:
    """Widgets of one parent that are over each other."""
    siblings: dict[QWidget, list[QWidget]] = {}
    for widget in seen:
        parent = widget.parentWidget()
        if (
            parent is not None
            and not widget.isWindow()
            and not isinstance(parent, OF_QT)
            and not _is_qt_s(widget)
        ):
            siblings.setdefault(parent, []).append(widget)
    for children in siblings.values():
        for one, other in combinations(children, 2):
            shared = one.geometry() & other.geometry()
            if shared.width() > SLACK and shared.height() > SLACK and not _is_laid_over(one, other):
                yield f"{_name(one)} and {_name(other)} overlap by {shared.width()}×{shared.height()} px"


def _is_laid_over(one: QWidget, other: QWidget) -> bool:
    """Whether one of them is a hint that the other shows in place of its content."""
    through = Qt.WidgetAttribute.WA_TransparentForMouseEvents
    return any(each.testAttribute(through) for each in (one, other))


def outside(seen: Iterable[QWidget]) -> Iterator[str]:
    """Widgets of which a part is beyond their parent's edge, and cannot be scrolled to."""
    for widget in seen:
        parent = widget.parentWidget()
        if parent is None or widget.isWindow() or isinstance(parent, OF_QT) or _is_qt_s(widget):
            continue
        if isinstance(parent.parentWidget(), QAbstractScrollArea):  # the viewport
            continue
        room = parent.rect().adjusted(-SLACK, -SLACK, SLACK, SLACK)
        if not room.contains(widget.geometry()):
            place = widget.geometry()
            yield f"{_name(widget)} at {_rect(place)} is beyond {parent.width()}×{parent.height()}"


def too_small(seen: Iterable[QWidget]) -> Iterator[str]:
    """What can hardly be hit, or be read."""
    for widget in seen:
        if isinstance(widget, QAbstractItemView):
            for index in _indexes(widget):
                if widget.visualRect(index).height() < LEAST_TARGET and index.column() == 0:
                    yield f"{_name(widget)} has rows of {widget.visualRect(index).height()} px"
        if isinstance(widget, QDockWidget):
            inside = widget.widget()
            if min(inside.width(), inside.height()) < LEAST_PANEL:
                yield f"{_name(widget)} has only {inside.width()}×{inside.height()} px"
        if not isinstance(widget, TARGETS) or isinstance(widget.parent(), OF_QT) or _is_qt_s(widget):
            continue
        if widget.focusPolicy() is Qt.FocusPolicy.NoFocus and widget.toolTip():
            continue  # a short way with the mouse to what is elsewhere, too
        if min(widget.width(), widget.height()) < LEAST_TARGET:
            yield f"{_name(widget)} can hardly be hit: {widget.width()}×{widget.height()} px"
    for bar in seen:
        if bar.objectName() == "qt_toolbar_ext_button":
            yield "a tool bar has no room for all that is in it"


# --- colours -----------------------------------------------------------------------------------------


def pale(seen: Iterable[QWidget], window: QWidget, picture: QImage) -> Iterator[str]:
    """Texts whose colour is too near what is behind them, which is looked up in a picture of the window."""
    for widget in seen:
        text = getattr(widget, "text", None)
        if not isinstance(widget, QLabel | QAbstractButton | QLineEdit) or not text() or _is_qt_s(widget):
            continue
        behind = _behind(widget, window, picture)
        least = LEAST_CONTRAST if widget.isEnabled() else LEAST_DISABLED
        for colour in _colours(widget):
            if contrast(colour, behind) < least:
                yield f"{_name(widget)}: {colour} on {behind} is {contrast(colour, behind):.2f}:1"


def _colours(widget: QWidget) -> set[str]:
    roles = QPalette.ColorRole
    role = widget.foregroundRole()
    if isinstance(widget, QLineEdit):
        role = roles.Text
    elif isinstance(widget, QAbstractButton):
        role = roles.WindowText if isinstance(widget, QCheckBox) else roles.ButtonText
    text = str(widget.property("text"))
    spans = set(re.findall(r"color:\s*(#[0-9a-f]{6})", text)) if isinstance(widget, QLabel) else set()
    signs = re.findall(r'color:(#[0-9a-f]{6})">([^<]*)<', text)
    spans -= {colour for colour, sign in signs if not any(map(str.isalnum, sign))}  # a sign is no text
    return {widget.palette().color(role).name(), *spans}


def _behind(widget: QWidget, window: QWidget, picture: QImage) -> str:
    """The colour that most of a widget has."""
    scale = picture.devicePixelRatio()
    corner = widget.mapTo(window, QPoint(0, 0))
    rect = widget.visibleRegion().boundingRect().translated(corner)
    place = QRect(
        round(rect.x() * scale),
        round(rect.y() * scale),
        round(rect.width() * scale),
        round(rect.height() * scale),
    )
    part = picture.copy(place).convertToFormat(QImage.Format.Format_RGB32)
    step = max(1, part.width() // 60)
    colours = Counter(
        part.pixelColor(x, y).name() for x in range(0, part.width(), step) for y in range(part.height())
    )
    return colours.most_common(1)[0][0]


# --- content -----------------------------------------------------------------------------------------


def empty(seen: Iterable[QWidget]) -> Iterator[str]:
    """Charts and lists that hold nothing, and do not say why."""
    for widget in seen:
        if isinstance(widget, Chart):
            if not widget.hint and widget.figure() is None:
                yield f"{_name(widget)} shows nothing, and does not say why"
        elif isinstance(widget, QAbstractItemView) and not isinstance(widget, QHeaderView):
            model = widget.model()
            said = any(label.isVisible() and label.text() for label in widget.findChildren(QLabel))
            if (model is None or not model.rowCount()) and not said:
                yield f"{_name(widget)} is empty, and does not say why"


# --- words -------------------------------------------------------------------------------------------


def _is_seen(widget: QWidget) -> bool:
    painted = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    return widget.isVisible() and not painted.visibleRegion().isEmpty()


def _is_qt_s(widget: QWidget) -> bool:
    return widget.objectName().startswith("qt_") or (type(widget) is QWidget and not widget.layout())


def _plain(text: str) -> str:
    return QTextDocumentFragment.fromHtml(text).toPlainText() if "<" in text else text


def _has_ideographs(text: str) -> bool:
    return any(ord(letter) > 0x2E80 for letter in text)


def _name(widget: QWidget) -> str:
    """A widget in words: its name, or those of its parents."""
    names, at = [], widget
    while at is not None and not (names and names[-1]):
        names.append(at.objectName())
        at = at.parentWidget()
    return " in ".join([type(widget).__name__, *filter(None, names)])


def _rect(rect: QRect) -> str:
    return f"{rect.x()},{rect.y()} {rect.width()}×{rect.height()}"
