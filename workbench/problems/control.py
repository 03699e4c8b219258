"""Control: a policy acts in a world whose parameters are hidden; a larger return is better.

The data of a task are *rows*, an episode each: the chance of the episode under ``chance/NAME``
``[rows, horizon, *]`` and the hidden parameters under ``task/NAME`` ``[rows, *]``, repeated so that rows can
be taken apart. No learner but an oracle reads the latter; the simulator does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.measures import LOSS
from workbench.pictures import RUNS, Drawing
from workbench.problems.base import Data, Predict, Problem
from workbench.problems.predicted import Example, Predicted
from workbench.words import plural
from workbench.worlds.base import Solvable, Tensors, World
from workbench.worlds.measures import ALL, REGRET, RETURN, TOTAL_RETURN
from workbench.worlds.pictures import Acted, number, several

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.worlds.rollout import Policy, Seen

NEGATIVE_RETURN = LOSS.said("Negative return", signed=True)


class Control(Problem):
    """Acting in a world.

    Parameters
    ----------
    world : None only for the words of the problem.
    rollouts : episodes that an update of a gradient learner acts in.
    """

    name = "control"
    title = "Control"
    gives = frozenset({"rollouts"})
    measures = (RETURN, TOTAL_RETURN, REGRET, *ALL, NEGATIVE_RETURN)
    adapted = RETURN
    privilege = "uses the gradient of the test world's own simulator"
    world: World

    def __init__(self, world: World | None = None, rollouts: int = 1) -> None:
        if world is None:
            return
        self.world, self.rollouts = world, rollouts
        self.episode, self.horizon = world.episode, world.horizon
        regret = (REGRET,) if isinstance(world, Solvable) else ()
        self.moves = world.horizon > 1
        self.measures = (RETURN, TOTAL_RETURN, *regret, *world.measures, NEGATIVE_RETURN)

    def unlike(self, other: Problem) -> str:
        same = isinstance(other, Control) and self.world.actions == other.world.actions
        return "" if same else "actions are others"

    most_norm = 1.0
    compilable = False  # its losses are as many operations as an episode has steps, times some dozens: hours

    # --- a learner that adapts by updates ------------------------------------------------------------

    def part(self, support: Data, index: int) -> Data:
        """The rows of update ``index``; the first ones again where there are no more."""
        rows = len(next(iter(support.values())))
        start = index * self.rollouts % max(self.rollouts, rows - rows % self.rollouts)
        return {name: each[start : start + self.rollouts] for name, each in support.items()}

    def consumed(self, steps: int) -> int:
        return steps * self.rollouts

    def acted(self, predict: Predict, data: Data) -> Data:
        """What happens when a memoryless policy acts in all rows at once, each an episode of its own."""
        from workbench.worlds.rollout import rollout

        return rollout(self.world, hidden(data), chance(data), self.policy(predict))

    def policy(self, predict: Predict) -> Policy:
        """The policy of what a network says of an observation."""

        def policy(seen: Seen) -> tuple[Tensor, Tensors]:
            return self.act(predict(seen.observation), seen.chance), {}

        return policy

    def act(self, said: Tensor, chance: Tensor) -> Tensor:
        """An action from what a network says.

        Parameters
        ----------
        said : logits of the moves; the numbers of an action; or these and the logarithms of the standard
            deviations of normal numbers about them.
        chance : what it is drawn by, ``[…, width]``.
        """
        if self.world.actions.discrete:
            action: Tensor = (said + chance).argmax(-1)
            return action
        width = self.world.actions.width
        if said.shape[-1] == width:
            return said
        return said[..., :width] + said[..., width:].exp() * chance

    def loss(self, predict: Predict, data: Data) -> Tensor:
        """Minus the mean return of the rows, through the simulator."""
        return -self.acted(predict, data)["reward"].sum(-1).mean()

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """The means over all rows; what a trial adds up is not known of episodes that are no trial."""
        found = self.by_row(self.acted(predict, data), data)
        means = {name: each.mean() for name, each in found.items()}
        summed = {each.name for each in (TOTAL_RETURN, REGRET)} & {row.name for row in self.measures}
        return means | {name: means[RETURN.name].new_full((), float("nan")) for name in summed}

    def inputs(self, predict: Predict, data: Data) -> Tensor:
        """The observations of all steps, also after an episode ended."""
        return self.acted(predict, data)["observation"].flatten(0, 1)

    # --- who acts in whole trials and remembers ------------------------------------------------------

    def by_episode(self, trial: Data, query: Data) -> dict[str, Tensor]:
        """Every measure of each episode of trials, ``[…, episodes]`` by name: how good it was after as many
        episodes as went before.

        Parameters
        ----------
        trial : ``[…, episodes · horizon, *]``, as :func:`~workbench.worlds.rollout.trial` gives it.
        query : the rows that it was acted in, ``[…, episodes, *]``.
        """
        axis = trial["reward"].dim() - 1
        shape = (-1, self.world.horizon)
        rows = {name: _unflattened(each, axis, shape) for name, each in trial.items()}
        found = self.by_row(rows, query)
        found[TOTAL_RETURN.name] = found[RETURN.name].cumsum(-1)
        if isinstance(self.world, Solvable):
            best = self.world.best_return(hidden(query))
            found[REGRET.name] = (best - found[RETURN.name]).cumsum(-1)
        return found

    def by_row(self, rows: Data, data: Data) -> dict[str, Tensor]:
        """What is measured of episodes one by one, ``[…, rows]``."""
        gained = rows["reward"].sum(-1)
        return {RETURN.name: gained, LOSS.name: -gained, **self.world.measured(rows | hidden(data))}

    def episodes(self, data: Data) -> int:
        """Rows of each of T tasks, ``[T, rows, …]``."""
        return next(each for name, each in data.items() if name.startswith(CHANCE)).shape[1]

    def trained(self, losses: Tensor, query: Data) -> dict[str, Tensor]:
        """The mean return of an episode, of what was collected or of what was differentiated."""
        if "reward" not in query:
            return {RETURN.name: -losses.mean()}
        gained = query["reward"].flatten(1).sum(-1).mean() / self.episodes(query)
        return {RETURN.name: gained, LOSS.name: -gained}

    # --- to be looked at -----------------------------------------------------------------------------

    most_tasks = 3
    looks_at_test = True

    def step_name(self, step: int, *, trial: bool = False) -> str:
        episode = self.world.episode
        if trial:
            return f"after {plural(step, episode, several(episode))}" if step else f"in the first {episode}"
        if not step:
            return "before adaptation"
        acted_in = plural(step * self.rollouts, episode, several(episode))
        return f"after {plural(step, 'update')} ({acted_in})"

    def experience(self, step: int, *, trial: bool = False) -> int:
        """Episodes that were acted in before."""
        return step if trial else step * self.rollouts

    @property
    def experience_name(self) -> str:
        return several(self.world.episode)

    def looked_at(self, place: int, queries: int) -> int:
        """The episode that comes next to one who acts in a trial: all are then looked at in the same one."""
        return min(place, queries - 1)

    def predicted(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """What happens in each row, and what is measured of it."""
        acted = self.acted(predict, data)
        return acted | {ROW + name: each for name, each in self.by_row(acted, data).items()}

    def example(self, task: Example) -> Drawing:
        """A world in which one moves at random; needs torch, as the world does."""
        import torch

        from workbench.worlds.rollout import at_random, rollout

        data = {name: torch.from_numpy(each) for name, each in task.query.items()}
        found = rollout(self.world, hidden(data), chance(data), at_random(self.world))
        rows = {name: each.double().numpy() for name, each in found.items()}
        before = {name: each[:0] for name, each in rows.items()}
        acted = Acted(rows=rows, before=before, colour=RUNS[0], episode=self.world.episode)
        title, words = self.world.drawing
        what = self._told(task)
        return Drawing(
            self.world.drawn(hidden_of(task), acted), title, "", f"{what}, moves at random. {words}".strip()
        )

    def picture(self, task: Predicted) -> Drawing:
        """What the world makes of the episodes of the last step, over those that went before."""
        outputs = {name: each for name, each in task.outputs.items() if not name.startswith(ROW)}
        last = len(task.steps) - 1
        rows = {name: each[-1] for name, each in outputs.items()}
        if task.trial:
            before = {name: each[:-1, 0] for name, each in outputs.items()}
        else:
            before = {name: each[0][: None if last else 0] for name, each in outputs.items()}
        acted = Acted(
            rows=rows,
            row=task.looked_at,
            before=before,
            colour=task.colour,
            episode=self.world.episode,
            trial=task.trial,
        )
        title, words = self.world.drawing
        return Drawing(
            self.world.drawn(hidden_of(task), acted),
            title,
            self._said(task),
            words,
            rows=tuple(_table(acted)),
            task=self._told(task),
        )

    def _told(self, task: Example) -> str:
        return self.world.told(hidden_of(task))

    def _said(self, task: Predicted) -> str:
        """The return and the first of the world's own measures, of the episode that is looked at; where it is
        a single step, the return of all so far."""
        single = self.world.horizon == 1
        told = []
        for row in (TOTAL_RETURN if single and task.trial else RETURN, *self.world.measures[:1]):
            by_row = None if single else task.outputs.get(ROW + row.name)
            found = task.measured[row.name][-1] if by_row is None else by_row[-1, task.looked_at]
            value = row.scale * float(found)
            unit = "%" if row.share else f" {row.unit}".rstrip()
            told.append(f"{row.quantity} {number(value, 0 if row.share else 2)}{unit}")
        return " · ".join(told)


CHANCE, TASK, ROW = "chance/", "task/", "row/"
"""Before the names of data: the chance of rows, their hidden parameters, and what is measured of them."""


def chance(data: Data) -> Tensors:
    """The chance of rows, by the world's own names."""
    return {name.removeprefix(CHANCE): each for name, each in data.items() if name.startswith(CHANCE)}


