"""What a sweep tries next, as Optuna proposes it (Akiba et al., KDD 2019, arXiv 1907.10902).

TPE: tree-structured Parzen estimators (Bergstra et al., NeurIPS 2011). A trial follows from the seed, its
number and the trials that are told, from nothing else: whoever proposes it again proposes the same, and all
algorithms begin with the same draws, so that none is luckier than another.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from workbench.config import Range, Sweep, Value
from workbench.errors import InputError
from workbench.project import Tried

STARTING = 5
"""Whole trials before one is given up, as with Optuna's median pruner."""


class SweepError(InputError):
    """A sweep that cannot be; the message is one line."""


@dataclass(frozen=True)
class Proposer:
    """What is tried of one algorithm.

    Parameters
    ----------
    ranges : of the settings, and whether each is of whole numbers.
    algorithm : its place in the experiment.
    sign : 1 where more of the objective is better, -1 where less is.
    """

    sweep: Sweep
    ranges: Sequence[tuple[Range, bool]]
    algorithm: int
    sign: int

    @property
    def trials(self) -> int:
        """How many there are."""
        if not self.ranges:
            return 0
        if self.sweep.method == "grid":
            return math.prod(len(_points(each, whole)) for each, whole in self.ranges)
        return self.sweep.trials

    def propose(self, number: int, earlier: Sequence[Tried]) -> dict[str, Value]:
        """The values of a trial, from those that are over.

        Raises
        ------
        SweepError
            If Optuna is not installed, where it is asked.
        """
        if self.sweep.method == "grid":
            every = product(*(_points(each, whole) for each, whole in self.ranges))
            values = next(row for at, row in enumerate(every, 1) if at == number)
            return {each.field: value for (each, _), value in zip(self.ranges, values, strict=True)}
        demand()
        import optuna  # takes a second, and only a sweep needs it

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        seed = np.random.SeedSequence((self.sweep.seed, number)).generate_state(1)[0]
        samplers = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
        study = optuna.create_study(
            direction="maximize" if self.sign > 0 else "minimize",
            sampler=samplers[self.sweep.method](seed=int(seed)),
        )
        ways = {each.field: _distribution(each, whole) for each, whole in self.ranges}
        study.add_trials([self._told(each, ways) for each in earlier])
        asked = study.ask(ways).params
        return {each.field: _value(each, asked[each.field]) for each, _ in self.ranges}

    def limits(self, earlier: Sequence[Tried]) -> dict[int, float]:
        """What the best validation of a new trial must reach, by meta-iterations: the median of whole trials
        there (the median rule of Golovin et al., KDD 2017, as Optuna has it)."""
        whole = [each for each in earlier if each.whole]
        if self.sweep.pruning is None or len(whole) < STARTING:
            return {}
        places = sorted({at for each in whole for at in each.validations})
        return {at: median(e.validations[at] for e in whole if at in e.validations) for at in places}

    def _told(self, trial: Tried, ways: Mapping[str, Any]) -> Any:
        """A trial as Optuna keeps it; one that failed was given up before it came to anything."""
        import optuna

        states = optuna.trial.TrialState
        return optuna.trial.create_trial(
            params={each.field: _as_asked(each, trial.values[each.field]) for each, _ in self.ranges},
            distributions=dict(ways),
            value=trial.value if trial.whole else None,
            state=states.COMPLETE if trial.whole else states.PRUNED,
            intermediate_values=dict(trial.validations) if trial.value is not None else {},
        )


def demand() -> None:
    """Refuse to go on without Optuna.

    Raises
    ------
    SweepError
        If it is not installed.
    """
    if importlib.util.find_spec("optuna") is None:
        raise SweepError("Optuna is not installed, which proposes trials: pip install optuna")


def ends(tried: Range, whole: bool) -> list[Value]:
    """The values between which all that is tried lies; where values are named, all of them."""
    if tried.values is not None or tried.low is None or tried.high is None:
        return list(tried.values or ())
    return [int(tried.low), int(tried.high)] if whole else [tried.low, tried.high]


def _points(tried: Range, whole: bool) -> list[Value]:
    """The values of a grid."""
    if tried.values is not None or tried.low is None or tried.high is None:
        return list(tried.values or ())
    spread = np.geomspace if tried.log else np.linspace
    found = spread(tried.low, tried.high, tried.points or 2).tolist()
    found[0], found[-1] = tried.low, tried.high  # not what comes of it in the last bit
    return list(dict.fromkeys(round(each) for each in found)) if whole else found


def _distribution(tried: Range, whole: bool) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if tried.values is not None:
        return CategoricalDistribution(range(len(tried.values)))  # their places: a list is no choice
    assert tried.low is not None
    assert tried.high is not None
    if whole:
        return IntDistribution(int(tried.low), int(tried.high), log=tried.log)
    return FloatDistribution(tried.low, tried.high, log=tried.log)


def _value(tried: Range, asked: Any) -> Value:
    """What Optuna proposes, as the setting has it."""
    found: Value = asked if tried.values is None else tried.values[asked]
    return found


def _as_asked(tried: Range, value: Any) -> Any:
    """The inverse of :func:`_value`."""
    if tried.values is None:
        return value
    places = [repr(each if not isinstance(each, tuple) else list(each)) for each in tried.values]
    return places.index(repr(list(value) if isinstance(value, tuple | list) else value))
