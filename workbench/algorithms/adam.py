"""Adam as inner steps: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv 1412.6980.

m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − α m̂ / (√v̂ + ε), where m̂ and v̂ are without the bias
towards the zeros that they start from.
"""

from __future__ import annotations

import torch

from workbench.algorithms.base import Params


def moments(weights: Params) -> Params:
    """Both moments of every weight before the first step, to be kept in a learner beside the weights."""
    return {f"{each}.{name}": torch.zeros_like(w) for name, w in weights.items() for each in ("m", "v")}


def step(learner: Params, gradient: Params, index: int, rate: float) -> Params:
    """What changes in a learner, weights and moments, by inner step ``index`` (from 0)."""
    stepped: Params = {}
    for name, g in gradient.items():
        m = stepped[f"m.{name}"] = 0.9 * learner[f"m.{name}"] + 0.1 * g
        v = stepped[f"v.{name}"] = 0.999 * learner[f"v.{name}"] + 0.001 * g.square()
        m, v = m / (1 - 0.9 ** (index + 1)), v / (1 - 0.999 ** (index + 1))
        stepped[name] = learner[name] - rate * m / (v.sqrt() + 1e-8)
    return stepped
