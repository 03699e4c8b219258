"""MER, meta-experience replay: Riemer, Cases, Ajemian, Liu, Rish, Tu, Tesauro, "Learning to Learn without
Forgetting by Maximizing Transfer and Minimizing Interference", ICLR 2019, arXiv 1810.11910 (algorithm 1).

The paper's stream is one of single examples; here it is one of TASKS. What the paper does with an example,
one step of SGD, is here the adaptation to a task: k inner steps on minibatches of all its examples, support
and query, as in Reptile. For each new task, s batches of the new one and of remembered ones after it, as in
the authors' code (or before it, as in the paper's listing):

    within a batch     θ_W ← θ; then task by task, each from where the one before ended: θ ← SGD(task, α)
                       θ ← θ_W + β (θ − θ_W)
    across the batches θ ← θ_A + γ (θ − θ_A), where θ_A was before the first

and the new task goes into a reservoir in which each past task is with the same probability, capacity / tasks
seen (the authors' code has an off-by-one there). T new tasks of one meta-batch each take that path from the
same θ, and the mean is followed; the paper has T = 1. As long as nothing is remembered, the new task stands
in for the remembered ones.

The authors take s = 10 batches of k = 100 remembered examples, and β = .03. A task costs what its inner steps
cost, so here it is one batch of one remembered task, at 1/500 of their cost, and β = .5 goes as much further
as there are fewer steps (measured on glyphs, 5-way 1-shot: 87.0%; 53.3% without minibatches).

The paper's classes keep their outputs. Those of a few-shot task are numbered anew in each, so a classifier's
head starts from θ's for every task of a sequence; what is carried over from task to task is the body.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from workbench.algorithms.base import Citation, OuterStep, Params, descended, inner_rate
from workbench.algorithms.memory import Memory
from workbench.algorithms.replay import MemoryConfig, Remembers
from workbench.algorithms.reptile import ByMinibatches, Minibatches
from workbench.config import setting
from workbench.tasks.base import Episode


class MERConfig(MemoryConfig, ByMinibatches):
    kind: Literal["mer"] = "mer"
    inner_lr: float | None = inner_rate(
        0.02, classes=0.1, help="Learning rate of SGD on a task, and of adaptation."
    )
    inner_steps: int = setting(
        5, ge=1, le=1000, unit="steps", symbol="k", help="Steps of SGD on each task of a batch."
    )
    batches: int = setting(1, ge=1, le=100, symbol="s", help="Batches for each new task.")
    replayed: int = setting(1, ge=0, le=100, unit="tasks", help="Remembered tasks in each batch.")
    new_task: Literal["first", "last"] = setting(
        "first", before="last", help="Where the new task stands in each batch."
    )
    within: float = setting(
        0.5, gt=0, le=1, symbol="β", help="Part of the way that is gone after each batch."
    )
    across: float = setting(
        1.0, gt=0, le=1, symbol="γ", help="Part of the way that is gone after all batches."
    )


class MER(Remembers, Minibatches):
    """Reptile along sequences of remembered tasks and a new one."""

    Config = MERConfig
    title = "MER"
    family = "experience replay"
    summary = (
        "Reptile along sequences of remembered tasks and a new one; the paper's examples are tasks here."
    )
    departs = (
        "Tasks, not single examples, make the stream; for each new one a batch of one remembered task, "
        "where the authors replay 10 of 100 examples."
    )
    citation = Citation(
        "M. Riemer, I. Cases, R. Ajemian, M. Liu, I. Rish, Y. Tu, G. Tesauro",
        "Learning to Learn without Forgetting by Maximizing Transfer and Minimizing Interference",
        "ICLR",
        2019,
        "1810.11910",
    )
    config: MERConfig

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        """``[T, s, replayed + 1, …]``: the batches of each new task, which comes first or last in each."""
        batches, replayed = self.config.batches, self.config.replayed
        tasks = episode.count
        new = episode.map(lambda tensor: tensor[:, None, None].expand(-1, batches, 1, *tensor.shape[1:]))
        past = memory.draw(tasks * batches * replayed, generator)
        if past is None:
            old = new.map(lambda tensor: tensor.expand(-1, -1, replayed, *tensor.shape[3:]))
        else:
            old = past.map(lambda tensor: tensor.view(tasks, batches, replayed, *tensor.shape[1:]))
        parts = [old, new] if self._new == replayed else [new, old]
        sequences = Episode.merged(parts, lambda tensors: torch.cat(tensors, 2))
        every = self.shuffled(sequences.map(lambda tensor: tensor.flatten(0, 2)), generator)
        return every.map(lambda tensor: tensor.view(tasks, batches, replayed + 1, *tensor.shape[1:]))

    @property
    def _new(self) -> int:
        """The place of the new task in each batch."""
        return 0 if self.config.new_task == "first" else self.config.replayed

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        return self._away(meta, episode)[1]

    @property
    def outer(self) -> OuterStep:
        return OuterStep(self._away, descended)

    def _away(self, meta: Params, episode: Episode) -> tuple[Params, Tensor]:
        """θ_A less θ after the batches of one new task, and the loss on it where it was last adapted to."""
        weights = meta
        for batch in range(self.config.batches):
            reached = weights
            for number in range(self.config.replayed + 1):
                task = episode.one(batch).one(number)
                if "classes" in task.support:
                    reached = reached | {n: w for n, w in weights.items() if n.startswith("head.")}
                reached, lost = self.trained(meta, reached, task)
                if number == self._new:
                    loss = lost
            weights = {n: w + self.config.within * (reached[n] - w) for n, w in weights.items()}
        return {name: meta[name] - weights[name] for name in meta}, loss

    def meta_lr(self, base: float, done: float) -> float:
        return self.config.meta_lr or self.config.across
