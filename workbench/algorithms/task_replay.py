"""Task replay (ours): experience replay with whole tasks, over any learner.

Experience replay: Lin, "Self-Improving Reactive Agents Based on Reinforcement Learning, Planning and
Teaching", Machine Learning 1992; for streams that drift: Rolnick, Ahuja, Schwarz, Lillicrap, Wayne,
"Experience Replay for Continual Learning", NeurIPS 2019, arXiv 1811.11682; Chaudhry et al., "On Tiny Episodic
Memories in Continual Learning", 2019, arXiv 1902.10486. There, single experiences are replayed; replaying the
*tasks* that a meta-learner meets is this program's own, and no paper stands for its figures.

Of every meta-batch of T tasks, ρ·T are new and (1 − ρ)·T come from a reservoir in which each past task is
with the same probability; the base learns from all T as it always does, and never knows which are old.
"""

from __future__ import annotations

from typing import Any, Literal

import torch

from workbench.algorithms.base import Algorithm
from workbench.algorithms.memory import Memory
from workbench.algorithms.replay import Replay
from workbench.algorithms.wrapper import Wrapper, WrapperConfig
from workbench.config import AlgorithmConfig, setting
from workbench.networks.base import Network
from workbench.tasks.base import Episode, TaskShape


class TaskReplayConfig(WrapperConfig):
    kind: Literal["task_replay"] = "task_replay"
    capacity: int = setting(500, ge=1, le=100_000, unit="tasks", help="Past tasks that are remembered.")
    new_share: float = setting(
        0.5, gt=0, le=1, symbol="ρ", help="Part of each meta-batch that is new; the rest is replayed."
    )

    @classmethod
    def allows(cls, base: type[AlgorithmConfig]) -> bool:
        return super().allows(base) and "capacity" not in base.model_fields  # one memory is enough


class TaskReplay(Wrapper):
    """Mix past tasks into every meta-batch."""

    Config = TaskReplayConfig
    title = "Task replay (ours)"
    family = "experience replay"
    summary = "Mixes remembered tasks into every meta-batch, so that a stream that drifts is not forgotten."
    citation = None

    def __init__(self, config: Any, network: Network, shape: TaskShape, base: Algorithm) -> None:
        super().__init__(config, network, shape, base)
        self.capacity = config.capacity
        self._replay = Replay(config.new_share)

    def new_tasks(self, meta_batch: int) -> int:
        return self._replay.new_tasks(self.base.new_tasks(meta_batch))

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        mixed = self._replay.filled(episode, generator, memory)
        return self.base.prepare(mixed, done, generator, memory)
