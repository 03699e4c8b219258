"""The weights of the best validation are kept and tested beside the last; training may stop early."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.experiments import SMALLER, experiment, family
from workbench import summaries
from workbench.analysis import results
from workbench.config import Experiment
from workbench.engine.best import Best
from workbench.engine.events import Evaluated, Event, Finished
from workbench.engine.trainer import Trainer
from workbench.problems.classification import Classification
from workbench.problems.regression import Regression
from workbench.project import Project
from workbench.runs import Control, add, perform
from workbench.runs.checkpoints import learned

WORSENS = ("evaluation.every=1", "training.meta_lr=0.9", *SMALLER)
"""A rate at which training makes it worse soon, and validations at which that is seen."""


def events(of: Experiment) -> tuple[Trainer, list[Event]]:
    trainer = Trainer(of, of.algorithm[0], 0, family(of))
    return trainer, list(trainer.events())


def summary_of(of: Experiment) -> summaries.TestSummary:
    finished = events(of)[1][-1]
    assert isinstance(finished, Finished)
    return finished.summary


def test_both_weights_are_tested_and_either_may_stand_in_tables() -> None:
    last, best = (
        summary_of(experiment("maml", *WORSENS, f'evaluation.checkpoint="{w}"')) for w in ("last", "best")
    )
    assert (last["weights"]["tested"], best["weights"]["tested"]) == ("last", "best")
    assert last["weights"]["best_at"] == best["weights"]["best_at"] < last["weights"]["last_at"] == 12
    assert last["weights"]["others"] == best["measures"]
    assert best["weights"]["others"] == last["measures"]
    assert last["measures"] != best["measures"]
    assert results.weights(last) == ""
    assert results.weights(best) == "the best validation's"
    assert results.told_weights(last).startswith("last, at 12; best validation, at ")


def test_the_best_is_the_best_that_was_validated() -> None:
    trainer, found = events(experiment("maml", *WORSENS))
    assert trainer.best is not None
    losses = {
        e.iteration: e.summary["measures"]["loss"]["mean"][-1] for e in found if isinstance(e, Evaluated)
    }
    finite = {at: loss for at, loss in losses.items() if loss is not None}
    assert trainer.best.at == min(finite, key=lambda at: finite[at])
    assert trainer.best.value == finite[trainer.best.at]


@pytest.mark.parametrize(("problem", "better"), [(Regression, 0.5), (Classification, 2.0)])
def test_what_is_better_depends_on_the_measure(
    problem: type[Regression | Classification], better: float
) -> None:

    best = Best(problem(), {"w": torch.zeros(1)})
    for at, value in enumerate([None, 1.0, better, 1.0, float("nan"), better]):
        best.see(at, value, {"w": torch.full((1,), float(at))})
    assert (best.at, best.value, best.worse) == (2, better, 3)
    assert best.meta["w"] == 2


def test_a_run_that_is_killed_remembers_its_best_and_how_long_it_has_been_worse() -> None:
    of = experiment("maml", *WORSENS)
    whole, found = events(of)
    half = Trainer(of, of.algorithm[0], 0, family(of))
    for _ in zip(half.events(), range(14), strict=False):
        pass
    again = Trainer(of, of.algorithm[0], 0, family(of), plan=half.plan)
    again.restore(half.state())
    assert 0 < again.iteration < 12
    (*_, end), whole_end = again.events(), found[-1]
    assert isinstance(end, Finished)
    assert isinstance(whole_end, Finished)
    assert end.summary["measures"] == whole_end.summary["measures"]
    assert end.summary["weights"] == whole_end.summary["weights"]
    assert again.state().values["worse"] == whole.state().values["worse"]
    for name, value in whole.state().tensors.items():
        assert torch.equal(value, again.state().tensors[name]), name


def test_training_ends_when_validation_has_not_been_better_for_as_long_as_it_is_to_be_borne() -> None:
    trainer, found = events(experiment("maml", *WORSENS, "training.stop=3"))
    assert trainer.best is not None
    assert trainer.iteration == trainer.best.at + 3 < 12
    assert isinstance(found[-1], Finished)
    assert found[-1].summary["weights"]["last_at"] == trainer.iteration


def test_an_experiment_of_the_first_edition_keeps_and_tests_the_last_alone() -> None:
    of = experiment("maml", "format=1", *SMALLER)
    trainer, found = events(of)
    assert trainer.best is None
    assert not [name for name in trainer.state().tensors if name.startswith("best")]
    assert isinstance(found[-1], Finished)
    assert "weights" not in found[-1].summary


def test_what_is_not_trained_has_no_best() -> None:
    assert "weights" not in summary_of(experiment("scratch", *SMALLER))


def test_the_learner_that_is_put_to_use_is_the_one_that_was_tested(tmp_path: Path) -> None:
    of = experiment("maml", *WORSENS, 'evaluation.checkpoint="best"')
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = add(project, of, family(of))
        assert perform(project, run, family(of), Control(), lambda *_: None) == "finished"
        test = project.result(run, "test")
        assert test is not None
        assert learned(project, run, family(of)).iteration == test.summary["weights"]["best_at"] < 12
