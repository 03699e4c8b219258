"""The Export menu's documents: report, tables, configuration, script, TensorBoard files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from workbench.gui import dialogs
from workbench.gui.notices import Notices
from workbench.gui.session import Session
from workbench.gui.weakly import weakly
from workbench.gui.worker import Progress, Worker
from workbench.words import marked, tr

JOB = "document"
TABLES = marked("LaTeX, booktabs (*.tex);;Markdown (*.md);;CSV (*.csv);;JSON (*.json)")
SUFFIXES = {"tex": "latex", "md": "markdown", "csv": "csv", "json": "json"}


class DocumentCommands(QObject):
    """Writes what the command line's ``export`` writes: tables are of what is in view, a report is of all.

    Parameters
    ----------
    selected : the ids of the runs that are selected in the table; a configuration or a script is of these.
    """

    def __init__(
        self,
        session: Session,
        worker: Worker,
        notices: Notices,
        selected: Callable[[], list[int]],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._worker, self._notices = session, worker, notices
        self._selected, self._window = selected, window

    @Slot()
    def export_report(self) -> None:
        self._ask("report", "report.html", tr("Report (*.html)"), "html")

    @Slot()
    def export_table(self) -> None:
        self._ask_table("table", "comparison.tex")

    @Slot()
    def export_tests(self) -> None:
        self._ask_table("statistics", "tests.tex")

    @Slot()
    def export_protocol(self) -> None:
        self._ask_table("protocol", "protocol.tex")

    @Slot()
    def export_runs(self) -> None:
        self._ask_table("runs", "runs.csv")

    @Slot()
    def export_config(self) -> None:
        self._ask("config", "experiment.toml", tr("Experiment (*.toml)"), "toml", of_selected=True)

    @Slot()
    def export_script(self) -> None:
        self._ask("script", "again.py", tr("Python script (*.py)"), "python", of_selected=True)

    @Slot()
    def export_tensorboard(self) -> None:
        self._ask("tensorboard", "tensorboard", tr("Folder (*)"), "tensorboard")

    def _ask_table(self, what: str, name: str) -> None:
        path = dialogs.file_to_save(self._window, tr("Export"), name, tr(TABLES), Path(name).suffix[1:])
        if path is not None:
            self.write(what, SUFFIXES.get(path.suffix[1:].lower(), "latex"), path)

    def _ask(self, what: str, name: str, kinds: str, form: str, *, of_selected: bool = False) -> None:
        path = dialogs.file_to_save(self._window, tr("Export"), name, kinds, Path(name).suffix[1:])
        if path is not None:
            self.write(what, form, path, of_selected=of_selected)

    def write(self, what: str, form: str, path: Path, *, of_selected: bool = False) -> None:
        """Write a document in the background, and say how it went."""
        project, data = self._session.path, self._session.data
        seen = (each for each in data.runs() if each.visible and data.passes(each))
        shown = [run.id for run in (seen if what == "report" else data.shown())]
        runs = tuple((self._selected() if of_selected else []) or shown)
        arrangement = data.arrangement
        self._notices.clear(JOB)

        def job(_: Progress) -> str:
            from workbench.export import documents
            from workbench.export.wishes import Wish
            from workbench.project import Project

            with Project.open(project, read_only=True) as opened:
                documents.save(opened, what, form, Wish(runs=runs), path, arrangement)
            return tr("Saved as {}.", path)

        self._worker.submit(JOB, "exporting", job, weakly(self._done), weakly(self._failed))

    def _done(self, text: str) -> None:
        self._notices.say(JOB, text)

    def _failed(self, error: Exception) -> None:
        from workbench.gui.export_content import in_words

        self._notices.say(JOB, tr("Could not be exported: {}", in_words(error)))
