"""How a run is computed: measured once, remembered, recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.experiments import REGRESSION, Smooth, algorithm, episodes, experiment, family, meta_parameters
from workbench.engine import plan
from workbench.engine.meta_step import MetaStep
from workbench.engine.plan import Plan
from workbench.engine.trainer import Trainer


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    return tmp_path / "plans.json"


def _plan(*overrides: str, name: str = "maml") -> Plan:
    e = experiment(name, "training.threads='auto'", "training.chunk='auto'", *overrides)
    return Trainer(e, e.algorithm[0], 0, family(e)).plan


def test_a_plan_is_measured_once_and_then_remembered(cache: Path) -> None:
    chosen = _plan()
    assert chosen.chunk in (1, 2, 4)
    (key,) = json.loads(cache.read_text())
    altered = {key: {"device": "cpu", "threads": 1, "chunk": 3}}
    cache.write_text(json.dumps(altered))
    assert _plan() == Plan("cpu", 1, 3)
    _plan(name="fomaml")
    assert len(json.loads(cache.read_text())) == 2


@pytest.mark.parametrize("damage", ["", "{", '{"x": 3}', "[]"])
def test_a_damaged_memory_is_measured_anew(cache: Path, damage: str) -> None:
    cache.write_text(damage)
    assert _plan().chunk in (1, 2, 4)
    assert len(json.loads(cache.read_text())) >= 1


def test_what_the_configuration_says_is_not_measured(cache: Path) -> None:
    assert _plan("training.threads=1", "training.chunk=2") == Plan("cpu", 1, 2)
    assert not cache.exists()
    assert _plan("training.threads=1").threads == 1
    assert _plan("training.chunk=2").chunk == 2


def test_chunks_are_even_and_bounded() -> None:
    assert plan._sizes(32, 32) == [1, 2, 4, 8, 16, 32]
    assert plan._sizes(25, 25) == [1, 2, 4, 7, 13, 25]
    assert plan._sizes(32, 10) == [1, 2, 4, 8]


def test_the_last_chunk_may_be_smaller() -> None:
    learner = algorithm("maml", Smooth(2, 1), REGRESSION)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, 7)
    whole, _ = MetaStep(learner, chunk=7).gradient(meta, tasks)
    parts, losses = MetaStep(learner, chunk=3).gradient(meta, tasks)
    assert losses.shape == (7,)
    torch.testing.assert_close(parts, whole)


class _Clocked:
    """A plan whose time is known."""

    def __init__(self, seconds: float, times: int) -> None:
        self.seconds, self.times = seconds, times
        self.seconds_per_task = seconds if times > 1 else float("inf")

    def once(self) -> None:
        self.times += 1
        if self.times > 1:
            self.seconds_per_task = self.seconds

    def close(self) -> None: ...


def test_a_rival_is_timed_even_where_the_best_so_far_is_known() -> None:
    known, rival = _Clocked(2.0, times=6), _Clocked(1.0, times=0)
    assert plan._best([known, rival]) is rival  # type: ignore[list-item,comparison-overlap]
