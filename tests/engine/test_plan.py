"""How a run is computed: measured once, remembered, recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.experiments import REGRESSION, Smooth, algorithm, episodes, experiment, family, meta_parameters
from workbench.config import parse
from workbench.engine import plan, timing
from workbench.engine.meta_step import MetaStep
from workbench.engine.plan import Plan
from workbench.engine.timing import Timed
from workbench.engine.trainer import Trainer


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    return tmp_path / "plans.json"


def _plan(*overrides: str, name: str = "maml") -> Plan:
    e = experiment(name, "training.threads='auto'", "training.chunk='auto'", *overrides)
    return Trainer(e, e.algorithm[0], 0, family(e)).plan


def _remembered(cache: Path, **changes: object) -> None:
    """Alter what is remembered of the only plan."""
    ((key, entry),) = json.loads(cache.read_text()).items()
    cache.write_text(json.dumps({key: entry | changes}))


def test_a_plan_is_measured_once_and_then_remembered(cache: Path) -> None:
    chosen = _plan()
    assert chosen.chunk in (1, 2, 4)
    _remembered(cache, chunk=3, threads=1, sure=True)
    assert _plan() == Plan("cpu", 1, 3)
    _plan(name="fomaml")
    assert len(json.loads(cache.read_text())) == 2


@pytest.mark.parametrize("doubt", [{"sure": False}, {"at": time.time() - 40 * 24 * 3600}, {"at": 1e11}])
def test_a_plan_that_is_old_or_not_sure_is_measured_again(cache: Path, doubt: dict[str, object]) -> None:
    _plan()
    _remembered(cache, chunk=3, **{"sure": True} | doubt)
    assert _plan().chunk in (1, 2, 4)


@pytest.mark.parametrize(
    "damage", ["", "{", '{"x": 3}', "[]", '{"KEY": {"device": "cpu", "threads": 1, "chunk": 3}}']
)
def test_a_damaged_memory_is_measured_anew(cache: Path, damage: str) -> None:
    _plan()
    (key,) = json.loads(cache.read_text())
    cache.write_text(damage.replace("KEY", key))
    assert _plan().chunk in (1, 2, 4)
    assert len(json.loads(cache.read_text())) >= 1


def test_what_the_configuration_says_is_not_measured(cache: Path) -> None:
    assert _plan("training.threads=1", "training.chunk=2") == Plan("cpu", 1, 2)
    assert not cache.exists()
    assert _plan("training.threads=1").threads == 1
    assert _plan("training.chunk=2").chunk == 2


def test_the_last_chunk_may_be_smaller() -> None:
    learner = algorithm("maml", Smooth(2, 1), REGRESSION)
    meta, tasks = meta_parameters(learner), episodes(REGRESSION, 7)
    whole, _ = MetaStep(learner, chunk=7).gradient(meta, tasks)
    parts, losses = MetaStep(learner, chunk=3).gradient(meta, tasks)
    assert losses.shape == (7,)
    torch.testing.assert_close(parts, whole)


class Machine:
    """A machine whose clock only its work moves, and on which that may have to wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.run, self.waited = 0.0, 0.0, 0.0
        self.done: list[str] = []
        clock = SimpleNamespace(perf_counter=lambda: self.now, monotonic=lambda: self.now)
        monkeypatch.setattr(timing, "time", clock)
        monkeypatch.setattr(timing, "threads_of_this_process", lambda: {"1": (self.run, self.waited)})

    def timed(self, name: str, seconds: float, waiting: Iterable[float] = ()) -> Timed:
        """A computation of one task that takes so long, and in its first turns waits as well."""
        waits = iter(waiting)

        def work() -> None:
            wait = next(waits, 0.0)
            self.done.append(name)
            self.now, self.run, self.waited = (
                self.now + seconds + wait,
                self.run + seconds,
                self.waited + wait,
            )

        return Timed(work, 1, torch.device("cpu"))


