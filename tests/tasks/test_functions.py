"""A person's own functions: tasks of a file, each in one split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data import sources
from workbench import importing
from workbench.config import parse
from workbench.data import registry
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.data.reading import Reading
from workbench.engine.events import Finished, MetaSteps
from workbench.engine.predicted import Request
from workbench.engine.predictions import compute, sample_tasks
from workbench.engine.trainer import Trainer
from workbench.errors import DataError
from workbench.settings import ConfigError
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.functions import Functions, FunctionsConfig


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sources.functions(tmp_path / "lines.npz")


def test_a_task_is_one_function_and_shares_no_point_of_support_and_query(path: Path) -> None:
    family = Functions(FunctionsConfig(path=str(path), shots=5, queries=5, standardise=False))
    assert family.describe()["tasks"] == {"train": 8, "validation": 2, "test": 2}
    episode = family.sample("train", 20, torch.Generator().manual_seed(0))
    assert episode.support["x"].shape == (20, 5, 1)
    x, y = (
        torch.cat(each, 1)[..., 0]
        for each in ((episode.support["x"], episode.query["x"]), (episode.support["y"], episode.query["y"]))
    )
    slope = (y - 1) / x
    assert torch.allclose(slope, slope[:, :1].expand_as(slope), atol=1e-3)
    assert all(len(set(row.tolist())) == 10 for row in x)
    assert episode.hash() == family.sample("train", 20, torch.Generator().manual_seed(0)).hash()


def test_splits_share_no_task(path: Path) -> None:
    family = Functions(FunctionsConfig(path=str(path), shots=5, queries=5))
    members = [set(each.tolist()) for each in family._members.values()]
    assert sum(map(len, members)) == len(set().union(*members)) == 12


def test_values_are_standardised_by_the_training_tasks(path: Path) -> None:
    family = Functions(FunctionsConfig(path=str(path), shots=5, queries=5))
    rows = np.isin(np.arange(12).repeat(30), family._members["train"].numpy())
    assert float(family._y[rows].mean()) == pytest.approx(0, abs=1e-5)
    assert float(family._y[rows].std(unbiased=False)) == pytest.approx(1, abs=1e-5)
    assert 0.3 < family.reference_loss < 1.1  # slopes differ: nothing can be said without adapting


def test_a_task_with_too_few_points_is_refused_by_name(path: Path) -> None:
    with pytest.raises(DataError, match="has 30 points, but 20 shots \\+ 20 queries need 40"):
        Functions(FunctionsConfig(path=str(path), shots=20, queries=20))


def test_a_view_of_predictions_shows_as_many_points_as_there_are(path: Path) -> None:
    experiment = parse(
        f'[task]\nfamily = "functions"\npath = "{path.as_posix()}"\nshots = 5\nqueries = 5\n'
        '[[algorithm]]\nkind = "maml"\n'
    )
    family = Functions(experiment.task)
    assert sample_tasks(experiment, family, 2).query["x"].shape == (2, 25, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "task.path: is missing"),
        ('path = "a"\ndataset = "b"', "task.dataset: give a path or the name"),
        ('path = "a"\ndrift = {}', "do not drift"),
    ],
)
def test_a_section_that_cannot_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(f'[task]\nfamily = "functions"\n{text}\n[[algorithm]]\nkind = "maml"\n')


# --- offsets, scales, units -----------------------------------------------------------------------------


def waves(path: Path, x_of: tuple[float, float] = (0, 1), y_of: tuple[float, float] = (0, 1)) -> Path:
    """Sine curves whose x and y are shifted and scaled: (offset, scale)."""
    rng = np.random.default_rng(5)
    task = np.arange(12).repeat(30)
    u = rng.uniform(-5, 5, len(task))
    v = rng.uniform(0.5, 3, 12)[task] * np.sin(u - rng.uniform(0, 3.1, 12)[task])
    np.savez(path, x=x_of[0] + x_of[1] * u, y=y_of[0] + y_of[1] * v, task=task)
    return path


def trained(path: Path) -> tuple[np.ndarray, float]:
    experiment = parse(
        f'[task]\nfamily = "functions"\npath = "{path.as_posix()}"\nshots = 5\nqueries = 5\n'
        '[network]\nkind = "mlp"\nhidden = [8]\n[[algorithm]]\nkind = "maml"\n'
        "[training]\niterations = 20\nmeta_batch = 2\nthreads = 1\nchunk = 2\n"
        "[evaluation]\nepisodes = 4\nvalidation_episodes = 4\ninner_steps = 2\n"
    )
    family = Functions(experiment.task)
    losses = []
    for event in Trainer(experiment, experiment.algorithm[0], 0, family).events():
        if isinstance(event, MetaSteps):
            losses += event.values["loss"].tolist()
    assert isinstance(event, Finished)
    return np.array(losses), family.reference_loss


@pytest.mark.parametrize(
    ("x_of", "y_of"),
    [
        ((1.6e15, 1e6), (0, 1)),  # time in microseconds
        ((0, 1), (6e7, 1)),  # pressure with an offset
        ((0, 1e-300), (0, 1e300)),
    ],
)
def test_neither_offset_nor_scale_changes_what_is_learned(
    tmp_path: Path, x_of: tuple[float, float], y_of: tuple[float, float]
) -> None:
    moved, reference = trained(waves(tmp_path / "b.npz", x_of, y_of))
    plain, expected = trained(waves(tmp_path / "a.npz"))
    assert reference == pytest.approx(expected, rel=1e-3)
    assert moved == pytest.approx(plain, rel=1e-3)


def test_predictions_are_shown_in_the_units_of_the_data(tmp_path: Path) -> None:
    path = waves(tmp_path / "a.npz", (1.6e15, 1e6), (6e7, 1))
    experiment = parse(
        f'[task]\nfamily = "functions"\npath = "{path.as_posix()}"\nshots = 5\nqueries = 5\n'
        '[[algorithm]]\nkind = "maml"\n[training]\nthreads = 1\nchunk = 4\ncompile = false\n'
    )
    family = Functions(experiment.task)
    work = Trainer(experiment, experiment.algorithm[0], 0, family)
    found = compute(work, Request())
    with np.load(path) as arrays:
        x, y = arrays["x"], arrays["y"]
    for own, values, apart in ((x, found.query["x"], 2.0), (y, found.query["y"], 1e-5)):
        assert np.abs(values.ravel()[:, None] - own[None]).min(1).max() < apart
    assert (np.abs(found.support["y"] - 6e7) < 4).all()
    assert np.abs(found.outputs["shown"] - 6e7).max() < 50
    assert found.standardised
    assert "squared error of the standardised y" in str(family.describe())
    assert "1.6e+15" in str(family.describe())


def test_a_constant_column_is_zero_and_not_a_number_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    task = np.arange(9).repeat(12)
    rng = np.random.default_rng(0)
    np.savez(path, x=np.stack([np.full(108, 0.1), rng.normal(size=108)], 1), y=np.full(108, 7e9), task=task)
    family = Functions(FunctionsConfig(path=str(path), shots=5, queries=5))
    assert not family._x[:, 0].any()
    assert not family._y.any()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"x": 1.6e15}, "x differs by .* 32 bits cannot tell apart; set task.standardise to true"),
        ({"y": 1e39}, "y of task 0 has values too large for 32 bits"),
    ],
)
def test_values_that_32_bits_cannot_hold_are_refused_unless_standardised(
    tmp_path: Path, changed: dict[str, float], words: str
) -> None:
    path = sources.functions(tmp_path / "a.npz")
    with np.load(path) as arrays:
        held = dict(arrays)
    np.savez(path, **{name: held[name] + changed.get(name, 0) for name in held})
    with pytest.raises(DataError, match=words):
        Functions(FunctionsConfig(path=str(path), shots=5, queries=5, standardise=False))
    Functions(FunctionsConfig(path=str(path), shots=5, queries=5))


def test_a_task_too_far_from_training_is_named(tmp_path: Path) -> None:
    path = sources.functions(tmp_path / "a.npz")
    with np.load(path) as arrays:
        held = dict(arrays)
    held["y"][held["task"] == 7] += 1e300
    np.savez(path, **held)
    parts = {"train": [str(n) for n in range(7)], "validation": ["7", "8"], "test": ["9", "10", "11"]}
    with pytest.raises(DataError, match="y of task 7 has values far from those of the training tasks"):
        Functions(FunctionsConfig(path=str(path), shots=5, queries=5, split=ClassSplit(**parts)))


@pytest.mark.parametrize(
    ("standardise", "before"),
    [
        (True, "169fbc3833d5900498e0cf2b80361dcdd2567c2b848babfb7f720ae45e24666a"),
        (False, "f915fc80bf37561e56d47dd1e8ee84a44117ab02e300deaed4ec73effe4b2eb9"),
    ],
)
def test_a_run_begun_before_meets_the_numbers_of_then(path: Path, standardise: bool, before: str) -> None:
    config = FunctionsConfig(path=str(path), shots=5, queries=5, standardise=standardise)
    assert Functions(config, reading=Reading(rules=1)).data_hash() == before


def test_a_set_imported_before_is_read_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    path = waves(tmp_path / "a.npz")
    earlier = prepare(look(path, Reading(rules=1)))
    monkeypatch.setattr(registry, "_EARLIER", {})  # what a set of format 1 was written by
    monkeypatch.setattr(registry, "_DTYPES", {"functions": {"x": (np.float32, 2), "y": (np.float32, 2)}})
    importing.register(importing.plan(earlier), "mine")
    monkeypatch.undo()
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    of_set = FunctionsConfig(dataset="mine", shots=5, queries=5)
    of_file = FunctionsConfig(path=str(path), shots=5, queries=5)
    before = Functions(of_file, reading=Reading(rules=1)).data_hash()
    assert Functions(of_set, reading=Reading(rules=1)).data_hash() == before
    assert Functions(of_set).standards is not None
    importing.register(importing.plan(prepare(look(path))), "mine", replace=True)
    assert registry.load("mine", "functions").arrays["x"].dtype == np.float64
    assert Functions(of_set, reading=Reading(rules=1)).data_hash() == before
    assert Functions(of_set).data_hash() == Functions(of_file).data_hash()
