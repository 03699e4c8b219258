"""What is at a path is prepared once, and found again by its content alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.data import sources
from workbench.data import npz
from workbench.data.cached import prepared_at
from workbench.data.prepared import Prepared
from workbench.data.reading import NOW, Reading
from workbench.errors import DataError
from workbench.tasks.text import Text, TextConfig

Make = Callable[[Path], Path]
SOURCES: dict[str, Make] = {
    "folder": lambda folder: sources.write(folder / "in", sources.class_folders()),
    "zip": lambda folder: sources.zipped(folder / "in.zip", sources.class_folders()),
    "texts": lambda folder: sources.clinc(folder / "in.json"),
    "points": lambda folder: sources.functions(folder / "in.npz"),
    "arrays": lambda folder: sources.medmnist(folder / "in.npz"),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of each test's own."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=SOURCES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A source of each kind."""
    make: Make = SOURCES[request.param]
    return make(tmp_path)


def told_of(path: Path, reading: Reading = NOW) -> tuple[Prepared, list[str]]:
    """What is prepared, and what was told meanwhile: nothing, where it came out of the cache."""
    told: list[str] = []
    return prepared_at(path, reading, progress=lambda done, text: told.append(text)), told


def everything(made: Prepared) -> object:
    """All of a set, to compare."""
    arrays = {name: (each.dtype, each.shape, each.tobytes()) for name, each in made.arrays.items()}
    plain = made.names, made.groups, made.findings, made.unreadable, made.kind, made.layout, made.sizes
    given = made.labels.tolist(), made.given.tolist(), made.given_split()
    origins = [made.origin(index) for index in range(len(made.labels))] if made.kind != "functions" else []
    return arrays, plain, given, origins, [*made.digests], made.hash(), made.where


def test_a_source_is_read_once_and_is_the_same_afterwards(path: Path, cache: Path) -> None:
    first, told = told_of(path)
    assert told
    again, told = told_of(path)
    assert not told
    assert everything(again) == everything(first)
    shutil.rmtree(cache)
    anew, told = told_of(path)
    assert told
    assert everything(anew) == everything(first)


def changed(path: Path) -> None:
    """Another content of the same size and the same time, as a quick edit may leave it."""
    file = path / "class0" / "0.png" if path.is_dir() else path
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_an_edit_that_changes_neither_size_nor_time_is_noticed(path: Path) -> None:
    prepared_at(path)
    changed(path)
    try:
        assert told_of(path)[1]
    except DataError:  # what is damaged is not taken for what it was
        return


def test_a_text_that_is_edited_within_a_second_is_read_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{text},{label}" for text, label in sources.sentences()]
    path.write_text("\n".join(["text,label", *rows]))
    before = prepared_at(path)
    stamp = path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("heavy", "light"))
    os.utime(path, ns=(stamp, stamp))
    after = prepared_at(path)
    assert after.texts() == [text.replace("heavy", "light") for text in before.texts()]


def test_what_is_read_in_another_way_is_another_set(path: Path) -> None:
    first = prepared_at(path)
    assert told_of(path, Reading(rules=1))[1]
    assert told_of(path, Reading(size=8))[1]
    assert everything(prepared_at(path)) == everything(first)


def test_a_file_that_appears_beside_the_others_is_noticed(tmp_path: Path) -> None:
    path = SOURCES["folder"](tmp_path)
    assert not any("passed over" in each.text for each in prepared_at(path).findings)
    (path / "notes.txt").write_text("more")
    assert any("notes.txt" in each.text for each in prepared_at(path).findings)


def test_what_changes_while_it_is_read_is_refused_and_not_kept(path: Path, cache: Path) -> None:
    def edit(done: float, text: str) -> None:
        if done >= 0.5:
            with (path / "class0" / "0.png" if path.is_dir() else path).open("ab") as file:
                file.write(b" ")

    with pytest.raises(DataError, match="changed while it was read; wait until it is complete"):
        prepared_at(path, progress=edit)
    assert not list(cache.glob("*"))


