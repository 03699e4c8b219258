"""Simulated patients: the concentration of a drug in the blood after one dose, known at a few early samples.

One or two compartments (:mod:`workbench.tasks.compartments`) whose parameters differ from patient to patient
log-normally about those of the population, by default one like that of theophylline (Boeckmann, Sheiner,
Beal, *NONMEM Users Guide*, part V, 1994). A measured concentration has a proportional and an additive error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from workbench.config import Evaluation, Split, Suits, Training, setting
from workbench.errors import DataError
from workbench.problems.courses import DOSES, SUBJECT, WEIGHT, Course
from workbench.problems.regression import Regression
from workbench.settings import Name
from workbench.tasks.base import Data, Episode, EpisodeSize, Progress, TaskShape
from workbench.tasks.cases import CaseFiles
from workbench.tasks.compartments import Compartments
from workbench.tasks.curves import CurveConfig, Range, hash_of, told_of, uniform
from workbench.tasks.real_patients import RealPatients, Sets
from workbench.tasks.standard import Standard, Standards
from workbench.tasks.subject_cases import OfSubjects, SubjectFiles
from workbench.tasks.subject_tables import SubjectTable, Words, in_turn
from workbench.words import plural

UNITS: Mapping[str, str] = {
    "absorption_rate": "1/h",
    "clearance": "L/h/kg",
    "volume": "L/kg",
    "exchange": "L/h/kg",
    "peripheral_volume": "L/kg",
    "dose": "mg/kg",
}
"""Units of what is hidden of a patient (the dose is not)."""

UNIT, HOURS = "mg/L", "h"
SCALE = 4.0
"""The concentration, in mg/L, that is 1 for a learner."""

_REFERENCE = 2000
"""Patients, and points of each, that the loss of the population's mean is estimated from."""


def _spread(default: float, of: str) -> float:
    help = f"Spread of the {of} between patients: standard deviation of its logarithm."
    return setting(default, rare=True, ge=0, le=3, help=help)  # type: ignore[no-any-return]


class PharmacokineticsConfig(CurveConfig):
    has = frozenset({"times"})
    own_alone = CurveConfig.own_alone | {"test"}
    network: ClassVar[Mapping[str, object]] = {"hidden": (64, 64), "activation": "tanh"}
    suits = Suits(
        Training(iterations=10_000, meta_batch=32, decay="linear"),
        Evaluation(queries=40, inner_steps=3, every=1000),
    )

    family: Literal["pharmacokinetics"] = "pharmacokinetics"
    shots: int = setting(3, ge=1, le=1000, help="Early samples of a patient.")
    queries: int = setting(20, ge=2, le=1000, help="Times at which the concentration is to be predicted.")
    compartments: int = setting(1, ge=1, le=2, help="Compartments of the body.")
    route: Literal["oral", "intravenous"] = setting(
        "oral", help="Whether a dose is absorbed first, or in the blood at once."
    )
    threshold: float | None = setting(
        5.0, ge=0, unit=UNIT, help="Concentration above which the time is counted.", empty="none"
    )
    measured_queries: bool = setting(
        False,
        help="Whether queries have the error of measurement, as in real data; else they are true values. "
        "They have it where a table is the test.",
    )
    test: Name | None = setting(
        None,
        help="The name of an imported table of real patients, who are the meta-test (of another domain: its "
        "tasks): doses in mg/kg, or in mg beside a weight, and concentrations in mg/L.",
        empty="simulated patients",
    )
    samples: Range = setting((0.25, 8.0), rare=True, unit=HOURS, help="First and last time of a sample.")
    times: Range = setting((0.25, 25.0), rare=True, unit=HOURS, help="First and last time of a query.")
    dose: Range = setting((3.0, 6.0), rare=True, unit="mg/kg", help="Smallest and largest dose.")
    absorption_rate: float = setting(1.5, rare=True, gt=0, symbol="k_a", unit="1/h", help="Its median.")
    absorption_spread: float = _spread(0.6, "absorption rate")
    clearance: float = setting(0.040, rare=True, gt=0, symbol="CL", unit="L/h/kg", help="Its median.")
    clearance_spread: float = _spread(0.3, "clearance")
    volume: float = setting(0.48, rare=True, gt=0, symbol="V", unit="L/kg", help="Its median.")
    volume_spread: float = _spread(0.15, "volume")
    exchange: float = setting(
        0.05, rare=True, gt=0, symbol="Q", unit="L/h/kg", help="Median clearance between two compartments."
    )
    exchange_spread: float = _spread(0.3, "exchange")
    peripheral_volume: float = setting(
        0.40, rare=True, gt=0, symbol="V₂", unit="L/kg", help="Median volume of a second compartment."
    )
    peripheral_spread: float = _spread(0.3, "second volume")
    proportional_error: float = setting(0.10, rare=True, ge=0, le=2, help="Error of a sample, of its value.")
    additive_error: float = setting(0.25, rare=True, ge=0, unit=UNIT, help="Error of a sample beside that.")