def hidden(data: Data) -> Tensors:
    """The hidden parameters of rows, by the world's own names."""
    return {name.removeprefix(TASK): each for name, each in data.items() if name.startswith(TASK)}


def hidden_of(task: Example) -> dict[str, NDArray[np.generic]]:
    """The hidden parameters of one task, ``[*]`` by the world's own names, as plain values."""
    return {name.removeprefix(TASK): each[0] for name, each in task.query.items() if name.startswith(TASK)}


def _table(acted: Acted) -> Iterator[dict[str, Any]]:
    """What was done and earned at each step of the episodes, until they ended."""
    rows = {name: acted.rows[name] for name in ("action", "reward", "alive")}
    for episode, (actions, rewards, alive) in enumerate(zip(*rows.values(), strict=True), 1):
        for step in np.flatnonzero(alive):
            told = np.atleast_1d(actions[step]).tolist()
            named = {f"action_{at}" if len(told) > 1 else "action": each for at, each in enumerate(told, 1)}
            yield {"episode": episode, "step": int(step) + 1} | named | {"reward": float(rewards[step])}


def _unflattened(each: Tensor, axis: int, shape: tuple[int, int]) -> Tensor:
    return each.reshape(*each.shape[:axis], *shape, *each.shape[axis + 1 :])


def rows(chance: Tensors, task: Tensors) -> Data:
    """Rows from both."""
    return {CHANCE + name: each for name, each in chance.items()} | {
        TASK + name: each for name, each in task.items()
    }