def test_what_is_cancelled_leaves_nothing_in_the_cache(
    path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npz, "IN_MEMORY", 1000)

    def cancel(done: float, text: str) -> None:
        if done >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared_at(path, progress=cancel)
    assert not cache.exists() or not list(cache.iterdir())


PREPARE = "import sys; from pathlib import Path; from workbench.data.cached import prepared_at\n"


def test_a_program_that_is_killed_while_it_keeps_a_set_leaves_no_half_one(
    tmp_path: Path, cache: Path
) -> None:
    path = SOURCES["folder"](tmp_path)
    code = (
        f"{PREPARE}import os\nfrom workbench.data import npz\n"
        "npz.chunks = lambda array, chunks=npz.chunks: (yield from chunks(array)) or os._exit(9)\n"
        "prepared_at(Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == 9
    assert [each.name for each in cache.glob("set-*")] == []
    (left,) = cache.iterdir()
    os.utime(left, (0, 0))
    assert len(prepared_at(path).labels) == 36
    assert not left.exists()  # it has been there for long enough


def test_two_programs_that_prepare_at_once_do_no_harm(tmp_path: Path, cache: Path) -> None:
    path = SOURCES["folder"](tmp_path)
    code = f"{PREPARE}input(); print(prepared_at(Path(sys.argv[1])).hash())"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for each in both:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = {each.communicate()[0].strip() for each in both}
    again, told = told_of(path)
    assert said == {again.hash()}
    assert not told
    assert [each.suffix for each in cache.iterdir()] == [".npz"]


def test_a_damaged_set_is_made_again(path: Path, cache: Path) -> None:
    first = prepared_at(path)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:-30])
    again, told = told_of(path)
    assert told
    assert everything(again) == everything(first)


def test_without_a_cache_everything_is_read_each_time(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "a file" / "cache"))
    monkeypatch.setattr(npz, "IN_MEMORY", 1000)
    first, second = told_of(path), told_of(path)
    assert first[1]
    assert second[1]
    assert everything(first[0]) == everything(second[0])


def test_a_cache_that_is_full_is_done_without(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(small_disk))
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{n} {'word ' * 30},label {n % 5}\n" for n in range(20_000)))
    assert len(prepared_at(path).labels) == 20_000
    assert "cannot be written" in caplog.text
    assert not list(small_disk.iterdir())


def test_pixels_that_the_disk_cannot_take_are_refused_in_one_line(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(small_disk))
    monkeypatch.setattr(npz, "IN_MEMORY", 1000)
    with pytest.raises(DataError, match="cannot take the pixels") as caught:
        prepared_at(SOURCES["folder"](tmp_path), Reading(size=300, channels=3))
    assert "\n" not in str(caught.value)
    assert not list(small_disk.iterdir())


def test_a_large_set_is_used_from_the_disk_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    path = SOURCES["zip"](tmp_path)
    small = everything(prepared_at(path))
    shutil.rmtree(cache)
    monkeypatch.setattr(npz, "IN_MEMORY", 1000)
    for _ in range(2):
        made = prepared_at(path)
        assert isinstance(made.arrays["pixels"], np.memmap)
        assert everything(made) == small
    assert len(list(cache.iterdir())) == 1


def test_what_cannot_be_read_is_remembered_too(tmp_path: Path) -> None:
    content = sources.class_folders() | {"class4/2.png": b"no image"}
    path = sources.zipped(tmp_path / "in.zip", content)
    first = prepared_at(path)
    again, told = told_of(path)
    assert not told
    assert [each.origin for each in again.unreadable] == ["class4/2.png"]
    assert again.unreadable == first.unreadable


def test_notes_are_there_for_a_set_of_the_cache_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{text},{label}" for text, label in sources.sentences()]
    config = TextConfig(path=str(path), ways=2, queries=3, dimensions=8, vocabulary=50)
    path.write_text("\n".join(["text,label,page", *(f"{row},3" for row in rows)]))
    first, again = Text(config), Text(config)
    assert any("1 column is not read: page" in each for each in first.notes)
    assert again.notes == first.notes
