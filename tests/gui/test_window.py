"""The whole path in the real window, on short real runs: choose, run, watch, pause, stop, keep, reopen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from tests.data import sources
from tests.fuzz import side_files as beside
from tests.gui.charts.test_player import GRID
from tests.gui.conftest import Open
from tests.test_runs import contents, perform
from tests.test_runs import start as start_project
from workbench import runs
from workbench.gui import dialogs, file_commands, untitled
from workbench.gui.export_dialog import ExportDialog
from workbench.gui.notices import Notices
from workbench.gui.setup.import_dialog import ImportDialog
from workbench.gui.window import MainWindow
from workbench.project import Project, ProjectError

RUN = 60_000  # milliseconds


def statuses(window: MainWindow) -> list[str]:
    return [run.status for run in window.session.data.runs()]


def load(window: MainWindow, toml: Path, qtbot: QtBot, **training: object) -> None:
    """Bring an experiment into Setup and wait until it can run."""
    assert window.files.open_path(toml)
    assert window.panels is not None
    for name, value in training.items():
        window.panels.setup.edits.set(("training", name), value)
    qtbot.waitUntil(window.panels.setup.can_run, timeout=RUN)


def press_run(window: MainWindow, qtbot: QtBot) -> None:
    """On the coloured button, where that is what comes next, or on the one that adds."""
    button = window.queue_bar.add if window.queue_bar.add.isVisible() else window.queue_bar.start
    assert button.defaultAction() is window.actions_["run"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run_to_the_end(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: set(statuses(window)) == {"finished"}, timeout=RUN)
    qtbot.waitUntil(lambda: window.session.queue.running is None, timeout=RUN)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the person answers to the questions to come; a question without an answer fails."""
    given: list[str] = []
    monkeypatch.setattr(dialogs, "ask", lambda *_, **__: given.pop(0))
    return given


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """The file that the person chooses in the next dialogs."""

    def to_choose(path: Path) -> None:
        monkeypatch.setattr(dialogs, "file_to_save", lambda *_: path)
        monkeypatch.setattr(dialogs, "file_to_open", lambda *_: path)

    return to_choose


def test_the_sample_is_ready_to_run_in_an_untitled_project_that_is_a_file(
    open_window: Open, qtbot: QtBot
) -> None:
    window = open_window()
    assert window.session.is_untitled
    assert window.session.path.is_file()
    assert window.panels is not None
    qtbot.waitUntil(window.panels.setup.can_run, timeout=RUN)
    assert window.actions_["run"].text() == "Run 4 runs"
    assert not window.actions_["pause"].isEnabled()


