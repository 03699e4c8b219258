"""Sections inside a section: those that are ticked, and the algorithm that another one is built over."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QScrollArea, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.setup.conftest import Stage, at
from workbench import runs  # noqa: F401  (the kinds are known)
from workbench.config import AlgorithmConfig, parse
from workbench.gui.setup.draft import Draft

TASK_REPLAY = "algorithm.task_replay"
GLYPHS = '[task]\nfamily = "glyphs"\n'
SINUSOID = '[task]\nfamily = "sinusoid"\n'


@pytest.fixture
def draft(qtbot: QtBot) -> Draft:
    return Draft()


def tick_box(stage: Stage, path: str) -> QCheckBox:
    found = stage.widget(f"field_{path}")
    assert isinstance(found, QCheckBox)
    return found


def click(stage: Stage, path: str) -> None:
    stage.qtbot.mouseClick(tick_box(stage, path), Qt.MouseButton.LeftButton, pos=QPoint(8, 8))


def combo(stage: Stage, path: str) -> QComboBox:
    found = stage.widget(f"field_{path}")
    assert isinstance(found, QComboBox)
    return found


def choose(stage: Stage, path: str, text: str) -> None:
    box = combo(stage, path)
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def entry(stage: Stage) -> dict[str, object]:
    found: dict[str, object] = next(
        each for each in stage.draft.table()["algorithm"] if each["kind"] == "task_replay"
    )
    return found


# --- what a file says ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f'{SINUSOID}drift = {{segments = 7, parameter = "amplitude"}}\n[[algorithm]]\nkind = "maml"\n',
        f'{GLYPHS}drift = {{}}\n[[algorithm]]\nkind = "maml"\n'
        '[evaluation.attack]\nkind = "fgsm"\nepsilon = 0.1\n',
        f'{GLYPHS}[[algorithm]]\nkind = "maml"\n[evaluation.attack]\n',
        f'{SINUSOID}[[algorithm]]\nkind = "task_replay"\n',
        f'{SINUSOID}[[algorithm]]\nkind = "task_replay"\nbase = {{kind = "maml", inner_lr = 0.1}}\n',
        f'{SINUSOID}[[algorithm]]\nkind = "fusion"\nmembers = 3\n[algorithm.base]\nkind = "reptile"\n',
        f'{GLYPHS}[[algorithm]]\nkind = "task_replay"\nbase = {{kind = "protonet"}}\n'
        '[[algorithm]]\nkind = "task_replay"\nlabel = "other"\nbase = {kind = "anil", inner_steps = 3}\n',
    ],
)
def test_an_experiment_comes_back_unchanged(draft: Draft, text: str) -> None:
    experiment = parse(text)
    draft.load(experiment)
    assert draft.complaints() == {}
    assert draft.experiment() == experiment
    assert parse(experiment.to_toml()) == experiment
    other = Draft()
    other.from_json(json.loads(json.dumps(draft.to_json())))
    assert other.experiment() == experiment


def test_what_a_file_says_of_a_base_beside_the_defaults_counts_as_changed(draft: Draft) -> None:
    draft.load(
        parse(
            f'{SINUSOID}[[algorithm]]\nkind = "task_replay"\n'
            'base = {kind = "maml", inner_lr = 0.1, inner_steps = 1}\n'
        )
    )
    assert draft.is_set(at(f"{TASK_REPLAY}.base.inner_lr"))
    assert not draft.is_set(at(f"{TASK_REPLAY}.base.inner_steps"))
    assert not draft.is_set(at(f"{TASK_REPLAY}.base.kind"))


@pytest.mark.parametrize("base", ["3", "{}", "{kind = 3}", '{kind = "nonsense"}', '{kind = "maml", x = 1}'])
def test_a_bad_base_in_a_file_is_a_complaint_at_its_place(draft: Draft, base: str) -> None:
    import tomllib

    table = tomllib.loads(f'{SINUSOID}[[algorithm]]\nkind = "task_replay"\nbase = {base}\n')
    draft.load(table)
    assert draft.experiment() is None
    assert all(path[:3] == at(f"{TASK_REPLAY}.base") for path in draft.complaints())


# --- a base ----------------------------------------------------------------------------------------------


def test_the_fields_of_a_base_are_its_own_and_follow_the_problem(draft: Draft) -> None:
    path = f"{TASK_REPLAY}.base.inner_lr"
    draft.set(at(f"{TASK_REPLAY}.on"), True)
    assert draft.value(at(path)) == 0.01
    draft.set(at("task.family"), "glyphs")
    assert draft.value(at(path)) == 0.4
    draft.set(at(path), 0.2)
    assert draft.table()["algorithm"][-1] == {
        "kind": "task_replay",
        "base": {"kind": "maml", "inner_lr": 0.2},
    }
    draft.unset(at(path))
    assert draft.table()["algorithm"][-1] == {"kind": "task_replay"}
    assert draft.describe(at(path)) == "inner learning rate of Task replay (ours)'s base"


def test_another_kind_begins_anew(draft: Draft) -> None:
    draft.set(at(f"{TASK_REPLAY}.base.inner_steps"), 3)
    draft.set(at(f"{TASK_REPLAY}.base.kind"), "anil")
    assert draft.value(at(f"{TASK_REPLAY}.base.inner_steps")) == 1
    draft.set(at(f"{TASK_REPLAY}.base.inner_steps"), 2)
    draft.set(at(f"{TASK_REPLAY}.base.kind"), "anil")
    assert draft.value(at(f"{TASK_REPLAY}.base.inner_steps")) == 2
    draft.unset(at(f"{TASK_REPLAY}.base.kind"))
    assert not draft.is_set(at(f"{TASK_REPLAY}.base"))


def test_a_kind_that_is_chosen_again_has_its_values_back(draft: Draft) -> None:
    draft.set(at(f"{TASK_REPLAY}.on"), True)
    draft.set(at(f"{TASK_REPLAY}.base.inner_steps"), 3)
    draft.set(at(f"{TASK_REPLAY}.base.kind"), "anil")
    draft.set(at(f"{TASK_REPLAY}.base.kind"), "maml")
    assert draft.value(at(f"{TASK_REPLAY}.base.inner_steps")) == 3
    assert draft.table()["algorithm"][-1] == {
        "kind": "task_replay",
        "base": {"kind": "maml", "inner_steps": 3},
    }


def test_a_base_is_chosen_among_those_that_fit_and_undo_brings_the_old_one_back(stage: Stage) -> None:
    stage.tick("Task replay (ours)")
    box = combo(stage, f"{TASK_REPLAY}.base.kind")
    offered = [box.itemText(index) for index in range(box.count())]
    assert box.currentText() == "MAML"
    assert {"ANIL", "Reptile"} <= set(offered)
    assert not {"From scratch", "Fusion", "ProtoNet"} & set(offered)
    stage.type(f"{TASK_REPLAY}.base.inner_steps", "3")
    stage.leave(f"{TASK_REPLAY}.base.inner_steps")
    choose(stage, f"{TASK_REPLAY}.base.kind", "ANIL")
    assert stage.line(f"{TASK_REPLAY}.base.inner_steps").text() == "1"
    assert stage.undo.undoText() == "Change base of Task replay (ours)"
    assert entry(stage)["base"] == {"kind": "anil"}
    stage.undo.undo()
    stage.settle()
    assert combo(stage, f"{TASK_REPLAY}.base.kind").currentText() == "MAML"
    assert stage.line(f"{TASK_REPLAY}.base.inner_steps").text() == "3"
    stage.draft.set(at("task.family"), "glyphs")
    box = combo(stage, f"{TASK_REPLAY}.base.kind")
    assert box.findText("ProtoNet") >= 0


def test_what_belongs_to_the_wrapper_is_not_asked_of_its_base(stage: Stage) -> None:
    stage.tick("Task replay (ours)")
    names = {each.objectName() for each in stage.panel.findChildren(QWidget)}
    assert f"field_{TASK_REPLAY}.label" in names
    for name in AlgorithmConfig.model_fields:
        assert f"field_{TASK_REPLAY}.base.{name}" not in names


def test_a_bad_value_in_a_base_is_marked_at_its_field(stage: Stage) -> None:
    stage.settle()
    stage.tick("Task replay (ours)")
    path = f"{TASK_REPLAY}.base.inner_lr"
    stage.type(path, "-1")
    message = stage.widget(f"message_{path}")
    assert isinstance(message, QLabel)
    assert "a number > 0" in message.text()
    assert "Inner learning rate of Task replay (ours)'s base" in stage.panel.run_reason.text()
    stage.list.setCurrentItem(stage.item("MAML"))
    stage.qtbot.mouseClick(stage.panel.run_reason, Qt.MouseButton.LeftButton)
    assert stage.line(path).hasFocus()


def test_a_base_that_cannot_do_the_task_is_said_at_the_choice(stage: Stage) -> None:
    stage.draft.set(at("task.family"), "glyphs")
    stage.tick("Task replay (ours)")
    choose(stage, f"{TASK_REPLAY}.base.kind", "ProtoNet")
    stage.draft.set(at("task.family"), "sinusoid")
    assert list(stage.draft.complaints()) == [at(f"{TASK_REPLAY}.base.kind")]
    message = stage.widget(f"message_{TASK_REPLAY}.base.kind")
    assert isinstance(message, QLabel)
    assert "regression" in message.text()
    choose(stage, f"{TASK_REPLAY}.base.kind", "ANIL")
    assert stage.draft.complaints() == {}


# --- a section that is ticked ----------------------------------------------------------------------------


def test_a_stream_that_drifts_is_ticked_and_undone(stage: Stage) -> None:
    stage.settle()
    assert not tick_box(stage, "task.drift").isChecked()
    assert not stage.panel.findChildren(QWidget, "field_task.drift.segments")[0].isVisibleTo(stage.panel)
    click(stage, "task.drift")
    assert stage.draft.table()["task"] == {"family": "sinusoid", "drift": {}}
    assert stage.line("task.drift.segments").text() == "5"
    assert stage.undo.undoText() == "Turn drifting stream on"
    stage.type("task.drift.segments", "1")
    assert list(stage.draft.complaints()) == [at("task.drift.segments")]
    stage.type("task.drift.segments", "3")
    stage.leave("task.drift.segments")
    assert stage.draft.table()["task"]["drift"] == {"segments": 3}
    click(stage, "task.drift")
    assert stage.draft.table()["task"] == {"family": "sinusoid"}
    stage.undo.undo()
    assert tick_box(stage, "task.drift").isChecked()
    assert stage.line("task.drift.segments").text() == "3"


def test_another_family_keeps_of_the_stream_what_it_has_too(draft: Draft) -> None:
    draft.set(at("task.drift"), {})
    draft.set(at("task.drift.segments"), 7)
    draft.set(at("task.drift.parameter"), "amplitude")
    draft.set(at("task.family"), "glyphs")
    assert draft.table()["task"]["drift"] == {"segments": 7}
    assert draft.complaints() == {}


def test_the_stream_is_told_of_beside_the_data(stage: Stage) -> None:
    stage.settle()
    stage.qtbot.mouseClick(stage.widget("group_data"), Qt.MouseButton.LeftButton)

    def said() -> list[str]:
        labels = stage.widget("data_summary").findChildren(QLabel)
        return [each.text() for each in labels if "stream" in each.text()]

    assert said() == []
    click(stage, "task.drift")
    stage.qtbot.waitUntil(lambda: bool(said()), timeout=30_000)
    assert "5 segments" in said()[0]
    assert "phase" in said()[0]


def test_an_attack_is_asked_of_classifiers_of_pictures_only_and_kept(stage: Stage) -> None:
    stage.panel.restore({"opened": ["evaluation"]})
    assert not stage.panel.findChildren(QWidget, "field_evaluation.attack")
    stage.draft.set(at("task.family"), "glyphs")
    click(stage, "evaluation.attack")
    assert stage.draft.complaints() == {}
    choose(stage, "evaluation.attack.kind", "fgsm")
    assert stage.draft.table()["evaluation"]["attack"] == {"kind": "fgsm"}
    experiment = stage.draft.experiment()
    assert experiment is not None
    assert experiment.evaluation.attack is not None
    assert experiment.evaluation.attack.kind == "fgsm"
    stage.draft.set(at("task.family"), "sinusoid")
    assert stage.draft.complaints() == {}
    assert stage.draft.table()["evaluation"] == {}
    stage.draft.set(at("task.family"), "glyphs")
    assert tick_box(stage, "evaluation.attack").isChecked()


def test_what_private_tasks_do_not_protect_stands_below_them(stage: Stage) -> None:
    assert not tick_box(stage, "training.privacy").isChecked()
    said = stage.panel.findChild(QLabel, "privacy_cautions")
    assert said is not None
    click(stage, "training.privacy")
    assert said.isHidden()  # nothing is trained before ε or the noise is said
    assert stage.draft.complaints()[at("training.privacy.epsilon")].startswith("say either epsilon or noise")
    stage.type("training.privacy.epsilon", "3")
    assert not said.isHidden()
    assert "training curves and per-task results" in said.text()
    click(stage, "training.privacy")
    assert said.isHidden()
    assert stage.draft.experiment() is not None


def test_nothing_inside_is_wider_than_the_panel(stage: Stage) -> None:
    stage.draft.set(at("task.family"), "glyphs")
    stage.draft.set(at("task.drift"), {})
    stage.draft.set(at("evaluation.attack"), {})
    for heading in stage.panel.findChildren(QToolButton):
        if heading.isCheckable():
            heading.setChecked(True)
    scroll = stage.widget("setup_scroll")
    assert isinstance(scroll, QScrollArea)
    for title in ("Adversarial querying", "Fusion", "Task replay (ours)"):
        stage.tick(title)
        stage.panel.resize(300, 720)
        room = 300 - scroll.verticalScrollBar().sizeHint().width()
        assert scroll.widget().minimumSizeHint().width() <= room, title


# --- the list --------------------------------------------------------------------------------------------


def test_families_stand_in_their_order_with_the_baselines_last(stage: Stage) -> None:
    shown = [stage.list.topLevelItem(row) for row in range(stage.list.topLevelItemCount())]
    names = [each.text(0) for each in shown if each is not None]
    assert names[0] == "Model update"
    assert names[-1] == "Baseline"
    assert names.index("Model fusion") < names.index("Experience replay") < names.index("Metric")
