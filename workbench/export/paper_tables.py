"""The tables of a comparison: what each algorithm reached, the tests, the protocol, a pivot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from workbench.analysis import domains, numerals, protocol, quantities, remarks, results
from workbench.analysis.comparison import Episodes, compare, episodes
from workbench.analysis.numerals import MINUS
from workbench.analysis.pairs import Statistics
from workbench.analysis.source import ProjectSource, Source
from workbench.analysis.statistics import plain
from workbench.analysis.tables import NONE, Cells, Column, Table, number_in
from workbench.measures import Measure, known
from workbench.project import Project, RunRecord
from workbench.summaries import RunEntry
from workbench.words import listed


@dataclass(frozen=True)
class Chapter:
    """One experiment, or several that met some of the same frozen episodes, so that they can be compared.

    Attributes
    ----------
    source : its runs alone: names tell apart what is here.
    met : its finished runs by the episodes that they met, most runs first.
    unfinished : its other runs.
    """

    title: str
    source: ProjectSource
    met: tuple[Episodes, ...]
    unfinished: tuple[RunRecord, ...]

    def of(self, measure: str) -> Chapter:
        """The same with what has a measure, if one is named."""
        return replace(self, met=tuple(each for each in self.met if measure in ("", *each.measures)))


def chapters(source: ProjectSource) -> list[Chapter]:
    """What a source holds, one experiment after the other, in the order in which they were begun."""
    groups = [[each] for each in source.experiments.all(source.shown())]
    for met in episodes(source)[0]:
        here = {source.experiments.key(each.run) for each in met.entries}
        alike = [each for each in groups if here & {one.key for one in each}]
        first, *others = alike
        first += [one for each in others for one in each]
        groups = [each for each in groups if each not in others]
    found = []
    for group in groups:
        runs = [run.id for one in group for run in one.runs]
        own = source.of(runs)
        tested, unfinished = episodes(own)
        title = listed([one.name for one in group], 3)
        found.append(Chapter(title, own, tuple(tested), tuple(unfinished)))
    return found


def rows(chapter: Chapter, measure: str, step: int | None) -> list[dict[str, object]]:
    """A row for each algorithm on each set of episodes, with every value."""
    source, met = chapter.source, chapter.met
    found = (compare(source, each, measure or each.measures[0], step) for each in met)
    return [each.row.cells() for compared in found for each in compared]


def beside_published(project: Project) -> list[dict[str, object]]:
    """A row for each algorithm of a project beside whose result something published stands: what both
    reached, and how far the protocols agree."""
    found = []
    for chapter in chapters(ProjectSource(project)):
        for met in chapter.met:
            for each in compare(chapter.source, met, met.measures[0]):
                row, published = each.row, each.row.published
                if published is not None and row.mean is not None:
                    seeds = row.ci95_over_seeds is not None
                    half = row.ci95_over_seeds if seeds else row.ci95_over_tasks
                    text = quantities.text(met.row(row.measure), row.mean, half)
                    own = f"{text} ({f'over {row.seeds_measured} seeds' if seeds else 'over tasks'})"
                    told = {"own": own, "said": published.said, "departs": published.departs}
                    found.append(row.cells() | told)
    return found


def reached(runs: Source, found: Statistics, about: str = "") -> Table:
    """What each algorithm reached: a row each; in bold the best, and what a test cannot tell from it."""
    met, shown = found.met, found.row
    lost = {each.name: each.lost for each in found.scores}
    rows = [each.row for each in compare(runs, met, found.measure, found.step)]
    leaders = set(found.leaders())
    bold = frozenset((index, "mean") for index, row in enumerate(rows) if row.algorithm in leaders)
    caption = (
        f"{met.told(found.measure, found.step)} on {met.named(found.measure)}. Mean over n seeds; "
        "95% intervals (Student's t) over seeds and over tasks, two different variances."
    )
    if bold and len(rows) > 1:
        caption += (
            " Bold: the best mean, and all of these trained learners that a paired Wilcoxon test over the "
            "episodes cannot tell from it (5%, Holm-corrected)."
        )
    if any(lost.values()):
        caption += (
            " Not finite: episodes without a finite value of every seed; means leave those out, and what has "
            "any is not bold."
        )
    conditions = met.conditions(found.measure, found.step)
    caption = " ".join([caption, *conditions, *remarks.episodes(met.test), *remarks.of(rows)])
    columns = (
        Column("algorithm", "Algorithm", number=False),
        Column("seeds_measured", "n", seeds),
        Column("mean", shown.axis, _mean(shown)),
        Column("ci95_over_seeds", "± seeds", _scaled("ci95_over_seeds", shown)),
        Column("ci95_over_tasks", "± tasks", _scaled("ci95_over_tasks", shown)),
        *(
            [Column("published_printed", "Published", number=False)]
            if any(row.published for row in rows)
            else []
        ),
        *([Column("diverged", "Diverged", lost_share)] if any(row.diverged for row in rows) else []),
        *([Column("not_finite", "Not finite")] if any(lost.values()) else []),
        *(
            [Column("shifted", "Shifted", _scaled("shifted", shown))]
            if any(row.beside["shifted"] is not None for row in rows)
            else []
        ),
        Column("adaptation_steps_median", "Steps to τ", "g"),
        Column("generalisation_gap", "Gap", "+.3g"),
        Column("meta_iterations_per_second", "Iter./s", ".0f"),
    )
    cells = tuple({**row.cells(), "not_finite": lost.get(row.algorithm)} for row in rows)
    return Table("comparison", columns, cells, caption, bold, about)


Shown = Callable[[Cells], str]
"""Writes a cell of a row."""


def _scaled(key: str, measure: Measure) -> Shown:
    """A value in the unit of the measure's axis."""

    def shown(row: Cells) -> str:
        value = number_in(row, key)
        if value is None:
            return NONE
        return f"{value * measure.scale:{'.1f' if measure.share else '.4g'}}".replace("-", MINUS)

    return shown


