"""A dictionary by alignment: the first translation model of Brown, Della Pietra, Della Pietra, Mercer, "The
mathematics of statistical machine translation: parameter estimation", Computational Linguistics 1993.

Expectation maximisation on the support pairs says how likely each word of the target is for each of the
source, t(v | a). A query is put word by word, in the order of the source; or, where the structures that
languages may have are known, in that of the structure by whose order the support pairs are likeliest, whose
particles and endings count as words of the source.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from workbench.algorithms.base import Citation, OuterStep, Params, settled
from workbench.algorithms.closed_form import ClosedForm
from workbench.algorithms.nearest_sentence import SURE
from workbench.config import EpisodeSize, Untrained, setting
from workbench.errors import InputError
from workbench.problems import Problem
from workbench.problems.sequence import Sequences, numbered
from workbench.tasks.base import Data

ROUNDS = 20
LEAST = 1e-9


class DictionaryConfig(Untrained):
    needs = frozenset({"tokens"})
    episodic = False

    kind: Literal["dictionary"] = "dictionary"
    order: Literal["source", "best"] | None = setting(
        None,
        titles={"source": "of the source", "best": "the best structure's"},
        where={"": "source", "structures": "best"},
        help="The order of what is said: that of the source, or of the structure that fits best, where the "
        "family says which there are.",
    )

    def privileges(self, problem: type[Problem]) -> str:
        return "knows the structures that languages may have" if self.order == "best" else ""


class Dictionary(ClosedForm):
    """Word by word, by IBM model 1."""

    Config = DictionaryConfig
    title = "Dictionary"
    family = "reference"
    summary = "Aligns the words of the support pairs (IBM model 1) and translates word by word."
    citation = Citation(
        "P. F. Brown, S. A. Della Pietra, V. J. Della Pietra, R. L. Mercer",
        "The Mathematics of Statistical Machine Translation: Parameter Estimation",
        "Computational Linguistics",
        1993,
    )
    config: DictionaryConfig
    problem: Sequences

    def check(self, size: EpisodeSize) -> None:
        if self.problem.structures is None and settled(self.config.order) == "best":
            raise InputError(
                'dictionary: order = "best" needs a family that says which structures there are (languages); '
                'use order = "source"'
            )

    def initial(self, generator: torch.Generator) -> Params:
        return {}

    def start(self, meta: Params, support: Data) -> Params:
        y = support["y"].long().clamp_min(0)
        symbols, many = self._readings(support["x"].long())
        number, met = numbered(symbols, many)
        word, words = numbered(y, self.shape.outputs - 1)
        f, e = of_pairs(number[symbols], met), of_pairs(word[y], words)
        if not self._chooses:  # what stands for no word of the source
            f = torch.cat([f, torch.ones_like(f[..., :1])], -1)
        t = aligned(f, e)
        best = self._best(t, number[symbols], word[y]) if self._chooses else symbols.new_zeros(())
        return {"t": t[best, :met], "structure": best, "number": number, "word": word}

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        places, t = self.shape.places, learner["t"]
        symbols, _ = self._readings(x[:, : self.shape.input_shape[0] - places].long())
        own = symbols[learner["structure"]]
        known = learner["number"][own] < len(t)
        order = (~known).to(torch.int8).argsort(dim=-1, stable=True)  # what nobody knows is left out
        number, known = learner["number"][own].gather(-1, order), known.gather(-1, order)
        words = F.pad(t, (0, 1))[number.clamp_max(len(t) - 1)][..., learner["word"][1:]]
        said = F.pad(words.clamp_min(LEAST).log(), (1, 0), value=-SURE)
        end = F.one_hot(torch.zeros_like(number), said.shape[-1]) * SURE - SURE
        return torch.where(known[..., None], said, end.to(said.dtype))[:, :places]

    @property
    def _chooses(self) -> bool:
        """Whether a structure is chosen."""
        return settled(self.config.order) == "best"

    def _best(self, t: Tensor, symbols: Tensor, words: Tensor) -> Tensor:
        """The structure by whose order the support pairs are likeliest.

        Parameters
        ----------
        symbols, words : their numbers, ``[structures, K, P]`` and ``[K, P]``; beyond those of t where a
            sequence is over.
        """
        chance = F.pad(t, (0, 1, 0, 1))
        over = F.pad(torch.zeros_like(t[:1]), (0, 1, 0, 1))
        over[..., -1, -1] = 1.0
        which = torch.arange(len(t), device=t.device)[:, None, None]
        return (chance + over)[which, symbols, words].clamp_min(LEAST).log().sum((-1, -2)).argmax()

    def _readings(self, x: Tensor) -> tuple[Tensor, int]:
        """Sources as symbols in every order that counts, ``[structures, n, places]``, and how many symbols
        there are."""
        if self._chooses:
            assert self.problem.structures is not None
            return self.problem.structures.readings(x), self.problem.structures.symbols
        return F.pad(x, (0, max(0, self.shape.places - x.shape[-1])))[None], self.shape.vocabulary - 1

    @property
    def outer(self) -> OuterStep:
        return OuterStep(lambda meta, episode: ({}, self.loss(meta, episode)))  # nothing could be moved


def of_pairs(numbers: Tensor, many: int) -> Tensor:
    """How often each of so many stands in each pair, ``[…, pairs, many]``, of ``[…, pairs, places]``."""
    return F.one_hot(numbers, many + 1)[..., :-1].sum(-2).to(torch.get_default_dtype())


def aligned(f: Tensor, e: Tensor) -> Tensor:
    """t(v | a), ``[structures, a, v]``, by counts of both in pairs, ``[structures, pairs, a]`` and ``[pairs,
    v]``."""
    met = (e.sum(0) > 0).to(f.dtype)
    t = (met / met.sum()).expand(len(f), f.shape[-1], -1)
    for _ in range(ROUNDS):
        expected = e / (f @ t).clamp_min(LEAST)
        counts = t * (f.transpose(-1, -2) @ expected)
        t = counts / counts.sum(-1, keepdim=True).clamp_min(LEAST)
    return t
