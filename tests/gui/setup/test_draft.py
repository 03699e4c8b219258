from __future__ import annotations

import json

import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from tests.gui.setup.conftest import at
from workbench import runs
from workbench.config import TaskConfig, parse
from workbench.gui.setup.draft import Draft
from workbench.gui.setup.fields import make_field


@pytest.fixture
def draft(qtbot: QtBot) -> Draft:
    return Draft()


GLYPHS = """
name = "Mine"
[task]
family = "glyphs"
ways = 3
[task.split]
train = ["Latin"]
validation = ["Greek"]
test = ["Lao"]
[network]
kind = "mlp"
hidden = [10]
[[algorithm]]
kind = "reptile"
inner_lr = 0.3
[[algorithm]]
kind = "maml"
[[algorithm]]
kind = "maml"
label = "MAML, 5 steps"
inner_steps = 5
[training]
seeds = [3, 1]
device = "cuda:3"
"""


@pytest.mark.parametrize("text", [GLYPHS, None])
def test_an_experiment_comes_back_unchanged(draft: Draft, text: str | None) -> None:
    experiment = parse(text) if text else runs.load_experiment("quickstart")
    draft.load(experiment)
    assert draft.complaints() == {}
    assert draft.experiment() == experiment


def test_only_what_differs_from_the_default_is_held(draft: Draft) -> None:
    draft.load(runs.load_experiment("quickstart"))
    assert draft.table()["task"] == {"family": "sinusoid"}
    draft.set(at("task.shots"), 5)
    assert draft.table()["task"] == {"family": "sinusoid", "shots": 5}
    draft.set(at("task.shots"), 10)
    assert not draft.is_set(at("task.shots"))


def test_everything_survives_json(draft: Draft) -> None:
    draft.load(parse(GLYPHS))
    draft.set(at("task.family"), "sinusoid")
    other = Draft()
    other.from_json(json.loads(json.dumps(draft.to_json())))
    assert other.state == draft.state
    other.set(at("task.family"), "glyphs")
    assert other.value(at("task.ways")) == 3


def test_what_the_first_edition_kept_with_a_project_comes_back(draft: Draft) -> None:
    base = {"kind": "anil", "inner_lr": 0.1}
    kept = {
        "name": "Mine",
        "family": "glyphs",
        "tasks": {"glyphs": {"ways": 3, "split": {"train": ["Latin"]}}, "sinusoid": {"drift": {}}},
        "network": None,
        "networks": {"mlp": {"hidden": [7]}},
        "algorithms": {
            "maml": {"kind": "maml", "on": False, "values": {"inner_steps": 3}},
            "task_replay": {
                "kind": "task_replay",
                "on": True,
                "values": {"base": {"kind": "anil", "inner_lr": 0.1}},
            },
            "task_replay-2": {"kind": "task_replay", "on": True, "values": {"label": "Other"}},
        },
        "training": {"iterations": 7, "seeds": [1, 2]},
        "evaluation": {"attack": {"kind": "fgsm"}},
    }
    draft.from_json(kept)
    assert draft.table() == {
        "name": "Mine",
        "task": {"family": "glyphs", "ways": 3, "split": {"train": ["Latin"]}},
        "network": {"kind": "conv4"},
        "algorithm": [
            {"kind": "task_replay", "base": base},
            {"kind": "task_replay", "label": "Other"},
        ],
        "training": {"iterations": 7, "seeds": [1, 2]},
        "evaluation": {"attack": {"kind": "fgsm"}},
    }
    assert draft.value(at("algorithm.maml.inner_steps")) == 3
    draft.set(at("task.family"), "sinusoid")
    assert draft.value(at("network.hidden")) == [7]
    assert draft.is_set(at("task.drift"))


@pytest.mark.parametrize(
    "junk",
    [
        *(None, 3, {"task": 3}, {"algorithm": {"maml": 1, "x.y": {}}, "name": []}, {"network": 5}),
        *({"algorithms": {"maml": 1, "x.y": {}}, "name": []}, {"algorithms": 3, "tasks": 3, "network": 5}),
        {"task": {"kinds": 5}, "network": {"kinds": {"mlp": 1}}, "training": {"x": 1}, "unknown": {}},
    ],
)
def test_junk_from_a_stranger_leaves_a_usable_draft(draft: Draft, junk: object) -> None:
    draft.from_json(junk)
    draft.complaints()
    draft.set(at("algorithm.maml.on"), True)
    draft.set(at("training"), {})
    assert draft.experiment() is not None


@pytest.mark.parametrize("family", ["nowhere", "images"])
def test_an_unknown_family_is_a_complaint(draft: Draft, family: str) -> None:
    said = {"shots": "many", "split": 3}
    draft.from_json(draft.to_json() | {"task": {"kind": family, "kinds": {family: said}}})
    assert any(path[0] == "task" for path in draft.complaints())
    assert draft.experiment() is None


def test_another_family_keeps_what_is_shared_and_coming_back_restores_the_rest(draft: Draft) -> None:
    draft.set(at("task.shots"), 3)
    draft.set(at("task.amplitude"), [1.0, 2.0])
    draft.set(at("task.family"), "glyphs")
    draft.set(at("task.ways"), 4)
    assert draft.value(at("task.shots")) == 3
    assert "amplitude" not in draft.table()["task"]
    draft.set(at("task.family"), "sinusoid")
    assert draft.value(at("task.amplitude")) == [1.0, 2.0]
    draft.set(at("task.family"), "glyphs")
    assert draft.value(at("task.ways")) == 4


