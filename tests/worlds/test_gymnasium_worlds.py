"""Environments of gymnasium as task families: acted in from end to end, and refused or mended in one line."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from tests import processes
from tests.test_runs import StopAt, contents, every_iteration  # noqa: F401 (a fixture)
from tests.worlds import test_contract as contract
from tests.worlds.installed import needs_gymnasium
from tests.worlds.some import at_random, chance, tasks
from workbench import runs
from workbench.config import ConfigError, parse
from workbench.project import Project
from workbench.runs import Control
from workbench.tasks.gymnasium_worlds import GymnasiumWorld, range_of
from workbench.worlds.base import World
from workbench.worlds.rollout import rollout
from workbench.worlds.spans import Span

pytestmark = needs_gymnasium

Call = Callable[..., tuple[int, str, str]]
SMALL = """
name = "small"
[task]
family = "gymnasium"
horizon = 12
episodes = 2
rollouts = 3
updates = 2
{task}
[network]
kind = "mlp"
hidden = [8]
[training]
iterations = 6
meta_batch = 4
threads = 1
chunk = 4
checkpoint_every = 3600
[evaluation]
episodes = 6
validation_episodes = 4
every = 3
inner_steps = 2
[[algorithm]]
kind = "{kind}"
"""
PENDULUM = 'environment = "Pendulum-v1"\nparameters = ["g 5 to 15"]'


def written(folder: Path, kind: str, task: str = "") -> Path:
    path = folder / "e.toml"
    path.write_text(SMALL.format(kind=kind, task=task), encoding="utf-8")
    return path


# --- the world ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["CartPole-v1", "Pendulum-v1"])
def world(request: pytest.FixtureRequest) -> World:
    name = {"CartPole-v1": "length", "Pendulum-v1": "g"}[request.param]
    return GymnasiumWorld(request.param, {name: Span(0.25, 12)}, horizon=20)


@pytest.mark.parametrize(
    "holds",
    [
        contract.test_many_tasks_at_once_are_as_each_by_itself,
        contract.test_many_episodes_at_once_are_as_each_by_itself,
        contract.test_under_vmap_the_same_happens,
        contract.test_many_trials_at_once_are_as_each_by_itself,
        contract.test_tasks_do_not_see_each_other,
        contract.test_shapes_are_as_the_contract_says,
        contract.test_what_is_known_of_a_task_tells_it_from_others_and_is_of_the_order_of_one,
        contract.test_a_shift_has_other_tasks,
        contract.test_the_same_chance_is_drawn_from_the_same_seed,
    ],
    ids=lambda holds: holds.__name__.removeprefix("test_"),
)
def test_the_contract_holds(holds: Callable[[World], None], world: World) -> None:
    holds(world)


def test_what_random_actions_meet_has_the_scale_of_one(world: World) -> None:
    met = rollout(world, tasks(world, (200,)), chance(world, (200,)), at_random(world))
    seen = met["observation"][met["alive"] > 0]
    assert seen.mean(0).abs().max() < 0.5
    assert 0.5 < seen.std(0).min() < seen.std(0).max() < 2


def test_copies_that_somebody_else_acts_in_are_not_mixed_up(world: World) -> None:
    task, luck = tasks(world, (3,)), chance(world, (3,))
    state = world.reset(task, luck)
    world.reset(task, luck)
    action = torch.zeros(3, dtype=torch.int64) if world.actions.discrete else torch.zeros(3, 1)
    with pytest.raises(RuntimeError, match="copies were reset while somebody acted in them"):
        world.step(state, action, task, luck, 0)


def test_a_parameter_is_felt(world: World) -> None:
    luck = chance(world, (1,))
    (name,) = world.draws
    first, second = (
        rollout(world, world.task({name: torch.full((1, 1), each)}), luck, at_random(world))
        for each in (0.1, 0.9)
    )
    assert torch.equal(first["observation"][:, 0], second["observation"][:, 0])
    assert not torch.equal(first["observation"][:, 2], second["observation"][:, 2])


# --- from end to end ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "task"), [("rl2", ""), ("oracle", PENDULUM), ("maml_pg", PENDULUM)])
def test_it_is_learned_in_and_gives_the_same_twice(kind: str, task: str, tmp_path: Path, call: Call) -> None:
    experiment, found = written(tmp_path, kind, task), []
    for name in ("one.mlwb", "other.mlwb"):
        code, _, said = call("run", experiment, "--project", tmp_path / name)
        assert code == 0, said
        with Project.open(tmp_path / name, read_only=True) as project:
            found.append(contents(project, 1))
            assert project.run(1).environment["gymnasium"] == version("gymnasium")
    assert repr(found[0]) == repr(found[1])  # where what is no number is equal to itself
    returns = found[0]["test"]["measures"]["return"]["mean"]
    assert len(returns) == {"maml_pg": 3}.get(kind, 2)


def test_a_killed_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    experiment, killed = written(tmp_path, "rl2"), tmp_path / "killed.mlwb"
    run = ["run", str(experiment), "--set", "training.checkpoint_every=0.01", "--project"]
    processes.finished(*run, tmp_path / "whole.mlwb")
    with processes.started(*run, killed, ahead=1) as process:
        assert any(re.search(r": 3/6  validation", line) for line in process.lines())
        process.send_signal(signal.SIGKILL)
    processes.finished("resume", killed)
    with Project.open(tmp_path / "whole.mlwb") as whole, Project.open(killed) as resumed:
        assert contents(resumed, 1) == contents(whole, 1)


@pytest.mark.usefixtures("strange", "every_iteration")
@pytest.mark.parametrize(
    ("mood", "complaint"),
    [
        ("raises", "OSError: the track is closed"),
        ("hangs", "no step came to its end within 1 s; its process was ended"),
        ("crashes", r"its process ended by itself \(exit code 3\)"),
        ("counts wrongly", "its rewards hold inf, which is no finite number"),
    ],
)
def test_a_run_whose_environment_fails_goes_on_once_it_is_mended(
    mood: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mood"
    monkeypatch.setenv("MOOD", str(file))
    experiment = parse(
        SMALL.format(kind="rl2", task='environment = "strange/Moody-v0"\nparameters = []\nlimit = 1.0')
    )
    family = runs.open_family(experiment)
    with Project.create(tmp_path / "p.mlwb") as project:
        whole, run = (runs.add(project, experiment, family)[0] for _ in range(2))
        assert runs.perform(project, whole, family, Control(), lambda *_: None) == "finished"

        fails = StopAt(4, lambda: file.write_text(mood) and None)
        assert runs.perform(project, run, family, Control(), fails) == "failed"
        record = project.run(run)
        assert re.fullmatch(f"meta-iteration 5: environment strange/Moody-v0: {complaint}", record.failure)
        assert record.iterations == project.checkpoint_iterations(run)[0] == 4

        file.unlink()
        assert runs.perform(project, run, family, Control(), lambda *_: None) == "finished"
        assert contents(project, run) == contents(project, whole)


# --- what is refused ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("strange")
@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("task.environment=Cartpole-v9", "environment Cartpole-v9: NameNotFound: "),
        ("task.environment=os:Pole-v1", "task.environment: no module may be named; "),
        ("task.environment=strange/Tuples-v0", "its actions are a MultiDiscrete of shape (2,)"),
        ("task.environment=strange/Sees-v0", "its observations have 19,200 numbers"),
        ("task.environment=Pendulum-v1", "it has no number named length; it has "),
        ("task.parameters=['length']", "'length' is no range: write length 0.25 to 1"),
        ("task.parameters=['length 2 to 1']", "the second number must be larger"),
        ("task.parameters=['length 1 to 2', 'length 2 to 3']", "each parameter may be named once"),
        ("task.horizon=0", "task.horizon: 0 is out of range"),
        ("task.limit=0", "task.limit: 0 is out of range"),
        ("algorithm.0.kind=maml", "needs gradient, which family 'gymnasium' (control) does not give"),
        ("algorithm.0.kind=recurrent", "needs gradient"),
        ("task.shift=sideways", "task.shift"),
        ("task.drift={segments=2, parameter='mass'}", "'mass' is not known; allowed: length, force_mag"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    setting: str, complaint: str, tmp_path: Path, call: Call
) -> None:
    code, _, said = call("run", written(tmp_path, "rl2"), "--set", setting, "--project", tmp_path / "p.mlwb")
    assert (code, len(said.splitlines())) == (2, 1), said
    assert complaint in said
    assert not (tmp_path / "p.mlwb").exists()


@pytest.mark.parametrize(
    ("text", "name", "span"),
    [
        ("length 0.25 to 1", "length", Span(0.25, 1)),
        ("  g  -1e1 to .5 ", "g", Span(-10, 0.5)),
        ("force_mag ±5 to 15", "force_mag", Span(5, 15, signed=True)),
    ],
)
def test_a_range_is_read_as_it_is_written(text: str, name: str, span: Span) -> None:
    assert range_of(text) == (name, span)


@pytest.mark.parametrize("text", ["g ±-1 to 2", "g 1 to 1e999", "g nan to 1", "g from 1 to 2", "1 to 2"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"task\.parameters"):
        parse(SMALL.format(kind="rl2", task=f"parameters = {json.dumps([text])}"))
