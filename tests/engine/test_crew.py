"""Chunks shared out among threads: the same bits, in the same order, with bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests.experiments import CLASSIFICATION, EVERY, Smooth, algorithm, episodes, meta_batch, meta_parameters
from workbench.engine import evaluation
from workbench.engine.crew import Crew
from workbench.engine.meta_step import MetaStep
from workbench.tasks.base import TaskShape


@pytest.mark.parametrize(("name", "shape"), EVERY)
def test_how_many_threads_share_the_chunks_changes_no_bit(name: str, shape: TaskShape) -> None:
    learner = algorithm(name, Smooth(2, shape.outputs), shape)
    meta, tasks = meta_parameters(learner), meta_batch(learner, 7)
    alone, together = (MetaStep(learner, chunk=2, threads=threads) for threads in (1, 3))
    for _ in range(3):
        (one, one_losses), (many, many_losses) = (step.gradient(meta, tasks) for step in (alone, together))
        assert all(torch.equal(one[each], many[each]) for each in meta)
        assert torch.equal(one_losses, many_losses)
    together.close()
    tasks = episodes(shape, tasks=7)
    first, second = (evaluation.evaluate(learner, meta, [tasks], 2, threads=threads) for threads in (1, 3))
    assert np.array_equal(first.loss, second.loss)


def test_only_a_few_parts_are_drawn_ahead() -> None:
    drawn = 0

    def parts() -> Iterator[int]:
        nonlocal drawn
        for number in range(100):
            drawn += 1
            yield number

    learner = algorithm("maml", Smooth(2, 3), CLASSIFICATION)
    crew: Crew[int, int] = Crew(learner, lambda _: lambda part: part * 2, 2)
    results = crew.map(parts())
    assert [next(results) for _ in range(5)] == [0, 2, 4, 6, 8]
    assert drawn < 12
    assert list(results) == [2 * number for number in range(5, 100)]
    crew.close()


def test_an_error_in_a_thread_reaches_the_caller_and_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    learner = algorithm("maml", Smooth(2, 3), CLASSIFICATION)
    crew: Crew[int, float] = Crew(learner, lambda _: lambda part: 1 / part, 2)
    with pytest.raises(ZeroDivisionError):
        list(crew.map([1, 0, 1]))
    assert list(crew.map([1, 2])) == [1.0, 0.5]
    crew.close()
    assert set(threading.enumerate()) == before
