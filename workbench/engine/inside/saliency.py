"""Which inputs an adapted learner heeds: gradients, and inputs that are hidden; words that are left out.

Whether a map shows the learner, or only the input, is told by shuffling the weights: Adebayo, Gilmer, Muelly,
Goodfellow, Hardt, Kim, "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv 1810.03292.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vjp, vmap

from workbench.algorithms.base import Params
from workbench.engine.inside.base import Inside, LackingError, colour
from workbench.engine.intervals import mean_interval
from workbench.pictures import Curve, Figure, Panel, Picture, Shade
from workbench.problems.classification import as_pictures
from workbench.problems.sequence import Sequences, beside, counted, spoken
from workbench.problems.sequence import words_of as words_in
from workbench.tasks.text_features import OVER, words_of

Array = NDArray[np.float64]

SHOWN, SHOWN_TEXTS, ASKED, NAMED = 6, 4, 50, 20
"""Pictures and texts that are shown, vectors that are asked about, and inputs that are named of many."""

PATCHES = 7
"""Patches along the side of a picture, of which one after the other is hidden."""

END = "(end)"
FEWEST = 5
"""Numbers without which a rank correlation tells nothing."""


def said(inside: Inside, learner: Params, x: Tensor, chosen: Tensor | None) -> Tensor:
    """What a learner says of inputs, ``[n, …]``: its values, or the logit of the class that was chosen."""
    out = inside.algorithm.predict(learner, x)
    return out if chosen is None else torch.gather(out, -1, chosen[:, None])


def choice(inside: Inside, learner: Params, x: Tensor) -> Tensor | None:
    """The class of each input, ``[n]``; None where there are values."""
    problem = inside.algorithm.problem
    if not {"classes", "sets"} & problem.gives:
        return None
    return torch.argmax(inside.algorithm.predict(learner, x), -1)


def gradients(inside: Inside, learner: Params, x: Tensor, shown: list[int]) -> Tensor:
    """How fast what is said of inputs changes with each of their own numbers, ``[shown, *input_shape]``:
    the norm over all that is said."""
    chosen = choice(inside, learner, x)
    out, back = vjp(lambda at: said(inside, learner, at, chosen), x)[:2]
    found = []
    for at in shown:
        wanted = torch.zeros(out.shape[1], *out.shape, dtype=out.dtype)
        wanted[torch.arange(out.shape[1]), at, torch.arange(out.shape[1])] = 1
        found.append(torch.linalg.vector_norm(vmap(back)(wanted)[0][:, at], dim=0))
    return torch.stack(found)


def hidden(
    inside: Inside, learner: Params, x: Tensor, shown: list[int], masks: Tensor, instead: Tensor
) -> Tensor:
    """How much what is said of inputs changes where a part of them is hidden, ``[masks, shown]``.

    Parameters
    ----------
    masks : ``[masks, *input_shape]``, 1 where something is hidden, in all inputs that are shown at once.
    instead : ``[*input_shape]``, what stands there then.
    """
    chosen, rows = choice(inside, learner, x), torch.tensor(shown)
    before = said(inside, learner, x, chosen)[rows]
    of_shown = torch.zeros(len(x), *[1] * (x.dim() - 1), dtype=x.dtype).index_fill(0, rows, 1)

    def changed(mask: Tensor) -> Tensor:
        cover = mask * of_shown
        after = said(inside, learner, x * (1 - cover) + instead * cover, chosen)[rows]
        apart: Tensor = torch.linalg.vector_norm(after - before, dim=-1)
        return apart

    found = []
    for at, mask in enumerate(masks):
        if at % 16 == 0:
            inside.progress(0.2 + 0.6 * at / len(masks), "Hiding one part after the other")
        found.append(changed(mask))
    return torch.stack(found)


def alike(one: Array, other: Array) -> float:
    """Rank correlation of two maps; NaN where they are too small, or do not vary."""
    from scipy.stats import rankdata

    a, b = rankdata(one.ravel()), rankdata(other.ravel())
    if len(a) < FEWEST or not a.std() or not b.std():
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def draw(inside: Inside) -> Figure:
    inside.must_have_inputs()
    shape = inside.algorithm.shape.input_shape
    if inside.algorithm.shape.places:
        return _of_sequences(inside)
    if inside.algorithm.network.reads_words and len(shape) == 1:
        return _of_words(inside)
    return _of_pictures(inside) if len(shape) == 3 else _of_numbers(inside)


def _asked(inside: Inside) -> tuple[Params, Tensor]:
    """The learner of the first task, and the inputs of its queries."""
    task = inside.one
    with torch.no_grad():
        learner = inside.adapted(inside.meta, task.support)
        x = inside.algorithm.problem.inputs(inside.predictor(learner, task.support), task.query)
    return learner, x.detach()


def _spread(count: int, most: int) -> list[int]:
    """Some of the queries, from all of them."""
    return [round(each) for each in np.linspace(0, count - 1, min(count, most))]


def _twice(inside: Inside, maps: Callable[[Inside], dict[str, Tensor]]) -> tuple[dict[str, Array], str]:
    """The maps by name, and how alike those of shuffled weights are, in a sentence."""
    with torch.no_grad():
        found = {name: each.abs().double().numpy() for name, each in maps(inside).items()}
        inside.progress(0.8, "Shuffling the weights")
        mixed = {name: each.abs().double().numpy() for name, each in maps(inside.shuffled).items()}
    known = {name: alike(each, mixed[name]) for name, each in found.items()}
    told = [f"{name} {value:.2f}" for name, value in known.items() if np.isfinite(value)]
    if not told:
        return found, "Too few inputs to compare them with those of shuffled weights."
    return found, f"Rank correlation with the maps of shuffled weights: {', '.join(told)}."


# --- pictures --------------------------------------------------------------------------------------


def patches(shape: tuple[int, ...]) -> Tensor:
    """Masks of the patches of a picture, ``[patches, *shape]``."""
    _, height, width = shape
    side = max(1, round(max(height, width) / PATCHES))
    found = []
    for top in range(0, height, side):
        for left in range(0, width, side):
            mask = torch.zeros(shape)
            mask[:, top : top + side, left : left + side] = 1
            found.append(mask)
    return torch.stack(found)


def _of_pictures(inside: Inside) -> Figure:
    learner, x = _asked(inside)
    shown = _spread(len(x), SHOWN)
    masks = patches(tuple(x.shape[1:])).to(x.dtype)

    def maps(of: Inside) -> dict[str, Tensor]:
        own = of.adapted(of.meta, of.one.support)
        instead = x.mean((0, 2, 3))[:, None, None].expand(x.shape[1:])
        by_patch = hidden(of, own, x, shown, masks, instead)
        occluded = torch.einsum("pq,phw->qhw", by_patch, masks[:, 0])
        return {"gradient": gradients(of, own, x, shown).mean(1), "occlusion": occluded}

    found, check = _twice(inside, maps)
    with torch.no_grad():
        classes = choice(inside, learner, x)
    heads = [f"query {at + 1}" for at in shown]
    if classes is not None:
        heads = [f"{head}: {int(classes[at]) + 1}" for head, at in zip(heads, shown, strict=True)]
    pixels = as_pictures(x[shown].double().numpy())
    queries = tuple(Picture(each, head) for each, head in zip(pixels, heads, strict=True))
    rows_of = [queries]
    for name, each in found.items():
        rows_of.append(
            tuple(
                Picture(one[None] / (one.max() or 1.0), told=f"{name}, {head}")
                for one, head in zip(each, heads, strict=True)
            )
        )
    panel = Panel(pictures=tuple(rows_of), row_names=("query", *found), row_titles=("Query", *found))
    table = tuple(
        {"query": at + 1, "row": row, "column": column}
        | {n: float(each[k, row, column]) for n, each in found.items()}
        for k, at in enumerate(shown)
        for row in range(x.shape[2])
        for column in range(x.shape[3])
    )
    side = round(max(x.shape[2:]) / PATCHES) or 1
    caption = f"{inside.task_name}, queries with the class that is chosen; below them how fast its logit "
    caption += f"changes with a pixel, and by how much where {side}×{side} pixels are made grey (black: 0). "
    caption += check
    return Figure("inside_saliency", (panel,), caption, table=table)


# --- numbers ---------------------------------------------------------------------------------------


def _of_numbers(inside: Inside) -> Figure:
    _, x = _asked(inside)
    shown, numbers = _spread(len(x), ASKED), x[0].numel()
    masks = torch.eye(numbers, dtype=x.dtype).view(numbers, *x.shape[1:])
    spread = x.std(0)

    def maps(of: Inside) -> dict[str, Tensor]:
        own = of.adapted(of.meta, of.one.support)
        by_number = hidden(of, own, x, shown, masks, x.mean(0))
        slopes = gradients(of, own, x, shown) * spread
        return {"gradient": slopes.flatten(1), "occlusion": by_number.T}

    found, check = _twice(inside, maps)
    known = inside.family.input_names
    names = list(known) if len(known) == numbers else [f"x{at + 1}" for at in range(numbers)]
    order = (
        np.argsort(-found["occlusion"].mean(0), kind="stable")[:NAMED]
        if numbers > NAMED
        else np.arange(numbers)
    )
    across, curves, table = np.arange(len(order), dtype=np.float64), [], []
    for at, (name, each) in enumerate(found.items()):
        of_inputs = [mean_interval(each[:, number]) for number in order]
        mean, half = (np.array(part) for part in zip(*of_inputs, strict=True))
        place = across + 0.12 * (2 * at - 1)
        curves.append(Curve(name, colour(at), place, mean, mean - half, mean + half, kind="markers"))
    for number in range(numbers):
        row: dict[str, Any] = {"input": names[number]}
        for name, each in found.items():
            interval = mean_interval(each[:, number])
            row |= {name: interval.mean, f"{name}_ci95": interval.half_width}
        table.append(row)
    panel = Panel(
        "Inputs that are heeded",
        "input",
        "change of what is said",
        x_names=tuple(names[number] for number in order),
        curves=tuple(curves),
    )
    caption = (
        f"{inside.task_name}, means of {len(shown)} queries with 95% intervals: the gradient for a change by "
    )
    caption += "one standard deviation of an input, and the change where an input is hidden behind its mean."
    caption += f" The {NAMED} strongest of {numbers:,} inputs." if numbers > NAMED else ""
    return Figure("inside_saliency", (panel,), f"{caption} {check}", table=tuple(table))


# --- words -----------------------------------------------------------------------------------------


def _of_words(inside: Inside) -> Figure:
    _, x = _asked(inside)
    shown, length = _spread(len(x), SHOWN_TEXTS), x.shape[1]
    masks, there = torch.eye(length, dtype=x.dtype), x[shown] != OVER
    counts = there.sum(1).tolist()

    def maps(of: Inside) -> dict[str, Tensor]:
        own = of.adapted(of.meta, of.one.support)
        by_word = hidden(of, own, x, shown, masks, torch.full_like(x[0], OVER)).T
        return {"words left out": by_word[there]}

    found, check = _twice(inside, maps)
    left_out = np.split(found["words left out"], np.cumsum(counts)[:-1])
    told = [text for each in (inside.excerpt.query if inside.excerpt else ()) for text in each]
    panels, rows = [], []
    for k, at in enumerate(shown):
        count = counts[k]
        words = words_of(told[at])[:length] if len(told) == len(x) else []
        words = words if len(words) == count else [f"word {n + 1}" for n in range(count)]
        curve = Curve("", colour(0), np.arange(count, dtype=np.float64), left_out[k], kind="markers")
        panels.append(
            Panel(f"Query {at + 1}", "", "change of the logit", x_names=tuple(words), curves=(curve,))
        )
        rows += [
            {"query": at + 1, "position": n + 1, "word": word, "left_out": float(left_out[k][n])}
            for n, word in enumerate(words)
        ]
    if not rows:
        raise LackingError("the queries of this task have no words")
    caption = f"{inside.task_name}, how much the logit of the chosen class changes without each word. {check}"
    return Figure("inside_saliency", tuple(panels), caption, columns=min(2, len(panels)), table=tuple(rows))


# --- sequences -------------------------------------------------------------------------------------


def _of_sequences(inside: Inside) -> Figure:
    """Which words of a source each word of what is said rests on."""
    problem = inside.algorithm.problem
    assert isinstance(problem, Sequences)
    task, places = inside.one, inside.algorithm.shape.places
    x = task.query["x"][_spread(len(task.query["x"]), SHOWN_TEXTS)]
    with torch.no_grad():
        learner = inside.adapted(inside.meta, task.support)
        said = spoken(inside.predictor(learner, task.support), x, places)
    counts = counted(said)

    def maps(of: Inside) -> dict[str, Tensor]:
        own = of.adapted(of.meta, of.one.support)

        def chance(sources: Tensor) -> Tensor:
            shares = of.algorithm.predict(own, beside(sources, said)).softmax(-1)
            return shares.gather(-1, said[..., None].long())[..., 0]

        before, found = chance(x), []
        for at in range(x.shape[1]):
            of.progress(0.2 + 0.6 * at / x.shape[1], "Leaving out one word after the other")
            found.append(before - chance(x.clone().index_fill(1, torch.tensor(at), 0)))
        return {"words left out": torch.stack(found, -1)[counts]}

    found, check = _twice(inside, maps)
    left_out = iter(found["words left out"])
    panels, rows = [], []
    for at, (source, own) in enumerate(zip(x.numpy(), said.numpy(), strict=True)):
        words, places_said = words_in(source, problem.source), int(counts[at].sum())
        answer = [*words_in(own, problem.target), END][:places_said]  # what fills all places has no end
        values = [next(left_out)[: len(words)] for _ in answer]
        panels.append(
            Panel(
                f"Query {at + 1}",
                x_names=words,
                row_names=tuple(answer),
                shades=tuple(
                    tuple(Shade(f"{each:.0%}", min(1.0, float(each))) for each in row) for row in values
                ),
            )
        )
        rows += [
            {"query": at + 1, "said": token, "place": place + 1, "word": word, "left_out": float(each)}
            for place, (token, row) in enumerate(zip(answer, values, strict=True))
            for word, each in zip(words, row, strict=True)
        ]
    caption = (
        f"{inside.task_name}: rows are the words that are said, columns those of the source; how much the "
        f"probability of a word changes where one of the source is left out. {check}"
    )
    return Figure("inside_saliency", tuple(panels), caption, columns=min(2, len(panels)), table=tuple(rows))
