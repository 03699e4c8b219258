"""What may be counted: distinct episodes, seeds that change something, runs that are no copies."""

from __future__ import annotations

import csv
import html
import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from tests.analysis.invented import add, three
from workbench.analysis import results
from workbench.analysis.claims import conclusions
from workbench.analysis.comparison import compare, episodes
from workbench.analysis.pairs import Statistics, arrays_of, statistics
from workbench.analysis.source import ProjectSource
from workbench.analysis.statistics import Array, wilcoxon
from workbench.analysis.tables import markdown
from workbench.cli import commands
from workbench.engine.evaluation import Curves
from workbench.engine.intervals import collapsed, mean_interval
from workbench.export.paper_tables import bracketed, reached
from workbench.problems import Regression
from workbench.project import Project, RunRecord

COLOURS = ("#0072b2", "#d55e00")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "p.mlwb")


def statistics_of(project: Project, source: ProjectSource | None = None) -> Statistics:
    source = source or ProjectSource(project, COLOURS)
    return statistics(source, episodes(source)[0][0], arrays_of(project))


def numbers_of(project: Project, source: ProjectSource | None = None) -> tuple[list[Any], list[Any]]:
    """Everything that is computed of the runs, but for how many copies there are."""
    source = source or ProjectSource(project, COLOURS)
    met = episodes(source)[0][0]
    rows = [each.row.cells() for each in compare(source, met, "loss")]
    kept = [{k: v for k, v in row.items() if k not in ("copies", "experiment")} for row in rows]
    return sorted(kept, key=str), sorted(statistics_of(project, source).rows(), key=str)


def in_any_order(project: Project) -> tuple[list[Any], dict[frozenset[str], tuple[float, float]]]:
    """The same with the p of each two, whichever is the first."""
    rows, tests = numbers_of(project)
    return rows, {
        frozenset((row["first"], row["second"])): (row["p_wilcoxon_holm"], row["p_bootstrap_holm"])
        for row in tests
    }


# --- copies ----------------------------------------------------------------------------------------


def again(project: Project, chosen: list[RunRecord]) -> None:
    """The same runs once more, in an experiment of their own."""
    with project.transaction():
        for run in chosen:
            owner = next(each for each in project.experiments() if each.id == run.experiment_id)
            copy = project.add_run(
                project.add_experiment(f"{owner.name} again", owner.toml, owner.config_hash),
                name=run.name, algorithm=run.algorithm, label=run.label, task=run.task, seed=run.seed,
                status=run.status, seconds=run.seconds, iterations=run.iterations, data_hash=run.data_hash,
                config_hash=run.config_hash, environment=run.environment,
            )  # fmt: skip
            found = project.result(run.id, "test")
            assert found is not None
            project.save_result(copy, "test", found.summary, found.arrays, found.episodes_hash)


@pytest.mark.parametrize("seed", range(4))
def test_copies_of_any_runs_change_no_number(tmp_path: Path, seed: int) -> None:
    with Project.open(three(tmp_path / "p.mlwb", tasks=25)) as project:
        before = numbers_of(project)
        chance = random.Random(seed)
        runs = project.runs()
        again(project, [*runs, *runs] if seed == 0 else chance.choices(runs, k=5))
        assert numbers_of(project) == before
        assert len(statistics_of(project).claims) == 3


def test_the_order_of_runs_changes_no_number(tmp_path: Path) -> None:
    with Project.open(three(tmp_path / "p.mlwb", tasks=25)) as project:
        before = in_any_order(project)
        shuffled = project.runs()
        random.Random(1).shuffle(shuffled)
        with project.transaction():
            for position, run in enumerate(shuffled):
                project.update_run(run.id, position=position)
        assert [run.id for run in project.runs()] == [run.id for run in shuffled]
        assert in_any_order(project) == before


def test_copies_are_said_and_that_they_differ(project: Project) -> None:
    loss = np.random.default_rng(1).uniform(1, 2, (2, 20))
    add(project, "A", loss)
    add(project, "A", loss)
    assert "2 runs of the same settings and seed as another: copies, not counted" in caption(project)
    assert "reached something else" not in caption(project)
    add(project, "A", loss + 1)
    assert "Copies that reached something else than the run that counts: A." in caption(project)


def caption(project: Project) -> str:
    return markdown(reached(ProjectSource(project, COLOURS), statistics_of(project)))


# --- chance ----------------------------------------------------------------------------------------


def test_what_knows_no_chance_has_no_interval_over_seeds(project: Project) -> None:
    rng = np.random.default_rng(2)
    fixed = rng.uniform(1, 2, 30)
    add(project, "Fixed", np.stack([fixed, fixed, fixed]))
    add(project, "Trained", fixed * rng.uniform(0.4, 0.6, (3, 30)), inner_lr=0.1)
    source = ProjectSource(project, COLOURS)
    row, other = (each.row for each in compare(source, episodes(source)[0][0], "loss"))
    assert (row.deterministic, row.seeds_measured, row.ci95_over_seeds) == (True, 1, None)
    assert (other.deterministic, other.seeds_measured) == (False, 3)
    assert "| Fixed | 1, deterministic |" in caption(project)
    (claim,) = statistics_of(project).claims
    trained = mean_interval(claim.second.seed_means)
    assert claim.over_seeds.high - claim.over_seeds.value == pytest.approx(trained.half_width)
    assert "It holds for the algorithms: over seeds (n = 1, deterministic and 3)" in claim.words()


