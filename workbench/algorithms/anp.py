"""Attentive neural processes: Kim, Mnih, Schwarz, Garnelo, Eslami, Rosenbaum, Vinyals, Teh, "Attentive Neural
Processes", ICLR 2019, arXiv 1901.05761.

Two paths lead from the support set C to a query x*. One is deterministic: every example is encoded as r_i,
and the query attends to them, r* = Σ_i a_i(x*) r_i, with several heads whose keys and queries are encoded
inputs. The other is latent: s = mean of the examples' encodings gives q(z | C) = N(μ(s), σ(s)²), z alike for
all queries. (μ, ω) = g(x*, r*, z). Training makes the evidence's lower bound large,

    E_{q(z | C, T)} [ mean log N(y*; μ, σ²) ]  −  KL( q(z | C, T) ‖ q(z | C) ) / n,

with T the n queries. Predicted are mean and spread over some z of q(z | C), always the same ones relative to
it. Attention is multi-head (Vaswani et al. 2017); the paper's attention within the support set, which matters
for images, is left out. All perceptrons are the algorithm's own: it does not use ``[network]``.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import model_validator
from torch import Tensor

from workbench.algorithms import perceptron
from workbench.algorithms.base import Citation, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.cnp import least_spread, likelihood_of, sure
from workbench.algorithms.memory import Memory
from workbench.config import Trains, setting
from workbench.problems.courses import WEIGHT, weights
from workbench.settings import misfit
from workbench.tasks.base import Data, Episode

DRAWS = 16
"""z that a prediction is the mean over."""


class ANPConfig(Trains):
    needs = frozenset({"gradient", "pairs", "values"})
    episodic = False

    kind: Literal["anp"] = "anp"
    width: int = setting(
        128,
        ge=1,
        le=10_000,
        unit="units",
        help="Units of the representations and of every hidden layer; [network] is not used.",
    )
    heads: int = setting(8, rare=True, ge=1, le=1000, help="Heads of the attention; they share the width.")

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.width % self.heads:
            raise misfit(("heads",), f"must divide the width, {self.width}")
        return self


class ANP(ClosedForm):
    """Every query looks at the support examples that tell most of it."""

    Config = ANPConfig
    title = "ANP"
    family = "metric"
    summary = (
        "Lets every query attend to the support examples and predicts values with their uncertainty; has "
    )
    departs = "No attention within the support set, which matters for images."
    summary += "an encoder and a decoder of its own instead of the network."
    citation = Citation(
        "H. Kim, A. Mnih, J. Schwarz, M. Garnelo, A. Eslami, D. Rosenbaum, O. Vinyals, Y. W. Teh",
        "Attentive Neural Processes",
        "ICLR",
        2019,
        "1901.05761",
    )
    config: ANPConfig

    def initial(self, generator: torch.Generator) -> Params:
        width, inputs, outputs = self.config.width, math.prod(self.shape.input_shape), self.shape.outputs
        sizes = {
            "encoder": (inputs + outputs, width, width, width),
            "place": (inputs, width, width),
            "latent": (inputs + outputs, width, width, width),
            "belief": (width, width, 2 * width),
            "decoder": (inputs + 2 * width, width, width, 2 * outputs),
        }
        found: Params = {}
        for name, each in sizes.items():
            found |= perceptron.initial(name, each, generator)
        return found

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        """With the random numbers that z of each task is drawn by."""
        noise = torch.randn(episode.count, self.config.width, generator=generator)
        like = episode.query["y"]
        return episode._replace(extra=episode.extra | {"noise": noise.to(like.device, like.dtype)})

    # --- a learner -------------------------------------------------------------------------------------

    def start(self, meta: Params, support: Data) -> Params:
        mean, spread = self._belief(meta, support)
        weight = weights(support)
        return meta | {
            "keys": perceptron.apply(meta, "place", support["x"].flatten(1)),
            "values": perceptron.apply(meta, "encoder", _pairs(support)),
            "counts": torch.ones_like(support["y"][:, 0]) if weight is None else weight,
            "mean": mean,
            "spread": spread,
        }

    def distribution(self, learner: Params, x: Tensor) -> tuple[Tensor, Tensor]:
        noise = torch.from_numpy(_draws(self.config.width)).to(learner["mean"])
        attended = self._attended(learner, x)
        drawn = learner["mean"] + learner["spread"] * noise
        means, spreads = torch.vmap(lambda z: self._decoded(learner, x, attended, z))(drawn)
        mean = means.mean(0)
        # the spread of the mixture: the mean variance and the variance of the means
        return mean, (spreads.square().mean(0) + (means - mean).square().mean(0)).sqrt()

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self.distribution(learner, x)[0]

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        support, query = episode.support, episode.query
        learner = self.start(meta, support)
        mean, spread = self._belief(meta, _joined(support, query))
        z = mean + spread * episode.extra["noise"]
        decoded = self._decoded(learner, query["x"], self._attended(learner, query["x"]), z)
        ratio = spread / learner["spread"]
        apart = (mean - learner["mean"]) / learner["spread"]
        divergence = (ratio.square() + apart.square() - 1).sum() / 2 - ratio.log().sum()
        return divergence / len(query["y"]) - likelihood_of(*decoded, query)

    def _attended(self, learner: Params, x: Tensor) -> Tensor:
        """r* of each query, ``[n, width]``."""
        asked = self._by_head(perceptron.apply(learner, "place", x.flatten(1)))
        keys, values = self._by_head(learner["keys"]), self._by_head(learner["values"])
        scores = asked @ keys.transpose(1, 2) / math.sqrt(keys.shape[-1])
        shares = (scores + learner["counts"].log()).softmax(-1)
        return (shares @ values).transpose(0, 1).flatten(1)

    def _by_head(self, each: Tensor) -> Tensor:
        """``[n, width]`` as ``[heads, n, width / heads]``."""
        return each.reshape(len(each), self.config.heads, -1).transpose(0, 1)

    def _belief(self, meta: Params, known: Data) -> tuple[Tensor, Tensor]:
        """μ and σ of q(z | examples), ``[width]`` each."""
        encoded = perceptron.apply(meta, "latent", _pairs(known))
        weight = weights(known)
        summed = encoded.mean(0) if weight is None else weight @ encoded / weight.sum()
        mean, spread = perceptron.apply(meta, "belief", summed[None])[0].chunk(2)
        return mean, 0.1 + 0.9 * torch.sigmoid(spread)

    def _decoded(self, learner: Params, x: Tensor, attended: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        known = torch.cat([x.flatten(1), attended, z.expand(len(x), -1)], 1)
        return sure(perceptron.apply(learner, "decoder", known), least_spread(self.problem))


def _pairs(data: Data) -> Tensor:
    return torch.cat([data["x"].flatten(1), data["y"]], 1)


def _joined(support: Data, query: Data) -> Data:
    """The examples of both."""
    names = [name for name in ("x", "y", WEIGHT) if name in query]
    return {name: torch.cat([support[name], query[name]]) for name in names}


@cache
def _draws(width: int) -> NDArray[np.float64]:
    """What z is made of, ``[draws, width]``: the same for every learner and task. Numpy's, since torch draws
    nothing while tasks are batched."""
    return np.random.default_rng(20190501).standard_normal((DRAWS, width))
