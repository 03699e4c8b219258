"""One classification task of texts: under each class the texts that were seen, then the queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from workbench.analysis.prediction_figure import RIGHT_MARK, WRONG_MARK, class_names, class_titles
from workbench.engine.predicted import Predictions
from workbench.gui import theme
from workbench.gui.plain import set_tree_tip
from workbench.words import visible

if TYPE_CHECKING:  # it imports torch
    from workbench.tasks.base import Excerpt


class TextBoard(QTreeWidget):
    """Shows one task; its branches are the true classes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("prediction_texts")
        self.setAccessibleName("Support and query texts")
        self.setHeaderLabels(["Text", "Predicted", "Probability"])
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setUniformRowHeights(True)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def show_predictions(self, predictions: Predictions, excerpt: Excerpt, chosen: int) -> None:
        """List the first task after the chosen step (its index); what was folded up stays so."""
        branches = [self.topLevelItem(at) for at in range(self.topLevelItemCount())]
        folded = [branch is not None and not branch.isExpanded() for branch in branches]
        place = self.verticalScrollBar().value()
        self.clear()
        names = class_names(predictions.ways)
        for label, title in enumerate(class_titles(predictions)):
            branch = QTreeWidgetItem(self, [title])
            font = branch.font(0)
            font.setBold(True)
            branch.setFont(0, font)
            for text in excerpt.support[label]:
                self._leaf(branch, [text, "support", ""], QColor(theme.muted()))
            queries = np.flatnonzero(predictions.query_y[0] == label)
            for text, index in zip(excerpt.query[label], queries, strict=True):
                predicted = int(predictions.labels[chosen, 0, index])
                right = predicted == label
                mark = RIGHT_MARK if right else WRONG_MARK
                share = float(predictions.outputs[chosen, 0, index, predicted])
                colour = QColor(theme.right() if right else theme.wrong())
                self._leaf(branch, [text, f"{names[predicted]} {mark}", f"{share:.0%}"], colour)
            branch.setExpanded(not (label < len(folded) and folded[label]))
        self.verticalScrollBar().setValue(place)
        accuracy = predictions.accuracy[chosen, 0]
        self.setAccessibleDescription(f"{accuracy:.0%} of {predictions.query_y.shape[1]} queries right")

    def _leaf(self, branch: QTreeWidgetItem, words: list[str], colour: QColor) -> None:
        leaf = QTreeWidgetItem(branch, list(map(visible, words)))
        set_tree_tip(leaf, 0, words[0])
        leaf.setForeground(1, colour)
        leaf.setTextAlignment(2, Qt.AlignmentFlag.AlignRight)
        if words[1] == "support":
            leaf.setForeground(0, colour)
