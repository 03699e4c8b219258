"""The tables of a comparison: what each algorithm reached, the tests, the protocol, a pivot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.analysis import protocol, remarks, results
from workbench.analysis.comparison import Episodes, compare, episodes, is_share, title
from workbench.analysis.pairs import Statistics
from workbench.analysis.source import Source
from workbench.analysis.statistics import plain
from workbench.analysis.tables import MINUS, NONE, Column, Table


def of_episodes(runs: Source, measure: str = "") -> list[Episodes]:
    """The finished runs by the episodes they met, as far as they have the measure."""
    found, _ = episodes(runs)
    return [each for each in found if not measure or measure in each.measures]


def rows(runs: Source, met: Sequence[Episodes], measure: str, step: int | None) -> list[dict[str, Any]]:
    """A row for each algorithm on each set of episodes, with every value."""
    return [row.row for each in met for row in compare(runs, each, measure or each.measures[0], step)]


def reached(runs: Source, found: Statistics) -> Table:
    """What each algorithm reached: a row each; in bold the best, and what a test cannot tell from it."""
    met, measure, step = found.met, found.measure, found.step
    share = is_share(measure)
    lost = {each.name: each.lost for each in found.scores}
    rows = [{**each.row, "not_finite": lost.get(each.name)} for each in compare(runs, met, measure, step)]
    astray = any(row["diverged"] for row in rows)
    leaders = set(found.leaders())
    bold = frozenset((index, "mean") for index, row in enumerate(rows) if row["algorithm"] in leaders)
    when = "the last inner step" if step is None else f"inner step {step}"
    caption = (
        f"{title(measure)} after {when} on {met.test['episodes']} identical meta-test episodes "
        f"(SHA-256 {met.hash[:12]}). Mean over n seeds; 95% intervals (Student's t) over seeds and over "
        "tasks, two different variances."
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
    caption = " ".join([caption, *remarks.episodes(met.test), *remarks.of(rows)])
    columns = (
        Column("algorithm", "Algorithm", number=False),
        Column("seeds_measured", "n", seeds),
        Column("mean", title(measure) + (" (%)" if share else ""), _mean(share)),
        Column("ci95_over_seeds", "± seeds", _scaled("ci95_over_seeds", share)),
        Column("ci95_over_tasks", "± tasks", _scaled("ci95_over_tasks", share)),
        *([Column("diverged", "Diverged", lost_share)] if astray else []),
        *([Column("not_finite", "Not finite")] if any(lost.values()) else []),
        Column("adaptation_steps_median", "Steps to τ", "g"),
        Column("generalisation_gap", "Gap", "+.3g"),
        Column("meta_iterations_per_second", "Iter./s", ".0f"),
    )
    return Table("comparison", columns, tuple(rows), caption, bold)


def _scaled(key: str, share: bool) -> Any:
    def shown(row: Mapping[str, Any]) -> str:
        value = row.get(key)
        if value is None:
            return NONE
        return (f"{100 * value:.1f}" if share else f"{value:.4g}").replace("-", MINUS)

    return shown


def seeds(row: Mapping[str, Any]) -> str:
    """How many seeds a mean is of: 1 where seeds change nothing."""
    return "1, deterministic" if row["deterministic"] else str(row["seeds_measured"])


def lost_share(row: Mapping[str, Any]) -> str:
    """How many tasks diverged, of how many."""
    return results.share(row["diverged"], row["tasks"]) if row["tasks"] else NONE


def _mean(share: bool) -> Any:
    plain_mean = _scaled("mean", share)

    def shown(row: Mapping[str, Any]) -> str:
        if row["mean"] is None and row["diverged"]:
            return results.diverged(row["diverged"], row["tasks"], none_left=True)
        return str(plain_mean(row))

    return shown


def of_tests(found: Statistics) -> Table:
    """A row for each two algorithms."""
    columns = (
        Column("first", "First", number=False),
        Column("second", "Second", number=False),
        Column("pairs", "Pairs"),
        Column("first_better", "Better on", lambda row: f"{row['first_better']} : {row['second_better']}"),
        Column("difference", "Difference [95%]", _bracketed("difference", found.measure)),
        Column("effect_size", "Effect [95%]", _bracketed("effect_size")),
        Column("p_wilcoxon_holm", "p", _p("p_wilcoxon_holm")),
        Column("p_bootstrap_holm", "p (bootstrap)", _p("p_bootstrap_holm")),
        Column("seeds_difference", "Over seeds [95%]", _bracketed("seeds_difference", found.measure)),
    )
    rows = found.rows()
    bold = frozenset(
        (index, "p_wilcoxon_holm") for index, claim in enumerate(found.claims) if claim.significant
    )
    return Table("statistics", columns, tuple(rows), found.caption(), bold)


def _bracketed(key: str, measure: str = "") -> Any:
    share = is_share(measure)

    def shown(row: Mapping[str, Any]) -> str:
        return bracketed(row[key], row[f"{key}_low"], row[f"{key}_high"], share=share)

    return shown


def bracketed(value: float | None, low: float | None, high: float | None, *, share: bool = False) -> str:
    """A number with its interval: ``−1.05 [−1.19, −.92]``; shares in percent points."""

    def one(number: float) -> str:
        text = f"{100 * number:+.1f}" if share else f"{number:+.3g}"
        return text.replace("-", MINUS) if any(letter in "123456789" for letter in text) else text[1:]

    if value is None:
        return NONE
    return one(value) + (f" [{one(low)}, {one(high)}]" if low is not None and high is not None else "")


def _p(key: str) -> Any:
    return lambda row: NONE if row[key] is None else plain(row[key])


def of_protocol(cards: Sequence[protocol.Card]) -> Table:
    """The protocol cards side by side; what differs in bold."""
    rows = protocol.rows(cards)
    names = [name for name in (rows[0] if rows else {}) if name not in ("condition", "differs")]
    columns = (
        Column("condition", "", number=False),
        *(Column(name, name, number=False) for name in names),
    )
    bold = frozenset((i, name) for i, row in enumerate(rows) if row["differs"] for name in names)
    caption = "Protocol of each algorithm. Bold: entries that differ."
    return Table("protocol", columns, tuple(rows), caption, bold)


def of_runs(entries: Sequence[Mapping[str, Any]]) -> Table:
    """A row for each run."""
    rows = tuple(results.runs_rows(entries))
    columns = (
        Column("name", "Run", number=False),
        Column("experiment", "Experiment", number=False),
        Column("status", "Status", _status, number=False),
        Column("iterations", "Meta-iterations"),
        Column("seconds", "Seconds", ".1f"),
        Column("measure", "Measure", number=False),
        Column("test_mean", "Test", _run_mean),
        Column("test_ci95", "± tasks", ".2g"),
        *([Column("diverged", "Diverged", lost_share)] if any(row["diverged"] for row in rows) else []),
    )
    caption = "Each run. ±: 95% interval over its meta-test episodes (Student's t)."
    return Table("runs", columns, rows, caption)


def _run_mean(row: Mapping[str, Any]) -> str:
    if row["test_mean"] is None:
        return results.diverged(row["diverged"], row["tasks"], none_left=True) or NONE
    return f"{row['test_mean']:.4g}".replace("-", MINUS)


def _status(row: Mapping[str, Any]) -> str:
    return results.status(row["status"], row["diverged_at"])
