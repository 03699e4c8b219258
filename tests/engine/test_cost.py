"""What a run costs: operations counted by hand, estimates beside what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.experiments import SINUSOID, experiment, family
from workbench import runs
from workbench.config import Experiment
from workbench.engine import cost
from workbench.engine.cost import estimated, operations_of_a_task, operations_of_an_iteration, spent
from workbench.engine.trainer import Trainer
from workbench.errors import InputError
from workbench.project import Project

WEIGHTS = 1 * 8 + 8 * 1  # of the small network, and as many products for an example
SHOTS, QUERIES, TASKS, STEPS = 5, 5, 4, 3

DIGITS = SINUSOID.replace('family = "sinusoid"', 'family = "digits"\nways = 2')
BANDITS = SINUSOID.replace('family = "sinusoid"\nshots = 5\nqueries = 5', 'family = "bandits"')
SETS = SINUSOID.replace('family = "sinusoid"\nshots = 5\nqueries = 5', 'family = "mixtures"\npoints = 30')


def trainer(e: Experiment) -> Trainer:
    return Trainer(e, e.algorithm[0], 0, family(e))


def test_operations_are_those_of_the_networks_products() -> None:
    """A pass forward is two operations for each weight and example; back it is as many for the weights, and
    as many again in all layers but the first."""
    forward, back = 2 * WEIGHTS, 2 * WEIGHTS + 2 * 8
    joint = trainer(experiment("transfer", "algorithm.0.inner_lr=0.01"))
    learned = TASKS * (SHOTS + QUERIES) * (forward + back)
    assert operations_of_an_iteration(joint) == learned
    tested = (STEPS + 1) * QUERIES * forward + STEPS * SHOTS * (forward + back)
    assert operations_of_a_task(joint) == tested


@pytest.mark.parametrize("threads", [1, 2])
def test_the_operations_are_the_same_however_they_are_shared_out(threads: int) -> None:
    whole = trainer(experiment("maml"))
    shared = trainer(experiment("maml", "training.chunk=2", f"training.threads={threads}"))
    assert operations_of_an_iteration(shared) == operations_of_an_iteration(whole) > 0
    assert operations_of_a_task(shared) == operations_of_a_task(whole) > 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("maml", SINUSOID),
        ("scratch", SINUSOID),
        ("task_replay", SINUSOID.replace("[network]", "[task.drift]\nsegments = 3\n[network]")),
        ("protonet", DIGITS),
        ("rl2", BANDITS),
        ("random", BANDITS),
        ("set_clustering", SETS),
        ("kmeans", SETS),
    ],
)
def test_every_kind_of_run_is_estimated(name: str, text: str) -> None:
    found = estimated(trainer(experiment(name, text=text)))
    assert found.seconds.keys() == found.operations.keys() == {"training", "validation", "test"}
    assert found.seconds["test"] > 0
    assert (found.seconds["training"] > 0) == (name not in ("scratch", "random", "kmeans"))
    assert 2**26 < found.memory < 2**34
    assert 0 < found.disk < 2**24


def test_what_a_run_took_is_in_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MEASURING", 1e9)
    e = experiment("maml")
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = runs.add(project, e, family(e))
        runs.perform(project, run, family(e), runs.Control(), lambda *_: None)
        result = project.result(run, "test")
        assert result is not None
        took = result.summary["cost"]
        assert took["seconds"].keys() == {"training", "validation", "test"}
        assert took["seconds"]["training"] == project.run(run).seconds
        assert all(each > 0 for each in took["seconds"].values())
        assert took["operations"] is None, "it was too short for that"
        assert took["peak_memory"] > 2**26


def test_the_operations_of_a_longer_run_are_counted() -> None:
    work = trainer(experiment("maml"))
    list(work.events())
    work.seconds = 2.0
    counted = spent(work)["operations"]
    assert counted == {"iteration": operations_of_an_iteration(work), "task": operations_of_a_task(work)}


def test_a_world_that_fails_once_all_is_done_takes_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    work = trainer(experiment("rl2", text=BANDITS))
    list(work.events())
    work.seconds = 2.0

    def fail(*_: object) -> None:
        raise InputError("the track is closed")

    monkeypatch.setattr(type(work.algorithm), "collect", fail)
    assert spent(work)["operations"] is None


@pytest.mark.parametrize("iterations", [0, 3, 5, 12, 23])
@pytest.mark.parametrize("segments", [1, 3])
@pytest.mark.parametrize("every", [1, 5, 40])
def test_validations_are_counted_as_they_come(iterations: int, segments: int, every: int) -> None:
    drift = f"[task.drift]\nsegments = {segments}\n[network]" if segments > 1 else "[network]"
    sizes = (f"training.iterations={max(1, iterations)}", f"evaluation.every={every}")
    name = "maml" if iterations else "scratch"
    demands = trainer(experiment(name, *sizes, text=SINUSOID.replace("[network]", drift))).demands
    assert demands.validations == sum(map(demands.measured, range(iterations + 1)))


def test_validation_is_not_counted_twice_by_who_goes_on() -> None:
    work, other = (trainer(experiment("maml")) for _ in range(2))
    for _ in work.events():
        if work.iteration == 7:
            break
    other.restore(work.state())
    assert other.validating == work.validating > 0
