"""Every command of the window: menus, shortcuts and the cheat sheet come from this table."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

from workbench.gui.plain import set_tip
from workbench.words import tr


class Command(NamedTuple):
    """A command: its ``objectName`` is ``action_<name>``; several shortcuts have two spaces between them."""

    name: str
    menu: str
    text: str
    keys: str = ""
    tip: str = ""


SEPARATOR = "-"
COMMANDS = (
    Command("new", "File", "New project", "Ctrl+N", "Begin an untitled project; it is kept from the start"),
    Command("open", "File", "Open…", "Ctrl+O", "Open a project, or an experiment's TOML file"),
    Command("recent", "File", "Open recent", "", "Projects that were open of late"),
    Command("samples", "File", "Samples", "", "Experiments that are ready to run"),
    Command(SEPARATOR, "File", ""),
    Command("save_as", "File", "Save as…", "Ctrl+Shift+S", "Give the project a name, and go on there"),
    Command("save_copy", "File", "Save a copy…", "", "Write a copy as of now; also while a run is running"),
    Command("save_experiment", "File", "Save experiment as TOML…", "", "For “workbench run” and for others"),
    Command(SEPARATOR, "File", ""),
    Command("import_data", "File", "Import data…", "Ctrl+I", "Your own images, texts, functions or patients"),
    Command("get_data", "File", "Get data…", "Ctrl+G", "Published data sets by name: Omniglot, CLINC-150 …"),
    Command("registered", "File", "Imported data", "", "Sets that were imported under a name"),
    Command(SEPARATOR, "File", ""),
    Command(
        "preferences", "File", "Preferences…", "Ctrl+,", "Where runs run: here, in processes, on a cluster"
    ),
    Command(SEPARATOR, "File", ""),
    Command("quit", "File", "Quit", "Ctrl+Q", "Stops what is running; it can go on later"),
    Command("undo", "Edit", "Undo", "Ctrl+Z", "Take back the last change"),
    Command("redo", "Edit", "Redo", "Ctrl+Shift+Z  Ctrl+Y", "Make the change that was taken back"),
    Command(SEPARATOR, "Edit", ""),
    Command("rename", "Edit", "Rename run", "F2", "Write another name for the selected run"),
    Command("star", "Edit", "Star", "S", "Mark the selected runs with a star, or take it away"),
    Command("tag", "Edit", "Tags", "T", "Tag the selected runs, to find them again"),
    Command("notes", "Edit", "Notes", "Ctrl+Shift+N", "Notes on the selected run"),
    Command("colour", "Edit", "Colour…", "", "Another colour for the selected runs"),
    Command("toggle_shown", "Edit", "Show or hide in charts", "H", "Show or hide the selected runs"),
    Command("show_only", "Edit", "Show only these", "Shift+H", "Hide what is beside them in the experiment"),
    Command("archive", "Edit", "Archive", "E", "Put the selected runs out of sight, or back"),
    Command("delete", "Edit", "Delete runs", "Del", "Put the selected runs aside; can be undone"),
    Command("select_runs", "Edit", "Go to runs", "Ctrl+L", "Put the keyboard into the tree of runs"),
    Command("find_runs", "Edit", "Filter runs", "Ctrl+F", "Show only runs in which words are found"),
    Command("use_in_setup", "Edit", "Use in Setup", "Ctrl+Shift+U", "Set up once more what it is a run of"),
    Command("look_inside", "Edit", "Look inside", "Ctrl+Shift+I", "What the selected run has learned"),
    Command("run", "Run", "Run", "Ctrl+R", "Queue the runs that Setup describes, and begin"),
    Command("pause", "Run", "Pause", "Ctrl+P", "Hold the running run; the queue waits"),
    Command("resume", "Run", "Resume", "Ctrl+Shift+R", "Let selected runs go on (or whatever is unfinished)"),
    Command("go_on", "Run", "Go on", "Ctrl+Shift+G", "Go on with all that was stopped, or waits"),
    Command("stop", "Run", "Stop", "Ctrl+.", "End the running run with a checkpoint; it can go on later"),
    Command(SEPARATOR, "Run", ""),
    Command("show_queue", "Run", "Waiting runs…", "Ctrl+Shift+Q", "Reorder the queue, or thin it"),
    Command("use", "Run", "Use this learner…", "Ctrl+U", "Adapt the selected run to examples of your own"),
    Command("duplicate", "Run", "Duplicate", "Ctrl+D", "Queue the selected runs once more"),
    Command("move_up", "Run", "Earlier in the queue", "Ctrl+Shift+Up", "Begin the selected run sooner"),
    Command("move_down", "Run", "Later in the queue", "Ctrl+Shift+Down", "Let others begin before it"),
    Command("panels", "View", "Panels", "", "What is seen of the window"),
    Command("theme", "View", "Theme", "", "Light or dark"),
    Command(SEPARATOR, "View", ""),
    Command("tile_charts", "View", "All charts at once", "Ctrl+0", "The four charts, two by two"),
    Command("arrange", "View", "Reset layout", "", "Put every panel back where it was at first"),
    Command("full_screen", "View", "Full screen", "F11", "Nothing but this window; once more to go back"),
    Command("export", "Export", "Export chart…", "Ctrl+E", "A figure for a paper, or its data"),
    Command("copy_chart", "Export", "Copy chart", "Ctrl+Shift+C", "Copy the chart as a picture"),
    Command("copy_data", "Export", "Copy data", "", "Copy the chart's numbers as comma-separated values"),
    Command(SEPARATOR, "Export", ""),
    Command(
        "export_report",
        "Export",
        "Report…",
        "Ctrl+Shift+E",
        "A chapter for each experiment, fit to print",
    ),
    Command(SEPARATOR, "Export", ""),
    Command("export_table", "Export", "Comparison table…", "", "A row for each algorithm, the best in bold"),
    Command("export_tests", "Export", "Table of tests…", "", "Every two algorithms, paired"),
    Command("export_protocol", "Export", "Table of protocols…", "", "Conditions side by side"),
    Command("export_runs", "Export", "Table of runs…", "", "A row for each run"),
    Command(SEPARATOR, "Export", ""),
    Command("export_config", "Export", "Configuration as TOML…", "", "Of the selected runs, as they were"),
    Command("export_script", "Export", "Python script…", "", "Does the selected runs again, bit for bit"),
    Command("export_tensorboard", "Export", "TensorBoard files…", "", "The shown runs' series, in a folder"),
    Command("keys", "Help", "Help", "F1  ?", "Keys, panels, measures; opens where the keyboard is"),
    Command("search", "Help", "Search…", "Ctrl+K", "Find a command, a run, a setting by words"),
    Command("algorithms", "Help", "Algorithms", "", "What each algorithm is, with its paper"),
    Command("about", "Help", "About", "", "Versions, device, licence"),
)
OF_THE_TREE = ("star", "tag", "toggle_shown", "show_only", "archive", "delete")
"""Commands whose keys are those of the tree of runs alone."""
SUBMENUS = ("recent", "samples", "registered", "panels", "theme")


def make(parent: QObject, *owners: QObject) -> dict[str, QAction]:
    """An action for each command, by name; its slot is the method of that name of one of the owners."""
    actions = {}
    for command in COMMANDS:
        if command.name in (SEPARATOR, *SUBMENUS):
            continue
        action = QAction(tr(command.text), parent)
        action.setObjectName(f"action_{command.name}")
        action.setShortcuts([QKeySequence(each) for each in command.keys.split("  ") if each])
        if command.name in OF_THE_TREE:  # a letter means something else elsewhere
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        tip = tr(command.tip or command.text)
        set_tip(action, f"{tip} ({command.keys.split('  ')[0]})" if command.keys else tip)
        owner = next(each for each in owners if hasattr(each, command.name))
        action.triggered.connect(getattr(owner, command.name))
        actions[command.name] = action
    return actions