# --- diverged --------------------------------------------------------------------------------------


def test_the_share_of_diverged_tasks_stands_beside_every_mean(project: Project) -> None:
    rng = np.random.default_rng(3)
    loss = rng.uniform(1, 2, (2, 40))
    some, lost = loss.copy(), np.full((2, 40), np.inf)
    some[0, :2] = 1e6
    right = rng.uniform(0.5, 0.6, (2, 40))
    add(project, "Some", some, accuracy=right)
    add(project, "All", lost, accuracy=right, inner_lr=80.0)
    text = caption(project)
    assert "| 2 of 80 |" in text
    assert "| 80 of 80 |" in text
    assert "Some 2 of 80, All 80 of 80." in text
    (claim,) = statistics_of(project).claims
    assert "Diverged tasks: Some 2 of 80; All 80 of 80." in claim.words()
    source = ProjectSource(project, COLOURS)
    losses = reached(source, statistics(source, episodes(source)[0][0], arrays_of(project), "loss"))
    assert losses.cells()[1][2] == "diverged: 80 of 80 tasks"


def test_where_some_diverge_none_is_a_number_too_and_what_knows_no_chance_counts_once(
    project: Project,
) -> None:
    loss = np.random.default_rng(4).uniform(1, 2, 40)
    lost = loss.copy()
    lost[:3] = np.inf
    add(project, "Fixed", np.stack([lost, lost]))
    add(project, "Fine", np.stack([loss, loss + 0.1]), inner_lr=0.1)
    text = caption(project)
    assert "| 3 of 40 |" in text
    assert "| 0 of 80 |" in text
    (claim,) = statistics_of(project).claims
    assert "Diverged tasks: Fixed 3 of 40." in claim.words()


# --- distinct episodes -----------------------------------------------------------------------------


def repeated(project: Project, label: str, values: Array, episode: Any, **settings: Any) -> None:
    """Runs whose episodes repeat: ``values`` of each distinct one, ``[seeds, distinct]``."""
    ids = add(project, label, values[:, episode], **settings)
    for place, run in enumerate(ids):
        loss = values[place][episode]
        curves = Curves(Regression(), (0, 1), {"loss": np.stack([loss + 1, loss])}, episode=episode)
        found = project.result(run, "test")
        assert found is not None
        behind = {"distinct_episodes": values.shape[1], "distinct_classes": 2, "distinct_examples": 6}
        summary = {**found.summary, **curves.summary(), **behind}
        project.save_result(run, "test", summary, curves.arrays(), found.episodes_hash)


def test_what_repeats_an_episode_is_one_pair_with_it(project: Project) -> None:
    rng = np.random.default_rng(4)
    episode = np.arange(600) % 9
    values = rng.uniform(1, 2, (1, 9))
    repeated(project, "A", values, episode)
    repeated(project, "B", values * 1.01, episode, inner_lr=0.1)
    (claim,) = statistics_of(project).claims
    assert claim.paired.pairs == 9
    assert claim.paired.p_wilcoxon == pytest.approx(2**-8)
    source = ProjectSource(project, COLOURS)
    row = compare(source, episodes(source)[0][0], "loss")[0].row
    interval = mean_interval(values[0])
    assert (row.mean, row.ci95_over_tasks) == pytest.approx((interval.mean, interval.half_width))
    assert row.beside["distinct_episodes"] == 9
    text = caption(project)
    assert "Of 600 episodes 9 are distinct" in text
    assert "600 episodes, all from 2 classes and 6 examples" in text


