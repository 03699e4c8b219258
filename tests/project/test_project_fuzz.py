"""A project file from a stranger: cut anywhere, changed anywhere, it is read or refused, in peace.

The same few hundred examples each time; ``python -m tests.fuzz projects`` looks for others.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.project.conftest import evaluated, reached
from workbench.project import Project, ProjectError

PAGE = 4096
SETTINGS = {"suppress_health_check": list(HealthCheck)}


class Files(dict[str, bytes]):
    """Files by name, printed by their lengths."""

    def __repr__(self) -> str:
        return repr({name: len(content) for name, content in self.items()})


@pytest.fixture(scope="module", autouse=True)
def _in_memory() -> Iterator[None]:
    """A thousand files and their copies: in memory where the system has a folder for that."""
    with pytest.MonkeyPatch.context() as patch:
        if Path("/dev/shm").is_dir():
            patch.setattr(tempfile, "tempdir", "/dev/shm")
        yield


def fill(project: Project) -> None:
    rng = np.random.default_rng(0)
    experiment = project.add_experiment("Sinusoid", 'name = "Sinusoid"\n' + "# more\n" * 900, "c0ffee" * 10)
    for seed in range(30):
        with project.transaction():
            run = project.add_run(
                experiment,
                name=f"run {seed}",
                algorithm="maml",
                task="sinusoid",
                seed=seed,
                status="running",
                environment={"python": "3.11", "threads": 2},
                tags=["a"],
            )
            if seed < 3:
                for start in range(0, 6000, 500):
                    x = np.arange(start, start + 500)
                    project.append_series(run, "loss", x, rng.normal(size=500))
                    project.append_series(run, "seconds", x, np.arange(500.0))
            for iteration in range(0, 1000, 200):
                project.add_evaluation(run, iteration, "validation", evaluated(*rng.normal(size=11)))
            told = reached(*[1.0] * 11, episodes=50)
            project.save_result(run, "test", told, {"loss": rng.normal(size=(11, 50))}, "h")
            project.save_checkpoint(run, 900, {"state": list(range(100))}, rng.bytes(9000))
    project.set_setting("layout", {"docks": ["runs"]})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A realistic project, closed."""
    path = tmp_path_factory.mktemp("fuzz") / "P.mlwb"
    with Project.create(path) as project:
        fill(project)
    return Files({path.name: path.read_bytes()})


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The same as a killed process leaves it: half of it still in the journal."""
    path = tmp_path_factory.mktemp("fuzz") / "P.mlwb"
    with Project.create(path) as project:
        fill(project)
        project._rows("PRAGMA wal_checkpoint(TRUNCATE)")
        project._rows("PRAGMA wal_autocheckpoint=0")
        for run in range(1, 10):
            project.save_checkpoint(run, 901, {}, bytes(5000))
            project.update_run(run, notes="x" * 500)
        return Files({file.name: file.read_bytes() for file in path.parent.iterdir()})


def lay_out(files: Files) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        yield folder
    finally:
        shutil.rmtree(folder)


def listing(folder: Path) -> Files:
    return Files({file.name: file.read_bytes() for file in folder.iterdir()})


def refused(call: Callable[..., object], *arguments: object, **options: object) -> bool:
    """Whether a call is refused, which may be with a ProjectError of one line and in no other way."""
    message = ""
    try:
        call(*arguments, **options)
    except ProjectError as error:
        message = str(error)
    assert "\n" not in message
    return bool(message)


def use(path: Path, read_only: bool) -> None:
    """Open a project, read everything, go on with a run; only opening may fail as a whole."""
    with Project.open(path, read_only=read_only) as project:
        assert not any("\n" in problem for problem in project.verify())
        for run in (1, 2, 3, 30):
            for name in ("loss", "seconds"):
                refused(project.series, run, name)
            refused(project.series_names, run)
            refused(project.evaluations, run, "validation")
            refused(project.result, run, "test")
            refused(project.checkpoint, run)
            refused(project.run, run)
        refused(project.setting, "layout")
        if not project.read_only:
            refused(project.append_series, 1, "loss", [10_000], [1.0])
            refused(project.rewind, 1, 4500)
            refused(project.save_checkpoint, 1, 1000, {}, bytes(20_000))
            refused(project.update_run, 1, status="finished")


def check(files: Files) -> None:
    """Whatever the file: opened or refused, and unchanged unless it was opened for writing."""
    for folder in lay_out(files):
        refused(use, folder / "P.mlwb", read_only=True)
        assert listing(folder) == files
        if refused(use, folder / "P.mlwb", read_only=False):
            assert listing(folder) == files


def damaged(files: Files, name: str, changes: list[tuple[int, int]]) -> Files:
    content = bytearray(files[name])
    for offset, value in changes:
        content[offset % len(content)] ^= value
    return Files({**files, name: bytes(content)})


# Bytes that hold the file together are few: the header, and the first bytes of each page.
offsets = st.one_of(
    st.integers(0, 107),
    st.builds(lambda page, byte: PAGE * page + byte, st.integers(0, 10_000), st.integers(0, 60)),
    st.integers(0, 2**40),
)
changes = st.lists(st.tuples(offsets, st.integers(1, 255)), min_size=1, max_size=6)


@given(st.integers(0, 2**40))
@settings(max_examples=60, **SETTINGS)
def test_a_file_cut_anywhere_is_refused_or_reported(whole: Files, length: int) -> None:
    check(Files({"P.mlwb": whole["P.mlwb"][: length % len(whole["P.mlwb"])]}))


@given(changes)
@settings(max_examples=150, **SETTINGS)
def test_a_file_changed_anywhere_is_refused_or_reported(whole: Files, changes: list[tuple[int, int]]) -> None:
    check(damaged(whole, "P.mlwb", changes))


@given(st.sampled_from(["P.mlwb", "P.mlwb-wal"]), changes, st.one_of(st.none(), st.integers(0, 2**40)))
@settings(max_examples=80, **SETTINGS)
def test_a_killed_project_changed_anywhere_is_refused_or_reported(
    killed: Files, name: str, changes: list[tuple[int, int]], length: int | None
) -> None:
    files = damaged(Files({key: killed[key] for key in ("P.mlwb", "P.mlwb-wal")}), name, changes)
    if length is not None:
        files[name] = files[name][: length % len(files[name])]
    check(files)


def test_the_samples_themselves_are_sound(whole: Files, killed: Files) -> None:
    for files in (whole, killed):
        for folder in lay_out(files):
            with Project.open(folder / "P.mlwb") as project:
                assert project.verify() == []
                assert len(project.runs()) == 30
            assert set(listing(folder)) == {"P.mlwb"}
