"""The window's painter of figures: what an export would put on paper, to zoom and point at."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.charts.heat_cell import HeatCell
from workbench.gui.charts.picture_cell import PictureCell
from workbench.gui.charts.plot_cell import PlotCell
from workbench.gui.charts.word_cell import WordCell
from workbench.gui.plain import Label, Markup, coloured, joined, legend, rich, set_tip, unbroken
from workbench.pictures import INK, Curve, Figure, Head, Panel
from workbench.words import told_apart, tr

LONGEST_NAME, LONGEST_TITLE = 32, 84
"""Letters of a name in the legend, and above a cell."""

LONGEST_PART = 16
"""Letters of what stays on one line beside a row."""

WIDEST = 16_777_215
"""Qt's own limit of a width: none."""

NARROW = 4
"""From so many columns with heads on, what is said of a cell stands in lines of its own."""

BESIDE, APART, FIRST, OTHERS = 124, 6, 150, 90
"""Pixels of the words beside a row at least, between columns, and of columns without which these words go
above it."""

MOST_BESIDE, PART_BESIDE = 240, 8
"""Pixels of the words beside a row at most, and one in so many of the width."""

SIGNS = {"square": "■", "triangle": "▲", "star": "★", "cross": "✕", "dash": "━"}
"""Of points that are no dots, as a text has them."""

Cell = PlotCell | PictureCell | WordCell | HeatCell


