"""The contract of an algorithm: written for one task; the engine batches it over tasks with ``vmap``."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from workbench.algorithms.memory import Memory
from workbench.config import AlgorithmConfig, EpisodeSize, Trains, setting
from workbench.networks.base import Network, activations, initialise
from workbench.problems.base import Problem
from workbench.summaries import Entry
from workbench.tasks.base import Data, Episode, TaskFamily, TaskShape, ways

T = TypeVar("T")
Params = dict[str, Tensor]
"""Tensors by name: a network's weights, or everything that is meta-learned."""


@dataclass(frozen=True)
class Citation:
    """The paper that an algorithm comes from."""

    authors: str
    title: str
    venue: str
    year: int
    arxiv: str = ""

    def __str__(self) -> str:
        arxiv = f", arXiv {self.arxiv}" if self.arxiv else ""
        return f"{self.authors}. {self.title}. {self.venue} {self.year}{arxiv}."


def inner_rate(
    usual: float,
    *,
    classes: float,
    sets: float | None = None,
    rollouts: float = 0.03,
    tokens: float = 0.1,
    symbol: str = "α",
    help: str = "Inner (adaptation) learning rate.",
) -> Any:
    """The field ``inner_lr``, with its usual default, that for tasks with classes, that for sets to group,
    whose logits are as large, that for worlds to act in, and that for sequences."""
    where = {"classes": classes, "sets": classes if sets is None else sets, "rollouts": rollouts}
    where["tokens"] = tokens
    return setting(usual, where=where, gt=0, le=100, symbol=symbol, help=help)


class InnerLoop(AlgorithmConfig):
    """What every learner by gradient descent on the support set has."""

    inner_lr: float | None = inner_rate(0.01, classes=0.4)
    inner_steps: int = setting(
        1, ge=1, le=1000, unit="steps", symbol="k", help="Inner steps on each task while training."
    )


def _warm_up(**default: Any) -> Any:
    return setting(
        None,
        rare=True,
        ge=0,
        needs=["rollouts"],
        unit="meta-iterations",
        help="Meta-iterations at the beginning that learn without adapting; below 1: a share of them.",
        **default,
    )


class Warms(Trains):
    """What may begin by learning one policy for all tasks, before it learns to adapt."""

    warm_up: float | None = _warm_up(empty="none")


class InnerLoopConfig(InnerLoop, Warms):
    """What is trained for that."""

    warm_up: float | None = _warm_up(where={"rollouts": 0.75})


def settled(value: T | None) -> T:
    """A setting whose default depends on the task: it is known once there is an algorithm."""
    assert value is not None
    return value


def named_after(prefix: str, meta: Params) -> Params:
    """The meta-parameters whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): each for name, each in meta.items() if name.startswith(prefix)}


def descended(weights: Params, gradient: Params, rate: float) -> Params:
    """A step of plain gradient descent: w − α g."""
    return {name: weight - rate * gradient[name] for name, weight in weights.items()}


def clipped(gradient: Params, norm: float | None) -> Params:
    """A gradient scaled down to a norm, where it is larger; what is no number stays so. The scale is not
    differentiated."""
    if norm is None:
        return gradient
    length = torch.sqrt(sum(each.detach().square().sum() for each in gradient.values()))  # type: ignore[arg-type]
    scale = norm / length.clamp_min(norm)
    return {name: each * scale for name, each in gradient.items()}


def one_hot(support: Data) -> Tensor:
    """The classes of a support set's examples, int64 ``[n, ways]``."""
    return F.one_hot(support["y"], ways(support))


def class_means(features: Tensor, support: Data) -> Tensor:
    """``[ways, features]``: the mean over each class's support examples, of what was made of all of them."""
    members = one_hot(support).to(support["x"].dtype)
    return members.T @ features / members.sum(0)[:, None]


@dataclass(frozen=True)
class OuterStep:
    """How the meta-parameters move in one meta-iteration.

    Attributes
    ----------
    direction : what to descend along for one task, by the name of each meta-parameter, and a loss to show;
        None: the gradient of the algorithm's loss.
    update : the meta-parameters after a step along the tasks' mean direction, at a rate; None: one of Adam.
    epochs, parts : steps are taken so many times over the same tasks, each time in so many parts of them.
    norm : the direction of a step is clipped to that norm; None: it is not.
    """

    direction: Callable[[Params, Episode], tuple[Params, Tensor]] | None = None
    update: Callable[[Params, Params, float], Params] | None = None
    epochs: int = 1
    parts: int = 1
    norm: float | None = None


