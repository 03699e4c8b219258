"""What a run is made of, as its configuration says: algorithm, network, sizes, and the state it must hold."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import torch

from workbench import networks
from workbench.algorithms import Algorithm, make
from workbench.algorithms.base import OuterStep, Warms
from workbench.config import AlgorithmConfig, AnyWays, Experiment, Trains
from workbench.engine.episodes import seeded
from workbench.engine.state import Demands
from workbench.engine.stream import Segments
from workbench.tasks.base import DataError, EpisodeSize, TaskFamily, valid_range

MOST_NUMBERS = 80_000_000
"""Of all meta-parameters: with Adam's two moments of each they are as much as SQLite takes in one piece."""


def build(experiment: Experiment, config: AlgorithmConfig, family: TaskFamily) -> Algorithm:
    """The algorithm of a run with its network, on the CPU.

    Raises
    ------
    NetworkError, DataError
        If the network cannot take the family's examples or is too large, or an attack cannot.
    """
    if experiment.evaluation.attack is not None:
        valid_range(family.shape, "evaluation.attack")
    demands(experiment, config, family)
    return _made(experiment, config, family)


def _made(experiment: Experiment, config: AlgorithmConfig, family: TaskFamily) -> Algorithm:
    shape = family.shape
    network = networks.build(
        experiment.network, shape.input_shape, shape.outputs, shape.vocabulary, shape.places
    )
    return make(config, network, shape, experiment.training.cost_of_a_step)


def demands(experiment: Experiment, config: AlgorithmConfig, family: TaskFamily) -> Demands:
    """What a state of a run must hold, however large, told without any of it.

    Raises
    ------
    NetworkError
        If the network cannot take the family's examples, or there is too much to train.
    """
    generator = seeded(0)
    with torch.device("meta"):  # tensors that are shapes alone
        algorithm = _made(experiment, config, family)
        shapes = {name: tuple(each.shape) for name, each in algorithm.initial(generator).items()}
    numbers = sum(map(math.prod, shapes.values()))
    if numbers > MOST_NUMBERS:
        raise networks.NetworkError(
            f"{config.name!r} with this network has {numbers:,} meta-parameters; at most {MOST_NUMBERS:,} "
            "can be trained; make [network] smaller"
        )
    meta_batch = config.schedule(experiment.training).meta_batch
    return Demands(
        shapes,
        Segments(family.segments if algorithm.drifts else 1, planned_iterations(experiment, config)),
        every=experiment.evaluation.every,
        adam=partial(adam_steps, algorithm.outer, warm_up(experiment, config), meta_batch),
        capacity=algorithm.capacity,
        new_tasks=algorithm.new_tasks(meta_batch),
        best=keeps_best(experiment, config),
    )


def warm_up(experiment: Experiment, config: AlgorithmConfig) -> int:
    """Meta-iterations at the beginning that learn without adapting."""
    said = (config.warm_up or 0) if isinstance(config, Warms) else 0
    return round(said if said >= 1 else said * planned_iterations(experiment, config))


def adam_steps(outer: OuterStep, warm_up: int, meta_batch: int, iteration: int) -> int:
    """Steps of Adam after so many meta-iterations, of which the first warm up; few tasks make fewer parts."""
    warm = min(iteration, warm_up)
    parts = math.ceil(meta_batch / math.ceil(meta_batch / outer.parts))
    return warm if outer.update else warm + (iteration - warm) * outer.epochs * parts


def training_size(config: AlgorithmConfig, family: TaskFamily) -> EpisodeSize:
    """Ways, shots and queries of an algorithm's training episodes."""
    size = family.size
    if isinstance(config, AnyWays):
        size = size._replace(ways=config.train_ways or size.ways)
    most = min(config.most_examples, family.fewest_examples("train"))
    size = size._replace(shots=max(size.shots, most - size.queries))
    if isinstance(config, Trains):
        shots, queries = config.train_shots or size.shots, config.train_queries or size.queries
        size = size._replace(shots=0 if config.acts else shots, queries=queries)
    return size


def evaluation_size(experiment: Experiment, family: TaskFamily) -> EpisodeSize:
    """Ways, shots and queries of the frozen episodes."""
    return family.size._replace(queries=experiment.evaluation.queries or family.size.queries)


def domain_size(experiment: Experiment, home: TaskFamily, family: TaskFamily) -> EpisodeSize:
    """The same of another domain: as many queries as at home, if it does not say otherwise."""
    own = family.size
    return own if own.queries != home.size.queries else evaluation_size(experiment, family)


def in_domain(algorithm: Algorithm, family: TaskFamily, size: EpisodeSize) -> Algorithm:
    """The learner in another domain: the same network and meta-parameters, whose task is another.

    Raises
    ------
    DataError
        If it cannot do episodes of that size.
    """
    most = algorithm.shape.outputs
    if "classes" in family.problem.gives and size.ways > most and not algorithm.any_ways:
        raise DataError(
            f"{size.ways} ways, but {algorithm.config.name!r} has one output for each of {most} classes; use "
            f"at most {most} ways there, or more in [task]"
        )
    if family.problem is algorithm.problem:
        return algorithm
    shape = replace(algorithm.shape, problem=family.problem)
    other = make(algorithm.config, algorithm.network, shape)
    other.check(size)
    return other


def keeps_best(experiment: Experiment, config: AlgorithmConfig) -> bool:
    """Whether a run keeps the weights of its best validation."""
    asked = experiment.evaluation.checkpoint != "last alone" or experiment.training.stop is not None
    return asked and planned_iterations(experiment, config) > 0


def planned_iterations(experiment: Experiment, config: AlgorithmConfig) -> int:
    """Meta-iterations of a run; none where there is nothing to train."""
    return config.schedule(experiment.training).iterations
