"""Help: keys, panels, algorithms, measures and versions on one page that can be searched."""

from __future__ import annotations

import platform
import re
from importlib.metadata import version
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from workbench import __version__
from workbench.gui import theme
from workbench.gui.actions import COMMANDS
from workbench.gui.layout import PANELS, Layout
from workbench.gui.plain import Markup, Page, joined, name_window, rich, set_tip
from workbench.words import marked, tr

if TYPE_CHECKING:
    from workbench.algorithms import Algorithm, Citation
    from workbench.gui.setup.panel import SetupPanel
    from workbench.measures import Measure

KEYS, PANEL, LEARNERS, MEASURED, ABOUT = marked(("Keyboard", "Panels", "Algorithms", "Measures", "About"))
OTHER_KEYS = marked((
    ("Go to a panel", "Ctrl+1 to Ctrl+8; F6 and Shift+F6 to the next and the previous"),
    ("Chart: whole range, follow the run", "A, or a double click"),
    ("Chart: zoom, move, read values", "+ and −, arrow keys, Shift+arrow keys; wheel, drag, pointing"),
    ("Chart, run, curve: what can be done with it", "the Menu key, or the right mouse button"),
    ("Predictions: play, a step back, on", "Space, Left, Right"),
    ("Runs: tick, fold, go to the page", "Space, Left and Right, Enter; letters go to a name"),
    ("Runs: leave the filter, empty it", "Enter or Down, Esc"),
    ("Number in Setup: change it", "Up and Down; the Menu key has its default"),
    ("What waits, or is arranged: move it", "Alt+Up and Alt+Down; Del takes it out of the queue"),
    ("Table: copy, paste", "Ctrl+C, and Ctrl+V where examples are typed in"),
))  # fmt: skip
SHOWN = marked({
    "setup": "What is compared, on what, and how. A bad value is marked; Run says why it waits.",
    "learning_curves": "What is reached in training: faint as measured, strong smoothed, bands over seeds.",
    "adaptation_chart": "What learners reach on unseen tasks after each inner step, with 95% intervals.",
    "prediction_view": "What the learners that are ticked predict on the same unseen tasks, step by step.",
    "tuning_view": "What a sweep has tried: every trial, what was best, what matters.",
    "inside_view": "What a learner has learned: weights, gates, memory, the landscape of its loss.",
    "comparison_view": "What is reached on the same meta-test tasks: points are seeds; below, paired tests.",
    "runs": "Experiments, algorithms, seeds. Charts show what is ticked and passes the filter.",
    "log": "All that happened, with its time.",
})  # fmt: skip
BETTER = marked({1: "higher is better", 0: "neither high nor low is better", -1: "lower is better"})


