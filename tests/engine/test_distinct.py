"""Which episodes are the same, and what stands behind them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.experiments import experiment, family
from workbench.config import parse
from workbench.engine.distinct import Seen
from workbench.engine.episodes import FrozenEpisodes
from workbench.engine.trainer import Trainer
from workbench.runs import open_family
from workbench.tasks.base import Episode

SHAPES = [(1,), (3,), (28, 28), (3, 32, 32), (1, 61, 61)]


def seen(*blocks: Episode) -> Seen:
    found = Seen()
    for block in blocks:
        found.add(block)
    return found


def classified(pictures: torch.Tensor, chosen: list[list[list[int]]]) -> Episode:
    """Episodes of one shot and the rest as queries, by class and picture: ``chosen[task][class]``."""
    tasks = []
    for task in chosen:
        support = torch.stack([pictures[each[0]] for each in task])
        query = torch.cat([pictures[each[1:]] for each in task])
        labels = torch.arange(len(task))
        tasks.append((support, labels, query, labels.repeat_interleave(len(task[0]) - 1), labels))
    return Episode.pairs(*(torch.stack(each) for each in zip(*tasks, strict=True)))


@pytest.mark.parametrize("shape", SHAPES)
def test_order_and_labels_do_not_make_another_episode(shape: tuple[int, ...]) -> None:
    pictures = torch.rand(6, *shape)
    block = classified(
        pictures,
        [
            [[0, 1, 2], [3, 4, 5]],
            [[3, 5, 4], [0, 2, 1]],  # the classes change places, the queries their order
            [[1, 0, 2], [3, 4, 5]],  # another picture to learn from
            [[0, 1, 5], [3, 4, 2]],  # a query of another class
        ],
    )
    found = seen(block)
    assert found.episode.tolist() == [0, 0, 1, 2]
    assert found.summary() == {"distinct_episodes": 3, "distinct_classes": 2, "distinct_examples": 6}
    assert seen(block.tasks(0, 1), block.tasks(1, 4)).episode.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_that_is_moved_is_another(shape: tuple[int, ...]) -> None:
    picture = torch.rand(shape)
    for axis in range(len(shape)):
        if shape[axis] > 1:
            moved = torch.stack([picture.roll(by, axis) for by in range(shape[axis])])
            found = seen(classified(moved, [[[each, each]] for each in range(len(moved))]))
            assert found.summary()["distinct_examples"] == shape[axis]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.int64])
def test_a_number_that_differs_makes_another_example(kind: torch.dtype) -> None:
    x = torch.randint(0, 9, (1, 4, 5)).to(kind).repeat(3, 1, 1)
    y = torch.zeros(3, 4, 1)
    x[1, 2, 3] += 1
    y[2, 0] = 1
    assert seen(Episode.pairs(x, y, x.clone(), y.clone())).episode.tolist() == [0, 1, 2]


def test_drawn_tasks_are_distinct() -> None:
    test = FrozenEpisodes(family(experiment()), "test", family(experiment()).size, 60, 1)
    assert test.seen.summary()["distinct_episodes"] == 60


def test_a_run_on_six_pictures_counts_its_nine_episodes(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name in range(6):
        folder = tmp_path / "pictures" / ("train", "validation", "test")[name // 2] / f"c{name}"
        folder.mkdir(parents=True)
        for number in range(3):
            Image.fromarray(rng.integers(0, 255, (8, 8), np.uint8)).save(folder / f"{number}.png")
    work = parse(
        f"""
        name = "six"
        [task]
        family = "images"
        path = "{tmp_path / "pictures"}"
        size = 8
        ways = 2
        shots = 1
        queries = 2
        [network]
        kind = "mlp"
        hidden = [4]
        [[algorithm]]
        kind = "maml"
        [training]
        iterations = 1
        seeds = [0]
        [evaluation]
        episodes = 120
        validation_episodes = 10
        inner_steps = 1
        """
    )
    trainer = Trainer(work, work.algorithm[0], 0, open_family(work))
    (*_, finished) = trainer.events()
    summary, arrays = finished.summary, finished.arrays  # type: ignore[union-attr]
    assert [summary[name] for name in ("episodes", "tasks", "distinct_episodes")] == [120, 120, 9]
    assert (summary["distinct_classes"], summary["distinct_examples"]) == (2, 6)
    episode: NDArray[np.int64] = arrays["episode"]
    means = np.array([arrays["loss"][-1][episode == each].mean() for each in range(9)])
    assert summary["loss"][-1] == pytest.approx(means.mean())
    assert summary["loss_ci95"][-1] == pytest.approx(2.306 * means.std(ddof=1) / 3, rel=1e-3)