def test_the_network_follows_the_family_unless_chosen(draft: Draft) -> None:
    draft.set(at("network.hidden"), [7])
    draft.set(at("task.family"), "glyphs")
    assert draft.value(at("network.kind")) == "conv4"
    draft.set(at("task.family"), "sinusoid")
    assert draft.value(at("network.hidden")) == [7]
    draft.set(at("task.family"), "glyphs")
    draft.set(at("network.kind"), "mlp")
    draft.set(at("task.family"), "digits")
    draft.set(at("task.family"), "glyphs")
    assert draft.value(at("network.kind")) == "mlp"


def test_defaults_follow_the_problem(draft: Draft) -> None:
    assert draft.value(at("algorithm.maml.inner_lr")) == 0.01
    draft.set(at("task.family"), "glyphs")
    assert draft.value(at("algorithm.maml.inner_lr")) == 0.4


def test_the_length_of_training_follows_the_family_unless_chosen(draft: Draft) -> None:
    path = ("training", "iterations")
    draft.set(("task", "family"), "glyphs")
    suited = TaskConfig.kinds["glyphs"].suits.training.iterations
    assert draft.value(path) == suited
    draft.set(path, 10_000)  # what other families have
    assert draft.is_set(path)
    experiment = draft.experiment()
    assert experiment is not None
    assert experiment.training.iterations == 10_000
    draft.set(path, suited)
    assert not draft.is_set(path)
    draft.load(experiment)
    assert draft.value(path) == 10_000


def test_settings_of_a_learner_are_as_suits_the_family_unless_chosen(draft: Draft) -> None:
    path, usual = at("algorithm.rl2.trace"), 0.95
    draft.set(at("task.family"), "opponents")
    draft.set(at("algorithm.rl2.on"), True)
    draft.set(at("algorithm.maml.on"), False)
    suited = TaskConfig.kinds["opponents"].suits.learners["trace"]
    field = draft.field(path)
    assert field is not None
    assert draft.value(path) == field.default == suited != usual
    experiment = draft.experiment()
    assert experiment is not None
    other = Draft()
    other.load(experiment)
    assert not other.is_set(path)
    draft.set(path, usual)
    assert draft.is_set(path)
    other.load(draft.experiment() or {})
    assert other.value(path) == usual


def test_a_choice_that_the_family_makes_where_nothing_is_said_is_never_empty(
    draft: Draft, qtbot: QtBot
) -> None:
    path = at("algorithm.rl2.memory")
    for family, usual in (("tabular_mdp", "fast_weights"), ("bandits", "gru")):
        draft.set(at("task.family"), family)
        field = draft.field(path)
        assert field is not None
        assert field.default == usual
        box = make_field(field, "")
        qtbot.addWidget(box)
        assert isinstance(box, QComboBox)
        assert [box.itemText(index) for index in range(box.count())] == ["GRU", "GRU and fast weights"]


def test_what_cannot_do_the_task_is_left_out_but_stays_ticked(draft: Draft) -> None:
    draft.set(at("task.family"), "digits")
    draft.set(at("algorithm.protonet.on"), True)
    assert draft.ticked() == ["maml", "protonet"]
    draft.set(at("task.family"), "sinusoid")
    assert draft.ticked() == ["maml"]
    draft.set(at("task.family"), "digits")
    assert draft.ticked() == ["maml", "protonet"]


def test_complaints_are_told_by_the_path_of_the_form(draft: Draft) -> None:
    draft.set(at("algorithm.maml.on"), False)
    assert draft.complaints() == {("algorithm",): "tick at least one algorithm"}
    draft.set(at("algorithm.reptile.on"), True)
    draft.set(at("algorithm.reptile.inner_lr"), "fast")
    draft.set(at("training.seeds"), [0, "x"])
    assert set(draft.complaints()) == {at("algorithm.reptile.inner_lr"), at("training.seeds")}
    assert "a number > 0" in draft.complaints()[at("algorithm.reptile.inner_lr")]


def test_a_split_starts_from_the_familys_own(draft: Draft) -> None:
    draft.set(at("task.family"), "glyphs")
    assert "Arabic" in draft.value(at("task.split.validation"))
    draft.set(at("task.split.validation"), ["Ogham"])
    assert draft.complaints() == {}
    assert "Latin" in draft.value(at("task.split.train"))
    draft.set(at("task.split.validation"), ["Arabic", "Ogham"])
    assert not draft.is_set(at("task.split"))


def test_variants_have_names_of_their_own(draft: Draft) -> None:
    after, key = draft.with_variant("maml")
    draft.assume(after)
    assert [draft.title(each) for each in draft.ticked()] == ["MAML", "MAML 2"]
    draft.unset(at(f"algorithm.{key}.label"))
    assert list(draft.complaints()) == [at(f"algorithm.{key}.label")]
    draft.assume(draft.without(key))
    assert draft.ticked() == ["maml"]
