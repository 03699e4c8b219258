"""Pictures as people have them: nothing is passed over, scaled, converted or merged without a word."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.data import sources
from workbench import runs
from workbench.cli import main
from workbench.config import parse
from workbench.data import npz, registry
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.data.reading import Reading
from workbench.data.zip_names import guess
from workbench.errors import DataError
from workbench.headless import resume
from workbench.project import Project

Import = Callable[..., dict[str, Any]]


@pytest.fixture
def import_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Import:
    """Imports a path as the command does, and gives what it tells; a refusal as its one line."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))

    def run(path: Path, *options: str) -> dict[str, Any]:
        command = ["workbench", "import", str(path), "--name", "mine", "--replace", "--json", *options]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        assert done.value.code in (0, 2)
        assert "Traceback" not in err
        return json.loads(out) if done.value.code == 0 else {"refused": err.splitlines()[-1]}

    return run


def encoded(pixels: Any, kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(file, kind, **how)
    return file.getvalue()


def page(*seed: int, top: int = 255, dtype: Any = np.uint8) -> Any:
    return np.random.default_rng(seed).integers(0, top + 1, (12, 12)).astype(dtype)


def notes(told: dict[str, Any], what: str) -> list[dict[str, Any]]:
    return [each for each in told["findings"] if each["what"] == what]


@pytest.mark.parametrize("top", [255, 1023, 4095, 16383, 65535])
def test_deep_pictures_keep_all_their_greys(import_: Import, tmp_path: Path, top: int) -> None:
    content = {
        f"c{c}/{i}.png": encoded(page(c, i, top=top, dtype=np.uint16)) for c in range(9) for i in range(6)
    }
    told = import_(sources.write(tmp_path / "in", content))
    (note,) = notes(told, "depth")
    assert (note["count"], len(note["examples"])) == (54, 3)
    assert "the range in use" in note["text"]
    pixels = registry.load("mine", "images").arrays["pixels"]
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert len(np.unique(pixels)) > 200
    assert note["text"] in registry.manifest_of("mine").findings
    told = import_(tmp_path / "in", "--range", "0", str(2 * top))
    assert "the range asked for" in notes(told, "depth")[0]["text"]
    assert registry.load("mine", "images").arrays["pixels"].max() in (127, 128)
    told = import_(tmp_path / "in", "--range", "0", str(top // 2))
    assert notes(told, "cut off")


FORMATS = {
    "tga": "TGA",
    "jfif": "JPEG",
    "jpe": "JPEG",
    "jp2": "JPEG2000",
    "ico": "ICO",
    "dib": "DIB",
    "pcx": "PCX",
    "dds": "DDS",
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_whatever_pillow_reads_safely_is_read(import_: Import, tmp_path: Path, suffix: str) -> None:
    content = sources.class_folders(each=3)
    for c in range(9):
        picture = Image.fromarray(page(c)).resize((16, 16)).convert("RGB")
        content[f"class{c}/more.{suffix}"] = encoded(picture, FORMATS[suffix])
    told = import_(sources.zipped(tmp_path / "in.zip", content))
    assert told["examples"] == 36


def test_what_is_passed_over_is_named_with_the_reason(import_: Import, tmp_path: Path) -> None:
    content = sources.class_folders() | {
        "class0/a.heic": b"x",
        "class1/b.eps": b"%!PS-Adobe-3.0",
        "class2/notes.txt": b"x",
        "class3/.DS_Store": b"x",
        "class4/untold": sources.png(1),
    }
    told = import_(sources.write(tmp_path / "in", content))
    said = " ".join(each["text"] for each in told["findings"])
    for word in ("class0/a.heic", "HEIC", "class1/b.eps", "PostScript", "class2/notes.txt", ".DS_Store"):
        assert word in said
    assert told["examples"] == 37
    assert notes(told, "misnamed")[0]["examples"] == ["class4/untold"]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("meta_train", "meta_test"),
        ("Train", "TEST"),
        ("base", "novel"),
        ("background", "evaluation"),
        ("images_background", "images_evaluation"),
        ("meta-train", "meta-test"),
    ],
)
@pytest.mark.parametrize("group", ["", "Latin/"])
def test_published_splits_are_kept(
    import_: Import, tmp_path: Path, train: str, test: str, group: str
) -> None:
    content = {
        f"{train if c < 8 else test}/{group}c{c:02}/{i}.png": sources.png(9 * c + i)
        for c in range(12)
        for i in range(2)
    }
    told = import_(sources.write(tmp_path / "in", content))
    names = told["class_names"]
    assert names["test"] == [f"{test}/{group}c{c:02}" for c in range(8, 12)]
    assert len(names["validation"]) == 2
    assert all(name.startswith(train) for name in (*names["train"], *names["validation"]))
    assert "no validation split" in notes(told, "drawn split")[0]["text"]


@pytest.mark.parametrize("tables", [("train.csv", "test.csv"), ("all.csv",)])
def test_published_splits_of_tables_are_kept(
    import_: Import, tmp_path: Path, tables: tuple[str, ...]
) -> None:
    content = {f"images/{c}_{i}.png": sources.png(9 * c + i) for c in range(9) for i in range(3)}
    for table in tables:
        lines = ["filename,label,split"]
        for c in range(9):
            own = "train" if c < 6 else "test"
            if table in (f"{own}.csv", "all.csv"):
                lines += [f"{c}_{i}.png,c{c},{own}" for i in range(3)]
        content[table] = "\n".join(lines).encode()
    told = import_(sources.write(tmp_path / "in", content))
    assert told["class_names"]["test"] == ["c6", "c7", "c8"]
    assert notes(told, "drawn split")


def namesakes(folder: Path, listed: str, files: list[str]) -> Path:
    content = {file: sources.png(n) for n, file in enumerate(files)}
    content |= {f"images/{c}_{i}.png": sources.png(99 + 9 * c + i) for c in range(9) for i in range(3)}
    lines = ["filename,label", f"{listed},c0", *(f"{c}_{i}.png,c{c}" for c in range(9) for i in range(3))]
    return sources.write(folder, content | {"train.csv": "\n".join(lines).encode()})


def test_a_picture_of_that_name_elsewhere_is_not_it(import_: Import, tmp_path: Path) -> None:
    told = import_(namesakes(tmp_path / "in", "day1/a.png", ["day2/a.png"]))
    assert "there is no image day1/a.png" in told["refused"]
    told = import_(tmp_path / "in", "--skip-unreadable")
    assert told["examples"] == 27
    assert "day2/a.png" in notes(told, "passed over")[0]["text"]


def test_a_bare_name_that_is_there_twice_is_refused_with_both_paths(import_: Import, tmp_path: Path) -> None:
    told = import_(namesakes(tmp_path / "in", "a.png", ["day1/a.png", "day2/a.png"]))
    assert "day1/a.png and day2/a.png" in told["refused"]


def test_one_coloured_picture_among_many_is_not_overlooked(import_: Import, tmp_path: Path) -> None:
    content = {f"c{c}/{i:02}.png": encoded(page(c, i)) for c in range(9) for i in range(20)}
    content["c4/07.png"] = sources.png(1, colour=True)
    import_(sources.write(tmp_path / "in", content))
    assert registry.load("mine", "images").arrays["pixels"].shape[1] == 3
    told = import_(tmp_path / "in", "--channels", "1")
    assert notes(told, "colour lost")[0]["examples"] == ["c4/07.png"]


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG"])
def test_films_are_said_and_their_pages_are_pictures_on_request(
    import_: Import, tmp_path: Path, kind: str
) -> None:
    content = {}
    for c in range(9):
        pages = [Image.fromarray(page(c, p)) for p in range(4)]
        film = encoded(pages[0], kind, save_all=True, append_images=pages[1:])
        content[f"c{c}/film.{kind.lower()}"] = film
    told = import_(sources.write(tmp_path / "in", content))
    assert notes(told, "pages")[0]["count"] == 9
    assert told["examples"] == 9
    told = import_(tmp_path / "in", "--pages")
    assert told["examples"] == 36
    assert "page by page" in notes(told, "pages")[0]["text"]
    pixels = registry.load("mine", "images").arrays["pixels"]
    assert len({each.tobytes() for each in pixels[:4]}) == 4


def named_in(path: Path, encoding: str, names: list[str], *, flag: bool = False) -> Path:
    """A zip whose names are in a code page and do not say so, or were garbled by a program on the way."""
    later: dict[bytes, bytes] = {}
    with zipfile.ZipFile(path, "w") as archive:
        for c, name in enumerate(names):
            for i in range(2):
                raw = f"{name}/{i}.png".encode(encoding)
                stand_in = f"{c}-{i}".ljust(len(raw), "q")
                later[stand_in.encode()] = raw
                archive.writestr(raw.decode("cp437") if flag else stand_in, sources.png(9 * c + i))
    if not flag:
        data = path.read_bytes()
        for stand_in_bytes, raw in later.items():
            data = data.replace(stand_in_bytes, raw)
        path.write_bytes(data)
    return path


def classes_of(told: dict[str, Any]) -> list[str]:
    return sorted(name for part in told["class_names"].values() for name in part)


CYRILLIC = ["кошка", "собака", "лошадь", "корова", "птица", "рыба", "змея"]


@pytest.mark.parametrize("flag", [False, True])
@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp866", CYRILLIC),
        ("cp932", ["ソフト", "表示", "予定", "ひらがな", "犬", "猫の手"]),
        ("gbk", ["汽车", "苹果", "狗", "猫", "房子", "学校"]),
        ("cp437", ["café", "naïve", "über", "señor"]),
    ],
)
def test_names_in_a_code_page_are_read_and_the_guess_is_said(
    import_: Import, tmp_path: Path, encoding: str, names: list[str], flag: bool
) -> None:
    told = import_(named_in(tmp_path / "a.zip", encoding, names, flag=flag))
    assert classes_of(told) == sorted(names)
    assert told["groups"] == 0
    if encoding != "cp437":
        assert f"read as {encoding}" in notes(told, "encoding")[0]["text"]


