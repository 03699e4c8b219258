"""A few samples of a person's data: thumbnails, sentences or curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from workbench.gui import theme
from workbench.gui.plain import set_tip
from workbench.gui.setup.data_listing import THUMBNAIL, Listing
from workbench.words import marked, tr

_CURVE = QSize(2 * THUMBNAIL, THUMBNAIL)
_LINES = 5
_PICTURES = marked(("Sample images", "One image of some classes"))


_SAID = marked({
    "text": ("Sample texts", "A text of some classes"),
    "translation": ("Sample pairs", "A pair of some languages"),
    "sentence_pairs": ("Sample pairs", "A pair of some classes"),
    "functions": ("Sample curves", "The points of some tasks"),
    "subjects": ("Sample curves", "The samples of some subjects"),
})  # fmt: skip
"""What the list is called, and what it shows, by the kind of data; of all others, pictures."""


class SampleList(QListWidget):
    """Shows the samples of a listing."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("import_samples")
        self.setWrapping(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.show_listing(None)

    def show_listing(self, listing: Listing | None) -> None:
        """Show samples, or none."""
        self.clear()
        kind = "images" if listing is None else listing.kind
        words = kind in ("text", "sentence_pairs", "translation")
        name, tip = map(tr, _SAID.get(kind, _PICTURES))
        self.setAccessibleName(name)
        set_tip(self, tip)
        self.setViewMode(QListWidget.ViewMode.ListMode if words else QListWidget.ViewMode.IconMode)
        self.setIconSize(_CURVE if kind in ("functions", "subjects") else QSize(THUMBNAIL, THUMBNAIL))
        never, needed = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setVerticalScrollBarPolicy(needed if words else never)
        self.setFixedHeight(_LINES * self.fontMetrics().lineSpacing() + 8 if words else THUMBNAIL + 14)
        if listing is None:
            return
        for name, width, height, data in listing.pictures:
            image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
            self._add(QIcon(QPixmap.fromImage(image)), "", name)
        for name, text in listing.sentences:
            self._add(QIcon(), f"{name}:  {text}", text)
        together = np.concatenate([points for _, points in listing.curves] or [np.zeros((1, 2))])
        for name, points in listing.curves:  # on one scale, so that they can be compared
            self._add(
                QIcon(_curve(points, together.min(0), together.max(0))),
                "",
                tr("subject {}", name) if kind == "subjects" else tr("task {}", name),
            )

    def _add(self, icon: QIcon, text: str, tip: str) -> None:
        item = QListWidgetItem(icon, text)
        set_tip(item, tip)
        self.addItem(item)


def _curve(points: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> QPixmap:
    """Points of a function, joined, between the corners of a scale."""
    picture = QPixmap(_CURVE)
    picture.fill(QColor(theme.background()))
    reach = [float(each) or 1.0 for each in high - low]
    width, height = _CURVE.width() - 8, _CURVE.height() - 8
    places = [
        QPointF(4 + (x - low[0]) / reach[0] * width, 4 + height - (y - low[1]) / reach[1] * height)
        for x, y in points.tolist()
    ]
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.run_colours()[0]), 1.4))
    painter.drawPolyline(QPolygonF(places))
    painter.end()
    return picture
