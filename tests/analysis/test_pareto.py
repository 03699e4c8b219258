"""Time to adapt against error, and who is on the front."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from tests.analysis.invented import add
from workbench.analysis.comparison import episodes
from workbench.analysis.pareto import TIMES, figure, front, times
from workbench.analysis.source import ProjectSource
from workbench.analysis.sweep import setups
from workbench.project import Project

Points = some.lists(some.tuples(some.integers(0, 6), some.integers(0, 6)), min_size=1, max_size=12)


@given(Points)
def test_the_front_is_what_nobody_beats(points: list[tuple[float, float]]) -> None:
    def beaten(a: tuple[float, float]) -> bool:
        return any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in points)

    assert {points[place] for place in front(points)} == {each for each in points if not beaten(each)}
    reached = [points[place] for place in front(points)]
    assert reached == sorted(reached)
    assert len(set(reached)) == len(reached)


def test_each_learner_is_a_line_and_the_front_says_who_is_ahead(tmp_path: Path) -> None:
    quick, slow = np.full((2, 20), 2.0), np.full((2, 20), 1.0)
    with Project.create(tmp_path / "p.mlwb") as project:
        add(project, "Late", slow + 0.5)  # 2.5, then 1.5
        add(project, "Good", slow)  # 2, then 1
        add(project, "Bad", quick, inner_lr=0.5)  # 3, then 2
        source = ProjectSource(project, ("#0072b2", "#d55e00", "#009e73"))
        met = episodes(source)[0][0]
        for unit in TIMES:
            drawn = figure(source, setups(source), met, unit)
            assert drawn is not None
            assert [row["algorithm"] for row in drawn.table if row["on_front"]] == ["Good", "Good"]
            assert "nobody beats in both: Good." in drawn.caption
            assert [each.label for each in drawn.panels[0].curves][-1] == "front"
        assert [row["examples"] for row in drawn.table][:2] == [0.0, 5.0]


def test_time_is_counted_in_steps_milliseconds_and_examples_gone_through() -> None:
    test = {"inner_steps": [0, 1, 2], "ways": 5, "shots": 2, "milliseconds_by_step": [0.1, 1.0, 2.0]}
    told = [times(test, unit) for unit in TIMES]  # type: ignore[arg-type]
    assert told == [[0, 1, 2], [0.1, 1.0, 2.0], [0, 10, 20]]
    closed = {"inner_steps": [1], "ways": 5, "shots": 2, "milliseconds_by_step": [None]}
    assert [times(closed, unit) for unit in TIMES] == [[1], None, [10]]  # type: ignore[arg-type]
