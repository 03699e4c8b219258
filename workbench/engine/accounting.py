"""What private training spends: ε of many noisy sums over tasks that are chosen by lot.

dp-accounting computes it: by Rényi divergences (Mironov, CSF 2017, arXiv 1702.07476; of Poisson samples:
Mironov, Talwar, Zhang 2019, arXiv 1908.10530) or by privacy loss distributions (Koskela, Jälkö, Honkela,
AISTATS 2020, arXiv 1906.03049; Doroshenko et al., PoPETs 2022, arXiv 2207.04380). Sets of tasks are
neighbours where one has a task more.
"""

from __future__ import annotations

import importlib.util
import math
from functools import cache, lru_cache
from typing import Any, Literal

from workbench.config import LEAST_NOISE
from workbench.errors import InputError

Accountant = Literal["pld", "rdp"]

FINE, COARSE = 1e-4, 1e-3
"""In what steps privacy losses are counted; coarse ones are quick, and make ε a little larger."""

FINE_UP_TO = 20.0
"""An ε so large protects so little that it need not be known better: that would take gigabytes."""

MOST_NOISE = 1000.0


class PrivacyError(InputError):
    """Private training that cannot be; the message is one line."""


def demand() -> None:
    """Refuse to go on without an accountant.

    Raises
    ------
    PrivacyError
        If dp-accounting is not installed.
    """
    if importlib.util.find_spec("dp_accounting") is None:
        raise PrivacyError("training.privacy: dp-accounting is not installed: pip install dp-accounting")


@cache
def epsilon(
    noise: float, rate: float, steps: int, delta: float, by: Accountant = "pld", *, quick: bool = False
) -> float:
    """ε at δ after so many steps.

    Parameters
    ----------
    noise : σ, standard deviation of the noise as a multiple of the bound.
    rate : q, the probability that a task is in a step.
    quick : about, and never less than it is; of ``pld``.

    Raises
    ------
    PrivacyError
        If dp-accounting is not installed.
    """
    if not steps:
        return 0.0
    if not noise:
        return math.inf
    if by == "pld":
        if not quick and (about := epsilon(noise, rate, steps, delta, by, quick=True)) > FINE_UP_TO:
            return about
        interval = min(COARSE, max(FINE, rate / noise / 10)) if quick else FINE
        return float(_loss_of_a_step(noise, rate, interval).self_compose(steps).get_epsilon_for_delta(delta))
    demand()
    import dp_accounting  # takes a second, and only private training needs it
    from dp_accounting import rdp

    step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
    return float(rdp.RdpAccountant().compose(step, steps).get_epsilon(delta))


@lru_cache(maxsize=2)
def _loss_of_a_step(noise: float, rate: float, interval: float) -> Any:
    """The distribution of the privacy loss of one step."""
    demand()
    from dp_accounting.pld import privacy_loss_distribution

    return privacy_loss_distribution.from_gaussian_mechanism(
        noise, sampling_prob=rate, value_discretization_interval=interval
    )


@cache
def noise_for(target: float, rate: float, steps: int, delta: float, by: Accountant = "pld") -> float:
    """The least σ, to three digits, by which so many steps spend no more than ε.

    Raises
    ------
    PrivacyError
        If dp-accounting is not installed, or no noise is enough.
    """

    def spends_too_much(noise: float) -> bool:
        return epsilon(noise, rate, steps, delta, by, quick=True) > target

    low, high = LEAST_NOISE, 1.0
    while spends_too_much(high):
        low, high = high, 2 * high
        if high > MOST_NOISE:
            raise PrivacyError(
                f"training.privacy.epsilon: no noise makes {steps:,} steps spend as little as {target:g}; "
                "take a larger ε, fewer iterations, a smaller meta-batch or more tasks"
            )
    while low < (middle := _rounded_up((low + high) / 2)) < high:
        low, high = (middle, high) if spends_too_much(middle) else (low, middle)
    return high


def _rounded_up(value: float) -> float:
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.3g}")
