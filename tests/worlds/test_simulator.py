"""An environment in a process of its own: what it gives, and one line for whatever it does."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from tests.worlds.installed import needs_gymnasium
from workbench.worlds import simulator
from workbench.worlds.simulated import Array
from workbench.worlds.simulator import Simulator, SimulatorError

pytestmark = [needs_gymnasium, pytest.mark.usefixtures("strange")]

SEEDS = np.arange(3)
STRANGE = "strange/"


def acted(environment: str, steps: int = 6, limit: float = 60) -> Array:
    """The rewards of three copies that always do what comes first, ``[steps, 3]``."""
    one = Simulator(STRANGE + environment, limit=limit)
    try:
        one.reset(SEEDS, {})
        actions = np.zeros((3, one.spaces.numbers)) if one.spaces.numbers else np.zeros(3, int)
        return np.stack([one.step(actions)[1] for _ in range(steps)])
    finally:
        one.close()


def test_an_episode_is_a_function_of_its_seed_its_parameters_and_what_is_done() -> None:
    one = Simulator(STRANGE + "Steady-v0", ["pay"])
    assert one.spaces == (2, 3, 0)
    first = one.reset(SEEDS, {"pay": np.array([1.0, 10, 100])})
    assert len(np.unique(first[:, 0])) == 3
    rewards, overs = [], []
    for _ in range(6):
        seen, reward, over = one.step(np.array([0, 1, 2]))
        rewards.append(reward)
        overs.append(over)
    # moves count from 5; the fourth step is the last
    np.testing.assert_array_equal(rewards, np.outer([1, 1, 1, 1, 0, 0], [5, 60, 700]))
    np.testing.assert_array_equal(overs, np.outer([0, 0, 0, 1, 1, 1], [1, 1, 1]))
    np.testing.assert_array_equal(seen[:, 1], 4)
    again = one.reset(np.array([1]), {"pay": np.array([3.0])})
    np.testing.assert_array_equal(again, first[1:2])
    assert one.step(np.array([0]))[1] == 15
    one.close()


def test_a_state_is_seen_as_one_number_for_each() -> None:
    one = Simulator(STRANGE + "Counts-v0")
    assert one.spaces == (5, 3, 0)
    np.testing.assert_array_equal(one.reset(SEEDS[:1], {}), [[1, 0, 0, 0, 0]])
    np.testing.assert_array_equal(one.step(np.zeros(1, int))[0], [[0, 1, 0, 0, 0]])
    one.close()


def test_numbers_from_minus_one_to_one_are_the_whole_range_of_an_action() -> None:
    one = Simulator(STRANGE + "Numbers-v0")
    assert one.spaces == (2, 0, 2)
    one.reset(SEEDS, {})
    _, reward, _ = one.step(np.array([[-1, -1], [1, 0.5], [7, 7]]))
    np.testing.assert_allclose(reward, [2 * (0 - 4), 2 * (1 + 2), 2 * (1 + 4)])
    one.close()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Raises-v0", "OSError: the track is closed"),
        ("Crashes-v0", "its process ended by itself (exit code 3)"),
        ("Leaves-v0", "its process ended by itself (exit code 4)"),
        ("NotANumber-v0", "its rewards hold nan, which is no finite number"),
        ("Blind-v0", "its observations hold inf, which is no finite number"),
        ("Sees-v0", "its observations have 19,200 numbers; at most 1,000 can be seen"),
        ("Listens-v0", "its observations are a Sequence; they must be numbers"),
        ("Unlimited-v0", "its actions are a Box of shape (2,); every number of an action must have limits"),
        (
            "Tuples-v0",
            "its actions are a MultiDiscrete of shape (2,); they must be Discrete or a Box of one dimension",
        ),
        ("Unheard-v0", "NameNotFound: Environment `Unheard` doesn't exist in namespace strange."),
    ],
)
def test_what_an_environment_does_wrong_is_said_in_one_line(name: str, complaint: str) -> None:
    with pytest.raises(SimulatorError) as error:
        acted(name)
    assert str(error.value).startswith(f"environment {STRANGE}{name}: {complaint}")
    assert "\n" not in str(error.value)


def test_one_that_hangs_is_ended() -> None:
    one = Simulator(STRANGE + "Hangs-v0", limit=60)
    one.reset(SEEDS, {})
    one.step(np.zeros(3, int))
    one._limit, process = 0.5, one._process  # so that only the step that hangs is short of time
    with pytest.raises(SimulatorError, match=r"no step came to its end within 0.5 s; its process was ended"):
        one.step(np.zeros(3, int))
    assert process.exitcode is not None
    with pytest.raises(SimulatorError, match="what was begun in it is lost"):
        one.step(np.zeros(3, int))


def test_another_process_begins_after_one_that_was_killed() -> None:
    one = Simulator(STRANGE + "Steady-v0")
    first = one.reset(SEEDS, {})
    one._process.kill()
    with pytest.raises(SimulatorError, match=r"its process ended by itself \(exit code -?\d+\)"):
        one.step(np.zeros(3, int))
    np.testing.assert_array_equal(one.reset(SEEDS, {}), first)
    one.close()


def test_a_parameter_that_an_environment_does_not_have_is_refused_and_those_it_has_are_named() -> None:
    with pytest.raises(SimulatorError, match=r"it has no number named lenght; it has .*force_mag.*, length,"):
        _ = Simulator("CartPole-v1", ["lenght"]).spaces


def test_what_is_made_of_parameters_follows_them() -> None:
    """Twice the mass of the pole and half its length is another pole, not one of the same moment."""
    from workbench.worlds.simulated import Copies

    copies = Copies("CartPole-v1", ["length", "masspole"], lambda: None)
    copies.reset(np.array([0]), {"length": np.array([0.25]), "masspole": np.array([0.4])})
    cart = copies._copies[0].unwrapped
    assert (cart.total_mass, cart.polemass_length) == pytest.approx((1.4, 0.1))


def test_what_an_environment_prints_reaches_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    assert acted("Prints-v0", steps=1).tolist() == [[1, 1, 1]]
    assert capfd.readouterr() == ("", "")


def test_the_process_ends_with_who_asked_it() -> None:
    one = Simulator(STRANGE + "Steady-v0")
    one.reset(SEEDS, {})
    process, gone = one._process, weakref.ref(one)
    del one
    gc.collect()
    assert gone() is None
    assert process.exitcode is not None


KILLED = """
import os, signal
import numpy as np
from workbench.worlds.simulator import Simulator
one = Simulator("strange/Hangs-v0")
one.reset(np.arange(1), {})
one.step(np.zeros(1, int))
one._connection.send(("step", np.zeros(1, int)))
print(one._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another's child is waited for by a pidfd")
def test_even_one_that_hangs_ends_with_a_program_that_is_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    with contextlib.suppress(ProcessLookupError):  # gone already
        ended, _, _ = select.select([os.pidfd_open(int(done.stdout))], [], [], 60)
        assert ended


def test_without_gymnasium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SimulatorError, match="gymnasium is not installed: pip install gymnasium"):
        _ = Simulator("CartPole-v1").spaces
