"""Worlds as task families: what a configuration asks for, and what is refused."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

import workbench.algorithms
import workbench.networks  # noqa: F401 (their kinds become known)
from tests.worlds.installed import needs_gymnasium
from workbench.config import SPLITS, ConfigError, Experiment, TaskConfig, parse
from workbench.problems.control import chance, hidden
from workbench.tasks import FAMILIES
from workbench.tasks.acting import ActingConfig, WorldDrift, WorldFamily
from workbench.tasks.bandits import Bandits, BanditsConfig, BanditsWorld, GaussianBanditsWorld
from workbench.tasks.base import DataError, Episode
from workbench.tasks.grid_navigation import Grid, GridConfig
from workbench.tasks.maze import Maze, MazeConfig
from workbench.worlds.rollout import ACTING

ACTED = [
    pytest.param(name, marks=needs_gymnasium if name == "gymnasium" else ())
    for name, config in TaskConfig.kinds.items()
    if issubclass(config, ActingConfig)
    and not any(each.is_required() for each in config.model_fields.values())
]
every_family = pytest.mark.parametrize("name", ACTED)


def drawn(family: WorldFamily, seed: int = 0, segment: int | None = None, count: int = 6) -> Episode:
    return family.sample("train", count, torch.Generator().manual_seed(seed), segment=segment)


def usual(name: str, **settings: object) -> WorldFamily:
    family = FAMILIES[name](TaskConfig.kinds[name](**settings))
    assert isinstance(family, WorldFamily)
    return family


@every_family
def test_rows_are_episodes_of_their_task(name: str) -> None:
    family = usual(name)
    episode, config = drawn(family), family.config
    assert config.episode_size.queries == config.trial
    for part, rows in ((episode.support, config.rollouts * config.updates), (episode.query, config.trial)):
        assert chance(part)[ACTING].shape[:3] == (6, rows, family.world.horizon)
        assert hidden(part).keys() == episode.task.keys()
        for key, each in hidden(part).items():
            assert torch.equal(each, episode.task[key][:, None].expand_as(each))


@every_family
def test_episodes_follow_from_the_seed_and_differ_from_task_to_task(name: str) -> None:
    family = usual(name)
    assert drawn(family).hash() == drawn(family).hash() != drawn(family, seed=1).hash()
    known = family.world.known(drawn(family, count=20).task)
    assert len(known.unique(dim=0)) > 5


@every_family
def test_a_shift_that_the_world_has_not_is_refused(name: str) -> None:
    text = f'task = {{family = "{name}", shift = "sideways"}}\nalgorithm = "all"'
    with pytest.raises((ConfigError, DataError), match=r"task\.shift.*'sideways' is not"):
        FAMILIES[name](parse(text).task)


@every_family
def test_every_shift_of_the_world_may_be_asked_for(name: str) -> None:
    family = usual(name)
    choices = TaskConfig.kinds[name].model_fields["shift"].annotation
    offered = {text for each in get_args(choices) for text in get_args(each)}
    assert offered == set(family.world.shifts)


@every_family
def test_a_drifting_stream_cuts_the_range_of_one_parameter(name: str) -> None:
    config = TaskConfig.kinds[name](drift=WorldDrift(segments=4))
    family = FAMILIES[name](config)
    assert family.segments == 4
    first, last = (drawn(family, segment=segment, count=200).task for segment in (0, 3))
    assert any(not torch.equal(each, last[key]) for key, each in first.items())
    with pytest.raises(DataError, match=r"task\.drift\.parameter: 'colour' is not known; allowed: "):
        FAMILIES[name](TaskConfig.kinds[name](drift=WorldDrift(parameter="colour")))


@every_family
def test_what_may_drift_changes_from_segment_to_segment_and_an_order_is_refused(name: str) -> None:
    permuted = [{"permuted": True}] if "permuted" in TaskConfig.kinds[name].model_fields else []
    for settings in ({}, *permuted):
        world = usual(name, **settings).world
        for parameter in world.draws:
            drift = WorldDrift(segments=4, parameter=parameter)
            if parameter in world.ranked:
                with pytest.raises(
                    DataError, match=f"'{parameter}' is an order, .*; allowed: goal, openings$"
                ):
                    usual(name, drift=drift, **settings)
                continue
            drifting = usual(name, drift=drift, **settings)
            first, last = (drawn(drifting, segment=segment, count=50).task for segment in (0, 3))
            assert any(not torch.equal(each, last[key]) for key, each in first.items()), parameter


def test_segments_of_arms_are_parts_of_what_they_pay() -> None:
    family = Bandits(BanditsConfig(drift=WorldDrift(segments=4)))
    for segment in range(4):
        pay = drawn(family, segment=segment, count=100).task["pay"]
        assert segment / 4 <= float(pay.min())
        assert float(pay.max()) <= (segment + 1) / 4
        assert float(pay.mean()) == pytest.approx((segment + 0.5) / 4, abs=0.02)


@pytest.mark.parametrize("split", SPLITS)
def test_a_world_that_drifts_has_the_same_tasks_where_no_segment_is_asked_for(split: str) -> None:
    still, drifting = Bandits(BanditsConfig()), Bandits(BanditsConfig(drift=WorldDrift()))
    one, other = (each.sample(split, 5, torch.Generator().manual_seed(0)) for each in (still, drifting))
    assert one.hash() == other.hash()


def test_a_pull_is_an_episode_and_pays_as_it_is_asked_to() -> None:
    assert isinstance(Bandits(BanditsConfig()).world, BanditsWorld)
    family = Bandits(BanditsConfig(arms=3, pulls=7, pays="gaussian"))
    assert isinstance(family.world, GaussianBanditsWorld)
    assert chance(drawn(family).query)["luck"].shape == (6, 7, 1)


def test_a_run_through_a_maze_is_measured_in_whole_parts() -> None:
    assert Maze(MazeConfig(horizon=20, steps=100)).config.trial == 5
    with pytest.raises(ConfigError, match=r"task\.steps: must be a multiple of horizon, 30"):
        experiment('family = "maze"\nsteps = 100')


def test_goals_are_held_out_only_where_some_are_left() -> None:
    family = Grid(GridConfig(held_out=20))
    assert len(drawn(family, count=50).task["goal"].unique(dim=0)) == 1
    with pytest.raises(ConfigError, match=r"task\.held_out: must be below 21, all the goals of the grid"):
        experiment('family = "grid_navigation"\nheld_out = 21')
    with pytest.raises(ConfigError, match=r"task\.held_out: must be at least 1 for the shift held_out"):
        experiment('family = "grid_navigation"\nshift = "held_out"')


def test_a_world_without_time_or_places_is_refused() -> None:
    for text in ("horizon = 0", "size = 2", "episodes = 0"):
        with pytest.raises(ConfigError, match=rf"task\.{text.partition(' ')[0]}: "):
            experiment(f'family = "grid_navigation"\n{text}')


def experiment(task: str) -> Experiment:
    return parse(f'[task]\n{task}\n[[algorithm]]\nkind = "rl2"\n')
