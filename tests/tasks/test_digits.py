from __future__ import annotations

import pytest
import torch

from workbench import algorithms, networks  # noqa: F401  (their kinds must be known)
from workbench.config import parse
from workbench.tasks.base import DataError
from workbench.tasks.class_splits import ClassSplit
from workbench.tasks.digits import Digits, DigitsConfig

TOML = """
[task]
family = "digits"
[[algorithm]]
kind = "maml"
"""


def test_digits_need_nothing_but_their_name_in_a_file() -> None:
    experiment = parse(TOML)
    assert experiment.network.name == "mlp"
    assert parse(experiment.to_toml()) == experiment
    family = Digits(experiment.task)
    assert family.shape.input_shape == (1, 8, 8)
    assert family.describe()["classes"] == {"train": 6, "validation": 2, "test": 2}
    assert sum(family.describe()["examples"].values()) == 1797


def test_digits_reach_from_white_to_black() -> None:
    episode = Digits(DigitsConfig()).sample("train", 50, torch.Generator().manual_seed(0))
    assert episode.query["x"].min() == 0
    assert episode.query["x"].max() == 1


def test_digits_may_be_named_in_the_split() -> None:
    split = ClassSplit(train=["0", "1", "2"], validation=["3", "4"], test=["7", "8", "9"])
    family = Digits(DigitsConfig(ways=2, split=split))
    assert family.describe()["classes"] == {"train": 3, "validation": 2, "test": 3}


def test_a_seed_draws_other_digits() -> None:
    hashes = {Digits(DigitsConfig(split=ClassSplit(seed=seed))).data_hash() for seed in (0, 0, 1)}
    assert len(hashes) == 2


def test_more_ways_than_test_digits_are_refused() -> None:
    with pytest.raises(DataError, match="validation split has 2 classes"):
        Digits(DigitsConfig(ways=3))
