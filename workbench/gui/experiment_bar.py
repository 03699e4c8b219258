"""Which experiment the charts show: chosen in one place above them, with what it has come to."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from workbench.analysis.comparison import leader
from workbench.analysis.source import Grouping
from workbench.gui.plain import Chooser, Elided, tip
from workbench.gui.run_data import ALL, RunData
from workbench.words import plural, tr

WIDEST = 420
LOOK_MILLISECONDS = 300


class ExperimentBar(QWidget):
    """Chooses the experiment in view, and says in a line how many of its runs are shown and who is ahead."""

    def __init__(self, data: RunData, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._data = data
        about = tr("Charts show this experiment; one that is begun comes into view by itself")
        self.chooser = Chooser(about, self)
        self.chooser.setObjectName("experiment_chooser")
        self.chooser.setAccessibleName(tr("Experiment in view"))
        self.chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.chooser.setMaximumWidth(WIDEST)
        self.chooser.activated.connect(self._choose)
        self._said = Elided(parent=self)
        self._said.setObjectName("experiment_said")
        self._said.setAccessibleName(tr("Who is ahead"))
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 2, 8, 2)
        layout.setSpacing(12)
        layout.addWidget(self.chooser)
        layout.addWidget(self._said, 1)
        self.setMinimumHeight(layout.sizeHint().height())  # also while there is nothing to choose
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self._say)
        self._grouping = Grouping(data)
        for signal in (data.listed, data.viewed):
            signal.connect(self._offer)
            signal.connect(self._timer.start)

    @Slot()
    def _offer(self) -> None:
        found = self._data.experiments()
        entries = [(each.name, each.key) for each in reversed(found)]
        if len(found) > 1:
            entries.append((tr("All experiments"), ALL))
        box = self.chooser
        with QSignalBlocker(box):
            if entries != [(box.itemText(at), box.itemData(at)) for at in range(box.count())]:
                box.clear()
                for at, (name, key) in enumerate(entries):
                    box.addItem(name, key)
                    box.setItemData(at, tip(name), Qt.ItemDataRole.ToolTipRole)
            box.setCurrentIndex(max(0, box.findData(self._data.view)))
        box.setEnabled(len(entries) > 1)
        box.setVisible(bool(entries))
        box.tell()

    @Slot(int)
    def _choose(self, _: int) -> None:
        self._data.look_at(self.chooser.currentData())

    @Slot()
    def _say(self) -> None:
        """How many runs there are in which state, how many of them are not shown, and who is ahead."""
        runs, shown = self._data.in_view(), self._data.shown()
        states = Counter(run.status for run in runs)
        parts = [plural(len(runs), "run")]
        parts += [f"{count} {status}" for status, count in states.items() if count < len(runs)]
        if len(shown) < len(runs):
            parts.append(tr("{} shown", len(shown)))
        said = " · ".join(parts) if runs else tr("No runs yet")
        if ahead := leader(self._data, self._grouping):
            said += tr(" · ahead on test tasks: {}", ahead)
        self._said.setText(said)
