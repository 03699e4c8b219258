"""Which kind a section is: what there is to choose from, and the widget to choose it with."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from workbench.config import NetworkConfig, TaskConfig
from workbench.gui.plain import set_tip
from workbench.gui.setup.draft import Draft
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.fields import ChoiceField
from workbench.gui.setup.row import GUTTER, dotted, message_label, say_wrong
from workbench.gui.setup.widgets import muted_label
from workbench.settings import Path
from workbench.words import tr


class Offered(NamedTuple):
    """A kind that can be chosen."""

    title: str
    name: str
    summary: str


def offered(draft: Draft, path: Path) -> list[Offered]:
    """The kinds that the section at a path may be of; those of an algorithm by title."""
    from workbench.algorithms import ALGORITHMS
    from workbench.algorithms.wrapper import WrapperConfig
    from workbench.networks import NETWORKS
    from workbench.tasks import FAMILIES

    field, owner = draft.field(path), draft.section(path[:-1])
    base = None if field is None else field.section
    if base is TaskConfig or base is NetworkConfig:
        registry = FAMILIES if base is TaskConfig else NETWORKS
        return [Offered(tr(each.title), name, tr(each.summary)) for name, each in registry.items()]
    assert owner is not None
    assert issubclass(owner, WrapperConfig)
    able = [
        Offered(each.title, name, tr(each.summary))
        for name, each in ALGORITHMS.items()
        if owner.allows(each.Config) and each.Config.needs <= draft.gives
    ]
    return sorted(able, key=lambda each: each.title.lower())


class KindPart(QWidget):
    """The choice of a section's kind, with what that kind is and what is wrong with it.

    Parameters
    ----------
    label : what is chosen: ``Task family``.
    beside : stands at its right.
    """

    def __init__(self, edits: Edits, path: Path, label: str, beside: QWidget | None = None) -> None:
        super().__init__()
        self._edits, self._label = edits, label
        self._path = (*path, edits.draft.spot(path).selector)
        self._offered = {each.name: each for each in offered(edits.draft, path)}
        self.choice = ChoiceField([(each.title, each.name) for each in self._offered.values()])
        self.choice.setObjectName(f"field_{dotted(self._path)}")
        self.choice.setAccessibleName(label)
        self.choice.edited.connect(self._choose)
        self.summary = muted_label("")
        self._message = message_label(self._path)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GUTTER + 4, 0, 0, 0)
        layout.setSpacing(4)
        top = QHBoxLayout()
        top.addWidget(self.choice, 1)
        if beside is not None:
            top.addWidget(beside)
        layout.addLayout(top)
        layout.addWidget(self.summary)
        layout.addWidget(self._message)

    @property
    def kind(self) -> str:
        """The name of the present kind."""
        return str(self._edits.draft.value(self._path))

    @property
    def title(self) -> str:
        """What the present kind is called."""
        return self._offered[self.kind].title if self.kind in self._offered else self.kind

    def refresh(self, remark: str = "") -> None:
        """Bring everything up to date with the draft.

        Parameters
        ----------
        remark : said behind what the kind is.
        """
        self.choice.show_value(self.kind, settled=True)
        summary = self._offered[self.kind].summary if self.kind in self._offered else ""
        self.summary.setText(" ".join(filter(None, [summary, remark])))
        set_tip(self.choice, self.summary.text())
        say_wrong(self._message, self._edits.draft.complaints().get(self._path, ""))

    @Slot(object)
    def _choose(self, kind: object) -> None:
        text = tr("Change {}{} to {}", self._label[:1].lower(), self._label[1:], self.choice.currentText())
        self._edits.set(self._path, kind, text=text)
