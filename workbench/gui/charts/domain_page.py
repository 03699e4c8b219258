"""What learners reached in other domains: a table, and in words whether their order is the same there."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.analysis import domains
from workbench.analysis.domains import Domains
from workbench.gui.charts.result_table import Column, ResultTable
from workbench.gui.plain import Label, set_tip
from workbench.words import tr


class DomainPage(QWidget):
    """A row for each learner in each domain, and what follows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("comparison_domains")
        self.setAccessibleName(tr("Domains"))
        self.table = ResultTable([], self)
        self.table.setObjectName("comparison_domain_table")
        self.table.setAccessibleName(tr("Results by domain"))
        self.words = Label(parent=self)
        self.words.setObjectName("comparison_domain_words")
        self.words.setAccessibleName(tr("Whether the order turns over"))
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.words)

    def show_domains(self, found: Domains) -> None:
        """Show what was reached, and in a sentence who leads where; more where that is pointed at."""
        form, note = ".1%" if found.row.share else ".4g", domains.caption(found)
        signed = f"+{form}"
        columns = [
            Column("title", "Domain", note),
            Column("algorithm", "Algorithm", "Of several seeds, their mean"),
            Column("rank", "Rank", "Place by the mean, 1 for the best"),
            Column("mean", tr(found.row.title), note, form),
            Column("ci95_over_tasks", "± tasks", "95% over tasks", form),
            Column("ci95_over_seeds", "± seeds", "95% over seeds", form),
            Column("drop", "Drop", "How much worse than at home", signed),
            Column("drop_ci95", "± drop", "Welch's 95% interval over the episodes of both", form),
        ]
        titles = {each.name: each.title for each in found.tried}
        places = list(titles)
        rows = sorted(domains.rows(found), key=lambda row: places.index(str(row["domain"])))
        self.table.show_rows(columns, [row | {"title": titles[str(row["domain"])]} for row in rows])
        self.words.setText(" ".join(domains.order(found)[:1]))
        set_tip(self.words, "\n".join(domains.sentences(found)))
