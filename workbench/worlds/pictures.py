"""What somebody did in a world, as plain values, and the pieces that worlds draw it from; needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.pictures import INK, MUTED, Array, Curve, Panel

Arrays = Mapping[str, NDArray[np.generic]]

MOST_BEFORE = 4
"""Episodes before the one that is looked at which are drawn beneath it: more of them would hide it."""

PALE = 0.4
"""The shade of what is only there to be seen against."""


@dataclass(frozen=True, kw_only=True)
class Acted:
    """Episodes of one task, as :func:`~workbench.worlds.rollout.rollout` gives them, by name.

    Attributes
    ----------
    rows : ``[episodes, horizon, *]``, those of the step that is looked at; may be none.
    row : which of them is looked at.
    before : ``[n, horizon, *]``: of a trial all earlier episodes, else those before adaptation, row by row.
    colour : role of the learner.
    episode : what an episode is called.
    trial : whether the episodes were one trial, acted in one after the other.
    """

    rows: Arrays
    row: int = 0
    before: Arrays
    colour: str
    episode: str = "episode"
    trial: bool = False

    def seen(self, name: str) -> Array | None:
        """What is looked at, ``[horizon, *]``; None where nobody acted."""
        found = self.rows[name]
        return found[self.row].astype(np.float64) if len(found) else None

    def earlier(self, name: str) -> list[Array]:
        """What is drawn beneath it, ``[horizon, *]`` each: the last episodes of a trial, or the same one
        before adaptation."""
        found = self.before[name].astype(np.float64)
        if not len(found):
            return []
        return list(found[-MOST_BEFORE:]) if self.trial else [found[min(self.row, len(found) - 1)]]

    def so_far(self, name: str) -> Array:
        """Of a trial all of it until now, else the episodes of this step: ``[episodes, horizon, *]``."""
        found = [self.before[name], self.rows[name]] if self.trial else [self.rows[name]]
        return np.concatenate(found).astype(np.float64)

    @property
    def label(self) -> str:
        """What lies beneath."""
        return f"earlier {several(self.episode)}" if self.trial else "before adaptation"

    def beneath(self, curve: Curve) -> Curve:
        """A curve as it is drawn for what went before."""
        own = {"colour": self.colour, "shade": 0.6} if self.trial else {"colour": MUTED, "dashed": 1}
        return replace(curve, label=self.label, faint=self.trial, **own)  # type: ignore[arg-type]


def several(episode: str) -> str:
    """More than one of it."""
    return f"{episode}es" if episode.endswith(("ch", "s", "x")) else f"{episode}s"


def number(value: float, places: int = 2) -> str:
    """A number with at most so many decimals: the fewer, the more digits are before them."""
    digits = len(f"{abs(float(value)):.0f}") - 1
    text = f"{float(value):.{max(0, places - digits)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "0") else text.replace("-", "\N{MINUS SIGN}")


def told_numbers(task: Arrays, most: int = 3) -> str:
    """Hidden parameters by their names, the first few that are single numbers."""
    single = {name: each for name, each in task.items() if np.size(each) == 1}
    return ", ".join(
        f"{name.replace('_', ' ')} {number(float(np.asarray(each).reshape(-1)[0]))}"
        for name, each in list(single.items())[:most]
    )


def rewards_so_far(acted: Acted, states: tuple[str, ...] = ()) -> Panel:
    """What an episode has paid by step: a picture of any world.

    Parameters
    ----------
    states : where one was at each step, where that has a name.
    """
    curves = [acted.beneath(_summed(each, acted.colour)) for each in acted.earlier("reward")]
    reward, moving = acted.seen("reward"), None
    if reward is not None:
        own = replace(_summed(reward, acted.colour), label=f"this {acted.episode}")
        if states:
            own = replace(own, kind="both", points=(*(f"from state {each}" for each in states), "end"))
        curves.append(own)
        moving = _later(own)
    return Panel(x_label="step", y_label="return", curves=tuple(curves), moving=moving)


def _summed(reward: Array, colour: str) -> Curve:
    total = np.concatenate([[0.0], np.cumsum(reward)])
    return Curve("", colour, np.arange(len(total), dtype=np.float64), total)


def _later(curve: Curve) -> Curve:
    """What moves along a curve, which begins before the first step."""
    return replace(curve, x=curve.x[1:], y=curve.y[1:], kind="markers", label="", points=())


def over_time(
    acted: Acted,
    name: str,
    step: float,
    made: Callable[[Array], Array] = np.asarray,
    most: float = np.inf,
) -> tuple[list[Curve], Curve | None]:
    """Something over the time of an episode, until it ended: that before beneath, then what is looked at.

    Parameters
    ----------
    name : of what is watched, ``[horizon]``.
    step : how long a step is.
    made : makes of it what is drawn.
    most : what is drawn is not farther from 0; a curve has a gap where it is.
    """

    def curve(values: Array, alive: Array) -> Curve:
        known = made(values)[alive > 0]
        known = np.where(np.abs(known) <= most, known, np.nan)
        return Curve("", acted.colour, step * np.arange(1.0, len(known) + 1), known)

    pairs = zip(acted.earlier(name), acted.earlier("alive"), strict=True)
    curves = [acted.beneath(curve(*each)) for each in pairs]
    seen, alive = acted.seen(name), acted.seen("alive")
    if seen is None or alive is None:
        return curves, None
    own = replace(curve(seen, alive), label=f"this {acted.episode}")
    return [*curves, own], replace(own, kind="markers", label="")


# --- maps ------------------------------------------------------------------------------------------


def path(
    acted: Acted, places: str, start: Sequence[float], reach: float = np.inf
) -> tuple[list[Curve], Curve | None]:
    """Ways over a map: those before beneath, then the one that is looked at, and what moves along it.

    Parameters
    ----------
    places : the name of where one is after each step, ``[horizon, 2]``.
    start : where an episode begins.
    reach : what is drawn is not farther from 0, either way; a way has a gap where it is.
    """

    def way(places: Array, alive: Array) -> Curve:
        known = np.concatenate([np.array([start]), places[alive > 0]])
        known = np.where(np.abs(known).max(-1, keepdims=True) <= reach, known, np.nan)
        return Curve("", acted.colour, known[:, 0], known[:, 1])

    pairs = zip(acted.earlier(places), acted.earlier("alive"), strict=True)
    curves = [acted.beneath(way(*each)) for each in pairs]
    seen, alive = acted.seen(places), acted.seen("alive")
    if seen is None or alive is None:
        return curves, None
    own = replace(way(seen, alive), label=f"this {acted.episode}")
    return [*curves, own], _later(own)


def restarting_path(acted: Acted, name: str, rooms: Array) -> tuple[list[Curve], Curve | None]:
    """The same where an episode that ends begins anew at once, from the first room.

    Parameters
    ----------
    name : of the number of the room after each step, ``[horizon]``.
    rooms : where each is, ``[n, 2]``.
    """
    number, ended = acted.so_far(name).astype(np.int64), acted.so_far("ended")
    if not len(number):
        return [], None
    looked_at = len(number) - 1 if acted.trial else acted.row
    room = np.zeros((), np.int64)
    if acted.trial and looked_at and not ended[looked_at - 1, -1]:
        room = number[looked_at - 1, -1]
    way = [rooms[room]]
    for then, over in zip(number[looked_at], ended[looked_at], strict=True):
        way.append(rooms[then])
        if over:
            way += [np.full(2, np.nan), rooms[0]]
    known, after = np.array(way), rooms[number[looked_at]]
    own = Curve(f"this {acted.episode}", acted.colour, known[:, 0], known[:, 1])
    return [own], replace(own, x=after[:, 0], y=after[:, 1], kind="markers", label="")


def points(label: str, places: Array, colour: str = INK, sign: str = "", *, thick: bool = False) -> Curve:
    """Places on a map, ``[n, 2]``."""
    return Curve(label, colour, places[:, 0], places[:, 1], kind="markers", sign=sign, thick=thick)


def lines(
    label: str, pieces: Sequence[Array], colour: str = INK, *, pale: bool = False, wide: bool = False
) -> Curve:
    """Straight pieces, ``[2, 2]`` each (from and to, across and up), as one curve with gaps."""
    gap = np.full((1, 2), np.nan)
    joined = np.concatenate([part for each in pieces for part in (each, gap)]) if pieces else gap
    return Curve(
        label, colour, joined[:, 0], joined[:, 1], thick=wide, faint=pale, shade=PALE if pale else 0.0
    )


def cells(size: int, drawn: Sequence[Curve], moving: Curve | None) -> Panel:
    """A map of ``size`` × ``size`` cells that are 1 wide, the first around (0, 0)."""
    ends, limits = np.arange(size + 1) - 0.5, (-0.6, size - 0.4)
    low, high = ends[0], ends[-1]
    across = [np.array([[low, at], [high, at]]) for at in ends]
    grid = lines("", across + [np.array([[at, low], [at, high]]) for at in ends], MUTED, pale=True)
    return Panel(
        curves=(grid, *drawn),
        moving=moving,
        x_range=limits,
        y_range=limits,
        x_hidden=True,
        y_hidden=True,
        square=True,
        ratio=1.0,
    )


def bars(label: str, heights: Array, colour: str) -> Curve:
    """A bar at each of 0, 1, …"""
    return _boxes(
        label, np.arange(len(heights), dtype=np.float64), 0.36, np.zeros(len(heights)), heights, colour
    )


def _boxes(label: str, at: Array, half: float, low: Array, high: Array, colour: str) -> Curve:
    """A filled box around each of some places, from its low to its high."""
    x = (at[:, None] + np.array([-half, -half, half, half, np.nan])).reshape(-1)
    gap = np.full(len(at), np.nan)
    y = np.stack([low, high, high, low, gap], -1).reshape(-1)
    bottom, top = (np.stack([each, each, each, each, gap], -1).reshape(-1) for each in (low, high))
    return Curve(label, colour, x, y, low=bottom, high=top)


def tiles(label: str, at: Array, row: float, colour: str) -> Curve:
    """A filled tile at some places of a row."""
    return _boxes(label, at, 0.42, np.full(len(at), row - 0.3), np.full(len(at), row + 0.3), colour)
