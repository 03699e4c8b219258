"""Estimators of policy gradients against a world small enough to enumerate, in float64."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, Normal, kl_divergence
from torch.func import grad, hessian, jacrev, vmap

from workbench.algorithms.policies import divergence, log_probability
from workbench.algorithms.policy_gradient import (
    ESTIMATORS,
    advantages,
    baseline_features,
    linear_baseline,
    proximal,
    to_go,
)

STATES, MOVES, STEPS = 2, 2, 3
RATE = 0.7


class Enumerated:
    """A Markov decision process of 2 states, 2 moves and 3 steps: all its 64 courses."""

    leads = torch.tensor(
        [[[0.8638, 0.1362], [0.6866, 0.3134]], [[0.3768, 0.6232], [0.0828, 0.9172]]], dtype=torch.float64
    )
    earns = torch.tensor([[-0.5663, 0.3731], [-0.8920, -1.5091]], dtype=torch.float64)
    theta = torch.tensor([[0.1852, 0.7283], [0.4699, 0.3874]], dtype=torch.float64)

    def __init__(self) -> None:
        moves = torch.tensor(list(itertools.product(range(MOVES), repeat=STEPS)))
        after = torch.tensor(list(itertools.product(range(STATES), repeat=STEPS)))
        self.move = moves.repeat_interleave(len(after), 0)
        after = after.repeat(len(moves), 1)
        self.state = torch.cat([torch.zeros(len(after), 1, dtype=torch.int64), after[:, :-1]], 1)
        self.chance = self.leads[self.state, self.move, after].prod(1)
        self.reward = self.earns[self.state, self.move]

    def likelihood(self, theta: Tensor) -> Tensor:
        """Log-probabilities of the moves, ``[courses, steps]``."""
        return log_probability(theta[self.state], self.move)

    def weights(self, theta: Tensor) -> Tensor:
        """How likely each course is."""
        return self.chance * self.likelihood(theta).sum(1).exp()

    def value(self, theta: Tensor) -> Tensor:
        """The expected return."""
        return (self.weights(theta) * self.reward.sum(1)).sum()

    def advantage(self, theta: Tensor, *, baseline: bool) -> Tensor:
        """Return to go of each step of each course, less the value of the state where wanted."""
        returns = to_go(self.reward, 1.0)
        if not baseline:
            return returns
        value, odds, by_step = torch.zeros(STATES, dtype=theta.dtype), theta.softmax(1), []
        for _ in range(STEPS):
            value = (odds * (self.earns + self.leads @ value)).sum(1)
            by_step.insert(0, value)
        return returns - torch.stack(by_step)[torch.arange(STEPS), self.state]


@pytest.fixture(scope="module")
def world() -> Enumerated:
    return Enumerated()


def terms(world: Enumerated, estimator: str, *, baseline: bool) -> Callable[[Tensor], Tensor]:
    """The estimator of each course alone, collected by θ."""
    old, advantage = world.likelihood(world.theta), world.advantage(world.theta, baseline=baseline)
    return lambda theta: ESTIMATORS[estimator](world.likelihood(theta), old, advantage).sum(1)


def expected(world: Enumerated, estimator: str, *, baseline: bool) -> Callable[[Tensor], Tensor]:
    """The estimator's mean over all courses, as likely as they were when they were collected."""
    weights, of_each = world.weights(world.theta), terms(world, estimator, baseline=baseline)
    return lambda theta: (weights * of_each(theta)).sum()


def far(found: Tensor, right: Tensor) -> float:
    return float((found - right).norm() / right.norm())


BOTH = pytest.mark.parametrize("baseline", [False, True], ids=["returns", "advantages"])


@BOTH
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_has_the_gradient_of_the_expected_return(
    world: Enumerated, estimator: str, baseline: bool
) -> None:
    assert world.weights(world.theta).sum() == pytest.approx(1, abs=1e-12)
    found = grad(expected(world, estimator, baseline=baseline))(world.theta)
    assert far(found, grad(world.value)(world.theta)) < 1e-12


