"""Which runs are in view, and which are selected: one answer for every chart and list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.gui.finished import invent
from workbench.gui import run_data
from workbench.gui.run_data import ALL, ARCHIVED, RunData
from workbench.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p.mlwb")


@pytest.fixture
def data(qapp: object, project: Project) -> RunData:
    invent(project, "MAML", [1.0, 2.0], experiment="First")
    invent(project, "Reptile", [3.0], experiment="Second")
    data = RunData()
    data.open(project)
    return data


def labels(data: RunData) -> list[str]:
    return [run.label for run in data.shown()]


def test_the_newest_experiment_is_in_view_and_another_can_be_chosen(data: RunData) -> None:
    assert [each.name for each in data.experiments()] == ["First", "Second"]
    assert labels(data) == ["Reptile"]
    seen: list[str] = []
    data.viewed.connect(lambda: seen.append(data.view))
    data.look_at(data.experiments()[0].key)
    assert labels(data) == ["MAML", "MAML"]
    data.look_at(ALL)
    assert labels(data) == ["MAML", "MAML", "Reptile"]
    data.look_at("no such experiment")
    assert seen == [data.experiments()[0].key, ALL]


def test_an_experiment_that_is_begun_comes_into_view_but_not_in_the_place_of_all(
    data: RunData, project: Project
) -> None:
    invent(project, "ANIL", [1.0], experiment="Third")
    data.reread()
    assert labels(data) == ["ANIL"]
    data.look_at(ALL)
    invent(project, "CNP", [1.0], experiment="Fourth")
    data.reread()
    assert labels(data)[-1] == "CNP"
    assert len(labels(data)) == 5


def test_where_the_experiment_in_view_is_gone_the_newest_is_seen_and_undo_moves_nothing(
    data: RunData, project: Project
) -> None:
    (last,) = (run.id for run in data.in_view())
    project.update_run(last, deleted=True)
    data.reread()
    assert labels(data) == ["MAML", "MAML"]
    project.update_run(last, deleted=False)
    data.reread()
    assert labels(data) == ["MAML", "MAML"]


def test_what_passes_no_filter_and_what_is_in_the_archive_is_not_shown(
    data: RunData, project: Project
) -> None:
    data.look_at(ALL)
    first, second, third = (run.id for run in data.runs())
    project.update_run(second, tags=[ARCHIVED])
    project.update_run(third, visible=False)
    data.reread()
    assert [run.id for run in data.shown()] == [first]
    data.filter([second, third])
    assert [run.id for run in data.shown()] == [second]
    data.filter(None)
    assert [run.id for run in data.shown()] == [first]


def test_selected_runs_are_one_answer_and_those_put_aside_are_not_among_them(
    data: RunData, project: Project
) -> None:
    _first, second, third = (run.id for run in data.runs())
    told: list[tuple[int, ...]] = []
    data.selection_changed.connect(lambda: told.append(data.selected))
    data.select([second, third])
    data.select([second, third])
    assert data.highlighted == second
    project.update_run(second, deleted=True)
    data.reread()
    assert told == [(second, third), (third,)]


def test_series_that_nobody_asked_for_of_late_give_way_and_come_back_as_they_were(
    data: RunData, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_data, "MOST_POINTS", 25)
    runs = [run.id for run in data.runs()]
    for run in runs:
        with project.transaction():
            project.append_series(run, "loss", np.arange(1, 11), np.arange(10.0) + run)
    data.live = {runs[0]}
    for run in (*runs, *reversed(runs)):
        x, y = data.series(run, "loss")
        assert x.tolist() == list(range(1, 11))
        assert y.tolist() == (np.arange(10.0) + run).tolist()
        assert sum(each.count for each in data._series.values()) <= 25
        assert (runs[0], "loss") in data._series
