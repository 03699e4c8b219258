"""Experiments, runs, settings and transactions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from workbench.project import STATUSES, Project, ProjectError

AddRun = Callable[..., int]


def test_a_run_comes_back_as_it_was_written(project: Project, add_run: AddRun) -> None:
    fields = {
        "name": "MAML · seed 3",
        "algorithm": "maml",
        "label": "MAML, 5 steps",
        "task": "images",
        "seed": 2**32 - 1,
        "status": "failed",
        "failure": "loss is not finite",
        "iterations": 41,
        "iterations_planned": 100,
        "seconds": 1.5,
        "meta_iterations_per_second": 27.3,
        "config_hash": "ab",
        "data_hash": "cd",
        "environment": {"torch": "2.13", "threads": 2, "chunk": None, "nested": {"a": [1, 2.5]}},
        "created": 1.0,
        "started": 2.0,
        "ended": 3.0,
        "notes": "two\nlines",
        "tags": ("a", "b"),
        "colour": "#0072b2",
        "visible": False,
        "deleted": False,
        "position": 7,
    }
    run = add_run(project, **fields)
    record = project.run(run)
    assert {name: getattr(record, name) for name in fields} == fields
    assert project.runs() == [record]


def test_a_new_run_is_queued_last(project: Project, add_run: AddRun) -> None:
    first, second = add_run(project), add_run(project)
    assert [run.id for run in project.runs()] == [first, second]
    project.update_run(first, position=project.run(second).position + 1)
    assert [run.id for run in project.runs()] == [second, first]
    record = project.run(second)
    assert (record.status, record.label, record.iterations, record.started) == ("queued", "maml", 0, None)


def test_an_update_changes_only_what_it_names(project: Project, add_run: AddRun) -> None:
    run = add_run(project, notes="keep")
    before = project.run(run)
    project.update_run(run, status="paused", iterations=np.int64(5).item(), seconds=2)
    project.update_run(run)
    assert project.run(run) == dataclasses.replace(before, status="paused", iterations=5, seconds=2.0)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "asleep"},
        {"id": 9},
        {"experiment_id": 9},
        {"name; DROP TABLE runs": "x"},
        {"iterations": "many"},
        {"seconds": float("nan")},
        {"seed": 2**63},
        {"name": None},
    ],
)
def test_what_a_run_cannot_be_is_refused(project: Project, add_run: AddRun, fields: dict) -> None:
    run = add_run(project)
    before = project.run(run)
    with pytest.raises(ValueError, match=r"cannot be|no field"):
        project.update_run(run, **fields)
    assert project.run(run) == before


def test_every_status_can_be_stored(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    for status in STATUSES:
        project.update_run(run, status=status)
        assert project.run(run).status == status


def test_a_run_that_is_not_there_is_named(project: Project) -> None:
    for call in (
        lambda: project.run(99),
        lambda: project.update_run(99, notes=""),
        lambda: project.append_series(99, "loss", [1], [1.0]),
        lambda: project.save_checkpoint(99, 1, {}, b""),
    ):
        with pytest.raises(ProjectError, match=r"no run 99|that run or experiment is not"):
            call()


def test_a_run_put_aside_is_not_listed_and_can_be_restored(project: Project, add_run: AddRun) -> None:
    run = add_run(project)
    project.update_run(run, deleted=True)
    assert project.runs() == []
    assert [aside.id for aside in project.runs(deleted=True)] == [run]
    project.update_run(run, deleted=False)
    assert [back.id for back in project.runs()] == [run]


def test_settings_are_kept_by_key(project: Project) -> None:
    assert project.setting("layout", default={"docks": []}) == {"docks": []}
    project.set_setting("layout", {"docks": ["runs"], "size": [1280, 720]})
    project.set_setting("layout", {"docks": ["log"]})
    assert project.setting("layout") == {"docks": ["log"]}


def test_a_transaction_is_all_or_nothing(project: Project, add_run: AddRun) -> None:
    run = add_run(project)

    def fails_at_its_end() -> None:
        with project.transaction():
            project.append_series(run, "loss", [1], [1.0])
            project.update_run(run, iterations=1)
            raise KeyError

    with pytest.raises(KeyError):
        fails_at_its_end()
    assert project.series_names(run) == []
    assert project.run(run).iterations == 0
    with project.transaction():
        project.append_series(run, "loss", [1], [1.0])
        project.update_run(run, iterations=1)
    assert project.run(run).iterations == 1


def test_a_transaction_with_a_failed_part_is_not_committed(project: Project, add_run: AddRun) -> None:
    run = add_run(project)

    def ignores_a_failure() -> None:
        with project.transaction():
            project.update_run(run, iterations=1)
            with pytest.raises(ProjectError):
                project.update_run(99, iterations=1)

    with pytest.raises(ProjectError, match="repeat all of it"):
        ignores_a_failure()
    assert project.run(run).iterations == 0
    project.update_run(run, iterations=2)
    assert project.run(run).iterations == 2
