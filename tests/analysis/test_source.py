"""Which runs are the seeds of one algorithm."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench.algorithms
import workbench.networks
import workbench.tasks  # noqa: F401 (they declare the kinds)
from workbench import config
from workbench.analysis.naming import told_apart
from workbench.analysis.source import Group, Grouping, ProjectSource
from workbench.project import Project

TOML = """
name = "{name}"
[task]
family = "sinusoid"
[[algorithm]]
kind = "maml"
inner_steps = 1
[[algorithm]]
kind = "maml"
inner_steps = 5
meta_batch = 7
[training]
meta_batch = 4
seeds = {seeds}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p.mlwb")


def queue(project: Project, name: str, seeds: list[int], labels: tuple[str, str] = ("MAML", "MAML")) -> None:
    experiment = config.parse(TOML.format(name=name, seeds=seeds))
    with project.transaction():
        owner = project.add_experiment(name, experiment.to_toml(), experiment.hash())
        for each, label in zip(experiment.algorithm, labels, strict=True):
            for seed in seeds:
                project.add_run(
                    owner,
                    name=f"{label}, seed {seed}",
                    algorithm="maml",
                    label=label,
                    task="sinusoid",
                    seed=seed,
                    config_hash=experiment.single(each, seed).hash(),
                )


def seeds_by_label(project: Project) -> dict[str, list[int]]:
    with project:
        groups = Grouping(ProjectSource(project, ("#000000",))).groups(joined=True)
        return {each.label: [run.seed for run in each.runs] for each in groups}


def test_two_algorithms_of_one_name_are_told_apart_by_what_differs(project: Project) -> None:
    queue(project, "A", [0, 1])
    assert seeds_by_label(project) == {"MAML (inner_steps 1)": [0, 1], "MAML (inner_steps 5)": [0, 1]}


def test_seeds_added_by_a_second_experiment_belong_to_the_first(project: Project) -> None:
    queue(project, "A", [0, 1], ("One", "Five"))
    queue(project, "B", [2], ("One", "Five"))
    assert seeds_by_label(project) == {"One": [0, 1, 2], "Five": [0, 1, 2]}


def test_a_repeated_seed_is_a_copy(project: Project) -> None:
    queue(project, "A", [0, 1], ("One", "Five"))
    queue(project, "B", [1], ("One", "Five"))
    assert seeds_by_label(project) == {"One": [0, 1], "Five": [0, 1]}
    with Project.open(project.path) as opened:
        groups = Grouping(ProjectSource(opened, ("#000000",))).groups(joined=True)
        assert [[run.id for run in each.copies] for each in groups] == [[5], [6]]
        opened.update_run(5, status="finished")
        groups = Grouping(ProjectSource(opened, ("#000000",))).groups(joined=True)
        assert [run.id for run in groups[0].runs] == [1, 5]  # of copies, the first that finished counts


def test_copies_whose_configuration_is_not_known_are_never_mixed(project: Project) -> None:
    with project:
        for _ in range(2):
            owner = project.add_experiment("S", "", "")
            for hash_ in ("", "a", "a"):
                project.add_run(
                    owner, name="R", algorithm="maml", label="R", task="t", seed=0, config_hash=hash_
                )
        groups = Grouping(ProjectSource(project, ("#000000",))).groups(joined=True)
        assert [(len(each.runs), len(each.copies)) for each in groups] == [(1, 0), (1, 1)] * 2
        assert len({each.label for each in groups}) == 4


def test_the_meta_batch_is_the_algorithms_own_or_the_trainings(project: Project) -> None:
    queue(project, "A", [0], ("One", "Five"))
    with project:
        groups = Grouping(ProjectSource(project, ("#000000",))).groups(joined=True)
    assert {each.label: each.meta_batch for each in groups} == {"One": 4, "Five": 7}


@pytest.mark.parametrize(
    ("entry", "drawn"),
    [
        ({"kind": "maml"}, 8),
        ({"kind": "fusion", "members": 3}, 24),
        ({"kind": "fusion", "members": 3, "relation": "diversity"}, 8),
        ({"kind": "la_maml"}, 4),
        ({"kind": "task_replay", "new_share": 0.25}, 2),
        ({"kind": "mer"}, 8),
        ({"kind": "umtra", "base": {"kind": "maml"}}, 8),
        ({"kind": "of another program"}, 8),
        ({}, 8),
    ],
)
def test_tasks_seen_are_those_that_were_drawn(entry: dict[str, object], drawn: int) -> None:
    assert Group("key", "label", (), 8, entry=entry).new_tasks == drawn


def test_a_strangers_configuration_is_survived(project: Project) -> None:
    with project:
        for toml in ("not toml [", "algorithm = 3\ntraining = 4", 'training = { meta_batch = "x" }'):
            owner = project.add_experiment("S", toml, "")
            project.add_run(owner, name="R", algorithm="maml", task="sinusoid", seed=0)
        groups = Grouping(ProjectSource(project, ("#000000",))).groups(joined=False)
        assert [each.meta_batch for each in groups] == [25, 25, 25]
        assert [each.label for each in groups] == ["R (run 1)", "R (run 2)", "R (run 3)"]


def test_what_shares_a_colour_is_counted_to_be_told_apart(project: Project) -> None:
    queue(project, "one", [0, 1], labels=("MAML", "Other"))
    with project:
        for colours, again in ((("#000000",), [0, 1]), (("#000000", "#0072b2"), [0, 0])):
            groups = Grouping(ProjectSource(project, colours)).groups(joined=True)
            assert [each.again for each in groups] == again


def test_paths_are_told_apart_by_their_last_part() -> None:
    folder = "/home/somebody/a folder with a long name/another one/"
    found = [{"task.path": f"{folder}{name}"} for name in ("first.npz", "second.npz")]
    assert told_apart(found) == ["path first.npz", "path second.npz"]
    same = [{"task.path": f"/{name}/data.npz"} for name in ("here", "there")]
    assert told_apart(same) == ["path /here/data.npz", "path /there/data.npz"]
    assert told_apart([{"task.path": "x"}] * 2) == ["", ""]