def test_plans_take_turns_and_what_is_hopeless_only_two(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    good, better, hopeless = machine.timed("a", 0.02), machine.timed("b", 0.018), machine.timed("c", 0.2)
    timing.race([good, better, hopeless])
    assert "".join(machine.done) == "abc" * 2 + "ab" * (timing.ROUNDS - 1)
    assert (better.sure, better.seconds) == (True, pytest.approx(0.018))


def test_what_a_busy_machine_kept_waiting_is_not_held_against_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    slow = machine.timed("s", 0.03)
    quick = machine.timed("q", 0.02, waiting=[0.1] * 100)
    timing.race([slow, quick])
    assert quick.seconds == pytest.approx(0.02)
    assert (quick.sure, slow.sure) == (False, True)
    assert machine.done.count("q") == 1 + 2 * timing.ROUNDS  # twice as many, since it was contested


def test_a_plan_is_not_sure_where_its_turns_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    monkeypatch.setattr(timing, "threads_of_this_process", dict)  # as on systems that do not tell
    unsteady = machine.timed("u", 0.02, waiting=[0.0, 0.0] + [0.02] * 100)
    timing.race([unsteady])
    assert (unsteady.sure, unsteady.seconds) == (False, pytest.approx(0.02))


def test_one_thread_and_the_whole_meta_batch_win_where_others_bring_little(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "race", lambda timed, asked: None)
    monkeypatch.setattr(plan, "most_threads", lambda: 2)
    taken = {"seconds": 1.0, "sure": True}
    monkeypatch.setattr(plan, "Timed", lambda *_: SimpleNamespace(**taken))
    assert _plan() == Plan("cpu", 1, 4)


def test_threads_that_only_dispatch_are_not_believed_to_be_quick(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where others keep the threads waiting, it does not show that they wait for each other."""

    def timed(work: object, tasks: int, device: torch.device, threads: int) -> SimpleNamespace:
        return SimpleNamespace(seconds=0.002 / tasks, sure=False)

    def race(timed: list[SimpleNamespace], asked: object) -> None:
        two_of_two = timed[4]  # after chunks of 4, 2 and 1 on one thread, and of 4 on two
        two_of_two.seconds /= 2

    monkeypatch.setattr(plan, "race", race)
    monkeypatch.setattr(plan, "most_threads", lambda: 2)
    monkeypatch.setattr(plan, "Timed", timed)
    assert _plan() == Plan("cpu", 1, 4)


@pytest.fixture
def sinusoid_like(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk takes 2 ms and a little for each task; what is compiled (by a stand-in) a fifth of it."""

    def timed(work: object, tasks: int, device: torch.device, threads: int) -> SimpleNamespace:
        return SimpleNamespace(seconds=(0.002 + tasks * 16e-6) / tasks, sure=True)

    def race(timed: list[SimpleNamespace], asked: object) -> None:
        plain, *others = timed
        for other in others:
            if other.seconds == plain.seconds:  # the same chunk: the compiled one
                other.seconds /= 5

    monkeypatch.setattr(plan, "race", race)
    monkeypatch.setattr(plan, "Timed", timed)
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)


@pytest.mark.usefixtures("sinusoid_like")
@pytest.mark.parametrize(("iterations", "compiled"), [(300, False), (3000, False), (30_000, True)])
def test_what_runs_long_enough_is_compiled(iterations: int, compiled: bool) -> None:
    e = experiment("maml", f"training.iterations={iterations}", "training.compile='auto'")
    work = Trainer(e, e.algorithm[0], 0, family(e))
    assert (work.record["compiled"], work.plan.compile) == (compiled, compiled)


@pytest.mark.usefixtures("sinusoid_like")
def test_why_it_is_compiled_or_not_is_recorded() -> None:
    notes = []
    for iterations in (300, 3000, 30_000):
        e = experiment("maml", f"training.iterations={iterations}", "training.compile='auto'")
        notes.append(Trainer(e, e.algorithm[0], 0, family(e)).record["compile_note"])
    assert notes[0] == "not compiled: only on the CPU and from 2,000 chunks on is it thought of"
    assert notes[1] == "not compiled: it would save about 6 s of 6 s and take about 20 s"
    assert notes[2].endswith("0.41 instead of 2.06 ms a step")


@pytest.mark.usefixtures("sinusoid_like")
def test_what_cannot_be_compiled_runs_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: object, **_: object) -> object:
        def raises(*_: object) -> None:
            raise RuntimeError("no C++ compiler")

        return raises

    monkeypatch.setattr(torch, "compile", refuse)
    e = experiment("maml", "training.iterations=30000", "training.compile='auto'")
    work = Trainer(e, e.algorithm[0], 0, family(e))
    assert work.record["compiled"] is False
    assert "no C++ compiler" in work.record["compile_note"]
    again = Trainer(e, e.algorithm[0], 0, family(e))  # which is not tried once more
    assert "it would save about 0 s" in again.record["compile_note"]


def test_a_loss_that_acts_in_a_world_is_never_compiled_since_that_would_take_hours() -> None:
    text = 'task = {family = "driving", steps = 2}\ntraining = {meta_batch = 2, compile = true}\n'
    e = parse(f'{text}algorithm = [{{kind = "transfer"}}, {{kind = "maml_pg"}}]')
    assert [Trainer(e, each, 0, family(e)).plan.compile for each in e.algorithm] == [False, True]