def test_an_encoding_that_is_given_counts(import_: Import, tmp_path: Path) -> None:
    path = named_in(tmp_path / "a.zip", "koi8-r", CYRILLIC)
    told = import_(path, "--encoding", "cp1251")
    assert CYRILLIC[0] not in classes_of(told)
    told = import_(path, "--encoding", "koi8-r")
    assert classes_of(told) == sorted(CYRILLIC)
    assert "no encoding" in import_(path, "--encoding", "base64")["refused"]
    assert "is not ascii" in import_(path, "--encoding", "ascii")["refused"]


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=5))
def test_a_guess_never_fails(raws: list[bytes]) -> None:
    encoding = guess(raws)
    assert encoding is None or all(raw.decode(encoding) is not None for raw in raws)


def test_every_conversion_is_said(import_: Import, tmp_path: Path) -> None:
    colour = Image.fromarray(np.random.default_rng(1).integers(0, 256, (12, 12, 3), np.uint8))
    exif = Image.Exif()
    exif[274] = 6
    content = sources.class_folders() | {
        "class0/cmyk.jpg": encoded(colour.convert("CMYK"), "JPEG"),
        "class1/palette.png": encoded(colour.convert("P")),
        "class2/turned.png": encoded(colour, exif=exif),
        "class3/profile.png": encoded(colour, icc_profile=b"a profile"),
        "class4/clear.png": encoded(colour.convert("RGBA")),
        "class5/wide.png": encoded(colour.resize((24, 12))),
    }
    told = import_(sources.write(tmp_path / "in", content))
    for what, name in {
        "turned": "class2/turned.png",
        "profile": "class3/profile.png",
        "transparency": "class4/clear.png",
        "proportions": "class5/wide.png",
    }.items():
        assert notes(told, what)[0]["examples"] == [name]
    assert {each["examples"][0] for each in notes(told, "converted")} == {
        "class0/cmyk.jpg",
        "class1/palette.png",
    }


