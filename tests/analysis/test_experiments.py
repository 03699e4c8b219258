"""What a person takes for one experiment, and the colours of its algorithms."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.analysis.experiments import Experiments, Together
from workbench.analysis.source import ProjectSource
from workbench.pictures import RUNS
from workbench.project import Project

FIVE = 'name = "{}"\n[task]\nfamily = "sinusoid"\nshots = 5\n'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p.mlwb")


def add(project: Project, toml: str, *labels: str, name: str = "E") -> list[int]:
    owner = project.add_experiment(name, toml.format(name), "c0ffee")
    return [
        project.add_run(owner, name=f"{label} 0", algorithm="maml", label=label, task="sinusoid", seed=0)
        for label in labels
    ]


def experiments_of(project: Project) -> Experiments:
    return ProjectSource(project).experiments


def all_of(project: Project) -> list[Together]:
    return experiments_of(project).all(project.runs())


def colours(project: Project) -> dict[int, str]:
    source = ProjectSource(project)
    return {run.id: source.colour(run) for run in project.runs()}


def test_one_name_on_one_task_is_one_experiment_however_often_run_is_pressed(project: Project) -> None:
    add(project, FIVE, "MAML")
    add(project, FIVE + "[training]\niterations = 7\n", "Reptile")
    add(project, FIVE, "MAML", name="Other")
    first, other = all_of(project)
    assert [first.name, other.name] == ["E", "Other"]
    assert [run.label for run in first.runs] == ["MAML", "Reptile"]


def test_other_tasks_under_one_name_are_told_apart_by_what_differs(project: Project) -> None:
    add(project, FIVE, "MAML")
    before = all_of(project)[0].key
    add(project, FIVE.replace("5", "10"), "MAML")
    add(project, "no TOML {{{{ {}", "MAML")
    found = all_of(project)
    assert [each.name for each in found][:2] == ["E (shots 5)", "E (shots 10)"]
    assert found[0].key == before
    assert len({each.name for each in found}) == 3


def test_a_domain_to_be_tested_in_makes_no_other_experiment(project: Project) -> None:
    add(project, FIVE, "MAML")
    add(project, FIVE + '[[task.domain]]\nname = "d"\nfamily = "sinusoid"\n', "Reptile")
    assert len(all_of(project)) == 1


def test_an_algorithm_has_one_colour_in_every_experiment_and_no_two_share_one(project: Project) -> None:
    add(project, FIVE, "MAML", "Reptile")
    add(project, FIVE, "Transfer", "Reptile", "MAML", name="Other")
    maml, reptile, transfer, again, other = colours(project).values()
    assert maml == other
    assert reptile == again
    assert len({maml, reptile, transfer}) == 3


def test_colours_stay_when_experiments_join_and_when_runs_are_put_aside(project: Project) -> None:
    first, second = add(project, FIVE, "MAML", "Reptile")
    before = colours(project)
    add(project, FIVE, *(f"A{number}" for number in range(len(RUNS))), name="Wide")
    assert before.items() <= colours(project).items()
    project.update_run(first, deleted=True)
    assert colours(project)[second] == before[second]


def test_within_an_experiment_no_colour_is_there_twice_before_all_are_given_out(project: Project) -> None:
    add(project, FIVE, *(f"A{number}" for number in range(len(RUNS) - 1)))
    wide = add(project, FIVE, *(f"B{number}" for number in range(len(RUNS))), name="Wide")
    found = colours(project)
    assert sorted(found[run] for run in wide) == sorted(RUNS)


def test_a_chosen_colour_is_the_runs_own(project: Project) -> None:
    (run,) = add(project, FIVE, "MAML")
    project.update_run(run, colour="#123456")
    assert colours(project) == {run: "#123456"}
