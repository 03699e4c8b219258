"""Sections that come in several kinds: task families, networks, algorithms, each declared beside its code."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import (
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails

from workbench.config.domains import Domain
from workbench.config.sections import SPLITS, Drift, Evaluation, Training
from workbench.problems import Problem
from workbench.problems.classification import Classification
from workbench.problems.diagnosis import Rule
from workbench.settings import (
    Kind,
    Name,
    Section,
    complaints,
    misfit,
    setting,
)
from workbench.summaries import HOME
from workbench.words import listed


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


class Schedule(NamedTuple):
    """How an algorithm is trained; without an iteration where there is nothing to train."""

    iterations: int
    meta_batch: int
    meta_lr: float


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

    own_alone: ClassVar[frozenset[str]] = frozenset({"domain", "drift"})
    """Fields of which another domain takes nothing over: what is trained on, and what else is tested."""

    sources: ClassVar[frozenset[str]] = frozenset({"path", "dataset"})
    """Fields that say which data it is, where it has them."""

    of_a_source: ClassVar[frozenset[str]] = sources | {"split", "diagnosis", "within"}
    """These, and fields that are about one source: names of its classes."""

    domain: Annotated[tuple[Domain, ...], Field(strict=False)] | None = setting(
        None,
        label="Other domains",
        help="Test on other families, data sets or settings too, which training never sees.",
        empty="none",
    )

    @model_validator(mode="wrap")
    @classmethod
    def _filled_domains(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """What differs in each domain is written down in full: defaults may be others one day."""
        found = handler(data)
        if found.domain is None:
            return found
        names = [each.name for each in found.domain]
        for index, name in enumerate(names):
            if name == HOME or name in names[:index]:
                why = "is what [task] itself is called" if name == HOME else "names two domains"
                raise misfit(("domain", index, "name"), f"{name!r} {why}; give each its own name")
        filled = tuple(found._filled(index, each) for index, each in enumerate(found.domain))
        return found.model_copy(update={"domain": filled or None})

    def _filled(self, index: int, domain: Domain) -> Domain:
        kind = self._kind_of_domain(index, domain)
        for name in TaskConfig.own_alone & domain.settings.keys():
            raise misfit(("domain", index, name), "has no meaning in a domain; leave it out")
        table = self._taken_over(kind, domain) | _split_thrice(domain.settings)
        table |= {self.selector: kind.name_of()}
        try:
            config = kind.model_validate(table)
        except ValidationError as error:
            first = complaints(error, kind, table)[0]
            raise misfit(("domain", index, *first.place), first.message) from None
        if config == self.model_copy(update={"domain": None}):
            raise misfit(("domain", index), f"{domain.name!r} is as [task] is; say what differs")
        known = self._taken_over(kind, domain)
        left = {"domain", self.selector} | (self.of_a_source - domain.settings.keys())
        told = config.model_dump(mode="json", exclude_none=True, exclude=left)
        said = {name: each for name, each in told.items() if name not in known or known[name] != each}
        return Domain.model_validate({"name": domain.name, "family": config.name, "fit": domain.fit} | said)

    def of_domain(self, domain: Domain) -> TaskConfig:
        """The task family of a domain, with its settings."""
        kind: type[TaskConfig] = TaskConfig.kinds[str(domain.family)]
        said = _split_thrice(domain.settings) | {self.selector: domain.family}
        return kind.model_validate(self._taken_over(kind, domain) | said)

    def is_another_source(self, domain: Domain) -> bool:
        """Whether a domain has other data than its own, so that nothing is trained on any of it."""
        return domain.family not in (None, self.name) or not self.sources.isdisjoint(domain.settings)

    def _kind_of_domain(self, index: int, domain: Domain) -> type[TaskConfig]:
        """The family that a domain says, or else the only one that has all of its settings."""
        akin = self.akin_families()
        if domain.family is not None:
            if domain.family not in akin:
                known = TaskConfig.kinds.get(domain.family)
                why = "is not known" if known is None else f"({known.problem.name}) gives other tasks"
                allowed = f"allowed: {', '.join(akin)}"
                raise misfit(("domain", index, "family"), f"{domain.family!r} {why}; {allowed}")
            return akin[domain.family]
        own, said = type(self), domain.settings.keys()
        having = [each for each in akin.values() if said <= each.model_fields.keys()]
        return having[0] if len(having) == 1 and own not in having else own

    @classmethod
    def akin_families(cls) -> dict[str, type[TaskConfig]]:
        """The families, by name, of whose tasks a learner of its own may be asked: they give as much."""
        return {
            name: kind
            for name, kind in sorted(TaskConfig.kinds.items())
            if kind.problem is cls.problem and cls.gives() <= kind.gives()
        }

    def _taken_over(self, kind: type[TaskConfig], domain: Domain) -> dict[str, Any]:
        """What of it holds in a domain of a family, where that says nothing else."""
        common = [each for each in type(self).__mro__ if issubclass(kind, each) and issubclass(each, Section)]
        names = {name for each in common for name in each.model_fields} - self.own_alone - {self.selector}
        if kind is not type(self) or not self.sources.isdisjoint(domain.settings):
            names -= self.of_a_source
        return self.model_dump(mode="json", exclude_none=True, include=names)

    @classmethod
    def name_of(cls) -> str:
        """The family's name in a file."""
        return str(cls.model_fields[cls.selector].default)

    @classmethod
    def gives(cls) -> frozenset[str]:
        """What its tasks have, for the algorithms and the settings that need it."""
        return cls.problem.gives | cls.has

    @property
    def episode_size(self) -> EpisodeSize:
        """The episodes that it asks for."""
        raise NotImplementedError


def _split_thrice(settings: Mapping[str, object]) -> dict[str, Any]:
    """Settings of a domain, in which classes for the test alone stand for all splits: none is trained on."""
    split = settings.get("split")
    if isinstance(split, Mapping) and split.keys() == {"test"}:
        return {**settings, "split": dict.fromkeys(SPLITS, split["test"])}
    return dict(settings)


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

    @property
    def most_examples(self) -> int:
        """Examples of each class that its training tasks have, as far as there are so many, where it learns
        from all of them alike; 0: as many as the task asks for."""
        return 0

    def new_tasks(self, meta_batch: int) -> int:
        """Tasks that the stream gives in one meta-iteration."""
        return meta_batch

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
