"""Several learners over several task families: mean ranks, critical-difference diagram (Demšar 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.analysis.comparison import Episodes, episodes
from workbench.analysis.pairs import finite
from workbench.analysis.reached import reached
from workbench.analysis.source import Group, Grouping, Source
from workbench.analysis.statistics import Ranks, friedman
from workbench.analysis.tables import Column, Table
from workbench.engine.intervals import mean_interval
from workbench.pictures import INK, Array, Curve, Figure, Panel, Text
from workbench.words import plural

ROOM = 0.35
"""Beside the lowest and the highest rank, for the names; a part of the axis."""


@dataclass(frozen=True)
class Families:
    """What every learner reached on every family.

    Attributes
    ----------
    names : of the families, each one set of frozen episodes.
    learners : labels that stand in all of them.
    scores : ``[families, learners]``: mean over seeds of the mean over tasks, as ranked (see ``measures``).
    measures : of each family: the one that sums it up, unless one was asked for.
    ranks : None where there is nothing to rank; ``words`` then says why.
    """

    names: tuple[str, ...]
    learners: tuple[str, ...]
    colours: tuple[str, ...]
    scores: Array
    measures: tuple[str, ...]
    ranks: Ranks | None
    words: str


def families(source: Source, measure: str = "") -> Families:
    """Collect what can be ranked: sets of episodes that the same learners have met, each label once."""
    found, _ = episodes(source)
    found = [each for each in found if not measure or measure in each.measures]
    groups = Grouping(source).groups(joined=True)
    tables = [_means(each, groups, measure or each.measures[0]) for each in found]
    most = [each for each in tables if len(each) >= 3]
    shared = [label for label in (most[0] if most else {}) if all(label in each for each in most)]
    kept = [(met, table) for met, table in zip(found, tables, strict=True) if len(table) >= 3]
    used = tuple(measure or met.measures[0] for met, _ in kept)
    scores = np.array([[table[label] for label in shared] for _, table in kept]).reshape(
        len(kept), len(shared)
    )
    colours = {group.learner: source.colour(group.runs[0]) for group in groups}
    names = tuple(met.title for met, _ in kept)
    looks = tuple(colours.get(label, INK) for label in shared)
    if len(kept) < 2 or len(shared) < 3:
        why = (
            "Ranks over task families need at least 2 families and 3 learners that met all of them; there "
            f"are {len(kept)} and {len(shared)}."
        )
        return Families(names, tuple(shared), looks, scores, used, None, why)
    signs = np.array(
        [[-1.0 if met.row(name).sign > 0 else 1.0] for (met, _), name in zip(kept, used, strict=True)]
    )
    ranks = friedman(scores * signs)
    words = ranks.words()
    tasks = {met.entries[0].run.task for met, _ in kept}
    if len(tasks) < len(kept):
        words += (
            f" The {len(kept)} sets of episodes come from "
            f"{plural(len(tasks), 'task family', 'task families')}, so they are not independent as the "
            "test assumes."
        )
    return Families(names, tuple(shared), looks, scores, used, ranks, words)


def _means(met: Episodes, groups: Sequence[Group], measure: str) -> dict[str, float]:
    """The mean over seeds by label; one whose learners differ in more than the algorithm is left out."""
    tests = met.tests
    found: dict[str, list[list[float]]] = {}
    for group in groups:
        same = group.among(tests)
        values = [reached(tests[run.id], measure).mean for run in same.runs] if same else []
        means = [mean for mean in values if mean is not None]
        if means:
            found.setdefault(group.learner, []).append(means)
    return {label: mean_interval(np.array(each[0])).mean for label, each in found.items() if len(each) == 1}


def figure(found: Families) -> Figure | None:
    """The critical-difference diagram; None without ranks."""
    if found.ranks is None:
        return None
    ranks, k = found.ranks, len(found.learners)
    order = ranks.order
    left, right = order[: (k + 1) // 2], order[(k + 1) // 2 :]
    bars = ranks.cliques()
    first_row = 1.0 + 0.5 * len(bars)
    room = ROOM * (k - 1)
    curves, texts = [], []
    for side, members, edge, align in (
        ("left", left, 1 - 0.05 * room, "right"),
        ("right", right, k + 0.05 * room, "left"),
    ):
        stacked = members if side == "left" else members[::-1]
        for row, index in enumerate(stacked):
            rank, y = float(ranks.mean_ranks[index]), -(first_row + row)
            curves.append(
                Curve(
                    found.learners[index],
                    found.colours[index],
                    np.array([rank, rank, edge]),
                    np.array([0.0, y, y]),
                )
            )
            away = -0.04 if side == "left" else 0.04
            texts.append(Text(edge + away * (k - 1), y, f"{found.learners[index]} ({rank:.2f})", align))
    for row, group in enumerate(bars):
        ends = [float(ranks.mean_ranks[group[0]]) - 0.04, float(ranks.mean_ranks[group[-1]]) + 0.04]
        y = -(0.5 + 0.5 * row)
        curves.append(Curve("not told apart", INK, np.array(ends), np.array([y, y]), thick=True))
    reach = ranks.critical_difference
    curves.append(Curve("critical difference", INK, np.array([1.0, 1.0 + reach]), np.array([1.15, 1.15])))
    for end in (1.0, 1.0 + reach):
        curves.append(Curve("critical difference", INK, np.array([end, end]), np.array([1.02, 1.28])))
    texts.append(Text(1.0 + reach / 2, 1.3, f"CD = {reach:.2f}", "center", over=True))
    curves.append(Curve("", INK, np.array([1.0, float(k)]), np.array([0.0, 0.0])))
    for rank in range(1, k + 1):
        curves.append(Curve("", INK, np.array([rank, rank], dtype=float), np.array([0.0, 0.12])))
        texts.append(Text(rank, 0.2, str(rank), "center", over=True))
    depth = first_row + max(len(left), len(right))
    panel = Panel(
        x_range=(1 - room * 1.3, k + room * 1.3),
        y_range=(-depth + 0.4, 2.1),
        curves=tuple(curves),
        texts=tuple(texts),
        x_hidden=True,
        y_hidden=True,
        ratio=min(1.2, 0.085 * (depth + 1.8)),
    )
    return Figure("critical_difference", (panel,), caption(found), table=tuple(rows(found)), legend=False)


def caption(found: Families) -> str:
    """What the diagram shows."""
    return (
        f"Mean ranks (1 is best) of {len(found.learners)} learners over {len(found.names)} sets of meta-test "
        f"episodes ({'; '.join(found.names)}). Bars join learners whose mean ranks differ by less than "
        f"Nemenyi's critical difference at 5% (Demšar 2006). {found.words}"
    )


def rows(found: Families) -> list[dict[str, object]]:
    """A row for each learner: its mean rank, what it reached on each family, Nemenyi's and Wilcoxon's p to
    each other."""
    ranks = found.ranks
    if ranks is None:
        return []
    order = ranks.order
    return [
        {
            "algorithm": found.learners[i],
            "mean_rank": float(ranks.mean_ranks[i]),
            "families": ranks.families,
            "critical_difference": ranks.critical_difference,
            "p_friedman": ranks.p_friedman,
            "p_iman_davenport": ranks.p_iman_davenport,
        }
        | {
            f"{m}, {n}": finite(float(v))
            for m, n, v in zip(found.measures, found.names, found.scores[:, i], strict=True)
        }
        | {f"p_nemenyi to {found.learners[j]}": float(ranks.p_nemenyi[i, j]) for j in order}
        | {f"p_wilcoxon to {found.learners[j]}": float(ranks.p_wilcoxon[i, j]) for j in order}
        for i in order
    ]


def table(found: Families) -> Table:
    """Mean ranks and what stands behind them."""
    numbers: Sequence[Column] = [
        Column(f"{m}, {n}", f"{n} ({m})", ".4g") for m, n in zip(found.measures, found.names, strict=True)
    ]
    columns = (
        Column("algorithm", "Algorithm", number=False),
        Column("mean_rank", "Mean rank", ".2f"),
        *numbers,
    )
    return Table("ranks", columns, tuple(rows(found)), caption(found) if found.ranks else found.words)
