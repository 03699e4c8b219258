"""How large the episodes are that an algorithm is trained on."""

from __future__ import annotations

import pytest

from tests.experiments import SINUSOID, experiment, family
from workbench.engine.building import training_size

DIGITS = SINUSOID.replace('family = "sinusoid"', 'family = "digits"\nways = 2')


@pytest.mark.parametrize(
    ("name", "overrides", "size"),
    [
        ("maml", [], (2, 5, 5)),
        ("reptile", [], (2, 10, 5)),
        ("reptile", ["algorithm.0.examples='asked'"], (2, 5, 5)),
        ("reptile", ["algorithm.0.train_shots=3"], (2, 3, 5)),
        ("reptile", ["format=1"], (2, 5, 5)),
        ("task_replay", ["algorithm.0.base.kind='reptile'"], (2, 10, 5)),
    ],
)
def test_who_learns_from_all_examples_alike_has_more_of_a_class(
    name: str, overrides: list[str], size: tuple[int, int, int]
) -> None:
    e = experiment(name, *overrides, text=DIGITS)
    assert training_size(e.algorithm[0], family(e)) == size


def test_there_are_no_more_examples_of_a_class_than_the_scarcest_has() -> None:
    e = experiment("reptile", "algorithm.0.examples=1000", text=DIGITS)
    home = family(e)
    size = training_size(e.algorithm[0], home)
    home.check(size, "train")
    assert size.shots + size.queries == home.fewest_examples("train")
