"""Energy by phase, from counters that go round, that are missing, or that may not be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.experiments import experiment, family
from workbench import runs
from workbench.analysis import sweep
from workbench.analysis.results import run_entries, runs_rows
from workbench.analysis.source import ProjectSource
from workbench.engine import energy
from workbench.engine.cost import spent
from workbench.engine.energy import Energy
from workbench.engine.interruption import nobody_asks
from workbench.engine.trainer import Trainer
from workbench.export import paper_tables
from workbench.project import Project

Zone = Callable[..., Path]


@pytest.fixture
def zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zone:
    """Makes a zone of a platform that tells; gives its counter."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)

    def make(folder: str, name: str, microjoules: int, range_: int = 10_000_000) -> Path:
        at = tmp_path / folder
        at.mkdir()
        (at / "name").write_text(f"{name}\n")
        (at / "max_energy_range_uj").write_text(f"{range_}\n")
        (at / "energy_uj").write_text(f"{microjoules}\n")
        return at / "energy_uj"

    return make


def test_packages_are_added_up_and_their_parts_are_not(zone: Zone) -> None:
    first, other = zone("intel-rapl:0", "package-0", 100), zone("intel-rapl:1", "package-1", 0)
    core, all_ = zone("intel-rapl:0:0", "core", 0), zone("intel-rapl:2", "psys", 0)
    told = Energy()
    with told.spent("training"):
        for counter, now in ((first, 2_000_100), (other, 500_000), (core, 900_000), (all_, 4_000_000)):
            counter.write_text(f"{now}\n")
    assert told.joules == pytest.approx({"training": 2.5, "validation": 0, "test": 0})


def test_a_counter_goes_round_also_more_than_once_where_it_is_watched(zone: Zone) -> None:
    counter = zone("intel-rapl:0", "package-0", 9_000_000)
    told = Energy()
    asked = told.watched(nobody_asks)
    with told.spent("test"):
        for now in (1_000_000, 8_000_000, 2_000_000):  # 2 J, 7 J, 4 J
            counter.write_text(f"{now}")
            assert not asked()
    assert told.joules is not None
    assert told.joules["test"] == pytest.approx(13)


def test_where_nothing_can_be_read_there_is_nothing(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Energy().joules is None
    assert Energy().watched(nobody_asks) is nobody_asks
    zone("intel-rapl:0", "package-0", 1)
    read = Path.read_text

    def forbidden(self: Path, *given: object, **more: object) -> str:
        if self.name == "energy_uj":
            raise PermissionError(self)
        return read(self)

    told = Energy()
    assert told.joules is not None
    monkeypatch.setattr(Path, "read_text", forbidden)
    assert Energy().joules is None
    with told.spent("test"):
        pass
    assert told.joules is None, "it is not known of a part"
    e = experiment("maml")
    assert "joules" not in spent(Trainer(e, e.algorithm[0], 0, family(e)))


@pytest.fixture
def telling(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose counter gains a joule whenever it is read."""
    zone("intel-rapl:0", "package-0", 0, 10**15)
    now = iter(range(10**6))
    number = energy._number
    monkeypatch.setattr(
        energy, "_number", lambda file: 1e6 * next(now) if file.name == "energy_uj" else number(file)
    )


@pytest.mark.parametrize("tells", [True, False])
def test_what_a_run_took_is_in_its_result_and_in_tables(
    tells: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("telling" if tells else "zone")
    e = experiment("maml")
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = runs.add(project, e, family(e))
        runs.perform(project, run, family(e), runs.Control(), lambda *_: None)
        result, entries = project.result(run, "test"), run_entries(project)
        (setup,) = sweep.setups(ProjectSource(project))
    assert result is not None
    joules = result.summary["cost"].get("joules", {})
    assert joules.keys() == ({"training", "validation", "test"} if tells else set())
    assert all(each >= 1 for each in joules.values())
    assert runs_rows(entries)[0].get("joules") == setup.costs["energy"] == joules.get("training")
    assert ("Joules" in [each.heading for each in paper_tables.of_runs(entries).columns]) is tells
    assert ("energy" in sweep.costs([setup])) is tells


@pytest.mark.usefixtures("telling")
def test_a_run_that_goes_on_adds_to_what_it_took() -> None:
    e = experiment("maml")
    work, other = (Trainer(e, e.algorithm[0], 0, family(e)) for _ in range(2))
    for _ in work.events():
        if work.iteration:
            break
    state = work.state()
    other.restore(state)
    assert other.energy.joules == work.energy.joules
    del state.values["joules"]  # it began where nothing was told
    other.restore(state)
    assert other.energy.joules is None
