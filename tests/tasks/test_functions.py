"""A person's own functions: tasks of a file, each in one split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data import sources
from workbench.config import parse
from workbench.engine.predictions import sample_tasks
from workbench.errors import DataError
from workbench.sections import ConfigError
from workbench.tasks.functions import Functions, FunctionsConfig


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sources.functions(tmp_path / "lines.npz")


def test_a_task_is_one_function_and_shares_no_point_of_support_and_query(path: Path) -> None:
    family = Functions(FunctionsConfig(path=str(path), shots=5, queries=5, standardise=False))
    assert family.describe()["tasks"] == {"train": 8, "validation": 2, "test": 2}
    episode = family.sample("train", 20, torch.Generator().manual_seed(0))
    assert episode.support_x.shape == (20, 5, 1)
    x, y = (
        torch.cat(each, 1)[..., 0]
        for each in ((episode.support_x, episode.query_x), (episode.support_y, episode.query_y))
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
    assert sample_tasks(experiment, family, 2).query_x.shape == (2, 25, 1)


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
