"""Accelerators: nothing of a learner's computation leaves its device, and which device is measured.

Torch's ``meta`` device knows shapes and no numbers, so a computation that reads a number (``.item()``), goes
to another device (``.cpu()``) or mixes devices raises there, as it would stall or fail on an accelerator.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from tests.experiments import EVERY, Smooth, algorithm, experiment, family, meta_batch, meta_parameters
from workbench.algorithms import Params
from workbench.config import Trains
from workbench.engine import devices, plan
from workbench.engine.meta_step import MetaStep
from workbench.engine.plan import Plan
from workbench.engine.trainer import Trainer
from workbench.networks import NETWORKS
from workbench.networks.base import Network
from workbench.problems.classification import Classification
from workbench.problems.regression import Regression
from workbench.problems.sequence import Sequences
from workbench.tasks.base import Episode, TaskShape

NO_META_KERNEL = {"r2d2", "metaoptnet"}
"""Solve linear equations, for which torch has no kernel on its ``meta`` device."""

NO_META_EVALUATION = {("fusion", "classification"), ("mer", "classification")}
"""Their inner steps' cross-entropy gathers under two levels of ``vmap``: the ``meta`` kernel misjudges it."""

Test = TypeVar("Test", bound=Callable[..., None])


def on_cuda(test: Test) -> Test:
    """A test that needs a CUDA device."""
    skipped = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
    marked: Test = pytest.mark.cuda(skipped(test))
    return marked


@pytest.mark.parametrize(("name", "shape"), EVERY)
def test_no_learner_leaves_its_device(name: str, shape: TaskShape) -> None:
    if name in NO_META_KERNEL:
        pytest.skip("its linear algebra has no meta kernel")
    learner = algorithm(name, Smooth(2, shape.outputs), shape)
    meta = {name: each.to("meta") for name, each in meta_parameters(learner).items()}
    tasks = meta_batch(learner, 4).to(torch.device("meta"))
    if isinstance(learner.config, Trains):
        gradient, losses = MetaStep(learner, chunk=2).gradient(meta, tasks)
        assert {each.device.type for each in (*gradient.values(), losses)} == {"meta"}
        assert {name: each.shape for name, each in gradient.items()} == {n: w.shape for n, w in meta.items()}

    if (name, shape.problem.name) in NO_META_EVALUATION:
        return

    def evaluated(meta: Params, task: Episode) -> tuple[Tensor, dict[str, Params]]:
        predicted = []
        for adapted in learner.adaptation(meta, task.support, 2):
            predicted.append(learner.predict(adapted, task.query["x"]))
        return torch.stack(predicted), learner.report(meta, adapted, task)

    with torch.no_grad():
        predicted, _ = vmap(evaluated, in_dims=(None, 0))(meta, tasks)
    assert predicted.device.type == "meta"


INPUTS = {
    "mlp": TaskShape(Regression(), (3,), 1),
    "bag": TaskShape(Classification(), (6,), 3, 7, None, 9),
    "encoder_decoder": TaskShape(Sequences(), (7,), 5, vocabulary=9, places=3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_leaves_its_device(name: str) -> None:
    shape = INPUTS.get(name, TaskShape(Classification(), (1, 16, 16), 3))
    words = {name: size for name in ("vocabulary", "places") if (size := getattr(shape, name))}
    network: Network = NETWORKS[name](NETWORKS[name].Config(), shape.input_shape, shape.outputs, **words)
    learner = algorithm("maml", network, shape)
    meta = {name: each.to("meta") for name, each in learner.initial(torch.Generator()).items()}
    inputs = (shape.input_shape[0] - shape.places,) if shape.places else shape.input_shape
    x = torch.ones(2, 6, *inputs, dtype=torch.int64 if words else torch.float32)
    said = (2, 6, shape.places) if shape.places else (2, 6)
    y = torch.zeros(said, dtype=torch.int64) if shape.outputs > 1 else torch.zeros(2, 6, 1)
    tasks = Episode.pairs(x, y, x, y).to(torch.device("meta"))
    gradient, _ = MetaStep(learner, chunk=2).gradient(meta, tasks)
    assert {each.device.type for each in gradient.values()} == {"meta"}


@pytest.fixture
def accelerator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Gives this machine one that takes so many times the CPU's seconds."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))

    def give(times: float) -> None:
        def timed(work: object, tasks: int, device: torch.device, threads: int) -> SimpleNamespace:
            return SimpleNamespace(seconds=1.0 if device.type == "cpu" else times, sure=True)

        monkeypatch.setattr(devices, "available", lambda: ["meta", "cpu"])
        monkeypatch.setattr(plan, "race", lambda timed, asked: None)
        monkeypatch.setattr(plan, "Timed", timed)

    return give


@pytest.mark.parametrize(("times", "device"), [(2.0, "cpu"), (0.95, "cpu"), (0.5, "meta")])
def test_the_device_is_the_quicker_one(
    times: float, device: str, accelerator: Callable[[float], None]
) -> None:
    accelerator(times)
    e = experiment("maml")
    chosen = Trainer(e, e.algorithm[0], 0, family(e))
    assert (chosen.record["device"], chosen.plan.device) == (device, device)
    assert {each.device.type for each in chosen.meta.values()} == {device}


def test_a_run_stays_on_the_device_that_it_began_on(accelerator: Callable[[float], None]) -> None:
    accelerator(0.5)
    e = experiment("maml")
    resumed = Trainer(e, e.algorithm[0], 0, family(e), plan=Plan("cpu", 1, 4))
    assert resumed.record["device"] == "cpu"


def test_what_an_accelerator_has_no_kernel_for_is_computed_on_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(devices, "available", lambda: ["meta", "cpu"])
    e = experiment("r2d2")
    assert Trainer(e, e.algorithm[0], 0, family(e)).record["device"] == "cpu"


# --- with a CUDA device -------------------------------------------------------------------------------

# every learner's training there: test_trainer


@on_cuda
def test_a_small_network_stays_on_the_cpu_beside_a_cuda_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    e = experiment("maml", "training.threads='auto'", "training.chunk='auto'", "network.hidden=[40, 40]")
    assert Trainer(e, e.algorithm[0], 0, family(e)).plan.device == "cpu"


@on_cuda
def test_a_plan_for_cuda_is_measured_there() -> None:
    e = experiment("maml", "training.device='cuda'", "training.chunk='auto'")
    assert Trainer(e, e.algorithm[0], 0, family(e)).plan.device == "cuda:0"


@on_cuda
def test_a_run_on_cuda_goes_on_from_its_state() -> None:
    e = experiment("maml", "training.device='cuda'")
    ends = []
    for stops in ((12,), (5, 12)):
        work = Trainer(e, e.algorithm[0], 0, family(e))
        for stop in stops:
            if work.iteration:
                before = work
                work = Trainer(e, e.algorithm[0], 0, family(e), plan=before.plan)
                work.restore(before.state())
            for _ in work.events():
                if work.iteration >= stop:
                    break
        ends.append(work.meta)
    torch.testing.assert_close(*ends)
