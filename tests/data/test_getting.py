"""Published data by name: from its files to a set that experiments name."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.data.server import Server, serving
from workbench import getting
from workbench.data import registry
from workbench.data.found import BETWEEN
from workbench.data.prepared import unpacked
from workbench.data.published import making
from workbench.data.published.listing import Entry, entry_of, published
from workbench.errors import DataError


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


def listed(server: Server, files: Mapping[str, bytes], **more: Any) -> Entry:
    """A set of these files, which the server has."""
    server.files |= {f"/set/{name}": content for name, content in files.items()}
    told = [
        {"name": name, "size": len(content), "hash": f"sha256:{hashlib.sha256(content).hexdigest()}"}
        for name, content in files.items()
    ]
    said = dict.fromkeys(("title", "what", "licence", "citation", "homepage", "source"), "thing")
    base = {"name": "thing", "kind": "images", "files": told, "base": [f"{server.at}/set"]}
    return Entry.model_validate(base | said | more)


def like(name: str, **more: Any) -> dict[str, Any]:
    """How a set of the program's own list is made."""
    known = published()[name]
    return {"making": known.making, "kind": known.kind, "split": known.split, "task": known.task} | more


def tar(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("images/away.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return packed.getvalue()


def jpeg(shade: int) -> bytes:
    content = io.BytesIO()
    pixels = np.random.default_rng(shade).integers(0, 256, (12, 12, 3), np.uint8)
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize("name", ["cifar-fs", "fc100"])
def test_cifar_100_is_read_from_its_records_and_divided_as_published(server: Server, name: str) -> None:
    split = published()[name].split
    units = [unit for part in ("train", "validation", "test") for unit in split[part]]  # type: ignore[attr-defined]
    fine = units if name == "cifar-fs" else [f"a-{unit}" for unit in units]
    coarse = ["all"] if name == "cifar-fs" else units
    rng = np.random.default_rng(0)
    records = rng.integers(0, 256, (2 * len(fine), 3074), np.uint8)
    records[:, 1] = np.tile(np.arange(len(fine)), 2)
    records[:, 0] = 0 if name == "cifar-fs" else records[:, 1]
    content = {
        "train.bin": records[: len(fine)].tobytes(),
        "test.bin": records[len(fine) :].tobytes(),
        "fine_label_names.txt": "\n".join(fine).encode(),
        "coarse_label_names.txt": "\n".join(coarse).encode(),
    }
    files = {"cifar.tar.gz": tar({f"cifar-100-binary/{key}": each for key, each in content.items()})}
    got = getting.get(listed(server, files, **like(name)))
    assert got.planned is not None
    counts = {part: each["classes"] for part, each in got.planned.split_counts().items()}
    assert counts == {part: len(split[part]) for part in counts}  # type: ignore[arg-type]
    held = registry.load("thing", "images")
    place = held.manifest.names.index(fine[3])
    assert np.array_equal(held.arrays["pixels"][2 * place], records[3, 2:].reshape(3, 32, 32))


def test_pictures_in_a_tape_archive_become_classes_that_take_turns(server: Server) -> None:
    birds = {f"{number:03}.bird": [jpeg(10 * number + i) for i in range(3)] for number in range(1, 9)}
    files = {
        f"CUB/images/{bird}/{i}.jpg": each for bird, those in birds.items() for i, each in enumerate(those)
    }
    files |= {"CUB/classes.txt": b"1 bird", "../../out.jpg": jpeg(0), "CUB/parts/x/0.jpg": jpeg(1)}
    got = getting.get(listed(server, {"cub.tgz": tar(files)}, **like("cub")))
    assert got.manifest is not None
    assert got.manifest.names == tuple(birds)
    assert got.manifest.split["train"] == [bird for i, bird in enumerate(birds) if i % 2 == 0]
    assert got.manifest.split["test"] == ["004.bird", "008.bird"]


def test_messages_of_newsgroups_lose_their_heads(server: Server) -> None:
    themes = ("sci", "rec", "comp", "alt", "misc", "soc", "talk")
    groups = [f"{theme}.{i}" for theme in themes for i in (1, 2)]
    head = "From: a@b\nLines: 1\n\n"
    files = {
        f"20news-bydate-{part}/{group}/{number}": f"{head}On {group} {part} {number}é".encode("latin-1")
        for group in groups
        for part in ("train", "test")
        for number in (1, 2)
    }
    got = getting.get(listed(server, {"news.tar.gz": tar(files)}, **like("20-newsgroups")))
    assert got.planned is not None
    assert {part: each["classes"] for part, each in got.planned.split_counts().items()} == {
        "train": 4, "validation": 2, "test": 8,
    }  # fmt: skip
    assert "On rec.1 test 2é" in got.planned.prepared.texts()


def test_labelled_pairs_of_sentences_are_registered(server: Server) -> None:
    rows = [
        {"sentence1": f"A\tb {i}", "sentence2": "c", "gold_label": label, "language": language, "x": 1}
        for language in ("de", "sw", "ur")
        for label in ("entailment", "neutral")
        for i in range(3)
    ]
    text = "\n".join(map(json.dumps, rows)).encode() + b"\n"
    files = {"XNLI-1.0/xnli.dev.jsonl": text, "XNLI-1.0/xnli.test.jsonl": text, "__MACOSX/.x.jsonl": b"?"}
    got = getting.get(listed(server, {"xnli.zip": zipped(files)}, **like("xnli")))
    assert got.use() == 'family = "sentence_pairs", dataset = "thing"'
    held = registry.load("thing", "sentence_pairs")
    assert held.manifest.names[:3] == ("de/entailment", "de/neutral", "sw/entailment")
    assert held.manifest.counts == (6,) * 6
    assert unpacked(held.arrays)[0] == BETWEEN.join(("A b 0", "c"))


def test_translations_are_registered(server: Server) -> None:
    aligned = {
        f"t.{code}-eng.{side}": f"{side} 1\n\n{side} 3\n".encode()
        for code in ("fra", "jpn", "tur")
        for side in ("eng", code)
    }
    got = getting.get(listed(server, aligned, **like("tatoeba")))
    assert got.use() == 'family = "translation", dataset = "thing"'
    held = registry.load("thing", "translation")
    assert held.manifest.names == ("fra", "jpn", "tur")
    assert unpacked(held.arrays)[:4] == ["eng 1", "fra 1", "eng 3", "fra 3"]
    with pytest.raises(DataError, match="--replace"):
        getting.get(got.entry)


def test_a_table_of_a_kind_that_is_imported_is_registered(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = making.Table(("text", "label"), [(f"say {i}", f"l{i % 5}") for i in range(20)])
    monkeypatch.setitem(making.MAKERS, "XNLI", lambda *_: table)
    got = getting.get(listed(server, {"any": b"1"}, making="XNLI", kind="text"))
    assert got.task == {"family": "text", "dataset": "thing"}
    assert registry.manifest_of("thing").counts == (4,) * 5
    assert getting.here(got.entry) == "imported"


def test_classes_with_numbers_get_their_names_and_what_suits_them(server: Server) -> None:
    content = io.BytesIO()
    rng = np.random.default_rng(0)
    labels = np.arange(9 * 4, dtype=np.uint8)[:, None] % 9
    arrays = {
        f"{part}_{what}": each
        for part in ("train", "val", "test")
        for what, each in (("images", rng.integers(0, 256, (36, 28, 28, 3), np.uint8)), ("labels", labels))
    }
    np.savez_compressed(content, **arrays)
    known = published()["pathmnist"]
    more = like("pathmnist", classes=known.classes)
    got = getting.get(listed(server, {"pathmnist.npz": content.getvalue()}, **more))
    assert got.manifest is not None
    assert got.manifest.names[2] == "debris"
    assert got.use() == 'family = "images", dataset = "thing", size = 28, channels = 3, ways = 2'
    assert all(len(members) >= 2 for members in got.planned.members.values())  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [name for name, each in published().items() if each.classes])
def test_each_split_has_the_ways_that_suit_it(name: str) -> None:
    from workbench.tasks.class_splits import ClassSplit, divide

    known = published()[name]
    names = tuple(known.classes.values())
    members = divide(names, ("",) * len(names), ClassSplit.model_validate(known.split))
    assert min(map(len, members.values())) >= known.task["ways"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("making", "content"),
    [
        ("CIFAR-100", tar({"cifar/train.bin": b"12"})),
        ("CIFAR-100", tar({"cifar/train.bin": bytes(99)})[:-20]),
        ("pictures in a tar", b"no archive"),
        ("newsgroups", b"\x1f\x8b"),
        ("XNLI", zipped({"xnli.dev.jsonl": b'{"sentence1": 1}'})),
        ("XNLI", zipped({"xnli.dev.jsonl": b"{"})),
        ("something new", b"1"),
    ],
)
def test_other_files_than_expected_are_refused_in_a_line_and_leave_nothing(
    server: Server, making: str, content: bytes
) -> None:
    with pytest.raises(DataError) as refused:
        getting.get(listed(server, {"file": content}, making=making))
    assert "\n" not in str(refused.value)
    assert registry.registered() == []


def test_a_set_of_that_name_is_kept_unless_it_is_to_be_replaced(server: Server) -> None:
    texts = "text,label\n" + "".join(f"say {i},{i % 5}\n" for i in range(20))
    wanted = listed(server, {"texts.csv": texts.encode()}, kind="text")
    first = getting.get(wanted)
    asked = len(server.asked)
    with pytest.raises(DataError, match="--replace"):
        getting.get(wanted)
    assert len(server.asked) == asked
    again = getting.get(wanted, replace=True)
    assert again.manifest == first.manifest
    assert getting.here(wanted) == "imported"


# --- commands ------------------------------------------------------------------------------------------


@pytest.fixture
def texts(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A list with one set more."""
    content = ("text,label\n" + "".join(f"say {i},{i % 5}\n" for i in range(20))).encode()
    server.files["/mine.csv"] = content
    said = "".join(f'{key} = "my {key}"\n' for key in ("title", "what", "licence", "citation", "source"))
    listing = tmp_path / "listing.toml"
    listing.write_text(
        f'[mine]\n{said}kind = "text"\nhomepage = "http://x"\nbase = ["{server.at}"]\n'
        f'files = [{{ name = "mine.csv", size = {len(content)} }}]\n'
    )
    monkeypatch.setenv("WORKBENCH_PUBLISHED", str(listing))
    return server


def test_a_set_is_listed_shown_fetched_and_used_by_command(
    texts: Server, call: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, _ = call("data")
    row = next(line for line in out.splitlines() if line.startswith("mine"))
    assert code == 0
    assert row.split("  ")[-1].strip() == "hash not verified"
    code, out, _ = call("data", "mine", "--show")
    assert code == 0
    assert all(
        word in out for word in ("my licence", "my citation", f"{texts.at}/mine.csv", "downloads/mine")
    )
    code, out, err = call("data", "mine", "--quiet")
    assert (code, err) == (0, "")
    assert 'ready; use it with  family = "text", dataset = "mine"' in out
    entries = json.loads(call("data", "--json")[1])["published"]
    assert {each["name"]: each["here"] for each in entries}["mine"] == "imported"
    assert "mine" in call("datasets")[1]
    assert call("data", "mine", "--remove")[0] == 0
    assert call("datasets")[1].count("mine") >= 1
    got = json.loads(call("data", "mine", "--as", "other", "--json", "--quiet")[1])
    assert got["task"] == {"family": "text", "dataset": "other"}
    assert sum(map(len, got["class_names"].values())) == 5


def test_what_is_wrong_with_a_name_is_one_line(
    texts: Server, call: Callable[..., tuple[int, str, str]]
) -> None:
    assert call("data", "omniglott") == (
        2, "", "workbench: no published data set named 'omniglott' is listed; did you mean 'omniglot'?\n",
    )  # fmt: skip
    assert call("data", "--show")[0] == 2
    code, _, err = call("data", "mini-imagenet")
    assert code == 2
    assert err.count("\n") == 1
    assert "ImageNet" in err
    del texts.files["/mine.csv"]
    code, _, err = call("data", "mine", "--quiet")
    assert (code, err.count("\n")) == (2, 1)
    assert f"fetch {texts.at}/mine.csv by hand" in err


def test_ctrl_c_keeps_what_has_come(texts: Server, call: Callable[..., tuple[int, str, str]]) -> None:
    def breaks(handler: Any) -> None:
        texts.serve(handler, upto=entry_of("mine").files[0].size // 2)
        os.kill(os.getpid(), signal.SIGINT)
        texts.released.wait(5)

    texts.tricks["/mine.csv"] = [breaks]
    code, _, err = call("data", "mine", "--quiet")
    assert code == 130
    assert "workbench data mine goes on from there" in err
    assert registry.registered() == []
    assert call("data", "mine", "--quiet")[0] == 0
