"""Learners by domain: what each reached on the tasks that it was trained for, and on those of other domains.

Between learners, differences are paired within a domain, whose episodes all of them met; Holm's correction
counts the comparisons of all domains. Between domains the tasks are others, so that a drop is a difference of
two means (Welch).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from workbench.analysis import quantities, remarks
from workbench.analysis.claims import Claim, Scores, conclusions
from workbench.analysis.comparison import Compared, Episodes, compare
from workbench.analysis.numerals import MINUS
from workbench.analysis.pairs import Reader, Statistics, arrays_of, claims_of, scores
from workbench.analysis.reached import Reached
from workbench.analysis.source import Source
from workbench.analysis.tables import NONE, Cells, Column, Table, number_in
from workbench.engine.intervals import difference_interval
from workbench.measures import Measure
from workbench.pictures import RUNS, WRONG, Figure, Panel, Shade
from workbench.project import Project
from workbench.project.records import of_domain
from workbench.summaries import HOME, TestSummary
from workbench.words import plural

ReaderOf = Callable[[str], Reader]
"""Reads per-task values of a domain, by its name."""


def readers_of(project: Project) -> ReaderOf:
    """Reads per-task values of each domain from a project."""

    def reader(name: str) -> Reader:
        return arrays_of(project, "test" if name == HOME else of_domain(name))

    return reader


@dataclass(frozen=True)
class Tried:
    """One domain.

    Attributes
    ----------
    name, words : ``home`` or as the experiment calls it, and what it is.
    statistics : of every two learners there; its tests are corrected for those of all domains.
    compared : each algorithm there.
    left_out : runs that met other episodes under that name.
    """

    name: str
    words: str
    statistics: Statistics
    compared: tuple[Compared, ...]
    left_out: int = 0

    @property
    def title(self) -> str:
        """Its name for people: that of the family at home."""
        task = self.statistics.met.entries[0].run.task.replace("_", " ")
        return f"{task} (home)" if self.name == HOME else self.name

    @cached_property
    def scores(self) -> dict[str, Scores]:
        """Each learner's values, by its name."""
        return {each.name: each for each in self.statistics.scores}

    @cached_property
    def ranks(self) -> dict[str, int]:
        """The place of each learner by its mean, 1 for the best; what has no finite mean has none."""
        sign = self.statistics.row.sign
        known = {name: sign * each.mean for name, each in self.scores.items() if math.isfinite(each.mean)}
        return {name: 1 + sum(other > mean for other in known.values()) for name, mean in known.items()}

    @property
    def leaders(self) -> list[str]:
        """Who has the best mean."""
        return [name for name, rank in self.ranks.items() if rank == 1]


@dataclass(frozen=True)
class Domains:
    """Home and the other domains, in that order."""

    tried: tuple[Tried, ...]

    @property
    def row(self) -> Measure:
        """What is compared."""
        return self.tried[0].statistics.row

    @property
    def learners(self) -> list[str]:
        """The names of all learners, as they stand at home."""
        return list(dict.fromkeys(each.name for domain in self.tried for each in domain.compared))

    def reached(self, learner: str, domain: Tried) -> Compared | None:
        """A learner in a domain."""
        return next((each for each in domain.compared if each.name == learner), None)

    def drop(self, learner: str, domain: Tried) -> Reached:
        """How much worse a learner is than at home, with the half of Welch's 95% interval over episodes."""
        home, there = self.tried[0].scores.get(learner), domain.scores.get(learner)
        sign, name = self.row.sign, self.row.name
        if home is None or there is None or domain is self.tried[0] or not sign:
            return Reached(name, None, None)
        mean, half = difference_interval(home.values, there.values)
        return Reached(name, *(each if math.isfinite(each) else None for each in (sign * mean, half)))

    @property
    def claims(self) -> list[Claim]:
        """All tests."""
        return [claim for each in self.tried for claim in each.statistics.claims]


