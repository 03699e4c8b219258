"""A whole experiment: its sections together, and what they demand of each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from workbench import toml
from workbench.config.kinds import AlgorithmConfig, AnyWays, Drifts, NetworkConfig, TaskConfig, Trains
from workbench.config.sections import FORMAT, Evaluation, Training
from workbench.config.sweep import Range, Sweep, Value
from workbench.settings import (
    Complaint,
    ConfigError,
    Name,
    Section,
    complaints,
    fields_of,
    misfit,
    setting,
    spelled,
    unfit_names,
    unspelled,
)
from workbench.settings.fields import Field as SettingField
from workbench.words import LONGEST_NAME, listed

TRIED = "algorithm", "network", "training"
"""The tables of which a sweep may try settings; others say which tasks are tested, and how."""

ONE_VALUE = "number", "choice", "switch", "list"
"""Shapes of settings that a sweep can try."""


class Experiment(Section):
    """A configuration that yields runs: one per algorithm and seed."""

    format: Literal[1, 2] = setting(
        FORMAT, help="Version of this file's format: 1 means the defaults of the first edition's settings."
    )
    name: Name = setting(
        "Experiment", min_length=1, max_length=LONGEST_NAME, help="Shown in tables and charts."
    )
    task: Annotated[SerializeAsAny[TaskConfig], BeforeValidator(TaskConfig.resolve)]
    network: Annotated[SerializeAsAny[NetworkConfig], BeforeValidator(NetworkConfig.resolve)]
    algorithm: Annotated[
        tuple[Annotated[SerializeAsAny[AlgorithmConfig], BeforeValidator(AlgorithmConfig.resolve)], ...],
        Field(min_length=1, strict=False),
    ]
    training: Training = Field(default_factory=Training)
    evaluation: Evaluation = Field(default_factory=Evaluation)
    sweep: Sweep | None = setting(
        None, help="Settings that are tried and chosen by validation.", empty="every run is as it says here"
    )

    @model_validator(mode="before")
    @classmethod
    def _as_suits_the_family(cls, data: object) -> object:
        """Fill in what is not said; an experiment that is stored says it all."""
        task = data.get("task") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(task, dict):
            return data
        if data.get("format", FORMAT) != FORMAT:
            data = spelled(cls, data)
        family: type[TaskConfig] = TaskConfig.kinds.get(str(task.get(TaskConfig.selector)), TaskConfig)
        suits = {"training": family.suits.of(Training), "evaluation": family.suits.of(Evaluation)}
        filled = dict(data)
        network: dict[str, object] = {"kind": family.default_network}
        said = data.get("network", {})
        if isinstance(said, dict) and said.get("kind", family.default_network) == family.default_network:
            network |= family.network
        for name, usual in ({"network": network} | suits).items():
            said = data.get(name, {})
            filled[name] = usual | said if isinstance(said, dict) else said
        return filled

    @field_validator("evaluation")
    @classmethod
    def _asks_for_what_there_is(cls, evaluation: Evaluation, info: ValidationInfo) -> Evaluation:
        task: TaskConfig | None = info.data.get("task")
        if task is not None:
            _refuse_unneeded(evaluation, task)
            threshold, adapted = evaluation.threshold, task.problem.adapted
            if threshold is not None and threshold <= 0 and not adapted.signed:
                raise misfit(("threshold",), f"{threshold:g} is out of range; allowed: a number > 0")
        return evaluation

    @field_validator("algorithm")
    @classmethod
    def _fits_the_task(
        cls, algorithms: tuple[AlgorithmConfig, ...], info: ValidationInfo
    ) -> tuple[AlgorithmConfig, ...]:
        """Refuse what the task does not allow, and fill in the defaults that depend on it."""
        task: TaskConfig | None = info.data.get("task")
        if task is None:  # already complained about
            return algorithms
        for index, algorithm in enumerate(algorithms):
            for depth, each in enumerate(algorithm.built_of):
                if each.needs - task.gives():
                    kinds = AlgorithmConfig.kinds.items()
                    able = sorted(name for name, kind in kinds if kind.needs <= task.gives())
                    raise misfit(
                        (index, *["base"] * depth, "kind"),
                        f"{each.name!r} {_not_given(each.needs, task)}; allowed here: {', '.join(able)}",
                    )
            if isinstance(algorithm, AnyWays) and algorithm.train_ways is not None:
                core = algorithm.built_of[-1]
                if not isinstance(core, AnyWays):
                    raise misfit((index, "train_ways"), f"{core.name!r} has one output a class; leave it out")
            _refuse_unneeded(algorithm, task, index)
        return tuple(algorithm.suited(task.gives(), task.suits.learners) for algorithm in algorithms)

    @model_validator(mode="after")
    def _every_segment_is_trained_on(self) -> Self:
        drift = self.task.drift if isinstance(self.task, Drifts) else None
        for index, algorithm in enumerate(self.algorithm):
            iterations = algorithm.schedule(self.training).iterations
            if drift is not None and 0 < iterations < drift.segments:
                own = isinstance(algorithm, Trains) and algorithm.iterations is not None
                raise misfit(
                    ("algorithm", index, "iterations") if own else ("training", "iterations"),
                    f"must be at least {drift.segments}, the segments of [task.drift]",
                )
        return self

    @model_validator(mode="after")
    def _private_tasks_are_enough(self) -> Self:
        privacy = self.training.privacy
        if privacy is None:
            return self
        if isinstance(self.task, Drifts) and self.task.drift is not None:
            raise misfit(("task", "drift"), "private tasks are fixed and do not drift; leave one of both out")
        most = max(each.schedule(self.training).meta_batch for each in self.algorithm)
        if most > privacy.tasks:
            raise misfit(
                ("training", "privacy", "tasks"), f"{privacy.tasks} are fewer than a meta-batch, of {most}"
            )
        return self

    @model_validator(mode="after")
    def _sweeps_what_can_be(self) -> Self:
        """Refuse a range that is of no setting, or reaches beyond what it allows."""
        sweep = self.sweep
        if sweep is None:
            return self
        if sweep.seed in self.training.seeds:
            raise misfit(
                ("sweep", "seed"), f"{sweep.seed} is one of training.seeds, which are to test what is chosen"
            )
        measured = self.task.problem.row(sweep.objective) if sweep.objective else None
        if sweep.objective is not None and (measured is None or not measured.sign):
            raise misfit(("sweep", "objective"), f"{sweep.objective!r} is nothing to choose by here")
        if sweep.pruning and sweep.objective is not None:
            raise misfit(("sweep", "pruning"), "goes by the usual objective; leave one of both out")
        if sweep.pruning and self.evaluation.checkpoint == "last alone":
            raise misfit(("sweep", "pruning"), 'needs evaluation.checkpoint = "last" or "best"')
        for index, each in enumerate(sweep.ranges):
            self._check_range(each, ("sweep", "ranges", index))
        return self

    def _check_range(self, tried: Range, place: tuple[int | str, ...]) -> None:
        if tried.field.split(".")[0].split("[")[0] not in TRIED:
            raise misfit(
                (*place, "field"),
                f"{tried.field!r} is no setting of a learner: all must be measured alike; "
                f"allowed: settings of {listed(TRIED)}",
            )
        field = self.field_at(tried.field)
        if field is None or field.shape not in ONE_VALUE:
            raise misfit((*place, "field"), f"{tried.field!r} is no setting of this experiment to be tried")
        if field.incidental:
            raise misfit((*place, "field"), f"{tried.field!r} changes no result: nothing to choose")
        if tried.values is None and field.shape != "number":
            raise misfit((*place, "values"), f"is missing: {tried.field!r} is no number")
        for at, value in enumerate(tried.values or (tried.low, tried.high)):
            where = ("values", at) if tried.values else (("low", "high")[at],)
            if field.item is int and isinstance(value, float):
                if value != int(value):
                    raise misfit((*place, *where), f"{value:g} is not a whole number")
                value = int(value)
            try:
                self.with_values({tried.field: value})  # type: ignore[dict-item]
            except ConfigError as error:
                raise misfit((*place, *where), str(error.complaints[0])) from None

    def field_at(self, path: str) -> SettingField | None:
        """What is known of the setting at a path; None where there is none."""
        found: object = self
        field = None
        for part in path.replace("[", ".").replace("]", "").split("."):
            if isinstance(found, tuple) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            elif isinstance(found, Section):
                field = fields_of(type(found)).get(part)
                found = getattr(found, part, None)
            else:
                return None
        return field

    def with_values(self, values: Mapping[str, Value]) -> Self:
        """The experiment in which settings have these values, by their paths, and nothing is swept.

        Raises
        ------
        ConfigError
            If one cannot have its value.
        """
        table = self.as_table()
        table.pop("sweep", None)
        try:
            for path, value in values.items():
                toml.assign(table, path, value)
        except LookupError as error:
            raise ConfigError([Complaint((path,), str(error.args[0]))]) from None
        return type(self).from_table(table)

    def as_table(self) -> dict[str, Any]:
        """The experiment as plain tables, as its format says it."""
        table = self.in_full()
        return table if self.format == FORMAT else unspelled(type(self), table)

    def in_full(self) -> dict[str, Any]:
        """The experiment as plain tables, without the fields that are empty."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_toml(self) -> str:
        """The experiment as TOML text; :func:`parse` reads it back unchanged."""
        return tomli_w.dumps(self.as_table())

    def single(self, algorithm: AlgorithmConfig, seed: int) -> Experiment:
        """The experiment that yields one of this one's runs."""
        training = self.training.model_copy(update={"seeds": (seed,)})
        return self.model_copy(update={"algorithm": (algorithm,), "training": training, "sweep": None})

    def hash(self) -> str:
        """SHA-256 of everything but the name."""
        table = self.as_table()
        table.pop("name")
        return toml.digest(table)

    @classmethod
    def from_table(cls, table: Mapping[str, object], source: str = "") -> Self:
        """Validate plain tables.

        Raises
        ------
        ConfigError
            With the path of each wrong key, what is wrong and what is allowed.
        """
        if not (TaskConfig.kinds and NetworkConfig.kinds and AlgorithmConfig.kinds):
            raise RuntimeError("import workbench.algorithms, .networks and .tasks: they declare the kinds")
        try:
            return cls.model_validate(dict(table))
        except ValidationError as error:
            raise ConfigError(complaints(error, cls, table), source) from None


def _not_given(needs: frozenset[str], task: TaskConfig) -> str:
    missing = " and ".join(sorted(needs - task.gives()))
    return f"needs {missing}, which family {task.name!r} ({task.problem.name}) does not give"


def _refuse_unneeded(section: Section, task: TaskConfig, *location: int) -> None:
    """Refuse settings that mean nothing, as the task does not give what they need."""
    for name, field in fields_of(type(section)).items():
        if field.needs - task.gives() and getattr(section, name) is not None:
            raise misfit((*location, name), f"{_not_given(field.needs, task)}; leave it out")


def admitted(experiment: Experiment, source: str = "") -> Experiment:
    """An experiment that somebody asks for, if its names can be shown and its settings mean something.

    Raises
    ------
    ConfigError
        With the path of each that cannot or does not.
    """
    wrong = unfit_names(experiment)
    wrong += [
        Complaint(("algorithm", index, name), f"{each.name!r} is not trained; leave it out")
        for index, each in enumerate(experiment.algorithm)
        for name in each.model_extra or ()
    ]
    if wrong:
        raise ConfigError(wrong, source)
    return experiment
