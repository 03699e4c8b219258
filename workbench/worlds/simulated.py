"""Copies of an environment of gymnasium, driven together: what runs in the process of its own.

Gymnasium: Towers et al., "Gymnasium: A Standard Interface for Reinforcement Learning Environments", 2024,
arXiv 2407.17032. Nothing here imports torch, so that the process begins quickly and stays small.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.terminal import HANGS_UP

Array = NDArray[Any]

MADE_OF: Mapping[str, Callable[[Any], float]] = {
    "total_mass": lambda env: env.masspole + env.masscart,
    "polemass_length": lambda env: env.masspole * env.length,
}
"""Attributes that an environment computes from others once, when it is made: they follow those."""

MOST_SEEN = 1000
"""Numbers of an observation: all that is seen in many trials is kept until it is learned from."""

SIGN_OF_LIFE = 0.1
"""Seconds between signs that a long batch goes on."""


class Spaces(NamedTuple):
    """What is seen and what can be done.

    Attributes
    ----------
    observations : numbers that are seen at a step.
    moves : how many discrete moves there are; 0 where actions are numbers.
    numbers : how many numbers an action has, each from −1 to 1; 0 where there are moves.
    """

    observations: int
    moves: int
    numbers: int


class UnfitError(Exception):
    """An environment that cannot be acted in, or that misbehaves; the text is one line."""


class Copies:
    """So many copies of an environment as are asked for, each with parameters of its own.

    Parameters
    ----------
    environment : its name.
    parameters : attributes of it that differ from copy to copy.
    alive : called whenever a copy was made, reset, or has taken a step.

    Raises
    ------
    UnfitError
        If nobody can act in its spaces, or it has no such parameter.
    """

    def __init__(self, environment: str, parameters: Sequence[str], alive: Callable[[], None]) -> None:
        self._environment, self._alive = environment, alive
        self._copies = [self._made()]
        self.spaces = _spaces(self._copies[0])
        for name in parameters:
            _refuse_unknown(self._copies[0].unwrapped, name)
        self._seen = np.zeros((0, self.spaces.observations), np.float32)
        self._over = np.zeros(0, bool)

    def _made(self) -> Any:
        import gymnasium
        from gymnasium.wrappers import FlattenObservation

        if self._environment not in gymnasium.registry:
            _register_installed()
        env = gymnasium.make(self._environment, disable_env_checker=True)
        if not env.observation_space.is_np_flattenable:
            raise UnfitError(f"its observations are {_briefly(env.observation_space)}; they must be numbers")
        return FlattenObservation(env)

    def reset(self, seeds: Array, parameters: Mapping[str, Array]) -> Array:
        """Begin an episode in each of n copies.

        Parameters
        ----------
        seeds : of all that is random in the episode, ``[n]``.
        parameters : ``[n]`` by name.

        Returns
        -------
        Observations, ``[n, observations]``.
        """
        while len(self._copies) < len(seeds):
            self._copies.append(self._made())
            self._alive()
        self._seen = np.zeros((len(seeds), self.spaces.observations), np.float32)
        self._over = np.zeros(len(seeds), bool)
        for index, seed in enumerate(seeds):
            _change(
                self._copies[index].unwrapped, {name: float(each[index]) for name, each in parameters.items()}
            )
            self._seen[index], _ = self._copies[index].reset(seed=int(seed))
            self._alive()
        _refuse_unless_finite("observations", self._seen)
        return self._seen

    def step(self, actions: Array) -> tuple[Array, Array, Array]:
        """Act in every copy whose episode is not over.

        Parameters
        ----------
        actions : ``[n]`` moves, or ``[n, numbers]`` (clipped to −1 to 1).

        Returns
        -------
        Observations ``[n, observations]`` (where an episode is over, the last ones), rewards ``[n]`` (0
        there), and whether an episode is over, ``[n]``.
        """
        rewards = np.zeros(len(self._over), np.float32)
        told = _as_told(self._copies[0].action_space, actions)
        for index in np.flatnonzero(~self._over).tolist():
            self._seen[index], rewards[index], ended, cut, _ = self._copies[index].step(told[index])
            self._over[index] = ended or cut
            self._alive()
        _refuse_unless_finite("rewards", rewards)
        _refuse_unless_finite("observations", self._seen)
        return self._seen, rewards, self._over


def serve(connection: Connection, environment: str, parameters: Sequence[str]) -> None:
    """Do what is asked over the connection until that is closed: the main function of the process.

    Every request is the name of a method of :class:`Copies` with its arguments, and is answered by
    ``("done", result)`` or ``("failed", one line)``; ``("alive", None)`` may come before.
    """
    _be_quiet()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    last = time.monotonic()

    def alive() -> None:
        nonlocal last
        if (now := time.monotonic()) - last > SIGN_OF_LIFE:
            last = now
            connection.send(("alive", None))

    copies: Copies | None = None
    request: tuple[Any, ...] = ()
    with contextlib.suppress(EOFError, OSError):  # nobody is there any more
        while True:
            try:
                if copies is None:
                    copies = Copies(environment, parameters, alive)
                answer = getattr(copies, request[0])(*request[1:]) if request else copies.spaces
            except Exception as error:  # an environment is anybody's code
                connection.send(("failed", _in_a_line(error)))
                return
            connection.send(("done", answer))
            request = connection.recv()


def _in_a_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, UnfitError) else f"{type(error).__name__}: {said}"


def _be_quiet() -> None:
    """What it prints reaches nobody's results; Ctrl-C and the terminal are the parent's business."""
    for number in (signal.SIGINT, *HANGS_UP):
        signal.signal(number, signal.SIG_IGN)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (no file)
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)


def _end_with_parent() -> None:
    """End even out of an environment that hangs, once the parent was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _spaces(env: Any) -> Spaces:
    from gymnasium.spaces import Box, Discrete

    seen, done = env.observation_space.shape[0], env.action_space
    if seen > MOST_SEEN:
        raise UnfitError(f"its observations have {seen:,} numbers; at most {MOST_SEEN:,} can be seen")
    if isinstance(done, Discrete):
        return Spaces(seen, int(done.n), 0)
    if not isinstance(done, Box) or len(done.shape) != 1:
        raise UnfitError(f"its actions are {_briefly(done)}; they must be Discrete or a Box of one dimension")
    if not done.is_bounded():
        raise UnfitError(f"its actions are {_briefly(done)}; every number of an action must have limits")
    return Spaces(seen, 0, done.shape[0])


