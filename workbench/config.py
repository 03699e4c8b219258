"""What an experiment is: validated, versioned, read from and written to TOML.

Sections that come in several kinds (task families, networks, algorithms) are declared beside the
code that they configure. Importing :mod:`workbench.tasks`, :mod:`workbench.networks` and
:mod:`workbench.algorithms` makes their kinds known here; this module imports none of them.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, get_args

import tomli_w
from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails

from workbench import toml
from workbench.problems import Problem
from workbench.problems.classification import Classification
from workbench.problems.diagnosis import Rule
from workbench.settings import (
    Complaint,
    ConfigError,
    Kind,
    Name,
    Section,
    complaints,
    fields_of,
    misfit,
    setting,
    unfit_names,
)
from workbench.words import LONGEST_NAME, listed, visible

__all__ = [
    "OF_THE_RUN",
    "SPLITS",
    "AlgorithmConfig",
    "AnyWays",
    "ClassificationTaskConfig",
    "Complaint",
    "ConfigError",
    "Drifts",
    "EpisodeSize",
    "Evaluation",
    "Examples",
    "Experiment",
    "Name",
    "NetworkConfig",
    "Privacy",
    "Section",
    "Split",
    "Suits",
    "TaskConfig",
    "Training",
    "Trains",
    "Untrained",
    "load",
    "parse",
    "setting",
]

FORMAT = 1
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


class Drift(Section):
    """Training as a stream of tasks whose distribution changes from segment to segment."""

    segments: int = setting(
        5, ge=2, le=100, help="Parts of the training, equally long; each draws from a part of the tasks."
    )


LEAST_NOISE = 0.3
"""In multiples of the bound; of less, ε is in the hundreds and takes minutes to compute."""


class Privacy(Section):
    """Keeps training tasks private, each as a whole: task-level differential privacy."""

    tasks: int = setting(
        10_000,
        ge=1,
        le=1_000_000,
        unit="tasks",
        symbol="N",
        help="Training tasks, drawn once and fixed; protected is each of them, not what several share.",
    )
    epsilon: float | None = setting(
        None,
        gt=0,
        le=1000,
        symbol="ε",
        help="What the whole training may spend; the noise follows.",
        empty="what the noise makes it",
    )
    noise: float | None = setting(
        None,
        ge=0,
        le=1000,
        symbol="σ",
        help="Standard deviation of the noise in multiples of the bound; 0: none, nothing is protected.",
        empty="what ε makes it",
    )
    delta: float = setting(
        1e-5, gt=0, lt=1, symbol="δ", help="Probability that is left out of ε; it should be below 1/N."
    )
    clip: Annotated[float, Field(gt=0)] | Literal["none"] = setting(
        1.0, symbol="C", help="Norm to which each task's meta-gradient is clipped; none: without noise."
    )
    chance: Literal["seed", "system"] = setting(
        "seed",
        rare=True,
        titles={"seed": "the run's seed", "system": "the system, not kept"},
        help="Where noise and lots come from. With the seed, a run resumes bit for bit, and who has it can "
        "subtract the noise; else steps that are repeated after a kill count again.",
    )
    accountant: Literal["pld", "rdp"] = setting(
        "pld",
        rare=True,
        titles={"pld": "PLD", "rdp": "RDP"},
        help="How ε is computed: by privacy loss distributions (closer), or Rényi divergences.",
    )

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if (self.epsilon is None) == (self.noise is None):
            said = "neither is" if self.epsilon is None else "both are"
            raise misfit(("epsilon",), f"say either epsilon or noise; {said} said")
        if self.noise and self.noise < LEAST_NOISE:
            raise misfit(
                ("noise",), f"{self.noise:g} protects nothing; allowed: 0, or a number ≥ {LEAST_NOISE}"
            )
        if self.clip == "none" and self.noise != 0:
            raise misfit(("clip",), "without a bound no noise protects; give a number, or noise = 0")
        return self

    @property
    def bound(self) -> float:
        """C."""
        return math.inf if self.clip == "none" else self.clip

    @property
    def cautions(self) -> list[str]:
        """What is protected and what is not, and what weakens it: a sentence each."""
        said = [
            f"Protected is each of the {self.tasks:,} training tasks as a whole, not what several of them "
            "share. Not protected: settings chosen by results, validation and test tasks, the data file "
            "itself, and the training curves and per-task results in the project. The weights may be given "
            "away, the project may not; of several runs on the same data, what each spends adds up."
        ]
        if self.noise == 0:
            said.append("Without noise nothing is protected: ε = ∞.")
        elif self.chance == "seed":
            said.append(
                "The noise follows from the run's seed, of which there are 4 billion: who has it, or tries "
                'them all, can subtract it. Where that matters, set training.privacy.chance = "system".'
            )
        if self.delta * self.tasks >= 1:
            said.append(
                f"δ = {self.delta:g} is not below 1/N = {1 / self.tasks:g}: publishing a task taken by lot "
                "would count as private."
            )
        return said


class Training(Section):
    """How long, how wide and where every algorithm is meta-trained."""

    iterations: int = setting(10_000, ge=1, unit="meta-iterations", help="Length of training.")
    meta_batch: int = setting(25, ge=1, le=10_000, unit="tasks", symbol="T", help="Tasks in a meta-batch.")
    meta_lr: float = setting(1e-3, gt=0, le=100, symbol="β", help="Outer learning rate (Adam).")
    gradient_clamp: float | None = setting(
        None, rare=True, gt=0, help="Clamp each meta-gradient entry to ± this.", empty="no clamp"
    )
    gradient_norm: float | None = setting(
        None, rare=True, gt=0, help="Clip each meta-gradient to this norm.", empty="no clip"
    )
    decay: Literal["linear"] | None = setting(
        None, rare=True, help="How the outer learning rate falls to 0.", empty="it stays"
    )
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = setting(
        (0,), incidental=True, min_length=1, strict=False, help="One run per algorithm and seed."
    )
    device: str = setting(
        "auto",
        incidental=True,
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        help="auto, cpu, cuda, cuda:1 or mps.",
    )
    threads: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = setting(
        "auto", incidental=True, rare=True, help="CPU threads; auto: the fastest in a short measurement."
    )
    chunk: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = setting(
        "auto",
        incidental=True,
        rare=True,
        unit="tasks",
        help="Tasks computed at once; bounds memory. auto: measured.",
    )
    compile: bool | Literal["auto"] = setting(
        "auto",
        incidental=True,
        rare=True,
        help="Compile the meta-step, where there is a C++ compiler; auto: where that saves time.",
    )
    tf32: bool = setting(False, rare=True, help="TensorFloat-32 matrix products on CUDA: faster, less exact.")
    mixed_precision: bool = setting(
        False, rare=True, help="bfloat16 where it is safe (CUDA): faster, less exact."
    )
    checkpoint_every: float = setting(
        30.0, incidental=True, rare=True, ge=0, unit="s", help="Seconds between checkpoints."
    )
    privacy: Privacy | None = setting(
        None,
        label="Private tasks",
        help="Clip what a training task changes and add noise, so that the weights tell of no task.",
    )

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("each seed may be named once")
        return seeds


class Attack(Section):
    """An adversary that changes every input a little, so that the learner errs."""

    kind: Literal["fgsm", "pgd"] = setting(
        "pgd", help="fgsm: one step along the gradient's sign; pgd: several, from a random start."
    )
    epsilon: float = setting(
        8 / 255, ge=0, le=1, symbol="ε", help="Largest change of a pixel, whose values run from 0 to 1."
    )
    steps: int = setting(20, ge=1, le=1000, unit="steps", help="Steps of pgd (fgsm takes one).")
    step_size: float = setting(2 / 255, gt=0, le=1, help="Change of a pixel in one step of pgd.")


def _named_attack(value: object) -> object:
    """``attack = "pgd"`` is a table with its defaults; "none" is as good as no table."""
    kind = value.get("kind") if isinstance(value, Mapping) else value
    if kind == "none":
        return None
    return {"kind": value} if isinstance(value, str) else value


class Evaluation(Section):
    """How unseen tasks are measured: on frozen episodes, the same for every algorithm."""

    episodes: int = setting(600, ge=2, le=100_000, help="Meta-test episodes, drawn once and frozen.")
    validation_episodes: int = setting(
        100,
        ge=2,
        le=100_000,
        help="Meta-validation episodes, measured while training (and, at the end, "
        "as many meta-training episodes for the generalisation gap).",
    )
    inner_steps: int = setting(10, ge=1, le=1000, unit="steps", help="Inner steps of the adaptation curve.")
    every: int = setting(
        500, label="Validate every", ge=1, unit="meta-iterations", help="Meta-iterations between validations."
    )
    queries: int | None = setting(
        None, ge=1, le=10_000, help="Query examples in evaluation.", empty="as in the task"
    )
    seed: int = setting(12345, rare=True, ge=0, lt=2**32, help="Seed of the frozen episodes.")
    transductive: bool = setting(
        True,
        rare=True,
        help="Batch norm sees a task's queries together; else each beside the support set only.",
    )
    attack: Annotated[Attack | None, BeforeValidator(_named_attack)] = setting(
        None,
        needs=["classes", "bounds"],
        help="Measure classifiers on attacked queries too, at the end.",
        empty="none",
    )
    threshold: float | None = setting(
        None,
        rare=True,
        symbol="τ",
        help="Query loss that counts as adapted; of a world, the return of an episode.",
        empty="a quarter of the loss of the best predictor that cannot adapt",
    )


class Suits(NamedTuple):
    """What suits a task family, of these tables of an experiment: long enough for learners to learn it, short
    enough to wait for. Only what is named differs from the usual.

    Attributes
    ----------
    learners : values of settings of algorithms, by field: of every algorithm that has such a field.
    """

    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    learners: Mapping[str, object] = MappingProxyType({})

    def of(self, section: type[Section]) -> dict[str, object]:
        """What it says of a table of an experiment, or of an algorithm."""
        if issubclass(section, AlgorithmConfig):
            return {name: value for name, value in self.learners.items() if name in section.model_fields}
        tables = [each for each in (self.training, self.evaluation) if type(each) is section]
        return {name: getattr(each, name) for each in tables for name in each.model_fields_set}


class EpisodeSize(NamedTuple):
    """How large an episode is; ``ways`` is 1 where there are no classes."""

    ways: int
    shots: int
    queries: int


class TaskConfig(Kind):
    """A distribution of tasks and the size of its episodes."""

    selector: ClassVar[str] = "family"
    akin: ClassVar[bool] = True
    problem: ClassVar[type[Problem]]
    has: ClassVar[frozenset[str]] = frozenset()
    """What its tasks have beside what every task of the problem has: ``bounds`` (every input has a smallest
    and a largest value), ``curved`` (groups of points are no Gaussians)."""

    default_network: ClassVar[str] = "mlp"
    network: ClassVar[Mapping[str, object]] = {}
    """How the default network is, where not as usual."""
    suits: ClassVar[Suits] = Suits()
    """What an experiment with the family says where its file does not."""

    refused: ClassVar[Mapping[str, str]] = {"drift": "tasks of this family do not drift; leave it out"}

    @classmethod
    def gives(cls) -> frozenset[str]:
        """What its tasks have, for the algorithms and the settings that need it."""
        return cls.problem.gives | cls.has

    @property
    def episode_size(self) -> EpisodeSize:
        """The episodes that it asks for."""
        raise NotImplementedError


class Examples(TaskConfig):
    """A task family whose episodes are so many examples to learn from, and to be measured on."""

    shots: int = setting(10, ge=1, le=1000, help="Support examples of a task (of a class, if classified).")
    queries: int = setting(10, ge=1, le=1000, help="Query examples of a task (of a class, if classified).")

    @property
    def episode_size(self) -> EpisodeSize:
        return EpisodeSize(1, self.shots, self.queries)


class Drifts(TaskConfig):
    """A task family whose training tasks may come as a stream that drifts."""

    drift: Drift | None = setting(
        None,
        label="Drifting stream",
        help="Train on a stream that drifts: the training classes come segment by segment.",
    )


class Diagnosis(Section):
    """Asks for what is measured of a diagnosis."""

    ill: Annotated[tuple[str, ...], Field(strict=False)] | None = setting(
        None,
        min_length=1,
        help="Classes or groups that count as ill, to be told from all others.",
        empty="each class in turn against the rest",
    )
    operating_point: Rule = setting(
        "balanced",
        help="Where a probability counts as found, chosen on meta-validation tasks: at the largest sum of "
        "sensitivity and specificity, or where one of them is still at least so high.",
    )
    at_least: float = setting(
        0.9, gt=0, lt=1, help="How high that is, of a sensitive or a specific operating point."
    )


class ClassificationTaskConfig(Drifts, Examples):
    """A task family whose tasks tell ``ways`` classes apart."""

    problem: ClassVar[type[Classification]] = Classification
    default_network: ClassVar[str] = "conv4"

    ways: int = setting(5, ge=2, le=1000, help="Classes in one task.")
    shots: int = setting(1, ge=1, le=1000, help="Support examples of each class.")
    queries: int = setting(15, ge=1, le=1000, help="Query examples of each class.")
    within: Literal["group"] | None = setting(
        None,
        rare=True,
        help="The classes of a task are of one group, such as one data set of several.",
        empty="of all groups of a split",
    )
    proportions: Literal["natural"] | None = setting(
        None,
        rare=True,
        help="Examples of a class in proportion to what there is of it, shots and queries on average.",
        empty="as many of each",
    )
    class_weights: Literal["balanced"] | None = setting(
        None,
        rare=True,
        help="Balanced: in support and training losses every class weighs the same, however many examples "
        "it has.",
        empty="every example weighs the same",
    )
    diagnosis: Diagnosis | None = setting(
        None,
        rare=True,
        help="Measure sensitivity, specificity and the area under the ROC curve, too, and choose an "
        "operating point.",
    )

    @property
    def episode_size(self) -> EpisodeSize:
        return EpisodeSize(self.ways, self.shots, self.queries)


class NetworkConfig(Kind):
    """The network that every learner of the experiment adapts."""


class AlgorithmConfig(Kind):
    """One algorithm and its parameters; yields one run per seed."""

    needs: ClassVar[frozenset[str]] = frozenset({"gradient"})
    """What tasks must have for it: see :class:`~workbench.problems.Problem`."""

    episodic: ClassVar[bool] = True
    """Whether its outer loss is that of the adapted learner on the query set, and nothing else."""

    wraps: ClassVar[bool] = False
    """Whether it is built over another algorithm, its ``base``."""

    acts: ClassVar[bool] = False
    """Whether it acts in whole trials and remembers, instead of adapting step by step to a support set."""

    privilege: ClassVar[str] = ""
    """What it knows of every test task, see :meth:`privileged`."""

    refused: ClassVar[Mapping[str, str]] = {
        "train_ways": "this algorithm has one output a class; leave it out"
    }

    label: Name = setting("", help="Name in charts and tables.", empty="the algorithm's own")

    @classmethod
    def problems(cls) -> frozenset[str]:
        """The names of the problems of which some task family gives what it needs."""
        return frozenset(each.problem.name for each in TaskConfig.kinds.values() if cls.needs <= each.gives())

    @property
    def built_of(self) -> tuple[AlgorithmConfig, ...]:
        """The algorithm, and those that it is built over."""
        return (self,)

    @classmethod
    def privileged(cls, problem: type[Problem]) -> str:
        """What it knows or uses of a test task of a problem that others do not, in words that follow its
        name; empty: nothing."""
        return cls.privilege or ("" if cls.acts or "gradient" not in cls.needs else problem.privilege)

    def privileges(self, problem: type[Problem]) -> str:
        """The same of it as it is set, and of what it is built over: to be named beside its results."""
        found = [each.privileged(problem) for each in self.built_of]
        return listed(list(dict.fromkeys(filter(None, found))))

    def schedule(self, training: Training) -> Schedule:
        """How it is trained, where the experiment says this under ``[training]``."""
        return Schedule(0, training.meta_batch, training.meta_lr)


class Trains(AlgorithmConfig):
    """What is meta-trained: how, where not as ``[training]`` and ``[task]`` say."""

    meta_lr: float | None = setting(
        None,
        rare=True,
        gt=0,
        le=100,
        symbol="β",
        help="Outer learning rate.",
        empty="the one under [training]",
    )
    meta_batch: int | None = setting(
        None,
        rare=True,
        ge=1,
        le=10_000,
        unit="tasks",
        help="Tasks in a meta-batch.",
        empty="the one under [training]",
    )
    iterations: int | None = setting(
        None,
        rare=True,
        ge=1,
        unit="meta-iterations",
        help="Length of training.",
        empty="the one under [training]",
    )
    train_shots: int | None = setting(
        None,
        rare=True,
        ge=1,
        le=1000,
        help="Support examples in a training episode.",
        empty="as in evaluation",
    )
    train_queries: int | None = setting(
        None, rare=True, ge=1, le=1000, help="Query examples in a training episode.", empty="as in evaluation"
    )

    def schedule(self, training: Training) -> Schedule:
        return Schedule(
            self.iterations or training.iterations,
            self.meta_batch or training.meta_batch,
            self.meta_lr or training.meta_lr,
        )


class AnyWays(Trains):
    """What may be trained on other ways than it is evaluated on."""

    train_ways: int | None = setting(
        None,
        rare=True,
        ge=2,
        le=1000,
        needs=["classes"],
        help="Classes in a training episode.",
        empty="as in evaluation",
    )


OF_THE_RUN = frozenset(AnyWays.model_fields)
"""What is said of a whole algorithm, not of one that it is built over."""


class Untrained(AlgorithmConfig):
    """What is not meta-trained.

    An experiment that is stored may say of it how it would be, as it once could; its hash is of that, too.
    """

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _says_no_more_than_it_could(self) -> Self:
        known = Trains.model_fields
        wrong = [
            InitErrorDetails(type="extra_forbidden", loc=(name,), input=value)
            for name, value in (self.model_extra or {}).items()
            if name not in known
        ]
        if wrong:
            raise ValidationError.from_exception_data("", wrong)
        return self


class Schedule(NamedTuple):
    """How an algorithm is trained; without an iteration where there is nothing to train."""

    iterations: int
    meta_batch: int
    meta_lr: float


class Experiment(Section):
    """A configuration that yields runs: one per algorithm and seed."""

    format: Literal[1] = setting(FORMAT, help="Version of this file's format.")
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

    @model_validator(mode="before")
    @classmethod
    def _as_suits_the_family(cls, data: object) -> object:
        """Fill in what is not said; an experiment that is stored says it all."""
        task = data.get("task") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(task, dict):
            return data
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

    def as_table(self) -> dict[str, Any]:
        """The experiment as plain tables, without the fields that are empty."""
        return self.model_dump(mode="json", exclude_none=True)

    def to_toml(self) -> str:
        """The experiment as TOML text; :func:`parse` reads it back unchanged."""
        return tomli_w.dumps(self.as_table())

    def single(self, algorithm: AlgorithmConfig, seed: int) -> Experiment:
        """The experiment that yields one of this one's runs."""
        training = self.training.model_copy(update={"seeds": (seed,)})
        return self.model_copy(update={"algorithm": (algorithm,), "training": training})

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