@BOTH
@pytest.mark.parametrize(
    ("estimator", "errors"), [("reinforce", (2.87, 1.0)), ("lvc", (0.328, 0.328)), ("dice", (0.0, 0.0))]
)
def test_only_dice_has_the_hessian_of_the_expected_return(
    world: Enumerated, estimator: str, errors: tuple[float, float], baseline: bool
) -> None:
    found = hessian(expected(world, estimator, baseline=baseline))(world.theta)
    error = far(found, hessian(world.value)(world.theta))
    assert error == pytest.approx(errors[baseline], abs=5e-3 if errors[baseline] else 1e-12)


def test_the_hessian_of_lvc_differs_least_from_course_to_course(world: Enumerated) -> None:
    weights = world.weights(world.theta)[:, None, None, None, None]

    def spread(estimator: str) -> float:
        each = hessian(terms(world, estimator, baseline=True))(world.theta)
        return float((weights * (each - (weights * each).sum(0)).square()).sum().sqrt())

    found = {name: spread(name) for name in ESTIMATORS}
    assert found == pytest.approx({"lvc": 0.34, "reinforce": 0.86, "dice": 1.09}, abs=6e-3)


def test_a_meta_gradient_needs_the_score_of_what_the_inner_step_saw(world: Enumerated) -> None:
    """θ + α ĝ, with ĝ of one course: which courses there are is θ's doing, too."""
    advantage = world.advantage(world.theta, baseline=True)  # a baseline may be held

    def adapted(theta: Tensor) -> Tensor:
        """The value after a step on each course alone, ``[courses]``."""

        def estimate(at: Tensor) -> Tensor:
            return ESTIMATORS["reinforce"](world.likelihood(at), world.likelihood(at), advantage).sum(1)

        return vmap(lambda gradient: world.value(theta + RATE * gradient))(jacrev(estimate)(theta))

    def objective(theta: Tensor) -> Tensor:
        return (world.weights(theta) * adapted(theta)).sum()

    small = 1e-5 * torch.eye(world.theta.numel(), dtype=torch.float64).unflatten(1, world.theta.shape)
    ends = [torch.stack([objective(world.theta + sign * each) for each in small]) for sign in (1, -1)]
    right = ((ends[0] - ends[1]) / 2e-5).reshape(world.theta.shape)
    held, old, gain = world.weights(world.theta), world.likelihood(world.theta), adapted(world.theta)

    def without(theta: Tensor) -> Tensor:
        return (held * adapted(theta)).sum()

    def score(theta: Tensor) -> Tensor:
        return (held * ESTIMATORS["reinforce"](world.likelihood(theta), old, gain[:, None]).sum(1)).sum()

    assert far(grad(without)(world.theta), right) == pytest.approx(0.19, abs=5e-3)
    assert far(grad(without)(world.theta) + grad(score)(world.theta), right) < 1e-7


@pytest.mark.parametrize("clip", [0.01, 0.3])
def test_the_first_step_of_the_clipped_surrogate_is_the_policy_gradient(
    world: Enumerated, clip: float
) -> None:
    old, advantage = world.likelihood(world.theta), world.advantage(world.theta, baseline=True)
    weights = world.weights(world.theta)

    def surrogate(theta: Tensor) -> Tensor:
        return (weights * proximal(world.likelihood(theta), old, advantage, clip).sum(1)).sum()

    assert far(grad(surrogate)(world.theta), grad(world.value)(world.theta)) < 1e-12


def test_nothing_is_gained_beyond_the_clip() -> None:
    ratio = torch.tensor([0.5, 0.5, 1.0, 1.5, 1.5], dtype=torch.float64)
    better = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0], dtype=torch.float64)
    slope = grad(lambda log: proximal(log, torch.zeros_like(log), better, 0.3).sum())(ratio.log())
    torch.testing.assert_close(slope, torch.tensor([0.5, 0, 1.0, 0, -1.5], dtype=torch.float64))


# --- advantages -----------------------------------------------------------------------------------


