"""Task gates (ours): a structure of its own for every task, out of one network.

A task scales and shifts every hidden unit (every channel of a convolution): h ← (1 + γ) ∘ h + β, with γ and
β 0 at its start, where the learner is the base network exactly. Inner steps on the support set follow the
gradient, and the gate g = 1 + γ of a unit that the task has no use for becomes exactly 0:

    g ← keep(1 + γ − a ∘ ∇_γ L_S),  β ← β − b ∘ ∇_β L_S,  keep(g) = g where |g| ≥ τ, else 0.

This is proximal descent on L_S + Σ ρ_j ‖g_j‖₀, where an open gate costs ρ_j = τ²/(2 a_j): hard thresholding.
(Soft thresholding, with the price |g_j|, would shrink the open gates too, and in the end close them all.)

The body's weights are shared by all tasks. They and the inner rates a and b, one for every unit, follow the
gradient of the query loss through the inner steps, as in MAML. A classifier's head, which has to find out
which output stands for which class, is adapted too, at learned rates.

Closest in the literature: scaling and shifting hidden units by FiLM (Perez et al., AAAI 2018, arXiv
1709.07871); its adaptation by gradient as a task's context (CAVIA: Zintgraf et al., ICML 2019, arXiv
1810.03642); hard thresholding (Blumensath, Davies, "Iterative Thresholding for Sparse Approximations",
Journal of Fourier Analysis and Applications 2008).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.func import functional_call, grad

from workbench.algorithms.base import (
    GradientDescent,
    InnerLoopConfig,
    Params,
    inner_rate,
    named_after,
    settled,
)
from workbench.config import setting
from workbench.measures import OPEN_GATES
from workbench.tasks.base import Data, Episode


class GatesConfig(InnerLoopConfig):
    kind: Literal["gates"] = "gates"
    inner_lr: float | None = inner_rate(
        0.1,
        classes=1.0,
        rollouts=0.1,
        symbol="a₀",
        help="What the learned inner rates of gates and shifts start from.",
    )
    inner_steps: int = setting(
        3, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )
    threshold: float | None = setting(
        ge=0,
        lt=1,
        symbol="τ",
        default=0.8,
        where={"classes": 0.95},
        help="A gate that falls below this closes; it starts at 1. Higher: fewer open gates.",
    )
    head_lr: float = setting(
        0.4, gt=0, le=100, help="What the learned inner rates of the last layer start from, if it is adapted."
    )
    adapt_head: bool | None = setting(
        default=False, where={"classes": True}, help="Adapt the last layer too."
    )


class Gates(GradientDescent):
    """Opens and closes hidden units for each task."""

    Config = GatesConfig
    title = "Task gates (ours)"
    family = "model adaptation"
    summary = (
        "Opens, scales and closes the hidden units of a shared network for each task; nearly all else stays."
    )
    departs = "Ours: hard thresholding by proximal descent."
    citation = None
    order = 2
    config: GatesConfig

    def initial(self, generator: torch.Generator) -> Params:
        weights, rate = super().initial(generator), self.inner_lr
        meta = dict(weights)
        for layer, units in self.network.units.items():
            meta[f"rate.gate.{layer}"] = torch.full((units,), rate)
            meta[f"rate.shift.{layer}"] = torch.full((units,), rate)
        if self.config.adapt_head:
            meta |= {
                f"rate.{name}": torch.tensor(self.config.head_lr)
                for name in weights
                if name.startswith("head.")
            }
        return meta

    def start(self, meta: Params, support: Data) -> Params:
        weights = {name: weight for name, weight in meta.items() if not name.startswith("rate.")}
        for name, rate in meta.items():
            if name.startswith(("rate.gate.", "rate.shift.")):
                weights[name.removeprefix("rate.")] = torch.zeros_like(rate)
        return weights

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        return {"inner rates": named_after("rate.", meta)}

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        adapted = {name: value for name, value in learner.items() if f"rate.{name}" in meta}

        def loss(at: Params) -> Tensor:
            return self.problem.adapt_loss(partial(self.predict, learner | at), support)

        stepped = dict(learner)
        for name, gradient in grad(loss)(adapted).items():
            rate = meta[f"rate.{name}"]
            stepped[name] = learner[name] - rate * gradient
            if name.startswith("gate."):
                stepped[name] = _keep(1 + stepped[name], settled(self.config.threshold)) - 1
        return stepped

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        def modulate(layer: str, h: Tensor) -> Tensor:
            one_each = (-1, *[1] * (h.dim() - 2))
            gate, shift = learner[f"gate.{layer}"], learner[f"shift.{layer}"]
            return (1 + gate).reshape(one_each) * h + shift.reshape(one_each)

        weights = {name: w for name, w in learner.items() if not name.startswith(("gate.", "shift."))}
        out: Tensor = functional_call(self.network, weights, (x, modulate))
        return out

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        open_ = [(1 + gate != 0).to(gate.dtype) for name, gate in learner.items() if name.startswith("gate.")]
        shares = {f"layer {number}": each.mean() for number, each in enumerate(open_, 1)}
        return {OPEN_GATES.name: shares | {"all": torch.cat(open_).mean()}}


def _keep(gate: Tensor, threshold: float) -> Tensor:
    """Hard thresholding."""
    return torch.where(gate.abs() < threshold, 0, gate)