def parse(text: str, overrides: Sequence[str] = (), source: str = "") -> Experiment:
    """Read an experiment from TOML text, stored or new (see :func:`admitted`).

    ``algorithm = "all"`` stands for every algorithm that can do the task.

    Parameters
    ----------
    text : the TOML document.
    overrides : assignments such as ``training.iterations=100`` or ``algorithm.0.inner_lr=0.1``.
    source : where the text came from, for error messages.

    Raises
    ------
    ConfigError
        If the text is not TOML, or not an experiment.
    """
    try:
        table = toml.read(text)
    except ValueError as error:
        raise ConfigError([Complaint((), f"{error}{_hint(text, str(error))}")], source) from None
    if table.get("algorithm") == "all":
        table["algorithm"] = _all_that_fit(table.get("task"))
    for override in overrides:
        _assign(table, override)
    return Experiment.from_table(table, source)


def _all_that_fit(task: object) -> list[dict[str, object]]:
    """Every algorithm, with its defaults, that a task gives what it needs."""
    family = TaskConfig.kinds.get(str(task.get(TaskConfig.selector))) if isinstance(task, Mapping) else None
    gives = family.gives() if family else frozenset()
    return [{"kind": name} for name, kind in sorted(AlgorithmConfig.kinds.items()) if kind.needs <= gives]


