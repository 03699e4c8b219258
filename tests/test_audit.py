"""An audit of a run's privacy: which losses it takes, what it leaves alone, what it refuses."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.experiments import SINUSOID
from tests.gui.finished import project_of
from workbench import runs
from workbench.data.progress import silent
from workbench.engine import membership as audited
from workbench.engine.episodes import FIXED as FIXED_TASKS
from workbench.engine.episodes import seeded
from workbench.engine.trainer import Trainer
from workbench.errors import DataError
from workbench.export.predicting import Predictor
from workbench.project import Project

FIXED = '[training.privacy]\ntasks = 12\nnoise = 0\nclip = "none"\n'
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audit") / "p.mlwb"
    project_of(path, "maml", seeds=2, text=SINUSOID + FIXED, done=1)
    return path


def test_it_takes_the_very_tasks_of_training(project: Path) -> None:
    with Project.open(project, read_only=True) as opened:
        run = runs.of_record(opened, opened.run(1))
        family = runs.open_family(run.experiment)
        learned = runs.learned(opened, 1, family)
    work = Trainer(run.experiment, run.config, run.seed, family)
    found = Predictor().audit(project, 1, None, lambda *_: None).found
    assert work.private is not None
    chosen = work.private.chosen(0)
    tasks = work.drawn()
    for at, number in enumerate(chosen.tolist()):
        task = tasks.one(at)
        learner = learned.algorithm.adapt(learned.meta, task.support, 2)
        predicted = learned.algorithm.predict(learner, task.query["x"])
        loss = torch.nn.functional.mse_loss(predicted, task.query["y"])
        assert found.members[2, number] == pytest.approx(loss.item(), rel=1e-5)
    assert found.steps == (0, 1, 2, 3)
    assert found.fresh.shape == found.others.shape == (4, 12)
    assert len(np.unique(np.concatenate([found.members[0], found.fresh[0], found.others[0]]))) == 36


def test_it_is_written_and_changes_nothing(project: Path, tmp_path: Path, call: Call) -> None:
    before = hashlib.sha256(project.read_bytes()).hexdigest()
    files = [tmp_path / f"a.{suffix}" for suffix in ("svg", "csv", "tex")]
    outputs = [part for each in files for part in ("-o", each)]
    code, out, err = call("audit", project, 1, *outputs, "--json", "--tasks", 8)
    assert code == 0, err
    rows = json.loads(out)["audit"]
    assert [row["inner_step"] for row in rows] == [0, 1, 2, 3]
    assert {row["training_tasks"] for row in rows} == {8}
    assert all(row["area_of_fresh_low"] <= 0.5 <= row["area_of_fresh_high"] for row in rows)
    assert "8 of 12 training tasks, 8 fresh ones" in err
    told = csv.DictReader(files[1].read_text().splitlines())
    assert [float(row["area"]) for row in told] == [row["area"] for row in rows]
    assert "∞" in files[0].read_text()
    assert "Area under ROC" in files[2].read_text()
    assert hashlib.sha256(project.read_bytes()).hexdigest() == before


def test_the_document_holds_every_run_that_can_be_audited(project: Path, tmp_path: Path, call: Call) -> None:
    code, _, err = call("export", project, "--what", "membership", "-o", tmp_path / "a.md")
    assert code == 0, err
    assert (tmp_path / "a.md").read_text().count("MAML, seed 0 |") == 4
    assert "MAML, seed 1 has no checkpoint yet" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("2", "MAML, seed 1 has no checkpoint yet"),
        ("7", "run 7"),
        ("1 -o a.gif", "an audit cannot be written as gif; allowed: png, svg, pdf, csv, json,"),
        ("1 --tasks 2", "--tasks"),
        ("1 --shadows x", "--shadows: 'x' is no list of runs"),
        (
            "1 --shadows 1",
            "run 1 (MAML, seed 0) is no shadow of MAML, seed 0: it must be of the same",
        ),
        ("1 --shadows 2", "MAML, seed 1 has no checkpoint yet"),
    ],
)
def test_what_cannot_be_audited_is_refused_in_one_line(
    project: Path, call: Call, arguments: str, said: str
) -> None:
    code, _, err = call("audit", project, *arguments.split())
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_a_run_on_new_tasks_in_every_step_is_refused(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "p.mlwb"
    project_of(path, "maml", seeds=1, done=0)
    code, _, err = call("audit", path, 1)
    assert code == 2
    assert "MAML, seed 0 was not trained on fixed tasks" in err
    assert err.count("\n") == 1


def test_tasks_that_repeat_others_are_left_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the data has few examples: here the fresh ones are drawn as the training tasks are."""
    monkeypatch.setattr(audited, "seeded", lambda seed, *_: seeded(seed, FIXED_TASKS, 0))
    with pytest.raises(DataError, match=r"too few tasks beside those of training: .* 12, 0, 0 are new"):
        Predictor().audit(project, 1, None, lambda *_: None)


def test_shadow_runs_tell_how_hard_a_task_is(project: Path) -> None:
    """The logarithm of the loss, less its mean over them: 0 of a run beside itself."""
    with Project.open(project, read_only=True) as opened:
        run = runs.of_record(opened, opened.run(1))
        family = runs.open_family(run.experiment)
        learned = runs.learned(opened, 1, family)
    own = learned.algorithm, learned.meta
    other = learned.algorithm, {name: 0 * each for name, each in learned.meta.items()}
    settings = run.experiment, family, run.seed, 12, silent
    alone, shadow = (audited.membership([each], *settings).members for each in (own, other))
    beside = audited.membership([own, other, own], *settings)
    assert beside.shadows == 2
    np.testing.assert_allclose(beside.members, (np.log(alone) - np.log(shadow)) / 2, atol=1e-9)
