"""The Export menu: the chart in view, as a figure or as data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui.notices import Notices
from workbench.gui.worker import Worker
from workbench.pictures import Figure
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.gui.charts.base import Chart


class ExportCommands(QObject):
    """Exports the chart that the person looks at.

    Parameters
    ----------
    chart : tells which chart that is.
    """

    def __init__(
        self,
        worker: Worker,
        notices: Notices,
        chart: Callable[[], Chart | None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._worker, self._notices = worker, notices
        self._chart, self._window = chart, window

    @Slot()
    def export(self) -> None:
        from workbench.gui.export_dialog import ExportDialog

        figure = self._figure()
        if figure is not None:
            chart = self._chart()
            film = chart.film() if chart is not None else None
            dialog = ExportDialog(figure, self._worker, self._window, film=film)
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    @Slot()
    def copy_chart(self) -> None:
        self._copy("png")

    @Slot()
    def copy_data(self) -> None:
        self._copy("csv")

    def _copy(self, form: Literal["png", "csv"]) -> None:
        from workbench.gui.export_content import Choice, copy

        figure = self._figure()
        if figure is not None:
            copy(figure, self._worker, self._copied, Choice(format=form))

    def _copied(self, text: str) -> None:
        self._notices.say("export", text)

    def _figure(self) -> Figure | None:
        self._notices.clear("export")
        chart = self._chart()
        figure = chart.figure() if chart is not None else None
        if figure is None:
            what = tr(chart.title).lower() if chart is not None else tr("chart")
            self._notices.say("export", tr("There is nothing to export yet: the {} view is empty.", what))
        return figure
