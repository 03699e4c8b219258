"""A new kind of task is two files: sets of points without y, losses below zero, a measure of its own.

Learners that need nothing but a gradient learn it unchanged, and it is shown and exported in its own words.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from workbench.algorithms import ALGORITHMS
from workbench.config import AlgorithmConfig, ConfigError, TaskConfig, parse
from workbench.engine.events import Evaluated, Finished
from workbench.engine.trainer import Trainer
from workbench.measures import MEASURES
from workbench.problems import PROBLEMS
from workbench.runs import open_family
from workbench.tasks import FAMILIES

UNCHANGED = ("maml", "fomaml", "meta_sgd", "reptile", "scratch", "task_replay")
TEXT = """
name = "toy"
[task]
family = "points"
queries = 10
[network]
kind = "mlp"
hidden = [16]
[training]
iterations = 30
meta_batch = 8
threads = 1
chunk = 8
compile = false
[evaluation]
episodes = 40
validation_episodes = 20
inner_steps = 3
every = 15
"""


@pytest.fixture(autouse=True)
def toy() -> Iterator[None]:
    """The problem and its family, known for the time of a test."""
    registries: list[dict[str, object]] = [PROBLEMS, MEASURES, FAMILIES, TaskConfig.kinds]  # type: ignore[list-item]
    before = [dict(each) for each in registries]
    modules = ("tests.toy.density", "tests.toy.points")
    try:
        for each in modules:
            module = importlib.import_module(each)
        FAMILIES["points"] = module.Points
        yield
    finally:
        for each in modules:
            sys.modules.pop(each, None)
        for registry, known in zip(registries, before, strict=True):
            registry.clear()
            registry.update(known)


def text(*names: str, **settings: object) -> str:
    said = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    return TEXT + "".join(f'[[algorithm]]\nkind = "{name}"\n{said}' for name in names)


def test_six_learners_of_three_families_learn_it_unchanged() -> None:
    assert len({ALGORITHMS[name].family for name in UNCHANGED}) >= 3
    experiment = parse(
        text(*UNCHANGED, inner_lr=0.1).replace('"task_replay"\ninner_lr = 0.1', '"task_replay"')
    )
    for config in experiment.algorithm:
        trainer = Trainer(experiment, config, 0, open_family(experiment))
        events = list(trainer.events())
        assert isinstance(events[-1], Finished), (config.name, events[-1])
        loss, gain = (np.array(events[-1].arrays[name]) for name in ("loss", "gain"))
        np.testing.assert_allclose(loss, -gain)
        before, after = events[-1].arrays["loss"][[0, -1]].mean(1)
        assert after < before, config.name
        first = next(each for each in events if isinstance(each, Evaluated)).summary
        assert first["problem"] == "density"


def test_a_learned_density_is_better_than_the_uniform_one() -> None:
    """So its losses are below zero, and no task counts as diverged."""
    experiment = parse(
        text("maml", inner_lr=0.5, inner_steps=3), ["training.iterations=200", "training.meta_lr=0.01"]
    )
    *_, last = Trainer(experiment, experiment.algorithm[0], 0, open_family(experiment)).events()
    assert isinstance(last, Finished)
    assert last.arrays["loss"][-1].mean() < -0.3
    assert not any(last.summary["diverged"])


def test_support_sets_hold_less_than_query_sets_and_hidden_parameters_are_hashed() -> None:
    family = open_family(parse(text("maml")))
    tasks, other = (family.sample("train", 5, torch.Generator().manual_seed(0)) for _ in range(2))
    assert (set(tasks.support), set(tasks.query)) == ({"x"}, {"x", "times"})
    assert tasks.hash() == other.hash()
    assert tasks.hash() != other._replace(task={"start": other.task["start"] + 1}).hash()


@pytest.mark.parametrize("name", sorted(set(AlgorithmConfig.kinds) - set(UNCHANGED)))
def test_what_a_learner_needs_and_the_task_does_not_give_is_said(name: str) -> None:
    needs = AlgorithmConfig.kinds[name].needs - {"gradient"}
    if not needs:
        return
    with pytest.raises(ConfigError, match=f"{name}.*needs"):
        parse(text(name))


def test_it_is_run_shown_and_exported_in_its_own_words(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    experiment, project = tmp_path / "toy.toml", tmp_path / "toy.mlwb"
    experiment.write_text(text("maml", "reptile"))
    code, _, err = call("run", experiment, "--project", project)
    assert code == 0, err
    code, out, err = call("show", project, "--json")
    assert code == 0, err
    measured = {}
    for run in json.loads(out)["runs"]:
        measures = run["test"]["measures"]
        assert list(measures) == ["loss", "gain"]
        np.testing.assert_allclose(
            measures["gain"]["mean"], [-each for each in run["test"]["loss"]], atol=1e-6
        )
        assert run["test"]["accuracy"] is None
        measured[run["algorithm"]] = measures["gain"]["mean"][-1]

    def exported(*wish: str) -> str:
        code, out, err = call("export", project, "-o", "-", "--what", *wish)
        assert code == 0, err
        return out

    table = exported("table", "--format", "markdown")
    assert "| Negative log-likelihood (nats) |" in table
    assert not any(foreign in table.lower() for foreign in ("squared", "entropy", "accuracy"))
    own = exported("table", "--format", "csv", "--measure", "gain")
    (first, *_) = csv.DictReader(io.StringIO(own))
    assert first["measure"] == "gain"
    assert float(first["mean"]) == pytest.approx(measured["maml"])
    assert "Gain over the uniform density (nats)" in exported(
        "table", "--format", "markdown", "--measure", "gain"
    )
    for figure, measure in (
        ("adaptation", "gain"),
        ("comparison", "gain"),
        ("learning_curves", "validation_gain"),
    ):
        assert exported(figure, "--format", "csv", "--measure", measure).count("\n") > 1
