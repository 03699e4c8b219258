"""Runs on a Ray cluster: workers are its actors, wherever Ray has room for them.

What travels there: the configuration, checkpoints and own data; what comes back is what is to be written.
Nothing of it is kept there, and no worker writes to the project.
"""

from __future__ import annotations

import copy
import ctypes
import importlib.util
import ipaddress
import logging
import os
import queue
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Thread, current_thread, main_thread
from typing import Any, ClassVar, Self

import numpy as np
import torch

from workbench.data.parcel import Parcel
from workbench.engine import devices
from workbench.errors import InputError
from workbench.runs.executor import Executor, Lost, Share, Worker
from workbench.runs.remote import Over, Serving

LOCAL = "local"
"""In place of an address: a cluster of this machine alone, for as long as it is needed."""

MOST_UNHEARD = 32
"""Messages of a worker that wait to be fetched; then it waits, too."""

PATIENCE = 60.0
"""Seconds until a node must have said what it has."""

LOOK = 1.0
"""Seconds between two looks at which nodes there are."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
"""It reports to nobody, and says nothing between our lines."""

_ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}
"""It listens on the loopback address alone, and only to those who have the token: this program."""


class ClusterError(InputError):
    """A cluster that cannot serve; the message is one line."""


def demand() -> None:
    """Refuse to go on without Ray.

    Raises
    ------
    ClusterError
        If it is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise ClusterError("cluster: Ray is not installed: pip install ray")


class _Queues:
    """The line of a worker in an actor; what leads out is bounded."""

    def __init__(self) -> None:
        self.coming: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.going: queue.Queue[object] = queue.Queue(MOST_UNHEARD)

    def send(self, message: object) -> None:
        self.going.put(message)

    def recv(self) -> object:
        return self.coming.get()


@dataclass(frozen=True)
class _Here:
    """The first that a worker says: on which node it is."""

    node: str


class _Actor:
    """A worker, as Ray has it: the host calls it, it never calls the host."""

    def __init__(self) -> None:
        import ray

        self._line = _Queues()
        self._line.send(_Here(ray.get_runtime_context().get_node_id()))
        self._serving = Serving(self._line)
        self._serving.begin()
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            self._serving.serve()
        finally:
            os._exit(1)  # then who waits for it is told

    def hear(self, message: object) -> None:
        """Take what the host says."""
        self._line.coming.put(message)

    def take(self) -> list[object]:
        """All that is to be said; waits until there is something."""
        said = [self._line.going.get()]
        while len(said) < MOST_UNHEARD and not self._line.going.empty():
            said.append(self._line.going.get())
        return said


class _Remote(Worker):
    """An actor, and what it will say next."""

    def __init__(self, ray: Any, share: Share) -> None:
        super().__init__(share, started=False)
        self._ray = ray
        kind = ray.remote(concurrency_groups={"in": 1, "out": 1})(_Actor)
        takes = {
            "num_cpus": share.threads,
            "num_gpus": int(share.accelerator),
            "memory": share.memory or None,
        }
        self._actor = kind.options(**takes).remote()
        self.node = ""
        self.coming = self._next()

    def _next(self) -> Any:
        return self._actor.take.options(concurrency_group="out").remote()

    def send(self, message: object) -> None:
        self._actor.hear.options(concurrency_group="in").remote(message)

    def end(self) -> None:
        self._ray.kill(self._actor)

    def take(self) -> list[object]:
        """What it has said."""
        try:
            said: list[object] = self._ray.get(self.coming)
        except self._ray.exceptions.RayError as error:
            return [Lost("low on memory" if "low on memory" in str(error) else "")]
        self.coming = self._next()
        return said


