"""What a sweep's trials say: the best of n agrees with every draw, what was chosen is named."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.test_sweeps import done_here, swept
from workbench.analysis import tuning
from workbench.analysis.source import ProjectSource
from workbench.analysis.tuning import Tuning, best_of_n, tunings
from workbench.project import Project

Call = Callable[..., tuple[int, str, str]]

GRID = """
[sweep]
method = "grid"
[sweep.ranges]
"algorithm.0.inner_lr" = [0.01, 0.02, 0.05, 0.1]
"algorithm.1.inner_lr" = [0.01, 0.02, 0.05, 0.1]
"training.meta_lr" = [0.001, 0.01]
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a sweep that is over."""
    found = tmp_path_factory.mktemp("tuning") / "p.mlwb"
    done_here(found, swept("algorithm.0.inner_steps=2", text=GRID))
    return found


@pytest.fixture
def found(path: Path) -> list[Tuning]:
    with Project.open(path, read_only=True) as project:
        return tunings(ProjectSource(project))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_of_n_is_that_of_every_draw(sign: int) -> None:
    values = np.random.default_rng(0).normal(size=7)
    mean, low, middle, high = best_of_n(values, sign)
    for n in range(1, 8):
        best = np.sort([max(sign * np.array(each)) for each in combinations(values, n)])
        assert mean[n - 1] == pytest.approx(sign * best.mean())
        bands = [best[min(int(np.ceil(q * len(best))) - 1, len(best) - 1)] for q in (0.1, 0.5, 0.9)]
        assert sorted(sign * np.array(bands)) == pytest.approx([low[n - 1], middle[n - 1], high[n - 1]])


def test_what_was_chosen_is_the_best_and_is_said(found: list[Tuning]) -> None:
    assert [each.label for each in found] == ["MAML", "Reptile"]
    for each in found:
        values = [tried.value for _, tried in each.tried if tried.value is not None]
        assert len(each.tried) == 8
        assert each.best is not None
        assert each.best[1].value == min(values)
        assert f"{each.label}: 8 of" in tuning.words(found)
    assert found[0].colour != found[1].colour


@pytest.mark.parametrize("which", ["lines", "slices", "multiples", "best"])
def test_every_picture_has_every_trial(found: list[Tuning], which: str) -> None:
    figure = tuning.picture(found, which)
    assert figure is not None
    drawn = {run for panel in figure.panels for curve in panel.curves for run in curve.runs}
    assert drawn == {run.id for each in found for run, tried in each.tried if tried.value is not None}
    assert figure.table


def test_trials_stand_apart_by_a_setting_each_in_one_panel(found: list[Tuning]) -> None:
    assert tuning.dividing(found) == ["algorithm.inner_lr", "training.meta_lr"]
    figure = tuning.multiples(found, "training.meta_lr")
    assert figure is not None
    assert [panel.title for panel in figure.panels] == ["meta lr 0.001", "meta lr 0.01"]
    drawn = [run for panel in figure.panels for curve in panel.curves for run in curve.runs]
    assert len(drawn) == len(set(drawn)) == 16


@pytest.mark.skipif(importlib.util.find_spec("optuna") is None, reason="Optuna is not installed")
def test_what_matters_adds_up_for_each_algorithm(found: list[Tuning]) -> None:
    figure = tuning.importance(found)
    assert figure is not None
    for row in figure.table:
        shares = [value for name, value in row.items() if name != "algorithm"]
        assert sum(shares) == pytest.approx(1)
        assert len(shares) == 2


def test_a_trial_far_off_is_drawn_at_the_edge_and_counted(found: list[Tuning]) -> None:
    from dataclasses import replace

    (run, tried), *rest = found[0].tried
    far = replace(found[0], tried=((run, replace(tried, value=1e20)), *rest))
    figure = tuning.lines([far])
    assert figure is not None
    assert ", and drawn there: 1." in figure.caption
    ends = [
        float(text.text) for text in figure.panels[0].texts if text.x == len(figure.panels[0].x_names) - 1
    ]
    assert max(ends) < 1e6


@pytest.mark.parametrize("form", ["csv", "json", "md", "tex", "png"])
def test_trials_are_exported(call: Call, path: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"trials.{form}"
    code, _, said = call("export", path, "--what", "trials", "-o", out)
    assert (code, said) == (0, said)
    assert out.stat().st_size > 100
    if form == "csv":
        lines = out.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 1 + 16
        assert lines[0].startswith(
            "algorithm,trial,run,status,algorithm.inner_lr,training.meta_lr,validation_loss"
        )


def test_a_project_without_a_sweep_says_so(call: Call, tmp_path: Path) -> None:
    Project.create(tmp_path / "p.mlwb").close()
    code, _, said = call("export", tmp_path / "p.mlwb", "--what", "trials", "-o", tmp_path / "x.csv")
    assert code == 2
    assert "no trial of a sweep is over (see workbench sweep)" in said
