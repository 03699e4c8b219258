"""Small experiments and networks that several tests use."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from workbench import runs
from workbench.algorithms import ALGORITHMS, Algorithm, Params, make
from workbench.algorithms.memory import Memory
from workbench.config import AlgorithmConfig, Experiment, parse
from workbench.networks.base import Network
from workbench.problems import Supervised
from workbench.problems.classification import Classification
from workbench.problems.courses import DOSES, Course
from workbench.problems.regression import Regression
from workbench.tasks.base import Episode, TaskFamily, TaskShape

SINUSOID = """
name = "small sinusoid"
[task]
family = "sinusoid"
shots = 5
queries = 5
[network]
kind = "mlp"
hidden = [8]
[training]
iterations = 12
meta_batch = 4
threads = 1
compile = false
chunk = 4
[evaluation]
episodes = 20
validation_episodes = 10
inner_steps = 3
every = 5
"""


SMALLER = (
    "evaluation.episodes=8",
    "evaluation.validation_episodes=4",
    "evaluation.inner_steps=2",
)
"""Overrides, where measuring would take longer than what is tested."""

SEARCHES = {"individual_fit": 1e-6, "empirical_bayes": 1e-6}
"""Learners that search for the best fit until they are near enough, and how near that is: of one task and of
several, on this processor and on that, they stop in other places."""


def experiment(algorithm: str = "maml", *overrides: str, text: str = SINUSOID) -> Experiment:
    """The small sinusoid experiment with one algorithm."""
    return parse(f'{text}\n[[algorithm]]\nkind = "{algorithm}"\n', overrides)


def family(experiment: Experiment) -> TaskFamily:
    return runs.open_family(experiment)


class Linear(Network):
    """A network that is nothing but its head; it carries no Config, so it is not registered."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(None, (inputs,), outputs)
        self.body = nn.Identity()
        self.head = nn.Linear(inputs, outputs)


class Smooth(Network):
    """A small network without kinks, for finite differences."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(None, (inputs,), outputs)
        self.body = nn.Sequential(nn.Linear(inputs, 6), nn.Tanh())
        self.units = {"1": 6}
        self.head = nn.Linear(6, outputs)


def algorithm(name: str, network: Network, shape: TaskShape, **settings: Any) -> Algorithm:
    """An algorithm with its defaults for the shape's problem."""
    config = AlgorithmConfig.resolve({"kind": name, **settings}).suited(shape.problem.gives)
    return make(config, network, shape)


def meta_parameters(algorithm: Algorithm, seed: int = 0) -> Params:
    """Initial meta-parameters in float64."""
    initial = algorithm.initial(torch.Generator().manual_seed(seed))
    return {name: value.double() for name, value in initial.items()}


def episodes(shape: TaskShape, tasks: int, shots: int = 4, queries: int = 6, seed: int = 1) -> Episode:
    """Random tasks in float64."""
    g = torch.Generator().manual_seed(seed)
    ways = shape.outputs if "classes" in shape.problem.gives else 0

    def examples(count: int) -> tuple[Tensor, Tensor]:
        x = torch.randn(tasks, count * max(ways, 1), *shape.input_shape, generator=g, dtype=torch.float64)
        if not ways:
            return x, torch.randn(tasks, count, shape.outputs, generator=g, dtype=torch.float64)
        return x, torch.arange(ways).repeat(tasks, count)

    support, query = examples(shots), examples(queries)
    if not ways:
        drawn = Episode.pairs(*support, *query)
        if "times" not in shape.problem.gives:
            return drawn
        dose = 1 + torch.rand(tasks, 1, 1, 1, generator=g, dtype=torch.float64)
        given = torch.cat([torch.zeros_like(dose), dose], -1)
        for part, count in ((drawn.support, shots), (drawn.query, queries)):
            part["x"][..., 0] = part["x"][..., 0].abs()
            part[DOSES] = given.expand(-1, count, -1, -1)
        return drawn
    held = max(shape.train_classes, ways)
    classes = torch.stack([torch.randperm(held, generator=g)[:ways] for _ in range(tasks)])
    return Episode.pairs(*support, *query, classes)


def loss_of(learner: Algorithm, prediction: Tensor, y: Tensor) -> Tensor:
    """The loss of what is predicted of pairs."""
    assert isinstance(learner.problem, Supervised)
    return learner.problem.of(prediction, y)


def meta_batch(learner: Algorithm, tasks: int) -> Episode:
    """What an outer step on so many tasks learns from, before anything is remembered."""
    new = episodes(learner.shape, learner.new_tasks(tasks))
    return learner.prepare(new, 0.3, torch.Generator().manual_seed(2), Memory(learner.capacity))


REGRESSION = TaskShape(Regression(), (2,), 1)
CLASSIFICATION = TaskShape(Classification(), (2,), 3, train_classes=7, bounds=(-5.0, 5.0))
COURSES = TaskShape(Regression(Course(scale=2.0, dosed=True, span=3.0, threshold=1.0)), (2,), 1)
"""Values over time, which is the first number of an input."""

EVERY = [
    pytest.param(name, shape, id=f"{name}-{shape.problem.name}")
    for shape in (REGRESSION, CLASSIFICATION, COURSES)
    for name, cls in ALGORITHMS.items()
    if cls.Config.needs <= shape.problem.gives | {"bounds"}
    and (shape is not COURSES or "times" in cls.Config.needs)
]
"""Every algorithm with every problem that it can do."""
