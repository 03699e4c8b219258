"""What references believe of a task: the prior that tasks are drawn from, and Bayes' rule after it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.worlds.some import WORLDS, at_random, chance, tasks
from workbench.tasks.bandits import BanditsWorld, GaussianBanditsWorld
from workbench.tasks.opponents import OpponentsWorld
from workbench.tasks.tabular_mdp import TabularWorld
from workbench.worlds.base import Conjugate, Tensors
from workbench.worlds.rollout import trial

CONJUGATE = {name: world for name, world in WORLDS.items() if isinstance(world, Conjugate)}
TASKS, EPISODES = 4, 6

every_world = pytest.mark.parametrize("world", CONJUGATE.values(), ids=CONJUGATE)


def after_a_trial(world: Conjugate) -> tuple[Tensors, Tensors]:
    """What happens in trials, and what is believed afterwards."""
    data = trial(world, tasks(world, (TASKS,)), chance(world, (TASKS, EPISODES)), at_random(world))
    belief = world.prior((TASKS,))
    seen = data["observation"]
    then = torch.cat([seen[:, 1:], seen[:, :1]], 1)  # another episode's start follows the last step
    for at in range(seen.shape[1]):
        belief = world.learned(
            belief,
            seen[:, at],
            data["action"][:, at],
            data["reward"][:, at],
            then[:, at],
            data["ended"][:, at],
        )
    return data, belief


@every_world
def test_the_prior_is_what_tasks_are_drawn_from(world: Conjugate) -> None:
    drawn = world.known(tasks(world, (20_000,)))
    believed = world.known(world.sampled(world.prior((20_000,)), torch.Generator().manual_seed(1)))
    assert (drawn.mean(0) - believed.mean(0)).abs().max() < 0.05
    assert (drawn.std(0) - believed.std(0)).abs().max() < 0.05
    expected = world.known(world.expected(world.prior(())))
    assert (drawn.mean(0) - expected).abs().max() < 0.05


@every_world
def test_samples_scatter_about_what_is_expected_the_less_the_more_is_known(world: Conjugate) -> None:
    _, belief = after_a_trial(world)
    many = {name: each[0].expand(4000, *each.shape[1:]) for name, each in belief.items()}
    sampled = world.known(world.sampled(many, torch.Generator().manual_seed(1)))
    expected = world.known(world.expected({name: each[0] for name, each in belief.items()}))
    assert (sampled.mean(0) - expected).abs().max() < 0.1
    assert float(sampled.std(0).mean()) < float(
        world.known(world.sampled(world.prior((4000,)), torch.Generator().manual_seed(1))).std(0).mean()
    )


@every_world
def test_optimism_expects_no_less(world: Conjugate) -> None:
    _, belief = after_a_trial(world)
    sampled = world.sampled(belief, torch.Generator().manual_seed(1))
    optimistic, expected = world.optimistic(sampled, belief), world.expected(belief)
    paid = {"pay", "mean", "strategy"} & optimistic.keys()
    assert paid
    assert all((optimistic[name] >= expected[name]).all() for name in paid)


@every_world
def test_the_same_seed_samples_the_same_task(world: Conjugate) -> None:
    one, again, other = (
        world.sampled(world.prior((3,)), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(each, again[name]) for name, each in one.items())
    assert not all(torch.equal(each, other[name]) for name, each in one.items())


def by_adding_up(weight: Tensor, grid: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of a parameter, by what it may be and how likely each is."""
    mean = (weight * grid).sum() / weight.sum()
    return float(mean), float(((weight * (grid - mean).square()).sum() / weight.sum()).sqrt())


@pytest.mark.parametrize("world", [BanditsWorld(arms=3), GaussianBanditsWorld(arms=3)])
def test_arms_are_believed_as_bayes_rule_says(world: BanditsWorld) -> None:
    data, belief = after_a_trial(world)
    normal = isinstance(world, GaussianBanditsWorld)
    pay = torch.linspace(-8 if normal else 0, 8 if normal else 1, 20_001, dtype=torch.float64)
    expected = world.expected(belief)["pay"]
    many = {name: each.expand(10_000, *each.shape) for name, each in belief.items()}
    sampled = world.sampled(many, torch.Generator().manual_seed(1))["pay"]
    for task in range(TASKS):
        for arm in range(3):
            rewards = data["reward"][task][data["action"][task] == arm]
            if normal:
                weight = torch.exp(-(pay.square() + (rewards[:, None] - pay).square().sum(0)) / 2)
            else:
                weight = pay ** rewards.sum() * (1 - pay) ** (1 - rewards).sum()
            mean, spread = by_adding_up(weight, pay)
            assert float(expected[task, arm]) == pytest.approx(mean, abs=1e-4)
            assert float(sampled[:, task, arm].mean()) == pytest.approx(mean, abs=0.05)
            assert float(sampled[:, task, arm].std()) == pytest.approx(spread, rel=0.05)


def test_tables_are_believed_by_counting_and_no_transition_leads_into_another_episode() -> None:
    world = TabularWorld(states=4, actions=3, horizon=5)
    data, belief = after_a_trial(world)
    state = data["observation"].argmax(-1)
    for task in range(TASKS):
        visits, pays = torch.ones(4, 3, 4), torch.ones(4, 3)
        for at in range(5 * EPISODES):
            now, action = int(state[task, at]), int(data["action"][task, at])
            pays[now, action] += float(data["reward"][task, at])
            if (at + 1) % 5:
                visits[now, action, int(state[task, at + 1])] += 1
        assert torch.equal(belief["visits"][task].float(), visits)
        assert (belief["total"][task] - pays).abs().max() < 1e-4
        taken = torch.bincount(state[task] * 3 + data["action"][task], minlength=12).reshape(4, 3)
        assert torch.equal(belief["precision"][task].long(), 1 + taken)
    many = {name: each.expand(10_000, *each.shape) for name, each in belief.items()}
    sampled = world.sampled(many, torch.Generator().manual_seed(1))
    # n rewards of variance 1 about a mean of variance 1
    assert (sampled["mean"].std(0) * belief["precision"].sqrt() - 1).abs().max() < 0.05
    share = belief["visits"] / belief["visits"].sum(-1, keepdim=True)
    variance = share * (1 - share) / (belief["visits"].sum(-1, keepdim=True) + 1)  # Dirichlet's
    assert (sampled["transition"].std(0) / variance.sqrt() - 1).abs().max() < 0.05


@pytest.mark.parametrize("game", ["stag_hunt", "prisoners_dilemma", "chicken", "pennies"])
def test_the_last_round_of_a_match_is_learned_from_too(game: str) -> None:
    world = OpponentsWorld(game, rounds=6)
    data, belief = after_a_trial(world)
    situation = data["observation"][..., :5].argmax(-1)
    luck = chance(world, (TASKS, EPISODES))["luck"].flatten(1)
    cooperated = luck < tasks(world, (TASKS,))["strategy"].gather(1, situation)
    for each in range(5):
        there = situation == each
        assert torch.equal(belief["cooperated"][:, each], 0.5 + (there & cooperated).sum(1))
        assert torch.equal(belief["defected"][:, each], 0.5 + (there & ~cooperated).sum(1))