class Board(QWidget):
    """Shows a figure: its panels in rows, and a legend below them.

    Parameters
    ----------
    name : ``objectName``; those of the cells have ``_plot`` behind it, and from the second on their number.
    title : as it is spoken.

    Attributes
    ----------
    picked : something of a learner was clicked: the ids of its runs.
    """

    picked = Signal(object)

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.cells: list[Cell] = []
        self._titles: list[Label] = []
        self._above: list[Label] = []
        self._beside: list[Label] = []
        self._figure: Figure | None = None
        self._crowded = False
        self._time = 1.0
        self._selected: frozenset[int] = frozenset()
        self._inside = QWidget()
        self._inside.setObjectName(f"{name}_inside")
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._grid.setHorizontalSpacing(APART)
        room = QScrollArea(self)
        room.setWidgetResizable(True)
        room.setFrameShape(QScrollArea.Shape.NoFrame)
        room.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # arrow keys scroll
        room.setAccessibleName(title)
        room.setWidget(self._inside)
        self.legend = Label(parent=self)
        self.legend.setObjectName(f"{name}_legend")
        self.legend.setAccessibleName(tr("Legend"))
        self.legend.setWordWrap(True)
        self.legend.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(room, 1)
        layout.addWidget(self.legend)

    @property
    def plots(self) -> list[PlotCell]:
        """The cells that show curves."""
        return [cell for cell in self.cells if isinstance(cell, PlotCell)]

    def show_figure(self, figure: Figure | None) -> None:
        """Draw a figure, or nothing. A panel that is there already is not drawn again."""
        self._figure = figure
        panels = figure.panels if figure is not None else ()
        columns = max(1, min(figure.columns, len(panels))) if figure is not None else 1
        headed = figure is not None and bool(figure.column_heads)
        self._lay_out(panels, columns, headed)
        self._write_heads(figure)
        named = told_apart([panel.title for panel in panels], LONGEST_TITLE)
        for at, (cell, title, panel) in enumerate(zip(self.cells, self._titles, panels, strict=True)):
            text = named[at].replace(" · ", "\n") if headed and columns >= NARROW else named[at]
            title.setText(text)
            side = Qt.AlignmentFlag.AlignLeft if headed else Qt.AlignmentFlag.AlignHCenter
            title.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            title.setVisible(bool(text))
            set_tip(title, panel.title)
            if cell.panel is not panel:
                assert figure is not None
                cell.setAccessibleName(figure.title_of(at) or self.accessibleName())
                cell.show_panel(panel)
                if isinstance(cell, PlotCell):
                    cell.show_time(self._time)
        self.setAccessibleDescription("; ".join(panel.title for panel in panels if panel.title))
        words = _legend(panels if figure is not None and figure.legend else ())
        self.legend.setText(words)
        self.legend.setVisible(bool(words))

    @Slot(float)
    def show_time(self, part: float) -> None:
        """Where what moves is when a part of the time is over, from 0 to 1."""
        self._time = part
        for cell in self.plots:
            cell.show_time(part)

    def select(self, runs: Iterable[int]) -> None:
        """Let what is of these runs stand out."""
        self._selected = frozenset(runs)
        for cell in self.plots:
            cell.select(self._selected)

    def restyle(self) -> None:
        """The window turned light or dark."""
        self.setStyleSheet(
            f"QScrollArea, QWidget#{self._inside.objectName()} {{background: {theme.background()}}}"
        )
        for cell in self.cells:
            cell.show_panel(cell.panel)
        self.show_figure(self._figure)

    def _lay_out(self, panels: tuple[Panel, ...], columns: int, headed: bool) -> None:
        """As many cells as there are panels, each of the kind that its panel needs."""
        for index, panel in enumerate(panels):
            kind = _kind_of(panel)
            if index == len(self.cells):
                self.cells.append(self._made(kind))
                self._titles.append(_title(self._inside))
            elif not isinstance(self.cells[index], kind):
                self.cells[index].hide()
                self.cells[index].deleteLater()
                self.cells[index] = self._made(kind)
            cell = self.cells[index]
            if isinstance(cell, PlotCell):
                others = len({(each.x_label, each.y_label) for each in panels}) > 1
                outer = others or index % columns == 0, others or index >= len(panels) - columns
                bare = headed and index % columns > 0
                if (outer, bare) != (cell.outer, cell.bare):
                    cell.outer, cell.bare, cell.panel = outer, bare, Panel()  # to be drawn again
            cell.setObjectName(f"{self.objectName()}_plot{index + 1 if index else ''}")
        for widgets in (self.cells, self._titles):
            for widget in widgets[len(panels) :]:
                widget.hide()
                widget.deleteLater()
            del widgets[len(panels) :]
        for index, (cell, title) in enumerate(zip(self.cells, self._titles, strict=True)):
            row, column = divmod(index, columns)
            self._grid.addWidget(title, 3 * row + 2, column + 1)
            self._grid.addWidget(cell, 3 * row + 3, column + 1)
            cell.show()
        rows = -(-len(panels) // columns)
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, int(row % 3 == 0 and 0 < row <= 3 * rows))
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(0 < column <= columns))

    def _made(self, kind: type[Cell]) -> Cell:
        cell = kind(self._inside)
        if isinstance(cell, PlotCell):
            cell.picked.connect(self._pick)
        else:
            cell.installEventFilter(self)
        return cell

    @Slot(object)
    def _pick(self, runs: tuple[int, ...]) -> None:
        """What was clicked in a cell: a curve's runs, or else those of the whole cell."""
        sender = self.sender()
        assert isinstance(sender, PlotCell)
        self.picked.emit(runs or sender.panel.runs)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonRelease:
            above: list[QObject] = [*self._above]
            cell = self.cells[above.index(watched)] if watched in above else watched
            if isinstance(cell, Cell):
                self.picked.emit(cell.panel.runs)
        return super().eventFilter(watched, event)

    def _write_heads(self, figure: Figure | None) -> None:
        """Above the columns and beside the rows, where the figure has any; above the rows, too, where many
        columns leave no room."""
        self._crowded = self._has_no_room_beside(figure)
        for cell in self.plots:
            cell.set_slim(self._is_narrow(figure))
        above, beside = (figure.column_heads, figure.row_heads) if figure is not None else ((), ())
        for labels, heads, side in ((self._above, above, "column"), (self._beside, beside, "row")):
            while len(labels) > len(heads):
                labels[-1].hide()
                labels.pop().deleteLater()
            while len(labels) < len(heads):
                labels.append(Label(parent=self._inside))
                labels[-1].setObjectName(f"{self.objectName()}_{side}{len(labels)}")
                if labels is self._above:
                    labels[-1].installEventFilter(self)
                labels[-1].setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
                labels[-1].show()
            short = told_apart([head.title for head in heads], LONGEST_NAME)
            for at, (label, head, title) in enumerate(zip(labels, heads, short, strict=True)):
                brief = side == "column" and len(heads) >= NARROW
                label.setText(_head(head, title, brief=brief, line=side == "row" and self._crowded))
                set_tip(label, "\n".join(filter(None, (head.title, head.text))))
                label.setWordWrap(side == "column" or not self._crowded)
                if side == "column":
                    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
                    self._grid.addWidget(label, 0, at + 1)
                elif self._crowded:
                    label.setMinimumWidth(0)
                    label.setMaximumWidth(WIDEST)
                    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
                    self._grid.addWidget(label, 3 * at + 1, 1, 1, -1)
                else:
                    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
                    label.setFixedWidth(self._room_beside)
                    label.setContentsMargins(0, 0, 6, 0)
                    self._grid.addWidget(label, 3 * at + 1, 0, 3, 1)

    def _has_no_room_beside(self, figure: Figure | None) -> bool:
        return figure is not None and bool(figure.row_heads) and self._is_narrow(figure)

    def _is_narrow(self, figure: Figure | None) -> bool:
        if figure is None:
            return False
        beside, others = BESIDE * bool(figure.row_heads), OTHERS if figure.column_heads else FIRST
        return self.width() < beside + FIRST + others * (figure.columns - 1) + APART * figure.columns

    @property
    def _room_beside(self) -> int:
        return max(BESIDE, min(MOST_BESIDE, self.width() // PART_BESIDE))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._has_no_room_beside(self._figure) != self._crowded:
            self._write_heads(self._figure)
        for label in () if self._crowded else self._beside:
            label.setFixedWidth(self._room_beside)


def _kind_of(panel: Panel) -> type[Cell]:
    if panel.shades:
        return HeatCell
    return PictureCell if panel.pictures else WordCell if panel.lines else PlotCell


def _head(head: Head, title: str, *, brief: bool, line: bool) -> Markup:
    """A head's words: its sign, its title, and more about it in the second rank.

    Parameters
    ----------
    brief : without what stands in brackets.
    line : all of it in one line.
    """
    sign = rich("{}&nbsp;", coloured("■", theme.colour(head.colour))) if head.colour else rich("")
    said = head.text.partition(" (")[0] if brief else _whole_parts(head.text)
    text = coloured(said, theme.muted())
    if not said:
        return rich("{}<b>{}</b>", sign, title)
    return rich("{}<b>{}</b>{}{}", sign, title, rich("&ensp;") if line else rich("<br>"), text)


def _whole_parts(text: str) -> Markup:
    """A list in words whose short parts stay on one line each: ``2.5 t, wheelbase 3.8 m``."""
    parts = (unbroken(each) if len(each) <= LONGEST_PART else rich("{}", each) for each in text.split(", "))
    return joined(rich(", "), parts)


def _title(parent: QWidget) -> Label:
    """A line above a cell, which is never the reason why that is wide."""
    label = Label(parent=parent)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    label.hide()
    return label


def _legend(panels: tuple[Panel, ...]) -> Markup:
    """A sign for each label; neutral where curves of several colours share it, as on paper."""
    drawn: dict[str, Curve] = {}
    colours: dict[str, set[str]] = {}
    for curve in (each for panel in panels for each in panel.curves if each.label):
        drawn.setdefault(curve.label, curve)
        colours.setdefault(curve.label, set()).add(theme.colour(curve.colour, curve.shade))
    entries = []
    for name, (label, curve) in zip(told_apart(list(drawn), LONGEST_NAME), drawn.items(), strict=True):
        known = SIGNS.get(curve.sign)
        sign = "┅" if curve.dashed else "━" if curve.kind == "line" else "●" if curve.faint else "◆"
        sign = "●" if sign == "◆" and curve.low is None else sign
        colour = colours[label].pop() if len(colours[label]) == 1 else theme.colour(INK, curve.shade)
        entries.append((known or sign, colour, name))
    return legend(entries)
