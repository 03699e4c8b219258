"""The contract of a world: plain torch, written for one episode, over any leading dimensions.

Every tensor of a state, of a task and of an action has the same leading dimensions ``…`` (none, tasks, tasks
and episodes); a world computes element by element and along its own last dimensions only. So the same lines
act in one episode, in thousands at once, and under ``vmap``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.measures import Measure
from workbench.pictures import Panel
from workbench.worlds.pictures import Acted, Arrays, rewards_so_far, told_numbers

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Tensors = dict[str, "Tensor"]
"""Tensors by name: a task (hidden parameters), a state, the chance of an episode."""

Plan = Callable[["Tensor", int], "Tensor"]
"""A policy by exact planning: observations ``[…, n]`` and the step of the episode to moves ``[…]``."""


@dataclass(frozen=True)
class Actions:
    """What can be done in a world.

    Attributes
    ----------
    moves : what each of the discrete moves is called; empty where actions are numbers.
    numbers : how many numbers an action has, each from −1 to 1; 0 where there are moves.
    """

    moves: tuple[str, ...] = ()
    numbers: int = 0

    @property
    def discrete(self) -> bool:
        return bool(self.moves)

    @property
    def width(self) -> int:
        """Numbers that say what was done: one for each move (one-hot), or the action itself."""
        return len(self.moves) or self.numbers

    def encoded(self, action: Tensor) -> Tensor:
        """An action as numbers, ``[…, width]``."""
        from torch.nn import functional as F

        return F.one_hot(action, self.width).float() if self.discrete else action


class World(ABC):
    """A world with hidden parameters, which differ from task to task.

    A *trial* is some episodes with one hidden task; an episode has at most ``horizon`` steps. All chance is
    drawn beforehand and is part of the episode; nothing here is random.

    Attributes
    ----------
    observations : numbers that are seen at a step.
    actions : what can be done.
    horizon : most steps of an episode.
    draws : the hidden parameters: how many uniform numbers each is made from (see :meth:`task`).
    ranked : those of which only the order of their numbers counts: no part of the range differs from another,
        so they cannot drift.
    shifts : other distributions of tasks, for tests: what each is, in words, by its name.
    smooth : whether gradients reach from rewards to actions and states.
    restarts : whether another episode begins at once when one ends early; else nothing happens for the rest
        of the horizon. Then the state is not reset at the start of an episode's chance either: episodes are
        parts of one long run.
    measures : what is measured of what happened, beside the return (see :meth:`measured`).
    episode : what an episode is called: ``episode``, ``pull``, ``match``, ``drive``.
    rewards : mean and spread of the rewards that are to be expected, by which learners scale them.
    """

    observations: int
    actions: Actions
    horizon: int
    draws: Mapping[str, int]
    ranked: ClassVar[frozenset[str]] = frozenset()
    shifts: ClassVar[Mapping[str, str]] = {}
    smooth: bool = False
    restarts: bool = False
    measures: ClassVar[tuple[Measure, ...]] = ()
    episode: ClassVar[str] = "episode"
    rewards: tuple[float, float] = (0.0, 1.0)

    @abstractmethod
    def task(self, uniform: Tensors, shift: str = "") -> Tensors:
        """Hidden parameters from uniform numbers.

        Parameters
        ----------
        uniform : by the names in ``draws``, ``[…, numbers]`` in [0, 1). A stream that drifts draws one of
            them from a part of that range.
        shift : a name in ``shifts``: from another distribution.

        Returns
        -------
        dict of tensors ``[…, *]``; names differ from those of :meth:`chance`.
        """

    @abstractmethod
    def chance(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensors:
        """The chance of episodes, but for that of who acts: ``[*shape, horizon, *]`` by name (what only the
        start needs, too). May be empty."""

    @abstractmethod
    def reset(self, task: Tensors, chance: Tensors) -> Tensors:
        """The state at the start of an episode, ``[…, *]`` by name, from the episode's chance
        ``[…, horizon, *]``."""

    @abstractmethod
    def observe(self, state: Tensors, task: Tensors, time: int) -> Tensor:
        """What is seen before step ``time`` of the episode, from 0: ``[…, observations]``; never the task."""

    @abstractmethod
    def step(
        self, state: Tensors, action: Tensor, task: Tensors, chance: Tensors, time: int
    ) -> tuple[Tensors, Tensor, Tensor]:
        """What follows from an action.

        Parameters
        ----------
        action : int64 ``[…]``, or float ``[…, numbers]`` (clipped or squashed by the world).
        chance : of this step, ``[…, *]`` by name.
        time : step of the episode, from 0 (of no meaning where ``restarts``).

        Returns
        -------
        state, reward ``[…]``, done (bool ``[…]``: the episode ends; the horizon need not be told).
        """

    @abstractmethod
    def known(self, task: Tensors) -> Tensor:
        """The hidden parameters as numbers, ``[…, n]`` of the order of −1 to 1: what an oracle sees."""

    @property
    def numbers_known(self) -> int:
        """How many numbers :meth:`known` gives."""
        import torch

        middle = {name: torch.full((each,), 0.5) for name, each in self.draws.items()}
        return self.known(self.task(middle)).shape[-1]

    def measured(self, data: Tensors) -> Tensors:
        """Its own measures of episodes, ``[…]`` by name.

        Parameters
        ----------
        data : of each episode, as :func:`~workbench.worlds.rollout.rollout` gives it: ``observation``
            ``[…, horizon, n]``, ``action``, ``reward``, ``alive``, ``ended`` ``[…, horizon]``, and
            what :meth:`watched` names.
        """
        return {}

    def watched(self, state: Tensors) -> Tensors:
        """What of a state is kept at each step (after it), for measures and pictures: ``[…, *]`` by name."""
        return {}

    # --- to be looked at; plain values, no torch -----------------------------------------------------

    drawing: ClassVar[tuple[str, str]] = ("Rewards", "")
    """What a picture shows, and how to read it, in words."""

    def told(self, task: Arrays) -> str:
        """The hidden parameters of one task, ``[*]`` by name, in a few words with their units."""
        return told_numbers(task)

    def drawn(self, task: Arrays, acted: Acted) -> Panel:
        """What somebody did in one task: a picture of the world where nobody did anything yet."""
        return rewards_so_far(acted)


class Solvable(World):
    """A world whose best policy can be computed where the hidden parameters are known."""

    @abstractmethod
    def plan(self, task: Tensors) -> Plan:
        """The best policy for an episode of known parameters (exact)."""

    @abstractmethod
    def best_return(self, task: Tensors) -> Tensor:
        """What that policy earns in an episode on average, ``[…]``."""


class Conjugate(Solvable):
    """A solvable world whose hidden parameters have a conjugate prior, the one that they are drawn from."""

    replans: ClassVar[bool] = False
    """Whether references plan anew at every step of an episode; else at its start."""

    @abstractmethod
    def prior(self, shape: tuple[int, ...]) -> Tensors:
        """What is believed before anything is seen, ``[*shape, *]`` by name."""

    @abstractmethod
    def learned(
        self, belief: Tensors, seen: Tensor, action: Tensor, reward: Tensor, then: Tensor, ended: Tensor
    ) -> Tensors:
        """What is believed after a step: the observation, the action, the reward, the next observation, and
        whether the episode ended (then the next one begins another episode)."""

    @abstractmethod
    def expected(self, belief: Tensors) -> Tensors:
        """The task of posterior means."""

    @abstractmethod
    def sampled(self, belief: Tensors, generator: torch.Generator) -> Tensors:
        """A task drawn from what is believed."""

    @abstractmethod
    def optimistic(self, task: Tensors, belief: Tensors) -> Tensors:
        """A sampled task in which nothing is worse than expected."""


class Countable(Conjugate):
    """A conjugate world in which few things can happen at a step, each of which is counted: so all that can
    ever be believed can be listed. Its episodes always last to the horizon; beliefs have other names than
    states.

    Attributes
    ----------
    interchangeable : whether moves are alike but for what is believed of each, which is the last dimension of
        a belief.
    """

    interchangeable: ClassVar[bool] = False

    @abstractmethod
    def outcomes(self, state: Tensors, action: Tensor, task: Tensors) -> list[tuple[Tensor, Tensors]]:
        """Everything that can follow from an action: how likely it is, ``[…]``, and a chance of the step
        ``[…, *]`` by which it follows. No two pay the same."""


class Places(Solvable):
    """A solvable world of places, between which moves always lead in the same way. One is the goal: only
    moving onto it pays more than 0.

    Attributes
    ----------
    places : how many.
    """

    places: int

    @abstractmethod
    def place(self, observation: Tensor) -> Tensor:
        """Where one is, int64 ``[…]`` from 0."""

    @abstractmethod
    def leads(self, observation: Tensor) -> Tensor:
        """The place that each move leads to from there, int64 ``[…, moves]``; −1 where that is not seen."""

    def mapped(self) -> tuple[Tensor, Tensors] | None:
        """Where tasks differ in the goal only: the place that each move leads to from each, int64 ``[places,
        moves]``, and every task, ``[n, *]``, all equally likely. None where they differ in more."""
        return None