class Algorithm(ABC):
    """A meta-learner. ``meta`` holds its meta-parameters, a *learner* what one task adapts.

    Parameters
    ----------
    config : the algorithm's section of the configuration.
    network : the network that learners adapt; called with weights of their own, never with its own.
    shape : what the task family looks like.
    """

    Config: ClassVar[type[AlgorithmConfig]]
    title: ClassVar[str]
    family: ClassVar[str]
    summary: ClassVar[str]
    citation: ClassVar[Citation | None]
    departs: ClassVar[str] = ""
    """What is otherwise than in that paper, and why; empty where nothing is that would change a figure."""

    order: int = 1
    """2 where the outer gradient runs through the inner steps."""

    any_ways: ClassVar[bool] = False
    """Whether it can tell any number of classes apart; else each is one of its outputs."""

    gives_probabilities: bool = True
    """False where what it says of classes are scores that mean no probabilities, so that none are judged."""

    adapts_stepwise: bool = True
    """False for a closed form, which has no learner before it has seen the support set."""

    step_cost: float | None = None
    """By how much each further inner step counts less, where the outer loss is that after every one of them;
    None: it is that after the last alone."""

    drifts: bool = True
    """False where training tasks do not follow the drift of the family: see :meth:`training_family`."""

    config: AlgorithmConfig

    def __init__(self, config: AlgorithmConfig, network: Network, shape: TaskShape) -> None:
        self.config = config
        self.network = network
        self.shape = shape
        self.problem: Problem = shape.problem

    def check(self, size: EpisodeSize) -> None:  # noqa: B027 (most can do all that their kind of task is)
        """Refuse episodes of a size that it cannot do, though their tasks are of its kind; asked before
        anything is run.

        Raises
        ------
        InputError
            If so.
        """

    # --- what a paper's pseudo-code says -----------------------------------------------------------

    def initial(self, generator: torch.Generator) -> Params:
        """The meta-parameters before training; by default, the network's weights."""
        initialise(self.network, generator)
        return {name: weight.detach().clone() for name, weight in self.network.named_parameters()}

    def start(self, meta: Params, support: Data) -> Params:
        """The learner of a task before its first inner step (of a closed form: the adapted one)."""
        return meta

    @abstractmethod
    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        """The learner after inner step ``index`` (from 0) on the support set."""

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        """``[n, outputs]``: values, or logits."""
        out: Tensor = functional_call(self.network, learner, (x,))
        return out

    def distribution(self, learner: Params, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """μ and σ of every value, ``[n, outputs]`` each, of a learner that says how sure it is: μ is what it
        predicts. None of one that predicts values alone."""
        return None

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        """The outer loss of one task (a scalar); by default, the adapted learner's on the query set."""
        if self.step_cost is not None and self.heeds_step_cost:
            return self._anytime_loss(meta, episode, self.step_cost)
        learner = self.adapt(meta, episode.support, self.trained_steps)
        return self.problem.loss(partial(self.predict, learner), episode.query)

    def _anytime_loss(self, meta: Params, episode: Episode, cost: float) -> Tensor:
        """Σ_i v_i L_Q(θ_i) over the inner steps i = 1 … k, with v_i ∝ exp(−cost · i) and Σ v_i = 1. Before
        the first step nobody knows the task: what could be learned there is one answer to all tasks."""
        learners = islice(self.adaptation(meta, episode.support, self.trained_steps), 1, None)
        losses = [self.problem.loss(partial(self.predict, each), episode.query) for each in learners]
        weights = [math.exp(-cost * index) for index in range(len(losses))]
        return torch.stack([v / sum(weights) * loss for v, loss in zip(weights, losses, strict=True)]).sum()

    @property
    def heeds_step_cost(self) -> bool:
        """Whether its outer loss can be that after every inner step."""
        steps = self.adapts_stepwise and self.outer.direction is None
        return steps and type(self).loss is Algorithm.loss and type(self).losses is Algorithm.losses

    def losses(self, meta: Params, tasks: Episode) -> Tensor:
        """The outer loss of each of T tasks, ``[T]``; by default, each by itself."""
        found: Tensor = vmap(self.loss, in_dims=(None, 0))(meta, tasks)
        return found

    def warm_losses(self, meta: Params, tasks: Episode) -> Tensor:
        """The same while it warms up: of learners that have not adapted."""

        def loss(meta: Params, episode: Episode) -> Tensor:
            learner = self.start(meta, episode.support)
            return self.problem.loss(partial(self.predict, learner), episode.query)

        found: Tensor = vmap(loss, in_dims=(None, 0))(meta, tasks)
        return found

    def collect(self, meta: Params, tasks: Episode) -> Episode:
        """The tasks with what happens in them when its learners act, where it learns from that. Losses are
        pure functions of it: the gradient flows when they are computed once more."""
        return tasks

    @property
    def outer(self) -> OuterStep:
        """How the meta-parameters move."""
        return OuterStep()

    @property
    def entangled(self) -> str:
        """Why an outer step is no sum of what is learned of each task alone, so that none can be kept
        private, in words that follow "it"; empty where it is one."""
        if self.capacity:
            return "learns from past tasks again"
        if not self.drifts:
            return "makes its tasks out of all training examples"
        if self.outer.epochs * self.outer.parts > 1:
            return "takes several outer steps on the same tasks"
        if self.new_tasks(1) > 1:
            return "learns from several tasks for each one of a meta-batch"
        if type(self).losses is not Algorithm.losses:
            return "computes what it learns of all tasks together"
        return ""

    @property
    def compilable(self) -> bool:
        """Whether torch can compile its losses."""
        return self.problem.compilable

    def meta_lr(self, base: float, done: float) -> float:
        """The outer learning rate when the part ``done`` (0 to 1) of the training is over."""
        return base

    # --- what only some of them need: another stream of tasks, memory, measures of their own --------

    @property
    def capacity(self) -> int:
        """Past tasks that are remembered, to be learned from again."""
        return 0

    def training_family(self, family: TaskFamily) -> TaskFamily:
        """What training tasks are drawn from."""
        return family

    def new_tasks(self, meta_batch: int) -> int:
        """Tasks that the stream gives in one meta-iteration."""
        return self.config.new_tasks(meta_batch)

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        """What the outer step of one meta-iteration learns from.

        Parameters
        ----------
        episode : the new tasks of the stream.
        done : part of the training that is over, 0 to 1.
        generator : for this meta-iteration alone, on the CPU.
        memory : past tasks (none, where ``capacity`` is 0).

        Returns
        -------
        Episode
            Its leading dimension is what the engine batches over; what :meth:`loss` sees is the rest. It
            may have ``extra`` tensors, such as random numbers: inside a loss there are none.
        """
        return episode

    @property
    def fits(self) -> bool:
        """Whether :meth:`fit` sets some of the meta-parameters on meta-validation tasks."""
        return False

    def fit(self, meta: Params, episodes: Iterable[Episode]) -> Params:
        """New values for the meta-parameters that are fitted, not trained, on tasks of meta-validation."""
        return {}

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        """Measures of its own of an adapted learner on one task: scalars by group and name."""
        return {}

    def caution(self, report: Mapping[str, Mapping[str, Entry]]) -> str:
        """What these measures say is amiss with how it is set, in words that follow its name; mostly none."""
        return ""

    # --- what can be seen inside ------------------------------------------------------------------

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        """What it has learned beside where learners start: rates, gates, masks …, by kind and by the name of
        what they are for."""
        return {}

    def activations(self, learner: Params, x: Tensor) -> Params:
        """What comes out of each layer of the network with hidden units, and of its head, ``[n, …]`` by the
        layer's name; nothing of a network that is not used."""
        return activations(self.network, partial(self.predict, learner, x))

    def with_network(self, network: Network) -> Self:
        """The same algorithm with another network, for another thread."""
        other = copy.copy(self)
        other.network = network
        return other

    def embed(self, weights: Params, x: Tensor) -> Tensor:
        """``[n, features]``: what the network's body makes of ``x``."""
        body = {name.removeprefix("body."): w for name, w in weights.items() if name.startswith("body.")}
        out: Tensor = functional_call(self.network.body, body, (x,))
        return out

    def prototypes(self, weights: Params, support: Data) -> Tensor:
        """``[ways, features]``: the mean embedding of each class's support examples."""
        return class_means(self.embed(weights, support["x"]), support)

    # --- what most of them share -------------------------------------------------------------------

    @property
    def trained_steps(self) -> int:
        """Inner steps of a task in training; 0 for a closed form."""
        return 1 if self.adapts_stepwise else 0

    def consumed(self, steps: int) -> int | None:
        """Episodes that it has acted in after so many inner steps; None where nobody acts."""
        return self.problem.consumed(steps)

    def adapt(self, meta: Params, support: Data, steps: int) -> Params:
        """The learner after ``steps`` inner steps."""
        learner = self.start(meta, support)
        for index in range(steps):
            learner = self.step(meta, learner, self.problem.part(support, index), index)
        return learner

    def adaptation(self, meta: Params, support: Data, steps: int) -> Iterator[Params]:
        """The learners after 0, 1, …, ``steps`` inner steps; of a closed form, the one there is."""
        learner = self.start(meta, support)
        yield learner
        if self.adapts_stepwise:
            for index in range(steps):
                learner = self.step(meta, learner, self.problem.part(support, index), index)
                yield learner

    def gradient(self, weights: Params, support: Data) -> Params:
        """∇L of a learner's weights on a support set; can be differentiated once more."""
        result: Params = grad(lambda at: self.problem.adapt_loss(partial(self.predict, at), support))(weights)
        return clipped(result, self.problem.most_norm)


class GradientDescent(Algorithm):
    """Adapts by plain descent on a task's support set."""

    config: InnerLoop

    @property
    def inner_lr(self) -> float:
        """α, or what learned rates start from."""
        return settled(self.config.inner_lr)

    @property
    def trained_steps(self) -> int:
        return self.config.inner_steps

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        return descended(learner, self.gradient(learner, support), self.inner_lr)
