"""Runs on a Ray cluster: the same bits as in this thread, though a node dies; what cannot be is one line."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.test_processes import done_here, nothing, queued, same
from workbench import runs
from workbench.config import parse
from workbench.data.parcel import Parcel
from workbench.engine.events import Evaluated
from workbench.project import Project, RunRecord
from workbench.runs import Control, Host, Told, cluster, elsewhere

Call = Callable[..., tuple[int, str, str]]

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason='Ray is not installed: pip install ".[cluster]"'
)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray as a cluster of this machine alone would have it: heard by nobody else."""
    for name, value in (cluster._QUIET | cluster._ALONE).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cluster.Cluster, "_alone", None)


@dataclass
class Nodes:
    """Three nodes, all on this machine."""

    cluster: Any
    others: list[Any]

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def lose(self) -> None:
        """One of them dies, with all that is done there."""
        self.cluster.remove_node(self.others.pop(), allow_graceful=False)


@pytest.fixture
def nodes(alone: None) -> Iterator[Nodes]:
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        yield Nodes(made, [made.add_node(num_cpus=1) for _ in range(2)])
    finally:
        made.shutdown()


@needs_ray
def test_the_bits_are_those_of_this_thread_though_a_node_dies(tmp_path: Path, nodes: Nodes) -> None:
    here, there = tmp_path / "here.mlwb", tmp_path / "there.mlwb"
    seeds = "training.seeds=[0, 1, 2]"
    wanted = queued(here, seeds)
    assert queued(there, seeds) == wanted
    done_here(here, wanted)
    lost: list[int] = []

    def lose(record: RunRecord, told: Told) -> None:
        if isinstance(told.notice, Evaluated) and told.iteration == 60 and not lost:
            lost.append(record.id)
            nodes.lose()

    with elsewhere(0, nodes.address) as executor, Project.open(there) as project:
        assert executor is not None
        assert executor.jobs == 3
        ended = Host(project, executor, Control(), lose, nothing).perform(wanted)
    assert lost
    assert set(ended.values()) == {"finished"}
    same(here, there, wanted)


@needs_ray
def test_what_is_stopped_there_goes_on_here_bit_for_bit(tmp_path: Path, alone: None) -> None:
    here, there = tmp_path / "here.mlwb", tmp_path / "there.mlwb"
    wanted = queued(here)
    assert queued(there) == wanted
    done_here(here, wanted)
    control = Control()

    def stop(_: RunRecord, told: Told) -> None:
        if isinstance(told.notice, Evaluated) and told.iteration > 0:
            control.stop()

    with elsewhere(1, "local") as executor, Project.open(there) as project:
        assert executor is not None
        ended = Host(project, executor, control, stop, nothing).perform(wanted)
        assert ended == {wanted[0]: "stopped"}
        assert [run.status for run in project.runs()] == ["stopped", "queued"]
    done_here(there, wanted)
    same(here, there, wanted)


@needs_ray
@pytest.mark.parametrize("time", ["once", "once more"])
def test_a_local_cluster_listens_on_this_machine_alone(time: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.Cluster, "_alone", None)
    before = [os.environ.get(name) for name in cluster._ALONE]
    polite = signal.getsignal(signal.SIGTERM)
    with elsewhere(0, "local") as executor:
        assert executor is not None
        assert signal.getsignal(signal.SIGTERM) is polite, "who asks it to end is heard as before"
        assert sum(executor.processors) == len(os.sched_getaffinity(0))
        mine = psutil.Process()
        heard = [
            each.laddr.ip
            for process in (mine, *mine.children(recursive=True))
            for each in process.net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        ]
    assert [os.environ.get(name) for name in cluster._ALONE] == before
    assert heard
    assert {ip.removeprefix("::ffff:") for ip in heard} == {"127.0.0.1"}


FUNCTIONS = """
[task]
family = "functions"
path = "{path}"
shots = 3
queries = 3
[training]
iterations = 4
meta_batch = 2
threads = 1
chunk = 2
[evaluation]
episodes = 4
validation_episodes = 4
[[algorithm]]
kind = "maml"
"""


@needs_ray
@pytest.mark.parametrize("travels", [True, False])
def test_own_data_travels_to_who_has_not_the_files(tmp_path: Path, alone: None, travels: bool) -> None:
    path = tmp_path / "own.npz"
    x = np.linspace(0, 1, 200, dtype=np.float32)
    np.savez(path, x=x, y=np.sin(x), task=np.arange(200) // 20)
    experiment = parse(FUNCTIONS.format(path=path.as_posix()))
    with Project.create(tmp_path / "p.mlwb") as project:
        wanted = runs.add(project, experiment, runs.open_family(experiment))
        refused: list[str] = []

        class Elsewhere(cluster.Cluster):
            def sent(self, data: Parcel) -> Callable[[], Parcel]:
                path.unlink()
                return super().sent(data if travels else Parcel())

        with Elsewhere("local") as executor:
            host = Host(project, executor, Control(), nothing, lambda _, why: refused.append(why))
            ended = host.perform(wanted)
    assert list(ended.values()) == ["finished" if travels else "stopped"]
    assert [socket.gethostname() in why and "no such file" in why for why in refused] == [True] * (
        not travels
    )


@needs_ray
def test_nodes_that_are_not_alike_are_refused_with_both_named(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.np, "__version__", "1.0")
    with pytest.raises(cluster.ClusterError) as error, elsewhere(0, nodes.address):
        pass
    assert str(error.value).startswith(f"cluster: {socket.gethostname()} (127.0.0.1) has numpy ")
    assert f"{socket.gethostname()} has 1.0; " in str(error.value)


@needs_ray
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "cluster 127.0.0.1:1: nothing answers ("),
        ("nowhere", "cluster: 'nowhere' is no address; give HOST:PORT, or local"),
        ("localhost:99999999", "cluster localhost:99999999: nothing answers ("),
    ],
)
def test_a_cluster_that_is_not_there_is_one_line(call: Call, alone: None, address: str, said: str) -> None:
    code, _, err = call("run", "quickstart", "--cluster", address)
    assert code == 2
    assert err.startswith(f"workbench: {said}")
    assert err.count("\n") == 1


@needs_ray
def test_ray_that_was_loaded_for_others_is_not_trusted_to_be_alone(
    call: Call, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.Cluster, "_alone", False)
    code, _, err = call("run", "quickstart", "--cluster", "local")
    said = "workbench: cluster local: start the program anew; it has used another kind\n"
    assert (code, err) == (2, said)


@needs_ray
@pytest.mark.parametrize("jobs", ["0", "10000", "-1"])
def test_a_number_of_jobs_that_a_cluster_cannot_do_is_one_line(call: Call, alone: None, jobs: str) -> None:
    code, _, err = call("run", "quickstart", "--cluster", "local", "--jobs", jobs)
    assert code == 2
    assert err.startswith("workbench: --jobs: ")
    assert err.count("\n") == 1


def test_who_has_no_ray_is_told_what_to_install(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, err = call("run", "quickstart", "--cluster", "local")
    assert (code, err) == (2, "workbench: cluster: Ray is not installed: pip install ray\n")
