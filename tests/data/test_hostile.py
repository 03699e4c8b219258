"""Files that were made to do harm, or look as if: one clear line, nothing written, nothing executed."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data import sources
from workbench import importing
from workbench.data import decoding, npz, reading, source
from workbench.data.found import FoundText
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.data.reading import NOW, Reading
from workbench.data.registry import refuse_unreadable
from workbench.errors import DataError
from workbench.gui.setup.data_listing import look_into
from workbench.tasks.class_splits import ClassSplit


@pytest.fixture(autouse=True)
def _nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """What a test puts into ``tmp_path/in`` is all that there is afterwards."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "in").mkdir()
    yield
    assert {each.name for each in tmp_path.iterdir()} <= {"in", "data", "outside"}
    outside = tmp_path / "outside"
    assert not outside.exists() or [each.name for each in outside.iterdir()] == ["secret.png"]


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        refuse_unreadable(prepare(look(path)), skip_unreadable=False)
    message = str(caught.value)
    assert "\n" not in message
    assert "\x1b" not in message
    return message


@pytest.mark.parametrize(
    "name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "C:/evil.png", "..\\evil.png"]
)
def test_names_that_lead_out_of_a_zip_are_refused(tmp_path: Path, name: str) -> None:
    content = sources.class_folders() | {name: sources.png(1)}
    assert "leads outside" in refusal(sources.zipped(tmp_path / "in" / "a.zip", content))


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = sources.zipped(tmp_path / "in" / "a.zip", sources.class_folders())
    entry = zipfile.ZipInfo("class0/link.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "class0/link.png leads outside or is no plain file" in refusal(path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
@pytest.mark.parametrize("target", ["../../outside/secret.png", "../../outside", "nowhere", "link.png"])
def test_links_that_lead_out_of_a_folder_are_refused(tmp_path: Path, target: str) -> None:
    sources.write(tmp_path / "outside", {"secret.png": sources.png(1)})
    folder = sources.write(tmp_path / "in", sources.class_folders())
    (folder / "class0" / "link.png").symlink_to(target if "outside" not in target else f"../{target}"[3:])
    assert "link.png leads outside" in refusal(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_within_a_folder_are_files_like_others(tmp_path: Path) -> None:
    folder = sources.write(tmp_path / "in", sources.class_folders())
    (folder / "class0" / "link.png").symlink_to("1.png")
    assert look(folder).counts[0] == 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_among_the_images_is_refused_not_waited_for(tmp_path: Path) -> None:
    folder = sources.write(tmp_path / "in", sources.class_folders())
    os.mkfifo(folder / "class0" / "pipe.png")
    assert "pipe.png leads outside or is no plain file" in refusal(folder)
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    assert "neither a file nor a folder" in refusal(tmp_path / "in" / "pipe.csv")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "in" / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for c in range(3):
            with archive.open(f"class{c}/0.png", "w") as file:
                for _ in range(100):
                    file.write(bytes(2**20))
    tracemalloc.start()
    message = refusal(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "that swell to 100 MiB" in message
    assert most < 20 * 2**20


def test_a_zip_in_which_files_overlap_is_bounded_by_what_they_say(tmp_path: Path) -> None:
    """The sizes in the directory lie: no more is read than they say, and the checksum tells."""
    path = sources.zipped(tmp_path / "in" / "a.zip", sources.class_folders())
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, place + 24, 20)  # the uncompressed size of the first file
    path.write_bytes(data)
    assert "class0/0.png" in refusal(path)


@pytest.mark.parametrize("side", [9_000, 100_000])
def test_an_image_of_absurd_size_is_refused_unread(tmp_path: Path, side: int) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    bomb += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    content = sources.class_folders() | {"class4/2.png": bomb}
    message = refusal(sources.zipped(tmp_path / "in" / "a.zip", content))
    assert "class4/2.png" in message
    assert "decompression bomb" in message


@pytest.mark.parametrize("name", ["class4/2.png", "train.csv"])
def test_a_damaged_lzma_entry_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "in" / "a.zip"
    content = sources.class_folders() | {name: 99 * b"what is packed"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for each, data in content.items():
            archive.writestr(each, data)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(name)
    data = bytearray(path.read_bytes())
    begin = entry.header_offset + 30 + len(name)
    data[begin + 4] = 0xFF  # the properties of the LZMA stream
    path.write_bytes(data)
    assert name in (message := refusal(path))
    assert "cannot be read" in message


def test_what_pillow_stumbles_over_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    content = sources.class_folders() | {"class4/2.png": sources.exif_of_a_wrong_type()}
    assert "1 cannot be read: class4/2.png (" in refusal(sources.zipped(tmp_path / "in" / "a.zip", content))


def deep(kind: str, dtype: str, value: float) -> bytes:
    file = io.BytesIO()
    if kind == "PGM":
        return b"P5 12 12 65535\n" + np.full((12, 12), value, dtype).tobytes()
    Image.fromarray(np.full((12, 12), value, dtype)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "dtype"), [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", ">u2"), ("PGM", ">u2")]
)
def test_pictures_of_16_bits_are_scaled(tmp_path: Path, kind: str, dtype: str) -> None:
    content = {
        f"class{c}/{i}.{kind.lower()}": deep(kind, dtype, 0x4000 + 256 * i) for c in range(3) for i in (0, 1)
    }
    path = sources.zipped(tmp_path / "in" / "a.zip", content)
    old, new = (
        prepare(look(path, how), how).arrays["pixels"][:, :, 0, 0].tolist() for how in (Reading(rules=1), NOW)
    )
    assert old == [[64], [65]] * 3
    assert new == [[0], [255]] * 3
    given = Reading(range=(0, 65535))
    assert prepare(look(path, given), given).arrays["pixels"][:, :, 0, 0].tolist() == [[64], [65]] * 3
    listing = look_into(str(path), lambda done, text: None)
    assert {data[0] for *_, data in listing.pictures} == {64}  # one alone says nothing of the range


@pytest.mark.parametrize(("dtype", "value"), [("i4", 70_000), ("f4", 0.5)])
def test_pictures_of_an_unknown_range_are_refused(tmp_path: Path, dtype: str, value: float) -> None:
    content = sources.class_folders() | {"class4/2.tif": deep("TIFF", dtype, value)}
    message = refusal(sources.zipped(tmp_path / "in" / "a.zip", content))
    assert (
        "class4/2.tif (its pixels are of an unknown range; save it with 8 or 16 bits, or give its range"
        in message
    )
    how = Reading(range=(0, 2 * value))
    pixels = prepare(look(tmp_path / "in" / "a.zip", how), how).arrays["pixels"]
    assert (pixels == 128).all((1, 2, 3)).sum() == 1


def test_only_plain_images_are_opened_whatever_they_are_called(tmp_path: Path) -> None:
    """Pillow would start Ghostscript for PostScript."""
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(evil) run\n%%EOF\n"
    content = sources.class_folders() | {"class4/2.png": script}
    assert "not an image" in refusal(sources.zipped(tmp_path / "in" / "a.zip", content))


def test_more_images_than_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    message = refusal(sources.zipped(tmp_path / "in" / "a.zip", sources.class_folders()))
    assert "choose a smaller size" in message


def test_unreadable_images_are_listed_and_left_out_only_on_consent(tmp_path: Path) -> None:
    content = sources.class_folders() | {"class4/2.png": b"no image", "class5/0.png": sources.png(1)[:60]}
    path = sources.zipped(tmp_path / "in" / "a.zip", content)
    message = refusal(path)
    assert "2 cannot be read: class4/2.png (" in message
    assert "--skip-unreadable" in message
    planned = importing.plan(prepare(look(path)))
    assert [each.origin for each in planned.prepared.unreadable] == ["class4/2.png", "class5/0.png"]
    assert sum(importing.register(planned, "mine", skip_unreadable=True).counts) == 34


def test_a_hundred_thousand_classes_are_read_and_said_in_few_words(tmp_path: Path) -> None:
    path = tmp_path / "in" / "many.zip"
    one = sources.png(1, side=4)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100_000):
            archive.writestr(f"class {number:06}/0.png", one)
    found = look(path)
    assert len(found.names) == 100_000
    assert found.counts[-1] == 1


def test_what_is_said_of_many_small_classes_is_short(tmp_path: Path) -> None:
    rows = "".join(f"text {n},label {n}\n" for n in range(100_000))
    path = tmp_path / "in" / "many.csv"
    path.write_text(f"text,label\n{rows}")
    planned = importing.plan(prepare(look(path)))
    (small,) = (each for each in planned.findings if each.what == "small classes")
    assert small.count == 100_000
    assert len(small.text) < 200


@pytest.mark.parametrize("name", ["Ελληνικά", "عربي", "日本語", "עברית", "emoji 🙂", "ā"])
def test_names_in_any_script_are_names(tmp_path: Path, name: str) -> None:
    content = {f"{name} {c}/{i}.png": sources.png(9 * c + i) for c in range(3) for i in range(3)}
    import unicodedata

    wanted = tuple(sorted(unicodedata.normalize("NFC", f"{name} {c}") for c in range(3)))
    assert look(sources.zipped(tmp_path / "in" / "a.zip", content)).names == wanted
    assert look(sources.write(tmp_path / "in" / "a", content)).names == wanted


def test_names_that_would_command_a_terminal_are_made_harmless(tmp_path: Path) -> None:
    content = sources.class_folders() | {"class0/\x1b[2J\r\n.png": b"no image"}
    message = refusal(sources.zipped(tmp_path / "in" / "a.zip", content))
    assert "␛[2J␍␊.png" in message


# --- arrays ---------------------------------------------------------------------------------------------


class Evil:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch executed",)


def test_pickled_objects_are_refused_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in" / "evil.npz"
    np.savez(path, x=np.array([Evil()], dtype=object), y=np.zeros(1), task=np.zeros(1, int))
    assert "holds pickled objects" in refusal(path)
    assert not (tmp_path / "executed").exists()


def npy(shape: tuple[int, ...], content: bytes, dtype: str = "|u1") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + content


@pytest.mark.parametrize("shape", [(2**40,), (2**20, 2**20), (10, 28, 28), (-1,)])
def test_a_header_that_lies_is_refused_before_memory_is_taken(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "in" / "lies.npz"
    sources.zipped(path, {"train_images.npy": npy(shape, b"short"), "train_labels.npy": npy((1,), b"1")})
    message = refusal(path)
    assert "damaged" in message or "no readable" in message


@pytest.mark.parametrize("header", ["{[]: 1}", "'''", "(", "{" * 3000, "x" * 20_000])
def test_a_header_that_is_no_dictionary_is_refused(tmp_path: Path, header: str) -> None:
    text = header.encode() + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
    path = sources.zipped(tmp_path / "in" / "a.npz", {"train_images.npy": content})
    assert "no readable .npz" in refusal(path)


def test_labels_of_any_text_have_an_order(tmp_path: Path) -> None:
    path = sources.medmnist(tmp_path / "in" / "a.npz", classes=6)
    names = ["--5", "-5", "10", "9", "9" * 5000, "a"]
    with np.load(path) as loaded:
        labels = np.array(names).repeat(8)
        np.savez(path, **{key: labels if "labels" in key else each for key, each in loaded.items()})
    assert look(path).names == ("-5", "9", "10", "--5", "9" * 5000, "a")


def test_labels_of_no_text_are_refused(tmp_path: Path) -> None:
    path = sources.medmnist(tmp_path / "in" / "a.npz")
    with np.load(path) as loaded:
        changed = dict(loaded)
    changed["train_labels"] = np.full(72, 0x110000, np.uint32).view("U1")
    np.savez(path, **changed)
    assert "names in it are no text" in refusal(path)


def test_arrays_that_swell_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "in" / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        size = 2**28
        with archive.open("x.npy", "w", force_zip64=True) as file:
            file.write(npy((size,), b""))
            for _ in range(256):
                file.write(bytes(2**20))
    assert "would swell" in refusal(path)


def test_arrays_beyond_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "MOST_BYTES", 1000)
    assert "GiB of arrays; allowed" in refusal(sources.medmnist(tmp_path / "in" / "a.npz"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_images": None}, "has the arrays"),
        ({"train_labels": None}, "has the arrays"),
        ({"val_labels": None}, "no val_labels"),
        ({"train_images": np.zeros((72, 28), np.uint8)}, "uint8 [images, height, width]"),
        ({"train_images": np.zeros((72, 28, 28), np.float32)}, "uint8 [images, height, width]"),
        ({"train_labels": np.zeros((71, 1), np.uint8)}, "one whole number for each of the 72 images"),
        ({"train_labels": np.zeros((72, 3), np.uint8)}, "one whole number for each of the 72 images"),
        ({"train_labels": np.zeros((), np.uint8)}, "one whole number for each of the 72 images"),
        ({"train_images": np.zeros((2**40, 0, 5), np.uint8)}, "uint8 [images, height, width]"),
        ({"test_images": np.zeros((72, 9, 9), np.uint8)}, "another size"),
    ],
)
def test_arrays_of_a_wrong_form_are_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    path = sources.medmnist(tmp_path / "in" / "a.npz")
    with np.load(path) as loaded:
        changed = {**loaded, **changes}
    np.savez(path, **{name: each for name, each in changed.items() if each is not None})  # type: ignore[arg-type]
    assert words in refusal(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y": np.zeros(3)}, "one row for each entry of task"),
        ({"x": np.array(["a"] * 360)}, "numbers [360]"),
        ({"task": np.zeros(360)}, "a whole number for each row"),
        ({"x": np.full(360, np.nan)}, "no row has finite numbers"),
        ({"x": np.r_[np.inf, np.zeros(359)]}, "row 0 (not a finite number)"),
        ({"x": np.zeros((360, 2, 2))}, "numbers [360]"),
    ],
)
def test_functions_of_a_wrong_form_are_refused(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    path = sources.functions(tmp_path / "in" / "a.npz")
    with np.load(path) as loaded:
        changed = {**loaded, **changes}
    np.savez(path, **changed)
    assert words in refusal(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY", bytes(1000)])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("a.npz", "a.zip", "a.bin"):
        (tmp_path / "in" / name).write_bytes(content)
        assert "no readable" in refusal(tmp_path / "in" / name)


# --- texts ----------------------------------------------------------------------------------------------


def table(rows: int = 4) -> str:
    return "text,label\n" + "".join(f"naïve {n} “quoted”,topic {n % 2}\n" for n in range(rows))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_mark_at_the_beginning_does_not_matter(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "in" / "a.csv"
    path.write_bytes(table().replace("\n", newline).encode(encoding))
    found = look(path)
    assert isinstance(found, FoundText)
    assert found.names == ("topic 0", "topic 1")
    assert found.texts[0] == "naïve 0 “quoted”"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_lines_in_another_encoding_than_the_others_are_listed(tmp_path: Path, suffix: str) -> None:
    lines = {
        "csv": ("text,label\ncafé,a\n", "naïve,b\n", ""),
        "jsonl": ('["café", "a"]\n', '["naïve", "b"]\n', ""),
        "json": ('[["café", "a"],', '["naïve", "b"]', "]"),
    }[suffix]
    path = tmp_path / "in" / f"a.{suffix}"
    path.write_bytes(lines[0].encode() + lines[1].encode("latin-1") + lines[2].encode())
    message = refusal(path)
    assert "1 cannot be read" in message
    assert "not UTF-8" in message
    assert look(path).counts == (1,)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", "[" * 100_000, "not valid JSON"),
        ("a.json", '{"train": 3}', "a list of texts with labels"),
        ("a.json", "[]", "no texts with labels"),
        ("a.json", "[[1, 2, 3]]", "no text, or no label"),
        ("a.json", '[["\\ud800", "a"]]', "not UTF-8"),
        ("a.json", "{", "not valid JSON"),
        ("a.jsonl", "[" * 100_000, "not valid JSON"),
        ("a.jsonl", '{"text": "a"}\n', "no text, or no label"),
        ("a.csv", "", "no lines"),
        ("a.csv", "a,b,c\n1,2,3\n", "no column of times"),
        ("a.csv", "text,label\n,\n ,a\n", "an empty text"),
        ("a.csv", "text,label\n" + "x" * (2**20 + 1) + ",a\n", "not a table"),
        ("a.csv", "text,label\na," + "x" * 201 + "\n", "more than 200 letters"),
        ("a.csv", 'text,label\na,b\n\n"c,d\ne,f\n', "line 4: not a table"),
        ("train.csv", 'text,label\na,b\n"c,d\ne,f\n', "line 3: not a table"),
        ("a.csv", "te\0xt,label\na,b\n", "not a text file"),
        ("train.csv", "text,label\na\n", "line 2: 1 field; the first line has 2"),
    ],
)  # fmt: skip
def test_a_text_file_of_a_wrong_form_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    path = tmp_path / "in" / name
    path.write_text(content)
    assert words in refusal(path)


def test_a_huge_text_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_TEXT", 1000)
    path = tmp_path / "in" / "a.csv"
    path.write_text("text,label\n" + "a,b\n" * 1000)
    assert "are too many" in refusal(path)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("filename,label\n../secret.png,a\n", "none of the images"),
        ("filename,label\n/etc/passwd.png,a\n", "none of the images"),
        ("filename,label\nnone.png,a\n", "none of the images"),
        ("filename,label\n0.png,a\nnone.png,a\n", "line 3 (there is no image none.png)"),
        ("filename,label\n0.png\n0.png,a\n", "line 2 (1 field; the first line has 2)"),
        ("filename,other\n0.png,a\n", "must name the columns filename and label"),
    ],
)
def test_split_files_that_name_what_is_not_there_are_refused(tmp_path: Path, lines: str, words: str) -> None:
    folder = sources.write(tmp_path / "in", {"images/0.png": sources.png(1), "train.csv": lines.encode()})
    sources.write(tmp_path / "outside", {"secret.png": sources.png(2)})
    assert words in refusal(folder)


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_ENTRIES", 5)
    content = sources.class_folders()
    assert "too many" in refusal(sources.zipped(tmp_path / "in" / "a.zip", content))
    assert "too many" in refusal(sources.write(tmp_path / "in" / "a", content))


def test_a_large_picture_is_made_small(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (400, 300), "red").save(file, "JPEG")
    content = {f"c{c}/{i}.jpg": file.getvalue() for c in range(3) for i in range(2)}
    done = prepare(look(sources.zipped(tmp_path / "in" / "a.zip", content)))
    assert done.arrays["pixels"].shape == (6, 3, 84, 84)
    assert importing.sizes_in_words(done) == "400 × 300"


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["group", "label"])
def test_a_name_that_is_no_text_is_one_that_cannot_be_read(tmp_path: Path, key: str) -> None:
    rows = [{"text": t, "label": c, "group": "all"} for t, c in sources.sentences()]
    path = tmp_path / "in" / "a.json"
    path.write_text(json.dumps([*rows, {**rows[0], key: "\ud83d"}]))
    assert "1 cannot be read" in refusal(path)
    importing.register(importing.plan(prepare(look(path))), "mine", skip_unreadable=True)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode there")