class Pharmacokinetics(OfSubjects):
    """Predict the rest of a patient's concentration curve from a few early samples.

    Inputs are t / 12 − 1, log(1 + t) − 1.5 and the dose, shifted and scaled; y is the concentration divided
    by 4 mg/L. What is hidden of a patient stands under its own names in ``episode.task``, in the units of
    ``UNITS``.
    """

    Config = PharmacokineticsConfig
    title = "Pharmacokinetics"
    summary = "Predict a simulated patient's concentration curve from a few early blood samples and the dose."

    config: PharmacokineticsConfig
    input_names = ("time since the dose", "log(1 + time)", "dose")

    def __init__(self, config: PharmacokineticsConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.model = Compartments(config.compartments, config.route == "oral")
        self._real = RealPatients(config.test, config) if config.test else None
        self._measured = config.measured_queries or self._real is not None
        if self._real is not None:
            self.notes, self.split_looked_at = self._real.notes, "test"
        medians, spreads = (
            [values[name] for name in self.model.names]
            for values in (
                {name: getattr(config, name) for name in self.model.names},
                {
                    "absorption_rate": config.absorption_spread,
                    "clearance": config.clearance_spread,
                    "volume": config.volume_spread,
                    "exchange": config.exchange_spread,
                    "peripheral_volume": config.peripheral_spread,
                },
            )
        )
        self.medians, self.spreads = torch.tensor(medians), torch.tensor(spreads)
        low, high = config.dose
        self._dose = (low + high) / 2, (high - low) / 2
        course = Course(
            unit=UNIT,
            time_unit=HOURS,
            scale=SCALE,
            time_offset=12.0,
            time_scale=12.0,
            threshold=config.threshold,
            dosed=True,
            dose=self._dose[0],
            span=config.times[1] - config.times[0],
            exact=not self._measured,
            outcome="concentration",
            dose_unit=UNITS["dose"],
            subjects=tuple(each.name for each in self._real.patients) if self._real else (),
        )
        self.shape = TaskShape(Regression(course), (3,), 1)
        middle, half = self._dose
        inputs = Standard(np.array([12.0, 1.5, middle]), np.array([12.0, 1.0, half]))
        self.standards = Standards(inputs, Standard(np.zeros(1), np.full(1, SCALE)))
        self.reference_loss = self._of_the_mean()

    def sample(
        self,
        split: Split,
        count: int,
        generator: torch.Generator,
        size: EpisodeSize | None = None,
        segment: int | None = None,
    ) -> Episode:
        _, shots, queries = size or self.size
        config = self.config
        if split == "test" and self._real is not None:
            drawn = in_turn(len(self._real.patients), count, generator)
            known, asked = self._real.sets(shots, queries)
            return Episode(self._of_real(drawn, known), self._of_real(drawn, asked)).to(self.device)
        deviation = torch.randn(count, len(self.medians), generator=generator)
        parameters = self.medians * torch.exp(self.spreads * deviation)
        dose = uniform(config.dose, (count, 1), generator)
        early = uniform(config.samples, (count, shots), generator).sort(1).values
        later = uniform(config.times, (count, queries), generator)
        support = self.rows(parameters, dose, early, generator, measured=True)
        query = self.rows(parameters, dose, later, generator, measured=self._measured)
        hidden = dict(zip(self.model.names, parameters.unbind(1), strict=True))
        return Episode(support, query, hidden).to(self.device)

    def _of_real(self, patients: Tensor, sets: Sets) -> Data:
        """The same of real patients, by their numbers."""
        assert self._real is not None
        time, value, weight = (each[patients] for each in sets)
        dose = self._real.doses[patients][:, None]
        return self._examples(time, dose, value) | {WEIGHT: weight}

    def most_looked_at(self, split: Split) -> int | None:
        return len(self._real.patients) if split == "test" and self._real is not None else None

    def looked_at(self, split: Split, number: int, generator: torch.Generator, size: EpisodeSize) -> Episode:
        """Of real patients the one of that number, with the whole course."""
        if split != "test" or self._real is None:
            return super().looked_at(split, number, generator, size)
        drawn = torch.tensor([number])
        support, query = (self._of_real(drawn, each) for each in self._real.sets(size.shots, size.queries))
        along = self._real.between(number)
        one = torch.zeros(1, dtype=torch.int64)
        dose = self._real.doses[drawn][:, None]
        more = self._examples(along.time[one], dose, along.value[one]) | {WEIGHT: along.weight[one]}
        asked = {name: torch.cat([each, more[name]], 1) for name, each in query.items()}
        asked[SUBJECT] = drawn[:, None].expand(asked[WEIGHT].shape)
        return Episode(support, asked).to(self.device)

    def check(self, size: EpisodeSize, split: Split) -> None:
        if split == "test" and self._real is not None and size.shots > self.config.shots:
            raise DataError(
                f"data set {self.config.test!r}: patients were chosen for {self.config.shots} samples, but "
                f"{size.shots} are wanted; say so in task.shots"
            )

    def rows(
        self, parameters: Tensor, dose: Tensor, times: Tensor, generator: torch.Generator, *, measured: bool
    ) -> Data:
        """Samples of patients, or true values.

        Parameters
        ----------
        parameters, dose, times : ``[T, parameters]``, in mg/kg ``[T, 1]``, in hours ``[T, n]``.
        """
        given = torch.stack([torch.zeros_like(dose), dose], -1)
        y = self.model.concentrations(parameters, times, given)
        if measured:
            errors = torch.randn(2, *y.shape, generator=generator)
            config = self.config
            y = y * (1 + config.proportional_error * errors[0]) + config.additive_error * errors[1]
            y = y.clamp_min(0)
        return self._examples(times, dose, y)

    def _examples(self, times: Tensor, dose: Tensor, values: Tensor) -> Data:
        """Values ``[T, n]`` at times after doses ``[T, 1]``."""
        given = torch.stack([torch.zeros_like(dose), dose], -1)
        return {
            "x": self.inputs(times, dose.expand_as(times)),
            "y": (values / SCALE)[..., None],
            DOSES: given[:, None].expand(-1, times.shape[1], -1, -1).contiguous(),
        }

    def rows_of(self, one: SubjectTable, fold: int) -> Data:
        """Samples of a patient, with or without an outcome, ``[1, n, …]``."""
        doses = one.doses_of(0)
        if len(doses) != 1 or not doses[0, 1] > 0:
            raise DataError(f"has {plural(len(doses), 'dose')}; patients of this run have one")
        since = one.time - doses[0, 0]
        if since.min() < 0:
            raise DataError(f"asks for time {one.time[since.argmin()]:g}, before the dose at {doses[0, 0]:g}")
        time, dose, y = (
            torch.from_numpy(each.astype(np.float32))[None] for each in (since, doses[0, 1:], one.y)
        )
        return self._examples(time, dose, y)

    def samples_of(self, episode: Episode) -> tuple[SubjectTable, SubjectTable]:
        """The samples of a task: those of the support set, and of the queries."""
        known, asked = (self._samples(part) for part in (episode.support, episode.query))
        return known, asked

    def _samples(self, data: Data) -> SubjectTable:
        counts = data.get(WEIGHT, torch.ones_like(data["y"][..., 0]))[0] > 0
        x, y, doses = (data[name][0][counts].cpu() for name in ("x", "y", DOSES))
        near = 12 + 12 * x[:, 0]  # 32 bits know x, not the time
        near = torch.where(near < 4, torch.expm1(x[:, 1] + 1.5), near)
        steps = torch.arange(-64, 65, dtype=torch.int32)
        times = (near.view(torch.int32)[:, None] + steps).view(torch.float32)  # the floats next to it
        off = (self.inputs(times, doses[0, 0, 1].expand_as(times))[..., :2] - x[:, None, :2]).abs().sum(-1)
        found = times[torch.arange(len(x)), off.argmin(1)], SCALE * y[:, 0], doses[0, :1, 1]
        time, value, dose = (  # as few digits as tell floats apart
            np.array([float(str(each)) for each in part.numpy()], np.float64) for part in found
        )
        given = np.array([[0, 0, dose[0]]])
        return SubjectTable(("",), np.array([len(time)]), time, value, given, np.empty((1, 0)), self._words)

    @property
    def _words(self) -> Words:
        dose = UNITS["dose"]
        return Words(
            outcome="concentration", unit=UNIT, time="time", time_unit=HOURS, dose="dose", dose_unit=dose
        )

    def case_files(self) -> CaseFiles:
        return SubjectFiles(self, self._words, self.input_names, shots=self.config.shots, once=True)

    def inputs(self, times: Tensor, dose: Tensor) -> Tensor:
        """What a learner is told of a sample, ``[…, 3]``."""
        middle, half = self._dose
        return torch.stack([times / 12 - 1, torch.log1p(times) - 1.5, (dose - middle) / half], -1)

    def _of_the_mean(self) -> float:
        """Variance between patients at one time and dose, on average: what is left when E[y | x] is said."""
        generator = torch.Generator().manual_seed(0)
        deviation = torch.randn(_REFERENCE, len(self.medians), generator=generator)
        parameters = self.medians * torch.exp(self.spreads * deviation)
        low, high = self.config.times
        times = torch.linspace(low, high, 60).expand(_REFERENCE, -1)
        given = torch.tensor([[0.0, 1.0]])
        after_one = self.model.concentrations(parameters, times, given)
        middle, half = self._dose
        squared_dose = middle**2 + half**2 / 3
        return float(after_one.var(0).mean()) * squared_dose / SCALE**2

    def data_hash(self) -> str:
        simulated = hash_of(self.config, frozenset({"test"}))
        if self._real is None:
            return simulated
        digest = hashlib.sha256(simulated.encode())
        for each in self._real.patients:
            digest.update(f"{each.name} {each.dose}".encode())
            digest.update(each.time.tobytes() + each.value.tobytes())
        return digest.hexdigest()

    def describe(self) -> Mapping[str, object]:
        told = told_of(self.config) | {"hidden": {name: UNITS[name] for name in self.model.names}}
        del told["test"]
        if self._real is not None:
            told |= {"test": self.config.test, "real_patients": len(self._real.patients)}
        return told
