"""What a run has learned is read from its newest checkpoint, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch

from tests.experiments import experiment, family
from workbench import runs
from workbench.engine.trainer import Trainer
from workbench.project import Project, ProjectError, RunWriter
from workbench.runs import Control, learned
from workbench.tasks.base import DataError


def started(path: Path, name: str = "maml") -> tuple[Project, int]:
    e = experiment(name)
    project = Project.create(path)
    (run,) = runs.add(project, e, family(e))
    return project, run


def keep(project: Project, run: int, tensors: bytes) -> None:
    writer = RunWriter(project, run)
    writer.checkpoint(1, {}, tensors)
    writer.flush()


@pytest.mark.parametrize("name", ["maml", "meta_sgd", "reptile", "scratch"])
def test_it_is_what_the_trainer_had(name: str, tmp_path: Path) -> None:
    e = experiment(name)
    with started(tmp_path / "p.mlwb", name)[0] as project:
        (run,) = [each.id for each in project.runs()]
        trainers: list[Trainer] = []
        runs.perform(project, run, family(e), Control(), lambda trainer, _: trainers.append(trainer))
        found = learned(project, run, family(e))
    assert found.iteration == trainers[-1].iteration
    assert list(found.meta) == list(trainers[-1].meta)
    assert all(torch.equal(found.meta[name], trainers[-1].meta[name]) for name in found.meta)


def test_untrained_weights_are_no_answer(tmp_path: Path) -> None:
    project, run = started(tmp_path / "p.mlwb")
    with project, pytest.raises(ProjectError, match="no checkpoint yet"):
        learned(project, run, family(experiment()))


@pytest.mark.parametrize(
    "tensors",
    [
        b"nonsense",
        safetensors.torch.save({"meta.other": torch.zeros(2)}),
        safetensors.torch.save({"meta.body.0.weight": torch.zeros(2)}),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(tensors: bytes, tmp_path: Path) -> None:
    project, run = started(tmp_path / "p.mlwb")
    with project:
        keep(project, run, tensors)
        with pytest.raises(ProjectError, match=f"run {run}: the checkpoint's"):
            learned(project, run, family(experiment()))


def test_other_data_is_refused(tmp_path: Path) -> None:
    project, run = started(tmp_path / "p.mlwb")
    with project, pytest.raises(DataError, match="data has changed"):
        learned(project, run, family(experiment("maml", "task.amplitude=[1.0, 2.0]")))
