"""Published accuracies with the protocol that each was measured under, and which of an algorithm's own
results they may stand beside: those whose protocol agrees, or differs in a few points, which are then said.

The list is ``resources/published_values.toml``. Nothing is shown beside a result whose protocol differs in
more points, or where the source says too little of its own to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from workbench import toml
from workbench.analysis.naming import worded
from workbench.analysis.numerals import count
from workbench.analysis.source import Group, Source, configuration
from workbench.paths import resource
from workbench.summaries import TestSummary
from workbench.words import listed

if TYPE_CHECKING:  # they import torch, for which the kinds are written
    from workbench.algorithms import Citation
    from workbench.config import AlgorithmConfig, Experiment

MOST_DIFFERING = 3
"""Points in which a protocol may differ from a published one that still stands beside it."""

LEAST_STATED = 0.5
"""Of the points that matter, the part that a source must state: of what says less, nobody knows."""

READ = ("in the paper", "in a secondary table")
"""Where a value was read."""

ROTATIONS = {"none": "no classes", "train": "training classes alone", "all": "training and test classes"}
"""Which classes are there turned by 90, 180 and 270 degrees, too."""

BATCH_NORM = {"True": "all queries together", "False": "each query alone"}

Facts = Mapping[str, object]


@dataclass(frozen=True)
class Point:
    """One point of a protocol.

    Attributes
    ----------
    title : what a table calls it.
    words : around its value, in a sentence.
    one : the same of the value 1.
    shown : writes its value.
    """

    title: str
    words: str
    one: str = ""
    shown: Callable[[Any], str] = worded

    def said(self, value: object) -> str:
        """A value in a sentence."""
        return self.one if self.one and value == 1 else self.words.format(self.shown(value))


def _classes(value: Any) -> str:
    return "as the data have it" if value is None else "/".join(map(count, value))


def _network(value: Any) -> str:
    return worded(value if isinstance(value, Mapping) else value.model_dump(mode="json", exclude_none=True))


POINTS = {
    "classes": Point("Split", "split {}", shown=_classes),
    "size": Point("Image size", "images of {} pixels a side"),
    "rotations": Point("Rotations", "rotations of {}", shown=lambda value: ROTATIONS[value]),
    "network": Point("Network", "network {}", shown=_network),
    "train_ways": Point("Ways in training", "{} ways in training"),
    "train_shots": Point("Shots in training", "{} shots in training", "1 shot in training"),
    "train_queries": Point(
        "Queries in training", "{} queries a class in training", "1 query a class in training"
    ),
    "examples": Point("Examples in training", "{} examples a class in training"),
    "queries": Point("Queries in test", "{} queries a class in test", "1 query a class in test"),
    "inner_steps": Point("Inner steps in training", "{} inner steps in training", "1 inner step in training"),
    "test_steps": Point("Inner steps in test", "{} inner steps in test", "1 inner step in test"),
    "meta_batch": Point("Tasks in a meta-batch", "{} tasks in a meta-batch", "1 task in a meta-batch"),
    "iterations": Point("Meta-iterations", "{} meta-iterations", shown=count),
    "transductive": Point(
        "Batch norm in test",
        "batch norm of {} in test",
        shown=lambda value: BATCH_NORM.get(str(value), "nothing"),
    ),
    "weights": Point("Weights tested", "{} weights tested"),
}
"""What a protocol card says, beside algorithm, data, ways and shots, which must be the same. An inner rate is
not among it: papers mean other losses by it, which the algorithm's own ``departs`` says."""


