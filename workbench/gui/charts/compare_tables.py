"""Tables of the view "Compare": the tests in words and numbers, the protocol cards, the pivot."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.analysis import protocol
from workbench.analysis.pairs import Statistics
from workbench.export.paper_tables import of_tests, p_value
from workbench.gui import theme
from workbench.gui.charts.result_table import Column
from workbench.gui.plain import Label, set_tip
from workbench.words import tr

TESTS = [
    Column("first", "First", "One algorithm"),
    Column("second", "Second", "The other; differences are first minus second"),
    Column("pairs", "Pairs", "Identical episodes that both met; of several seeds the mean is paired"),
    Column("first_better", "Better on", "Episodes on which the first is better, and the second"),
    Column("difference", "Difference [95%]", "Mean over episodes, with the bootstrap's interval (BCa)"),
    Column("effect_size", "Effect [95%]", "Matched-pairs rank-biserial correlation, −1 to 1 (Kerby 2014)"),
    Column("p_wilcoxon", "p", "Two-sided Wilcoxon signed-rank test over the episodes"),
    Column("p_wilcoxon_holm", "p (Holm)", "The same, corrected for the number of comparisons"),
    Column("p_bootstrap_holm", "p (bootstrap)", "Paired bootstrap of the mean difference, Holm-corrected"),
    Column("seeds_difference", "Over seeds [95%]", "Difference of the means over seeds (Welch's t)"),
    Column("conclusion", "In words", "What may be claimed"),
]


LONGEST = 320
"""Letters of the warnings above the cards; all of them are in the tool tip."""


def rows_of(found: Statistics) -> list[dict[str, object]]:
    """The tests as the window shows them: those of papers, with the uncorrected p and the conclusion."""
    table = of_tests(found)
    return [
        {
            "p_wilcoxon": p_value(row, "p_wilcoxon"),
            "conclusion": row["conclusion"],
            **{column.key: cell for column, cell in zip(table.columns, cells, strict=True)},
        }
        for row, cells in zip(table.rows, table.cells(), strict=True)
    ]


class ProtocolCards(QWidget):
    """The conditions of each algorithm side by side; what differs is highlighted, and warned of above."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.warning = Label(parent=self)
        self.warning.setObjectName("comparison_warning")
        self.warning.setAccessibleName(tr("Warnings about the comparison"))
        self.warning.setWordWrap(True)
        self.warning.setContentsMargins(6, 3, 6, 3)
        self.table = QTableWidget(self)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.setObjectName("comparison_protocol")
        self.table.setAccessibleName(tr("Protocol cards"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().setDefaultSectionSize(22)
        self.table.setTabKeyNavigation(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.warning)
        layout.addWidget(self.table, 1)
        self._shown: tuple[tuple[protocol.Card, ...], tuple[protocol.Card, ...]] = ((), ())

    def show_cards(self, own: tuple[protocol.Card, ...], others: tuple[protocol.Card, ...]) -> None:
        """Show the cards of those that are compared, then of those that cannot be."""
        self._shown = own, others
        said = protocol.warnings(own, others)
        text = "\n".join(said)
        self.warning.setText(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
        set_tip(self.warning, text)
        self.warning.setVisible(bool(said))
        self.warning.setStyleSheet(f"background: {theme.warning()}; color: {theme.foreground()};")
        rows = protocol.rows([*own, *others])
        names = [name for name in rows[0] if name not in ("condition", "differs")]
        self.table.setRowCount(len(rows))
        self.table.setColumnCount(len(names))
        self.table.setHorizontalHeaderLabels(names)
        self.table.setVerticalHeaderLabels([str(row["condition"]) for row in rows])
        for number, row in enumerate(rows):
            for column, name in enumerate(names):
                item = QTableWidgetItem(str(row[name]))
                if row["differs"]:
                    item.setBackground(QColor(theme.warning()))
                    item.setForeground(QColor(theme.foreground()))
                    set_tip(item, tr("Differs between the algorithms"))
                if column >= len(own):
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                self.table.setItem(number, column, item)
        self.table.resizeColumnsToContents()

    def restyle(self) -> None:
        """The window turned light or dark."""
        self.show_cards(*self._shown)
