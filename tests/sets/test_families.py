"""Families of sets to group."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import Tensor

from tests.sets.some import experiment
from workbench import runs
from workbench.config import ConfigError, TaskConfig
from workbench.engine.events import Failed
from workbench.engine.trainer import Trainer
from workbench.tasks.base import DataError, Episode, TaskFamily
from workbench.tasks.sets import SetConfig, of_each
from workbench.tasks.shapes import ARC, BLOB, LARGEST, SEGMENT, SMALLEST, TURN

SETS = [
    name
    for name, kind in TaskConfig.kinds.items()
    if issubclass(kind, SetConfig) and "path" not in kind.model_fields
]
"""Those that are drawn, not read."""

every_family = pytest.mark.parametrize("name", SETS)


def family(name: str = "mixtures", *overrides: str) -> TaskFamily:
    return runs.open_family(experiment("kmeans", overrides=(f"task.family={name}", *overrides)))


def drawn(family: TaskFamily, seed: int = 0, count: int = 8) -> Episode:
    return family.sample("train", count, torch.Generator().manual_seed(seed))


@every_family
def test_queries_are_the_points_of_the_set_with_labels(name: str) -> None:
    episode = drawn(family(name))
    assert set(episode.support) == {"x", "groups"}
    assert set(episode.query) == {"x", "groups", "y"}
    assert torch.equal(episode.support["x"], episode.query["x"])
    assert episode.query["x"].shape[:2] == episode.query["y"].shape == (8, 24)
    assert episode.query["y"].max() < 3
    assert episode.query["groups"].eq(3).all()
    assert episode.hash() == drawn(family(name)).hash() != drawn(family(name), seed=1).hash()


@every_family
def test_sets_may_differ_in_their_number_of_groups_and_may_keep_it_to_themselves(name: str) -> None:
    several = family(name, "task.groups=2", "task.most_groups=5")
    episode = drawn(several, count=60)
    told = episode.support["groups"][:, 0]
    assert set(told.tolist()) == {2, 3, 4, 5}
    assert (episode.query["y"].amax(1) < told).all()
    assert several.shape.outputs == 5
    silent = family(name, "task.groups=2", "task.most_groups=5", "task.told=false")
    assert set(drawn(silent).support) == {"x"}
    assert silent.data_hash() == several.data_hash() != family(name).data_hash()


@every_family
def test_sets_too_small_for_their_groups_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(ConfigError, match=r"task\.points.*2 are too few for 3 groups") as refused:
        family(name, "task.points=2")
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(ConfigError, match=r"task\.most_groups.*2 is fewer than groups = 3"):
        family(name, "task.most_groups=2")
    e = experiment("maml", overrides=(f"task.family={name}", "evaluation.queries=9"))
    *_, last = Trainer(e, e.algorithm[0], 0, runs.open_family(e)).events()
    assert isinstance(last, Failed)
    assert re.search(r"9 queries.*leave evaluation\.queries", last.message)
    e = experiment("maml", overrides=(f"task.family={name}", "algorithm.0.train_shots=2"))
    opened = runs.open_family(e)
    with pytest.raises(DataError, match="2 points are too few for 3 groups"):
        Trainer(e, e.algorithm[0], 0, opened)


def test_a_set_may_be_as_small_as_its_groups_are_many_and_learners_may_train_on_others() -> None:
    e = experiment("maml", overrides=("task.points=3", "algorithm.0.train_shots=7"))
    events = list(Trainer(e, e.algorithm[0], 0, runs.open_family(e)).events())
    assert math.isfinite(events[-1].summary["measures"]["ari"]["mean"][-1])  # type: ignore[union-attr]


def test_mixtures_are_what_they_say() -> None:
    asked = ("task.points=2000", "task.dimensions=3", "task.spread=0.5", "task.reach=9", "task.weights=50")
    episode = drawn(family("mixtures", *asked))
    x, y, means = episode.query["x"], episode.query["y"], episode.task["means"]
    apart = x - of_each(means, y)
    assert apart.std((0, 1)) == pytest.approx([0.5] * 3, rel=0.05)
    assert 5 < means.abs().max() <= 9
    shares = torch.nn.functional.one_hot(y).double().mean(1)
    torch.testing.assert_close(shares, episode.task["weights"].double(), atol=0.05, rtol=0)
    assert shares.min() > 0.15


def test_weights_of_small_concentration_are_still_weights() -> None:
    episode = drawn(family("mixtures", "task.weights=0.01", "task.groups=4"), count=300)
    assert episode.query["x"].isfinite().all()
    commonest = torch.nn.functional.one_hot(episode.query["y"]).double().mean(1).amax(1)
    assert commonest.mean() > 0.9


def test_shapes_are_arcs_segments_and_blobs() -> None:
    episode = drawn(family("shapes", "task.points=600", "task.noise=0"), count=40)
    y = episode.query["y"]
    kind, centre, angle, size = (of_each(episode.task[n], y) for n in ("kind", "centre", "angle", "size"))
    x = episode.query["x"] - centre

    def turned(by: Tensor) -> tuple[Tensor, Tensor]:
        cos, sin = by.cos(), by.sin()
        return cos * x[..., 0] + sin * x[..., 1], cos * x[..., 1] - sin * x[..., 0]

    along, across = turned(angle)
    radius, bearing = torch.hypot(along, across), torch.atan2(across, along)
    torch.testing.assert_close(radius[kind == ARC], size[kind == ARC])
    assert bearing[kind == ARC].abs().max() <= TURN / 2 + 1e-5
    assert across[kind == SEGMENT].abs().max() < 1e-5
    assert (along / size)[kind == SEGMENT].abs().max() == pytest.approx(1.2, abs=0.02)
    assert (along / size)[kind == BLOB].std() == pytest.approx(0.25, rel=0.05)
    assert SMALLEST <= size.min() < 1.1 < 2.1 < size.max() <= LARGEST
