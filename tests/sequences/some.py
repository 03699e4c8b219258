"""Small experiments on sequences."""

from __future__ import annotations

from functools import partial
from pathlib import Path

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


WORDS = {
    "one": "un",
    "two": "deux",
    "three": "trois",
    "red": "rouge",
    "blue": "bleu",
    "cat": "chat",
    "dog": "chien",
}


def pairs(languages: int = 5) -> list[tuple[str, str, str]]:
    """Phrases in languages that are alike but for their endings and their order."""
    found = []
    for language in range(languages):
        for number in ("one", "two", "three"):
            for colour in ("red", "blue"):
                for animal in ("cat", "dog"):
                    said = [f"{WORDS[each]}{language}" for each in (number, colour, animal)]
                    said = said[::-1] if language % 2 else said
                    found.append((f"{number} {colour} {animal}", " ".join(said), f"l{language}"))
    return found


def table(path: Path, rows: list[tuple[str, ...]], heads: str = "source\ttarget\tlanguage") -> Path:
    path.write_text("\n".join([heads, *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path
