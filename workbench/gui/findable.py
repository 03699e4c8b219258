"""What search finds: commands, panels, experiments, runs, settings, algorithms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from workbench.gui.help import LEARNERS
from workbench.gui.layout import PANELS
from workbench.gui.run_data import ARCHIVED
from workbench.gui.search import Entry
from workbench.words import plural, tr

if TYPE_CHECKING:
    from workbench.gui.setup.draft import Draft
    from workbench.gui.window import MainWindow
    from workbench.settings import Path

INNER = " ▸ "


def entries(window: MainWindow) -> Iterator[Entry]:
    """Everything, as it is at present; what is wanted most often first."""
    commands = list(_commands(window.menuBar()))
    yield from (each for each in commands if INNER not in each.note)
    for number, (name, title) in enumerate(PANELS.items(), 1):
        yield Entry(tr(title), tr("Panel   Ctrl+{}", number), partial(window.layout_.go_to, name))
    yield from _runs(window)
    yield from (each for each in commands if INNER in each.note)
    if (setup := window.run_commands.setup) is not None:
        for path in _fields(setup.draft):
            words, field = setup.draft.describe(path), setup.draft.field(path)
            text = words[:1].upper() + words[1:]
            yield Entry(text, tr("Setup"), partial(setup.show_field, path), field.help if field else "")
        from workbench.algorithms import ALGORITHMS

        for each in ALGORITHMS.values():
            show = partial(window.help.show_part, LEARNERS, each.title)
            yield Entry(each.title, tr("Help"), show, tr(each.summary))


def _commands(menu: QMenu | QMenuBar, path: str = "") -> Iterator[Entry]:
    """What a menu has, and the menus in it; but panels, which are shown rather than closed."""
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu) and inner.objectName() != "menu_panels":
            inner.aboutToShow.emit()  # some are filled only now
            yield from _commands(inner, f"{path}{INNER}{action.iconText()}".removeprefix(INNER))
        elif inner is None and action.text() and (action.objectName() or action.isEnabled()):
            note = f"{path}   {action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)}".strip()
            yield Entry(action.iconText(), note, action.trigger, action.statusTip(), action.isEnabled())


def _runs(window: MainWindow) -> Iterator[Entry]:
    data, filter_ = window.session.data, window.runs_panel.filter

    def select(experiment: str, runs: tuple[int, ...]) -> None:
        first = data.run(runs[0])
        if first is not None and not data.passes(first):
            filter_.setText(ARCHIVED if ARCHIVED in first.tags else "")
        data.look_at(experiment)
        data.select(runs)
        window.layout_.go_to("runs")

    found = data.experiments()[::-1]
    for each in found:
        yield Entry(each.name, tr("Experiment"), partial(data.look_at, each.key))
    for node in window.runs_panel.model.nodes:
        if node.parent is not None and node.children:
            note = tr("{} of {}", plural(len(node.runs), "run"), node.parent.title)
            yield Entry(node.title, note, partial(select, node.experiment, node.runs))
    for each in found:
        for run in each.runs:
            yield Entry(run.name, each.name, partial(select, each.key, (run.id,)))


def _fields(draft: Draft) -> Iterator[Path]:
    """The paths of what Setup shows: every algorithm, and the settings of those that are ticked."""

    def below(path: Path) -> Iterator[Path]:
        for each in draft.fields(path):
            here = (*path, each.name)
            yield here
            if each.shape in ("section", "kinds") and draft.is_set(here):
                yield from below(here)

    yield ("name",)
    for top in ("task", "network", "training", "evaluation"):
        yield from below((top,))
    for key in draft.algorithms():
        yield ("algorithm", key)
        if draft.is_on(key):
            yield from below(("algorithm", key))
