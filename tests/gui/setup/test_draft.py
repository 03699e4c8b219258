from __future__ import annotations

import json

import pytest
from pytestqt.qtbot import QtBot

from workbench import runs
from workbench.config import parse
from workbench.gui.setup.draft import Draft


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
    draft.set("task.shots", 5)
    assert draft.table()["task"] == {"family": "sinusoid", "shots": 5}
    draft.set("task.shots", 10)
    assert not draft.is_set("task.shots")


def test_everything_survives_json(draft: Draft) -> None:
    draft.load(parse(GLYPHS))
    draft.set("task.family", "sinusoid")
    other = Draft()
    other.from_json(json.loads(json.dumps(draft.to_json())))
    assert other.state == draft.state
    other.set("task.family", "glyphs")
    assert other.value("task.ways") == 3


@pytest.mark.parametrize(
    "junk", [None, 3, {"tasks": 3}, {"algorithms": {"maml": 1, "x.y": {}}, "name": []}, {"network": 5}]
)
def test_junk_from_a_stranger_leaves_a_usable_draft(draft: Draft, junk: object) -> None:
    draft.from_json(junk)
    draft.complaints()
    draft.set("algorithm.maml.on", True)
    assert draft.experiment() is not None


@pytest.mark.parametrize("family", ["nowhere", "images"])
def test_an_unknown_family_is_a_complaint(draft: Draft, family: str) -> None:
    draft.from_json(draft.to_json() | {"family": family, "tasks": {family: {"shots": "many", "split": 3}}})
    assert any(path.startswith("task") for path in draft.complaints())
    assert draft.experiment() is None


def test_another_family_keeps_what_is_shared_and_coming_back_restores_the_rest(draft: Draft) -> None:
    draft.set("task.shots", 3)
    draft.set("task.amplitude", [1.0, 2.0])
    draft.set("task.family", "glyphs")
    draft.set("task.ways", 4)
    assert draft.value("task.shots") == 3
    assert "amplitude" not in draft.table()["task"]
    draft.set("task.family", "sinusoid")
    assert draft.value("task.amplitude") == [1.0, 2.0]
    draft.set("task.family", "glyphs")
    assert draft.value("task.ways") == 4


def test_the_network_follows_the_family_unless_chosen(draft: Draft) -> None:
    draft.set("network.hidden", [7])
    draft.set("task.family", "glyphs")
    assert draft.value("network.kind") == "conv4"
    draft.set("task.family", "sinusoid")
    assert draft.value("network.hidden") == [7]
    draft.set("task.family", "glyphs")
    draft.set("network.kind", "mlp")
    draft.set("task.family", "digits")
    draft.set("task.family", "glyphs")
    assert draft.value("network.kind") == "mlp"


def test_defaults_follow_the_problem(draft: Draft) -> None:
    assert draft.value("algorithm.maml.inner_lr") == 0.01
    draft.set("task.family", "glyphs")
    assert draft.value("algorithm.maml.inner_lr") == 0.4


def test_what_cannot_do_the_task_is_left_out_but_stays_ticked(draft: Draft) -> None:
    draft.set("task.family", "digits")
    draft.set("algorithm.protonet.on", True)
    assert draft.ticked() == ["maml", "protonet"]
    draft.set("task.family", "sinusoid")
    assert draft.ticked() == ["maml"]
    draft.set("task.family", "digits")
    assert draft.ticked() == ["maml", "protonet"]


def test_complaints_are_told_by_the_path_of_the_form(draft: Draft) -> None:
    draft.set("algorithm.maml.on", False)
    assert draft.complaints() == {"algorithm": "tick at least one algorithm"}
    draft.set("algorithm.reptile.on", True)
    draft.set("algorithm.reptile.inner_lr", "fast")
    draft.set("training.seeds", [0, "x"])
    assert set(draft.complaints()) == {"algorithm.reptile.inner_lr", "training.seeds"}
    assert "a number > 0" in draft.complaints()["algorithm.reptile.inner_lr"]


def test_a_split_starts_from_the_familys_own(draft: Draft) -> None:
    draft.set("task.family", "glyphs")
    assert "Arabic" in draft.value("task.split.validation")
    draft.set("task.split.validation", ["Ogham"])
    assert draft.complaints() == {}
    assert "Latin" in draft.value("task.split.train")
    draft.set("task.split.validation", ["Arabic", "Ogham"])
    assert not draft.is_set("task.split")


def test_variants_have_names_of_their_own(draft: Draft) -> None:
    after, key = draft.with_variant("maml")
    draft.assume(after)
    assert [draft.title(each) for each in draft.ticked()] == ["MAML", "MAML 2"]
    draft.unset(f"algorithm.{key}.label")
    assert list(draft.complaints()) == [f"algorithm.{key}.label"]
    draft.assume(draft.without(key))
    assert draft.ticked() == ["maml"]
