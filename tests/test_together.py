"""Seeds that are computed together come to what they come to by themselves, but for the last bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.experiments import SINUSOID
from workbench import runs
from workbench.config import parse
from workbench.engine.events import Evaluated
from workbench.errors import InputError
from workbench.measures import LOSS
from workbench.project import Project
from workbench.runs import Control, Notice

Call = Callable[..., tuple[int, str, str]]

MAML = SINUSOID + '[[algorithm]]\nkind = "maml"\n'
SEEDS = "training.seeds=[0, 1, 2]"


def nothing(*_: object) -> None:
    """Nobody is told."""


def told(_: int) -> Callable[..., None]:
    return nothing


def refused(_: int, error: InputError) -> None:
    raise error


def queued(path: Path, *overrides: str, text: str = MAML) -> list[int]:
    experiment = parse(text, [SEEDS, *overrides])
    with Project.create(path) as project:
        return runs.add(project, experiment, runs.open_family(experiment))


@pytest.mark.parametrize("kind", ["maml", "reptile", "cnp"])
def test_losses_weights_and_results_are_those_of_single_runs(tmp_path: Path, kind: str) -> None:
    text = MAML.replace('"maml"', f'"{kind}"')
    wanted = queued(tmp_path / "one.mlwb", text=text)
    queued(tmp_path / "two.mlwb", text=text)
    with Project.open(tmp_path / "one.mlwb") as one, Project.open(tmp_path / "two.mlwb") as two:
        family = runs.open_family(parse(text))
        for run in wanted:
            runs.perform(one, run, family, Control(), nothing)
        ended = runs.together(two, wanted, Control(), told, refused)
        assert ended == dict.fromkeys(wanted, "finished")
        for run in wanted:
            x, y = one.series(run, LOSS.name)
            np.testing.assert_array_equal(x, two.series(run, LOSS.name)[0])
            np.testing.assert_allclose(y, two.series(run, LOSS.name)[1], rtol=1e-5)
            results = one.result(run, "test"), two.result(run, "test")
            assert results[0] is not None
            assert results[1] is not None
            assert results[0].summary["loss"] == pytest.approx(results[1].summary["loss"], rel=1e-4)


def test_one_that_fails_does_not_hold_the_others_up_and_stopped_ones_go_on(tmp_path: Path) -> None:
    wanted = queued(tmp_path / "p.mlwb", "training.iterations=40", "evaluation.every=10")
    control = Control()

    def stops(_: int) -> Callable[..., None]:
        def tell(_: object, notice: Notice) -> None:
            if isinstance(notice, Evaluated) and notice.iteration == 20:
                control.stop()

        return tell

    with Project.open(tmp_path / "p.mlwb") as project:
        ended = runs.together(project, wanted, control, stops, refused)
        assert set(ended.values()) == {"stopped"}
        again = runs.together(project, wanted, Control(), told, refused)
        assert set(again.values()) == {"finished"}
        assert all(len(project.series(run, LOSS.name)[0]) == 40 for run in wanted)


def test_what_differs_in_more_than_the_seed_is_not_computed_together(tmp_path: Path) -> None:
    text = MAML + '[[algorithm]]\nkind = "maml"\nlabel = "MAML, 2 steps"\ninner_steps = 2\n'
    wanted = queued(tmp_path / "p.mlwb", text=text)
    with Project.open(tmp_path / "p.mlwb") as project:
        ended = runs.together(project, wanted, Control(), told, refused)
    assert ended == dict.fromkeys(wanted, "finished")
    assert len(wanted) == 6


def test_together_and_several_processes_exclude_each_other(call: Call, tmp_path: Path) -> None:
    code, _, said = call("run", "quickstart", "--jobs", "2", "--together")
    assert code == 2
    assert said == "workbench: --together: is done in this process; leave --jobs and --cluster out\n"
