"""Attacks stay where they may, raise the loss of the adapted learner, and can be trained against."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.algorithms.test_learning import family_of, measured, trainer_of
from tests.experiments import (
    CLASSIFICATION,
    REGRESSION,
    Smooth,
    algorithm,
    experiment,
    loss_of,
    meta_batch,
    meta_parameters,
)
from workbench.algorithms import ALGORITHMS, Params
from workbench.algorithms.attacks import fgsm, pgd
from workbench.config import Attack, ConfigError
from workbench.engine import evaluation
from workbench.engine.building import evaluation_size
from workbench.engine.episodes import FrozenEpisodes
from workbench.engine.intervals import mean_interval
from workbench.engine.meta_step import MetaStep
from workbench.engine.trainer import Trainer
from workbench.tasks.base import DataError

TIGHT = {"rtol": 1e-9, "atol": 1e-11}
BOUNDS = (-5.0, 5.0)
AQ = "adversarial_querying"
EPISODES = 150


def gradient(name: str, **settings: object) -> Params:
    learner = algorithm(name, Smooth(2, 3), CLASSIFICATION, **settings)
    return MetaStep(learner, chunk=10).gradient(meta_parameters(learner), meta_batch(learner, 3))[0]


# --- the attacks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["fgsm", "pgd"])
def test_an_attack_stays_in_the_ball_and_among_valid_values_and_carries_no_gradient(kind: str) -> None:
    x = torch.rand(50, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.tensor([1.0, -2.0, 0.5, 3.0], requires_grad=True)

    def loss(at: Tensor) -> Tensor:
        return (at @ weight).square().sum()

    if kind == "fgsm":
        attacked = fgsm(loss, x, epsilon=0.1, bounds=(0.0, 1.0))
    else:
        noise = torch.rand(50, 4, generator=torch.Generator().manual_seed(1))
        attacked = pgd(loss, x, epsilon=0.1, steps=5, step_size=0.04, bounds=(0.0, 1.0), noise=noise)
    assert not attacked.requires_grad
    x, weight = x.detach(), weight.detach()
    assert float((attacked - x).abs().max()) <= 0.1 + 1e-6
    assert float(attacked.min()) >= 0
    assert float(attacked.max()) <= 1
    assert float(loss(attacked)) > float(loss(x))


def test_fgsm_is_one_step_of_the_sign() -> None:
    x = torch.tensor([[0.5, 0.5, 0.95]])
    attacked = fgsm(lambda at: (at * torch.tensor([2.0, -3.0, 1.0])).sum(), x, epsilon=0.1, bounds=(0, 1))
    torch.testing.assert_close(attacked, torch.tensor([[0.6, 0.4, 1.0]]))


def test_pgd_starts_at_random_within_the_ball() -> None:
    x = torch.full((3, 2), 0.5)
    noise = torch.tensor([[0.0, 1.0], [0.5, 0.5], [0.25, 0.75]])
    flat = pgd(lambda at: 0 * at.sum(), x, epsilon=0.2, steps=3, step_size=0.1, bounds=(0, 1), noise=noise)
    torch.testing.assert_close(flat, x + 0.2 * (2 * noise - 1))


# --- training against them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "base", [name for name, cls in ALGORITHMS.items() if ALGORITHMS[AQ].Config.allows(cls.Config)]
)
def test_adversarial_querying_with_an_epsilon_of_zero_equals_its_base(base: str) -> None:
    against = gradient(AQ, base={"kind": base}, epsilon=0.0)
    torch.testing.assert_close(against, gradient(base), **TIGHT)


def test_adml_with_an_epsilon_of_zero_is_maml_twice() -> None:
    doubled = {name: 2 * each for name, each in gradient("maml").items()}
    torch.testing.assert_close(gradient("adml", epsilon=0.0), doubled, **TIGHT)


@pytest.mark.parametrize("base", ["maml", "protonet", "anil"])
def test_the_queries_are_attacked_through_the_adapted_weights(base: str) -> None:
    learner = algorithm(AQ, Smooth(2, 3), CLASSIFICATION, base={"kind": base}, epsilon=0.5, step_size=0.2)
    meta = meta_parameters(learner)
    for index in range(3):
        task = meta_batch(learner, 3).one(index)
        adapted = learner.adapt(meta, task.support, learner.trained_steps)
        attacked = learner._attacked(meta, task)  # type: ignore[attr-defined]
        assert torch.equal(attacked.support["x"], task.support["x"])
        assert float((attacked.query["x"] - task.query["x"]).abs().max()) <= 0.5 + 1e-9
        clean, worse = (
            loss_of(learner, learner.predict(adapted, each.query["x"]), task.query["y"])
            for each in (task, attacked)
        )
        assert worse > clean
        torch.testing.assert_close(learner.loss(meta, task), worse, **TIGHT)


def test_a_base_that_does_not_learn_from_queries_alone_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"algorithm\[0\].base.kind: 'reptile' cannot be a base here; allowed: "
    ):
        experiment(AQ, "algorithm.0.base.kind='reptile'", text=DIGITS)
    with pytest.raises(ConfigError, match=r"algorithm\[0\].base.meta_lr: belongs to the algorithm itself"):
        experiment(AQ, "algorithm.0.base={kind='maml', meta_lr=0.1}", text=DIGITS)
    with pytest.raises(
        ConfigError, match=r"algorithm\[0\].kind: 'adversarial_querying' needs bounds and classes"
    ):
        experiment(AQ)


DIGITS = """
[task]
family = "digits"
queries = 5
[network]
kind = "mlp"
[training]
iterations = 2
meta_batch = 4
threads = 1
chunk = 4
[evaluation]
episodes = 60
validation_episodes = 2
inner_steps = 2
"""


# --- measuring -----------------------------------------------------------------------------------------


@cache
def trained(name: str, base: str = "maml") -> Trainer:
    trainer = trainer_of(
        name,
        "classification",
        0,
        *(
            [f"algorithm.0.base.kind='{base}'", "algorithm.0.epsilon=0.1", "algorithm.0.step_size=0.03"]
            if name == AQ
            else []
        ),
    )
    for _ in range(trainer.iterations):
        trainer._step()
    return trainer


def robust(trainer: Trainer, **attack: object) -> np.ndarray:
    """Accuracy on attacked queries, task by task."""
    size = evaluation_size(trainer.experiment, trainer.family)
    test = FrozenEpisodes(trainer.family, "test", size, EPISODES, 1)
    adversary = Attack.model_validate(attack)
    noisy = evaluation.with_noise(test)
    steps = trainer.algorithm.trained_steps
    curves = evaluation.evaluate(trainer.algorithm, trainer.meta, noisy, steps, attack=adversary)
    return np.asarray(curves.report["robust"]["accuracy"])


@pytest.mark.parametrize("name", ["maml", "protonet"])
def test_robust_accuracy_falls_with_epsilon_and_with_steps(name: str) -> None:
    trainer = trained(name)
    natural = measured(trainer, EPISODES)
    assert np.allclose(robust(trainer, kind="fgsm", epsilon=0.0), natural)
    assert np.allclose(robust(trainer, kind="pgd", epsilon=0.0), natural)
    ladder = [natural] + [robust(trainer, epsilon=e, step_size=e / 4, steps=10) for e in (0.02, 0.05, 0.1)]
    ladder.append(robust(trainer, epsilon=0.1, step_size=0.025, steps=40))
    for weaker, stronger in pairwise(ladder):
        more = mean_interval(stronger - weaker)
        assert more.mean <= more.half_width
    assert ladder[3].mean() < 0.7 * natural.mean()


@pytest.mark.parametrize("base", ["maml", "protonet"])
def test_who_trains_against_an_attack_stands_it_better_than_the_base(base: str) -> None:
    attack = {"epsilon": 0.1, "step_size": 0.025, "steps": 20}
    gain = mean_interval(robust(trained(AQ, base=base), **attack) - robust(trained(base), **attack))
    assert gain.mean > gain.half_width


@pytest.mark.parametrize(
    "name", [n for n, cls in ALGORITHMS.items() if "classification" in cls.Config.problems()]
)
def test_every_classifier_is_measured_on_attacked_queries_on_request(name: str) -> None:
    e = experiment(name, "evaluation.attack={kind='pgd', steps=3}", text=DIGITS)
    last = list(Trainer(e, e.algorithm[0], 0, family_of(e)).events())[-1]
    summary, arrays = last.summary, last.arrays  # type: ignore[union-attr]
    assert summary["attack"]["steps"] == 3
    assert summary["report"]["robust"]["accuracy"]["mean"] == pytest.approx(arrays["robust/accuracy"].mean())
    assert arrays["robust/loss"].shape == (60,)
    assert arrays["robust/loss"].mean() >= arrays["loss"][-1].mean()


def test_an_attack_is_the_same_however_the_tasks_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trained("protonet")
    whole = robust(trainer)
    monkeypatch.setattr(evaluation, "CHUNK_NUMBERS", 20_000)
    assert np.allclose(robust(trainer), whole, atol=1e-6)


def test_an_attack_on_what_has_no_bounds_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.attack: needs bounds and classes"):
        experiment("maml", "evaluation.attack={}")
    with pytest.raises(DataError, match="an attack needs inputs with a smallest and a largest value"):
        algorithm(AQ, Smooth(2, 1), REGRESSION)


def test_an_attack_may_be_named_alone() -> None:
    for text, kind in (("'pgd'", "pgd"), ("'fgsm'", "fgsm"), ("'none'", None), ("{kind='none'}", None)):
        attack = experiment("maml", f"evaluation.attack={text}", text=DIGITS).evaluation.attack
        assert (attack and attack.kind) == kind
    with pytest.raises(ConfigError, match=r"evaluation\.attack\.kind: 'fgsn' is not allowed"):
        experiment("maml", "evaluation.attack='fgsn'", text=DIGITS)
