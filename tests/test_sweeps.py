"""Sweeps: what is tried follows from what is over, whoever did it and when, and is chosen by validation."""

from __future__ import annotations

import importlib.util
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.experiments import SINUSOID
from workbench import runs
from workbench.analysis.source import ProjectSource, configuration
from workbench.config import ConfigError, Experiment, Range, Sweep, parse
from workbench.engine.events import Trained
from workbench.project import Project, ProjectError, RunRecord, Tried, Tuned
from workbench.runs import Control, Processes, Sweeping, proposing
from workbench.runs.proposing import Proposer

Call = Callable[..., tuple[int, str, str]]

TWO = SINUSOID + '[[algorithm]]\nkind = "maml"\n[[algorithm]]\nkind = "reptile"\n'
SHORT = ("training.iterations=6", "evaluation.every=2", "training.seeds=[0, 1]")
SWEEP = """
[sweep]
method = "random"
trials = 5
width = 2
[sweep.ranges]
"algorithm.0.inner_lr" = { low = 0.001, high = 0.1, log = true }
"algorithm.1.inner_lr" = { low = 0.001, high = 0.1, log = true }
"training.meta_batch" = { low = 2, high = 6 }
"network.hidden" = [[8], [4, 4]]
"""

MANY_WAYS = """
[task]
family = "digits"
ways = 2
queries = 2
[[algorithm]]
kind = "protonet"
[sweep]
method = "grid"
[sweep.ranges]
"algorithm.0.train_ways" = [2, 400]
"""

needs_optuna = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason='Optuna is not installed: pip install ".[sweep]"'
)


def nothing(*_: object) -> None:
    """Nobody is told."""


def swept(*overrides: str, text: str = SWEEP) -> Experiment:
    return parse(TWO + text, [*SHORT, *overrides])


