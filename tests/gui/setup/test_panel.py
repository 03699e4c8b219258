from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QUndoStack
from PySide6.QtWidgets import (
    QComboBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QToolButton,
    QTreeWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.gui.setup.conftest import Stage, at
from workbench import runs
from workbench.config import parse
from workbench.engine import cost
from workbench.gui import theme
from workbench.gui.setup.cost_line import CostDialog
from workbench.gui.setup.draft import Draft
from workbench.gui.setup.import_dialog import ImportDialog
from workbench.gui.setup.panel import SetupPanel
from workbench.gui.setup.preview import EpisodeView
from workbench.gui.worker import Worker


def choose(stage: Stage, name: str, text: str) -> None:
    """Pick an entry of a combo box as a person does."""
    box = stage.widget(name)
    assert isinstance(box, QComboBox)
    index = box.findText(text)
    assert index >= 0, [box.itemText(each) for each in range(box.count())]
    box.setCurrentIndex(index)
    box.activated.emit(index)


def message(stage: Stage, path: str) -> str:
    label = stage.panel.findChild(QLabel, f"message_{path}")
    assert label is not None
    return label.text() if label.isVisibleTo(stage.panel) else ""


def picture(stage: Stage) -> EpisodeView:
    found = stage.widget("episode_view")
    assert isinstance(found, EpisodeView)
    return found


# --- before the engine is there -------------------------------------------------------------------------


def test_until_pytorch_is_loaded_the_panel_says_so_and_run_is_off(qtbot: QtBot) -> None:
    worker = Worker()
    panel = SetupPanel(Draft(), QUndoStack(), worker)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.can_run()
    assert "PyTorch" in panel.run_reason.text()
    assert panel.family() is None
    panel.restore({"opened": ["training"]})
    panel.engine_ready()
    assert panel.state() == {"opened": ["training"]}
    qtbot.waitUntil(panel.can_run, timeout=30_000)
    worker.close()


# --- fields ---------------------------------------------------------------------------------------------


def test_what_is_typed_reaches_the_draft_and_undo_takes_it_back(stage: Stage) -> None:
    field = stage.type("training.iterations", "300")
    assert stage.draft.value(at("training.iterations")) == 300
    stage.leave("training.iterations")
    assert stage.undo.count() == 1
    assert stage.undo.undoText() == "Change iterations"
    stage.undo.undo()
    assert (field.text(), stage.draft.table()["training"]) == ("10000", {})
    stage.undo.redo()
    assert field.text() == "300"


def test_a_tooltip_tells_everything_about_a_field(stage: Stage) -> None:
    tip = stage.line("algorithm.maml.inner_lr").toolTip()
    for said in ("Allowed: a number", "Default: 0.01", ">algorithm.inner_lr<"):
        assert said in tip


def test_typing_again_later_is_another_command(stage: Stage) -> None:
    stage.type("training.iterations", "300")
    stage.leave("training.iterations")
    stage.type("training.iterations", "500")
    assert stage.undo.count() == 2
    stage.undo.undo()
    assert stage.line("training.iterations").text() == "300"


def test_a_number_keeps_the_way_it_was_written(stage: Stage) -> None:
    field = stage.type("training.meta_lr", "5e-4")
    stage.leave("training.meta_lr")
    assert field.text() == "5e-4"
    assert stage.draft.value(at("training.meta_lr")) == 0.0005


def test_a_bad_value_is_marked_while_typing_and_run_says_why(stage: Stage) -> None:
    stage.settle()
    assert stage.panel.can_run()
    field = stage.type("training.iterations", "12x")
    assert field.text() == "12x"
    assert "not a whole number" in message(stage, "training.iterations")
    assert "not a whole number" in field.accessibleDescription()
    assert not stage.panel.can_run()
    assert "not a whole number" in stage.panel.run_reason.text()
    stage.leave("training.iterations")
    assert field.text() == "12x"
    stage.type("training.iterations", "12")
    assert message(stage, "training.iterations") == ""
    assert stage.panel.can_run()


def test_a_name_that_cannot_be_shown_is_marked_while_typing(stage: Stage) -> None:
    stage.list.setCurrentItem(stage.item("MAML"))
    field = stage.line("algorithm.maml.label")
    field.setText("exe\u202etxt")
    field.textEdited.emit(field.text())
    assert "'exe\\u202etxt' holds U+202E (letter 4)" in message(stage, "algorithm.maml.label")
    assert not stage.panel.can_run()
    stage.type("algorithm.maml.label", "<b>bold</b>")
    assert not message(stage, "algorithm.maml.label")
    stage.type("name", "x" * 201)
    assert "has 201 letters; allowed: up to 200" in stage.panel.run_reason.text()


def test_the_reason_jumps_to_the_field_even_in_a_closed_part(stage: Stage) -> None:
    stage.settle()
    stage.panel.restore({"opened": []})
    stage.draft.set(at("evaluation.seed"), -1)
    stage.qtbot.mouseClick(stage.panel.run_reason, Qt.MouseButton.LeftButton)
    stage.qtbot.waitUntil(lambda: stage.line("evaluation.seed").hasFocus())
    assert stage.line("evaluation.seed").isVisible()


def test_an_emptied_field_means_the_default(stage: Stage) -> None:
    field = stage.type("training.meta_batch", "7")
    stage.type("training.meta_batch", "")
    assert field.text() == ""
    assert not stage.draft.is_set(at("training.meta_batch"))
    stage.leave("training.meta_batch")
    assert field.text() == "25"


def test_a_changed_field_goes_back_to_its_default(stage: Stage) -> None:
    stage.type("task.shots", "3")
    stage.leave("task.shots")
    mark = stage.widget("reset_task.shots")
    stage.qtbot.mouseClick(mark, Qt.MouseButton.LeftButton)
    assert stage.line("task.shots").text() == "10"
    assert not mark.isVisible()
    assert stage.undo.undoText() == "Reset shots"


def test_arrow_keys_step_and_are_one_command(stage: Stage) -> None:
    field = stage.line("training.meta_lr")
    field.setFocus()
    stage.qtbot.keyClick(field, Qt.Key.Key_Up)
    stage.qtbot.keyClick(field, Qt.Key.Key_Up)
    assert (field.text(), stage.draft.value(at("training.meta_lr"))) == ("0.005", 0.005)
    assert stage.undo.count() == 1


def test_seeds_are_a_list_and_count(stage: Stage) -> None:
    stage.type("training.seeds", "0-2")
    stage.tick("Reptile")
    assert stage.draft.value(at("training.seeds")) == [0, 1, 2]
    assert stage.panel.counted() == "2 algorithms × 3 seeds = 6 runs"


def test_ctrl_z_in_a_field_is_left_to_the_window(stage: Stage) -> None:
    field = stage.type("training.iterations", "300")
    stage.qtbot.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert field.text() == "300"


def test_undo_shows_the_field_that_it_changed(stage: Stage) -> None:
    stage.type("training.iterations", "300")
    stage.leave("training.iterations")
    stage.line("name").setFocus()
    stage.panel.restore({"opened": []})
    stage.undo.undo()
    assert stage.line("training.iterations").hasFocus()


def test_values_used_before_are_offered_again(stage: Stage) -> None:
    stage.type("training.iterations", "1234")
    stage.leave("training.iterations")
    field = stage.line("training.iterations")
    stage.line("name").setFocus()
    field.setFocus()
    model: Any = field.completer().model()
    assert "1234" in [model.data(model.index(row, 0)) for row in range(model.rowCount())]


def test_check_boxes_and_choices_are_undone_too(stage: Stage) -> None:
    more = stage.panel.findChild(QToolButton, "more_training")
    assert more is not None
    more.setChecked(True)
    stage.qtbot.mouseClick(stage.widget("field_training.tf32"), Qt.MouseButton.LeftButton, pos=QPoint(6, 8))
    assert stage.draft.value(at("training.tf32")) is True
    assert more.text() == "More (1 changed)"
    choose(stage, "field_training.device", "cpu")
    assert stage.draft.value(at("training.device")) == "cpu"
    stage.undo.undo()
    stage.undo.undo()
    assert stage.draft.table()["training"] == {}


def test_a_device_that_this_machine_lacks_is_shown_and_refused(stage: Stage) -> None:
    stage.draft.set(at("training.device"), "cuda:7")
    box = stage.widget("field_training.device")
    assert isinstance(box, QComboBox)
    assert box.currentText() == "cuda:7"
    stage.qtbot.waitUntil(lambda: "cuda:7" in stage.panel.run_reason.text(), timeout=30_000)
    assert not stage.panel.can_run()


# --- the task -------------------------------------------------------------------------------------------


def test_the_sample_episode_of_a_regression_is_a_curve_that_can_be_drawn_again(stage: Stage) -> None:
    stage.settle()
    first = picture(stage).sample
    assert first is not None
    query, support = first.drawing.panel.curves
    assert (query.kind, len(query.x)) == ("line", 200)
    assert (support.kind, len(support.x)) == ("markers", 10)
    stage.qtbot.mouseClick(stage.widget("draw_another"), Qt.MouseButton.LeftButton)
    stage.qtbot.waitUntil(lambda: picture(stage).sample is not first)
    assert stage.panel.family() is not None


def test_the_sample_episode_turns_dark_with_the_window(stage: Stage) -> None:
    stage.settle()
    seen = picture(stage)
    light = seen.grab().toImage().pixelColor(4, 4).lightness()
    middle = seen.width() // 2, seen.height() - 3
    assert light > 200
    theme.apply("dark")
    try:
        assert all(seen.grab().toImage().pixelColor(*at).lightness() < 80 for at in ((4, 4), middle))
    finally:
        theme.apply("light")


def test_another_family_changes_form_picture_and_network_and_comes_back(stage: Stage) -> None:
    stage.type("task.shots", "3")
    stage.leave("task.shots")
    choose(stage, "task_family", "Digits")
    assert stage.line("task.ways").text() == "2"
    assert stage.line("task.shots").text() == "3"
    assert stage.panel.family() is None
    stage.settle()
    sample = picture(stage).sample
    assert sample is not None
    rows = sample.drawing.panel.pictures
    assert [[each.pixels.shape for each in row if each.caption] for row in rows] == [[(1, 8, 8)] * 3] * 2
    choose(stage, "preview_split", "test split")
    stage.qtbot.waitUntil(lambda: getattr(picture(stage).sample, "split", "") == "test")
    stage.qtbot.mouseClick(stage.widget("group_data"), Qt.MouseButton.LeftButton)
    labels = [each.text() for each in stage.widget("data_summary").findChildren(QLabel) if each.isVisible()]
    family = stage.panel.family()
    assert family is not None
    assert {"Classes", "6", family.data_hash()[:12]} <= set(labels)
    stage.undo.undo()
    assert stage.panel.findChild(QComboBox, "task_family").currentText() == "Sinusoid"  # type: ignore[union-attr]
    assert stage.line("task.amplitude").text() == "0.1, 5"


def test_more_ways_than_the_data_has_is_said_in_the_picture(stage: Stage) -> None:
    choose(stage, "task_family", "Digits")
    stage.type("task.ways", "9")
    stage.settle()
    assert "9 ways" in picture(stage).hint
    assert "9 ways" in stage.panel.run_reason.text()
    assert not stage.panel.can_run()
    stage.type("task.ways", "2")
    stage.settle()
    assert stage.panel.can_run()


def test_data_that_is_gone_is_said_and_found_again(stage: Stage, image_zip: Callable[..., Path]) -> None:
    path = image_zip()
    moved = path.rename(path.with_suffix(".away"))
    stage.draft.assume(
        stage.draft.with_value(("task",), {"family": "images", "path": str(path), "ways": 2, "queries": 2})
    )
    stage.settle()
    assert "no such file" in picture(stage).hint
    moved.rename(path)
    again = stage.widget("draw_another")
    assert isinstance(again, QPushButton)
    assert again.text() == "Try again"
    stage.qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    stage.qtbot.waitUntil(lambda: stage.panel.data.error == "")
    stage.settle()
    assert picture(stage).sample is not None


def test_a_slip_of_the_pen_does_not_close_the_data(stage: Stage) -> None:
    stage.settle()
    opened = stage.panel.family()
    stage.type("task.shots", "1o")
    assert stage.panel.family() is None
    assert picture(stage).sample is not None
    stage.type("task.shots", "10")
    assert stage.panel.family() is opened
    assert opened is not None


def test_a_network_that_cannot_take_the_images_is_a_reason(stage: Stage) -> None:
    choose(stage, "task_family", "Digits")
    stage.draft.set(at("network.kind"), "conv4")
    stage.qtbot.waitUntil(lambda: "conv4" in stage.panel.run_reason.text(), timeout=30_000)
    stage.panel.show_field(at("network.kind"))
    assert stage.widget("field_network.kind").hasFocus()


# --- algorithms -----------------------------------------------------------------------------------------


def test_space_ticks_and_undo_unticks(stage: Stage) -> None:
    stage.tick("Reptile")
    assert stage.draft.ticked() == ["maml", "reptile"]
    assert stage.undo.undoText() == "Tick Reptile"
    stage.undo.undo()
    assert stage.draft.ticked() == ["maml"]
    assert stage.item("Reptile").checkState(0) == Qt.CheckState.Unchecked


def test_nothing_ticked_is_a_reason(stage: Stage) -> None:
    stage.tick("MAML")
    assert stage.panel.run_reason.text() == "Tick at least one algorithm"
    assert not stage.panel.can_run()


def test_what_cannot_do_the_task_is_grey_with_the_reason(stage: Stage) -> None:
    item = stage.item("ProtoNet")
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled
    assert "needs classes" in item.toolTip(0)
    choose(stage, "task_family", "Glyphs")
    assert stage.item("ProtoNet").flags() & Qt.ItemFlag.ItemIsEnabled


def test_parameters_of_an_unticked_algorithm_are_kept(stage: Stage) -> None:
    stage.tick("Reptile")
    stage.type("algorithm.reptile.inner_steps", "4")
    stage.leave("algorithm.reptile.inner_steps")
    stage.tick("Reptile")
    assert "reptile" not in [each["kind"] for each in stage.draft.table()["algorithm"]]
    assert stage.line("algorithm.reptile.inner_steps").text() == "4"


def test_defaults_are_those_of_the_problem(stage: Stage) -> None:
    assert stage.line("algorithm.maml.inner_lr").text() == "0.01"
    choose(stage, "task_family", "Glyphs")
    assert stage.line("algorithm.maml.inner_lr").text() == "0.4"


def test_a_variant_is_an_algorithm_of_its_own(stage: Stage) -> None:
    stage.qtbot.mouseClick(stage.widget("add_variant"), Qt.MouseButton.LeftButton)
    stage.type("algorithm.maml-2.inner_steps", "5")
    stage.type("algorithm.maml-2.label", "MAML, 5 steps")
    experiment = stage.draft.experiment()
    assert experiment is not None
    assert [each.label for each in experiment.algorithm] == ["", "MAML, 5 steps"]
    assert stage.item("MAML, 5 steps").checkState(0) == Qt.CheckState.Checked
    stage.qtbot.mouseClick(stage.widget("remove_variant"), Qt.MouseButton.LeftButton)
    assert stage.draft.ticked() == ["maml"]
    stage.undo.undo()
    assert stage.draft.ticked() == ["maml", "maml-2"]


def test_search_finds_by_name_family_and_author(stage: Stage) -> None:
    search = stage.widget("algorithm_search")
    stage.qtbot.keyClicks(search, "nichol")
    assert not stage.item("Reptile").isHidden()
    assert stage.item("MAML").isHidden()


def test_what_a_learner_knows_that_others_do_not_is_said_of_it_where_it_is_so(stage: Stage) -> None:
    def about(title: str) -> str:
        stage.list.setCurrentItem(stage.item(title))
        label = stage.widget("algorithm_about")
        assert isinstance(label, QLabel)
        return label.text()

    assert "simulator" not in about("MAML")
    choose(stage, "task_family", "Driving")
    assert "It uses the gradient of the test world's own simulator." in html.unescape(about("MAML"))
    assert "It sees the hidden parameters." in about("Oracle")
    assert " It " not in about("RL²")


def test_a_bad_parameter_is_seen_from_the_list(stage: Stage) -> None:
    stage.type("algorithm.maml.inner_lr", "-1")
    assert "Inner learning rate of MAML" in stage.panel.run_reason.text()
    stage.panel.show_field(at("algorithm.reptile.inner_lr"))
    assert stage.line("algorithm.reptile.inner_lr").hasFocus()
    stage.panel.show_field(at("algorithm.maml.inner_lr"))
    assert stage.line("algorithm.maml.inner_lr").text() == "-1"


# --- the whole ------------------------------------------------------------------------------------------


def test_tab_goes_through_the_panel_from_top_to_bottom(stage: Stage) -> None:
    choose(stage, "task_family", "Glyphs")
    stage.line("task.shots").setFocus()
    reached = []
    for _ in range(4):
        stage.qtbot.keyClick(stage.panel.window().focusWidget(), Qt.Key.Key_Tab)
        reached.append(stage.panel.window().focusWidget().objectName())
    assert reached == ["field_task.queries", "field_task.ways", "field_task.examples", "group_task.split"]


def test_what_the_draft_says_can_be_run(stage: Stage) -> None:
    stage.settle()
    assert stage.panel.can_run()
    experiment, family = stage.draft.experiment(), stage.panel.family()
    assert experiment is not None
    assert family is not None
    runs.check(experiment, family)


def test_an_experiment_is_loaded_as_one_command(stage: Stage) -> None:
    stage.panel.load(parse((Path(__file__).parents[3] / "resources" / "quickstart.toml").read_text()))
    assert stage.line("name").text() == "Quick start: sinusoid"
    assert stage.panel.counted() == "4 algorithms × 1 seed = 4 runs"
    stage.undo.undo()
    assert stage.panel.counted() == "1 algorithm × 1 seed = 1 run"


def test_a_read_only_project_says_so(stage: Stage) -> None:
    stage.settle()
    stage.panel.set_read_only("This project is open in another window")
    assert not stage.panel.can_run()
    assert "another window" in stage.panel.run_reason.text()
    assert not stage.line("training.iterations").isEnabled()
    stage.panel.set_read_only("")
    assert stage.panel.can_run()


@pytest.mark.parametrize("family", ["Sinusoid", "Glyphs", "Digits", "Images"])
def test_nothing_is_wider_than_the_panel(stage: Stage, family: str) -> None:
    choose(stage, "task_family", family)
    for heading in stage.panel.findChildren(QToolButton):
        if heading.isCheckable():
            heading.setChecked(True)
    stage.panel.resize(300, 720)
    scroll = stage.widget("setup_scroll")
    assert isinstance(scroll, QScrollArea)
    assert scroll.widget().minimumSizeHint().width() <= 300 - scroll.verticalScrollBar().sizeHint().width()


def test_every_control_has_a_name_and_a_tooltip(stage: Stage) -> None:
    choose(stage, "task_family", "Images")
    for kind in ("QLineEdit", "QComboBox", "QCheckBox", "QPushButton", "QTreeWidget", "QToolButton"):
        for each in stage.panel.findChildren(QWidget):
            if each.inherits(kind) and each.isVisible() and not each.objectName().startswith("qt_"):
                described = each.accessibleName() or (each.text() if isinstance(each, QPushButton) else "")
                assert each.objectName(), each
                assert described, each.objectName()
                assert each.toolTip(), each.objectName()


def test_what_the_runs_take_is_told_on_demand(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MEASURING", 0.01)
    for name, value in (("threads", 1), ("chunk", 25), ("compile", False)):  # no plan has to be found
        stage.draft.set(at(f"training.{name}"), value)
    stage.settle()
    stage.qtbot.mouseClick(stage.widget("estimate_cost"), Qt.MouseButton.LeftButton)
    answer = stage.widget("cost")
    assert isinstance(answer, QLabel)
    stage.qtbot.waitUntil(lambda: "about" in answer.text(), timeout=60_000)
    assert answer.text().startswith("1 run: about")
    assert "of memory" in answer.text()
    stage.qtbot.mouseClick(stage.widget("cost_details"), Qt.MouseButton.LeftButton)
    table = stage.widget("cost_table")
    assert isinstance(table, QTableWidget)
    assert [table.verticalHeaderItem(row).text() for row in range(2)] == ["MAML", "all runs"]
    assert table.item(0, 1).text().endswith((" s", " min"))
    assert not stage.widget("equal_seconds").isEnabled(), "one algorithm has nobody to be equal to"
    stage.draft.set(at("training.iterations"), 7)
    assert not answer.isVisible()


PHASES = ("training", "validation", "test", "total")


def test_equal_budgets_are_given_in_one_change_that_can_be_undone(stage: Stage) -> None:
    stage.draft.set(("algorithm", "reptile", "on"), True)
    stage.settle()
    first, before = stage.draft.experiment(), stage.draft.state
    assert first is not None
    entries = [
        {"algorithm": each.name, "label": each.name, "runs": 1, "iterations": 10, "tasks": 10 * many}
        | {name: dict.fromkeys(PHASES, 1.0) for name in ("seconds", "operations")}
        | {"peak_memory": 1, "disk": 1}
        for each, many in zip(first.algorithm, (2, 4), strict=True)
    ]
    dialog = CostDialog(entries, stage.panel)  # type: ignore[arg-type]
    dialog.wanted.connect(stage.panel.cost.wanted)
    dialog.show()
    stage.qtbot.mouseClick(dialog.findChild(QPushButton, "equal_tasks"), Qt.MouseButton.LeftButton)
    changed = stage.draft.experiment()
    assert changed is not None
    assert [each.schedule(changed.training).iterations for each in changed.algorithm] == [10, 5]
    stage.panel.edits._undo.undo()
    assert stage.draft.state == before


def test_nothing_is_measured_while_a_run_trains(stage: Stage) -> None:
    stage.settle()
    ask = stage.widget("estimate_cost")
    assert ask.isEnabled()
    stage.panel.set_running(True)
    assert not ask.isEnabled()
    stage.panel.set_running(False)
    assert ask.isEnabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_panel_is_drawn_in_light_and_dark(stage: Stage, scheme: theme.Scheme) -> None:
    stage.settle()
    stage.type("training.iterations", "x")
    theme.apply(scheme)
    stage.draft.changed.emit()
    assert not stage.panel.grab().isNull()
    assert theme.wrong() in stage.panel.run_reason.styleSheet()


def test_the_users_folder_may_be_written_as_a_tilde(stage: Stage) -> None:
    choose(stage, "task_family", "Images")
    stage.type("task.path", "~/letters.zip")
    stage.leave("task.path")
    assert stage.draft.value(at("task.path")) == str(Path.home() / "letters.zip")


# --- importing ------------------------------------------------------------------------------------------


def opened_import(stage: Stage) -> ImportDialog:
    (dialog,) = (
        each for each in stage.panel.findChildren(ImportDialog) if each.isVisible()
    )  # one may be closed
    stage.qtbot.waitUntil(
        lambda: dialog.listing is not None or "…" not in dialog.found.text(), timeout=30_000
    )
    return dialog


def test_a_zip_becomes_the_task_in_one_command(stage: Stage, image_zip: Callable[..., Path]) -> None:
    path = image_zip()
    stage.panel.import_path(path)
    dialog = opened_import(stage)
    assert dialog.found.text() == "3 groups, 9 classes, 54 images (6 in each class)"
    assert dialog.pictures.count() == 9
    assert dialog.draft.value(at("task.ways")) == 3  # as many as each split has
    assert "1 shots + 15 queries need 16" in dialog.error.text()
    assert not dialog.accept_button.isEnabled()
    dialog.draft.set(at("task.ways"), 2)
    dialog.draft.set(at("task.queries"), 3)
    assert dialog.error.text() == "Classes: train 3, validation 3, test 3"
    stage.qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    assert stage.undo.count() == 1
    assert stage.draft.table()["task"] == {"family": "images", "path": str(path), "ways": 2, "queries": 3}
    stage.settle()
    sample = picture(stage).sample
    assert sample is not None
    assert [len([each for each in row if not each.caption]) for row in sample.drawing.panel.pictures] == [
        3,
        3,
    ]
    stage.undo.undo()
    assert stage.draft.value(at("task.family")) == "sinusoid"


def test_groups_are_given_to_splits_by_hand(stage: Stage, image_zip: Callable[..., Path]) -> None:
    stage.draft.assume(
        stage.draft.with_value(("task",), {"family": "images", "path": "x", "ways": 2, "queries": 3})
    )
    stage.panel.import_path(image_zip(groups=4))
    dialog = opened_import(stage)
    dialog.mode.setCurrentIndex(1)
    dialog.mode.activated.emit(1)
    units = dialog.findChild(QTreeWidget, "import_units")
    assert units is not None
    for name, row in (("train", 0), ("validation", 1), ("test", 2), ("left_out", 3)):
        item = units.topLevelItem(row)
        assert item is not None
        units.setCurrentItem(item)
        stage.qtbot.mouseClick(dialog.findChild(QPushButton, f"import_to_{name}"), Qt.MouseButton.LeftButton)
    assert dialog.error.text() == "Classes: train 3, validation 3, test 3"
    dialog.accept()
    assert stage.draft.table()["task"]["split"] == {
        "train": ["script0"],
        "validation": ["script1"],
        "test": ["script2"],
    }
    stage.settle()
    assert picture(stage).sample is not None


def test_a_file_that_is_no_data_is_one_line_in_the_dialog(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_text("no zip")
    stage.panel.import_path(path)
    dialog = opened_import(stage)
    stage.qtbot.waitUntil(lambda: "no readable zip" in dialog.error.text())
    assert not dialog.accept_button.isEnabled()
    dialog.reject()
    assert stage.undo.count() == 0


def test_a_zip_can_be_dropped_on_the_panel(stage: Stage, image_zip: Callable[..., Path]) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(image_zip()))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, mime, buttons, keys)
    stage.panel.dragEnterEvent(enter)
    assert enter.isAccepted()
    stage.panel.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, buttons, keys))
    assert opened_import(stage).listing is not None


