"""The time that a queue still takes: exact where the same was done before, a guess elsewhere, or unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gui.charts.made import add_run
from workbench.analysis.forecast import Known, Left, left
from workbench.project import Project, RunRecord

FINISHED = {"status": "finished", "iterations": 100, "iterations_planned": 100}


def taken(training: float, test: float) -> Any:
    return {"cost": {"seconds": {"training": training, "validation": 2.0, "test": test}}}


@pytest.fixture
def project(tmp_path: Path) -> Any:
    with Project.create(tmp_path / "p.mlwb") as project:
        yield project


def queue(project: Project, **results: Any) -> tuple[Known, list[RunRecord]]:
    """What finished runs tell, and those that wait."""
    runs = project.runs()
    by_id = {run.id: results[run.label] for run in runs if run.status == "finished" and run.label in results}
    return Known(runs, by_id.get, {}), [run for run in runs if run.status == "queued"]


def test_nothing_is_said_where_nothing_is_known(project: Project) -> None:
    add_run(project, iterations_planned=100)
    known, waiting = queue(project)
    assert left(waiting, known) == Left()
    assert left(waiting, known).words == ""
    assert left(waiting, known, tested=1.0) == Left()


def test_runs_take_what_others_of_their_algorithm_took_tests_included(project: Project) -> None:
    add_run(project, **FINISHED)
    for seed in (1, 2):
        add_run(project, seed=seed, iterations_planned=100)
    known, waiting = queue(project, MAML=taken(50.0, 8.0))
    assert left(waiting, known) == Left(120.0)
    assert left(waiting, known).words == "2 min left"


def test_half_of_a_run_takes_half_of_its_training_and_all_of_its_test(project: Project) -> None:
    add_run(project, **FINISHED)
    add_run(project, seed=1, iterations=50, iterations_planned=100)
    known, waiting = queue(project, MAML=taken(50.0, 8.0))
    assert left(waiting, known).seconds == 26.0 + 8.0


def test_the_present_run_goes_on_at_its_own_speed(project: Project) -> None:
    add_run(project, **FINISHED)
    add_run(project, seed=1, iterations=60, iterations_planned=100)
    known, (run,) = queue(project, MAML=taken(50.0, 8.0))
    assert left([run], known, speed=4.0) == Left(10.0 + 8.0)


def test_a_test_that_runs_is_counted_down_and_unknown_where_none_was_seen(project: Project) -> None:
    add_run(project, iterations=100, iterations_planned=100)
    known, (run,) = queue(project)
    assert left([run], known, 4.0, 3.0) == Left()
    add_run(project, seed=1, **FINISHED)
    known, _ = queue(project, MAML=taken(50.0, 8.0))
    assert left([run], known, 4.0, 3.0) == Left(5.0)


def test_what_another_algorithm_took_is_a_guess(project: Project) -> None:
    add_run(project, **FINISHED)
    add_run(project, "Reptile", iterations_planned=100)
    known, waiting = queue(project, MAML=taken(50.0, 8.0))
    assert left(waiting, known) == Left(60.0, guessed=True)
    assert left(waiting, known).words == "about 60 s left"


def test_without_any_finished_run_the_present_speed_is_the_guess(project: Project) -> None:
    add_run(project, iterations=50, iterations_planned=100)
    add_run(project, seed=1, iterations_planned=100)
    known, (run, waiting) = queue(project)
    assert left([run, waiting], known, speed=10.0) == Left(5.0 + 10.0, guessed=True)


def test_a_run_from_before_costs_were_kept_tells_by_its_beginning_and_end(project: Project) -> None:
    add_run(project, **FINISHED, started=1000.0, ended=1040.0)
    add_run(project, seed=1, iterations_planned=100)
    known, waiting = queue(project)
    assert left(waiting, known) == Left(40.0)


def test_a_guess_for_others_does_not_come_and_go_with_the_present_speed(project: Project) -> None:
    add_run(project, **FINISHED)
    add_run(project, seed=1, iterations_planned=100)
    with project.transaction():
        other = project.add_experiment("Another", "", "beef")
        project.add_run(other, name="New, seed 0", algorithm="new", label="New", task="sinusoid", seed=0)
    known, waiting = queue(project, MAML=taken(50.0, 8.0))
    assert left(waiting, known) == Left(60.0 + 60.0, guessed=True)
    assert left(waiting, known, speed=2.0) == Left(58.0 + 60.0, guessed=True)


def test_a_guess_from_other_algorithms_is_for_as_many_meta_iterations(project: Project) -> None:
    add_run(project, **FINISHED)
    add_run(project, "Reptile", iterations_planned=1000)
    add_run(project, "From scratch", iterations_planned=0, seed=3)
    known, waiting = queue(project, MAML=taken(50.0, 8.0))
    assert left(waiting[:1], known) == Left(10 * 52.0 + 8.0, guessed=True)
    assert left(waiting[1:], known) == Left()


def test_a_stopped_run_goes_on_at_the_speed_that_it_had(project: Project) -> None:
    fields = {"iterations": 40, "iterations_planned": 100, "meta_iterations_per_second": 2.0}
    add_run(project, **fields)
    known, waiting = queue(project)
    assert left(waiting, known) == Left(30.0, guessed=True)
