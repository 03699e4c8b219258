"""A wrapper that changes nothing does in everything as its base does."""

from __future__ import annotations

import pytest
import torch
from torch.func import vmap

from tests.experiments import EVERY, REGRESSION, Smooth, algorithm, episodes, meta_batch, meta_parameters
from workbench.algorithms.base import Algorithm
from workbench.algorithms.wrapper import Wrapper, WrapperConfig
from workbench.engine.meta_step import MetaStep
from workbench.tasks.base import TaskShape

SAYS_ITSELF = {"departs", "Config", "title", "family", "summary", "citation", "config", "with_network"} | {
    "losses",
    "warm_losses",
}
"""What a wrapper has of its own, and what it makes of itself."""


class Nothing(Wrapper):
    """Changes nothing."""


def wrapped(base: Algorithm) -> Wrapper:
    return Nothing(WrapperConfig(), base.network, base.shape, base)


@pytest.mark.parametrize(("name", "shape"), EVERY)
def test_every_question_is_asked_of_the_base(name: str, shape: TaskShape) -> None:
    base = algorithm(name, Smooth(2, shape.outputs), shape)
    wrapper = wrapped(base)
    asked = {each for each in dir(Algorithm) if not each.startswith("_")} | set(vars(base)) - {"base"}
    for each in sorted(asked - SAYS_ITSELF):
        if not each.startswith("_") and each != "outer":
            assert getattr(wrapper, each) == getattr(base, each), each
    for part in ("direction", "update"):
        assert (getattr(wrapper.outer, part) is None) == (getattr(base.outer, part) is None)


@pytest.mark.parametrize(("name", "shape"), EVERY)
def test_it_learns_and_adapts_as_its_base(name: str, shape: TaskShape) -> None:
    base = algorithm(name, Smooth(2, shape.outputs), shape)
    wrapper = wrapped(algorithm(name, Smooth(2, shape.outputs), shape))
    found = []
    for each in (base, wrapper):
        meta, tasks = meta_parameters(each), episodes(shape, 2)
        learners = vmap(lambda support, each=each, meta=meta: tuple(each.adaptation(meta, support, 2)))(
            tasks.support
        )
        step = MetaStep(each, chunk=2).gradient(meta, meta_batch(each, 2)) if meta else {}
        found.append((meta, learners, step))
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


def test_a_copy_for_another_thread_has_the_other_network_all_the_way_down() -> None:
    base = algorithm("task_replay", Smooth(2, 1), REGRESSION)
    other = Smooth(2, 1)
    copy = wrapped(base).with_network(other)
    assert copy.network is copy.base.network is other
    assert base.network is not other