def test_a_learner_that_cannot_do_so_long_a_trial_says_so_before_run(stage: Stage) -> None:
    learners = 'algorithm = [{kind = "random"}, {kind = "gittins"}]'
    stage.draft.load(parse(f'{learners}\n[task]\nfamily = "bandits"\npulls = 201'))
    stage.settle()
    assert "at most 200 pulls, not 201" in stage.panel.run_reason.text()
    assert not stage.panel.can_run()
    stage.qtbot.mouseClick(stage.panel.run_reason, Qt.MouseButton.LeftButton)
    assert stage.list.currentItem() is stage.item("Gittins index")
    stage.type("task.pulls", "200")
    stage.settle()
    assert stage.panel.can_run()


def test_a_privilege_is_told_as_the_learner_is_set(stage: Stage) -> None:
    stage.draft.load(parse('[task]\nfamily = "bandits"\n[[algorithm]]\nkind = "ucb"'))
    stage.list.setCurrentItem(stage.item("UCB"))
    heading = stage.panel.findChild(QLabel, "algorithm_about")
    assert heading is not None
    assert "It knows the prior." in heading.text()
    stage.draft.set(at("algorithm.ucb.mean"), "empirical")
    assert "prior" not in heading.text()


def test_a_published_set_of_another_kind_begins_an_experiment_that_can_run(
    stage: Stage, tmp_path: Path
) -> None:
    """What suits sine waves (queries of an evaluation, rates) does not suit texts; undo brings it back."""
    rows = [[f"say {i} again", f"label {i % 15}"] for i in range(600)]
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"train": rows}), encoding="utf-8")
    for field, value in (("evaluation.queries", 100), ("algorithm.maml.inner_lr", 0.3)):
        stage.draft.set(at(field), value)
    before = stage.draft.state
    stage.panel.use_published({"family": "text", "path": str(path), "ways": 3}, "mine")
    stage.qtbot.waitUntil(stage.panel.can_run)
    assert stage.draft.value(at("name")) == "mine"
    assert stage.draft.ticked() == ["maml"]
    assert not stage.draft.is_set(at("evaluation.queries"))
    stage.panel.use_published({"family": "text", "path": str(path), "ways": 2}, "mine")
    assert stage.draft.value(at("task.ways")) == 2
    stage.undo.undo()
    stage.undo.undo()
    assert stage.draft.state == before