@dataclass(frozen=True)
class Published:
    """A published accuracy.

    Attributes
    ----------
    key : names it: ``maml-mlp-omniglot-5w1s``.
    algorithm, settings : its kind in this program, with settings that make it that one.
    measure : what it is a value of.
    data : the published data set by its name in this program.
    value, half : in percent, and its interval's half-width, where one is printed.
    interval : what that is; empty: it is not said where the value was read.
    paper, table : that has it, by arXiv id; empty: the table was not noted.
    read : where the value was read, one of :data:`READ`.
    place : where the facts were read.
    facts : of :data:`POINTS`, those that were stated.
    """

    key: str
    measure: str
    algorithm: str
    data: str
    ways: int
    shots: int
    value: float
    paper: str
    read: str
    place: str
    half: float | None = None
    interval: str = ""
    table: str = ""
    settings: Facts = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)

    @property
    def share(self) -> float:
        """As measures have it."""
        return self.value / 100

    @property
    def half_share(self) -> float | None:
        """The same of its interval."""
        return None if self.half is None else self.half / 100

    @property
    def number(self) -> str:
        """As it is printed: ``89.7 ± 1.1%``."""
        digits = max(len(f"{each:g}".partition(".")[2]) for each in (self.value, self.half or 0.0))
        half = "" if self.half is None else f" ± {self.half:.{digits}f}"
        return f"{self.value:.{digits}f}{half}%"

    @property
    def task(self) -> str:
        """``omniglot, 5-way 1-shot``."""
        return f"{self.data}, {self.ways}-way {self.shots}-shot"

    @property
    def title(self) -> str:
        """The paper and the table."""
        return ", ".join(filter(None, [_short(citation(self.paper)), self.table]))

    @property
    def said(self) -> str:
        """The number, what its interval is, and the paper."""
        over = f"; ± {self.interval}" if self.interval else ""
        secondary = f"; read {self.read}" if self.read != READ[0] else ""
        return f"{self.number} ({self.title}{over}{secondary})"

    @property
    def card(self) -> dict[str, str]:
        """Every point in words, those that are not stated as such."""
        return {
            each.title: each.shown(self.facts[name]) if name in self.facts else "not stated"
            for name, each in POINTS.items()
        }

    def listed(self) -> dict[str, object]:
        """All of it in JSON types, with what is not stated."""
        told = {name: each for name, each in vars(self).items() if name not in ("facts", "settings")}
        return told | {
            "card": dict(self.facts),
            "not_stated": [name for name in POINTS if name not in self.facts],
        }


@dataclass(frozen=True)
class Beside:
    """A published value that may stand beside an own result.

    Attributes
    ----------
    differs : the points in which the own protocol differs, in words.
    unstated : what the source does not state of what matters here, by titles.
    departs : how the program's algorithm differs from the paper's, whatever the protocol.
    """

    published: Published
    differs: tuple[str, ...]
    unstated: tuple[str, ...]
    departs: str = ""

    @property
    def agreement(self) -> str:
        """``agrees`` or ``nearly``."""
        return "nearly" if self.differs else "agrees"

    @property
    def words(self) -> str:
        """How far the protocols agree."""
        same = "the same protocol" + (", as far as it is stated" if self.unstated else "")
        said = f"here {listed(self.differs, MOST_DIFFERING, '; ')}" if self.differs else same
        unstated = f"; not stated: {listed(self.unstated, len(POINTS)).lower()}" if self.unstated else ""
        return said + unstated

    @property
    def said(self) -> str:
        """The value with all of that, in a sentence without its end."""
        return f"{self.published.said}; {self.words}"

    def cells(self) -> dict[str, object]:
        """What a row of results says of it."""
        return {
            "published": self.published.share,
            "published_printed": self.published.number + (" (nearly)" if self.differs else ""),
            "published_half": self.published.half_share,
            "published_key": self.published.key,
            "published_in": self.published.title,
            "published_agreement": self.agreement,
            "published_differs": "; ".join(self.differs),
            "published_not_stated": "; ".join(self.unstated),
        }


@cache
def values() -> tuple[Published, ...]:
    """Everything that is listed."""
    found = toml.read(resource("published_values.toml").read_text(encoding="utf-8"))
    groups = [{"measure": found["measure"]} | group for group in found["group"]]
    return tuple(_one(group, each) for group in groups for each in group["values"])


def _one(group: dict[str, Any], value: dict[str, Any]) -> Published:
    told = {name: each for name, each in group.items() if name != "values"} | value
    facts = {name: told.pop(name) for name in POINTS if name in told}
    told["key"] = f"{told['key']}-{told['ways']}w{told['shots']}s"
    return Published(**told, facts=facts)


@cache
def citation(arxiv: str) -> Citation:
    """The paper of an arXiv id, which some algorithm cites; imports torch.

    Raises
    ------
    LookupError
        If none does.
    """
    from workbench.algorithms import ALGORITHMS

    cited = (each.citation for each in ALGORITHMS.values())
    found = next((each for each in cited if each is not None and each.arxiv == arxiv), None)
    if found is None:
        raise LookupError(f"no algorithm cites {arxiv}")
    return found


def _short(cited: Citation) -> str:
    """``Finn, Abbeel, Levine, ICML 2017``."""
    names = [each.split()[-1] for each in cited.authors.split(", ")]
    authors = ", ".join(names) if len(names) <= 3 else f"{names[0]} et al."
    return f"{authors}, {cited.venue} {cited.year}"


# --- beside own results ----------------------------------------------------------------------------


