"""What every world says of a task and draws of somebody who acts in it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.worlds.some import WORLDS, at_random, chance, tasks
from workbench.pictures import RUNS, Curve, Panel
from workbench.worlds.base import World
from workbench.worlds.pictures import Acted
from workbench.worlds.rollout import rollout, trial

EPISODES = 3

every_world = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
in_turn = pytest.mark.parametrize("in_turn", [False, True], ids=["at once", "one trial"])


def acted(world: World, in_turn: bool, episodes: int = EPISODES) -> tuple[dict[str, np.ndarray], Acted]:
    """A task, and what somebody did in it at random."""
    task = tasks(world, ())
    if in_turn:
        luck = chance(world, (episodes,))
        found = trial(world, task, luck, at_random(world))
        rows = {name: each.unflatten(0, (episodes, -1)).double().numpy() for name, each in found.items()}
        now, before = (
            {name: each[part] for name, each in rows.items()} for part in (slice(-1, None), slice(-1))
        )
    else:
        luck = chance(world, (episodes,))
        wide = {name: each.expand(episodes, *each.shape) for name, each in task.items()}
        now = {n: each.double().numpy() for n, each in rollout(world, wide, luck, at_random(world)).items()}
        before = now
    told = {name: each.numpy() for name, each in task.items()}
    return told, Acted(rows=now, before=before, colour=RUNS[2], episode=world.episode, trial=in_turn)


def curves(panel: Panel) -> list[Curve]:
    return [*panel.curves, *([panel.moving] if panel.moving else [])]


@every_world
@in_turn
def test_what_is_drawn_is_within_the_picture(world: World, in_turn: bool) -> None:
    task, seen = acted(world, in_turn)
    panel = world.drawn(task, seen)
    assert any(RUNS[2] == curve.colour for curve in panel.curves)
    for curve in curves(panel):
        known = np.isfinite(curve.x) & np.isfinite(curve.y)
        assert known.any() or curve is panel.moving
        assert not curve.points or len(curve.points) == len(curve.x)
        for values, limits, names in (
            (curve.x[known], panel.x_range, panel.x_names),
            (curve.y[known], panel.y_range, panel.y_names),
        ):
            low, high = limits or ((-0.5, len(names) - 0.5) if names else (-np.inf, np.inf))
            assert (values >= low - 1e-9).all()
            assert (values <= high + 1e-9).all()


@every_world
def test_what_moves_ends_where_the_episode_does(world: World) -> None:
    task, seen = acted(world, False)
    moving = world.drawn(task, seen).moving
    if moving is not None:
        assert 0 < len(moving.x) <= world.horizon


@every_world
def test_a_world_without_anybody_is_drawn(world: World) -> None:
    task, seen = acted(world, False)
    nobody = {name: each[:0] for name, each in seen.rows.items()}
    panel = world.drawn(task, Acted(rows=nobody, before=nobody, colour=RUNS[0]))
    assert panel.moving is None


@every_world
def test_a_task_is_told_in_a_line(world: World) -> None:
    task, _ = acted(world, False)
    told = world.told(task)
    assert told
    assert "\n" not in told
    assert len(told) < 120