class Cluster(Executor):
    """The workers of a Ray cluster, until it is closed.

    Parameters
    ----------
    address : HOST:PORT of its head, or ``local``.
    jobs : runs at once; 0: as many as it has processors.

    Raises
    ------
    ClusterError
        If Ray is not installed, nothing answers there, or nodes are not alike.
    """

    has_files = False
    _alone: ClassVar[bool | None] = None
    """Whether Ray was loaded for this machine alone, which it looks at once; None: it was not yet."""

    def __init__(self, address: str, jobs: int = 0) -> None:
        demand()
        self._address, self._jobs = address, jobs
        self._names: dict[str, str] = {}
        self._set: list[str] = []
        self._looked, self._there = -LOOK, list[dict[str, Any]]()
        self._ray = self._connected()
        self._head: str = self._ray.get_runtime_context().gcs_address
        try:
            if address == LOCAL:
                self._refuse_to_be_reached()
            self._compare_nodes()
            if jobs > sum(self.processors):
                most = sum(self.processors)
                raise ClusterError(
                    f"--jobs: {jobs} runs at once are too many there; allowed: auto, or 1 to {most}"
                )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave it; a local one ends."""
        self._ray.shutdown()
        self._unset()

    @property
    def jobs(self) -> int:
        return self._jobs or sum(self.processors)

    @property
    def nodes(self) -> int:
        return len(self._nodes())

    @property
    def processors(self) -> Sequence[int]:
        return [int(each["Resources"].get("CPU", 0)) for each in self._nodes()]

    def begin(self, share: Share) -> Worker:
        self._compare_nodes()
        most = max(self.processors, default=0)
        if share.threads > most:
            raise ClusterError(f"cluster: a run with {share.threads} threads; no node has more than {most}")
        if share.accelerator and not any(each["Resources"].get("GPU") for each in self._nodes()):
            raise ClusterError("cluster: a run that computes on an accelerator; no node has one")
        room = max(int(each["Resources"].get("memory", 0)) for each in self._nodes())
        return _Remote(
            self._ray, replace(share, memory=min(share.memory, room))
        )  # it was enough for those alike

    def hear(self, workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, list[object]]]:
        coming = {each.coming: each for each in workers if isinstance(each, _Remote)}
        if not coming:
            time.sleep(seconds)
            return []
        self._nodes()  # without a head there is nothing to wait for
        self._ray.wait([*coming], timeout=seconds)
        ready, _ = self._ray.wait([*coming], num_returns=len(coming), timeout=0)
        return [(coming[each], self._said(coming[each])) for each in ready]

    def _said(self, worker: _Remote) -> list[object]:
        """What a worker has said, with the name of its node where that is worth knowing."""
        said: list[object] = []
        for message in worker.take():
            match message:
                case _Here(node):
                    worker.started, worker.node = True, self._names.get(node, "a new node")
                case Over(refused=str(why)) if why:
                    said.append(replace(message, refused=f"{worker.node}: {why}"))
                case Lost(how):
                    where = f" on {worker.node}" if worker.node else ""
                    said.append(Lost(f"worker{where} died{how and f', {how}'}"))
                case _:
                    said.append(message)
        return said

    def sent(self, data: Parcel) -> Callable[[], Parcel]:
        """Once to each node, where workers share it until they copy what they learn from."""
        if not data.sets:
            return Parcel
        try:
            return _Stored(self._ray.put(data))
        except self._ray.exceptions.RayError as error:
            raise ClusterError(f"cluster: the data cannot be sent: {_one_line(error)}") from None

    def _connected(self) -> Any:
        """Ray, connected."""
        alone = self._address == LOCAL
        if Cluster._alone not in (None, alone):
            raise ClusterError(f"cluster {self._address}: start the program anew; it has used another kind")
        asked = (_QUIET | (_ALONE if alone else {})).items()
        told = {name: value for name, value in asked if name not in os.environ}
        os.environ.update(told)
        self._set = list(told)
        import ray

        Cluster._alone = alone

        logging.getLogger("ray").setLevel(logging.CRITICAL)
        how: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if alone:
            how |= {"address": "local", "num_cpus": devices.most_threads(), "include_dashboard": False}
        else:
            how |= {"address": self._address}
        try:
            if not alone:
                _must_answer(self._address)
            with _own_signals():
                ray.init(**how)
        except Exception as error:
            self._unset()
            if isinstance(error, ClusterError):
                raise
            raise ClusterError(f"cluster {self._address}: {_one_line(error)}") from None
        return ray

    def _unset(self) -> None:
        """Another cluster may be told something else."""
        for name in self._set:
            os.environ.pop(name, None)
        self._set = []

    def _nodes(self) -> list[dict[str, Any]]:
        """Those that live. Ray would ask a head that is gone for a minute, and then end this program."""
        if time.monotonic() - self._looked > LOOK:
            _must_answer(self._head)
            self._there = [each for each in self._ray.nodes() if each["Alive"]]
            self._looked = time.monotonic()
        return self._there

    def _refuse_to_be_reached(self) -> None:
        for each in self._nodes():
            if not ipaddress.ip_address(each["NodeManagerAddress"]).is_loopback:
                heard = each["NodeManagerAddress"]
                raise ClusterError(f"cluster local: Ray would listen on {heard}, not on this machine alone")

    def _compare_nodes(self) -> None:
        """Refuse nodes that would not compute the same; those that were seen before are left alone."""
        new = {each["NodeID"]: each for each in self._nodes() if each["NodeID"] not in self._names}
        there = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        asked = {
            node: self._ray.remote(versions)
            .options(num_cpus=0, max_retries=0, scheduling_strategy=there(node, soft=False))
            .remote()
            for node in new
        }
        here = versions()
        for node, answer in asked.items():
            name = f"{new[node]['NodeManagerHostname']} ({new[node]['NodeManagerAddress']})"
            try:
                found = self._ray.get(answer, timeout=PATIENCE)
            except Exception as error:
                raise ClusterError(f"cluster: {name} cannot run this program: {_one_line(error)}") from None
            for what, mine in here.items():
                if found[what] != mine:
                    raise ClusterError(
                        f"cluster: {name} has {what} {found[what]}, {socket.gethostname()} has {mine}; "
                        "runs would not be the same; make them alike"
                    )
            self._names[node] = name


@dataclass(frozen=True)
class _Stored:
    """Own data in Ray's store, to be had on any node."""

    reference: Any

    def __call__(self) -> Parcel:
        """A copy that may be written to: the store's own may not."""
        import ray

        stored: Parcel = ray.get(self.reference)
        return copy.deepcopy(stored)