def episodes(tasks: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Observations, rewards and which steps are alive, of 5 episodes of 7 steps that end early."""
    g = torch.Generator().manual_seed(3)
    seen = torch.randn(tasks, 5, 7, 2, generator=g, dtype=torch.float64)
    alive = (torch.arange(7) < torch.randint(3, 8, (tasks, 5, 1), generator=g)).double()
    reward = torch.randn(tasks, 5, 7, generator=g, dtype=torch.float64) * alive
    return seen, reward, alive


def test_a_return_is_what_is_still_to_come() -> None:
    reward = torch.tensor([[1.0, 2.0, 4.0]])
    torch.testing.assert_close(to_go(reward, 0.5), torch.tensor([[3.0, 4.0, 4.0]]))
    torch.testing.assert_close(to_go(reward, 1.0), torch.tensor([[7.0, 6.0, 4.0]]))
    torch.testing.assert_close(to_go(reward, 0.0), reward)


def test_the_baseline_of_masked_steps_is_that_of_the_others_alone() -> None:
    seen, reward, alive = (each[0] for each in episodes())
    returns, features = to_go(reward, 0.9), baseline_features(seen)
    kept = alive.bool()
    masked = linear_baseline(features.flatten(0, 1), returns.flatten(), alive.flatten()).reshape(5, 7)
    alone = linear_baseline(features[kept], returns[kept], torch.ones(int(alive.sum())))
    torch.testing.assert_close(masked[kept], alone, rtol=1e-9, atol=1e-9)
    assert not masked[~kept].any()
    nonsense = torch.where(kept[..., None], features, 7.0)
    other = linear_baseline(nonsense.flatten(0, 1), returns.flatten(), alive.flatten()).reshape(5, 7)
    torch.testing.assert_close(other, masked, rtol=1e-12, atol=1e-12)


def test_a_baseline_explains_what_is_linear_in_its_features() -> None:
    seen, _, alive = (each[0] for each in episodes())
    features = baseline_features(seen)
    returns = (features @ torch.arange(1.0, 9.0, dtype=torch.float64)).flatten()
    found = linear_baseline(features.flatten(0, 1), returns, alive.flatten())
    torch.testing.assert_close(found, returns * alive.flatten(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("numbers", [torch.float64, torch.float32])
def test_a_baseline_of_states_that_never_change_is_the_mean_return_by_time(numbers: torch.dtype) -> None:
    _, reward, _ = (each[0].to(numbers) for each in episodes())
    seen, alive = torch.full((5, 7, 3), 2.0, dtype=numbers), torch.ones(5, 7, dtype=numbers)
    seen[..., 2] = 0
    features, returns = baseline_features(seen), to_go(reward, 0.9)
    found = linear_baseline(features.flatten(0, 1), returns.flatten(), alive.flatten()).reshape(5, 7)
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found, found[:1].expand(5, 7))
    assert float(found.mean()) == pytest.approx(float(returns.mean()), abs=1e-3)


def test_advantages_are_standardised_over_the_steps_that_were_made() -> None:
    seen, reward, alive = (each[0] for each in episodes())
    found = advantages(seen, reward, alive, 0.99)
    kept = found[alive.bool()]
    assert not found[~alive.bool()].any()
    assert float(kept.mean()) == pytest.approx(0, abs=1e-12)
    assert float(kept.std(correction=0)) == pytest.approx(1, abs=1e-6)


def test_advantages_of_many_tasks_at_once_are_those_of_each_alone() -> None:
    tasks = episodes(4)
    batched = vmap(lambda *task: advantages(*task, 0.99))(*tasks)
    alone = [advantages(*task, 0.99) for task in zip(*tasks, strict=True)]
    torch.testing.assert_close(batched, torch.stack(alone), rtol=1e-9, atol=1e-9)


# --- policies -------------------------------------------------------------------------------------


def test_likelihood_and_divergence_are_those_of_torch() -> None:
    g = torch.Generator().manual_seed(5)
    said = torch.randn(2, 6, 4, generator=g, dtype=torch.float64)
    numbers = torch.randn(6, 2, generator=g, dtype=torch.float64)
    normals = [Independent(Normal(each[:, :2], each[:, 2:].exp()), 1) for each in said]
    torch.testing.assert_close(log_probability(said[0], numbers), normals[0].log_prob(numbers))
    torch.testing.assert_close(divergence(*said, discrete=False), kl_divergence(*normals))
    moves = torch.tensor([0, 1, 2, 3, 1, 0])
    choices = [Categorical(logits=each) for each in said]
    torch.testing.assert_close(log_probability(said[0], moves), choices[0].log_prob(moves))
    torch.testing.assert_close(divergence(*said, discrete=True), kl_divergence(*choices))