def load(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read an experiment from a TOML file; paths in it are relative to the file's folder.

    Raises
    ------
    ConfigError
        If there is no such file, or it is not an experiment.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([Complaint((), "not a text file in UTF-8; save it as one")], str(path)) from None
    except OSError as error:
        why = f"{error.strerror or error}; name an experiment, a file in TOML"
        raise ConfigError([Complaint((), why)], str(path)) from None
    experiment = admitted(parse(text, overrides, source=str(path)), str(path))
    data = getattr(experiment.task, "path", None)
    if not isinstance(data, str) or not data:
        return experiment
    if visible(data) != data and not os.path.lexists(path.parent / data):
        wrong = f"there is no {visible(data)!r}{_BACKSLASH}"
        raise ConfigError([Complaint(("task", "path"), wrong)], str(path))
    absolute = str((path.parent / Path(data).expanduser()).resolve())
    return experiment.model_copy(update={"task": experiment.task.model_copy(update={"path": absolute})})


_BACKSLASH = """; in "…" a backslash begins a special letter: write a path as 'C:\\data', or with /"""


def _hint(text: str, error: str) -> str:
    """What may help where TOML cannot be read."""
    place = re.search(r"at line (\d+)", error)
    line = text.splitlines()[int(place[1]) - 1 :][:1] if place else []
    return _BACKSLASH if line and "\\" in line[0] else ""


def _assign(table: dict[str, object], override: str) -> None:
    """Carry out one ``a.b=c``; c is TOML, or a plain string where it is not."""
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ConfigError([Complaint((override,), "an override looks like training.iterations=100")], "--set")
    try:
        value = toml.read(f"value = {text}")["value"]
    except ValueError:
        value = text.strip()
    *parents, last = key.strip().replace("[", ".").replace("]", "").split(".")
    target: object = table
    for part in parents:
        if isinstance(target, dict):
            target = target.setdefault(part, {})
        else:
            items, index = _item(target, part, key)
            target = items[index]
    if isinstance(target, dict):
        target[last] = value
    else:
        items, index = _item(target, last, key)
        items[index] = value


def _item(target: object, part: str, key: str) -> tuple[list[object], int]:
    """The list that a part of an override indexes, and the index."""
    if not isinstance(target, list):
        raise ConfigError([Complaint((key,), f"{part!r} is inside a value that is no table")], "--set")
    if not part.isdigit() or int(part) >= len(target):
        allowed = f"allowed: 0 to {len(target) - 1}" if target else "the list is empty"
        raise ConfigError([Complaint((key,), f"{part!r} is no index here; {allowed}")], "--set")
    return target, int(part)
