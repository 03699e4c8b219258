"""The same meta-step as this engine and as its peers take it: gradient over a meta-batch, then Adam."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import higher
import torch
import torchopt
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.algorithms.fomaml import FOMAML, FOMAMLConfig
from workbench.algorithms.maml import MAML, MAMLConfig
from workbench.engine.meta_step import MetaStep
from workbench.networks import Network, initialise
from workbench.networks.conv4 import Conv4, Conv4Config
from workbench.networks.mlp import MLP, MLPConfig
from workbench.problems.classification import Classification
from workbench.problems.regression import Regression
from workbench.tasks.base import Episode, TaskShape


@dataclass(frozen=True)
class Case:
    """The work: which network, how many tasks, what kind of inner loop."""

    network: str
    tasks: int
    inner_lr: float
    order: int = 2
    steps: int = 1
    width: int = 64
    queries: int = 15

    @property
    def name(self) -> str:
        return f"{self.network}-{'second' if self.order == 2 else 'first'}-{self.steps}"

    @property
    def shape(self) -> TaskShape:
        if self.network == "sinusoid":
            return TaskShape(Regression(), (1,), 1)
        return TaskShape(Classification(), (1, 28, 28), 5, 5)

    def build(self) -> Network:
        """The engine's network, its weights drawn anew."""
        shape = self.shape
        if self.network == "sinusoid":
            network: Network = MLP(MLPConfig(), shape.input_shape, shape.outputs)
        else:
            config = Conv4Config(stride=2 if self.network == "conv4-strided" else 1, width=self.width)
            network = Conv4(config, shape.input_shape, shape.outputs)
        initialise(network, torch.Generator().manual_seed(0))
        return network

    def peer_network(self) -> nn.Module:
        """The same architecture as users of the peers write it, weights in the same order."""
        if self.network == "sinusoid":
            return nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
        stride, layers, channels, side = 2 if self.network == "conv4-strided" else 1, [], 1, 28
        for _ in range(4):
            layers += [
                nn.Conv2d(channels, self.width, 3, stride=stride, padding=1),
                nn.BatchNorm2d(self.width, track_running_stats=False),
                nn.ReLU(),
                *([nn.MaxPool2d(2)] if stride == 1 else []),
            ]
            channels, side = self.width, (side + 1) // 2 if stride == 2 else side // 2
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side**2, 5))

    def episode(self, tasks: int, dtype: torch.dtype = torch.float32) -> Episode:
        """Sinusoids with K = 10, or random images: 5-way 1-shot."""
        generator = torch.Generator().manual_seed(1)

        def uniform(*size: int, low: float = 0.0, high: float = 1.0) -> Tensor:
            return low + (high - low) * torch.rand(*size, generator=generator, dtype=dtype)

        if self.network == "sinusoid":
            amplitude, phase = uniform(tasks, 1, 1, low=0.1, high=5), uniform(tasks, 1, 1, high=torch.pi)
            x, query_x = (uniform(tasks, 10, 1, low=-5, high=5) for _ in range(2))
            y, query_y = (amplitude * torch.sin(at - phase) for at in (x, query_x))
            return Episode.pairs(x, y, query_x, query_y)
        sizes = (5, 5 * self.queries)
        support_x, query_x = (uniform(tasks, n, 1, 28, 28) for n in sizes)
        support_y, query_y = (torch.arange(n).remainder(5).repeat(tasks, 1) for n in sizes)
        return Episode.pairs(support_x, support_y, query_x, query_y)

    def loss(self, prediction: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(prediction, y) if self.network == "sinusoid" else F.cross_entropy(prediction, y)

    def small(self) -> Case:
        """The same with fewer tasks and filters, for comparing gradients."""
        return replace(self, tasks=3, width=8)


class Contender(ABC):
    """Takes meta-steps, from the weights that ``case.build`` draws."""

    title: str
    optimiser: torch.optim.Optimizer

    @abstractmethod
    def gradient(self, episode: Episode) -> Sequence[Tensor]:
        """The mean meta-gradient, in the order of the network's weights."""

    def close(self) -> None:  # noqa: B027 (most have nothing to close)
        """End the contender's threads."""

    @property
    @abstractmethod
    def weights(self) -> list[Tensor]:
        """What the optimiser updates."""

    def step(self, episode: Episode) -> None:
        for weight, gradient in zip(self.weights, self.gradient(episode), strict=True):
            weight.grad = gradient
        self.optimiser.step()


class Engine(Contender):
    """This engine, through its public interface."""

    def __init__(
        self, case: Case, dtype: torch.dtype, chunk: int, workers: int = 1, compile: bool = False
    ) -> None:
        self.title = "engine, compiled" if compile else "engine"
        network = case.build().to(dtype)
        settings = {"inner_lr": case.inner_lr, "inner_steps": case.steps}
        self.algorithm = (
            MAML(MAMLConfig(**settings), network, case.shape)
            if case.order == 2
            else FOMAML(FOMAMLConfig(**settings), network, case.shape)
        )
        self.meta = {name: w.detach().clone().requires_grad_() for name, w in network.named_parameters()}
        self.meta_step = MetaStep(self.algorithm, chunk=chunk, threads=workers, compile=compile)
        self.optimiser = torch.optim.Adam(self.meta.values(), fused=True)

    @property
    def weights(self) -> list[Tensor]:
        return list(self.meta.values())

    def gradient(self, episode: Episode) -> Sequence[Tensor]:
        gradient, _ = self.meta_step.gradient(self.meta, episode)
        return list(gradient.values())

    def close(self) -> None:
        self.meta_step.close()


class Peer(Contender):
    """Takes one task at a time, each with a backward pass of its own, which keeps memory small."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        self.case = case
        self.network = case.peer_network().to(dtype)
        with torch.no_grad():
            for weight, drawn in zip(self.network.parameters(), case.build().parameters(), strict=True):
                weight.copy_(drawn)
        self.optimiser = torch.optim.Adam(self.network.parameters())

    @property
    def weights(self) -> list[Tensor]:
        return list(self.network.parameters())

    def gradient(self, episode: Episode) -> Sequence[Tensor]:
        pairs = (part[name] for part in (episode.support, episode.query) for name in ("x", "y"))
        tasks = list(zip(*pairs, strict=True))
        total: list[Tensor] = []
        for task in tasks:
            part = self.task_gradient(*task)
            if total:
                torch._foreach_add_(total, part)
            else:
                total = [each.clone() for each in part]
        torch._foreach_div_(total, len(tasks))
        return total

    @abstractmethod
    def task_gradient(self, x: Tensor, y: Tensor, query_x: Tensor, query_y: Tensor) -> list[Tensor]:
        """The meta-gradient of one task."""


class Loop(Peer):
    """Plain autograd, task after task."""

    title = "autograd loop"

    def task_gradient(self, x: Tensor, y: Tensor, query_x: Tensor, query_y: Tensor) -> list[Tensor]:
        names, second = [name for name, _ in self.network.named_parameters()], self.case.order == 2

        def loss(weights: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
            named = dict(zip(names, weights, strict=True))
            return self.case.loss(torch.func.functional_call(self.network, named, (x,)), y)

        weights = self.weights
        for _ in range(self.case.steps):
            gradient = torch.autograd.grad(loss(weights, x, y), weights, create_graph=second)
            weights = [w - self.case.inner_lr * g for w, g in zip(weights, gradient, strict=True)]
        return list(torch.autograd.grad(loss(weights, query_x, query_y), self.weights))


class Higher(Peer):
    """``higher`` as its documentation writes MAML."""

    title = "higher"

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        super().__init__(case, dtype)
        self.inner = torch.optim.SGD(self.network.parameters(), lr=case.inner_lr)

    def task_gradient(self, x: Tensor, y: Tensor, query_x: Tensor, query_y: Tensor) -> list[Tensor]:
        second = self.case.order == 2
        with higher.innerloop_ctx(
            self.network, self.inner, copy_initial_weights=False, track_higher_grads=second
        ) as (learner, optimiser):
            for _ in range(self.case.steps):
                optimiser.step(self.case.loss(learner(x), y))
            # without higher gradients the learner is cut off from the weights it began with
            target = self.weights if second else list(learner.parameters())
            return list(torch.autograd.grad(self.case.loss(learner(query_x), query_y), target))


class TorchOpt(Peer):
    """``torchopt`` as its few-shot example writes MAML; it knows no first-order variant."""

    title = "torchopt"

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        super().__init__(case, dtype)
        self.inner = torchopt.MetaSGD(self.network, lr=case.inner_lr)
        self.initial = list(self.network.parameters())

    @property
    def weights(self) -> list[Tensor]:
        return self.initial  # after an inner step the network holds adapted weights

    def task_gradient(self, x: Tensor, y: Tensor, query_x: Tensor, query_y: Tensor) -> list[Tensor]:
        before = torchopt.extract_state_dict(self.network, by="reference")
        inner_before = torchopt.extract_state_dict(self.inner, by="reference")
        for _ in range(self.case.steps):
            self.inner.step(self.case.loss(self.network(x), y))
        gradient = torch.autograd.grad(self.case.loss(self.network(query_x), query_y), self.initial)
        torchopt.recover_state_dict(self.network, before)
        torchopt.recover_state_dict(self.inner, inner_before)
        return list(gradient)


class Floor(Contender):
    """The convolutions of such a meta-step and nothing else, task after task: what nobody can do without.

    Of each block forwards and backwards on the support set in each inner step, where the order is 2
    backwards once more through that, and forwards and backwards on the query set.
    """

    title = "convolutions alone"

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        self.case = case
        self.stride = 2 if case.network == "conv4-strided" else 1
        sides = [28]
        for _ in range(3):
            sides.append((sides[-1] + 1) // 2 if self.stride == 2 else sides[-1] // 2)
        self.layers = [  # inputs of support and query sets; the images themselves need no derivatives
            [
                torch.rand(n, channels, side, side, dtype=dtype, requires_grad=channels > 1)
                for n in (5, 5 * case.queries)
            ]
            for channels, side in zip((1, *(case.width,) * 3), sides, strict=True)
        ]
        self.filters = [torch.rand(case.width, x.shape[1], 3, 3, dtype=dtype) for x, _ in self.layers]

    @property
    def weights(self) -> list[Tensor]:
        return self.filters

    def gradient(self, episode: Episode) -> Sequence[Tensor]:
        raise NotImplementedError("it has none")

    def step(self, episode: Episode) -> None:
        for _ in range(episode.count):
            for filters, (support, query) in zip(self.filters, self.layers, strict=True):
                for _ in range(self.case.steps):
                    self._convolve(support, filters, second=self.case.order == 2)
                self._convolve(query, filters, second=False)

    def _convolve(self, x: Tensor, filters: Tensor, *, second: bool) -> None:
        filters = filters.detach().requires_grad_()
        inputs = [each for each in (x, filters) if each.requires_grad]
        y = F.conv2d(x, filters, None, self.stride, padding=1)
        cotangent = torch.ones_like(y).requires_grad_(second)
        first = torch.autograd.grad(y, inputs, cotangent, create_graph=second)
        if second:
            directions = [each.detach() for each in first]
            torch.autograd.grad(first, [*inputs, cotangent], directions, allow_unused=True)
