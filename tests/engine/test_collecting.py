"""What is adapted to is collected by the learners as they start, what is learned from by the adapted ones."""

from __future__ import annotations

import torch

from tests.experiments import Smooth, algorithm, experiment, family
from workbench.engine.collecting import collected
from workbench.tasks.base import Data, Episode, Policy
from workbench.tasks.sinusoid import Sinusoid


class Acted(Sinusoid):
    """A world in which what is met is what the learners do."""

    def collect(self, tasks: Episode, policy: Policy, part: str) -> Data:
        data = super().collect(tasks, policy, part)  # type: ignore[arg-type]
        return data | {"y": data["y"] + policy(data["x"])}


def test_a_supervised_family_returns_what_it_drew() -> None:
    drawn = family(experiment()).sample("train", 3, torch.Generator().manual_seed(0))
    learner = algorithm("maml", Smooth(1, 1), family(experiment()).shape)
    found = collected(family(experiment()), learner, learner.initial(torch.Generator()), drawn)
    assert found.support is drawn.support
    assert found.query is drawn.query


def test_a_world_is_acted_in_before_and_after_adaptation_by_every_task_alone() -> None:
    world = Acted(experiment().task)
    tasks = world.sample("train", 3, torch.Generator().manual_seed(0))
    learner = algorithm("maml", Smooth(1, 1), world.shape, inner_steps=2, inner_lr=0.1)
    meta = learner.initial(torch.Generator().manual_seed(1))
    found = collected(world, learner, meta, tasks)
    for index in range(3):
        drawn, met = tasks.one(index), found.one(index)
        support = drawn.support["y"] + learner.predict(meta, drawn.support["x"])
        torch.testing.assert_close(met.support["y"], support)
        adapted = learner.adapt(meta, {"x": drawn.support["x"], "y": support}, 2)
        query = drawn.query["y"] + learner.predict(adapted, drawn.query["x"])
        torch.testing.assert_close(met.query["y"], query)
    assert not found.query["y"].requires_grad
