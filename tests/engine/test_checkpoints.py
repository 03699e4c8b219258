"""A checkpoint from a stranger: what its run's configuration does not demand is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from tests.experiments import experiment, family
from tests.fuzz.checkpoints import SETUPS, Checkpoints, Sound, put
from workbench import runs
from workbench.engine.trainer import Trainer
from workbench.networks import NetworkError
from workbench.project import Project, ProjectError
from workbench.project.digests import digest
from workbench.project.records import to_json
from workbench.runs import Control

STREAM = next(n for n, (text, kind) in enumerate(SETUPS) if "drift" in text and "la_maml" in kind)
"""A stream that drifts, with a memory."""

ALGORITHMS = ("bmaml", "fusion", "la_maml", "r2d2")
TRIED = [STREAM, *(n for n, (_, kind) in enumerate(SETUPS[:29]) if kind.split('"')[1] in ALGORITHMS)]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Checkpoints:
    return Checkpoints(tmp_path_factory.mktemp("checkpoints"))


@pytest.mark.parametrize("setup", TRIED)
def test_a_changed_checkpoint_is_refused_or_runs_on(checkpoints: Checkpoints, setup: int) -> None:
    numbers = range(setup, setup + 25 * len(SETUPS), len(SETUPS))
    assert [find for number in numbers if (find := checkpoints.example(number))] == []


@pytest.fixture(scope="module")
def drifting(checkpoints: Checkpoints) -> Sound:
    """A stopped run of La-MAML on a stream that drifts."""
    return checkpoints.sound(STREAM)


@pytest.fixture(scope="module")
def adams(checkpoints: Checkpoints) -> Sound:
    """A stopped run of MAML."""
    return checkpoints.sound(next(n for n, (_, algorithm) in enumerate(SETUPS) if '"maml"' in algorithm))


def refusal(sound: Sound, folder: Path, tensors: dict[str, Tensor], **values: object) -> str:
    """What resuming says of other tensors and values, with a digest that fits."""
    path = folder / "p.mlwb"
    path.write_bytes(sound.path.read_bytes())
    content, text = safetensors.torch.save(sound.tensors | tensors), to_json(sound.values | values)
    put(path, sound.iteration, content, text, digest(sound.iteration, text, content))
    with Project.open(path) as project:
        before = project.run(sound.run)
        with pytest.raises(ProjectError) as caught:
            runs.perform(project, sound.run, sound.family, Control(), lambda *_: None)
        assert project.run(sound.run) == before
    return str(caught.value).removeprefix(f"{path}: run {sound.run}: the checkpoint's ")


def test_it_is_refused_by_the_name_of_the_entry(adams: Sound, drifting: Sound, tmp_path: Path) -> None:
    moment, step = "optimiser.1.exp_avg", "optimiser.0.step"
    right = list(adams.tensors[moment].shape)
    one = torch.ones(1)
    assert (
        refusal(adams, tmp_path, {moment: one[None]}) == f"{moment} has the shape [1, 1], {right} is demanded"
    )
    whole = {moment: adams.tensors[moment].long()}
    assert refusal(adams, tmp_path, whole) == f"{moment} is of int64, float32 is demanded"
    assert refusal(adams, tmp_path, {step: torch.tensor(torch.nan)}) == f"{step} is nan, 4 is demanded"
    assert refusal(adams, tmp_path, {step: torch.tensor(-1.0)}) == f"{step} is -1, 4 is demanded"
    assert refusal(adams, tmp_path, {"x\n": one}) == "x␊ is not part of such a run"
    squares = f"{moment}_sq"
    assert (
        refusal(adams, tmp_path, {squares: -1 - adams.tensors[squares]})
        == f"{squares} holds a number below 0"
    )
    for name in ("meta.body.1.weight", moment):
        endless = {name: adams.tensors[name] * torch.inf}
        assert refusal(adams, tmp_path, endless) == f"{name} holds a number that is not finite"
    assert refusal(adams, tmp_path, {}, iteration=10**9).startswith(
        "iteration is 1,000,000,000, no more than 6"
    )
    assert refusal(adams, tmp_path, {}, iteration=True).startswith("iteration: True is not a whole number")
    assert refusal(adams, tmp_path, {}, evaluated=0) == "evaluated is 0, 3 is demanded"
    places = drifting.tensors["memory.places"]
    garbage = refusal(drifting, tmp_path, {"memory.places": places + 10**6})
    assert garbage == "memory.places names a task that the stream had not given"
    twice = refusal(drifting, tmp_path, {"memory.places": places[:1].expand_as(places).contiguous()})
    assert twice == "memory.places names tasks that cannot be remembered together"
    assert refusal(drifting, tmp_path, {}, memory_seen=1) == "memory_seen has 1, 8 is demanded"
    assert refusal(drifting, tmp_path, {}, known=[[1.0]]) == "known has [1], [3] is demanded"


def test_tensors_larger_than_the_run_s_are_not_even_read(adams: Sound, tmp_path: Path) -> None:
    assert "no more than" in refusal(adams, tmp_path, {"meta.giant": torch.zeros(500_000)})


def test_a_run_of_which_all_checkpoints_are_damaged_does_not_begin_anew(adams: Sound, tmp_path: Path) -> None:
    path = tmp_path / "p.mlwb"
    path.write_bytes(adams.path.read_bytes())
    put(path, adams.iteration, adams.content, "{}", None)
    with Project.open(path) as project, pytest.raises(ProjectError, match="its checkpoints are damaged"):
        runs.perform(project, adams.run, adams.family, Control(), lambda *_: None)


def test_training_that_has_left_the_finite_numbers_keeps_the_checkpoint_before(tmp_path: Path) -> None:
    e = experiment("maml", "training.checkpoint_every=0")
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = runs.add(project, e, family(e))

        def spoil(trainer: Trainer, notice: object) -> None:
            if trainer.iteration >= 5:
                with torch.no_grad():
                    next(iter(trainer.meta.values())).fill_(torch.nan)

        assert runs.perform(project, run, family(e), Control(), spoil) == "failed"
        assert project.checkpoint_iterations(run)[0] <= 5
        assert runs.learned(project, run, family(e)).meta


@pytest.mark.parametrize(
    "settings",
    [
        ("network.hidden=[10000, 10000, 10000]",),
        ('algorithm.0.kind="bmaml"', "algorithm.0.particles=100", "network.hidden=[1000, 1000]"),
    ],
)
def test_a_network_that_no_memory_holds_is_refused_before_it_is_made(settings: tuple[str, ...]) -> None:
    e = experiment("maml", *settings)
    with pytest.raises(NetworkError, match="meta-parameters; at most 80,000,000"):
        runs.check(e, family(e))
