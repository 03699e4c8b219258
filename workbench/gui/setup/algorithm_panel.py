"""Which algorithms are compared: a tick list, and the parameters of the one that is picked."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QBrush, QFont, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench.gui import theme
from workbench.gui.help import cited
from workbench.gui.plain import Label, Markup, rich, set_tip, set_tree_tip
from workbench.gui.setup.draft import ALGORITHM
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.gui.setup.row import GUTTER, Complaints
from workbench.settings import Path
from workbench.words import tr

KEY = Qt.ItemDataRole.UserRole
MOST_ROWS = 12
FAMILIES = (
    "model update",
    "model fusion",
    "experience replay",
    "model adaptation",
    "adversarial",
    "self-supervised",
    "metric",
)
"""In this order; then others by name, and last the baselines, which the others are compared with."""


class AlgorithmPanel(QWidget):
    """The part *Algorithms* of the setup."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        from workbench.algorithms import ALGORITHMS

        self._edits, self._draft, self._algorithms = edits, edits.draft, ALGORITHMS
        self._items: dict[str, QTreeWidgetItem] = {}
        self._filling = False
        self.search = QLineEdit()
        self.search.setObjectName("algorithm_search")
        self.search.setPlaceholderText(tr("Search algorithms"))
        self.search.setAccessibleName(tr("Search algorithms"))
        set_tip(self.search, tr("Show the algorithms whose name, family or description has these words"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.list = QTreeWidget()
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setObjectName("algorithm_list")
        self.list.setAccessibleName(tr("Algorithms"))
        set_tip(self.list, tr("Tick the algorithms to compare (Space); pick one to see its parameters"))
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setIndentation(10)
        self.list.setUniformRowHeights(True)
        self.list.setItemsExpandable(False)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(self._tick)
        self.list.currentItemChanged.connect(self._pick)
        self.complaint = Label()
        self.complaint.setWordWrap(True)

        self.heading = Label()
        self.heading.setWordWrap(True)
        self.heading.setOpenExternalLinks(True)
        self.heading.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.heading.setObjectName("algorithm_about")
        self.add = QPushButton(tr("Add variant"))
        self.add.setObjectName("add_variant")
        set_tip(self.add, tr("Compare this algorithm with a copy of it that has other parameters"))
        self.add.clicked.connect(self._add_variant)
        self.remove = QPushButton(tr("Remove variant"))
        self.remove.setObjectName("remove_variant")
        set_tip(self.remove, tr("Remove this copy"))
        self.remove.clicked.connect(self._remove_variant)
        self.form: Form | None = None
        self._form_place = QVBoxLayout()

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.setSpacing(5)
        top = QVBoxLayout()
        top.setContentsMargins(GUTTER + 4, 0, 0, 0)
        top.setSpacing(4)
        above = QHBoxLayout()  # where nothing moves it
        above.addWidget(self.search, 1)
        above.addWidget(self.add)
        top.addLayout(above)
        for widget in (self.list, self.complaint, self.heading, self.remove):
            top.addWidget(widget)
        layout.addLayout(top)
        layout.addLayout(self._form_place)
        self.refresh()
        first = next(iter(self._draft.ticked()), next(iter(self._items)))
        self.pick(first)

    @property
    def picked(self) -> str:
        """The key of the algorithm whose parameters are shown."""
        item = self.list.currentItem()
        return str(item.data(0, KEY)) if item is not None and item.data(0, KEY) else ""

    @property
    def summary(self) -> str:
        """How many of all are compared: ``3 of 41``."""
        return tr("{} of {}", len(self._draft.ticked()), len(self._items))

    def pick(self, key: str) -> None:
        """Show an algorithm's parameters."""
        if key in self._items:
            self.list.setCurrentItem(self._items[key])

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        self._filling = True
        if list(self._items) != self._in_families():
            self._rebuild()
        complaints = self._draft.complaints()
        for key, item in self._items.items():
            self._show_item(key, item, complaints)
        self._filling = False
        wrong = complaints.get(ALGORITHM, "")
        self.complaint.setText(wrong[:1].upper() + wrong[1:])
        self.complaint.setVisible(bool(wrong))
        self.complaint.setStyleSheet(f"color: {theme.wrong()};")
        self._show_picked()

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path in this part."""
        if len(path) < 2 or path[1] not in self._items:
            return self.list
        self.search.clear()
        self.pick(str(path[1]))
        return (self.form.widget_of(path) if self.form is not None else None) or self.list

    def _in_families(self) -> list[str]:
        families = list(dict.fromkeys(self._family(key) for key in self._draft.algorithms()))
        families.sort(key=_rank)
        return [key for family in families for key in self._draft.algorithms() if self._family(key) == family]

    def _family(self, key: str) -> str:
        return self._algorithms[self._draft.kind(key)].family

    def _rebuild(self) -> None:
        picked = self.picked
        self.list.clear()
        self._items = {}
        groups: dict[str, QTreeWidgetItem] = {}
        for key in self._in_families():
            family = self._family(key)
            if family not in groups:
                title = tr(family)
                groups[family] = QTreeWidgetItem(self.list, [title[:1].upper() + title[1:]])
                groups[family].setFlags(Qt.ItemFlag.ItemIsEnabled)
                small = QFont(self.list.font())
                small.setBold(True)
                groups[family].setFont(0, small)
                groups[family].setForeground(
                    0, QBrush(self.palette().color(QPalette.ColorRole.PlaceholderText))
                )
            item = QTreeWidgetItem(groups[family])
            item.setData(0, KEY, key)
            item.setCheckState(0, Qt.CheckState.Unchecked)
            self._items[key] = item
        self.list.expandAll()
        rows = min(len(groups) + len(self._items), MOST_ROWS)
        self.list.setFixedHeight(rows * self.list.sizeHintForRow(0) + 2 * self.list.frameWidth() + 2)
        self._filter(self.search.text())
        if picked in self._items:
            self.pick(picked)

    def _show_item(self, key: str, item: QTreeWidgetItem, complaints: Complaints) -> None:
        able = self._draft.able(key)
        on = able and self._draft.is_on(key)
        wrong = [text for path, text in complaints.items() if path[:2] == (*ALGORITHM, key)]
        algorithm = self._algorithms[self._draft.kind(key)]
        item.setText(0, self._draft.title(key) + (tr(" (see below)") if wrong else ""))
        item.setCheckState(0, Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable
        item.setFlags(flags if able else Qt.ItemFlag.NoItemFlags)
        tip = tr(algorithm.summary)
        if not able:
            missing = tr(" and ").join(map(tr, sorted(algorithm.Config.needs - self._draft.gives)))
            tip = tr("{} needs {}, which this task family does not give.", algorithm.title, missing)
        elif wrong:
            tip = wrong[0]
        set_tree_tip(item, 0, tip)
        item.setForeground(0, QBrush(theme.wrong()) if wrong else QBrush())

    def _show_picked(self) -> None:
        key = self.picked
        shown = bool(key) and self._draft.able(key)
        self.add.setEnabled(shown)
        for widget in (self.heading, self.remove):
            widget.setVisible(shown)
        path = (*ALGORITHM, key) if shown else ()
        if path != (self.form.path if self.form is not None else ()):
            if self.form is not None:
                self.form.hide()
                self.form.deleteLater()
                self.form = None
            if shown:
                self.form = Form(self._edits, path)
                self._form_place.addWidget(self.form)
                self.form.show()  # at once, so that a field of it can have the focus
        if not shown:
            return
        self.heading.setText(self._about(key))
        is_variant = key != self._draft.kind(key)
        self.remove.setVisible(is_variant)
        if self.form is not None:
            self.form.refresh()

    def _about(self, key: str) -> Markup:
        algorithm = self._algorithms[self._draft.kind(key)]
        text = rich("<b>{}</b>. {}", self._draft.title(key), tr(algorithm.summary))
        if privilege := self._draft.privilege(key):
            text = rich("{} It {}.", text, privilege)
        if algorithm.citation is None:
            return text
        paper: str = cited(algorithm.citation)
        if algorithm.departs:
            paper = tr("{}. Here: {}", paper, tr(algorithm.departs))
        return rich('{}<p style="margin-top:4px; color:{}">{}</p>', text, theme.muted(), paper)

    @Slot(QTreeWidgetItem, int)
    def _tick(self, item: QTreeWidgetItem, _: int) -> None:
        key = item.data(0, KEY)
        if self._filling or not key:
            return
        on = item.checkState(0) is Qt.CheckState.Checked
        title = self._draft.title(key)
        text = tr("Tick {}", title) if on else tr("Untick {}", title)
        self._edits.set((*ALGORITHM, key, "on"), on, text=text)
        self.pick(key)

    @Slot(QTreeWidgetItem, QTreeWidgetItem)
    def _pick(self, current: QTreeWidgetItem | None, _: QTreeWidgetItem | None) -> None:
        if not self._filling:
            self._show_picked()

    @Slot(str)
    def _filter(self, text: str) -> None:
        words = text.lower().split()
        for key, item in self._items.items():
            algorithm = self._algorithms[self._draft.kind(key)]
            searched = (
                f"{self._draft.title(key)} {algorithm.title} {algorithm.family} {algorithm.summary} "
                f"{algorithm.citation or ''}"
            ).lower()
            item.setHidden(not all(word in searched for word in words))
        for index in range(self.list.topLevelItemCount()):
            if (group := self.list.topLevelItem(index)) is not None:
                inside = [item for item in self._items.values() if item.parent() is group]
                group.setHidden(all(item.isHidden() for item in inside))

    @Slot()
    def _add_variant(self) -> None:
        key = self.picked
        if key:
            after, new = self._draft.with_variant(key)
            self._edits.do(tr("Add variant of {}", self._draft.title(key)), (*ALGORITHM, new), after)
            self.pick(new)

    @Slot()
    def _remove_variant(self) -> None:
        key = self.picked
        kind = self._draft.kind(key)
        if key and key != kind:
            self.pick(kind)
            self._edits.do(
                tr("Remove {}", self._draft.title(key)), (*ALGORITHM, kind), self._draft.without(key)
            )


def _rank(family: str) -> tuple[int, str]:
    if family in FAMILIES:
        return FAMILIES.index(family), ""
    return len(FAMILIES) + (family == "baseline"), family
