"""Measures of predicted courses equal what a direct computation of them says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm

from workbench.engine.evaluation import once
from workbench.problems import rows_of
from workbench.problems.base import Forecast
from workbench.problems.courses import Course, area, time_above
from workbench.problems.regression import Regression
from workbench.words import NO_MEDICAL_DEVICE

COURSE = Course(
    unit="mg/L", time_unit="h", offset=1.0, scale=4.0, time_offset=12.0, time_scale=12.0, threshold=3.0
)


def query(count: int, seed: int = 0) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    x = torch.rand(count, 2, generator=g, dtype=torch.float64) * 2 - 1
    return {"x": x, "y": torch.randn(count, 1, generator=g, dtype=torch.float64)}


def measured(data: dict[str, torch.Tensor], sure: bool = True) -> dict[str, float]:
    def values(x: torch.Tensor) -> torch.Tensor:
        return x[:, :1].sin()

    def distribution(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
        return (values(x), 0.3 + x[:, 1:].abs()) if sure else None

    predict = once(Forecast(values, distribution))
    return {name: float(each) for name, each in Regression(COURSE).measured(predict, data).items()}


def test_measures_are_in_the_units_of_the_data_and_equal_a_direct_count() -> None:
    data = query(50)
    found = measured(data)
    time = 12 + 12 * data["x"][:, 0].numpy()
    said, sigma, true = (
        each.numpy()[:, 0]
        for each in (1 + 4 * data["x"][:, :1].sin(), 4 * (0.3 + data["x"][:, 1:].abs()), 1 + 4 * data["y"])
    )
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((said - true) ** 2)))
    assert found["nll"] == pytest.approx(-norm(said, sigma).logpdf(true).mean())
    low, high = norm(said, sigma).interval(0.9)
    assert found["coverage_90"] == pytest.approx(np.mean((true >= low) & (true <= high)))
    order = np.argsort(time)
    areas = [np.trapezoid(each[order], time[order]) for each in (said, true)]
    assert found["auc_error"] == pytest.approx(abs(areas[0] - areas[1]))
    dense = np.linspace(time.min(), time.max(), 400_001)
    above = [(np.interp(dense, time[order], each[order]) > 3).mean() * np.ptp(time) for each in (said, true)]
    assert found["time_above_error"] == pytest.approx(abs(above[0] - above[1]), abs=1e-3)
    assert found["loss"] == pytest.approx(np.mean((said - true) ** 2) / 16)


def test_who_predicts_values_alone_has_neither_likelihood_nor_band() -> None:
    found = measured(query(20), sure=False)
    assert np.isnan([found["nll"], found["coverage_90"]]).all()
    assert np.isfinite([found[name] for name in ("rmse", "auc_error", "time_above_error", "loss")]).all()


def test_what_only_fills_up_counts_in_no_measure() -> None:
    data = query(12)
    filled = {name: torch.cat([each, each[:5]]) for name, each in data.items()}
    filled["weight"] = torch.cat([torch.ones(12), torch.zeros(5)]).double()
    assert measured(filled) == pytest.approx(measured(data))


def test_a_single_query_has_no_area() -> None:
    found = measured(query(1))
    assert np.isnan([found["auc_error"], found["time_above_error"]]).all()
    assert np.isfinite(found["rmse"])
    filled = {name: torch.cat([each, each]) for name, each in query(1).items()}
    assert measured(filled | {"weight": torch.tensor([1.0, 0.0]).double()}) == pytest.approx(
        found, nan_ok=True
    )


@pytest.mark.parametrize(
    ("values", "above"),
    [([5, 5, 5], 4.0), ([0, 0, 0], 0.0), ([0, 6, 0], 2.0), ([3, 3, 3], 0.0), ([0, 4, 4], 2.5)],
)
def test_time_above_follows_straight_lines(values: list[float], above: float) -> None:
    time = torch.tensor([0.0, 2.0, 4.0])
    assert float(time_above(time, torch.tensor(values), 3.0)) == pytest.approx(above)
    assert float(area(time, torch.tensor(values))) == pytest.approx(np.trapezoid(values, time.numpy()))


def test_only_where_there_is_a_course_is_it_measured() -> None:
    assert [row.name for row in Regression().measures] == ["loss"]
    rows = {row.name: row for row in Regression(COURSE).measures}
    assert rows["rmse"].axis == "RMSE (mg/L)"
    assert rows["auc_error"].unit == "mg/L·h"
    assert rows["time_above_error"].unit == "h"
    assert "time_above_error" not in {row.name for row in Regression(Course()).measures}


def test_where_doses_are_given_nobody_is_to_take_it_for_a_finding() -> None:
    assert Regression(Course(dosed=True)).caution == NO_MEDICAL_DEVICE
    assert not Regression(Course()).caution
    assert not Regression().caution


def test_a_summary_tells_the_units_that_it_was_measured_in() -> None:
    summary = {"problem": "regression", "measures": {"loss": {}, "rmse": {}}, "units": {"rmse": "mg/L"}}
    assert [(row.name, row.unit) for row in rows_of(summary)] == [("rmse", "mg/L"), ("loss", "")]