def versions() -> dict[str, str]:
    """What results depend on, of a machine."""
    known = devices.environment(torch.device("cpu"))
    names = {"workbench": "the program", "python": "Python", "torch": "torch", "processor": "processors"}
    return {title: str(known[name]) for name, title in names.items()} | {
        "numpy": np.__version__,
        "instructions (ATEN_CPU_CAPABILITY)": torch.backends.cpu.get_cpu_capability(),
    }


def check_address(address: str) -> tuple[str, int]:
    """The host and the port of an address; of the local cluster nothing.

    Raises
    ------
    ClusterError
        If it is none.
    """
    host, _, port = address.rpartition(":")
    if address != LOCAL and not (host and port.isdecimal()):
        raise ClusterError(f"cluster: {address!r} is no address; give HOST:PORT, or local")
    return host, int(port) if host else 0


def _must_answer(address: str) -> None:
    try:
        socket.create_connection(check_address(address), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"cluster {address}: nothing answers ({_one_line(error)}); 'ray start --head' there begins one"
        ) from None


def _one_line(error: BaseException) -> str:
    """The last line, where errors of Ray say what has happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray would end this program on SIGTERM, without a word to its runs."""
    here, before = current_thread() is main_thread(), signal.getsignal(signal.SIGTERM)
    below = _PYTHONS.PyOS_getsig(int(signal.SIGTERM))
    try:
        yield
    finally:
        if here:
            signal.signal(signal.SIGTERM, before)
        else:  # where Python's own part is as it was, and may not be set
            _PYTHONS.PyOS_setsig(int(signal.SIGTERM), below)


_PYTHONS = ctypes.pythonapi
_PYTHONS.PyOS_getsig.restype = ctypes.c_void_p
_PYTHONS.PyOS_setsig.argtypes, _PYTHONS.PyOS_setsig.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
