"""What a learner predicts on a few tasks: the same tasks for every run, and no trace in a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.experiments import SINUSOID, experiment, family
from workbench.engine import episodes, evaluation, predictions
from workbench.engine.evaluation import evaluate
from workbench.engine.events import Evaluated, Finished
from workbench.engine.predicted import Request
from workbench.engine.trainer import Trainer
from workbench.tasks.base import DataError
from workbench.worlds.pictures import number

DIGITS = """
name = "digits"
[task]
family = "digits"
queries = 20
[network]
kind = "mlp"
hidden = [8]
[training]
iterations = 6
meta_batch = 2
threads = 1
chunk = 2
[evaluation]
episodes = 4
validation_episodes = 2
inner_steps = 3
every = 2
"""


def trainer(name: str = "maml", text: str = "", seed: int = 0) -> Trainer:
    e = experiment(name, text=text) if text else experiment(name)
    return Trainer(e, e.algorithm[0], seed, family(e))


def test_a_function_is_asked_for_often_and_is_the_truth() -> None:
    e = experiment()
    drawn = predictions.sample_tasks(e, family(e), 3)
    assert drawn.query["x"].shape == (3, 200, 1)
    for x, y in zip(drawn.query["x"][:, :, 0], drawn.query["y"][:, :, 0], strict=True):
        design = torch.stack([x.sin(), x.cos()], 1)  # every task is a sin x + b cos x
        fitted = design @ torch.linalg.lstsq(design, y[:, None]).solution
        assert torch.allclose(fitted[:, 0], y, atol=1e-4)


def test_a_task_is_the_same_however_many_are_drawn() -> None:
    e = experiment()
    together = predictions.sample_tasks(e, family(e), 3)
    alone = predictions.sample_tasks(e, family(e), 1, first=2)
    assert torch.equal(together.query["y"][2:], alone.query["y"])
    other = predictions.sample_tasks(e, family(e), 1, "test", first=2)
    assert not torch.equal(alone.query["y"], other.query["y"])


def test_a_class_has_no_more_queries_than_a_person_looks_at() -> None:
    e = experiment(text=DIGITS)
    assert predictions.sample_tasks(e, family(e), 1).query["x"].shape == (1, 30, 1, 8, 8)


@pytest.mark.parametrize("text", ["", DIGITS], ids=["regression", "classification"])
def test_predictions_agree_with_the_evaluation(text: str) -> None:
    work = trainer(text=text)
    tasks = predictions.sample_tasks(work.experiment, work.family, 2)
    found = predictions.predict(work.algorithm, work.meta, tasks, 3)
    curves = evaluate(work.algorithm, work.meta, [tasks], 3)
    assert found.steps == curves.steps == (0, 1, 2, 3)
    np.testing.assert_allclose(found.measured["loss"], curves.loss, rtol=1e-5)
    shown = found.outputs["shown"]
    if "accuracy" not in found.measured:
        mean_squares = ((shown - found.query["y"]) ** 2).mean((2, 3))
        np.testing.assert_allclose(mean_squares, curves.loss, rtol=1e-5)
    else:
        np.testing.assert_allclose(found.measured["accuracy"], curves.values["accuracy"])
        np.testing.assert_allclose(shown.sum(-1), 1, rtol=1e-5)


GRID = """
name = "grid"
[task]
family = "grid_navigation"
size = 4
horizon = 6
episodes = 3
[training]
iterations = 2
meta_batch = 2
threads = 1
[evaluation]
episodes = 4
validation_episodes = 2
every = 2
"""


def test_who_acts_in_trials_did_what_the_evaluation_measured() -> None:
    work = trainer("rl2", GRID)
    tasks = predictions.sample_tasks(work.experiment, work.family, 3)
    found = predictions.predict(work.algorithm, work.meta, tasks, 1)
    curves = evaluate(work.algorithm, work.meta, [tasks], 1)
    assert found.steps == found.places == curves.steps == (0, 1, 2)
    assert found.measured.keys() == curves.values.keys()
    for name, values in curves.values.items():
        np.testing.assert_array_equal(found.measured[name], values)
    acted = found.outputs
    assert acted["place"].shape == (
        3,
        3,
        1,
        6,
        2,
    )  # episodes, tasks, the one that is looked at, steps, x and y
    np.testing.assert_allclose(acted["reward"].sum((2, 3)), curves.values["return"], rtol=1e-5)
    assert (acted["place"][:, :, 0, 0].sum(-1) <= 1).all()  # each begins in the corner


def test_each_episode_of_a_trial_is_drawn_over_those_before() -> None:
    found = predictions.compute(trainer("rl2", GRID), Request(tasks=4))
    assert found.tasks == 3
    for place, said in enumerate(("in the first episode", "after 1 episode", "after 2 episodes")):
        assert found.step_name(place) == said
        drawing = found.drawing(1, place, "run 1")
        assert drawing is not None
        own = [curve for curve in drawing.panel.curves if curve.colour == "run 1" and not curve.faint]
        assert len(own) == 1
        np.testing.assert_array_equal(own[0].x[1:], found.outputs["place"][place, 1, 0, :, 0])
        assert len([curve for curve in drawing.panel.curves if curve.label == "earlier episodes"]) == place
        assert f"return {number(found.measured['return'][place, 1])}" in drawing.said
        goal = found.query["task/goal"][1, 0]
        assert drawing.task == f"goal {goal[0]:.0f} right, {goal[1]:.0f} up"


def test_a_closed_form_predicts_once() -> None:
    found = predictions.compute(trainer("protonet", DIGITS), Request())
    assert found.steps == (1,)
    assert found.outputs["shown"].shape == (1, 1, 30, 2)


def test_a_query_is_predicted_alone_where_that_is_asked_for() -> None:
    text = DIGITS.replace('kind = "mlp"\nhidden = [8]', 'kind = "conv4"\nwidth = 4\nstride = 2').replace(
        "queries = 20", "queries = 2"
    )
    work = trainer(text=text)
    tasks = predictions.sample_tasks(work.experiment, work.family, 1)
    together, alone = (
        predictions.predict(work.algorithm, work.meta, tasks, 1, transductive=way) for way in (True, False)
    )
    curves = evaluate(work.algorithm, work.meta, [tasks], 1, transductive=False)
    np.testing.assert_allclose(alone.measured["loss"], curves.loss, rtol=1e-4)
    assert not np.allclose(together.measured["loss"], alone.measured["loss"])


def run_to_the_end(work: Trainer, request: Request | None) -> dict[str, Any]:
    for event in work.events():
        if isinstance(event, Evaluated) and request is not None:
            predictions.compute(work, request)
    return {"meta": {name: w.detach().clone() for name, w in work.meta.items()}, "rng": torch.get_rng_state()}


@pytest.mark.parametrize("text", ["", DIGITS], ids=["regression", "classification"])
def test_looking_changes_no_bit_of_a_run(text: str) -> None:
    unseen, seen = trainer(text=text), trainer(text=text)
    torch.manual_seed(3)
    expected = run_to_the_end(unseen, None)
    torch.manual_seed(3)
    found = run_to_the_end(seen, Request())
    assert all(torch.equal(expected["meta"][name], found["meta"][name]) for name in expected["meta"])
    assert torch.equal(expected["rng"], found["rng"])


def test_the_request_bounds_steps_and_tasks() -> None:
    found = predictions.compute(trainer(), Request(first=5, tasks=2, steps=1))
    assert (found.first, found.tasks, found.steps) == (5, 2, (0, 1))


def test_a_learner_may_be_given_fewer_samples() -> None:
    text = SINUSOID.replace('family = "sinusoid"', 'family = "pharmacokinetics"')
    work = trainer("cnp", text)
    whole, some = (predictions.compute(work, Request(tasks=2, samples=count)) for count in (0, 2))
    assert some.same_tasks(whole)
    assert (whole.withheld, some.withheld, some.samples) == (0, 3, 5)
    assert not some.serves(Request())
    assert some.serves(Request(samples=2))
    tasks = predictions.sample_tasks(work.experiment, work.family, 2)
    few = tasks._replace(support={name: each[:, :2] for name, each in tasks.support.items()})
    expected = predictions.predict(work.algorithm, work.meta, few, 1)
    np.testing.assert_array_equal(some.measured["rmse"], expected.measured["rmse"])
    assert not np.allclose(some.measured["rmse"], whole.measured["rmse"])


def test_who_has_no_weights_can_be_looked_at() -> None:
    text = 'name = "bandits"\n[task]\nfamily = "bandits"\narms = 2\npulls = 6\n'
    found = predictions.compute(trainer("oracle", text), Request(tasks=2))
    assert found.trial
    assert found.steps == tuple(range(6))
    best = found.query["task/pay"][:, 0].argmax(-1)
    assert np.array_equal(found.outputs["action"].reshape(6, 2), np.tile(best, (6, 1)))


def test_an_episode_is_left_as_it_is() -> None:
    work = trainer()
    tasks = predictions.sample_tasks(work.experiment, work.family, 1)
    kept = tasks.map(torch.clone)
    predictions.predict(work.algorithm, work.meta, tasks, 2)
    for part, before in zip(tasks, kept, strict=True):
        assert all(torch.equal(part[name], before[name]) for name in before)
    assert all(weight.grad is None for weight in work.meta.values())


ARMS = """
name = "arms"
[task]
family = "bandits"
arms = 3
pulls = 4
[training]
iterations = 1
[evaluation]
episodes = 7
"""


@pytest.mark.parametrize("kind", ["thompson", "random"])  # one draws chance of its own, the other none
def test_worlds_are_looked_at_in_the_frozen_episodes_of_the_result(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (evaluation, episodes):
        monkeypatch.setattr(module, "FROZEN_BLOCK", 2)
    monkeypatch.setattr(evaluation, "TRIALS", 3)  # so that four are measured together
    work = trainer(kind, ARMS)
    measured = next(event.arrays for event in work.events() if isinstance(event, Finished))
    for first, tasks in (
        (0, 3),
        (3, 3),
        (5, 2),
    ):  # (3, 4, 5) lie in two parts; after the last there are no more
        found = predictions.compute(work, Request(first, 3))
        assert (found.tasks, found.total, found.split) == (tasks, 7, "meta-test")
        for name in ("return", "total_return", "regret"):
            np.testing.assert_array_equal(found.measured[name], measured[name][:, first : first + tasks])
        assert found.answers(Request(first, 3))
    with pytest.raises(DataError, match="no meta-test task 8: the experiment has 7"):
        predictions.compute(work, Request(7, 1))
