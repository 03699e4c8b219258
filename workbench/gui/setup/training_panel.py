"""How long and where to train, and how private that is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from workbench.gui.plain import Label
from workbench.gui.setup.edits import Edits
from workbench.gui.setup.form import Form
from workbench.gui.setup.row import GUTTER
from workbench.settings import Path
from workbench.words import tr


class TrainingPanel(QWidget):
    """The part *Training* of the setup."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        from workbench.engine.devices import available

        self._draft = edits.draft
        devices = [(tr("auto ({})", available()[0]), "auto"), *((name, name) for name in available())]
        self.form = Form(edits, ("training",), choices={("training", "device"): devices})
        self.cautions = Label()
        self.cautions.setObjectName("privacy_cautions")
        self.cautions.setWordWrap(True)
        self.cautions.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cautions.setContentsMargins(GUTTER + 4, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.setSpacing(5)
        layout.addWidget(self.form)
        layout.addWidget(self.cautions)
        self.refresh()

    def refresh(self) -> None:
        """Bring everything up to date with the draft."""
        self.form.refresh()
        experiment = self._draft.experiment()
        privacy = experiment.training.privacy if experiment is not None else None
        self.cautions.setVisible(privacy is not None)
        self.cautions.setText("\n".join(privacy.cautions if privacy is not None else ()))

    def widget_of(self, path: Path) -> QWidget | None:
        """The widget of a path in this part."""
        return self.form.widget_of(path)