def test_folders_that_look_the_same_are_said_and_made_one_on_consent(import_: Import, tmp_path: Path) -> None:
    content = sources.class_folders(classes=8) | {f"CLASS0/{i}.png": sources.png(900 + i) for i in range(2)}
    path = sources.zipped(tmp_path / "in.zip", content)
    told = import_(path)
    assert (told["classes"], len(notes(told, "look-alikes"))) == (9, 1)
    assert import_(path, "--merge-labels")["classes"] == 8


NAMES = st.sampled_from(["a.png", "b.PNG", "c.txt", ".d", "e", "f.heic", "g.tga", "h.csv", "Thumbs.db"])
TREES = st.dictionaries(
    st.tuples(st.sampled_from(["x", "y", "train", "test", "Z z"]), st.sampled_from(["", "k", "é"]), NAMES),
    st.sampled_from(["picture", "text"]),
    min_size=1,
    max_size=14,
)


@given(TREES, st.booleans())
def test_every_file_of_a_tree_is_kept_or_named(tree: dict[tuple[str, str, str], str], zipped: bool) -> None:
    import tempfile

    content = {
        "/".join(part for part in parts if part): (sources.png(n) if kind == "picture" else b"none")
        for n, (parts, kind) in enumerate(tree.items())
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = sources.zipped(folder / "a.zip", content) if zipped else sources.write(folder / "a", content)
        try:
            read = prepare(look(path))
        except DataError:
            return
        counted = len(read.labels) + len(read.unreadable)
        counted += sum(each.count for each in read.findings if each.what == "passed over")
        assert counted == len(content)


def test_a_large_set_is_used_from_the_disk(
    import_: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sources.write(tmp_path / "in", sources.class_folders())
    small = import_(path)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(npz, "IN_MEMORY", 1000)
    monkeypatch.setattr(npz, "MOST_BYTES", 1000)  # of a stranger's arrays
    assert import_(path)["hash"] == small["hash"]
    assert isinstance(registry.load("mine", "images").arrays["pixels"], np.memmap)
    assert import_(path)["hash"] == small["hash"]  # out of the cache
    assert not list((tmp_path / "cache").glob(".*"))


# --- runs that were begun by earlier rules --------------------------------------------------------------

EXPERIMENT = """
[task]
family = "images"
path = {path}
ways = 2
shots = 1
queries = 2
size = 12
[network]
kind = "conv4"
width = 4
stride = 2
[[algorithm]]
kind = "maml"
[training]
iterations = 4
meta_batch = 2
threads = 1
chunk = 1
[evaluation]
episodes = 4
validation_episodes = 2
"""


def test_a_run_goes_on_with_the_rules_it_was_begun_by(tmp_path: Path) -> None:
    content = {
        f"c{c}/{i}.png": encoded(page(c, i, top=16383, dtype=np.uint16)) for c in range(9) for i in range(4)
    }
    path = sources.write(tmp_path / "in", content)
    experiment = parse(EXPERIMENT.format(path=json.dumps(str(path))))
    old, new = (runs.open_family(experiment, reading=rules) for rules in (1, 2))
    assert old.data_hash() != new.data_hash()
    with Project.create(tmp_path / "p.mlwb") as project:
        before, now = runs.add(project, experiment, old), runs.add(project, experiment, new)
        project.update_run(before[0], environment={})  # as earlier versions of the program left it
    assert resume(tmp_path / "p.mlwb", None, None, quiet=True) == 0
    with Project.open(tmp_path / "p.mlwb", read_only=True) as project:
        records = [project.run(each) for each in (*before, *now)]
        assert [each.status for each in records] == ["finished", "finished"]
        assert [each.environment["reading"] for each in records] == [1, 2]


def test_rules_from_the_future_are_refused(tmp_path: Path) -> None:
    experiment = parse('[task]\nfamily = "sinusoid"\n[[algorithm]]\nkind = "maml"\n')
    with Project.create(tmp_path / "p.mlwb") as project:
        (run,) = runs.add(project, experiment, runs.open_family(experiment))
        project.update_run(run, environment={"reading": 99})
        with pytest.raises(DataError, match="rules of version 99"):
            runs.reading_of(project.run(run))


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="must be the smaller"):
        Reading(range=(5, 5))
