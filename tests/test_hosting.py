"""Who hosts runs: how many workers there are, how wide, and what happens to those that wait for a place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.test_processes import nothing, queued
from workbench.project import Project
from workbench.runs import Control, Host
from workbench.runs.executor import Executor, Share, Worker, share_of
from workbench.runs.remote import Order, Over, Writes


class Scripted(Worker):
    """A worker that does nothing; what it is sent lies in ``heard``."""

    def __init__(self, share: Share, *, started: bool) -> None:
        super().__init__(share, started=started)
        self.heard: list[object] = []
        self.ended = False

    def send(self, message: object) -> None:
        self.heard.append(message)

    def end(self) -> None:
        self.ended = True


class Place(Executor):
    """Machines of so many processors. Of those that began, the first that has a run says that it is over."""

    def __init__(
        self, processors: list[int], jobs: int, *, full: int = 99, peak: int = 0, free: int | None = None
    ) -> None:
        self._processors, self._jobs, self._full = processors, jobs, full
        self._peak, self._free = peak, free
        self.begun: list[Scripted] = []
        self.at_once: list[int] = []

    @property
    def jobs(self) -> int:
        return self._jobs

    @property
    def processors(self) -> Sequence[int]:
        return self._processors

    @property
    def free(self) -> int | None:
        return self._free

    def begin(self, share: Share) -> Worker:
        self.begun.append(Scripted(share, started=len(self.begun) < self._full))
        return self.begun[-1]

    def hear(self, workers: Sequence[Worker], seconds: float) -> list[tuple[Worker, list[object]]]:
        self.at_once.append(sum(each.share.threads for each in workers if each.run is not None))
        for each in workers:  # a place that has become free is another's
            each.started |= sum(not one.ended for one in self.begun) <= self._full
        first = next((each for each in workers if each.run is not None and each.started), None)
        if first is None:
            return []
        result = first.run, "test", {"cost": {"peak_memory": self._peak}}, {}, ""
        return [(first, [Writes([("save_result", result, {})]), Over("finished")])]


@pytest.mark.parametrize(("threads", "most"), [(1, 4), (2, 4), (3, 3)])
def test_workers_have_no_more_threads_than_there_are_processors(
    tmp_path: Path, threads: int, most: int
) -> None:
    wanted = queued(tmp_path / "p.mlwb", "training.seeds=[0, 1, 2]", f"training.threads={threads}")
    place = Place([4], 6)
    with Project.open(tmp_path / "p.mlwb") as project:
        ended = Host(project, place, Control(), nothing, nothing).perform(wanted)
    assert set(ended) == set(wanted)
    assert max(place.at_once) == most
    assert all(each.ended for each in place.begun)


@pytest.mark.parametrize(("free", "workers"), [(8, 1), (9, 2), (None, 2)])
def test_no_worker_is_begun_for_whom_there_is_no_memory(
    tmp_path: Path, free: int | None, workers: int
) -> None:
    """The first run tells what those alike take."""
    first, *others = queued(tmp_path / "p.mlwb", "training.seeds=[0, 1, 2, 3]")[:4]
    place = Place([2], 2, peak=9, free=free)

    def more() -> list[int]:
        found = others[:]
        others.clear()
        return found

    with Project.open(tmp_path / "p.mlwb") as project:
        ended = Host(project, place, Control(), nothing, nothing).perform([first], more)
    assert list(ended.values()) == ["finished"] * 4
    assert len(place.begun) == workers


@pytest.mark.parametrize(
    ("processors", "jobs", "share"), [([8], 2, 4), ([2], 2, 1), ([2], 5, 1), ([4, 4, 3], 3, 3), ([], 1, 1)]
)
def test_processors_are_shared_out_evenly(processors: list[int], jobs: int, share: int) -> None:
    assert share_of(processors, jobs) == share


def test_who_waits_for_a_place_is_let_in_by_who_is_idle(tmp_path: Path) -> None:
    wanted = queued(tmp_path / "p.mlwb")
    place = Place([2], 2, full=1)
    with Project.open(tmp_path / "p.mlwb") as project:
        ended = Host(project, place, Control(), nothing, nothing).perform(wanted)
    assert set(ended.values()) == {"finished"}
    assert [len([each for each in one.heard if isinstance(each, Order)]) for one in place.begun] == [1, 1]


def test_who_waits_for_a_place_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    wanted = queued(tmp_path / "p.mlwb")
    control = Control()

    class Full(Place):
        def begin(self, share: Share) -> Worker:
            control.stop()
            return super().begin(share)

    place = Full([2], 2, full=0)
    with Project.open(tmp_path / "p.mlwb") as project:
        assert Host(project, place, control, nothing, nothing).perform(wanted) == {wanted[0]: "stopped"}
        assert [run.status for run in project.runs()] == ["queued", "queued"]
    assert place.begun[0].ended