class Help(QDialog):
    """The window of help, which stays open beside the other; F1 opens it at the panel with the keyboard.

    Attributes
    ----------
    setup : there once PyTorch is, which knows the algorithms.
    """

    def __init__(self, layout: Layout, window: QWidget) -> None:
        super().__init__(window)
        self._docks, self._window = layout.docks, window
        self.setup: SetupPanel | None = None
        self.device = tr("not known yet")
        self._told: dict[str, list[tuple[str, Markup]]] = {}
        self.setObjectName("help")
        name_window(self, tr("Help"))
        self.resize(680, 640)
        self.filter = QLineEdit(self)
        self.filter.setObjectName("help_filter")
        self.filter.setAccessibleName(tr("Filter help"))
        self.filter.setPlaceholderText(tr("Filter: words that must all be there"))
        set_tip(self.filter, tr("Keys, panels, algorithms with their papers, measures"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._write)
        self.page = Page(rich(""), self)
        self.page.setObjectName("help_page")
        self.page.setAccessibleName(tr("Help"))
        beside = QVBoxLayout(self)
        beside.addWidget(self.filter)
        beside.addWidget(self.page)

    @Slot()
    def keys(self) -> None:
        focused = self._window.focusWidget()
        here = (name for name, dock in self._docks.items() if focused and dock.isAncestorOf(focused))
        title = tr(PANELS.get(next(here, ""), ""))
        self.show_part(PANEL if title else KEYS, title)

    @Slot()
    def algorithms(self) -> None:
        self.show_part(LEARNERS)

    @Slot()
    def about(self) -> None:
        self.show_part(ABOUT)

    def show_part(self, part: str, title: str = "") -> None:
        """Open the page at a part, or at what has a title in it."""
        self.filter.clear()
        self._told = self._parts()
        self._write()
        self.show()
        self.raise_()
        self.activateWindow()
        self.page.scrollToAnchor(f"{part}/{title}" if title else part)
        self.filter.setFocus()

    @Slot()
    def _write(self) -> None:
        words, parts = self.filter.text().casefold().split(), []
        for part, told in self._told.items():
            rows = [_row(part, *each) for each in told if _has(f"{tr(part)} {each[0]} {each[1]}", words)]
            if rows:
                parts.append(rich('<h2><a name="{}"></a>{}</h2>', part, tr(part)))
                parts.append(rich('<table cellpadding="4">{}</table>', joined(rich(""), rows)))
        self.page.write(joined(rich(""), parts) or rich("<p>Nothing is said of this.</p>"))

    def _parts(self) -> dict[str, list[tuple[str, Markup]]]:
        """What is told, as titles with texts, by part."""
        keys = [(f"{tr(each.menu)}: {tr(each.text).rstrip('…')}", _keys(each.keys)) for each in COMMANDS]
        keys = [each for each in keys if each[1]] + [(tr(what), tr(how)) for what, how in OTHER_KEYS]
        told = {
            KEYS: [(title, rich("{}", text)) for title, text in keys],
            PANEL: [(tr(title), rich("{}", tr(SHOWN[name]))) for name, title in PANELS.items()],
        }
        if self.setup is not None:
            from workbench.algorithms import ALGORITHMS
            from workbench.measures import MEASURES

            told[LEARNERS] = [(each.title, _learner(each)) for each in ALGORITHMS.values()]
            told[MEASURED] = [(each.axis, _measured(each)) for each in MEASURES.values()]
        return told | {ABOUT: [(name, rich("{}", text)) for name, text in _about(self.device)]}


def _row(part: str, title: str, text: Markup) -> Markup:
    name = rich('<a name="{}"></a><b>{}</b>', f"{part}/{title}", title)
    return rich('<tr><td width="36%">{}</td><td width="64%">{}</td></tr>', name, text)


def _has(text: str, words: list[str]) -> bool:
    said = re.sub("<[^>]*>", " ", text).casefold()
    return all(word in said for word in words)


def _keys(keys: str) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return tr(" or ").join(QKeySequence(each).toString(native) for each in keys.split("  "))


def _measured(measure: Measure) -> Markup:
    on = tr(measure.on) or tr("the query sets after the last inner step")
    return rich("{}; of {}.", tr(BETTER[measure.sign]).capitalize(), on)


def _about(device: str) -> list[tuple[str, str]]:
    parts = {"PyTorch": "torch", "Qt for Python": "PySide6-Essentials", "pyqtgraph": "pyqtgraph"}
    return [
        ("Meta-Learning Workbench", __version__),
        ("Python", platform.python_version()),
        *((name, version(each)) for name, each in parts.items()),
        (tr("Device"), device),
        (tr("System"), platform.platform()),
        (tr("Licence"), "MIT"),
    ]


def _learner(algorithm: type[Algorithm]) -> Markup:
    problems = tr(" and ").join(map(tr, sorted(algorithm.Config.problems())))
    about = tr("{}, for {}.", tr(algorithm.family), problems)
    found = cited(algorithm.citation) if algorithm.citation else rich("{}", tr("No paper."))
    return rich("{}<p><b>{}</b> {}</p>", tr(algorithm.summary), about, found)


def cited(paper: Citation) -> Markup:
    """A paper, with a link to where it can be read."""
    said = rich("{}. <i>{}</i>. {} {}", paper.authors, paper.title, paper.venue, str(paper.year))
    if not paper.arxiv:
        return rich("{}.", said)
    link = rich(
        '<a href="https://arxiv.org/abs/{0}" style="color:{1}">arXiv {0}</a>', paper.arxiv, theme.accent()
    )
    return rich("{}, {}.", said, link)
