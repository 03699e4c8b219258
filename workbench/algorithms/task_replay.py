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

from typing import Literal

from workbench.algorithms.replay import MemoryConfig, ReplayConfig, Replays
from workbench.algorithms.wrapper import Wrapper, WrapperConfig
from workbench.config import AlgorithmConfig


class TaskReplayConfig(ReplayConfig, WrapperConfig):
    kind: Literal["task_replay"] = "task_replay"

    @classmethod
    def allows(cls, base: type[AlgorithmConfig]) -> bool:
        return super().allows(base) and not issubclass(base, MemoryConfig)  # one memory is enough


class TaskReplay(Replays, Wrapper):
    """Mix past tasks into every meta-batch."""

    Config = TaskReplayConfig
    title = "Task replay (ours)"
    family = "experience replay"
    summary = "Mixes remembered tasks into every meta-batch, so that a stream that drifts is not forgotten."
    citation = None
    config: TaskReplayConfig