def test_from_setup_to_results_and_back(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path, choose: Callable[[Path], None]
) -> None:
    window = open_window()
    load(window, toml, qtbot)
    assert "Press Run" in window.notices.texts()["quick_start"]
    place = window.layout_.docks["setup"].geometry()
    press_run(window, qtbot)
    QApplication.processEvents()
    assert "Training has begun" in window.notices.texts()["quick_start"]
    assert window.layout_.docks["setup"].geometry() == place  # nothing has moved under the mouse
    assert len(statuses(window)) == 2
    run_to_the_end(window, qtbot)
    assert window.panels is not None
    for dock, chart in zip(("learning_curves", "adaptation_chart"), window.panels.charts, strict=False):
        window.layout_.docks[dock].raise_()
        qtbot.waitUntil(lambda chart=chart: chart.figure() is not None, timeout=RUN)
        assert not chart.hint
    window.layout_.docks["comparison_view"].raise_()
    compared = window.panels.charts[3]
    qtbot.waitUntil(lambda: compared.figure() is not None, timeout=RUN)
    drawn = compared.figure()
    assert drawn is not None
    assert {row["algorithm"] for row in drawn.table} == {"MAML", "Reptile"}
    choose(tmp_path / "compared.svg")
    window.actions_["export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    dialog.save_to(tmp_path / "compared.svg")
    qtbot.waitUntil((tmp_path / "compared.svg").exists, timeout=RUN)
    assert "MAML" in (tmp_path / "compared.svg").read_text(encoding="utf-8")
    dialog.close()
    choose(tmp_path / "kept.mlwb")
    untitled_path = window.session.path
    window.actions_["save_as"].trigger()
    assert window.session.path == tmp_path / "kept.mlwb"
    assert not untitled_path.exists()
    window.go()

    again = open_window(tmp_path / "kept.mlwb")
    assert statuses(again) == ["finished", "finished"]
    assert again.session.name == "kept"
    assert again.panels is not None
    assert again.panels.draft.value(("name",)) == "small sinusoid"
    choose(tmp_path / "table.csv")
    again.actions_["export_table"].trigger()
    qtbot.waitUntil((tmp_path / "table.csv").exists, timeout=RUN)
    assert (tmp_path / "table.csv").read_text(encoding="utf-8").count("\n") == 3


def test_a_window_computes_what_the_command_line_does(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path
) -> None:
    project, (run,) = start_project(tmp_path / "alone.mlwb", "maml")
    perform(project, run)
    window = open_window()
    load(window, toml, qtbot)
    press_run(window, qtbot)
    run_to_the_end(window, qtbot)
    assert window.session.project is not None
    assert contents(window.session.project, 1) == contents(project, run)
    project.close()


def test_pause_resume_stop_and_go_on(open_window: Open, qtbot: QtBot, toml: Path) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=1_000_000)
    press_run(window, qtbot)
    data = window.session.data

    def trained() -> int:
        return data.runs()[0].iterations

    qtbot.waitUntil(lambda: trained() > 0, timeout=RUN)
    window.actions_["pause"].trigger()
    qtbot.waitUntil(lambda: statuses(window)[0] == "paused", timeout=RUN)
    held = trained()
    assert not window.actions_["pause"].isEnabled()
    assert window.actions_["resume"].isEnabled()
    window.actions_["resume"].trigger()
    qtbot.waitUntil(lambda: trained() > held, timeout=RUN)
    window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: window.session.queue.running is None, timeout=RUN)
    assert statuses(window) == ["stopped", "queued"]
    window.actions_["resume"].trigger()
    qtbot.waitUntil(lambda: statuses(window)[0] == "running", timeout=RUN)


def test_closing_during_a_run_loses_nothing(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path, answers: list[str]
) -> None:
    window = open_window(toml)
    load(window, toml, qtbot, iterations=1_000_000)
    window.session.save_as(tmp_path / "p.mlwb")
    press_run(window, qtbot)
    qtbot.waitUntil(lambda: window.session.data.runs()[0].iterations > 20, timeout=RUN)
    answers.append(dialogs.CANCEL)
    window.close()
    assert window.isVisible()
    answers.append("Stop and close")
    window.close()
    assert not window.isVisible()
    with Project.open(tmp_path / "p.mlwb") as project:
        record = project.runs()[0]
        assert record.status == "interrupted"
        assert project.checkpoint_iterations(1)[0] == record.iterations
        assert len(project.series(1, "loss")[0]) == record.iterations
    again = open_window(tmp_path / "p.mlwb")
    assert "go_on" in again.notices.texts()


def test_a_run_that_fails_says_why_and_the_next_one_starts(
    open_window: Open, qtbot: QtBot, toml: Path
) -> None:
    window = open_window()
    load(window, toml, qtbot)
    assert window.panels is not None
    window.panels.setup.edits.set(("algorithm", "maml", "inner_lr"), 100.0)
    window.panels.setup.edits.set(("algorithm", "maml", "inner_steps"), 50)
    qtbot.waitUntil(window.panels.setup.can_run, timeout=RUN)
    press_run(window, qtbot)
    qtbot.waitUntil(lambda: statuses(window)[1] == "finished", timeout=RUN)
    failed = window.session.data.runs()[0]
    assert failed.status == "failed"
    assert "inner_lr" in failed.failure
    model = window.runs_panel.model
    node = model.node_of(failed.id)
    assert node is not None
    assert model.data(model.index_of(node, 1), Qt.ItemDataRole.ToolTipRole).endswith(failed.failure)


def test_a_run_whose_data_are_gone_says_so_and_can_be_resumed(
    open_window: Open, qtbot: QtBot, toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench import runs
    from workbench.tasks.base import DataError

    window = open_window()
    load(window, toml, qtbot)

    def gone(*_: object) -> None:
        raise DataError("mine.zip: there is no such file")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "open_family", gone)
        press_run(window, qtbot)
        qtbot.waitUntil(lambda: statuses(window) == ["stopped", "stopped"], timeout=RUN)
    assert window.session.data.runs()[0].failure == "mine.zip: there is no such file"
    window.actions_["resume"].trigger()
    run_to_the_end(window, qtbot)
    assert window.session.data.runs()[0].failure == ""