def seeds(row: Cells) -> str:
    """How many seeds a mean is of: 1 where seeds change nothing."""
    return "1, deterministic" if row["deterministic"] else str(row["seeds_measured"])


def _lost(row: Cells) -> tuple[int, int]:
    return int(number_in(row, "diverged") or 0), int(number_in(row, "tasks") or 0)


def lost_share(row: Cells) -> str:
    """How many tasks diverged, of how many."""
    return results.share(*_lost(row)) if row["tasks"] else NONE


def _mean(measure: Measure) -> Shown:
    plain_mean = _scaled("mean", measure)

    def shown(row: Cells) -> str:
        if row["mean"] is None and row["diverged"]:
            return results.diverged(*_lost(row), none_left=True)
        return plain_mean(row)

    return shown


def of_domain_tests(found: domains.Domains) -> Table:
    """A row for each two algorithms in each domain."""
    rows = tuple(domains.tests(found))
    claims = found.claims
    bold = frozenset((at, "p_wilcoxon_holm") for at, claim in enumerate(claims) if claim.significant)
    columns = (Column("domain_title", "Domain", number=False), *_test_columns(found.row))
    return Table("domain_statistics", columns, rows, domains.tests_caption(found), bold)


def of_tests(found: Statistics, about: str = "") -> Table:
    """A row for each two algorithms."""
    rows = found.rows()
    bold = frozenset(
        (index, "p_wilcoxon_holm") for index, claim in enumerate(found.claims) if claim.significant
    )
    return Table("statistics", _test_columns(found.row), tuple(rows), found.caption(), bold, about)


def _test_columns(measure: Measure) -> tuple[Column, ...]:
    return (
        Column("first", "First", number=False),
        Column("second", "Second", number=False),
        Column("pairs", "Pairs"),
        Column("first_better", "Better on", lambda row: f"{row['first_better']} : {row['second_better']}"),
        Column("difference", "Difference [95%]", _bracketed("difference", measure)),
        Column("effect_size", "Effect [95%]", _bracketed("effect_size")),
        Column("p_wilcoxon_holm", "p", lambda row: p_value(row, "p_wilcoxon_holm")),
        Column("p_bootstrap_holm", "p (bootstrap)", lambda row: p_value(row, "p_bootstrap_holm")),
        Column("seeds_difference", "Over seeds [95%]", _bracketed("seeds_difference", measure)),
    )


def _bracketed(key: str, measure: Measure | None = None) -> Shown:
    share = measure is not None and measure.share
    return lambda row: bracketed(
        number_in(row, key), number_in(row, f"{key}_low"), number_in(row, f"{key}_high"), share=share
    )


def bracketed(value: float | None, low: float | None, high: float | None, *, share: bool = False) -> str:
    """A number with its interval: ``−1.05 [−1.19, −.92]``; shares in percent points."""

    def one(number: float) -> str:
        text = f"{100 * number:+.1f}" if share else f"{number:+.3g}"
        return text.replace("-", MINUS) if any(letter in "123456789" for letter in text) else text[1:]

    if value is None:
        return NONE
    return one(value) + (f" [{one(low)}, {one(high)}]" if low is not None and high is not None else "")


def p_value(row: Cells, key: str) -> str:
    """A p-value of a row as it is read."""
    p = number_in(row, key)
    return NONE if p is None else plain(p)


def of_protocol(cards: Sequence[protocol.Card], about: str = "") -> Table:
    """The protocol cards side by side; what differs in bold."""
    rows = protocol.rows(cards)
    names = [name for name in (rows[0] if rows else {}) if name not in ("condition", "differs")]
    columns = (
        Column("condition", "", number=False),
        *(Column(name, name, number=False) for name in names),
    )
    bold = frozenset((i, name) for i, row in enumerate(rows) if row["differs"] for name in names)
    caption = "Protocol of each algorithm. Bold: entries that differ."
    return Table("protocol", columns, tuple(rows), caption, bold, about)


def of_runs(entries: Sequence[RunEntry]) -> Table:
    """A row for each run."""
    rows = tuple(results.runs_rows(entries))
    training = [
        (f"training_{row.name}", row) for row in map(known, results.trained(each["test"] for each in entries))
    ]
    columns = (
        Column("name", "Run", number=False),
        Column("experiment", "Experiment", number=False),
        Column("status", "Status", _status, number=False),
        Column("iterations", "Meta-iterations"),
        Column("seconds", "Seconds", ".1f"),
        *([Column("joules", "Joules", ".0f")] if any("joules" in row for row in rows) else []),
        *(Column(key, quantities.axis(row, "Training"), _scaled(key, row)) for key, row in training),
        Column("measure", "Measure", number=False),
        Column("test_mean", "Test", _run_mean),
        Column("test_ci95", "± tasks", ".2g"),
        *([Column("diverged", "Diverged", lost_share)] if any(row["diverged"] for row in rows) else []),
    )
    caption = "Each run. ±: 95% interval over its meta-test episodes (Student's t)."
    return Table("runs", columns, rows, caption)


def _run_mean(row: Cells) -> str:
    mean = number_in(row, "test_mean")
    return results.diverged(*_lost(row), none_left=True) or NONE if mean is None else numerals.number(mean)


def _status(row: Cells) -> str:
    at = number_in(row, "diverged_at")
    return results.status(str(row["status"]), None if at is None else int(at))
