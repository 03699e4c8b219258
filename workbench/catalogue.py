"""What there is to choose from, with every parameter: for the command line, forms and the manual."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from workbench.algorithms import ALGORITHMS, Algorithm, Citation
from workbench.algorithms.wrapper import WrapperConfig
from workbench.config import AlgorithmConfig, Suits, TaskConfig, Trains
from workbench.problems import PROBLEMS, Supervised
from workbench.settings import Kind, Section, fields_of
from workbench.tasks import FAMILIES
from workbench.words import listed

CITED = 49
"""Letters that a short citation may have, so that a table has 120."""


class Parameter(TypedDict):
    """A field of a section, in JSON types."""

    name: str
    default: object
    required: bool
    allowed: str
    unit: str
    symbol: str
    help: str
    parameters: NotRequired[list[Parameter]]


class Entry(TypedDict):
    """What is told of everything that there is to choose from."""

    name: str
    title: str
    summary: str
    parameters: list[Parameter]


class AlgorithmEntry(Entry):
    """An algorithm; ``base`` lists what it can be built over, and is None where that is nothing."""

    family: str
    problems: list[str]
    order: int
    base: list[str] | None
    citation: str | None
    departs: str
    privilege: str


class TaskEntry(Entry):
    """A task family."""

    problem: str
    default_network: str
    suits: dict[str, dict[str, object]]


def parameters(section: type[Section]) -> list[Parameter]:
    """Every field of a section: name, default, range, unit, symbol and help (JSON types).

    A field that holds a section lists the ``parameters`` of that, unless it comes in several kinds.
    """
    listed = []
    for field in fields_of(section).values():
        default = field.default
        if field.where is not None:
            default = {name: field.usual(each.gives) for name, each in PROBLEMS.items()}
        parameter: Parameter = {
            "name": field.name,
            "default": _plain(default),
            "required": field.required,
            "allowed": field.allowed,
            "unit": field.unit,
            "symbol": field.symbol,
            "help": field.help,
        }
        if field.section is not None and field.shape == "section":
            parameter["parameters"] = parameters(field.section)
        listed.append(parameter)
    return listed


def _plain(default: object) -> object:
    """A default in JSON types: of a section in several kinds, what differs from the kind's own."""
    if isinstance(default, Kind):
        said = default.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        return {default.selector: default.name} | said
    return default.model_dump(mode="json") if isinstance(default, Section) else default


def _privilege(config: type[AlgorithmConfig]) -> str:
    found = {config.privileged(PROBLEMS[name]) for name in config.problems()}
    return listed(sorted(filter(None, found)))


def algorithms() -> list[AlgorithmEntry]:
    """Every algorithm."""
    return [
        {
            "name": name,
            "title": each.title,
            "family": each.family,
            "summary": each.summary,
            "problems": sorted(each.Config.problems()),
            "order": each.order,
            "base": bases(each),
            "citation": str(each.citation) if each.citation else None,
            "departs": each.departs,
            "privilege": _privilege(each.Config),
            "parameters": parameters(each.Config),
        }
        for name, each in ALGORITHMS.items()
    ]


def bases(algorithm: type[Algorithm]) -> list[str] | None:
    """The kinds of algorithms that one can be built over; None where it is no wrapper."""
    config = algorithm.Config
    if not issubclass(config, WrapperConfig):
        return None
    return sorted(name for name, kind in AlgorithmConfig.kinds.items() if config.allows(kind))


def algorithm_rows() -> list[list[str]]:
    """The algorithms as a table of 120 columns, with a heading."""
    rows = [["name", "family", "problems", "order", "base", "citation"]]
    for name, each in ALGORITHMS.items():
        over = each.Config.wraps
        rows.append(
            [
                name,
                each.family,
                _summed_up(set(each.Config.problems())),
                "base's" if over else str(each.order) if issubclass(each.Config, Trains) else "–",
                "yes" if over else "–",
                cited(each.citation) if each.citation else "ours" if "(ours)" in each.title else "–",
            ]
        )
    return rows


def _summed_up(problems: set[str]) -> str:
    """Problems in few letters."""
    families = {each.problem for each in TaskConfig.kinds.values()}
    if problems == {each.name for each in families}:
        return "all"
    if problems == {each.name for each in families if issubclass(each, Supervised)}:
        return "supervised"
    if problems == {each.name for each in families if "vectors" in each.gives}:
        return "labels, values"
    return ", ".join(sorted(problems)) or "–"


def cited(citation: Citation) -> str:
    """A citation in few letters: surnames, venue, year, arXiv number."""
    surnames = [
        " ".join(word for word in author.split() if not word.endswith(".")) or author
        for author in citation.authors.split(", ")
    ]
    arxiv = f", arXiv {citation.arxiv}" if citation.arxiv else ""
    rest = f"{citation.venue} {citation.year}{arxiv}"
    every = f"{', '.join(surnames)}, {rest}"
    if len(every) > CITED and len(surnames) > 2:
        every = f"{surnames[0]} et al., {rest}"
    over = len(every) - CITED
    if over > 0 and len(citation.venue) > over:
        every = every.replace(citation.venue, citation.venue[: -over - 1].rstrip() + "…")
    return every


def _suits(suits: Suits) -> dict[str, dict[str, object]]:
    """What suits a family in JSON types, by table; of algorithms under ``algorithm``."""
    tables = {"training": suits.training, "evaluation": suits.evaluation}
    said = {name: each.model_dump(mode="json", exclude_unset=True) for name, each in tables.items()}
    return said | {"algorithm": dict(suits.learners)}


def tasks() -> list[TaskEntry]:
    """Every task family."""
    return [
        {
            "name": name,
            "title": each.title,
            "summary": each.summary,
            "problem": each.Config.problem.name,
            "default_network": each.Config.default_network,
            "suits": _suits(each.Config.suits),
            "parameters": parameters(each.Config),
        }
        for name, each in FAMILIES.items()
    ]
