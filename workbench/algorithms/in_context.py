"""Learning in context: a network that has seen many languages reads a few pairs of a new one and goes on in
it, without a change of its weights; after Lake, Baroni, "Human-like systematic generalization through a
meta-learning neural network", Nature 2023.

Theirs is a plain encoder and decoder that reads pairs as one text. Here equal symbols share what they know
(:mod:`workbench.algorithms.symbol_transformer`).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from workbench.algorithms.base import Citation, OuterStep, Params
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.symbol_transformer import Sizes, Symbols, SymbolTransformer, needed
from workbench.config import Trains, setting
from workbench.networks.base import Network, initialise
from workbench.problems.sequence import Sequences
from workbench.tasks.base import Data, Episode, TaskShape

WARMING = 0.05
"""The part of the training in which the outer rate rises."""


class InContextConfig(Trains):
    needs = frozenset({"gradient", "tokens"})

    kind: Literal["in_context"] = "in_context"
    meta_lr: float | None = setting(0.002, rare=True, gt=0, le=100, symbol="β", help="Outer learning rate.")
    width: int = setting(
        64, rare=True, ge=8, le=1024, multiple_of=8, unit="numbers", help="Numbers that stand for a token."
    )
    layers: int = setting(4, rare=True, ge=1, le=32, unit="layers", help="Layers of the transformer.")


class InContext(ClosedForm):
    """Reads the support pairs and goes on as they do."""

    Config = InContextConfig
    title = "In context"
    family = "metric"
    summary = (
        "Reads the support pairs and goes on as they do, by a transformer that knows equal symbols; has a "
    )
    departs = "Equal symbols share what they know; the paper's network is a plain encoder and decoder."
    summary += "network of its own instead of [network], and says tokens of the support set only."
    citation = Citation(
        "B. M. Lake, M. Baroni",
        "Human-like systematic generalization through a meta-learning neural network",
        "Nature",
        2023,
    )
    config: InContextConfig
    problem: Sequences
    compilable = False  # it computes as many tokens as there are
    entangled = ""  # its tasks are computed side by side, each alone

    def __init__(self, config: InContextConfig, network: Network, shape: TaskShape) -> None:
        super().__init__(config, network, shape)
        self._net = _Asked(
            SymbolTransformer(
                shape.vocabulary - 1,
                shape.outputs - 1,
                shape.input_shape[0] - shape.places,
                shape.places,
                width=config.width,
                layers=config.layers,
            )
        )

    def initial(self, generator: torch.Generator) -> Params:
        initialise(self._net, generator)
        for name, weight in self._net.named_parameters():
            if name.endswith("alike"):
                nn.init.normal_(weight, std=0.5, generator=generator)
            elif name.endswith("end"):
                nn.init.normal_(weight, std=0.1, generator=generator)
        return {name: weight.detach().clone() for name, weight in self._net.named_parameters()}

    def start(self, meta: Params, support: Data) -> Params:
        return self._read(meta, support, None)

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self._said(learner, x.long(), None)

    def losses(self, meta: Params, tasks: Episode) -> Tensor:
        """Each task's by itself; all have room for as many tokens as the one with most of them."""
        support, query = tasks.support, tasks.query
        reads, says = needed(support["x"], support["y"]), needed(query["x"], query["y"])

        def loss(meta: Params, task: Episode) -> Tensor:
            learner = self._read(meta, task.support, reads)
            return self.problem.loss(lambda asked: self._said(learner, asked, says), task.query)

        found: Tensor = vmap(loss, in_dims=(None, 0))(meta, tasks)
        return found

    def _read(self, meta: Params, support: Data, sizes: Sizes | None) -> Params:
        read = partial(SymbolTransformer.read, x=support["x"].long(), y=support["y"].long(), sizes=sizes)
        nodes, symbols = functional_call(self._net, meta, (read,))
        learner: Params = {**meta, "nodes": nodes, **symbols._asdict()}
        return learner

    def _said(self, learner: Params, asked: Tensor, sizes: Sizes | None) -> Tensor:
        symbols = Symbols(*(learner[name] for name in Symbols._fields))
        own = {name: each for name, each in learner.items() if name not in ("nodes", *Symbols._fields)}
        say = partial(
            SymbolTransformer.say, nodes=learner["nodes"], symbols=symbols, asked=asked, sizes=sizes
        )
        out: Tensor = functional_call(self._net, own, (say,))
        return out

    @property
    def outer(self) -> OuterStep:
        return OuterStep(norm=1.0)

    def meta_lr(self, base: float, done: float) -> float:
        return base * min(1.0, 0.01 + done / WARMING) * min(1.0, 0.005 + 2 * (1 - done))


class _Asked(nn.Module):
    """A network of which several methods are called."""

    def __init__(self, net: SymbolTransformer) -> None:
        super().__init__()
        self.net = net

    def forward(self, call: partial[Tensor]) -> Tensor:
        return call(self.net)