@pytest.mark.parametrize("name", ["caf\udce9/class1", "class\udce9"])
def test_a_folder_whose_name_is_not_utf_8_is_refused(tmp_path: Path, name: str) -> None:
    content = sources.class_folders() | {f"{name}/{i}.png": sources.png(i) for i in range(3)}
    folder = sources.write(tmp_path / "in", {f"all/{each}": data for each, data in content.items()})
    assert "\\udce9" in (message := refusal(folder))
    assert "is not UTF-8" in message


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode there")
def test_a_set_in_a_folder_whose_name_is_not_utf_8_is_registered(tmp_path: Path) -> None:
    folder = sources.write(tmp_path / "in" / "caf\udce9", sources.class_folders())
    manifest = importing.register(importing.plan(prepare(look(folder))), "mine")
    assert manifest.source.endswith("caf\\udce9")


def test_labels_that_would_command_a_terminal_are_made_harmless(tmp_path: Path) -> None:
    path = tmp_path / "in" / "a.json"
    path.write_text(json.dumps({f"{c}\x1b]0;owned\x07": [f"text {c}", "the same"] for c in "abcd"}))
    planned = importing.plan(prepare(look(path)))
    lines = importing.in_words(planned, importing.register(planned, "mine"))
    assert {"small classes", "duplicates across classes"} <= {each.what for each in planned.findings}
    assert sum("␛]0;owned␇" in line for line in lines) == 5
    assert not any("\x1b" in line or "\x07" in line for line in lines)
    wrong = ClassSplit(train=("x",), validation=("y",), test=("z",))
    with pytest.raises(DataError, match="there are a␛") as caught:
        importing.divided(planned.prepared, wrong)
    assert "\x1b" not in str(caught.value)
