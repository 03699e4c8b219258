"""Compartment models against their differential equations, and simulated patients."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from workbench.config import SPLITS, ConfigError, parse
from workbench.problems.courses import DOSES
from workbench.tasks.base import Episode
from workbench.tasks.compartments import Compartments
from workbench.tasks.pharmacokinetics import Pharmacokinetics, PharmacokineticsConfig

DOSED = [(0.0, 4.0), (6.0, 2.0), (7.0, 0.0), (30.0, 9.0)]
PARAMETERS = {
    "absorption_rate": 1.5,
    "clearance": 0.04,
    "volume": 0.48,
    "exchange": 0.05,
    "peripheral_volume": 0.4,
}


def integrated(model: Compartments, values: dict[str, float], times: np.ndarray) -> np.ndarray:
    """The same by the differential equations: gut, blood and the rest of the body."""
    absorbs = values.get("absorption_rate", 0.0)
    volume, second = values["volume"], values.get("peripheral_volume", 1.0)
    cl, q = values["clearance"], values.get("exchange", 0.0)

    def slope(_: float, amounts: np.ndarray) -> list[float]:
        gut, blood, rest = amounts
        flow = q * (blood / volume - rest / second)
        return [-absorbs * gut, absorbs * gut - cl * blood / volume - flow, flow]

    state, now, found = np.zeros(3), 0.0, np.zeros(len(times))
    events = [*sorted({each for each, _ in DOSED}), times.max() + 1]
    for start, stop in pairwise(events):
        state[0 if model.absorbed else 1] += sum(amount for at, amount in DOSED if at == start)
        inside = (times >= start) & (times < stop)
        solved = solve_ivp(slope, (start, stop), state, rtol=1e-10, atol=1e-13, dense_output=True)
        found[inside] = solved.sol(times[inside])[1] / volume
        state, now = solved.y[:, -1], stop
    assert now > times.max()
    return found


@pytest.mark.parametrize("absorbed", [True, False])
@pytest.mark.parametrize("count", [1, 2])
def test_concentrations_solve_the_differential_equations(count: int, absorbed: bool) -> None:
    model = Compartments(count, absorbed)
    values = {name: PARAMETERS[name] for name in model.names}
    times = np.concatenate([np.linspace(0, 48, 60), [6.0, 30.0]])
    found = model.concentrations(
        torch.tensor(list(values.values())).double(), torch.tensor(times), torch.tensor(DOSED).double()
    )
    np.testing.assert_allclose(found.numpy(), integrated(model, values, times), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("near", [0.0, 1e-9, 1e-6, 1e-4, 1e-2])
def test_equal_rates_are_no_exception(near: float) -> None:
    """Where k_a = CL / V the usual formula divides by 0; t e^{−kt} / V is right there."""
    model, k = Compartments(), 0.3
    times = torch.linspace(0, 20, 30)
    parameters = torch.tensor([k * (1 + near), k * 2.0, 2.0]).requires_grad_()
    found = model.concentrations(parameters, times, torch.tensor([[0.0, 1.0]]))
    torch.testing.assert_close(
        found, k * times * torch.exp(-k * times) / 2, rtol=0.03 if near else 1e-5, atol=2e-3
    )
    found.sum().backward()
    assert parameters.grad is not None
    assert parameters.grad.isfinite().all()


def test_fast_absorption_and_long_times_stay_finite() -> None:
    for absorbed in (True, False):
        model = Compartments(2, absorbed)
        parameters = torch.tensor([1e4, 1e3, 1e-3, 1e2, 1e3][not absorbed :]).requires_grad_()
        found = model.concentrations(parameters, torch.tensor([0.0, 1.0, 1e5]), torch.tensor([[0.0, 1.0]]))
        found.sum().backward()
        assert found.isfinite().all()
        assert parameters.grad is not None
        assert parameters.grad.isfinite().all()


# --- patients ----------------------------------------------------------------------------------------


def family(**settings: object) -> Pharmacokinetics:
    return Pharmacokinetics(PharmacokineticsConfig(**settings))  # type: ignore[arg-type]


def drawn(patients: Pharmacokinetics, count: int = 200, seed: int = 0) -> Episode:
    return patients.sample("train", count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("compartments", [1, 2])
def test_queries_are_what_the_hidden_parameters_give(compartments: int) -> None:
    patients = family(compartments=compartments)
    episode = drawn(patients)
    assert list(episode.task) == list(patients.model.names)
    course = patients.problem.course  # type: ignore[attr-defined]
    times, y = course.times(episode.query["x"]), course.values(episode.query["y"])
    parameters = torch.stack(list(episode.task.values()), -1)
    expected = patients.model.concentrations(parameters, times, episode.query[DOSES][:, 0])
    torch.testing.assert_close(y, expected, rtol=1e-4, atol=1e-5)
    dose = episode.query["x"][..., 2] * 1.5 + 4.5
    torch.testing.assert_close(episode.query[DOSES][..., 0, 1], dose)


def test_samples_are_early_in_order_and_measured_with_the_error_that_is_said() -> None:
    patients = family(shots=40)
    episode = drawn(patients, 400)
    course = patients.problem.course  # type: ignore[attr-defined]
    times, y = course.times(episode.support["x"]), course.values(episode.support["y"])
    assert (times.diff() >= 0).all()
    assert times.min() >= 0.25 - 1e-5
    assert times.max() <= 8 + 1e-5
    assert course.times(episode.query["x"]).max() > 20
    parameters = torch.stack(list(episode.task.values()), -1)
    true = patients.model.concentrations(parameters, times, episode.support[DOSES][:, 0])
    high = true > 2
    away = ((y - true) / (0.1**2 * true**2 + 0.25**2).sqrt())[high]
    assert float(away.mean()) == pytest.approx(0, abs=0.03)
    assert float(away.std()) == pytest.approx(1, abs=0.03)
    assert (y >= 0).all()


def test_patients_differ_log_normally_about_the_population() -> None:
    hidden = drawn(family(), 4000).task
    for name, median, spread in (
        ("absorption_rate", 1.5, 0.6),
        ("clearance", 0.04, 0.3),
        ("volume", 0.48, 0.15),
    ):
        log = hidden[name].log()
        assert float(log.mean()) == pytest.approx(np.log(median), abs=0.05)
        assert float(log.std()) == pytest.approx(spread, rel=0.05)


def test_queries_may_be_measured_too() -> None:
    exact, measured = (drawn(family(measured_queries=each)) for each in (False, True))
    assert torch.equal(exact.support["y"], measured.support["y"])
    assert (exact.query["y"] != measured.query["y"]).any()


def test_episodes_follow_from_the_seed_and_the_data_from_the_settings() -> None:
    patients = family()
    assert drawn(patients).hash() == drawn(patients).hash() != drawn(patients, seed=1).hash()
    assert (
        patients.data_hash() == family(shots=6, queries=9).data_hash() != family(clearance=0.05).data_hash()
    )
    assert patients.describe()["hidden"] == {
        "absorption_rate": "1/h",
        "clearance": "L/h/kg",
        "volume": "L/kg",
    }
    for split in SPLITS:
        assert patients.sample(split, 3, torch.Generator().manual_seed(2)).count == 3


def test_the_loss_of_the_population_mean_is_what_the_mean_of_patients_leaves() -> None:
    """Domains: about .93 mg/L by patient; its square is larger on average."""
    reference = family().reference_loss
    assert reference is not None
    assert 0.93 < (16 * reference) ** 0.5 < 1.2


def test_what_cannot_be_is_refused() -> None:
    for wrong in (
        "compartments = 3",
        "queries = 1",
        "clearance = 0.0",
        "samples = [8, 1]",
        'route = "rectal"',
    ):
        with pytest.raises(ConfigError, match=rf"task\.{wrong.partition(' ')[0]}"):
            parse(f'[task]\nfamily = "pharmacokinetics"\n{wrong}\n[[algorithm]]\nkind = "cnp"\n')
