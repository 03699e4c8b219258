"""Private training: what is summed, what is spent, what is refused."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.engine.test_trainer import GRID, comparable, losses, trainer
from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    Smooth,
    algorithm,
    experiment,
    family,
    meta_parameters,
)
from tests.experiments import meta_batch as prepared
from tests.test_runs import StopAt, every_iteration, perform, start  # noqa: F401 (a fixture)
from workbench import runs
from workbench.algorithms import ALGORITHMS, Algorithm, Params
from workbench.analysis.results import privacy as in_words
from workbench.config import ConfigError, Privacy
from workbench.engine import accounting
from workbench.engine.accounting import PrivacyError, epsilon, noise_for
from workbench.engine.chunk_gradient import chunk_gradient
from workbench.engine.episodes import seeded
from workbench.engine.events import MetaSteps
from workbench.engine.meta_step import MetaStep
from workbench.engine.plan import Plan
from workbench.engine.private import Private
from workbench.runs import Control
from workbench.tasks.base import Episode

needs_accountant = pytest.mark.skipif(
    importlib.util.find_spec("dp_accounting") is None,
    reason='dp-accounting is not installed: pip install ".[privacy]"',
)

PRIVATE = ("training.privacy.tasks=40", "training.privacy.clip=0.5")
NOISY = (*PRIVATE, "training.privacy.noise=1.5", 'training.privacy.accountant="rdp"')
SILENT = (*PRIVATE, "training.privacy.noise=0")


def acting() -> tuple[Algorithm, Params, Episode]:
    """MAML-PG with what happened in some worlds, in float64."""
    e = experiment("maml_pg", "algorithm.0.epochs=1", "algorithm.0.train_queries=2", text=GRID)
    work = trainer(e, plan=Plan("cpu", 1, 4))
    meta = {name: each.detach().double() for name, each in work.meta.items()}
    drawn = work.family.sample("train", 5, seeded(3)).map(
        lambda each: each.double() if each.is_floating_point() else each
    )
    with torch.no_grad():
        return work.algorithm, meta, work.algorithm.collect(meta, drawn)


def learned(name: str) -> tuple[Algorithm, Params, Episode]:
    """A learner with its meta-parameters and five tasks, in float64."""
    if name == "maml_pg":
        return acting()
    shape = CLASSIFICATION if name == "protonet" else REGRESSION
    learner = algorithm(name, Smooth(2, shape.outputs).double(), shape)
    return learner, meta_parameters(learner), prepared(learner, 5)


def of_each(learner: Algorithm, meta: Params, tasks: Episode) -> list[Params]:
    """The gradient of each task, one after the other."""
    found = []
    for number in range(tasks.count):
        leaves = {name: each.clone().requires_grad_() for name, each in meta.items()}
        if learner.outer.direction is not None:
            found.append(learner.outer.direction(meta, tasks.one(number))[0])
            continue
        loss = learner.losses(leaves, tasks.tasks(number, number + 1)).sum()
        grads = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
        found.append(dict(zip(leaves, grads, strict=True)))
    return found


def length(gradient: Params) -> float:
    return math.sqrt(sum(float(each.square().sum()) for each in gradient.values()))


def furthest(first: Params, second: Params) -> float:
    return max(float((each - second[name]).abs().max()) for name, each in first.items())


@pytest.mark.parametrize("name", ["maml", "anil", "protonet", "maml_pg", "reptile"])
def test_a_clipped_sum_is_what_clipping_each_task_by_itself_gives(name: str) -> None:
    learner, meta, tasks = learned(name)
    single = of_each(learner, meta, tasks)
    bound = sorted(map(length, single))[2]
    total = {key: torch.zeros_like(each) for key, each in meta.items()}
    for each in single:
        scale = min(1.0, bound / length(each))
        total = {key: total[key] + scale * part for key, part in each.items()}
    for chunk in (2, 5):
        found, lost = MetaStep(learner, chunk=chunk, clip=bound).gradient(meta, tasks)
        assert furthest(found, total) <= 1e-10
        assert len(lost) == 5


@pytest.mark.parametrize("name", ["maml", "anil", "protonet", "maml_pg", "cnp", "mamlpp", "imaml"])
def test_without_bound_and_noise_it_is_the_mean(name: str) -> None:
    learner, meta, tasks = learned(name)
    private = Private(Privacy(tasks=50, noise=0, clip="none"), 5, 10, seed=0)
    total, lost = MetaStep(learner, chunk=2, clip=math.inf).gradient(meta, tasks)
    mean, losses = MetaStep(learner, chunk=5).gradient(meta, tasks)
    assert furthest(private.step(total, 0), mean) <= 1e-12
    assert torch.allclose(lost, losses, rtol=1e-12)


def test_tasks_that_a_chunk_is_filled_up_with_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, meta, tasks = learned("maml")
    step = MetaStep(learner, chunk=4, clip=0.1)
    expected, of_tasks = step.gradient(meta, tasks)
    monkeypatch.setattr(step, "compiled", True)
    shapes = []

    def of_chunk(meta: Params, part: Episode) -> tuple[Params, Tensor]:
        shapes.append(part.count)
        return chunk_gradient(learner, compile=True, clip=0.1)(meta, part)

    monkeypatch.setattr(step, "_of_chunk", of_chunk, raising=False)
    found, lost = step.gradient(meta, tasks)
    assert shapes == [4, 4]
    assert furthest(found, expected) <= 1e-10
    assert torch.allclose(lost, of_tasks, rtol=1e-10)


# --- which tasks, and the noise ------------------------------------------------------------------------


def private(**settings: Any) -> Private:
    return Private(Privacy(**{"noise": 2.0, "clip": 0.5, "tasks": 100} | settings), 10, 1000, seed=7)


def test_each_task_is_in_a_step_by_lot() -> None:
    drawn = [private(noise=0).chosen(number) for number in range(400)]
    sizes = torch.tensor([len(each) for each in drawn]).double()
    assert sizes.mean() == pytest.approx(10, abs=0.6)
    assert sizes.var() == pytest.approx(9, abs=2)  # N q (1 − q)
    often = torch.cat(drawn).bincount(minlength=100)
    assert often.min() > 15
    assert often.max() < 70


def test_noise_has_the_spread_that_is_asked_for() -> None:
    zero = {"a": torch.zeros(200, 200), "b": torch.zeros(7)}
    source = private()
    source.chosen(0)
    found = source.step(zero, 0)
    assert found["a"].std() == pytest.approx(2.0 * 0.5 / 10, rel=0.02)
    again = private()
    again.chosen(0)
    assert torch.equal(again.step(zero, 0)["a"], found["a"])
    assert not torch.equal(again.step(zero, 1)["a"], found["a"])


def test_noise_of_the_system_is_never_the_same() -> None:
    source = private(chance="system")
    one, other = (source.step({"a": torch.zeros(3)}, 0)["a"] for _ in range(2))
    assert not torch.equal(one, other)


def test_a_step_without_tasks_is_noise_alone() -> None:
    e = experiment("maml", *SILENT, "training.meta_batch=1", "training.privacy.tasks=4")
    work = trainer(e)
    assert work.private is not None
    for number in range(99):
        work.private.chosen(number)
        if work.private.empty:
            break
    total = work.private.step({"a": torch.ones(3)}, number)
    assert torch.equal(total["a"], torch.zeros(3))
    assert len(losses(list(work.events()))) == 12


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_nothing_of_private_training(threads: int) -> None:
    e = experiment("maml", *SILENT)
    plan = Plan("cpu", threads, 2)
    assert losses(list(trainer(e, plan=plan).events())) == losses(
        list(trainer(e, plan=Plan("cpu", 1, 2)).events())
    )


# --- what it spends --------------------------------------------------------------------------------------


@needs_accountant
@pytest.mark.parametrize(("by", "expected"), [("rdp", 2.101), ("pld", 1.828)])
def test_what_is_spent_is_as_published(by: accounting.Accountant, expected: float) -> None:
    assert epsilon(1.0, 0.01, 1000, 1e-5, by) == pytest.approx(expected, abs=5e-4)


@needs_accountant
@pytest.mark.parametrize(
    ("noise", "rate", "steps", "delta"),
    [(1.5, 0.02, 500, 1e-5), (3.0, 0.1, 300, 1e-6), (5.0, 0.02, 20_000, 1e-5), (2.0, 0.3, 10, 1e-4)],
)
def test_what_is_spent_is_what_dp_accounting_says(
    noise: float, rate: float, steps: int, delta: float
) -> None:
    import dp_accounting
    from dp_accounting import pld, rdp

    step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
    event = dp_accounting.SelfComposedDpEvent(step, steps)
    for by, accountant in (("rdp", rdp.RdpAccountant()), ("pld", pld.PLDAccountant())):
        expected = accountant.compose(event).get_epsilon(delta)
        assert epsilon(noise, rate, steps, delta, by) == pytest.approx(expected, rel=1e-9)  # type: ignore[arg-type]


@needs_accountant
@pytest.mark.parametrize("by", ["rdp", "pld"])
def test_the_noise_that_is_picked_keeps_to_what_may_be_spent(by: accounting.Accountant) -> None:
    noise = noise_for(3.0, 0.02, 400, 1e-5, by)
    assert 2.9 < epsilon(noise, 0.02, 400, 1e-5, by) <= 3.0


@needs_accountant
def test_what_no_noise_can_do_is_said() -> None:
    with pytest.raises(PrivacyError, match="no noise makes 100,000 steps spend as little as 1e-06"):
        noise_for(1e-6, 0.1, 100_000, 1e-9, "rdp")


@needs_accountant
def test_what_is_spent_is_a_curve_that_ends_with_the_whole() -> None:
    e = experiment("maml", *NOISY)
    work = trainer(e)
    events = list(work.events())
    steps = [event for event in events if isinstance(event, MetaSteps)]
    spent = [float(each) for event in steps for each in event.values["epsilon"]]
    assert spent == sorted(spent)
    assert spent[-1] == work.record["privacy"]["epsilon"] == epsilon(1.5, 0.1, 12, 1e-5, "rdp")


@needs_accountant
def test_a_private_run_resumes_bit_for_bit_and_spends_nothing_twice() -> None:
    e = experiment("maml", *NOISY)
    whole = trainer(e)
    events = list(whole.events())
    assert comparable(events) == comparable(list(trainer(e).events()))
    for stop in (1, 7):
        first, second = trainer(e), trainer(e)
        for _ in first.events():
            if first.iteration >= stop:
                break
        second.restore(first.state())
        assert second.private is not None
        second.private.resume(first.record, done=first.iteration + 3, iteration=first.iteration)
        list(second.events())
        assert all(torch.equal(each, whole.meta[name]) for name, each in second.meta.items())
        assert second.record["privacy"] == whole.record["privacy"]


@needs_accountant
def test_steps_that_are_repeated_with_other_noise_count_again() -> None:
    source = private(chance="system", accountant="rdp")
    before = source.record["epsilon"]
    source.resume({}, done=120, iteration=100)
    assert source.record["repeated"] == 20
    assert source.record["epsilon"] > before
    assert source.record["epsilon"] == epsilon(2.0, 0.1, 1020, 1e-5, "rdp")
    other = private(chance="system", accountant="rdp")
    other.resume({"privacy": source.record}, done=500, iteration=500)
    assert other.record == source.record


@needs_accountant
@pytest.mark.usefixtures("every_iteration")
@pytest.mark.parametrize("chance", ["seed", "system"])
def test_a_project_goes_on_with_a_private_run(chance: str, tmp_path: Path) -> None:
    overrides = (*NOISY, f'training.privacy.chance="{chance}"')
    whole, (reference,) = start(tmp_path / "whole.mlwb", "maml", overrides=overrides)
    assert perform(whole, reference) == "finished"
    project, (run,) = start(tmp_path / "stopped.mlwb", "maml", overrides=overrides)
    control = Control()
    assert perform(project, run, StopAt(7, control.stop), control) == "stopped"
    project.update_run(run, iterations=9)  # as if it had been killed after the checkpoint at 7
    assert perform(project, run) == "finished"
    spent, record = project.series(run, "epsilon")[1], project.run(run).environment["privacy"]
    again = 2 if chance == "system" else 0
    assert record["repeated"] == again
    assert spent[-1] == record["epsilon"] == epsilon(1.5, 0.1, 12 + again, 1e-5, "rdp")
    same = [each.checkpoint(number, 10**6) for each, number in ((whole, reference), (project, run))]
    assert same[0] is not None
    assert same[1] is not None
    assert (same[0].tensors == same[1].tensors) == (chance == "seed")
    whole.close()
    project.close()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({}, ""),
        ({"privacy": {"epsilon": 2.9, "delta": 1e-5}}, "ε = 2.9 at δ = 1×10⁻⁵, the unit protected is a task"),
        ({"privacy": {"epsilon": None, "delta": 1e-5}}, "ε = ∞, nothing is protected"),
    ],
)
def test_how_private_a_run_is_in_words(record: dict[str, object], words: str) -> None:
    assert in_words(record) == words


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["epsilon=0"], r"training.privacy.epsilon: 0 is out of range; allowed: a number > 0"),
        (["epsilon=-1"], r"training.privacy.epsilon: -1 is out of range"),
        (["clip=0", "noise=1"], r"training.privacy.clip: 0 is"),
        ([], r"training.privacy.epsilon: say either epsilon or noise; neither is said"),
        (["epsilon=1", "noise=1"], r"training.privacy.epsilon: say either epsilon or noise; both are said"),
        (["noise=1", 'clip="none"'], r"training.privacy.clip: without a bound no noise protects"),
        (["noise=0.01"], r"training.privacy.noise: 0.01 protects nothing; allowed: 0, or a number ≥ 0.3"),
        (["noise=1", "tasks=3"], r"training.privacy.tasks: 3 are fewer than a meta-batch, of 4"),
    ],
)
def test_settings_that_protect_nothing_are_refused_in_one_line(settings: list[str], message: str) -> None:
    said = [f"training.privacy.{each}" for each in ["delta=1e-5", *settings]]
    with pytest.raises(ConfigError, match=message) as raised:
        experiment("maml", *said)
    assert "\n" not in str(raised.value)


def test_tasks_that_drift_cannot_be_private() -> None:
    with pytest.raises(ConfigError, match=r"task.drift: private tasks are fixed"):
        experiment("maml", *SILENT, "task.drift.segments=2")


def test_a_large_delta_and_a_known_seed_are_warned_of() -> None:
    said = " ".join(Privacy(noise=1.0, tasks=1000, delta=1e-3).cautions)
    assert "δ = 0.001 is not below 1/N = 0.001" in said
    assert "can subtract it" in said
    assert "Protected is each of the 1,000 training tasks" in said
    assert "seed" not in " ".join(Privacy(noise=1.0, chance="system").cautions)


ABLE = {
    "maml",
    "fomaml",
    "anil",
    "meta_sgd",
    "mamlpp",
    "cavia",
    "imaml",
    "reptile",
    "protonet",
    "cnp",
    "transfer",
}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mer", "learns from past tasks again"),
        ("la_maml", "learns from past tasks again"),
        ("task_replay", "learns from past tasks again"),
        ("fusion", "learns from several tasks for each one of a meta-batch"),
    ],
)
def test_who_mixes_tasks_is_refused_with_the_reason(name: str, reason: str) -> None:
    e = experiment(name, *SILENT)
    with pytest.raises(runs.UnableError, match=f"'{name}' cannot keep tasks private, since it {reason}"):
        runs.check(e, family(e))


def test_who_learns_of_each_task_alone_is_not_refused() -> None:
    for name in ABLE:
        shape = CLASSIFICATION if "classes" in ALGORITHMS[name].Config.needs else REGRESSION
        assert algorithm(name, Smooth(2, shape.outputs), shape).entangled == ""


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("rl2", "", "takes several outer steps on the same tasks"),
        ("maml_pg", "", "takes several outer steps on the same tasks"),
        ("maml_pg", "exploration=true", "compares the returns of all tasks"),
    ],
)
def test_who_acts_and_mixes_tasks_is_refused_with_the_reason(name: str, settings: str, reason: str) -> None:
    more = [f"algorithm.0.{settings}"] if settings else []
    e = experiment(name, *SILENT, *more, text=GRID)
    with pytest.raises(runs.UnableError, match=reason):
        runs.check(e, family(e))


def test_a_missing_accountant_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    e = experiment("maml", *NOISY)
    with pytest.raises(PrivacyError, match="dp-accounting is not installed: pip install dp-accounting"):
        runs.check(e, family(e))
    silent = experiment("maml", *SILENT)
    runs.check(silent, family(silent))  # without noise there is nothing to account for


def test_what_is_not_trained_has_nothing_to_keep_private() -> None:
    e = experiment("scratch", *SILENT)
    runs.check(e, family(e))
    assert "privacy" not in trainer(e).record


def test_an_experiment_without_privacy_is_what_it_was() -> None:
    assert "privacy" not in experiment("maml").to_toml()
    assert experiment("maml").hash() != experiment("maml", *SILENT).hash()