def domains(
    runs: Source, met: Episodes, readers: ReaderOf, measure: str = "", step: int | None = None
) -> Domains | None:
    """The domains that runs which met the same episodes at home were tested on; None where there are none, or
    the measure is not one of tasks there.

    Parameters
    ----------
    measure : empty: the most telling.
    step : the inner step; None: the last.
    """
    measure = measure or met.measures[0]
    names = dict.fromkeys(name for each in met.entries for name in each.test.get("domains", {}))
    places = [(HOME, met), *((name, _in_domain(met, name)) for name in names)]
    kept = [(name, own) for name, own in places if measure in own.test["measures"]]
    if len(kept) < 2 or kept[0][0] != HOME:
        return None
    found = [scores(runs, own, readers(name), measure, step) for name, own in kept]
    claims = claims_of([known for known, _ in found], met.row(measure))
    tried = []
    for (name, own), (known, missing), said in zip(kept, found, claims, strict=True):
        statistics = Statistics(own, measure, step, tuple(known), tuple(said), tuple(missing))
        words = "" if name == HOME else str(own.test.get("words", ""))
        asked = sum(name == HOME or name in each.test.get("domains", {}) for each in met.entries)
        compared = tuple(compare(runs, own, measure, step))
        tried.append(Tried(name, words, statistics, compared, asked - len(own.entries)))
    return Domains(tuple(tried))


def _in_domain(met: Episodes, name: str) -> Episodes:
    """The runs on the episodes of a domain that most of them met."""
    found = [
        (each, cast("TestSummary", each.test["domains"][name]))
        for each in met.entries
        if name in each.test.get("domains", {})
    ]
    digest = Counter(test["episodes_hash"] for _, test in found).most_common(1)[0][0]
    entries = [replace(each, test=test) for each, test in found if test["episodes_hash"] == digest]
    return Episodes(digest, tuple(entries))


# --- in words ----------------------------------------------------------------------------------------


def sentences(found: Domains) -> list[str]:
    """Whether the order of the learners is the same in every domain, and what the tests say."""
    return [*order(found), *(sentence for each in found.tried for sentence in _within(each))]


def order(found: Domains) -> list[str]:
    """Who leads where, plainly; and whether tests tell two learners apart one way here, the other there."""
    known = [each for each in found.tried if len(each.ranks) > 1]
    if len(known) < 2 or not found.row.sign:
        return []
    by_leader: dict[str, list[str]] = {}
    for each in known:
        by_leader.setdefault(_and(each.leaders), []).append(each.title)
    if len(by_leader) == 1:
        ((leader, _),) = by_leader.items()
        said = [f"{leader} {_leads(known[0])} at home and in every other domain."]
    else:
        told = [f"{leader} on {_and(titles)}" for leader, titles in by_leader.items()]
        first = f"{told[0]}, ".replace(" on ", f" {_leads(known[0])} on ", 1)
        said = [f"The order turns over: {first}{', '.join(told[1:])}."]
    turned = _turned(known)
    if turned:
        said += turned
    elif len(by_leader) > 1:
        said.append(
            "No two learners are told apart one way in one domain and the other way in another, so the turn "
            "may be chance."
        )
    return said


