"""What the view "Compare" computes on the background thread: tests, protocol cards, settings, ranks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from workbench.analysis import protocol, sweep
from workbench.analysis.arrangement import Arrangement
from workbench.analysis.comparison import episodes
from workbench.analysis.critical_difference import Families, families
from workbench.analysis.diagnosis import Diagnosed, diagnosed
from workbench.analysis.domains import Domains, domains, readers_of
from workbench.analysis.pairs import Statistics, arrays_of, statistics
from workbench.analysis.source import ProjectSource
from workbench.pictures import RUNS
from workbench.project import Project


@dataclass(frozen=True)
class Question:
    """What is asked; equal questions about an unchanged file have the same answer.

    Attributes
    ----------
    runs : ids of the shown runs, with their status: a run that ends may change everything.
    hash : of the episodes.
    arrangement : the order and names of the algorithms.
    """

    path: Path
    runs: tuple[tuple[int, str], ...]
    hash: str
    measure: str
    step: int | None
    arrangement: Arrangement = field(default_factory=Arrangement)


@dataclass(frozen=True)
class Answer:
    """What came out.

    Attributes
    ----------
    statistics : None where no finished run met the episodes.
    own, others : the protocol cards of those that met the episodes, and of those that met others.
    diagnosed : the algorithms that a diagnosis was asked for.
    domains : what was reached in other domains; None where there are none, or none of the measure.
    """

    statistics: Statistics | None
    own: tuple[protocol.Card, ...]
    others: tuple[protocol.Card, ...]
    setups: tuple[sweep.Setup, ...]
    families: Families
    diagnosed: tuple[Diagnosed, ...] = ()
    domains: Domains | None = None


def answer(question: Question) -> Answer:
    """Read the project, and compute."""
    with Project.open(question.path, read_only=True) as project:
        return project.of_sound_runs(lambda: _answer(project, question))


def _answer(project: Project, question: Question) -> Answer:
    runs = [run for run, _ in question.runs]
    source = ProjectSource(project, RUNS, runs, question.arrangement)
    met = next((each for each in episodes(source)[0] if each.hash == question.hash), None)
    found, judged, tried = None, [], None
    if met is not None:
        arrays = arrays_of(project)
        found = statistics(source, met, arrays, question.measure, question.step)
        judged = diagnosed(source, met, arrays)
        tried = domains(source, met, readers_of(project), question.measure, question.step)
    cards = protocol.cards(source)
    own, others = protocol.parted(cards, met) if met is not None else ([], cards)
    return Answer(
        found,
        tuple(own),
        tuple(others),
        tuple(sweep.setups(source, sweep.weights_of(project))),
        families(source),
        tuple(judged),
        tried,
    )
