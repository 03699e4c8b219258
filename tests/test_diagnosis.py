"""Measures of a diagnosis equal those of scikit-learn on the same predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.calibration import calibration_curve
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score, roc_curve
from torch.func import vmap

from workbench.problems import diagnosis
from workbench.problems.classification import Classification
from workbench.problems.diagnosis import Diagnosis, Looked

WAYS, EACH, TASKS = 4, 6, 9
FAMILY_ILL = (True, False, False, True, False, True)
"""Of the classes of a family."""


def logits(seed: int = 0, tasks: int = TASKS) -> tuple[torch.Tensor, torch.Tensor]:
    """Of queries with ties among them, and the right classes."""
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(WAYS).repeat_interleave(EACH).repeat(tasks, 1)
    coarse = (torch.randn(tasks, WAYS * EACH, WAYS, generator=g) * 2).round() / 2
    return coarse + torch.nn.functional.one_hot(y, WAYS), y


def details(asked: Diagnosis, predicted: torch.Tensor, y: torch.Tensor, classes: torch.Tensor) -> dict:
    """What is measured, and kept, of every task, as the engine has it."""
    problem = Classification(asked)

    def one(x: torch.Tensor, y: torch.Tensor, classes: torch.Tensor) -> tuple[dict, dict]:
        data = problem.judged({"classes": classes}, {"x": x, "y": y})
        return problem.measured(lambda x: x, data), problem.details(lambda x: x, data)

    measured, kept = vmap(one)(predicted, y, classes)
    return {name: each.numpy() for name, each in {**measured, **kept}.items()}


def classes_of(tasks: int = TASKS) -> torch.Tensor:
    """Each task has classes 0 and 1 of the family, one of which is ill, and two others."""
    g = torch.Generator().manual_seed(5)
    others = torch.stack([torch.randperm(4, generator=g)[:2] + 2 for _ in range(tasks)])
    return torch.cat([torch.tensor([[0, 1]]).expand(tasks, 2), others], 1)


def test_each_class_against_the_rest_is_as_scikit_learn_measures_it() -> None:
    predicted, y = logits()
    found = details(Diagnosis(), predicted, y, classes_of())
    shares = predicted.softmax(-1).numpy()
    for task in range(TASKS):
        true, taken = y[task].numpy(), shares[task].argmax(-1)
        area = np.mean([roc_auc_score(true == each, shares[task][:, each]) for each in range(WAYS)])
        assert found["auc_roc"][task] == pytest.approx(area, abs=1e-12)
        assert found["sensitivity"][task] == pytest.approx(recall_score(true, taken, average="macro"))
        spared = np.mean([recall_score(true != each, taken != each) for each in range(WAYS)])
        assert found["specificity"][task] == pytest.approx(spared)
        assert found["balanced_accuracy"][task] == pytest.approx(balanced_accuracy_score(true, taken))


def test_what_counts_as_ill_is_told_from_the_rest_as_scikit_learn_does() -> None:
    predicted, y = logits(1)
    classes = classes_of()
    found = details(Diagnosis(FAMILY_ILL), predicted, y, classes)
    shares = predicted.softmax(-1).numpy().astype(np.float64)
    for task in range(TASKS):
        ill = np.array(FAMILY_ILL)[classes[task].numpy()]
        true, taken = ill[y[task].numpy()], ill[shares[task].argmax(-1)]
        score = predicted[task].softmax(-1)[:, ill].sum(-1).numpy()
        assert found["auc_roc"][task] == pytest.approx(roc_auc_score(true, score), abs=1e-12)
        assert found["sensitivity"][task] == pytest.approx(recall_score(true, taken))
        assert found["specificity"][task] == pytest.approx(recall_score(true, taken, pos_label=False))
        assert found["balanced_accuracy"][task] == pytest.approx(balanced_accuracy_score(true, taken))


@pytest.mark.parametrize("ill", [(), FAMILY_ILL])
def test_the_curve_and_its_reliability_are_scikit_learns(ill: tuple[bool, ...]) -> None:
    looked = Looked.of(details(Diagnosis(ill), *logits(2), classes_of()))
    curve = diagnosis.roc(looked)
    assert curve is not None
    tasks = looked.scores, looked.truth
    scores, truth = (each.reshape(-1) for each in tasks)
    share = looked.truth.mean(1, keepdims=True)  # every task counts the same, whatever it has of each side
    weight = (looked.truth / share + ~looked.truth / (1 - share)).reshape(-1)
    false, true, threshold = roc_curve(truth, scores, sample_weight=weight, drop_intermediate=False)
    assert curve.false == pytest.approx(false)
    assert curve.true == pytest.approx(true)
    assert curve.threshold == pytest.approx(threshold)
    if not ill:
        assert curve.true == pytest.approx(roc_curve(truth, scores, drop_intermediate=False)[1])
    found = diagnosis.reliability(looked)
    assert found is not None
    observed, predicted = calibration_curve(truth, scores, n_bins=diagnosis.BINS)
    assert found.observed == pytest.approx(observed)
    assert found.predicted == pytest.approx(predicted)
    assert found.share.sum() == pytest.approx(1)


def test_an_operating_point_is_what_its_rule_says_and_the_same_by_a_direct_count() -> None:
    kept = details(Diagnosis(), *logits(3), classes_of())
    looked = Looked.of(kept)
    curve = diagnosis.roc(looked)
    assert curve is not None
    sums = {}
    for rule in ("balanced", "sensitive", "specific"):
        threshold, sensitivity, specificity = diagnosis.operating_point(curve, rule, 0.8)
        reached = looked.reached(threshold)
        assert reached["sensitivity"].mean() == pytest.approx(sensitivity)
        assert reached["specificity"].mean() == pytest.approx(specificity)
        found = kept["class_probability"] >= threshold
        true = kept["label"][..., None] == np.arange(WAYS)
        assert sensitivity == pytest.approx((found & true).sum() / true.sum())
        sums[rule] = sensitivity, specificity
    better = [each for each in zip(curve.true, 1 - curve.false, strict=True) if each[0] >= 0.8]
    assert sums["sensitive"] == pytest.approx(max(better, key=lambda each: each[1]))
    assert sums["specific"][1] >= 0.8
    assert sum(sums["balanced"]) == pytest.approx(float((curve.true + 1 - curve.false).max()))


def test_a_line_above_everything_is_still_a_number() -> None:
    curve = diagnosis.roc(Looked.of(details(Diagnosis(), torch.zeros(2, 8, 2), torch.tensor([[0, 1] * 4] * 2),
                                            torch.tensor([[0, 1]] * 2))))  # fmt: skip
    assert curve is not None
    threshold, sensitivity, specificity = diagnosis.operating_point(curve, "specific", 0.9)
    assert (sensitivity, specificity) == (0, 1)
    assert 1 < threshold < 1.001


def test_tasks_that_lack_a_side_have_no_value_and_count_nowhere() -> None:
    predicted, y = logits(4)
    classes = classes_of()
    classes[0] = torch.tensor([1, 2, 4, 1])  # nobody is ill
    found = details(Diagnosis(FAMILY_ILL), predicted, y, classes)
    assert np.isnan([found[row.name][0] for row in diagnosis.ALL]).all()
    assert np.isfinite([found[row.name][1:] for row in diagnosis.ALL]).all()
    some = {name: each[1:] for name, each in found.items()}
    for of in (diagnosis.roc, diagnosis.reliability):
        for each, other in zip(of(Looked.of(found)), of(Looked.of(some)), strict=True):
            assert each == pytest.approx(other, nan_ok=True)
    assert math.isnan(Looked.of(found).reached(0.5)["sensitivity"][0])


def test_predictions_that_are_no_numbers_are_measured_as_none() -> None:
    predicted, y = logits(5)
    predicted[3, 0, 0] = math.nan
    found = details(Diagnosis(), predicted, y, classes_of())
    assert np.isnan(found["auc_roc"]).tolist() == np.isnan(found["sensitivity"]).tolist()
    assert np.flatnonzero(np.isnan(found["auc_roc"])).tolist() == [3]
    assert Looked.of(found).weight.tolist() == [1, 1, 1, 0, 1, 1, 1, 1, 1]


def test_an_episode_that_comes_again_counts_once() -> None:
    found = details(Diagnosis(), *logits(6), classes_of())
    again = {name: np.concatenate([each, each[:2]]) for name, each in found.items()}
    episode = np.array([*range(TASKS), 0, 1])
    for of in (diagnosis.roc, diagnosis.reliability):
        for each, other in zip(of(Looked.of(found)), of(Looked.of(again, episode)), strict=True):
            assert each == pytest.approx(other)


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    found = details(Diagnosis(FAMILY_ILL), *logits(7), classes_of())
    for name, wrong in (
        ("label", found["label"] + 1),
        ("label", found["label"][:, 1:]),
        ("ill", found["ill"].T),
    ):
        with pytest.raises(ValueError, match="belong"):
            Looked.of({**found, name: wrong})


def test_weighted_losses_weigh_classes_not_examples() -> None:
    predicted = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0] * 7 + [1] * 2 + [2])
    counts = torch.tensor([7.0, 2.0, 1.0])
    plain, weighted = Classification(), Classification(weighted=True)
    expected = torch.nn.functional.cross_entropy(predicted, y, weight=1 / counts)
    assert float(weighted.of(predicted, y)) == pytest.approx(float(expected))
    measured = weighted.measured(lambda x: x, {"x": predicted, "y": y})["loss"]
    assert float(measured) == float(plain.of(predicted, y)) != pytest.approx(float(expected))
