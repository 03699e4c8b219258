"""The window's painter of figures: what an export would put on paper, to zoom and point at."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from workbench.gui import theme
from workbench.gui.charts.picture_cell import PictureCell
from workbench.gui.charts.plot_cell import PlotCell
from workbench.gui.plain import Label, Markup, legend, set_tip
from workbench.pictures import INK, Curve, Figure, Panel
from workbench.words import told_apart

LONGEST_NAME, LONGEST_TITLE = 32, 60
"""Letters of a name in the legend, and above a cell."""

Cell = PlotCell | PictureCell


class Board(QWidget):
    """Shows a figure: its panels in rows, and a legend below them.

    Parameters
    ----------
    name : ``objectName``; those of the cells have ``_plot`` behind it, and from the second on their number.
    title : as it is spoken.
    """

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.cells: list[Cell] = []
        self._titles: list[Label] = []
        self._figure: Figure | None = None
        self._inside = QWidget()
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        room = QScrollArea(self)
        room.setWidgetResizable(True)
        room.setFrameShape(QScrollArea.Shape.NoFrame)
        room.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # arrow keys scroll
        room.setAccessibleName(title)
        room.setWidget(self._inside)
        self.legend = Label(parent=self)
        self.legend.setObjectName(f"{name}_legend")
        self.legend.setAccessibleName("Legend")
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
        self._lay_out(panels, columns)
        named = told_apart([panel.title for panel in panels], LONGEST_TITLE)
        for cell, title, panel, text in zip(self.cells, self._titles, panels, named, strict=True):
            title.setText(text)
            title.setVisible(bool(text))
            set_tip(title, panel.title)
            if cell.panel is not panel:
                cell.setAccessibleName(panel.title or self.accessibleName())
                cell.show_panel(panel)
        self.setAccessibleDescription("; ".join(panel.title for panel in panels if panel.title))
        words = _legend(panels if figure is not None and figure.legend else ())
        self.legend.setText(words)
        self.legend.setVisible(bool(words))

    def restyle(self) -> None:
        """The window turned light or dark."""
        self.setStyleSheet(
            f"QScrollArea, QScrollArea > QWidget > QWidget {{background: {theme.background()}}}"
        )
        for cell in self.cells:
            cell.show_panel(cell.panel)
        self.show_figure(self._figure)

    def _lay_out(self, panels: tuple[Panel, ...], columns: int) -> None:
        """As many cells as there are panels, each of the kind that its panel needs."""
        for index, panel in enumerate(panels):
            kind = PictureCell if panel.pictures else PlotCell
            if index == len(self.cells):
                self.cells.append(kind(self._inside))
                self._titles.append(_title(self._inside))
            elif not isinstance(self.cells[index], kind):
                self.cells[index].deleteLater()
                self.cells[index] = kind(self._inside)
            cell = self.cells[index]
            if isinstance(cell, PlotCell):
                others = len({(each.x_label, each.y_label) for each in panels}) > 1
                outer = others or index % columns == 0, others or index >= len(panels) - columns
                if outer != cell.outer:
                    cell.outer, cell.panel = outer, Panel()  # to be drawn again
            cell.setObjectName(f"{self.objectName()}_plot{index + 1 if index else ''}")
        for widgets in (self.cells, self._titles):
            for widget in widgets[len(panels) :]:
                widget.hide()
                widget.deleteLater()
            del widgets[len(panels) :]
        for index, (cell, title) in enumerate(zip(self.cells, self._titles, strict=True)):
            row, column = divmod(index, columns)
            self._grid.addWidget(title, 2 * row, column)
            self._grid.addWidget(cell, 2 * row + 1, column)
            cell.show()
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, row % 2 if row < 2 * -(-len(panels) // columns) else 0)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(column < columns))


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
        sign = "┅" if curve.dashed else "━" if curve.kind == "line" else "●" if curve.faint else "◆"
        sign = "●" if sign == "◆" and curve.low is None else sign
        colour = colours[label].pop() if len(colours[label]) == 1 else theme.colour(INK, curve.shade)
        entries.append((sign, colour, name))
    return legend(entries)
