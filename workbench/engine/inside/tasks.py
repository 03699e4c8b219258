"""A map of tasks by what a learner makes of them: adapted weights, context, embedding or memory."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.algorithms.base import Params
from workbench.algorithms.trials import TrialLearner
from workbench.engine.episodes import ACTED, seeded
from workbench.engine.inside.base import Inside, LackingError, moving
from workbench.pictures import RUNS, Curve, Figure, Panel
from workbench.tasks.base import Episode

BANDS = 5
"""Parts of the range of a hidden parameter that are told apart."""

MOST_PANELS = 6
"""Hidden parameters by which a map is coloured, of those that there are."""

FEWEST = 4
"""Tasks without which there is no map."""


def coordinates(inside: Inside) -> tuple[Tensor, list[str]]:
    """What is made of each task, ``[T, numbers]``, and of which tensors of the learner it is."""
    algorithm = inside.algorithm
    if isinstance(algorithm, TrialLearner):
        inside.progress(0.0, "Acting in all tasks")
        query = inside.tasks.query
        with torch.no_grad():
            acted = algorithm.act(inside.meta, query, seeded(ACTED, 0))
            memory = algorithm.remembered(inside.meta, query | acted)
        if memory is None:
            raise LackingError(f"{inside.title} keeps no memory that could be put on a map")
        return memory, ["memory"]

    def of_task(meta: Params, task: Episode) -> Params:
        return moving(inside.adapted(meta, task.support))

    found = inside.of_each(of_task, 0.0, 0.9)
    differ = {name: each.flatten(1) for name, each in found.items() if bool((each != each[:1]).any())}
    if not differ:
        raise LackingError(f"{inside.title} is the same on all tasks: there is nothing to map")
    return torch.cat(list(differ.values()), 1), list(differ)


def on_a_map(made: Tensor) -> tuple[Tensor, Tensor]:
    """The first two principal components ``[T, 2]``, and the share of the variance that each holds."""
    centred = made.double() - made.double().mean(0)
    u, lengths, _ = torch.linalg.svd(centred @ centred.T)  # of tasks by tasks: weights may be many
    share = lengths / lengths.sum()
    signs = torch.where(u.sum(0) < 0, -1.0, 1.0)
    return (u * signs * lengths.sqrt())[:, :2], share[:2]


def draw(inside: Inside) -> Figure:
    made, names = coordinates(inside)
    whole = made.isfinite().all(1)
    made = made[whole]
    if len(made) < FEWEST:
        raise LackingError(f"{len(made)} of the tasks can be put on a map; ask for {FEWEST} or more tasks")
    places, share = on_a_map(made)
    if not bool(share.isfinite().all()):
        raise LackingError(f"{inside.title} is the same on all tasks: there is nothing to map")
    x, y = places.numpy().T
    hidden = {name: each[whole].double().numpy() for name, each in inside.family.hidden(inside.tasks).items()}
    hidden = {name: each for name, each in hidden.items() if np.ptp(each) > 0}
    axes = [f"PC {at + 1} ({float(part):.0%})" for at, part in enumerate(share)]
    told = {name: _explained(places.numpy(), each) for name, each in hidden.items()}
    shown = sorted(hidden, key=lambda name: -told[name])[:MOST_PANELS]
    panels = [
        Panel(
            f"By {name.replace('_', ' ')} (R² {told[name]:.2f})",
            axes[0],
            axes[1],
            curves=_bands(x, y, name.replace("_", " "), hidden[name], at),
        )
        for at, name in enumerate(shown)
    ]
    plain = Curve("", RUNS[0], x, y, kind="markers", small=True)
    panels = panels or [Panel("Tasks", axes[0], axes[1], curves=(plain,))]
    numbers = np.flatnonzero(whole.numpy()) + inside.first + 1
    rows = tuple(
        {"task": int(number), "component_1": float(x[at]), "component_2": float(y[at])}
        | {name: float(each[at]) for name, each in hidden.items()}
        for at, number in enumerate(numbers)
    )
    what = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    caption = (
        f"{len(made)} meta-test tasks by {made.shape[1]:,} numbers ({what}); the map holds "
        f"{float(share.sum()):.0%} of their variance, each principal component (PC) the share beside it."
    )
    lost = int((~whole).sum())
    caption += f" {lost} diverged and are left out." if lost else ""
    if not hidden:
        caption += " The task family tells no hidden parameter to colour them by."
    else:
        caption += " R²: how much of a hidden parameter's variance a plane over the map tells."
    if len(hidden) > len(shown):
        rest = max(told[name] for name in hidden if name not in shown)
        caption += f" Of {len(hidden)} parameters those with the highest; the others have at most {rest:.2f}."
    columns = 2 if len(panels) == 4 else min(3, len(panels))
    return Figure("inside_tasks", tuple(panels), caption, columns=columns, table=rows)


def _explained(places: NDArray[np.float64], hidden: NDArray[np.float64]) -> float:
    """The share of a parameter's variance that is linear in the places."""
    known = np.column_stack([places, np.ones(len(places))])
    off = hidden - known @ np.linalg.lstsq(known, hidden, rcond=None)[0]
    return float(1 - off.var() / hidden.var())


def _bands(
    x: NDArray[np.float64], y: NDArray[np.float64], name: str, hidden: NDArray[np.float64], panel: int
) -> tuple[Curve, ...]:
    """The tasks by the part of a hidden parameter's range that they are in, dark to pale."""
    ends = np.quantile(hidden, np.linspace(0, 1, BANDS + 1))
    ends = np.unique(ends)
    band = np.clip(np.searchsorted(ends, hidden, side="right") - 1, 0, max(0, len(ends) - 2))
    digits = max(0, 1 - math.floor(math.log10(ends[-1] - ends[0])))
    curves = []
    for at in np.unique(band):
        own = band == at
        label = f"{name} {ends[at]:.{digits}f} to {ends[at + 1]:.{digits}f}".replace("-", "\N{MINUS SIGN}")
        label = label if at in (0, len(ends) - 2) else ""  # those between follow from the shade
        shade = -0.6 + 1.2 * at / max(1, len(ends) - 2)
        curves.append(Curve(label, RUNS[panel % len(RUNS)], x[own], y[own], kind="markers", shade=shade))
    return tuple(curves)