def test_repeated_episodes_keep_the_level_of_the_test(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    episode = rng.integers(0, 12, 200)
    episode[:12] = np.arange(12)
    rejected, naive = 0, 0
    for _ in range(400):
        a, b = rng.normal(size=(2, 12))
        a, b = a[episode], b[episode]
        rejected += wilcoxon(collapsed(a, episode) - collapsed(b, episode)) <= 0.05
        naive += wilcoxon(a - b) <= 0.05
    assert rejected <= 400 * 0.075
    assert naive > 400 * 0.3


# --- in words --------------------------------------------------------------------------------------


def test_no_sentence_is_said_for_every_pair(project: Project) -> None:
    rng = np.random.default_rng(6)
    base = rng.uniform(1, 2, (1, 30))
    for number in range(8):
        add(project, f"L{number}", base * rng.uniform(0.9, 1.1, (1, 30)), inner_lr=0.1 * (number + 1))
    found = statistics_of(project)
    said = conclusions(found.claims)
    assert len(found.claims) == 28
    assert len(said) == len(set(said)) <= 4
    (undecided,) = [each for each in said if "o difference can be claimed" in each]
    assert "L0 and L1 (p = " in undecided
    assert undecided.endswith("and 22 more, after Holm.")


def test_what_a_finding_says_of_the_algorithms_names_both(project: Project) -> None:
    rng = np.random.default_rng(7)
    base = rng.uniform(1, 2, (3, 40))
    add(project, "Worse", base)
    add(project, "Better", base * 0.5, inner_lr=0.1)
    (reach,) = [each for each in conclusions(statistics_of(project).claims) if "algorithms" in each]
    assert reach.startswith("It holds for the algorithms")
    assert reach.endswith(": Worse and Better.")


def test_no_zero_is_negative() -> None:
    assert bracketed(-0.0004, -0.0003, 0.0002, share=True) == "0.0 [0.0, 0.0]"
    assert bracketed(-0.5, 0.25, None) == "−0.5"


# --- everywhere ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Repeated episodes, a learner without chance, one that diverged, copies, and two of one label."""
    path = tmp_path_factory.mktemp("odd") / "p.mlwb"
    rng = np.random.default_rng(7)
    episode = np.arange(60) % 9
    values = rng.uniform(1, 2, (3, 9))
    with Project.create(path) as project:
        repeated(project, "MAML", values, episode)
        repeated(project, "MAML", values * rng.uniform(0.5, 0.9, (3, 9)), episode, inner_lr=0.4)
        repeated(project, "Scratch", np.stack([values[0]] * 3), episode, inner_lr=0.02)
        repeated(project, "Wild", np.full((3, 9), np.inf), episode, inner_lr=80.0)
        again(project, project.runs()[:3])
    return path


def exported(path: Path, folder: Path, what: str, form: str) -> tuple[str, str]:
    """The file's text, and what is said beside it."""
    place = folder / f"{what}.{form}"
    arguments = ["export", str(path), "--what", what, "--format", form, "-o", str(place)]
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == 0, done.output
    return place.read_text(encoding="utf-8"), done.output


def test_every_format_of_a_table_has_the_same_algorithms(odd: Path, tmp_path: Path) -> None:
    names = ["MAML (inner_lr 0.01)", "MAML (inner_lr 0.4)", "Scratch", "Wild"]
    rows = json.loads(exported(odd, tmp_path, "table", "json")[0])["table"]
    assert [(row["algorithm"], row["seeds"], row["copies"]) for row in rows] == [
        (name, 3, 3 if name == names[0] else 0) for name in names
    ]
    assert [row["diverged"] for row in rows] == [0, 0, 0, 180]
    assert [row["deterministic"] for row in rows] == [False, False, True, False]
    read = list(csv.DictReader(io.StringIO(exported(odd, tmp_path, "table", "csv")[0])))
    assert [row["algorithm"] for row in read] == names
    for form in ("markdown", "latex"):
        text, _ = exported(odd, tmp_path, "table", form)
        assert all(name.replace("_", r"\_") in text for name in names)
        assert "1, deterministic" in text
        assert "diverged: 180 of 180 tasks" in text
        assert "180 of 180" in text


@pytest.mark.parametrize("what", ["table", "statistics", "comparison", "report"])
def test_captions_say_what_the_numbers_are(odd: Path, tmp_path: Path, what: str) -> None:
    form = {"comparison": "svg", "report": "html"}.get(what, "markdown")
    text = html.unescape(" ".join(exported(odd, tmp_path, what, form)))
    assert "Of 60 episodes 9 are distinct" in text
    assert "60 episodes, all from 2 classes and 6 examples" in text
    assert "Wild 180 of 180" in text
    assert "MAML (2)" not in text
    if what != "statistics":
        assert "3 runs of the same settings and seed as another: copies, not counted" in text


def test_show_says_it_too(odd: Path) -> None:
    said = CliRunner().invoke(commands, ["show", str(odd)]).output
    assert "Invented: Of 60 episodes 9 are distinct" in said
    assert "diverged: 60 of 60 tasks" in said


def test_a_classification_says_what_diverged_though_its_accuracy_is_finite(project: Project) -> None:
    loss = np.full((1, 20), 1e9)
    add(project, "A", loss, accuracy=np.full((1, 20), 0.3))
    with project:
        (found,) = [results.told(each["test"]) for each in results.run_entries(project)]
    assert found.startswith("accuracy 30.0% ± ")
    assert not found.endswith("diverged")  # the loss is one more before adaptation: as bad as that
    assert results.told({**_test(), "diverged": [0, 2]}) == "accuracy 50.0% ± 1.0%, 2 of 600 diverged"


def _test() -> dict[str, Any]:
    accuracy = {"mean": [0.2, 0.5], "ci95": [0.01, 0.01]}
    measures = {"accuracy": accuracy, "loss": {"mean": [1.0, 2.0], "ci95": [0.1, 0.1]}}
    return {"inner_steps": [0, 1], "tasks": 600, "problem": "classification", "measures": measures}
