"""The Export menu: charts as figures or data, tables as CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui import dialogs
from workbench.gui.notices import Notices
from workbench.gui.session import Session
from workbench.gui.worker import Worker
from workbench.paths import write_atomically
from workbench.project import ProjectError

if TYPE_CHECKING:
    from workbench.gui.charts.base import Chart


class ExportCommands(QObject):
    """Exports the chart that the person looks at, or the project's tables.

    Parameters
    ----------
    chart : tells which chart that is.
    """

    def __init__(
        self,
        session: Session,
        worker: Worker,
        notices: Notices,
        chart: Callable[[], Chart | None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._worker, self._notices = session, worker, notices
        self._chart, self._window = chart, window

    @Slot()
    def export(self) -> None:
        from workbench.gui.export_dialog import ExportDialog

        figure = self._figure()
        if figure is not None:
            dialog = ExportDialog(figure, self._worker, self._window)
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    @Slot()
    def copy_chart(self) -> None:
        from workbench.gui.export_dialog import copy_image

        figure = self._figure()
        if figure is not None:
            copy_image(figure, self._worker, self._copied)

    def _copied(self, text: str) -> None:
        self._notices.say("export", text)

    def _figure(self) -> Any:
        self._notices.clear("export")
        chart = self._chart()
        figure = chart.figure() if chart is not None else None
        if figure is None:
            what = chart.title.lower() if chart is not None else "chart"
            self._notices.say("export", f"There is nothing to export yet: the {what} view is empty.")
        return figure

    @Slot()
    def export_runs(self) -> None:
        from workbench.export.results import runs_rows

        self._write("runs.csv", runs_rows)

    @Slot()
    def export_table(self) -> None:
        from workbench.export.results import table_rows

        self._write("comparison.csv", table_rows)

    def _write(self, name: str, rows: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        from workbench.export import results

        assert self._session.project is not None
        path = dialogs.file_to_save(self._window, "Export", name, "Tables (*.csv)", "csv")
        if path is None:
            return
        self._notices.clear("export")
        try:
            text = results.as_csv(rows(results.run_entries(self._session.project))).encode()
            write_atomically(path, lambda file: file.write(text))
        except (ProjectError, OSError) as error:
            self._notices.say("export", str(error))
