"""What runs will take is known from earlier ones of the same settings; what nobody means is asked about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.experiments import SINUSOID
from workbench import runs
from workbench.analysis.beforehand import doubt, seconds_of
from workbench.config import Experiment, parse
from workbench.project import Project

TWO = f'{SINUSOID}[[algorithm]]\nkind = "maml"\n[[algorithm]]\nkind = "reptile"\n'


def with_training(experiment: Experiment, **training: object) -> Experiment:
    changed = experiment.training.model_copy(update=training)
    return experiment.model_copy(update={"training": changed})


@pytest.mark.parametrize(
    ("iterations", "seeds", "seconds", "said"),
    [
        (10_000, 3, None, ""),
        (10_000, 3, 86_400.0, ""),
        (10_000, 250, None, ""),
        (10_000, 251, None, "502 runs"),
        (10_000, 1002, 9 * 86_400.0, "2,004 runs, about 9 days"),
        (10_000, 1, 3 * 86_400.0, "2 runs, about 3 days"),
        (99_999_999_999, 1, None, "2 runs, 99,999,999,999 iterations each"),
    ],
)
def test_what_hardly_anybody_means_is_asked_about(
    iterations: int, seeds: int, seconds: float | None, said: str
) -> None:
    asked = with_training(parse(TWO), iterations=iterations, seeds=tuple(range(seeds)))
    assert doubt(asked, seconds) == said


def test_earlier_runs_of_the_same_settings_tell_what_others_take(tmp_path: Path) -> None:
    experiment = with_training(parse(TWO), iterations=100)
    project = Project.create(tmp_path / "p.mlwb")
    runs.add(project, experiment, runs.open_family(experiment))
    finished = [replace(run, status="finished", iterations=100, seconds=20.0) for run in project.runs()]

    def told(asked: Experiment, known: int = 2, trials: tuple[int, ...] = ()) -> float | None:
        def owner(run: object) -> object:
            return project.experiments()[0]

        return seconds_of(asked, finished[:known], owner, lambda _: None, trials)  # type: ignore[arg-type]

    assert told(experiment) == 40
    assert told(experiment.model_copy(update={"name": "another name"})) == 40
    assert told(with_training(experiment, seeds=(4, 5, 6), iterations=50)) == 60
    assert told(experiment.model_copy(update={"algorithm": experiment.algorithm[:1]})) == 20
    assert told(experiment, trials=(3, 4)) == 40 + 7 * 20, "the trials of a sweep train, too"
    assert told(experiment, known=1) is None, "Reptile has not run yet"
    finished[1] = replace(finished[1], iterations=0, seconds=0.0)
    assert told(experiment) == 20, "what trains nothing takes no time to train"
    assert told(with_training(experiment, meta_batch=77)) is None
    project.close()
