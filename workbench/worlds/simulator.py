"""An environment of gymnasium in a process of its own: whatever it does there, the program goes on.

It may hang, crash or print; the process is ended then, or with its :class:`Simulator`, or with the program,
and another one is begun when somebody resets it.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import weakref
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from workbench.errors import DataError
from workbench.words import shown
from workbench.worlds.simulated import Array, Spaces, serve

LIMIT = 10.0
"""Seconds that one step of one copy may take."""

START = 60.0
"""Seconds that the process may take to begin, with all that the environment imports."""

ENDING = 5.0
"""Seconds that an ended process may take to be gone."""


class SimulatorError(DataError):
    """An environment that cannot be acted in, or that failed: one line that says which and how."""


class Simulator:
    """Copies of an environment, driven together.

    It is for one thread; a process of its own begins when it is first asked.

    Parameters
    ----------
    environment : its name, as it is registered.
    parameters : attributes of it that differ from copy to copy.
    limit : seconds that one step of one copy may take.
    """

    def __init__(self, environment: str, parameters: Sequence[str] = (), limit: float = LIMIT) -> None:
        self._environment, self._parameters, self._limit = environment, tuple(parameters), limit
        self._end: weakref.finalize[..., Simulator] | None = None
        self._process: BaseProcess
        self._connection: Connection
        self._spaces: Spaces

    @property
    def spaces(self) -> Spaces:
        """What is seen and what can be done."""
        self._begin()
        return self._spaces

    def reset(self, seeds: Array, parameters: Mapping[str, Array]) -> Array:
        """Begin an episode in each of n copies, as :meth:`~workbench.worlds.simulated.Copies.reset` does.

        Raises
        ------
        SimulatorError
            If the environment fails; so does :meth:`step`.
        """
        self._begin()
        observations: Array = self._asked("reset", seeds, dict(parameters))
        return observations

    def step(self, actions: Array) -> tuple[Array, Array, Array]:
        """Act in every copy whose episode is not over, as :meth:`~workbench.worlds.simulated.Copies.step`
        does."""
        answer: tuple[Array, Array, Array] = self._asked("step", actions)
        return answer

    def close(self) -> None:
        """End the process, if there is one."""
        if self._end is not None:
            self._end()
            self._end = None

    def _begin(self) -> None:
        if self._end is not None:
            return
        if importlib.util.find_spec("gymnasium") is None:
            raise self._error("gymnasium is not installed: pip install gymnasium")
        context = multiprocessing.get_context("spawn")  # a fork would share what other threads are doing
        self._connection, other = context.Pipe()
        arguments = (other, self._environment, self._parameters)
        self._process = context.Process(target=serve, args=arguments, name="simulator", daemon=True)
        self._process.start()
        other.close()
        self._end = weakref.finalize(self, _end, self._process, self._connection)
        self._spaces = self._answer(START)

    def _asked(self, *request: object) -> Any:
        if self._end is None:
            raise self._error("its process has ended; what was begun in it is lost")
        try:
            self._connection.send(request)
        except OSError:
            raise self._ended() from None
        return self._answer(self._limit)

    def _answer(self, limit: float) -> Any:
        try:
            while self._connection.poll(limit):
                kind, answer = self._connection.recv()
                if kind == "done":
                    return answer
                if kind == "failed":
                    raise self._error(answer)
            raise self._error(f"no step came to its end within {limit:g} s; its process was ended")
        except (EOFError, OSError):
            raise self._ended() from None
        except BaseException:
            self.close()
            raise

    def _ended(self) -> SimulatorError:
        self._process.join(ENDING)
        code = self._process.exitcode
        self.close()
        return self._error(f"its process ended by itself (exit code {code})")

    def _error(self, what: str) -> SimulatorError:
        return SimulatorError(f"environment {shown(self._environment)}: {shown(what, 300)}")


def _end(process: BaseProcess, connection: Connection) -> None:
    connection.close()
    process.kill()
    process.join(ENDING)
