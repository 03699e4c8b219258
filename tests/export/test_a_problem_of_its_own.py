"""A problem that nobody had in mind, with losses below zero, is shown and exported in its own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

from tests.analysis.invented import add
from workbench.cli import commands
from workbench.export import documents
from workbench.export.wishes import Wish
from workbench.measures import LOSS, MEASURES, Measure, declare
from workbench.problems import PROBLEMS, Problem
from workbench.project import Project

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.problems import Data, Predict


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    before = dict(MEASURES)

    class Sorting(Problem):
        name = "sorting"
        title = "Sorting"
        gives = frozenset({"gradient"})
        measures = (
            Measure("order", "Order kept", "higher", share=True),
            LOSS.said("Log-likelihood, negated", unit="nats", signed=True),
        )

        def loss(self, predict: Predict, data: Data) -> Tensor:
            raise NotImplementedError

        def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
            raise NotImplementedError

    declare(Measure("gradient_norm", "Gradient norm", "neither", when=("training",), smoothing="median"))
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("sorting") / "p.mlwb"
    with Project.create(path) as made:
        for rate, (label, level) in enumerate((("Good", -90.0), ("Bad", -40.0)), 1):
            loss = level + rng.normal(size=(2, 30))
            order = {"order": np.clip(-loss / 100, 0, 1)}
            add(
                made, label, loss, problem=Sorting(), others=order, inner_lr=0.1 * rate,
                training={"gradient_norm": 2.5},
            )  # fmt: skip
    yield path
    del PROBLEMS[Sorting.name]
    MEASURES.clear()
    MEASURES.update(before)


def text_of(path: Path, what: str, form: str, **wish: object) -> tuple[str, str]:
    """A document, and what is said under it."""
    target = path.with_name(f"{what}.{form}")
    with Project.open(path, read_only=True) as opened:
        said = documents.save(opened, what, form, Wish.model_validate(wish), target)
    text = target.read_text(encoding="utf-8")
    for foreign in ("quared error", "ccuracy", "Cross-entropy", "cross-entropy"):
        assert foreign not in text.replace("robust_accuracy", "")  # a column of every table
        assert foreign not in said
    return text, said


def test_it_is_summed_up_by_its_first_measure(project: Path) -> None:
    text, _ = text_of(project, "table", "markdown")
    assert "| Order kept (%) |" in text
    assert "| **89.9** |" in text  # higher is better
    assert "diverged" not in text.lower()
    text, _ = text_of(project, "table", "markdown", measure="loss")
    assert "| Log-likelihood, negated (nats) |" in text
    assert "| **−89." in text  # lower is better
    shown = CliRunner().invoke(commands, ["show", str(project)]).output
    assert "order 90.1% ± " in shown
    assert "diverged" not in shown


def test_tests_know_which_end_is_better(project: Path) -> None:
    for measure in ("order", "loss"):
        _, said = text_of(project, "statistics", "csv", measure=measure)
        assert "Good is better than Bad by 50" in said


@pytest.mark.parametrize(
    ("what", "measure", "axis", "caption"),
    [
        ("learning_curves", "validation_loss", "Meta-validation log-likelihood, negated (nats)",
         "Log-likelihood, negated on the frozen meta-validation episodes"),
        ("learning_curves", "validation_order", "Meta-validation order kept (%)", "Order kept on the frozen"),
        ("learning_curves", "training_gradient_norm", "Own training gradient norm",
         "Outer training gradient norm by meta-iteration."),
        ("adaptation", "order", "Query order kept (%)", "Query order kept on the frozen meta-test"),
        ("comparison", "", "Meta-test order kept", "Order kept after the last inner step"),
        ("comparison", "loss", "Meta-test log-likelihood, negated (nats)", "Log-likelihood, negated after"),
        ("scatter", "loss", "Meta-test log-likelihood, negated (nats)", "Log-likelihood, negated on 30"),
    ],
)  # fmt: skip
def test_axes_and_captions_are_of_the_measure(
    project: Path, what: str, measure: str, axis: str, caption: str
) -> None:
    text, said = text_of(project, what, "csv", measure=measure)
    assert axis in text
    assert said.startswith(caption)
    assert "iverged" not in said
    assert "Beyond the picture" not in said


def test_what_training_measures_stands_in_the_rows_of_runs(project: Path) -> None:
    text, _ = text_of(project, "runs", "csv")
    assert "training_loss,training_gradient_norm" in text.splitlines()[0]
    text, _ = text_of(project, "runs", "markdown")
    assert "| Training gradient norm |" in text
    shown = json.loads(CliRunner().invoke(commands, ["show", "--json", str(project)]).output)
    test = shown["runs"][0]["test"]
    assert test["training"] == {"loss": 0.5, "gradient_norm": 2.5}
    assert test["problem"] == "sorting"
    assert list(test["measures"]) == ["order", "loss"]
    assert test["diverged"] == [0, 0]


def test_the_report_is_in_its_words(project: Path) -> None:
    text, _ = text_of(project, "report", "html")
    assert "Order kept after the last inner step" in text
    assert "Query order kept on the frozen meta-test episodes" in text
