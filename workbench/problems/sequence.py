"""Sequences: what is to be said of a source is a whole sequence of tokens.

``x`` int64 ``[n, S]`` holds the tokens of sources, ``y`` int64 ``[n, P]`` those of targets, both numbered
from 1; 0 is where a sequence is over, and the last place of a target always is. Where tasks have different
numbers of pairs, those that are not there have no source (0 alone), and −1 everywhere in their target.

A learner is asked about sources beside what has been said so far, ``[n, S + P]``, and says the logits of the
token at every place, ``[n, P, V + 1]``: those at a place by what comes before it, nothing else. Token 0 ends
the sequence. In training what comes before is right; what is measured is said freely, each token by the
learner's own before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.measures import LOSS, Measure, declare
from workbench.pictures import MUTED, RIGHT, WRONG, Drawing, Line, Panel, Word
from workbench.problems.base import Array, Data, Predict, Problem, Supervised
from workbench.problems.predicted import Example, Predicted
from workbench.words import plural

if TYPE_CHECKING:
    from torch import Tensor

EXACT = Measure("exact", "Sequences right", "higher", share=True, on="whole sequences that are said freely")
TOKEN_ACCURACY = Measure(
    "token_accuracy",
    "Tokens right",
    "higher",
    share=True,
    on="tokens of the right sequence, its end included, that stand at their place in what is said freely",
)
EDIT_DISTANCE = Measure(
    "edit_distance",
    "Edit distance",
    "lower",
    unit="tokens",
    on="tokens to insert, delete or replace in what is said freely",
)

declare(EXACT, TOKEN_ACCURACY, EDIT_DISTANCE)

PARTS = "parts"
"""Of a query: how many functions it has, int64 ``[n]``; not in every family."""

ABSENT = -1
"""Stands everywhere in the target of a pair that is not there."""

MOST_PAIRS, FEW = 10, 2
"""Pairs of a support set, and of what is asked, that are shown of a task before anything is learned."""

LEFT_OUT = "∅"


@dataclass(frozen=True)
class Structures:
    """The structures that languages may have, of which each says a sentence as symbols in its own order.

    Attributes
    ----------
    readings : sources ``[n, S]`` to what each structure makes of them, int64 ``[structures, n, P]``: symbols
        from 1, where 0 is the end; the symbol of a source's token is the token's number.
    symbols : how many symbols there are.
    """

    readings: Callable[[Tensor], Tensor]
    symbols: int


class Sequences(Supervised):
    """Sequences of tokens to be said of sequences of tokens.

    Parameters
    ----------
    source, target : the tokens in words, in the order of their numbers, from 1.
    structures : those that a task may have, where that is known.
    places : P, of what is said where nobody knows what is right.
    """

    name = "sequence"
    title = "Sequences"
    gives = frozenset({"gradient", "pairs", "tokens"})
    measures = (EXACT, TOKEN_ACCURACY, EDIT_DISTANCE, LOSS.said("Cross-entropy of a token", unit="nats"))
    kept = {"right": "b", PARTS: "i"}  # noqa: RUF012
    adapted = EXACT
    compilable = False  # attention in an inner loop takes minutes
    most_tasks = 1

    def __init__(
        self,
        source: Sequence[str] = (),
        target: Sequence[str] = (),
        structures: Structures | None = None,
        *,
        places: int = 1,
    ) -> None:
        self.source, self.target, self.structures = tuple(source), tuple(target), structures
        self.places = places

    def unlike(self, other: Problem) -> str:
        same = isinstance(other, Sequences) and (self.source, self.target) == (other.source, other.target)
        return "" if same else "words are others"

    # --- of one task ---------------------------------------------------------------------------------

    def of(self, prediction: Tensor, y: Tensor) -> Tensor:
        from torch.nn import functional as F

        right = y.masked_fill(~counted(y), ABSENT)
        return F.cross_entropy(prediction.flatten(0, 1), right.flatten(), ignore_index=ABSENT)

    def asked(self, data: Data) -> Tensor:
        return beside(data["x"], data["y"].clamp_min(0))

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        y, said = data["y"], spoken(predict, data["x"], data["y"].shape[-1])
        there, hit = counted(y), said == y
        return {
            LOSS.name: self.loss(predict, data),
            EXACT.name: hit.all(-1).to(data_type()).mean(),
            TOKEN_ACCURACY.name: (hit & there).sum().to(data_type()) / there.sum(),
            EDIT_DISTANCE.name: edit_distance(said, y).to(data_type()).mean(),
        }

    def details(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """Whether each query is right as a whole, and how much there is to it where that is told."""
        right = (spoken(predict, data["x"], data["y"].shape[-1]) == data["y"]).all(-1)
        return {"right": right} | {name: data[name] for name in (PARTS,) if name in data}

    def shown(self, prediction: Tensor) -> Tensor:
        return prediction.softmax(-1)

    def targets(self, y: Tensor, outputs: int) -> Tensor:
        from torch.nn import functional as F

        return F.one_hot(y.clamp_min(0), outputs)

    def mixed(self, outputs: Tensor, log_weights: Tensor) -> Tensor:
        """The log of the members' mean probability of each token."""
        return (outputs.log_softmax(-1) + log_weights[:, None, None, None]).logsumexp(0)

    def diverged(self, loss: Array, reference: float | None = None) -> NDArray[np.bool_]:
        """Those that are not finite: where most tasks are right, the few that are not cost a hundred times
        their mean, and nothing has gone astray."""
        return ~np.isfinite(loss)

    # --- to be looked at -----------------------------------------------------------------------------

    def predicted(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        places = data["y"].shape[-1] if "y" in data else self.places
        return {"said": spoken(predict, data["x"], places)}

    def example(self, task: Example) -> Drawing:
        """Pairs of the support set, and below them what is asked."""
        support, query = self._pairs(task.support), self._pairs(task.query)
        lines = [*_some_of(support), (Word("asked:", MUTED),)]
        lines += [line for a, b in query[:FEW] for line in said_of(a, b)]
        words = f"Learners see {plural(len(support), 'pair')}; {len(query)} more are asked."
        return Drawing(Panel(lines=tuple(lines)), "Pairs", "", words)

    def picture(self, task: Predicted) -> Drawing:
        """What is said of each query; tokens that differ from what is right are marked."""
        query, said = self._pairs(task.query), task.outputs["said"][-1].astype(np.int64)
        known = self.known(task.query)
        lines: list[Line] = []
        rows: list[dict[str, Any]] = []
        for at, (source, right) in enumerate(query):
            own = words_of(said[at], self.target)
            lines += said_of(source, own, right if known else None)
            row = {"query": at + 1, "source": " ".join(source), "said": " ".join(own)}
            rows.append(row | ({"right": " ".join(right), "correct": own == right} if known else {}))
        share = task.measured[EXACT.name] if known else np.zeros(0)
        told = f"{share[-1]:.0%} right" if len(share) == 1 else ""
        told = f"{share[0]:.0%} → {share[-1]:.0%} right" if len(share) > 1 else told
        support = self._pairs(task.support)
        shown = [line for a, b in query for line in said_of(a, b)]
        shown += [(Word("studied:", MUTED),), *_some_of(support)]
        return Drawing(
            Panel(lines=tuple(lines)),
            "Sequences said",
            told,
            "Said freely, each token by the learner's own before it; what differs is underlined, and "
            f"{LEFT_OUT} is what was left out.",
            tuple(rows),
            task=f"{plural(len(support), 'pair')} studied",
            truth=Panel(lines=tuple(shown)) if known else None,
        )

    def _pairs(
        self, part: Mapping[str, NDArray[np.generic]]
    ) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """The pairs that are there, in words; of queries of which nobody knows what is right, without it."""
        x = part["x"].astype(np.int64)
        y = part["y"].astype(np.int64) if "y" in part else np.zeros((len(x), 1), np.int64)
        there = x[:, 0] > 0
        return [
            (words_of(a, self.source), words_of(b, self.target))
            for a, b in zip(x[there], y[there], strict=True)
        ]


# --- tokens ------------------------------------------------------------------------------------------


def data_type() -> Any:
    """Of measures."""
    import torch

    return torch.get_default_dtype()


def beside(x: Tensor, said: Tensor) -> Tensor:
    """What a learner is asked: sources ``[n, S]`` beside what has been said, ``[n, P]``."""
    import torch

    return torch.cat([x, said.to(x.dtype)], -1)


def counted(y: Tensor) -> Tensor:
    """The places of targets that count, bool ``[…, P]``: of their tokens, and of the end."""
    over = (y <= 0).cumsum(-1)
    return (y > 0) & (over == 0) | (y == 0) & (over == 1)


def spoken(predict: Predict, x: Tensor, places: int) -> Tensor:
    """What a learner says of sources ``[n, S]``, the likeliest token at each place by its own before it,
    int64 ``[n, P]``."""
    import torch

    said, going = [torch.zeros_like(x[:, 0])] * places, torch.ones_like(x[:, 0], dtype=torch.bool)
    for at in range(places):
        token = predict(beside(x, torch.stack(said, -1)))[:, at].argmax(-1)
        said[at] = torch.where(going, token, 0).to(x.dtype)
        going = going & (said[at] > 0)
    return torch.stack(said, -1)


def edit_distance(a: Tensor, b: Tensor) -> Tensor:
    """Levenshtein's distance of sequences ``[n, P]`` that end with 0, in tokens, ``[n]``."""
    import torch

    of_a, of_b = ((each > 0).sum(-1) for each in (a, b))
    steps = torch.arange(b.shape[-1] + 1, device=b.device)
    row = steps.expand(len(b), -1)
    rows = [row]
    for at in range(a.shape[-1]):
        replaced = row[:, :-1] + (a[:, at : at + 1] != b)
        best = torch.cat([row[:, :1] + 1, torch.minimum(row[:, 1:] + 1, replaced)], -1)
        row = (best - steps).cummin(-1).values + steps  # insertions, one after the other
        rows.append(row)
    table = torch.stack(rows, 1)
    ends = table.gather(1, of_a[:, None, None].expand(-1, 1, table.shape[-1]))[:, 0]
    return ends.gather(1, of_b[:, None])[:, 0]


def numbered(tokens: Tensor, many: int) -> tuple[Tensor, int]:
    """The tokens that stand somewhere, numbered in their order.

    Parameters
    ----------
    tokens : from 1; 0 is none.
    many : the greatest that there may be.

    Returns
    -------
    number : of each token, ``[many + 1]``; G of none, and of those that stand nowhere.
    G : as many as there is room for.
    """
    import torch

    flat, room = tokens.flatten(), min(many, tokens.numel())
    met = torch.zeros(many + 1, dtype=torch.bool, device=tokens.device)
    met = met.scatter(0, flat, torch.ones_like(flat, dtype=torch.bool))
    met = torch.cat([torch.zeros_like(met[:1]), met[1:]])
    return torch.where(met, met.cumsum(0) - 1, room), room


def words_of(tokens: NDArray[np.int64], words: Sequence[str]) -> tuple[str, ...]:
    """Tokens in words, up to the end; by their numbers where they have none."""
    found = []
    for each in tokens.tolist():
        if each <= 0:
            break
        found.append(words[each - 1] if each <= len(words) else str(each))
    return tuple(found)


def said_of(
    source: Sequence[str], said: Sequence[str], right: Sequence[str] | None = None
) -> tuple[Line, Line]:
    """A pair as two lines; what differs from what is right is marked."""
    first = tuple(Word(each, MUTED) for each in source)
    if right is None:
        return first, (Word("→", MUTED), *map(Word, said))
    if tuple(said) == tuple(right):
        return first, (Word("✓", RIGHT), *map(Word, said))
    return first, (Word("✗", WRONG), *compared(said, right))


def _some_of(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> list[Line]:
    """Pairs as lines, of many the first."""
    lines: list[Line] = [line for a, b in pairs[:MOST_PAIRS] for line in said_of(a, b)]
    more = len(pairs) - MOST_PAIRS
    return [*lines, (Word(f"… {more} more", MUTED),)] if more > 0 else lines


def compared(said: Sequence[str], right: Sequence[str]) -> Line:
    """What is said, of which is marked what differs from what is right."""
    from difflib import SequenceMatcher

    found: list[Word] = []
    for kind, start, stop, first, last in SequenceMatcher(None, said, right, autojunk=False).get_opcodes():
        if kind == "equal":
            found += map(Word, said[start:stop])
            continue
        found += [Word(each, WRONG, marked=True) for each in said[start:stop]]
        found += [Word(LEFT_OUT, WRONG, marked=True)] * max(0, (last - first) - (stop - start))
    return tuple(found)