def beside(
    source: Source, group: Group, test: TestSummary, measure: str, step: int | None = None
) -> Beside | None:
    """The published value whose protocol is nearest to that of an algorithm's runs; None where none is near
    enough.

    What may be near is sought in plain tables, which needs no torch.

    Parameters
    ----------
    test : what one of the runs reached.
    measure, step : what is looked at, after which inner step (None: the last).
    """
    size = measure, test.get("ways"), test.get("shots")
    likely = [
        each
        for each in values()
        if (each.algorithm, each.measure, each.ways, each.shots) == (group.entry.get("kind"), *size)
    ]
    if not likely:
        return None
    table, entry = configuration(source.experiment(group.runs[0]), group.runs[0])
    task = table.get("task")
    data = task.get("dataset") if isinstance(task, Mapping) else None
    likely = [each for each in likely if (each.algorithm, each.data) == (entry.get("kind"), data)]
    return _nearest(likely, table, entry, test, step) if likely else None


def _nearest(
    likely: Iterable[Published], table: Facts, entry: Facts, test: TestSummary, step: int | None
) -> Beside | None:
    import workbench.networks
    import workbench.tasks  # noqa: F401 (they declare the kinds)
    from workbench.algorithms import ALGORITHMS
    from workbench.config import ConfigError, Experiment

    try:
        experiment = Experiment.from_table({**table, "algorithm": [entry]})
    except ConfigError:  # of another program
        return None
    (algorithm,) = experiment.algorithm
    departs = ALGORITHMS[algorithm.name].departs
    found = [
        each
        for published in likely
        if all(getattr(algorithm, name) == value for name, value in published.settings.items())
        and (each := compared(published, facts(experiment, algorithm, test, step, published), departs))
    ]
    return min(found, key=lambda each: (len(each.differs), len(each.unstated)), default=None)


def compared(published: Published, own: Facts, departs: str = "") -> Beside | None:
    """How far two protocols agree; None where too much differs, or too little is stated.

    Parameters
    ----------
    own : by the keys of :data:`POINTS`; what has no meaning for the run is left out.
    """
    known = _objects(published.facts)
    differs, unstated = [], []
    for name, point in POINTS.items():
        if name in known and known[name] != own.get(name):
            here = point.said(own[name]) if name in own else f"no {point.title.lower()}"
            differs.append(f"{here} instead of {point.shown(published.facts[name])}")
        elif name in own and name not in known:
            unstated.append(point.title)
    stated = len(known) / max(1, len(known) + len(unstated))
    if len(differs) > MOST_DIFFERING or stated < LEAST_STATED:
        return None
    return Beside(published, tuple(differs), tuple(unstated), departs)


def _objects(stated: Facts) -> dict[str, object]:
    """Facts as an experiment has them: a network is one of the program's, with what is not said of it."""
    from workbench.config import NetworkConfig

    found = dict(stated)
    if "network" in found:
        found["network"] = NetworkConfig.resolve(found["network"])
    if isinstance(classes := found.get("classes"), list):
        found["classes"] = tuple(classes)
    return found


def facts(
    experiment: Experiment,
    algorithm: AlgorithmConfig,
    test: TestSummary,
    step: int | None,
    published: Published,
) -> dict[str, object]:
    """The protocol of an own run, by the keys of :data:`POINTS`; what has no meaning for it is left out.

    Parameters
    ----------
    published : of a split that is drawn by parts only its number of classes tells how many these are.
    """
    from workbench.algorithms.base import InnerLoop
    from workbench.config import AnyWays, Trains

    task = experiment.task
    found: dict[str, object] = {
        "classes": _split(getattr(task, "split", None), published.facts.get("classes")),
        "size": getattr(task, "size", None),
        "rotations": "train" if getattr(task, "rotations", False) else "none",
        "network": experiment.network,
        "queries": test.get("queries"),
        "transductive": test.get("transductive"),
        "weights": (test.get("weights") or {"tested": "last"})["tested"],
    }
    if isinstance(algorithm, Trains):
        ways = algorithm.train_ways if isinstance(algorithm, AnyWays) else None
        schedule = algorithm.schedule(experiment.training)
        found |= {
            "train_ways": ways or test.get("ways"),
            "meta_batch": schedule.meta_batch,
            "iterations": schedule.iterations,
        }
        if algorithm.most_examples:
            found["examples"] = algorithm.most_examples
        else:
            found["train_shots"] = algorithm.train_shots or test.get("shots")
            found["train_queries"] = algorithm.train_queries or getattr(task, "queries", None)
    if isinstance(algorithm, InnerLoop):
        found["inner_steps"] = algorithm.inner_steps
        found["test_steps"] = max(test["inner_steps"], default=None) if step is None else step
    return found


def _split(split: Any, stated: object) -> object:
    """How many classes each part has, as far as settings tell; else how it is drawn, or None."""
    if split is None or (not split.named and split.fractions is None):
        return None
    if split.named:
        return tuple(len(each or ()) for each in (split.train, split.validation, split.test))
    if split.by != "class" or not isinstance(stated, list):
        return None
    return tuple(round(part * sum(stated)) for part in split.fractions)
