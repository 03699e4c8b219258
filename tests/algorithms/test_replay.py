"""Memory, and what learns from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    Smooth,
    algorithm,
    episodes,
    experiment,
    family,
    loss_of,
    meta_parameters,
)
from workbench.algorithms import Params
from workbench.algorithms.memory import Memory
from workbench.algorithms.reptile import whole_task
from workbench.config import ConfigError
from workbench.engine.events import Finished
from workbench.engine.meta_step import MetaStep
from workbench.engine.trainer import Trainer
from workbench.tasks.base import Episode

TIGHT = {"rtol": 1e-9, "atol": 1e-11}


def numbered(first: int, count: int) -> Episode:
    """Tasks that are told apart by their one support value."""
    x = torch.arange(first, first + count, dtype=torch.float32).view(count, 1, 1)
    return Episode.pairs(x, x, x, x)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def full_memory(tasks: Episode, capacity: int = 100) -> Memory:
    memory = Memory(capacity)
    memory.add(tasks, 0, seeded())
    return memory


# --- the reservoir ------------------------------------------------------------------------------------


def test_the_reservoir_keeps_every_task_with_the_same_probability() -> None:
    """m/n for each; the m/(n + 1) of the public MER code would be found out by the same test."""
    capacity, tasks, runs = 8, 24, 3000
    kept, kept_too_rarely = np.zeros(tasks), np.zeros(tasks)
    generator, other = seeded(1), seeded(2)
    for _ in range(runs):
        memory = Memory(capacity)
        for first in range(0, tasks, 4):
            memory.add(numbered(first, 4), first // 4, generator)
        kept[(memory.places[:, 0] * 4 + memory.places[:, 1]).numpy()] += 1
        kept_too_rarely[_off_by_one(capacity, tasks, other)] += 1
    assert kept.sum() == runs * capacity
    assert _chi_square(kept, runs, capacity / tasks) > 0.001
    assert _chi_square(kept_too_rarely, runs, capacity / tasks) < 1e-6


def _off_by_one(capacity: int, tasks: int, generator: torch.Generator) -> list[int]:
    """A reservoir that draws the slot from one too many."""
    kept: list[int] = []
    for number in range(tasks):
        if len(kept) < capacity:
            kept.append(number)
            continue
        slot = int(torch.randint(number + 2, (), generator=generator))
        if slot < capacity:
            kept[slot] = number
    return kept


def _chi_square(kept: np.ndarray, runs: int, probability: float) -> float:
    """How likely such counts are. A run keeps a fixed number, so that counts hang together: one degree of
    freedom less, and that much more variance in the others."""
    tasks = len(kept)
    variance = runs * probability * (1 - probability) * tasks / (tasks - 1)
    statistic = float(((kept - runs * probability) ** 2).sum() / variance)
    return float(stats.chi2.sf(statistic, tasks - 1))


def test_what_is_remembered_are_the_tasks_of_their_places() -> None:
    memory = Memory(6)
    for iteration in range(10):
        memory.add(numbered(3 * iteration, 3), iteration, seeded(iteration))
    assert (len(memory), memory.seen) == (6, 30)
    drawn = memory.draw(6, seeded())
    assert drawn is not None
    expected = (3 * memory.places[:, 0] + memory.places[:, 1]).tolist()
    assert sorted(drawn.support["x"].flatten().int().tolist()) == sorted(expected)
    assert memory.counts(lambda iteration: iteration // 5) == {
        half: sum(place // 15 == half for place in expected) for half in {place // 15 for place in expected}
    }


def test_different_tasks_are_drawn_as_long_as_there_are_enough() -> None:
    memory = full_memory(numbered(0, 5))
    assert Memory(5).draw(3, seeded()) is None
    drawn = memory.draw(13, seeded())
    assert drawn is not None
    counts = drawn.support["x"].flatten().int().bincount(minlength=5)
    assert sorted(counts.tolist()) == [2, 2, 3, 3, 3]


def test_a_restored_memory_goes_on_as_the_one_that_was_saved() -> None:
    def tasks_of(iteration: int) -> Episode:
        return numbered(4 * iteration, 4)

    memory, restored = Memory(6), Memory(6)
    for iteration in range(20):
        memory.add(tasks_of(iteration), iteration, seeded(iteration))
        if iteration == 11:
            restored.restore(memory.places, memory.seen, tasks_of)
        elif iteration > 11:
            restored.add(tasks_of(iteration), iteration, seeded(iteration))
    first, second = (each.draw(6, seeded(3)) for each in (memory, restored))
    assert first is not None
    assert second is not None
    assert first.hash() == second.hash()


# --- task replay --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "new"), [(0.5, 5), (0.3, 3), (1.0, 10), (0.01, 1)])
def test_meta_batches_are_new_and_remembered_tasks_in_the_given_ratio(share: float, new: int) -> None:
    learner = algorithm("task_replay", Smooth(2, 1), REGRESSION, new_share=share)
    assert learner.new_tasks(10) == new
    memory = full_memory(numbered(100, 50))
    values = learner.prepare(numbered(0, new), 0.5, seeded(), memory).support["x"].flatten()
    assert len(values) == 10
    assert values[:new].tolist() == list(range(new))
    assert (values[new:] >= 100).all()
    empty = learner.prepare(numbered(0, new), 0.5, seeded(), Memory(50)).support["x"].flatten()
    assert len(empty) == 10  # one size, from the first meta-iteration on
    assert empty.unique().tolist() == list(range(new))


def test_the_base_prepares_new_and_remembered_tasks_alike() -> None:
    learner = algorithm("task_replay", Smooth(2, 1), REGRESSION, base={"kind": "mamlpp"})
    new = learner.new_tasks(8)
    batch = learner.prepare(numbered(0, new), 0.1, seeded(), full_memory(numbered(100, 50)))
    assert batch.count == 8
    assert all(len(tensor) == 8 for tensor in batch.extra.values())


@pytest.mark.parametrize("base", ["maml", "reptile", "mamlpp"])
def test_replay_of_nothing_is_its_base(base: str) -> None:
    replay = experiment("task_replay", "algorithm.0.new_share=1.0", f"algorithm.0.base.kind='{base}'")
    metas = []
    for e in (experiment(base), replay):
        trainer = Trainer(e, e.algorithm[0], 0, family(e))
        *_, last = trainer.events()
        assert isinstance(last, Finished)
        metas.append(trainer.meta)
    assert all(torch.equal(metas[0][name], metas[1][name]) for name in metas[0])


def test_one_memory_is_enough() -> None:
    with pytest.raises(ConfigError, match=r"base\.kind: 'mer' cannot be a base here; allowed: .*maml"):
        experiment("task_replay", "algorithm.0.base.kind='mer'")


# --- MER ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "index"), [("first", 0), ("last", -1)])
def test_mer_goes_through_past_tasks_and_the_new_one(place: str, index: int) -> None:
    learner = algorithm("mer", Smooth(2, 1), REGRESSION, batches=3, replayed=2, new_task=place)
    batches = learner.prepare(numbered(0, 4), 0.5, seeded(), full_memory(numbered(100, 50))).support["x"]
    assert batches.shape == (4, 3, 3, 1, 1)
    assert batches[:, :, index].flatten(1).tolist() == [[float(task)] * 3 for task in range(4)]
    past = batches[:, :, 1:] if index == 0 else batches[:, :, :-1]
    assert (past >= 100).all()
    assert len(past.unique()) == 24
    alone = learner.prepare(numbered(0, 4), 0.5, seeded(), Memory(50)).support["x"]
    assert alone.flatten(1).tolist() == [[float(task)] * 9 for task in range(4)]


@pytest.mark.parametrize("shape", [REGRESSION, CLASSIFICATION], ids=lambda shape: shape.problem.name)
def test_mer_is_the_papers_algorithm(shape: object) -> None:
    """Two batches of two past tasks and the new one, by a plain loop."""
    settings = {"batches": 2, "replayed": 2, "inner_steps": 3, "inner_lr": 0.2, "within": 0.4, "across": 0.7}
    learner = algorithm("mer", Smooth(2, shape.outputs), shape, batch=4, **settings)  # type: ignore[attr-defined,arg-type]
    meta = meta_parameters(learner)
    memory = full_memory(episodes(shape, tasks=9, seed=2))  # type: ignore[arg-type]
    batches = learner.prepare(episodes(shape, tasks=2), 0.5, seeded(), memory)  # type: ignore[arg-type]
    gradient, _ = MetaStep(learner, chunk=1).gradient(meta, batches)
    found = learner.outer.update(meta, gradient, learner.meta_lr(1e-3, 0.9))

    ends = []
    for new in range(2):
        theta = dict(meta)
        for batch in range(2):
            before = dict(theta)
            for number in range(3):
                task = whole_task(batches.one(new).one(batch).one(number))
                if shape is CLASSIFICATION:  # whose classes are numbered anew in each task
                    theta |= {n: w for n, w in before.items() if n.startswith("head.")}
                for chosen in batches.one(new).one(batch).one(number).extra["order"]:
                    part = task | {name: task[name][chosen] for name in ("x", "y")}
                    theta = {n: w - 0.2 * learner.gradient(theta, part)[n] for n, w in theta.items()}
            theta = {n: before[n] + 0.4 * (theta[n] - before[n]) for n in theta}
        ends.append({n: meta[n] + 0.7 * (theta[n] - meta[n]) for n in theta})
    torch.testing.assert_close(found, {n: (ends[0][n] + ends[1][n]) / 2 for n in meta}, **TIGHT)


def test_mer_without_a_past_and_without_slowing_down_is_reptile() -> None:
    settings = {"inner_steps": 4, "inner_lr": 0.2}
    mer = algorithm("mer", Smooth(2, 1), REGRESSION, batches=1, replayed=0, within=1.0, **settings)
    reptile = algorithm("reptile", Smooth(2, 1), REGRESSION, **settings)
    meta, tasks = meta_parameters(mer), episodes(REGRESSION, tasks=3)
    batches = mer.prepare(tasks, 0.5, seeded(), Memory(0))
    found, losses = MetaStep(mer, chunk=2).gradient(meta, batches)
    tasks = reptile.prepare(tasks, 0.5, seeded(), Memory(0))
    expected, expected_losses = MetaStep(reptile, chunk=2).gradient(meta, tasks)
    torch.testing.assert_close(found, expected, **TIGHT)
    torch.testing.assert_close(losses, expected_losses, **TIGHT)


# --- La-MAML ------------------------------------------------------------------------------------------


def test_la_maml_updates_the_rates_first_and_then_uses_them() -> None:
    learner = algorithm("la_maml", Smooth(2, 1), REGRESSION, inner_lr=0.25, longest=1e6)
    meta = meta_parameters(learner)
    gradient, _ = MetaStep(learner, chunk=5).gradient(meta, episodes(REGRESSION, tasks=3))
    after = learner.outer.update(meta, gradient, 0.5)
    for name in ("head.weight", "body.0.bias"):
        rate = 0.25 - 0.5 * gradient[f"rate.{name}"]
        torch.testing.assert_close(after[f"rate.{name}"], rate, **TIGHT)
        torch.testing.assert_close(after[name], meta[name] - rate.clamp(min=0) * gradient[name], **TIGHT)


def test_la_maml_never_climbs() -> None:
    """A weight whose rate is negative stays, inside and outside."""
    learner = algorithm("la_maml", Smooth(2, 1), REGRESSION)
    meta = {n: -w.abs() if n.startswith("rate.") else w for n, w in meta_parameters(learner).items()}
    task = episodes(REGRESSION, tasks=1).one(0)
    adapted = learner.adapt(meta, task.support, 3)
    assert all(torch.equal(adapted[name], meta[name]) for name in adapted)


def test_la_mamls_gradient_is_mamls_where_all_rates_are_alike() -> None:
    settings = {"inner_lr": 0.25, "inner_steps": 2, "scored": "last step"}
    la_maml = algorithm("la_maml", Smooth(2, 1), REGRESSION, **settings)
    maml = algorithm("maml", Smooth(2, 1), REGRESSION, inner_lr=0.25, inner_steps=2)
    tasks = episodes(REGRESSION, tasks=3)
    found, _ = MetaStep(la_maml, chunk=5).gradient(meta_parameters(la_maml), tasks)
    expected, _ = MetaStep(maml, chunk=5).gradient(meta_parameters(maml), tasks)
    torch.testing.assert_close({name: found[name] for name in expected}, expected, **TIGHT)


def test_la_mamls_outer_loss_is_the_mean_over_its_inner_steps() -> None:
    learner = algorithm("la_maml", Smooth(2, 1), REGRESSION, inner_steps=3)
    meta, task = meta_parameters(learner), episodes(REGRESSION, tasks=1).one(0)
    reached = [learner.adapt(meta, task.support, steps) for steps in (1, 2, 3)]
    after = [loss_of(learner, learner.predict(each, task.query["x"]), task.query["y"]) for each in reached]
    torch.testing.assert_close(learner.loss(meta, task), torch.stack(after).mean(), **TIGHT)


def test_la_maml_may_take_one_example_a_step() -> None:
    learner = algorithm("la_maml", Smooth(2, 1), REGRESSION, inner="examples", inner_lr=0.25)
    meta, task = meta_parameters(learner), episodes(REGRESSION, tasks=1, shots=2).one(0)
    adapted = learner.adapt(meta, task.support, 3)
    expected = learner.start(meta, task.support)
    for example in (0, 1, 0):
        one = {name: each[example : example + 1] for name, each in task.support.items()}
        expected = {n: w - 0.25 * learner.gradient(expected, one)[n] for n, w in expected.items()}
    torch.testing.assert_close(adapted, expected, **TIGHT)


def test_la_mamls_outer_step_is_bounded() -> None:
    learner = algorithm("la_maml", Smooth(2, 1), REGRESSION, longest=0.5, inner_lr=0.25)
    meta = meta_parameters(learner)
    gradient = {name: 100 * torch.ones_like(value) for name, value in meta.items()}
    after = learner.outer.update(meta, gradient, 1e-9)

    def norm(kept: bool) -> Tensor:
        moved: Params = {n: after[n] - meta[n] for n in meta if n.startswith("rate.") == kept}
        return torch.cat([each.flatten() for each in moved.values()]).norm()

    assert float(norm(False)) == pytest.approx(0.25 * 0.5, rel=1e-5)
    assert float(norm(True)) == pytest.approx(1e-9 * 0.5, rel=1e-5)
