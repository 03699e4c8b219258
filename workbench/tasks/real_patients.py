"""Real patients of an imported table, whom learners of simulated ones are tested on.

Each has one dose; times are those since it, in hours, doses in mg/kg and concentrations in mg/L. Known are so
many samples of a patient, evenly among the early ones; all others are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.data import registry
from workbench.errors import DataError
from workbench.tasks.standard import Floats
from workbench.tasks.subject_tables import SubjectTable, filled_up, spread_out
from workbench.words import plural, shown

if TYPE_CHECKING:
    from workbench.tasks.pharmacokinetics import PharmacokineticsConfig

FEWEST = 3
"""Patients, as of every table of subjects."""

CURVE = 120
"""Times at which a patient's course is drawn."""

CONCENTRATIONS = ("", "mg/l", "µg/ml", "μg/ml", "ug/ml", "mcg/ml")
HOURS: Mapping[str, float] = {
    **dict.fromkeys(("", "h", "hr", "hrs", "hour", "hours"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 1 / 60),
    **dict.fromkeys(("d", "day", "days"), 24.0),
}
"""How many hours a unit of time is."""

WEIGHTS = ("wt", "weight", "bodyweight", "body_weight", "bw")
"""What the column of weights in kg is called, by which a dose in mg is one in mg/kg."""


class Patient(NamedTuple):
    """One patient: the dose in mg/kg, and samples in their order: hours since the dose and mg/L, ``[n]``."""

    name: str
    dose: float
    time: Floats
    value: Floats


class Sets(NamedTuple):
    """Samples of patients, ``[patients, n]``; of weight 0 where they only fill up or are no samples."""

    time: Tensor
    value: Tensor
    weight: Tensor


class RealPatients:
    """The patients of a table.

    Parameters
    ----------
    name : of the imported table.
    config : what is simulated: the times of samples and queries, the doses, and how many samples are known.

    Attributes
    ----------
    patients : those that serve.
    notes : who does not and why, and what is assumed.

    Raises
    ------
    DataError
        If there is no such table, its units are others, or fewer than three patients serve.
    """

    def __init__(self, name: str, config: PharmacokineticsConfig) -> None:
        held = registry.load(name, "subjects")
        own = held.manifest
        self._where, self._config = f"data set {name!r}", config
        self._table = SubjectTable.of(own.names, own.counts, held.arrays)
        self._left: dict[str, list[str]] = {}
        hours, weights = self._hours(), self._weights()
        self._outside = 0
        found = [self._patient(at, hours, weights) for at in range(len(self._table.names))]
        self.patients = [each for each in found if each is not None]
        if len(self.patients) < FEWEST:
            why = "; ".join(f"{len(who)} {why}" for why, who in self._left.items())
            raise DataError(
                f"{self._where}: {plural(len(self.patients), 'patient')} of {len(found)} serve as a test; at "
                f"least {FEWEST} are needed ({why})"
            )
        self.doses = torch.tensor([each.dose for each in self.patients])
        self.notes = tuple(self._told())

    # --- units -------------------------------------------------------------------------------------------

    def _hours(self) -> float:
        words = self._table.words
        if words.unit.lower() not in CONCENTRATIONS:
            raise DataError(
                f"{self._where}: {words.outcome} is in {shown(words.unit)}, but patients are simulated in "
                "mg/L; convert it and import it again"
            )
        if words.time_unit.lower() not in HOURS:
            raise DataError(
                f"{self._where}: {words.time} is in {shown(words.time_unit)}, but patients are simulated in "
                "hours; convert it and import it again"
            )
        return HOURS[words.time_unit.lower()]

    def _weights(self) -> Floats | None:
        """What amounts are divided by; None: by nothing."""
        words, table = self._table.words, self._table
        if not table.dosed:
            raise DataError(f"{self._where}: has no doses, which simulated patients have")
        if words.dose_unit.lower() in ("", "mg/kg"):
            return None
        if words.dose_unit.lower() != "mg":
            raise DataError(
                f"{self._where}: {words.dose} is in {shown(words.dose_unit)}, but patients are simulated in "
                "mg/kg; convert it and import it again"
            )
        names = [each.lower().split(" (")[0] for each in words.covariates]
        at = next((number for number, each in enumerate(names) if each in WEIGHTS), None)
        if at is None:
            raise DataError(
                f"{self._where}: {words.dose} is in mg, and no column of weights ({', '.join(WEIGHTS[:2])}) "
                "makes mg/kg of it; add one and import it again"
            )
        found: Floats = table.covariates[:, at]
        return found

    # --- patients ----------------------------------------------------------------------------------------

    def _patient(self, at: int, hours: float, weights: Floats | None) -> Patient | None:
        table, config = self._table, self._config
        doses = table.doses_of(at)
        name = table.names[at]
        if len(doses) != 1:
            return self._without(name, "have no dose" if not len(doses) else "have several doses")
        dose = float(doses[0, 1] / (1.0 if weights is None else weights[at]))
        if not np.isfinite(dose) or dose <= 0:
            return self._without(name, "have no weight")
        own = slice(int(table.first[at]), int(table.first[at] + table.counts[at]))
        time, value = hours * (table.time[own] - doses[0, 0]), table.y[own]
        first, last = config.times
        inside = (time >= first - 1e-9) & (time <= last + 1e-9)
        self._outside += int((~inside).sum())
        found = Patient(name, dose, time[inside], value[inside])
        if len(self._early(found)) < config.shots:
            low, high = config.samples
            return self._without(name, f"have not {config.shots} samples from {low:g} to {high:g} h (shots)")
        if len(found.time) <= config.shots:
            return self._without(name, "have no other sample to be predicted")
        return found

    def _without(self, name: str, why: str) -> Patient | None:
        """Nobody, and why."""
        self._left.setdefault(why, []).append(name)
        return None

    def _early(self, patient: Patient) -> list[int]:
        low, high = self._config.samples
        return np.flatnonzero((patient.time >= low - 1e-9) & (patient.time <= high + 1e-9)).tolist()

    def _told(self) -> list[str]:
        words, count = self._table.words, len(self._table.names)
        told = [
            f"{self._where}: left out, since they {why}, {len(who)} of {count} patients: "
            + ", ".join(map(shown, who))
            for why, who in self._left.items()
        ]
        first, last = self._config.times
        if self._outside:
            told.append(
                f"{self._where}: {plural(self._outside, 'sample')} outside of {first:g} to {last:g} h after "
                "the dose are not used"
            )
        assumed = [
            f"{name} in {unit}"
            for name, said, unit in (
                (words.outcome, words.unit, "mg/L"),
                (words.time, words.time_unit, "h"),
                (words.dose, words.dose_unit, "mg/kg"),
            )
            if not said
        ]
        if assumed:
            told.append(f"{self._where}: units are not said; taken are {', '.join(assumed)}")
        low, high = self._config.dose
        far = [each.name for each in self.patients if not low <= each.dose <= high]
        if far:
            told.append(
                f"{self._where}: the doses of {plural(len(far), 'patient')} lie outside of the simulated "
                f"{low:g} to {high:g} mg/kg: {', '.join(map(shown, far))}"
            )
        return told

    # --- sets --------------------------------------------------------------------------------------------

    def sets(self, shots: int, queries: int) -> tuple[Sets, Sets]:
        """Support and query samples of all patients."""
        known = [spread_out(self._early(each), shots) for each in self.patients]
        asked = [
            spread_out([row for row in range(len(each.time)) if row not in own], queries)
            for each, own in zip(self.patients, known, strict=True)
        ]
        return self._sets(known), self._sets(asked)

    def _sets(self, rows: list[list[int]]) -> Sets:
        places, weights = filled_up(rows)
        time, value = (
            torch.tensor(
                np.array(
                    [getattr(p, what)[own] for p, own in zip(self.patients, places.numpy(), strict=True)]
                ),
                dtype=torch.float32,
            )
            for what in ("time", "value")
        )
        return Sets(time, value, weights)

    def between(self, patient: int) -> Sets:
        """Times all along a patient's course, of weight 0; values are on straight lines between samples."""
        own = self.patients[patient]
        times = np.linspace(min(self._config.times[0], own.time[0]), own.time[-1], CURVE)
        values = np.interp(times, own.time, own.value)
        time, value = (torch.tensor(each[None], dtype=torch.float32) for each in (times, values))
        return Sets(time, value, torch.zeros_like(time))
