"""Small experiments on sequences."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.func import vmap

from workbench.algorithms import Algorithm, Params
from workbench.config import Experiment, parse
from workbench.engine.building import build
from workbench.tasks import FAMILIES
from workbench.tasks.base import Episode, TaskFamily

LANGUAGES = """
name = "languages"
[task]
family = "languages"
pairs = 5
queries = 2
[network]
kind = "encoder_decoder"
width = 8
[training]
iterations = 2
meta_batch = 4
threads = 1
chunk = 4
compile = false
[evaluation]
episodes = 6
validation_episodes = 4
inner_steps = 2
every = 2
"""
INSTRUCTIONS = LANGUAGES.replace('"languages"\npairs = 5', '"instructions"')


def experiment(*algorithms: str, text: str = LANGUAGES, overrides: tuple[str, ...] = ()) -> Experiment:
    """Small languages with these algorithms; without any, with all that can say sequences."""
    named = "".join(f'[[algorithm]]\nkind = "{each}"\n' for each in algorithms)
    return parse(text + named if named else 'algorithm = "all"\n' + text, overrides)


def family(*overrides: str, text: str = LANGUAGES) -> TaskFamily:
    task = experiment("scratch", text=text, overrides=overrides).task
    return FAMILIES[task.name](task)


def learner(name: str, *overrides: str, text: str = LANGUAGES) -> tuple[Algorithm, TaskFamily, Params]:
    """An algorithm, what it is for, and its meta-parameters before training."""
    asked = experiment(name, text=text, overrides=overrides)
    tasks = FAMILIES[asked.task.name](asked.task)
    made = build(asked, asked.algorithm[0], tasks)
    return made, tasks, made.initial(torch.Generator().manual_seed(1))


def logits(made: Algorithm, meta: Params, episode: Episode) -> Tensor:
    """What it predicts of the queries of T tasks, each token by the right ones before it."""

    def one(task: Episode) -> Tensor:
        adapted = made.adapt(meta, task.support, 1)
        return made.predict(adapted, made.problem.inputs(partial(made.predict, adapted), task.query))

    found: Tensor = vmap(one)(episode)
    return found