def _and(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _leads(domain: Tried) -> str:
    return "leads" if len(domain.leaders) == 1 else "lead"


def _turned(known: Sequence[Tried]) -> list[str]:
    """Pairs of learners of which each is better somewhere, by the corrected tests."""
    ways: dict[frozenset[str], dict[str, list[str]]] = {}
    for domain in known:
        for claim in domain.statistics.claims:
            if claim.better is not None:
                pair = frozenset((claim.first.name, claim.second.name))
                ways.setdefault(pair, {}).setdefault(claim.better.name, []).append(domain.title)
    said = []
    for pair, better in ways.items():
        if len(better) == 2:
            (one, here), (other, there) = better.items()
            assert pair == {one, other}
            said.append(
                f"Of these trained learners, {one} is better than {other} on {_and(here)}, and {other} "
                f"better than {one} on {_and(there)} (paired tests, Holm over all domains)."
            )
    return said


def _within(domain: Tried) -> list[str]:
    return [f"{domain.title}: {each}" for each in conclusions(domain.statistics.claims)]


def caption(found: Domains) -> str:
    """What the numbers are, and what each domain is."""
    home = found.tried[0].statistics
    told = [
        f"{home.met.told(home.measure, home.step)} in each domain, on {home.met.test['episodes']} frozen "
        "episodes each, the same for all learners; of several seeds, means over them, ± the mean of their "
        "95% intervals over tasks (Student's t). Learners were trained at home only.",
        "Drop: how much worse than at home, with Welch's 95% interval over the episodes of both, which are "
        "others.",
        *(f"{each.title}: {each.words}." for each in found.tried if each.words),
        *(
            f"{each.title}: {sentence}"
            for each in found.tried
            for sentence in remarks.episodes(each.statistics.met.test)
        ),
        *(
            f"Left out in {each.title}: {plural(each.left_out, 'run')} that met other episodes."
            for each in found.tried
            if each.left_out
        ),
    ]
    return " ".join(told)


# --- shown -------------------------------------------------------------------------------------------


def rows(found: Domains) -> list[dict[str, object]]:
    """A row for each learner in each domain, with every value."""
    told = []
    for learner in found.learners:
        for domain in found.tried:
            own = found.reached(learner, domain)
            if own is None:
                continue
            drop, row = found.drop(learner, domain), own.row
            told.append(
                {
                    "algorithm": learner,
                    "domain": domain.name,
                    "measure": row.measure,
                    "seeds": row.seeds,
                    "mean": row.mean,
                    "ci95_over_seeds": row.ci95_over_seeds,
                    "ci95_over_tasks": row.ci95_over_tasks,
                    "rank": domain.ranks.get(learner),
                    "drop": drop.mean,
                    "drop_ci95": drop.half,
                    "diverged": row.diverged,
                    "episodes": row.episodes,
                    "episodes_hash": row.episodes_hash,
                    "words": domain.words,
                }
            )
    return told


def table(found: Domains) -> Table:
    """A row for each learner: what it reached in each domain, and its drop; in bold the best of a domain, and
    what a test cannot tell from it."""
    cells, bold = [], set()
    by_name = {(row["algorithm"], row["domain"]): row for row in rows(found)}
    for number, learner in enumerate(found.learners):
        told: dict[str, object] = {"algorithm": learner}
        for domain in found.tried:
            own = by_name.get((learner, domain.name), {})
            told |= {f"{domain.name} {key}": own.get(key) for key in ("mean", "ci95_over_tasks")}
            if domain.name != HOME:
                told |= {f"{domain.name} {key}": own.get(key) for key in ("drop", "drop_ci95")}
            if learner in domain.statistics.leaders():
                bold.add((number, f"{domain.name} mean"))
        cells.append(told)
    columns = [Column("algorithm", "Algorithm", number=False)]
    unit = "%" if found.row.share else found.row.unit
    for domain in found.tried:
        mean, drop = f"{domain.name} mean", f"{domain.name} drop"
        title = f"{domain.title} ({unit})" if unit else domain.title
        columns.append(Column(mean, title, _around(found, mean, f"{domain.name} ci95_over_tasks")))
        if domain.name != HOME and found.row.sign:
            columns.append(Column(drop, "Drop", _around(found, drop, f"{drop}_ci95", signed=True)))
    said = f"{caption(found)} Bold: the best mean of a domain, and what the paired tests cannot tell from it."
    return Table("domains", tuple(columns), tuple(cells), said, frozenset(bold))


def _around(found: Domains, key: str, half: str, *, signed: bool = False) -> Callable[[Cells], str]:
    """Writes a number with its interval."""
    return lambda row: shown(found.row, number_in(row, key), number_in(row, half), signed=signed)


def shown(row: Measure, mean: float | None, half: float | None, *, signed: bool = False) -> str:
    """``53.9 ± 4.7`` in the unit of the axis."""
    if mean is None:
        return NONE

    def one(value: float, sign: str) -> str:
        text = format(row.scale * value, f"{sign}{'.1f' if row.share else '.3g'}")
        return text.replace("-", MINUS)

    around = "" if half is None else f" ± {one(half, '')}"
    return one(mean, "+" if signed else "") + around


def tests(found: Domains) -> list[dict[str, object]]:
    """A row for each two learners in each domain."""
    return [
        {"domain": each.name, "domain_title": each.title} | row
        for each in found.tried
        for row in each.statistics.rows()
    ]


def tests_caption(found: Domains) -> str:
    """What the tests are."""
    home = found.tried[0].statistics
    count = plural(len(found.claims), "comparison")
    return (
        f"{home.met.told(home.measure, home.step)}, paired within each domain over its identical episodes: "
        "first minus second. Better on: the episodes on which the first, and the second, is better. "
        "Brackets: 95% intervals (BCa bootstrap over episodes). p: two-sided Wilcoxon signed-rank test and "
        f"paired bootstrap, each corrected by Holm's method for the {count} of all domains."
    )


def figure(found: Domains) -> Figure:
    """Heat maps, learners by domains: what was reached, and how much worse that is than at home."""
    reached, drops = [], []
    for learner in found.learners:
        cells = [(domain, found.reached(learner, domain)) for domain in found.tried]
        reached.append([_shade(found, learner, domain, own) for domain, own in cells])
        drops.append([_drop_shade(found, learner, domain) for domain in found.tried[1:]])
    names = tuple(each.title for each in found.tried)
    axis = quantities.axis(found.row, "Meta-test", percent=True)
    panels = [_panel(axis, reached, found.learners, names, RUNS[0])]
    if found.row.sign:
        panels.append(_panel(f"Drop against {names[0]}", drops, found.learners, names[1:], WRONG))
    table = tuple(rows(found))
    return Figure("domains", tuple(panels), f"{caption(found)} {' '.join(order(found))}".strip(), table=table)


Cell = tuple[float | None, Shade]
"""What its colour stands for, and the cell."""


def _shade(found: Domains, learner: str, domain: Tried, own: Compared | None) -> Cell:
    if own is None or own.row.mean is None:
        return None, Shade(NONE, math.nan, f"{learner}, {domain.title}: no finite value")
    text = shown(found.row, own.row.mean, own.row.ci95_over_tasks)
    rank = domain.ranks.get(learner)
    told = f"{learner}, {domain.title}: {text}" + (f", rank {rank} of {len(domain.ranks)}" if rank else "")
    value = (found.row.sign or 1) * own.row.mean
    return value, Shade(text.replace(" ± ", "\n± "), 0.0, told, learner in domain.statistics.leaders())


def _drop_shade(found: Domains, learner: str, domain: Tried) -> Cell:
    _, mean, half = found.drop(learner, domain)
    text = shown(found.row, mean, half, signed=True)
    worse = None if mean is None else max(mean, 0.0)
    return worse, Shade(text.replace(" ± ", "\n± "), math.nan, f"{learner}, drop on {domain.title}: {text}")


def _panel(
    title: str, cells: Sequence[Sequence[Cell]], learners: Sequence[str], names: tuple[str, ...], role: str
) -> Panel:
    """A heat map of values, the stronger in colour the greater."""
    known = [value for line in cells for value, _ in line if value is not None]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)

    def part(value: float | None) -> float:
        if value is None:
            return math.nan
        return (value - low) / span if span else 0.5

    shades = tuple(tuple(replace(shade, part=part(value)) for value, shade in line) for line in cells)
    return Panel(title=title, shades=shades, shade=role, row_names=tuple(learners), x_names=names)
