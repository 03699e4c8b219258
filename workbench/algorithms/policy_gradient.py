"""Policy gradients: pure functions of what was collected in a world, of one task.

The expected return is no function of the collected data that could be differentiated. An *estimator* is a
sum over the steps of episodes, whose gradient is, on average, that of the expected return. They differ in
their second derivatives, which an outer gradient through inner steps asks for:

REINFORCE, Σ log π · A: Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist
Reinforcement Learning", Machine Learning 8, 1992. Its Hessian is wrong: the distribution of the data counts
as fixed.
LVC (low variance curvature), Σ π / π_old · A: Rothfuss, Lee, Clavera, Asfour, Abbeel, "ProMP: Proximal
Meta-Policy Search", ICLR 2019, arXiv 1810.06784. Leaves out only how earlier actions bear on later
advantages: a little biased, of small variance.
DiCE: Foerster, Farquhar, Al-Shedivat, Rocktäschel, Xing, Whiteson, "DiCE: The Infinitely Differentiable
Monte Carlo Estimator", ICML 2018, arXiv 1802.05098, in the form that takes advantages: Farquhar, Whiteson,
Foerster, "Loaded DiCE", NeurIPS 2019, arXiv 1909.10549. Right in every derivative, of larger variance.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Estimator = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Log-probabilities of the actions, those when they were collected, and advantages, each
``[episodes, horizon]``, to what is to be summed and made large, of the same shape."""

RIDGE = 1e-6
"""Part of each feature's own square that is added in the normal equations: a feature that is constant, or the
sum of others, has no weight of its own."""


# --- estimators -----------------------------------------------------------------------------------


def reinforce(log_likelihood: Tensor, old: Tensor, advantage: Tensor) -> Tensor:
    """log π · A."""
    return log_likelihood * advantage


def lvc(log_likelihood: Tensor, old: Tensor, advantage: Tensor) -> Tensor:
    """π / π_old · A, each step by itself."""
    return (log_likelihood - old).exp() * advantage


def dice(log_likelihood: Tensor, old: Tensor, advantage: Tensor) -> Tensor:
    """(□(all actions until now) − □(all before)) · A, where the magic box □ is 1 and has the derivative of
    the log-probability."""
    until = log_likelihood.cumsum(-1)
    return (_magic(until) - _magic(until - log_likelihood)) * advantage


def _magic(log_likelihood: Tensor) -> Tensor:
    return (log_likelihood - log_likelihood.detach()).exp()


ESTIMATORS: dict[str, Estimator] = {"lvc": lvc, "reinforce": reinforce, "dice": dice}


def proximal(log_likelihood: Tensor, old: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """PPO's surrogate (Schulman, Wolski, Dhariwal, Radford, Klimov, 2017, arXiv 1707.06347): nothing is
    gained by a ratio π / π_old further from 1 than ``clip``."""
    ratio = (log_likelihood - old).exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def mean_of(values: Tensor, alive: Tensor) -> Tensor:
    """The mean over the steps of episodes that were not over."""
    return (values * alive).sum() / alive.sum()


# --- advantages -----------------------------------------------------------------------------------


def to_go(reward: Tensor, discount: float) -> Tensor:
    """Discounted sum of the rewards from each step on, ``[…, horizon]``."""
    step = torch.arange(reward.shape[-1], device=reward.device)
    later = (step[:, None] - step[None, :]).to(reward.dtype)
    discounts: Tensor = discount ** later.clamp_min(0)
    return reward @ torch.where(later >= 0, discounts, 0)


def baseline_features(observation: Tensor) -> Tensor:
    """What the linear baseline sees of each step, ``[episodes, horizon, 2 n + 4]``.

    Duan, Chen, Houthooft, Schulman, Abbeel, "Benchmarking Deep Reinforcement Learning for Continuous
    Control", ICML 2016, arXiv 1604.06778: the observation and its square, time (in hundreds of steps) up to
    its third power, and 1.

    Parameters
    ----------
    observation : ``[episodes, horizon, n]``.
    """
    seen = observation.clamp(-10, 10)
    time = torch.arange(seen.shape[-2], device=seen.device, dtype=seen.dtype) / 100
    powers = torch.stack([time, time**2, time**3, torch.ones_like(time)], -1)
    return torch.cat([seen, seen**2, powers.expand(*seen.shape[:-1], 4)], -1)


def linear_baseline(features: Tensor, returns: Tensor, alive: Tensor) -> Tensor:
    """Least squares of returns on features: what it expects of each step, ``[n]``; 0 where not ``alive``.

    Parameters
    ----------
    features : ``[n, m]``.
    returns, alive : ``[n]``.
    """
    # a GPU of Apple's has no float64, hence the larger ridge there
    exact = features.device.type != "mps"
    numbers, ridge = (torch.float64, RIDGE) if exact else (torch.float32, 1e3 * RIDGE)
    x = features.to(numbers) * alive.to(numbers)[:, None]
    scale = x.square().sum(0).sqrt()
    x = x / torch.where(scale > 0, scale, 1)
    gram = x.T @ x + ridge * torch.eye(x.shape[1], dtype=numbers, device=x.device)
    weights = torch.linalg.solve(gram, x.T @ returns.to(numbers)[:, None])
    expected: Tensor = (x @ weights)[:, 0].to(returns.dtype)
    return expected


def advantages(observation: Tensor, reward: Tensor, alive: Tensor, discount: float) -> Tensor:
    """How much better each step went than the baseline fitted to these very episodes expects, of mean 0 and
    standard deviation 1; 0 once an episode is over.

    Parameters
    ----------
    observation : ``[episodes, horizon, n]``.
    reward, alive : ``[episodes, horizon]``; rewards are 0 once an episode is over.
    """
    returns = to_go(reward, discount)
    features = baseline_features(observation).flatten(0, 1)
    expected = linear_baseline(features, returns.flatten(), alive.flatten()).reshape(returns.shape)
    above = returns - expected
    above = (above - mean_of(above, alive)) * alive
    return above / (mean_of(above.square(), alive).sqrt() + 1e-8)
