"""The twelve standing scenes: each makes its project, and brings the real window to what is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QLabel, QLineEdit

from tests.gui.scenes import projects
from workbench.gui.layout import CHARTS
from workbench.gui.panels import Panels
from workbench.gui.run_data import ALL
from workbench.gui.window import MainWindow

SOON = 1000
"""Milliseconds: what waits for no longer is about to change what is seen."""

Until = Callable[[Callable[[], object]], object]
"""Lets the window live until something holds."""


@dataclass
class Stage:
    """A window that lives, with hands on it."""

    window: MainWindow
    until: Until

    @property
    def panels(self) -> Panels:
        assert self.window.panels is not None
        return self.window.panels

    def settle(self) -> None:
        """Wait until nothing is worked on, and what was asked for is shown."""
        work = self.window.findChild(QLabel, "status_work")
        assert work is not None
        setup = self.panels.setup
        turns = iter(range(8))

        def is_quiet() -> bool:
            soon = any(
                timer.isActive() and timer.isSingleShot() and timer.interval() < SOON
                for timer in self.window.findChildren(QTimer)
            )
            works = soon or bool(work.text()) or setup.why_not().endswith("…")
            return not works and next(turns, None) is None

        self.until(is_quiet)

    def see(self, chart: str) -> None:
        """Bring a chart to the front."""
        self.window.layout_.go_to(chart)
        self.until(lambda: not self.window.layout_.docks[chart].visibleRegion().isEmpty())
        self.settle()

    def look_at(self, experiment: str) -> None:
        """Bring an experiment into view, by its name."""
        data = self.window.session.data
        key = next((each.key for each in data.experiments() if each.name == experiment), ALL)
        data.look_at(key)
        self.settle()

    def select(self, *labels: str) -> None:
        """Select the first run of each of these algorithms."""
        runs = self.window.session.data.runs()
        self.window.session.data.select(
            [next(run.id for run in runs if run.label == label) for label in labels]
        )
        self.settle()

    def press(self, action: str) -> None:
        """Do what an action of the window does."""
        self.window.actions_[action].trigger()

    def states(self) -> set[str]:
        return {run.status for run in self.window.session.data.runs()}


@dataclass(frozen=True)
class Scene:
    """A scene.

    Attributes
    ----------
    show : brings the window there; yields the name of each thing to be looked at, once it is seen.
    make : makes its project in a folder, thorough or of the same kind but quick; None where it needs none.
    has_run : whether the person has trained something before.
    """

    show: Callable[[Stage], Iterator[str]]
    make: Callable[[Path, bool], Path] | None = None
    has_run: bool = True

    def prepare(self, folder: Path, thorough: bool) -> Path | None:
        """Make the project in an empty folder, and settings of a person who would have it."""
        QSettings().clear()
        if self.has_run:
            QSettings().setValue("has_run", True)
        return self.make(folder, thorough) if self.make is not None else None


def _quiet(stage: Stage) -> Iterator[str]:
    stage.settle()
    yield ""


def _first_run(stage: Stage) -> Iterator[str]:
    stage.until(stage.panels.setup.can_run)
    stage.settle()
    yield "before"
    stage.press("run")
    stage.until(lambda: any(run.iterations > 20 for run in stage.window.session.data.runs()))
    yield "begun"


def _run(stage: Stage) -> None:
    stage.press("go_on")
    data = stage.window.session.data
    stage.until(lambda: any(run.status == "running" and run.iterations > 100 for run in data.runs()))


def _running(stage: Stage) -> Iterator[str]:
    _run(stage)
    stage.select("MAML")
    yield ""


def _paused(stage: Stage) -> Iterator[str]:
    _run(stage)
    stage.press("pause")
    stage.until(lambda: "paused" in stage.states())
    stage.settle()
    yield ""


def _stopped(stage: Stage) -> Iterator[str]:
    _run(stage)
    stage.press("stop")
    stage.until(lambda: stage.window.session.queue.running is None)
    stage.settle()
    yield ""


def _charts(stage: Stage, *charts: str) -> Iterator[str]:
    compare = stage.panels.compare
    for chart in charts:
        stage.see(chart)
        if chart == "comparison_view":
            stage.until(lambda: compare.ready)
            for tab in range(compare.tabs.count()):
                if compare.tabs.isTabVisible(tab):
                    compare.tabs.setCurrentIndex(tab)
                    stage.settle()
                    yield f"{chart}_{compare.tabs.tabText(tab).lower()}"
        else:
            yield chart


def _diverged(stage: Stage) -> Iterator[str]:
    stage.select("MAML, wild")
    yield from _charts(stage, "learning_curves", "adaptation_chart", "comparison_view")


def _six(stage: Stage) -> Iterator[str]:
    stage.look_at("Sinusoid, K = 5")
    stage.select("FOMAML")
    yield from _charts(stage, *CHARTS)
    stage.look_at("All experiments")
    for chart in _charts(stage, "learning_curves", "comparison_view"):
        yield f"all_{chart}"
    stage.press("tile_charts")
    stage.settle()
    yield "tiled"
    stage.press("arrange")


def _thousand(stage: Stage) -> Iterator[str]:
    stage.look_at("All experiments")
    yield "all"
    stage.look_at("Digits, 5-way 1-shot")
    found = stage.window.findChild(QLineEdit, "runs_filter")
    assert found is not None
    found.setText("digits")
    stage.settle()
    yield "filtered"
    found.clear()


def _predictions(stage: Stage) -> Iterator[str]:
    stage.see("prediction_view")
    drawn = stage.panels.predictions
    for problem in projects.PROBLEMS:
        stage.look_at(problem)
        stage.until(lambda: drawn.figure() is not None or drawn.hint != "")
        stage.settle()
        yield problem.lower()


def _long_names(stage: Stage) -> Iterator[str]:
    for language, experiment in (("chinese", projects.CHINESE), ("german", projects.GERMAN)):
        stage.look_at(experiment)
        stage.select(projects.LABELS[0])
        for chart in _charts(
            stage, "learning_curves", "adaptation_chart", "prediction_view", "comparison_view"
        ):
            yield f"{language}_{chart}"


def _missing(stage: Stage) -> Iterator[str]:
    stage.until(lambda: stage.panels.setup.data.error != "")
    yield from _charts(stage, "learning_curves", "prediction_view", "inside_view")


def _made(make: Callable[[Path], Path], name: str = "p") -> Callable[[Path, bool], Path]:
    return lambda folder, _: make(folder / f"{name}.mlwb")


def _graded(make: Callable[[Path, bool], Path]) -> Callable[[Path, bool], Path]:
    return lambda folder, thorough: make(folder / "p.mlwb", thorough)


LONG_FILE = "Versuchsreihe zur Anpassung – 少样本分类实验记录，第二版，含全部基线"
SCENES = {
    "empty": Scene(_quiet),
    "first_run": Scene(_first_run, has_run=False),
    "running": Scene(_running, _made(projects.half_done)),
    "paused": Scene(_paused, _made(projects.half_done)),
    "stopped": Scene(_stopped, _made(projects.half_done)),
    "diverged": Scene(_diverged, _made(projects.diverged)),
    "six": Scene(_six, _graded(projects.six)),
    "thousand": Scene(_thousand, _graded(projects.thousand)),
    "predictions": Scene(_predictions, _made(projects.of_every_problem)),
    "long_names": Scene(_long_names, _made(projects.with_long_names, LONG_FILE)),
    "missing_data": Scene(_missing, _made(projects.without_its_data)),
    "read_only": Scene(_quiet, _made(projects.read_only)),
}