# --- what can be asked for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("high = 6", "high = 1", "ranges[2].high: 1 is not above low, which is 2"),
        ("low = 2", "low = 2.5", "ranges[2].low: 2.5 is not a whole number"),
        ("low = 0.001", "low = 0", "ranges[0].low: 0 has no logarithm; allowed with log: a number > 0"),
        ("high = 6", "high = 100000", "ranges[2].high: training.meta_batch: 100000 is out of range"),
        ("training.meta_batch", "training.threads", "ranges[2].field: 'training.threads' changes no result"),
        (
            "training.meta_batch",
            "training.bath",
            "ranges[2].field: 'training.bath' is no setting of this",
        ),
        ("training.meta_batch", "task.shots", "ranges[2].field: 'task.shots' is no setting of a learner"),
        ("training.meta_batch", "evaluation.seed", "ranges[2].field: 'evaluation.seed' is no setting of a l"),
        ("algorithm.1.", "algorithm.7.", "ranges[1].field: 'algorithm.7.inner_lr' is no setting of"),
        ("[[8], [4, 4]]", "[[8], [8]]", "ranges[3].values: needs at least two values, each named once"),
        (
            "[[8], [4, 4]]",
            "{ low = 1, high = 2 }",
            "ranges[3].values: is missing: 'network.hidden' is no",
        ),
        ('"random"', '"grid"', "ranges[0].points: is missing; a grid needs it, or values"),
        ("width = 2", "width = 0", "width: 0 is out of range"),
        ("width = 2", "seed = 1", "seed: 1 is one of training.seeds, which are to test what is chosen"),
        ("width = 2", 'objective = "beauty"', "objective: 'beauty' is nothing to choose by here"),
    ],
)
def test_a_sweep_that_cannot_be_says_where_and_why(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        swept(text=SWEEP.replace(old, new, 1))
    assert str(refused.value).startswith(f"sweep.{said}")


def test_a_sweep_is_read_back_as_it_was_and_its_runs_are_without() -> None:
    experiment = swept()
    assert parse(experiment.to_toml()) == experiment
    assert experiment.with_values({}) == parse(TWO, list(SHORT))
    assert experiment.with_values({"network.hidden": (4, 4)}).network.hidden == (4, 4)  # type: ignore[attr-defined]


def test_grids_of_different_sizes_are_refused_as_unequal_effort() -> None:
    text = '\n[sweep]\nmethod = "grid"\n[sweep.ranges]\n"algorithm.0.inner_lr" = [0.1, 0.2]\n'
    text += '"algorithm.1.inner_lr" = [0.1, 0.2, 0.3]\n'
    experiment = swept(text=text)
    with pytest.raises(runs.SweepError, match=r"for every algorithm \(maml 2, reptile 3\)"):
        runs.check_sweep(experiment, runs.open_family(experiment))


# --- what is proposed ------------------------------------------------------------------------------


RANGES = (
    (Range(field="training.meta_lr", low=1e-4, high=1.0, log=True), False),
    (Range(field="training.meta_batch", low=2, high=30), True),
    (Range(field="network.hidden", values=((8,), (40, 40))), True),
)


def told(count: int, given_up: Iterable[int] = (), failed: Iterable[int] = ()) -> list[Tried]:
    """Trials that are over, with values of a documented objective: (log10 of the rate + 2)² + batch / 100."""
    found: list[Tried] = []
    proposer = Proposer(Sweep(method="random", ranges=tuple(each for each, _ in RANGES)), RANGES, 0, -1)
    for number in range(1, count + 1):
        values = proposer.propose(number, ())
        rate, batch = float(values["training.meta_lr"]), int(values["training.meta_batch"])  # type: ignore[arg-type]
        value = (math.log10(rate) + 2) ** 2 + batch / 100
        curve = {10: value + 1, 20: value}
        found.append(
            Tried(number, values, None if number in failed else value, curve, given_up=number in given_up)
        )
    return found


@needs_optuna
@pytest.mark.parametrize("method", ["random", "tpe"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_what_is_proposed_is_what_optuna_proposes_that_is_told_the_same(method: Any, sign: int) -> None:
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    earlier = told(16, given_up=[3, 7], failed=[5])
    sweep = Sweep(method=method, seed=7, ranges=tuple(each for each, _ in RANGES))
    mine = Proposer(sweep, RANGES, 1, sign).propose(20, earlier)

    import numpy as np

    seed = int(np.random.SeedSequence((7, 20)).generate_state(1)[0])
    kinds = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
    study = optuna.create_study(
        direction="minimize" if sign < 0 else "maximize", sampler=kinds[method](seed=seed)
    )
    choices = [(8,), (40, 40)]
    ways: dict[str, Any] = {
        "training.meta_lr": FloatDistribution(1e-4, 1.0, log=True),
        "training.meta_batch": IntDistribution(2, 30),
        "network.hidden": CategoricalDistribution([0, 1]),
    }
    for each in earlier:
        params = dict(each.values) | {"network.hidden": choices.index(each.values["network.hidden"])}  # type: ignore[arg-type]
        state = optuna.trial.TrialState.PRUNED if each.given_up or each.value is None else None
        study.add_trial(
            optuna.trial.create_trial(
                params=params,
                distributions=ways,
                state=state or optuna.trial.TrialState.COMPLETE,
                value=None if state else each.value,
                intermediate_values={} if each.value is None else dict(each.validations),
            )
        )
    its = study.ask(ways).params
    assert mine == its | {"network.hidden": choices[its["network.hidden"]]}


@needs_optuna
def test_who_is_given_up_is_whom_optunas_median_pruner_would_end() -> None:
    import optuna

    earlier = told(9, given_up=[2], failed=[4])
    sweep = Sweep(method="random", pruning="median", ranges=tuple(each for each, _ in RANGES))
    proposer = Proposer(sweep, RANGES, 0, -1)
    limits = proposer.limits(earlier)
    assert set(limits) == {10, 20}
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner())
    states = optuna.trial.TrialState
    for each in earlier:
        whole = each.whole
        study.add_trial(
            optuna.trial.create_trial(
                state=states.COMPLETE if whole else states.PRUNED,
                value=each.value if whole else None,
                intermediate_values=dict(each.validations),
            )
        )
    for value in (min(limits.values()) - 0.01, limits[10] - 0.01, limits[10] + 0.01, 1e9):
        trial = study.ask()
        trial.report(value, 10)
        assert trial.should_prune() == (value > limits[10])
    assert proposer.limits(earlier[:5]) == {}


def test_a_grid_is_every_combination_once() -> None:
    ranges = (
        (Range(field="training.meta_lr", low=0.001, high=0.1, log=True, points=3), False),
        (Range(field="training.meta_batch", low=2, high=3, points=5), True),
    )
    proposer = Proposer(Sweep(method="grid", ranges=tuple(each for each, _ in ranges)), ranges, 0, -1)
    found = [tuple(proposer.propose(number, ()).values()) for number in range(1, proposer.trials + 1)]
    assert found == [(rate, batch) for rate in (0.001, pytest.approx(0.01), 0.1) for batch in (2, 3)]


def test_without_optuna_a_line_says_what_to_install(call: Call, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(proposing.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    (tmp_path / "e.toml").write_text(TWO + SWEEP, encoding="utf-8")
    code, _, said = call("sweep", tmp_path / "e.toml", "--project", tmp_path / "p.mlwb", "--quiet")
    assert (code, said) == (
        2,
        "workbench: Optuna is not installed, which proposes trials: pip install optuna\n",
    )
    assert not (tmp_path / "p.mlwb").exists()


def test_run_says_that_it_is_a_sweep_and_sweep_that_it_is_none(call: Call, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(TWO + SWEEP, encoding="utf-8")
    code, _, said = call("run", tmp_path / "e.toml", "--quiet")
    assert code == 2
    assert "has a [sweep]: 'workbench sweep' does it" in said
    (tmp_path / "e.toml").write_text(TWO, encoding="utf-8")
    code, _, said = call("sweep", tmp_path / "e.toml", "--project", tmp_path / "p.mlwb", "--quiet")
    assert code == 2
    assert "there is no [sweep] in it" in said


# --- in a project ----------------------------------------------------------------------------------


def done_here(path: Path, experiment: Experiment) -> None:
    """A sweep, one run after the other, in this thread."""
    family = runs.open_family(experiment)
    runs.check_sweep(experiment, family)
    with Project.create(path) as project:
        sweeping, waiting = Sweeping.started(project, experiment, family)
        while waiting:
            runs.perform(project, waiting.pop(0), family, Control(), nothing)
            waiting += sweeping.due()


def outcome(path: Path) -> dict[str, object]:
    """What each run tried and came to, by name, whatever the order in which they were done."""
    with Project.open(path, read_only=True) as project:
        found: dict[str, object] = {}
        for run in project.runs():
            assert run.name not in found
            tuned = Tuned.of(run)
            assert tuned is not None
            last, result = project.checkpoint(run.id), project.result(run.id, "test", arrays=False)
            found[run.name] = (
                run.status,
                tuned,
                last
                and run.status == "finished"
                and last.tensors,  # of one that fails, the last of some time
                project.evaluations(run.id, "validation"),
                result and result.summary["measures"],
            )
        return found


@needs_optuna
def test_every_algorithm_is_tried_equally_often_and_what_was_best_is_tested_on_fresh_seeds(
    tmp_path: Path,
) -> None:
    experiment = swept('sweep.method="tpe"')
    done_here(tmp_path / "p.mlwb", experiment)
    with Project.open(tmp_path / "p.mlwb") as project:
        source = ProjectSource(project)
        for algorithm in ("MAML", "Reptile"):
            mine = [run for run in project.runs() if run.name.startswith(algorithm)]
            trials, tests = mine[:5], mine[5:]
            assert [run.name for run in tests] == [f"{algorithm}, seed 0", f"{algorithm}, seed 1"]
            last = [
                project.evaluations(run.id, "validation")[-1][1]["measures"]["loss"]["mean"] for run in trials
            ]
            best = min(trials, key=lambda run: last[trials.index(run)][-1])
            assert all(project.result(run.id, "test") is None for run in trials)
            assert all(project.result(run.id, "test") is not None for run in tests)
            for run in tests:
                assert tuned_values(run) == tuned_values(best)
            for run in mine:  # what the program shows of a run is what it was computed with
                table, entry = configuration(source.experiment(run), run)
                shown = entry["inner_lr"], table["training"]["meta_batch"], tuple(table["network"]["hidden"])
                trained = runs.of_record(project, run)
                made = trained.config.inner_lr, trained.experiment.training.meta_batch  # type: ignore[attr-defined]
                assert shown == (*made, trained.experiment.network.hidden)  # type: ignore[attr-defined]


def last_validation(project: Project, run: RunRecord) -> float:
    _, summary = project.evaluations(run.id, "validation")[-1]
    value = summary["measures"]["loss"]["mean"][-1]
    assert value is not None
    return value


def tuned_values(run: RunRecord) -> object:
    tuned = Tuned.of(run)
    assert tuned is not None
    return tuned.values


@needs_optuna
def test_several_processes_try_the_same_and_come_to_the_same_bits(tmp_path: Path) -> None:
    experiment = swept('sweep.method="tpe"', "sweep.trials=4")
    done_here(tmp_path / "one.mlwb", experiment)
    family = runs.open_family(experiment)
    with Project.create(tmp_path / "two.mlwb") as project:
        sweeping, first = Sweeping.started(project, experiment, family)
        ended = Processes(project, 2, Control(), nothing, nothing).perform(first, sweeping.due)
        assert set(ended.values()) == {"finished"}
    assert outcome(tmp_path / "one.mlwb") == outcome(tmp_path / "two.mlwb")


@needs_optuna
def test_who_is_killed_goes_on_with_the_same_trials(tmp_path: Path) -> None:
    experiment = swept("sweep.trials=4", "training.iterations=40", "training.checkpoint_every=0")
    done_here(tmp_path / "one.mlwb", experiment)
    (tmp_path / "e.toml").write_text(experiment.to_toml(), encoding="utf-8")
    program = "from workbench.cli import main; import sys; sys.exit(main())"
    two = str(tmp_path / "two.mlwb")
    command = [sys.executable, "-c", program, "sweep", str(tmp_path / "e.toml"), "--project", two]
    for lines in (3, 9):
        parent = subprocess.Popen([*command, "--jobs", "2"], stderr=subprocess.PIPE, text=True)
        assert parent.stderr is not None
        for _ in range(lines):
            assert parent.stderr.readline()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stderr.close()
        command = [sys.executable, "-c", program, "resume", two]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert outcome(tmp_path / "one.mlwb") == outcome(tmp_path / "two.mlwb")


@needs_optuna
def test_a_trial_that_falls_behind_is_given_up_and_one_that_fails_costs_nothing_else(tmp_path: Path) -> None:
    text = """
[sweep]
method = "grid"
pruning = "median"
trials = 8
width = 1
[sweep.ranges]
"algorithm.0.inner_lr" = [100.0, 0.01, 0.011, 0.012, 0.013, 0.014, 0.3, 0.015]
"""
    experiment = swept("training.iterations=8", "algorithm.0.inner_steps=5", text=text)
    done_here(tmp_path / "p.mlwb", experiment)
    with Project.open(tmp_path / "p.mlwb") as project:
        trials = [run for run in project.runs() if "trial" in run.name]
        assert [run.status for run in trials].count("failed") == 1
        given_up = [run for run in trials if (tuned := Tuned.of(run)) and tuned.given_up]
        assert given_up
        assert all(run.iterations < 8 and run.status == "finished" for run in given_up)
        whole = [run for run in trials if run.status == "finished" and run not in given_up]
        assert len(whole) >= proposing.STARTING
        names = {run.name for run in project.runs() if "seed" in run.name}
        assert names == {f"{name}, seed {seed}" for name in ("MAML", "Reptile") for seed in (0, 1)}


def test_the_words_at_the_end_say_what_was_chosen_of_how_many(call: Call, tmp_path: Path) -> None:
    text = '\n[sweep]\nmethod = "grid"\n[sweep.ranges]\n"algorithm.0.inner_lr" = [0.01, 0.02]\n'
    (tmp_path / "e.toml").write_text(swept(text=text).to_toml(), encoding="utf-8")
    code, _, said = call("sweep", tmp_path / "e.toml", "--project", tmp_path / "p.mlwb")
    assert code == 0
    last = said.splitlines()[-1]
    assert last.startswith("MAML: chosen of 2 trials, by ")
    assert ": algorithm.0.inner_lr = 0.0" in last


def test_a_strangers_values_are_refused_in_one_line_and_shown_as_they_can_be(tmp_path: Path) -> None:
    text = '\n[sweep]\nmethod = "grid"\n[sweep.ranges]\n"algorithm.0.inner_lr" = [0.01, 0.02]\n'
    done_here(tmp_path / "p.mlwb", swept(text=text))
    for values in ({"training": 3}, {"algorithm.9.x": 1}, {"a.b": {}}, {"algorithm.0.inner_lr": "x"}):
        with Project.open(tmp_path / "p.mlwb") as project:
            run = project.runs()[0]
            tuned = Tuned(0, 1, False, values)
            project.update_run(run.id, environment=run.environment | tuned.kept)
            changed = project.run(run.id)
            configuration(ProjectSource(project).experiment(changed), changed)
            with pytest.raises(ProjectError) as refused:
                runs.of_record(project, changed)
            assert "\n" not in str(refused.value)


def test_a_trial_tells_that_it_is_trained(tmp_path: Path) -> None:
    experiment = swept(text='\n[sweep]\nmethod = "grid"\n[sweep.ranges]\n"training.meta_lr" = [0.01, 0.02]\n')
    family = runs.open_family(experiment)
    heard: list[object] = []
    with Project.create(tmp_path / "p.mlwb") as project:
        _, first = Sweeping.started(project, experiment, family)
        runs.perform(project, first[0], family, Control(), lambda _, notice: heard.append(notice))
    assert isinstance(heard[-1], Trained)
    assert (heard[-1].iteration, heard[-1].given_up) == (6, False)


def test_values_that_do_not_go_together_are_a_trial_that_has_failed(tmp_path: Path) -> None:
    """Each width has some number of heads that divides it, but not each every."""
    text = SINUSOID + '[[algorithm]]\nkind = "anp"\nwidth = 16\n[sweep]\nmethod = "grid"\nwidth = 1\n'
    text += '[sweep.ranges]\n"algorithm.0.width" = [24, 16]\n"algorithm.0.heads" = [16, 8]\n'
    experiment = parse(text, [*SHORT, "algorithm.0.heads=8"])
    done_here(tmp_path / "p.mlwb", experiment)
    with Project.open(tmp_path / "p.mlwb") as project:
        trials = [run for run in project.runs() if "trial" in run.name]
        assert [run.status for run in trials] == ["failed", "finished", "finished", "finished"]
        assert "must divide the width, 24" in trials[0].failure
        assert len([run for run in project.runs() if "seed" in run.name]) == 2
        failed = ProjectSource(project).experiment(trials[0]), trials[0]
        assert configuration(*failed)[1]["heads"] == 16


def test_a_value_with_which_nothing_could_run_is_refused_before_the_start(tmp_path: Path) -> None:
    experiment = parse(MANY_WAYS)
    with pytest.raises(runs.SweepError, match=r"algorithm.0.train_ways = 400: "):
        runs.check_sweep(experiment, runs.open_family(experiment))
    assert not list(tmp_path.iterdir())
