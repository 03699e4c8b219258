"""Bayesian MAML: Yoon, Kim, Dia, Kim, Bengio, Ahn, "Bayesian Model-Agnostic Meta-Learning", NeurIPS 2018,
arXiv 1806.03836; the inner loop is Stein variational gradient descent (Liu, Wang, NeurIPS 2016, 1608.04471).

M particles, coupled by a kernel k, follow a task's posterior p(θ) ∝ exp(−n_S L_S(θ)) (a flat prior):

    θ_m ← θ_m + ε · (1/M) Σ_j [ k(θ_j, θ_m) ∇ log p(θ_j) + ∇_{θ_j} k(θ_j, θ_m) ]

with ε = α / n_S: then α is the rate of a mean over examples, as MAML's, and one particle is MAML. The kernel
is exp(−‖θ − θ'‖² / h) over all weights, with the median heuristic h = median ‖θ_i − θ_j‖² / log(M + 1) over
the pairs (the lower of two middle ones; counted as a constant, for the outer gradient too).

Outer objective: *chaser*, the paper's, Σ_m ‖θ_m^n − stop(θ_m^{n+s})‖², where the leader goes s steps further,
on support and query together; or *query*, the loss of the particles' mean prediction. Predicted is that mean
(of probabilities, or values). In the paper's experiments with images only the last layer has particles;
here all weights have. The paper also learns the noise of the values it regresses; here the loss is the
engine's.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from workbench.algorithms.base import Citation, InnerLoopConfig, Params, inner_rate
from workbench.algorithms.maml import MAML
from workbench.algorithms.members import losses_of, stacked
from workbench.algorithms.reptile import whole_task
from workbench.config import setting
from workbench.networks.base import activations
from workbench.problems.base import Supervised
from workbench.tasks.base import Data, Episode

SMALLEST_BANDWIDTH = 1e-12
"""Where all particles are in one place: the kernel is then 1."""


class BMAMLConfig(InnerLoopConfig):
    needs = frozenset({"gradient", "pairs"})
    episodic = False

    kind: Literal["bmaml"] = "bmaml"
    inner_lr: float | None = inner_rate(
        0.05,
        classes=1.0,
        rollouts=0.05,
        help="Inner learning rate; a particle follows its own gradient by α/M, and the others' by less.",
    )
    particles: int = setting(5, ge=1, le=100, symbol="M", help="Learners of each task, coupled by SVGD.")
    objective: Literal["chaser", "query"] = setting(
        "chaser", help="Outer loss: the way to a leader that also saw the queries; or the queries' loss."
    )
    leader_steps: int = setting(
        1, ge=1, le=1000, unit="steps", symbol="s", help="Steps of the leader beyond the chaser's."
    )


class BMAML(MAML):
    """MAML with particles in place of a point."""

    Config = BMAMLConfig
    title = "Bayesian MAML"
    family = "model fusion"
    summary = "MAML with several particles per task that SVGD drives apart; predictions are averaged."
    departs = "All weights have particles, in the paper's experiments with images the last layer's alone."
    citation = Citation(
        "J. Yoon, T. Kim, O. Dia, S. Kim, Y. Bengio, S. Ahn",
        "Bayesian Model-Agnostic Meta-Learning",
        "NeurIPS",
        2018,
        "1806.03836",
    )
    config: BMAMLConfig
    problem: Supervised

    def initial(self, generator: torch.Generator) -> Params:
        return stacked([super(BMAML, self).initial(generator) for _ in range(self.config.particles)])

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        towards = svgd(learner, self.gradient(learner, support), len(support["x"]))
        return {name: weight + self.inner_lr * towards[name] for name, weight in learner.items()}

    def gradient(self, weights: Params, support: Data) -> Params:
        """∇L of each particle by itself."""

        def total(particles: Params) -> Tensor:
            return losses_of(
                self.problem, self._each(particles, self.problem.asked(support)), support["y"]
            ).sum()

        result: Params = grad(total)(weights)
        return result

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        outputs = self._each(learner, x)
        alike = outputs.new_full((len(outputs),), 1 / len(outputs))
        return self.problem.mixed(outputs, alike.log())

    def _each(self, learner: Params, x: Tensor) -> Tensor:
        """Every particle's prediction, ``[M, n, outputs]``."""
        outputs: Tensor = vmap(lambda particle: functional_call(self.network, particle, (x,)))(learner)
        return outputs

    def activations(self, learner: Params, x: Tensor) -> Params:
        """Those of all particles, side by side: ``[n, M, …]``."""

        def of_one(particle: Params) -> Params:
            return activations(self.network, lambda: functional_call(self.network, particle, (x,)))

        found: Params = vmap(of_one, out_dims=1)(learner)
        return found

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        if self.config.objective == "query":
            return super().loss(meta, episode)
        chaser = self.adapt(meta, episode.support, self.trained_steps)
        leader = {name: weight.detach() for name, weight in chaser.items()}
        for index in range(self.config.leader_steps):
            leader = self.step(meta, leader, whole_task(episode), self.trained_steps + index)
        ways = [(chaser[name] - leader[name].detach()).square().sum() for name in chaser]
        return torch.stack(ways).sum()


def svgd(particles: Params, gradients: Params, examples: int) -> Params:
    """The direction of Stein variational gradient descent, divided by the number of examples.

    Parameters
    ----------
    particles : ``[M, …]`` by name.
    gradients : ∇L of each particle's mean loss over the examples.
    examples : n; log p = −n L.
    """
    count = len(next(iter(particles.values())))
    flat = {name: weight.flatten(1) for name, weight in particles.items()}
    centred = torch.cat([weight - weight.mean(0) for weight in flat.values()], 1)
    squares = centred.square().sum(1)
    distances = (squares[:, None] + squares - 2 * centred @ centred.T).clamp(min=0)
    bandwidth = _bandwidth(distances.detach())
    kernel = torch.exp(-distances / bandwidth)

    def direction(name: str) -> Tensor:
        weight, gradient = flat[name], gradients[name].flatten(1)
        # Σ_j ∇_{θ_j} k(θ_j, θ_m) = (2 / h) Σ_j k(θ_j, θ_m) (θ_m − θ_j)
        apart = 2 / bandwidth * (kernel.sum(0)[:, None] * weight - kernel.T @ weight)
        return ((apart / examples - kernel.T @ gradient) / count).view_as(particles[name])

    return {name: direction(name) for name in particles}


def _bandwidth(distances: Tensor) -> Tensor:
    """h of the kernel, from squared distances ``[M, M]``."""
    count = len(distances)
    if count == 1:
        return distances.new_ones(())
    rows, columns = torch.triu_indices(count, count, 1, device=distances.device)
    of_pairs = distances[rows, columns].sort().values
    return (of_pairs[(len(of_pairs) - 1) // 2] / math.log(count + 1)).clamp(min=SMALLEST_BANDWIDTH)
