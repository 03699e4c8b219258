"""Who may be compared with whom, on which pairs, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.analysis.invented import NETWORK, TASK, add, three
from workbench.analysis import protocol, sweep
from workbench.analysis.comparison import episodes
from workbench.analysis.critical_difference import families, figure, rows
from workbench.analysis.pairs import Statistics, arrays_of, statistics
from workbench.analysis.source import ProjectSource
from workbench.analysis.statistics import differences
from workbench.engine.intervals import difference_interval
from workbench.export.paper_tables import of_tests, reached
from workbench.project import Project

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.mlwb") as project:
        yield project


def statistics_of(project: Project, measure: str = "", step: int | None = None) -> Statistics:
    source = ProjectSource(project, COLOURS)
    return statistics(source, episodes(source)[0][0], arrays_of(project), measure, step)


def test_the_mean_over_seeds_is_paired_not_seeds_times_episodes(project: Project) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.exponential(size=(3, 40)), rng.exponential(size=(2, 40))
    add(project, "A", a)
    add(project, "B", b)
    (claim,) = statistics_of(project).claims
    assert claim.paired.pairs == 40
    assert claim.paired.p_wilcoxon == stats.wilcoxon(a.mean(0) - b.mean(0)).pvalue
    welch = difference_interval(a.mean(1), b.mean(1))
    assert claim.over_seeds.value == pytest.approx(welch.mean)
    assert claim.over_seeds.high - claim.over_seeds.value == pytest.approx(welch.half_width)


def test_the_chosen_step_is_paired(project: Project) -> None:
    a, b = np.ones((1, 30)), np.full((1, 30), 2.0)
    add(project, "A", a)
    add(project, "B", b)
    assert [statistics_of(project, step=step).scores[0].values[0] for step in (None, 0, 1)] == [1, 2, 1]


def test_every_pair_is_corrected_for_all(tmp_path: Path) -> None:
    with Project.open(three(tmp_path / "p.mlwb")) as project:
        found = statistics_of(project)
        assert [(c.first.name, c.second.name) for c in found.claims] == [
            ("Good", "Middling"), ("Good", "Same"), ("Middling", "Same"),
        ]  # fmt: skip
        assert [c.significant for c in found.claims] == [True, True, False]
        assert all(c.p_wilcoxon >= c.paired.p_wilcoxon for c in found.claims)
        better, _, alike = (claim.words() for claim in found.claims)
        assert better.startswith("Good is better than Middling by ")
        assert " in mean squared error (95% CI " in better
        assert "; on 60 of 60 paired tasks, p < .001 after Holm)." in better
        assert alike.startswith("Between Middling and Same no difference can be claimed (difference ")
        assert found.leaders() == ("Good",)


def test_bold_is_the_best_and_what_the_test_cannot_tell_from_it(project: Project) -> None:
    rng = np.random.default_rng(1)
    base = rng.exponential(size=(1, 50)) + 1
    add(project, "A", base * rng.uniform(0.9, 1.1, (3, 50)))
    add(project, "B", base * rng.uniform(0.9, 1.1, (3, 50)), inner_lr=0.1)
    add(project, "C", base * rng.uniform(1.4, 1.5, (3, 50)), inner_lr=0.2)
    found = statistics_of(project)
    table = reached(ProjectSource(project, COLOURS), found)
    assert table.bold == {(0, "mean"), (1, "mean")}
    assert set(found.leaders()) == {"A", "B"}


def test_high_accuracy_is_better(project: Project) -> None:
    rng = np.random.default_rng(1)
    low, high = rng.uniform(0.3, 0.4, (2, 30)), rng.uniform(0.6, 0.7, (2, 30))
    add(project, "A", np.ones((2, 30)), accuracy=low)
    add(project, "B", np.ones((2, 30)), accuracy=high, inner_lr=0.1)
    found = statistics_of(project)
    assert found.measure == "accuracy"
    (claim,) = found.claims
    assert claim.better is not None
    assert claim.better.name == "B"
    assert claim.words().startswith("B is better than A by 29.6 percentage points (95% CI 28.6 to 30.9; ")
    assert of_tests(found).rows[0]["second_better"] == 30
    assert of_tests(found).cells()[0][4].startswith("−29.6 [")  # in percent


def test_one_seed_and_uncertain_seeds_are_said(project: Project) -> None:
    rng = np.random.default_rng(3)
    base = rng.exponential(size=(1, 60)) + 1
    add(project, "A", base * 0.9)
    add(project, "B", base * np.array([[0.5], [1.9]]), inner_lr=0.1)
    add(project, "C", base * np.array([[0.4], [1.2]]), inner_lr=0.2)
    one, _, two = (claim.words() for claim in statistics_of(project).claims)
    assert "without several seeds of both (n = 1 and 2) it says nothing of the algorithms" in one
    assert "over seeds (n = 2 and 2) the difference between the algorithms is not certain" in two


def test_a_mean_that_contradicts_the_ranks_is_said(project: Project) -> None:
    b = np.random.default_rng(3).exponential(size=(1, 60)) + 1
    a = b * 0.9
    a[0, :3] = 100
    add(project, "A", a)
    add(project, "B", b, inner_lr=0.1)
    (claim,) = statistics_of(project).claims
    assert "yet its mean is worse by 4.72" in claim.words()


def test_five_episodes_are_too_few(project: Project) -> None:
    add(project, "A", np.arange(1.0, 6.0)[None])
    add(project, "B", np.arange(1.0, 6.0)[None] * 2, inner_lr=0.1)
    (claim,) = statistics_of(project).claims
    assert claim.words().startswith("Between A and B no difference can be claimed (")
    assert "too few for a claim: 5 pairs cannot give" in claim.words()


def test_other_episodes_are_not_compared_and_the_difference_is_named(project: Project) -> None:
    add(project, "A", np.ones((2, 20)))
    add(project, "B", np.ones((2, 20)), inner_lr=0.1)
    add(project, "C", np.ones((1, 20)), episodes="f" * 64, name="Other", task=TASK | {"shots": 10})
    assert [s.name for s in statistics_of(project).scores] == ["A", "B"]
    cards = protocol.cards(ProjectSource(project, COLOURS))
    said, _ = protocol.warnings(cards[:2], cards[2:])
    assert said == "Not compared: C met other episodes (shot 10 instead of 5)."
    assert {"shots", "episodes_hash"} <= set(protocol.differing(cards))
    differs = {row["condition"]: row["differs"] for row in protocol.rows(cards)}
    assert differs["Shot"]
    assert not differs["Network"]
    assert not differs["Training time (mean)"]


def test_unequal_training_is_said(project: Project) -> None:
    add(project, "A", np.ones((2, 20)), iterations=100)
    add(project, "B", np.ones((3, 20)), iterations=200, inner_steps=5)
    cards = protocol.cards(ProjectSource(project, COLOURS))
    said, budget = protocol.warnings(cards, [])
    assert said == "Trained differently: tasks seen (400 / 800); seeds (0–1 / 0–2)."
    assert budget == (
        "No equal budgets: trained learners differ in meta-iterations (up to 2 times), tasks drawn (up to 2 "
        "times), training time (up to 5% more)."
    )
    assert [card.entries["train_steps"] for card in cards] == ["1", "5"]
    assert [card.entries["order"] for card in cards] == ["2", "2"]
    assert cards[0].entries["network"] == "mlp, hidden 40 40"
    assert NETWORK["hidden"] == [40, 40]


# --- settings ----------------------------------------------------------------------------------------


def test_a_pivot_says_how_many_runs_stand_in_a_cell(project: Project) -> None:
    add(project, "A", np.array([[1.0] * 20, [3.0] * 20]))
    add(project, "A", np.array([[5.0] * 20]), inner_lr=0.1)
    add(project, "B", np.array([[2.0] * 20]), episodes="f" * 64)
    add(project, "B", np.array([[2.0] * 20]), inner_steps=3)
    found = sweep.setups(ProjectSource(project, COLOURS))
    assert set(sweep.varying(found)) == {"algorithm.inner_lr", "algorithm.inner_steps"}
    table = sweep.pivot(found, "algorithm.inner_steps", "algorithm.inner_lr")
    assert table.cells() == [["1", "different episodes", "5 (1)"], ["3", "2 (1)", "–"]]
    assert "1 cell left empty" in table.caption
    one = sweep.pivot(found[:2], "algorithm.inner_lr", "task")
    assert one.cells()[0] == ["0.01", f"2 ± {stats.t.ppf(0.975, 1):.2g} (2)"]


def test_points_stand_where_they_cost(project: Project) -> None:
    add(project, "A", np.array([[1.0] * 20, [3.0] * 20]))
    source = ProjectSource(project, COLOURS)
    met, found = episodes(source)[0][0], sweep.setups(source)
    made = sweep.scatter(source, found, met, "seconds")
    assert made is not None
    seeds, mean = made.panels[0].curves
    assert (mean.x.tolist(), mean.y.tolist(), seeds.y.tolist()) == ([10.5], [2.0], [1.0, 3.0])
    assert mean.n is not None
    assert mean.n.tolist() == [2]
    assert sweep.scatter(source, found, met, "parameters") is None  # no checkpoint tells


def test_what_private_training_cost_stands_at_its_epsilon(project: Project) -> None:
    """Who was trained without is a line across: its ε has no bound."""
    for label, spent in (("Open", None), ("Private", 3.0), ("More private", 1.0)):
        for run in add(project, label, np.full((1, 20), 1.0)):
            project.update_run(run, environment={"privacy": {"epsilon": spent, "delta": 1e-5}})
    source = ProjectSource(project, COLOURS)
    met, found = episodes(source)[0][0], sweep.setups(source)
    made = sweep.scatter(source, found, met, "epsilon")
    assert made is not None
    lines = {each.label: (each.x.tolist(), each.kind) for each in made.panels[0].curves}
    assert lines["Private (n = 1)"] == ([3.0], "markers")
    across, kind = lines["Open (n = 1)"]
    assert kind == "line"
    assert across[0] < 1
    assert across[1] > 3
    assert "Dashed across: what has no bound." in made.caption
    assert sweep.scatter(source, [each for each in found if each.name == "Open"], met, "epsilon") is None


def test_parallel_lines_go_through_what_differs(project: Project) -> None:
    add(project, "A", np.full((1, 20), 1.0), inner_lr=0.1)
    add(project, "B", np.full((1, 20), 3.0), inner_lr=0.3, inner_steps=4)
    add(project, "C", np.full((1, 20), 2.0), inner_lr=0.2)
    source = ProjectSource(project, COLOURS)
    made = sweep.parallel(source, sweep.setups(source), episodes(source)[0][0])
    assert made is not None
    assert made.panels[0].x_names == ("inner lr", "inner steps", "Mean squared error")
    lines = {curve.label: curve.y.tolist() for curve in made.panels[0].curves if curve.label}
    assert lines["A (n = 1)"] == pytest.approx([0, 0, 0])
    assert lines["B (n = 1)"] == pytest.approx([1, 1, 1])
    assert lines["C (n = 1)"] == pytest.approx([0.5, 0, 0.5])
    assert {(text.text) for text in made.panels[0].texts} == {"0.1", "0.3", "1", "4", "3"}


def test_meta_parameters_are_counted_from_a_checkpoint() -> None:
    import torch
    from safetensors.torch import save

    assert (
        sweep.meta_parameters(
            save({"meta.w": torch.zeros(3, 4), "meta.b": torch.zeros(3), "optimiser.0": torch.zeros(9)})
        )
        == 15
    )


# --- task families -----------------------------------------------------------------------------------


def test_ranks_over_families_make_a_diagram(project: Project) -> None:
    rng = np.random.default_rng(0)
    for family in range(6):
        for place, label in enumerate(("A", "B", "C")):
            loss = np.full((1, 10), place + rng.uniform(0, 0.1))
            add(
                project, label, loss, episodes=str(family) * 64, name=f"F{family}", inner_lr=0.1 * (place + 1)
            )
    found = families(ProjectSource(project, COLOURS))
    assert found.ranks is not None
    np.testing.assert_allclose(found.ranks.mean_ranks, [1, 2, 3])
    assert "come from 1 task family, so they are not independent" in found.words
    made = figure(found)
    assert made is not None
    places = {
        curve.label: curve.x[0] for curve in made.panels[0].curves if curve.label in "ABC" and curve.label
    }
    assert places == {"A": 1, "B": 2, "C": 3}
    bars = [curve.x.tolist() for curve in made.panels[0].curves if curve.thick]
    assert bars == [pytest.approx([0.96, 2.04]), pytest.approx([1.96, 3.04])]
    assert f"CD = {found.ranks.critical_difference:.2f}" in {text.text for text in made.panels[0].texts}
    assert rows(found)[0]["p_nemenyi to C"] == pytest.approx(found.ranks.p_nemenyi[0, 2])


def test_one_family_has_no_ranks(tmp_path: Path) -> None:
    with Project.open(three(tmp_path / "p.mlwb")) as project:
        found = families(ProjectSource(project, COLOURS))
        assert found.ranks is None
        assert "at least 2 families and 3 learners" in found.words
        assert figure(found) is None


def test_a_learner_that_diverged_is_never_the_best(project: Project) -> None:
    rng = np.random.default_rng(0)
    easy = rng.uniform(0.1, 0.2, (2, 60))
    easy[0, :5] = np.nan  # the mean of the others is the lowest there is
    add(project, "Diverged", easy)
    add(project, "Sound", rng.uniform(0.8, 0.9, (2, 60)))
    found = statistics_of(project)
    assert found.leaders() == ("Sound",)
    table = reached(ProjectSource(project, COLOURS), found)
    assert [row["not_finite"] for row in table.rows] == [5, 0]
    assert table.bold == {(1, "mean")}
    assert "what has any is not bold" in table.caption


def test_equal_shares_tie_in_spite_of_binary_fractions() -> None:
    a, b = np.array([0.6, 0.8, 0.4], dtype=np.float32), np.array([0.4, 0.6, 0.6], dtype=np.float32)
    found = differences(a.astype(float), b.astype(float), higher_is_better=True)
    assert found.tolist() == [0.2, 0.2, -0.2]


def test_a_pivot_counts_a_repeated_seed_once_and_names_other_episodes(project: Project) -> None:
    for _ in range(2):
        add(project, "A", np.stack([np.full(30, 1.0), np.full(30, 2.0)]))
    table = sweep.pivot(sweep.setups(ProjectSource(project, COLOURS)), "task", "task.shots")
    (row,) = table.rows
    assert [value for name, value in row.items() if name.endswith(", runs")] == [2]


def test_two_settings_of_one_label_are_two_learners_in_every_family(project: Project) -> None:
    for family in range(2):
        task = {**TASK, "shots": family + 1}
        for place, label in enumerate(("A", "B", "C", "D")):
            loss = np.full((1, 10), float(place))
            add(project, label, loss, episodes=str(family) * 64, name=f"F{family}", task=task)
        loss = np.full((1, 10), 9.0)
        add(project, "D", loss, episodes=str(family) * 64, task=task, seeds=[1], inner_lr=0.5)
    learners = families(ProjectSource(project, COLOURS)).learners
    assert learners == ("A", "B", "C", "D (inner_lr 0.01)", "D (inner_lr 0.5)")


def test_what_differs_in_more_than_the_algorithm_is_not_ranked(project: Project) -> None:
    for family in range(2):
        for place, label in enumerate(("A", "B", "C", "D")):
            add(project, label, np.full((1, 10), float(place)), episodes=str(family) * 64, name=f"F{family}")
        other = {**TASK, "queries": 7}
        add(project, "D", np.full((1, 10), 9.0), episodes=str(family) * 64, task=other)
    assert families(ProjectSource(project, COLOURS)).learners == ("A", "B", "C")


def test_a_pivot_says_which_cells_met_the_same_episodes(project: Project) -> None:
    add(project, "A", np.ones((1, 30)), episodes="a" * 64)
    add(project, "B", np.ones((1, 30)), episodes="b" * 64)
    source = ProjectSource(project, COLOURS)
    assert (
        "Only cells of the same algorithm met the same episodes"
        in sweep.pivot(sweep.setups(source), "algorithm", "task").caption
    )
