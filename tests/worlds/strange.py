"""Environments that misbehave, each in its own way, as ``strange/Name-v0``.

They are registered as those of an installed package are, by its entry point; see
:func:`tests.worlds.installed.install_strange`.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

NUMBERS = Box(-np.inf, np.inf, (2,), np.float32)


class Steady(gymnasium.Env[Any, Any]):
    """Seen are a number drawn at the reset and the step; a step earns what was done times ``pay``."""

    observation_space = NUMBERS
    action_space: Any = Discrete(3, start=5)
    pay: float = 2.0
    last = 4
    """The step at which an episode ends."""

    def __init__(self) -> None:
        self.pay, self.steps, self.drawn = 2.0, 0, 0.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps, self.drawn = 0, float(self.np_random.uniform())
        return self.seen(), {}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), "a strange action"
        self.steps += 1
        return self.seen(), self.earned(action), self.steps >= self.last, False, {}

    def seen(self) -> Any:
        return np.array([self.drawn, self.steps], np.float32)

    def earned(self, action: Any) -> Any:
        return self.pay * float(np.sum(action))


class Numbers(Steady):
    """Takes two numbers, from 0 to 1 and from −4 to 4."""

    action_space = Box(np.array([0, -4], np.float32), np.array([1, 4], np.float32))


class Hangs(Steady):
    """Hangs at the second step of an episode."""

    def earned(self, action: Any) -> float:
        if self.steps == 2:
            threading.Event().wait()
        return 0.0


class Raises(Steady):
    def earned(self, action: Any) -> float:
        raise OSError("the track\nis closed")


class Crashes(Steady):
    def earned(self, action: Any) -> float:
        os._exit(3)


class Leaves(Steady):
    """Ends the program where it can."""

    def earned(self, action: Any) -> float:
        sys.exit(4)


class NotANumber(Steady):
    def earned(self, action: Any) -> float:
        return float("nan")


class Blind(Steady):
    def seen(self) -> Any:
        return np.array([np.inf, 0], np.float32)


class Moody(Numbers):
    """Fails as the file says that is named in ``MOOD``, while there is one."""

    def earned(self, action: Any) -> float:
        mood = Path(os.environ["MOOD"])
        if mood.exists():
            match mood.read_text():
                case "hangs":
                    threading.Event().wait()
                case "crashes":
                    os._exit(3)
                case "raises":
                    raise OSError("the track is closed")
                case _:
                    return float("inf")
        return super().earned(action)


class Prints(Steady):
    def earned(self, action: Any) -> float:
        print("look at me", flush=True)
        print("and me", file=sys.stderr, flush=True)
        return 1.0


class Sees(Steady):
    """Shows a picture."""

    observation_space = Box(0, 255, (80, 80, 3), np.uint8)


class Counts(Steady):
    """Shows which of 5 states it is in."""

    observation_space: Any = Discrete(5)

    def seen(self) -> int:
        return self.steps


class Listens(Steady):
    observation_space: Any = gymnasium.spaces.Sequence(Discrete(2))


class Unlimited(Steady):
    action_space = NUMBERS


class Tuples(Steady):
    action_space = gymnasium.spaces.MultiDiscrete([2, 3])


def register() -> None:
    for each in (
        *(Steady, Numbers, Hangs, Raises, Crashes, Leaves, NotANumber, Blind, Moody, Prints),
        *(Sees, Counts, Listens, Unlimited, Tuples),
    ):
        gymnasium.register(f"strange/{each.__name__}-v0", each)