def test_an_untitled_project_of_a_killed_window_is_offered_again(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path
) -> None:
    left = untitled.create()
    path = left.path
    with left:
        project, _ = start_project(tmp_path / "p.mlwb", "maml")
        project.close()
        run = left.add_run(
            left.add_experiment("e", "", ""), name="MAML, seed 0", algorithm="maml", task="sinusoid", seed=0
        )
        left.update_run(run, status="running")
    window = open_window()
    assert "1 interrupted" in window.notices.texts()["left_0"]
    button = window.findChild(QPushButton, "notice_left_0_open")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert window.session.path == path
    assert "go_on" in window.notices.texts()


def test_a_read_only_project_can_be_looked_at_and_copied(
    open_window: Open, qtbot: QtBot, tmp_path: Path, choose: Callable[[Path], None]
) -> None:
    project, (run,) = start_project(tmp_path / "p.mlwb", "maml")
    perform(project, run)
    project.close()
    with Project.open(tmp_path / "p.mlwb") as project:
        pass
    (tmp_path / "p.mlwb").chmod(0o444)
    window = open_window()
    window.session._take(Project.open(tmp_path / "p.mlwb", read_only=True))
    assert "read-only" in window.notices.texts()["read_only"]
    window.session.data.select([run])
    for name in ("run", "rename", "delete", "resume", "undo"):
        assert not window.actions_[name].isEnabled(), name
    choose(tmp_path / "mine.mlwb")
    window.actions_["save_as"].trigger()
    assert not window.session.read_only
    window.session.data.select([run])
    assert window.actions_["rename"].isEnabled()


