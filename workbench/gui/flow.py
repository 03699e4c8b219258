"""A row of controls that goes on below where the window is narrow."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QHBoxLayout, QLayoutItem


class Flow(QHBoxLayout):
    """A row as Qt's own while everything fits, several rows else: no control is cut, or widens the window."""

    def _shown(self) -> Iterator[QLayoutItem]:
        for index in range(self.count()):
            item = self.itemAt(index)
            if item is not None and item.widget() is not None and not item.isEmpty():
                yield item

    def _places(self, width: int) -> list[tuple[QLayoutItem, QRect]]:
        """Where everything is in rows of a width."""
        x = y = 0
        places = []
        row = max((item.sizeHint().height() for item in self._shown()), default=0)
        for item in self._shown():
            size = QSize(min(item.sizeHint().width(), width), item.sizeHint().height())
            if x and x + size.width() > width:
                x, y = 0, y + row + self.spacing()
            places.append((item, QRect(QPoint(x, y + (row - size.height()) // 2), size)))
            x += size.width() + self.spacing()
        return places

    def _fits(self, width: int) -> bool:
        return super().sizeHint().width() <= width

    def minimumSize(self) -> QSize:
        widest = max((item.minimumSize().width() for item in self._shown()), default=0)
        return QSize(widest, super().minimumSize().height())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if self._fits(width):
            return super().sizeHint().height()
        row = super().sizeHint().height()
        return max((place.center().y() + row // 2 + 2 for _, place in self._places(width)), default=0)

    def minimumHeightForWidth(self, width: int) -> int:
        return self.heightForWidth(width)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        if not self._fits(rect.width()):
            for item, place in self._places(rect.width()):
                item.setGeometry(place.translated(rect.topLeft()))
