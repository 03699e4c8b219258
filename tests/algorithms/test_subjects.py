"""Fits of models to subjects, and processes with attention: against what is known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from scipy.stats import multivariate_normal
from torch import Tensor

from tests.experiments import COURSES, REGRESSION, Smooth, algorithm, episodes, experiment, meta_parameters
from workbench.algorithms import Algorithm, Params, perceptron
from workbench.config import ConfigError, parse
from workbench.engine.evaluation import evaluate
from workbench.engine.trainer import Trainer
from workbench.problems.courses import DOSES
from workbench.runs import open_family
from workbench.tasks.base import Data, TaskShape

PATIENTS = """
name = "patients"
[task]
family = "pharmacokinetics"
shots = 3
queries = 10
[network]
kind = "mlp"
hidden = [8]
[training]
iterations = 20
meta_batch = 32
threads = 1
compile = false
chunk = 32
[evaluation]
episodes = 50
validation_episodes = 10
inner_steps = 1
every = 1000
"""
EXACT = {"rtol": 1e-6, "atol": 1e-8}


def learner_of(name: str, shape: TaskShape = COURSES, **settings: object) -> tuple[Algorithm, Params]:
    learner = algorithm(name, Smooth(2, 1), shape, **settings)
    return learner, meta_parameters(learner)


# --- the fit to one subject ---------------------------------------------------------------------------


def test_a_fit_of_a_line_is_ordinary_least_squares() -> None:
    learner, meta = learner_of("individual_fit", model="line")
    task = episodes(COURSES, tasks=1, shots=6).one(0)
    x, y = task.support["x"][:, 0], task.support["y"][:, 0]
    slope, intercept = np.polyfit(x.numpy(), y.numpy(), 1)
    found = learner.predict(learner.start(meta, task.support), task.query["x"])[:, 0]
    np.testing.assert_allclose(found, intercept + slope * task.query["x"][:, 0], rtol=1e-3, atol=1e-3)


def curves(count: int, noise: float = 0.0) -> tuple[Data, Data, Tensor]:
    """Samples and true values of one patient by the model of one compartment."""
    g = torch.Generator().manual_seed(0)
    times = torch.linspace(0.2, 9, count, dtype=torch.float64)
    model = learner_of("individual_fit")[0]._model  # type: ignore[attr-defined]
    theta = torch.tensor([0.4, -1.2, -0.5], dtype=torch.float64)
    doses = torch.tensor([[0.0, 2.0]], dtype=torch.float64)

    def data(times: Tensor, noise: float) -> Data:
        y = model.values(theta, times, doses) / 2
        y = y + noise * torch.randn(y.shape, generator=g, dtype=torch.float64)
        x = torch.stack([times, torch.zeros_like(times)], -1)
        return {"x": x, "y": y[:, None], DOSES: doses.expand(len(times), 1, 2)}

    return data(times, noise), data(times + 0.5, 0.0), theta


def test_an_individual_fit_finds_the_curve_that_samples_without_error_are_on() -> None:
    support, query, theta = curves(8)
    learner, meta = learner_of("individual_fit")
    adapted = learner.start(meta, support)
    torch.testing.assert_close(adapted["theta"], theta, rtol=0, atol=1e-2)
    torch.testing.assert_close(learner.predict(adapted, query["x"]), query["y"], rtol=1e-3, atol=1e-4)


def test_an_individual_fit_is_as_good_as_scipys_least_squares() -> None:
    support, _, _ = curves(12, noise=0.03)
    learner, meta = learner_of("individual_fit")
    model = learner._model  # type: ignore[attr-defined]
    y, times, doses = 2 * support["y"][:, 0], support["x"][:, 0], support[DOSES][0]

    def residuals(theta: np.ndarray) -> np.ndarray:
        values: np.ndarray = (model.values(torch.tensor(theta), times, doses) - y).numpy()
        return values

    best = least_squares(residuals, np.array(model.first)).cost
    own = residuals(learner.start(meta, support)["theta"].numpy())
    assert (own**2).sum() / 2 == pytest.approx(best, rel=1e-3)


# --- a population -------------------------------------------------------------------------------------


def linear(learner: Algorithm, meta: Params, x: Tensor) -> tuple[np.ndarray, np.ndarray, float]:
    """The population's lines at some inputs: mean and covariance of values, and the error's variance."""
    prior = learner.prior(meta)  # type: ignore[attr-defined]
    powers = np.stack([np.ones(len(x)), x[:, 0].numpy()], -1)
    mean = powers @ prior.mean.numpy()
    error = float(prior.additive) ** 2 / 4  # in standardised values
    return mean, powers @ np.diag(1 / prior.precision.numpy()) @ powers.T, error


def test_the_likelihood_of_lines_is_that_of_a_normal_distribution() -> None:
    """Where it is known: values of a linear mixed model are jointly normal."""
    learner, meta = learner_of("empirical_bayes", model="line")
    meta["mean"] = torch.tensor([0.3, -0.2], dtype=torch.float64)
    task = episodes(COURSES, tasks=1).one(0)
    x, y = (torch.cat([task.support[name], task.query[name]]) for name in ("x", "y"))
    mean, covariance, error = linear(learner, meta, x)
    density = multivariate_normal(mean, covariance + error * np.eye(len(x))).logpdf(y[:, 0].numpy())
    density -= len(x) * math.log(2)  # by unit of the data, not by standardised values
    assert float(learner.loss(meta, task)) == pytest.approx(-density / len(x), rel=1e-6)


def test_the_posterior_of_lines_is_the_exact_one() -> None:
    learner, meta = learner_of("empirical_bayes", model="line")
    task = episodes(COURSES, tasks=1).one(0)
    x = torch.cat([task.support["x"], task.query["x"]])
    mean, covariance, error = linear(learner, meta, x)
    n = len(task.support["x"])
    gain = covariance[n:, :n] @ np.linalg.inv(covariance[:n, :n] + error * np.eye(n))
    expected = mean[n:] + gain @ (task.support["y"][:, 0].numpy() - mean[:n])
    variance = np.diag(covariance[n:, n:] - gain @ covariance[:n, n:]) + error
    found, spread = learner.distribution(learner.start(meta, task.support), task.query["x"])  # type: ignore[misc]
    np.testing.assert_allclose(found[:, 0], expected, **EXACT)
    np.testing.assert_allclose(spread[:, 0], np.sqrt(variance), **EXACT)


@pytest.mark.parametrize(
    ("model", "route"), [("one_compartment", "oral"), ("two_compartments", "intravenous")]
)
def test_the_likelihood_of_curves_is_their_integral_over_the_population(model: str, route: str) -> None:
    """Against a plain mean over many members of the population."""
    learner, meta = learner_of("empirical_bayes", model=model, route=route)
    meta |= {"log_spread": meta["log_spread"] - 0.7}
    task = episodes(COURSES, tasks=1, shots=3, queries=2).one(0)
    course = learner._course  # type: ignore[attr-defined]
    prior, subject = learner.prior(meta), learner._model  # type: ignore[attr-defined]
    for part in (task.support, task.query):  # a member of the population, but for some error
        curve = subject.values(prior.mean + 0.2, course.times(part["x"]), part[DOSES][0])
        part["y"] = (curve / course.scale)[:, None] + 0.1 * part["y"]
    x, y = (torch.cat([task.support[name], task.query[name]]) for name in ("x", "y"))
    g = torch.Generator().manual_seed(0)
    drawn = torch.randn(400_000, len(prior.mean), generator=g, dtype=torch.float64)
    values = subject.values(
        prior.mean + drawn / prior.precision.sqrt(), course.times(x), task.support[DOSES][0]
    )
    sigma = ((prior.proportional * values).square() + prior.additive.square()).sqrt()
    log = torch.distributions.Normal(values, sigma).log_prob(course.values(y)).sum(-1)
    expected = (log.logsumexp(0) - math.log(len(log))) / len(x)
    assert float(learner.loss(meta, task)) == pytest.approx(-float(expected), abs=0.01)


def test_what_only_fills_up_changes_no_fit_and_no_likelihood() -> None:
    for name in ("individual_fit", "empirical_bayes", "anp", "cnp", "tnp"):
        learner, meta = learner_of(name)
        task = episodes(COURSES, tasks=1).one(0)
        more = torch.tensor([1.0] * 4 + [0.0] * 2, dtype=torch.float64)
        filled = {key: torch.cat([each, each[:2]]) for key, each in task.support.items()} | {"weight": more}
        found = [
            learner.predict(learner.start(meta, each), task.query["x"]) for each in (task.support, filled)
        ]
        torch.testing.assert_close(found[1], found[0], **EXACT)
        if name == "empirical_bayes":
            ones = {"weight": torch.ones(6, dtype=torch.float64)}
            padded = task._replace(support=filled, query=task.query | ones)
            torch.testing.assert_close(learner.loss(meta, padded), learner.loss(meta, task), **EXACT)


def test_a_population_is_found_from_sparse_samples_of_its_members() -> None:
    """From 1,600 patients with three samples each; by 4,000 it is within 2% (measured)."""
    e = experiment("empirical_bayes", "algorithm.0.iterations=50", "algorithm.0.meta_lr=0.2", text=PATIENTS)
    trainer = Trainer(e, e.algorithm[0], 0, open_family(e))
    for _ in range(trainer.iterations):
        trainer._step()
    np.testing.assert_allclose(trainer.meta["mean"].detach().exp().numpy(), [1.5, 0.04, 0.48], rtol=0.25)
    size = trainer.family.size._replace(queries=40)
    tasks = trainer.family.sample("test", 100, torch.Generator().manual_seed(0), size)
    curves = evaluate(trainer.algorithm, trainer.meta, [tasks], 1)
    # the population's mean has .93 here, who knows the population .59
    assert curves.values["rmse"].mean() < 0.85
    assert 0.8 < curves.values["coverage_90"].mean() <= 1
    assert curves.summary()["units"] == {"rmse": "mg/L", "auc_error": "mg/L·h", "time_above_error": "h"}


def test_a_population_says_the_same_whatever_was_sampled() -> None:
    learner, meta = learner_of("population")
    first, second = (episodes(COURSES, tasks=2).one(index) for index in (0, 1))
    said = [learner.predict(learner.start(meta, each.support), first.query["x"]) for each in (first, second)]
    assert torch.equal(*said)
    mean, spread = learner.distribution(meta, first.query["x"])  # type: ignore[misc]
    expected = torch.distributions.Normal(mean, spread).log_prob(first.query["y"]).mean()
    torch.testing.assert_close(learner.loss(meta, first), -expected)


@pytest.mark.parametrize("name", ["population", "individual_fit", "empirical_bayes"])
def test_what_is_no_course_over_time_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*needs.*times"):
        parse(f'[task]\nfamily = "sinusoid"\n[[algorithm]]\nkind = "{name}"\n')


# --- attention ----------------------------------------------------------------------------------------


def test_attention_weighs_support_examples_by_their_keys() -> None:
    """One head computed by hand."""
    learner, meta = learner_of("anp", REGRESSION, width=4, heads=1)
    task = episodes(REGRESSION, tasks=1).one(0)
    adapted = learner.start(meta, task.support)
    asked = perceptron.apply(meta, "place", task.query["x"])
    keys = perceptron.apply(meta, "place", task.support["x"])
    values = perceptron.apply(meta, "encoder", torch.cat([task.support["x"], task.support["y"]], 1))
    expected = torch.softmax(asked @ keys.T / 2, -1) @ values
    found = learner._attended(adapted, task.query["x"])  # type: ignore[attr-defined]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", ["anp", "tnp"])
def test_the_order_of_the_support_set_does_not_matter_to_attention(name: str) -> None:
    learner, meta = learner_of(name, REGRESSION)
    task = episodes(REGRESSION, tasks=1).one(0)
    turned = {name: each.flip(0) for name, each in task.support.items()}
    found = [learner.predict(learner.start(meta, each), task.query["x"]) for each in (task.support, turned)]
    torch.testing.assert_close(*found)


def test_the_bound_is_below_the_likelihood_of_the_same_z_by_the_divergence() -> None:
    learner, meta = learner_of("anp", REGRESSION, width=8, heads=2)
    tasks = episodes(REGRESSION, tasks=1)
    tasks = learner.prepare(tasks, 0.0, torch.Generator().manual_seed(0), None)  # type: ignore[arg-type]
    task = tasks.one(0)
    whole = {name: torch.cat([task.support[name], task.query[name]]) for name in ("x", "y")}
    after, before = (
        torch.distributions.Normal(*learner._belief(meta, each))  # type: ignore[attr-defined]
        for each in (whole, task.support)
    )
    z = after.mean + after.stddev * task.extra["noise"]
    adapted = learner.start(meta, task.support)
    attended = learner._attended(adapted, task.query["x"])  # type: ignore[attr-defined]
    mean, spread = learner._decoded(adapted, task.query["x"], attended, z)  # type: ignore[attr-defined]
    likelihood = torch.distributions.Normal(mean, spread).log_prob(task.query["y"]).mean()
    apart = torch.distributions.kl_divergence(after, before).sum() / len(task.query["y"])
    torch.testing.assert_close(learner.loss(meta, task), apart - likelihood)


@pytest.mark.parametrize("name", ["anp", "tnp"])
def test_what_is_predicted_of_a_query_does_not_depend_on_the_others(name: str) -> None:
    learner, meta = learner_of(name, REGRESSION)
    task = episodes(REGRESSION, tasks=1).one(0)
    adapted, far = learner.start(meta, task.support), 100 + task.query["x"][:1]
    together = learner.distribution(adapted, torch.cat([task.query["x"], far]))
    alone = [learner.distribution(adapted, each) for each in (task.query["x"], far)]
    for found, *parts in zip(together, *alone, strict=True):  # type: ignore[arg-type]
        torch.testing.assert_close(found, torch.cat(parts))
        assert found.isfinite().all()


def test_a_transformer_looks_at_the_support_set_as_a_masked_one_does() -> None:
    """Against torch's own encoder: every token looks at the support examples, none at a query."""
    learner, meta = learner_of("tnp", REGRESSION, width=8, layers=2)
    task, net = episodes(REGRESSION, tasks=1).one(0), learner._net.double()  # type: ignore[attr-defined]
    net.load_state_dict(meta)
    layers = []
    for own in net.layers:
        layer = torch.nn.TransformerEncoderLayer(8, 4, 16, dropout=0.0, dtype=torch.float64)
        layer.self_attn.in_proj_weight.data = torch.cat([own.query.weight, own.key_value.weight])
        layer.self_attn.in_proj_bias.data = torch.cat([own.query.bias, own.key_value.bias])
        pairs = {layer.self_attn.out_proj: own.mixed, layer.norm1: own.first, layer.norm2: own.second}
        pairs |= {layer.linear1: own.further[0], layer.linear2: own.further[2]}
        for to, given in pairs.items():
            to.load_state_dict(given.state_dict())
        layers.append(layer)
    asked = torch.cat([task.query["x"], torch.zeros(6, 1, dtype=torch.float64)], 1)
    known = torch.cat([task.support["x"], task.support["y"]], 1)
    tokens, mask = net.embed(torch.cat([known, asked])), torch.zeros(10, 10, dtype=torch.float64)
    mask[:, 4:] = -torch.inf
    for layer in layers:
        tokens = layer(tokens, mask)
    mean, spread = net.say(tokens[4:]).chunk(2, 1)
    found = learner.distribution(learner.start(meta, task.support), task.query["x"])
    assert found is not None
    torch.testing.assert_close(found, (mean, 0.1 + 0.9 * torch.nn.functional.softplus(spread)))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("anp", "heads: must divide the width, 18"), ("tnp", "width: must be a multiple of 4")],
)
def test_heads_share_the_width(name: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=rf"algorithm\[0\]\.{wrong}"):
        parse(f'[task]\nfamily = "sinusoid"\n[[algorithm]]\nkind = "{name}"\nwidth = 18\n')