@pytest.mark.parametrize("content", [b"", b"not a project", b"SQLite format 3\0" + bytes(200)])
def test_what_is_no_project_is_refused_in_a_line_and_the_present_one_stays(
    open_window: Open, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.mlwb").write_bytes(content)
    window = open_window()
    before = window.session.path
    assert not window.files.open_path(tmp_path / "bad.mlwb")
    assert "bad.mlwb" in window.notices.texts()["file"]
    assert window.session.path == before
    assert window.session.project is not None


@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and devices as Unix has them")
def test_what_lies_beside_a_project_is_refused_in_a_line_and_the_window_stays_usable(
    open_window: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "from somebody"
    folder.mkdir()
    path = folder / "P.mlwb"
    start_project(path, "maml")[0].close()
    window = open_window(path)
    window.session.new()
    for suffix in beside.SUFFIXES:
        beside.lay(path, suffix, "pipe", Random(0))
        before = beside.state(folder)
        assert not window.files.open_path(path)
        name = beside.place(path, suffix).name
        assert f"{name} beside it is a named pipe" in window.notices.texts()["file"]
        assert beside.state(folder) == before
        beside.place(path, suffix).unlink()
    circle = tmp_path / "circle.mlwb"
    circle.symlink_to(circle)
    assert not window.files.open_path(circle)
    assert "circle.mlwb" in window.notices.texts()["file"]
    assert window.files.open_path(path)


def test_what_is_done_to_runs_can_be_undone(open_window: Open, qtbot: QtBot, tmp_path: Path) -> None:
    project, (first, second) = start_project(tmp_path / "p.mlwb", "maml", "reptile")
    project.close()
    window = open_window(tmp_path / "p.mlwb")
    data, model = window.session.data, window.runs_panel.model

    def order() -> list[int]:
        return [run.id for run in data.runs()]

    data.select([second])
    window.actions_["move_up"].trigger()
    assert order() == [second, first]
    window.actions_["undo"].trigger()
    assert order() == [first, second]
    data.select([first])
    window.actions_["delete"].trigger()
    assert order() == [second]
    window.actions_["undo"].trigger()
    assert order() == [first, second]
    node = model.node_of(first)
    assert node is not None
    model.setData(model.index_of(node), "My run")
    assert data.runs()[0].name == "My run"
    model.setData(model.index_of(node), Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    assert [run.id for run in data.shown()] == [second]
    data.select([first])
    window.actions_["notes"].trigger()
    assert window.focusWidget() is window.runs_panel.page.notes
    qtbot.keyClicks(window.runs_panel.page.notes, "a note")
    window.runs_panel.page.keep()
    assert data.runs()[0].notes == "a note"
    for _ in range(3):
        window.actions_["undo"].trigger()
    restored = data.runs()[0]
    assert (restored.name, restored.visible, restored.notes) == ("MAML, seed 0", True, "")
    assert window.session.project is not None
    assert window.session.project.run(first) == restored


def test_what_is_discarded_goes_once_the_next_project_is_open(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path, answers: list[str]
) -> None:
    window = open_window()
    load(window, toml, qtbot)
    press_run(window, qtbot)
    run_to_the_end(window, qtbot)
    path = window.session.path
    (tmp_path / "bad.mlwb").write_bytes(b"not a project")
    answers.append("Discard")
    assert not window.files.open_path(tmp_path / "bad.mlwb")
    assert window.session.path == path
    assert statuses(window) == ["finished", "finished"]
    answers.append("Discard")
    window.actions_["new"].trigger()
    assert not path.exists()
    assert statuses(window) == []


def test_a_project_that_another_window_works_on_is_not_discarded() -> None:
    with untitled.create() as project:
        path = project.path
    code = (
        "import sys; from workbench.project import Project; p = Project.open(sys.argv[1]); print(); input()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()  # it has the project open now
        with pytest.raises(ProjectError, match="was not deleted"):
            untitled.remove(path)
        other.kill()
    assert path.exists()
    untitled.remove(path)
    assert not path.exists()


def test_a_redone_deletion_stops_the_run_first(open_window: Open, qtbot: QtBot, toml: Path) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=1_000_000)
    press_run(window, qtbot)
    run = window.session.data.runs()[0].id
    qtbot.waitUntil(lambda: window.session.queue.running == run, timeout=RUN)
    window.session.data.select([run])
    window.actions_["delete"].trigger()
    assert window.session.queue.running is None
    window.actions_["undo"].trigger()
    window.session.data.select([run])
    window.actions_["resume"].trigger()
    qtbot.waitUntil(lambda: window.session.queue.running == run, timeout=RUN)
    window.actions_["redo"].trigger()
    assert window.session.queue.running is None
    assert run not in [each.id for each in window.session.data.runs()]


def test_a_run_in_preparation_stays_running_whatever_is_done_to_the_list(
    open_window: Open, qtbot: QtBot, toml: Path
) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=1_000_000)
    press_run(window, qtbot)
    qtbot.waitUntil(lambda: statuses(window)[0] == "running", timeout=RUN)
    window.session.data.reread()
    assert statuses(window)[0] == "running"


def test_the_layout_is_kept_with_the_project_and_can_be_reset(
    open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    Project.create(tmp_path / "p.mlwb").close()
    window = open_window(tmp_path / "p.mlwb")
    window.layout_.docks["log"].show()
    window.layout_.docks["runs"].setFloating(True)
    window.go()
    again = open_window(tmp_path / "p.mlwb")
    assert not again.layout_.docks["log"].isHidden()
    assert again.layout_.docks["runs"].isFloating()
    again.actions_["arrange"].trigger()
    assert again.layout_.docks["log"].isHidden()
    assert not again.layout_.docks["runs"].isFloating()


def test_save_as_during_a_run_goes_on_in_the_new_file(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path
) -> None:
    window = open_window()
    load(window, toml, qtbot, iterations=1_000_000)
    press_run(window, qtbot)
    qtbot.waitUntil(lambda: window.session.data.runs()[0].iterations > 0, timeout=RUN)
    window.session.save_as(tmp_path / "p.mlwb")
    before = window.session.data.runs()[0].iterations
    qtbot.waitUntil(lambda: window.session.data.runs()[0].iterations > before, timeout=RUN)
    assert window.session.path == tmp_path / "p.mlwb"
    x, _ = window.session.data.series(1, "loss")
    assert x.tolist() == list(range(1, len(x) + 1))


def test_a_bad_value_keeps_run_disabled_and_says_why(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    assert window.panels is not None
    setup = window.panels.setup
    qtbot.waitUntil(setup.can_run, timeout=RUN)
    field = setup.findChild(QLineEdit, "field_training.iterations")
    assert field is not None
    qtbot.keyClicks(field, "x")
    assert not window.actions_["run"].isEnabled()
    assert "whole number" in setup.run_reason.text()
    window.actions_["undo"].trigger()
    qtbot.waitUntil(lambda: window.actions_["run"].isEnabled(), timeout=RUN)


def test_what_is_dropped_on_the_window_is_opened(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path
) -> None:
    project, _ = start_project(tmp_path / "p.mlwb", "maml")
    project.close()
    window = open_window()

    def drop(path: Path) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        actions, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        where = QPointF(10, 10)
        window.dropEvent(QDropEvent(where, actions, mime, buttons, Qt.KeyboardModifier.NoModifier))

    drop(tmp_path / "p.mlwb")
    assert window.session.path == tmp_path / "p.mlwb"
    drop(toml)
    assert window.panels is not None
    assert window.panels.draft.value(("name",)) == "small sinusoid"


def test_a_project_from_the_command_line_opens_with_its_newest_experiment(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    project, _ = start_project(tmp_path / "p.mlwb", "maml")
    project.close()
    window = open_window(tmp_path / "p.mlwb")
    assert window.panels is not None
    qtbot.waitUntil(window.panels.setup.can_run, timeout=RUN)
    assert window.panels.draft.value(("name",)) == "small sinusoid"
    assert window.panels.draft.ticked() == ["maml"]


def test_a_sample_is_offered_first_and_taken_with_a_click(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    assert "Press Run" in window.notices.texts()["quick_start"]
    button = window.findChild(QPushButton, "notice_quick_start_letters_of_unseen_scripts")
    place = window.layout_.docks["setup"].geometry()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    said = "“Letters of unseen scripts” stands ready in Setup. Press Run, or choose:"
    assert window.notices.texts()["quick_start"] == said
    assert window.layout_.docks["setup"].geometry() == place  # nothing has moved under the mouse
    assert window.panels is not None
    qtbot.waitUntil(window.panels.setup.can_run, timeout=RUN)
    assert window.actions_["run"].text() == "Run 4 runs"
    assert window.panels.draft.value(("task", "family")) == "glyphs"


def test_every_sample_is_in_the_menu() -> None:
    assert file_commands.SAMPLES.keys() == runs.SAMPLES.keys()


def test_many_answers_make_no_notice_wider_than_a_small_screen(qtbot: QtBot) -> None:
    notices, taken = Notices(), list[str]()
    qtbot.addWidget(notices)
    answers = [(f"An answer, number {each}", partial(taken.append, f"{each}")) for each in range(30)]
    notices.say("many", "Choose one:", answers)
    assert notices.minimumSizeHint().width() <= 1280
    action = notices.findChild(QAction, "notice_many_an_answer,_number_29")
    assert action is not None
    action.trigger()
    assert taken == ["29"]
    assert notices.texts() == {}


def test_a_project_with_runs_is_offered_no_quick_start(
    open_window: Open, tmp_path: Path, qtbot: QtBot
) -> None:
    project, _ = start_project(tmp_path / "p.mlwb", "maml")
    project.close()
    window = open_window()
    assert "quick_start" in window.notices.texts()
    assert window.files.open_path(tmp_path / "p.mlwb")
    assert "quick_start" not in window.notices.texts()


def test_the_menu_has_every_sample_and_the_first_screen_the_quick_ones(open_window: Open) -> None:
    window = open_window()
    listed = [each.objectName() for each in window.findChildren(QAction)]
    assert {name for name in listed if name.startswith("sample_")} == {f"sample_{n}" for n in runs.SAMPLES}
    buttons = window.notices.findChildren(QPushButton)
    offered = [each.text() for each in buttons if each.menu() is None]
    offered[-1:-1] = [each.text() for button in buttons if button.menu() for each in button.menu().actions()]
    quick = [text for name, text in file_commands.SAMPLES.items() if name.startswith("quickstart")]
    assert offered == [*quick, "Close"]


def test_from_the_first_screen_to_a_playing_episode_by_keyboard_alone(
    open_window: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window()
    assert window.panels is not None
    focused = window.focusWidget()
    assert isinstance(focused, QPushButton)
    assert focused.text() == "Sine waves"
    for _ in range(2):
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Return)
    assert window.panels.draft.value(("name",)) == "Quick start: bandits"
    (tmp_path / "grid.toml").write_text(f'{GRID}[[algorithm]]\nkind = "rl2"\n', encoding="utf-8")
    load(window, tmp_path / "grid.toml", qtbot)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    player = window.panels.predictions.player
    qtbot.waitUntil(lambda: window.focusWidget() is player.button, timeout=RUN)
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Space)
    assert player.playing
    assert window.panels.predictions.board.plots[0].moving is not None
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Space)
    assert not player.playing
    run_to_the_end(window, qtbot)


def test_light_and_dark_reach_everything(open_window: Open, qtbot: QtBot) -> None:
    window = open_window()
    assert window.panels is not None
    chart = window.panels.charts[0]
    light = chart.grab().toImage().pixelColor(chart.width() // 2, chart.height() - 10).lightness()
    window.findChild(QAction, "theme_dark").trigger()
    qtbot.waitUntil(lambda: window.palette().window().color().lightness() < 80)
    dark = chart.grab().toImage().pixelColor(chart.width() // 2, chart.height() - 10).lightness()
    assert light > 200
    assert dark < 80


def test_every_command_has_keys_or_a_menu_and_no_keys_twice(open_window: Open) -> None:
    window = open_window()
    keys = [
        shortcut.toString()
        for action in [
            *window.actions_.values(),
            *(d.toggleViewAction() for d in window.layout_.docks.values()),
        ]
        for shortcut in action.shortcuts()
    ]
    assert len(keys) == len(set(keys))
    window.actions_["keys"].trigger()
    window.actions_["algorithms"].trigger()
    window.actions_["about"].trigger()


def test_from_an_import_to_results_and_the_set_once_more(
    open_window: Open, qtbot: QtBot, toml: Path, tmp_path: Path, answers: list[str]
) -> None:
    """Texts from the wizard are trained on; what was kept under a name is used again, and removed."""
    window = open_window()
    load(window, toml, qtbot, iterations=4)
    assert window.panels is not None
    setup = window.panels.setup
    assert setup is not None
    for kind in ("maml", "reptile"):
        setup.edits.set(("algorithm", kind, "on"), kind == "maml")
    setup.import_path(sources.clinc(tmp_path / "intents.json"))
    dialog = setup.findChild(ImportDialog)
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.prepared is not None, timeout=RUN)
    for name, value in (("ways", 2), ("queries", 3)):
        dialog.draft.set(("task", name), value)
    qtbot.keyClicks(dialog.name, "intents")
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: setup.draft.value(("task", "dataset")) == "intents", timeout=RUN)
    for path, value in ((("training", "iterations"), 4), (("evaluation", "episodes"), 20)):
        setup.edits.set(path, value)  # another family, so it is an experiment that suits that
    qtbot.waitUntil(setup.can_run, timeout=RUN)
    press_run(window, qtbot)
    run_to_the_end(window, qtbot)
    (run,) = window.session.data.runs()
    result = window.session.data.result(run.id)
    assert result is not None
    assert result["episodes"] == 20

    setup.edits.set(("task", "family"), "sinusoid")
    use, remove = registered(window)
    use["intents"].trigger()
    assert setup.draft.value(("task", "family")) == "text"
    qtbot.waitUntil(setup.can_run, timeout=RUN)
    notes = window.findChild(QMenu, "menu_registered").actions()[-2].menu()
    notes.actions()[0].trigger()
    told = window.findChild(QDialog, "import_notes")
    assert told.windowTitle() == "Notes on intents"
    told.close()
    answers.append("Remove")
    remove["intents…"].trigger()
    qtbot.waitUntil(lambda: "no data set named 'intents'" in setup.run_reason.text(), timeout=RUN)
    use, _ = registered(window)
    assert [(text, each.isEnabled()) for text, each in use.items()] == [("None yet", False)]


def registered(window: MainWindow) -> tuple[dict[str, QAction], dict[str, QAction]]:
    """What the menu of imported data offers to use, and to remove, by text."""
    menu = window.findChild(QMenu, "menu_registered")
    menu.aboutToShow.emit()
    removal = [each.menu() for each in menu.actions() if each.text() == "Remove"]
    return tuple(  # type: ignore[return-value]
        {each.text(): each for each in where.actions() if each.text() and each.menu() is None}
        for where in (menu, *(removal or [QMenu()]))
    )