def _register_installed() -> None:
    """Have every installed package register its environments; one that cannot is no reason to miss others."""
    for each in entry_points(group="gymnasium.envs"):
        with contextlib.suppress(Exception):
            each.load()()


def _briefly(space: Any) -> str:
    shape = f" of shape {space.shape}" if getattr(space, "shape", None) is not None else ""
    return f"a {type(space).__name__}{shape}"


def _as_told(space: Any, actions: Array) -> Sequence[Any]:
    """Actions as an environment takes them, from moves from 0, or numbers from −1 to 1."""
    if actions.ndim == 1:
        return [int(space.start) + move for move in actions.tolist()]
    part = (actions.clip(-1, 1) + 1) / 2
    return list((space.low + part * (space.high - space.low)).astype(space.dtype))


def _refuse_unless_finite(what: str, numbers: Array) -> None:
    wrong = numbers[~np.isfinite(numbers)]
    if wrong.size:
        raise UnfitError(f"its {what} hold {wrong[0]}, which is no finite number")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _refuse_unknown(env: Any, name: str) -> None:
    if not _is_number(getattr(env, name, None)):
        own = {**vars(type(env)), **vars(env)}
        known = [each for each, value in own.items() if _is_number(value) and each[:1] != "_"]
        raise UnfitError(f"it has no number named {name}; it has {', '.join(sorted(known)) or 'none at all'}")


def _change(env: Any, parameters: Mapping[str, float]) -> None:
    follow = [
        name for name, formula in MADE_OF.items() if name not in parameters and _agrees(env, name, formula)
    ]
    for name, value in parameters.items():
        setattr(env, name, value)
    for name in follow:
        setattr(env, name, MADE_OF[name](env))


def _agrees(env: Any, name: str, formula: Callable[[Any], float]) -> bool:
    """Whether the environment has such an attribute, and it is what the formula says."""
    try:
        return math.isclose(getattr(env, name), formula(env))
    except (AttributeError, TypeError):
        return False
