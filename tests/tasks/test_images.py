from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from workbench import algorithms, importing, networks  # noqa: F401  (their kinds must be known)
from workbench.config import parse
from workbench.data import reading
from workbench.data.look import look
from workbench.data.prepared import prepare
from workbench.tasks.base import DataError
from workbench.tasks.images import Images, ImagesConfig

OMNIGLOT = Path(__file__).parents[3] / "shared" / "data" / "omniglot_images_background_small1.zip"

GROUPED = [
    f"set/{group}/{name}" for group in ("Ελληνικά", "Latin", "ᚑᚌᚐᚋ") for name in ("one", "two", "three")
]
FLAT = [f"class{number}" for number in range(9)]


def png(*seed: int, side: int = 10, paper: int = 255, mode: str = "L") -> bytes:
    """A drawing: a few strokes of dark ink in the middle of a page."""
    page = np.full((side, side), paper, np.uint8)
    page[2:-2, 2:-2] = np.random.default_rng(seed).integers(0, 2, (side - 4, side - 4)) * paper
    file = io.BytesIO()
    Image.fromarray(page).convert(mode).save(file, "PNG")
    return file.getvalue()


def files(folders: list[str], each: int = 4) -> dict[str, bytes]:
    return {f"{folder}/{i}.png": png(k, i) for k, folder in enumerate(folders) for i in range(each)}


def as_zip(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def as_folder(path: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def config(path: Path, **fields: Any) -> ImagesConfig:
    return ImagesConfig.model_validate(
        {"path": str(path), "ways": 2, "shots": 1, "queries": 2, "size": 10, "split": {"by": "class"}}
        | fields
    )


# --- what is read ---------------------------------------------------------------------------------------


@pytest.fixture
def omniglot() -> Path:
    if not OMNIGLOT.is_file():
        pytest.skip("the Omniglot archive is not beside this checkout")
    return OMNIGLOT


def test_omniglot_is_read_as_published(omniglot: Path) -> None:
    experiment = parse(
        f"""
        [task]
        family = "images"
        path = "{omniglot.as_posix()}"
        rotations = true
        [task.split]
        train = ["Balinese", "Early_Aramaic", "Korean"]
        validation = ["Greek"]
        test = ["Latin"]
        [[algorithm]]
        kind = "maml"
        """
    )
    assert experiment.network.name == "conv4"
    assert parse(experiment.to_toml()) == experiment
    told: list[float] = []
    family = Images(experiment.task, lambda done, text: told.append(done))
    assert told[0] == 0
    assert told[-1] == 1
    assert family.shape.input_shape == (1, 28, 28)
    assert family.describe()["classes"] == {"train": 4 * (24 + 22 + 40), "validation": 24, "test": 26}
    assert family.describe()["groups"]["train"] == ["Balinese", "Early_Aramaic", "Korean"]
    episode = family.sample("train", 8, torch.Generator().manual_seed(0))
    assert episode.query["x"].shape == (8, 75, 1, 28, 28)
    assert 0.02 < episode.query["x"].mean() < 0.2  # ink is 1, and there is little of it


def test_a_zip_and_a_folder_give_the_same_data(tmp_path: Path) -> None:
    content = files(GROUPED)
    zipped = Images(config(as_zip(tmp_path / "a.zip", content)))
    assert Images(config(as_folder(tmp_path / "a", content))).data_hash() == zipped.data_hash()


def test_the_order_of_files_in_an_archive_does_not_matter(tmp_path: Path) -> None:
    content = files(GROUPED)
    first = Images(config(as_zip(tmp_path / "a.zip", content)))
    second = Images(config(as_zip(tmp_path / "b.zip", dict(reversed(content.items())))))
    assert first.data_hash() == second.data_hash()


def test_groups_and_classes_of_any_script_are_named_in_splits(tmp_path: Path) -> None:
    split = {"train": ["Ελληνικά", "Latin/one"], "validation": ["ᚑᚌᚐᚋ"], "test": ["Latin/two", "Latin/three"]}
    family = Images(config(as_zip(tmp_path / "a.zip", files(GROUPED)), split=split))
    assert family.describe()["classes"] == {"train": 4, "validation": 3, "test": 2}


def test_class_folders_without_groups_are_classes(tmp_path: Path) -> None:
    split = {"train": FLAT[:5], "validation": FLAT[5:7], "test": FLAT[7:]}
    family = Images(config(as_folder(tmp_path / "a", files(FLAT)), split=split))
    assert family.describe()["classes"] == {"train": 5, "validation": 2, "test": 2}
    assert "groups" not in family.describe()


def test_hidden_files_and_other_files_are_passed_over(tmp_path: Path) -> None:
    content = files(FLAT)
    clutter = {
        "__MACOSX/class0/._0.png": b"resource fork",
        ".DS_Store": b"x",
        "class0/.hidden.png": b"x",
        "class0/notes.txt": b"x",
        "README": b"x",
    }
    plain = Images(config(as_zip(tmp_path / "a.zip", content)))
    assert Images(config(as_zip(tmp_path / "b.zip", content | clutter))).data_hash() == plain.data_hash()


def test_dark_ink_becomes_bright_and_bright_ink_stays(tmp_path: Path) -> None:
    dark = config(as_zip(tmp_path / "dark.zip", files(FLAT)))
    family = Images(dark)
    assert family.describe()["inverted"] is True
    assert family.sample("test", 4, torch.Generator()).query["x"][..., 0, :].max() == 0
    bright = {name: _inverse(data) for name, data in files(FLAT).items()}
    same = Images(config(as_zip(tmp_path / "bright.zip", bright)))
    assert same.describe()["inverted"] is False
    assert same.data_hash() == family.data_hash()
    assert Images(dark.model_copy(update={"invert": False})).data_hash() != family.data_hash()


def test_colour_images_have_three_channels(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (12, 8), (255, 0, 51)).save(file, "PNG")
    content = {f"{folder}/{i}.png": file.getvalue() for folder in FLAT for i in range(4)}
    family = Images(config(as_zip(tmp_path / "a.zip", content), channels=3, size=6, invert=False))
    assert family.shape.input_shape == (3, 6, 6)
    x = family.sample("train", 1, torch.Generator()).support["x"][0, 0]
    assert torch.allclose(x, torch.tensor([1.0, 0.0, 0.2])[:, None, None].expand(3, 6, 6))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "RGB"])
def test_the_kind_of_png_does_not_matter(tmp_path: Path, mode: str) -> None:
    drawn = {name: png(k, mode=mode) for k, name in enumerate(files(FLAT))}
    plain = {name: png(k) for k, name in enumerate(files(FLAT))}
    first, second = (as_zip(tmp_path / f"{n}.zip", each) for n, each in enumerate((drawn, plain)))
    assert Images(config(first)).data_hash() == Images(config(second)).data_hash()


def test_what_is_transparent_is_paper(tmp_path: Path) -> None:
    ink = np.zeros((10, 10, 4), np.uint8)
    ink[3:7, 3:7, 3] = 255
    file = io.BytesIO()
    Image.fromarray(ink).save(file, "PNG")
    content = {f"{folder}/{i}.png": file.getvalue() for folder in FLAT for i in range(4)}
    x = Images(config(as_zip(tmp_path / "a.zip", content))).sample("train", 1, torch.Generator()).support["x"]
    assert x[0, 0, 0].sum() == 16


def test_deep_images_are_scaled_not_clipped(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((10, 10), 0x8000, np.uint16)).save(file, "PNG")
    content = {f"{folder}/{i}.png": file.getvalue() for folder in FLAT for i in range(4)}
    x = Images(config(as_zip(tmp_path / "a.zip", content), invert=False)).sample(
        "train", 1, torch.Generator()
    )
    assert x.support["x"].unique().tolist() == pytest.approx([128 / 255])


def test_a_set_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    path = as_folder(tmp_path / "a", files(FLAT))
    told: list[str] = []
    first = Images(config(path), lambda done, text: told.append(text)).data_hash()
    read = len(told)
    assert Images(config(path), lambda done, text: told.append(text)).data_hash() == first
    assert len(told) == read
    (path / "class3" / "2.png").write_bytes(png(99))
    assert Images(config(path), lambda done, text: told.append(text)).data_hash() != first
    assert len(told) > read


def test_labels_that_change_places_take_their_images_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache holds images in the order that the split files give them."""
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    content = {f"images/{c}{i}.png": png(c, i) for c in range(9) for i in range(4)}
    path = as_folder(tmp_path / "a", content)

    def labelled(order: list[int]) -> str:
        lines = [f"{c}{i}.png,class{order[c]}" for c in range(9) for i in range(4)]
        (path / "train.csv").write_text("\n".join(["filename,label", *lines]))
        return Images(config(path)).data_hash()

    wanted = labelled([8, 1, 2, 3, 4, 5, 6, 7, 0])
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "another cache"))
    labelled([*range(9)])
    assert labelled([8, 1, 2, 3, 4, 5, 6, 7, 0]) == wanted


# --- what is refused ------------------------------------------------------------------------------------


def refusal(path: Path, **fields: Any) -> str:
    with pytest.raises(DataError) as caught:
        Images(config(path, **fields))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.zip").startswith(
        f"{tmp_path / 'none.zip'}: no such file; give the path of"
    )


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("not a zip")
    assert "no readable zip" in refusal(tmp_path / "a.zip")


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = as_zip(tmp_path / "a.zip", files(FLAT))
    path.write_bytes(path.read_bytes()[:-200])
    assert "no readable zip" in refusal(path)


@pytest.mark.parametrize("content", [{}, {"a/readme.txt": b"x"}, {"__MACOSX/a/1.png": b"x"}])
def test_a_source_without_images_is_refused(tmp_path: Path, content: dict[str, bytes]) -> None:
    assert "no images; a folder with images" in refusal(as_zip(tmp_path / "a.zip", content))


@pytest.mark.parametrize("source", ["path", "dataset"])
def test_more_than_memory_holds_is_refused_before_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    path = as_zip(tmp_path / "a.zip", files(FLAT))
    importing.register(importing.plan(prepare(look(path))), "mine")
    monkeypatch.setattr(reading, "MOST_BYTES", 36 * 10 * 10)
    Images(config(path))
    fields = {} if source == "path" else {"path": None, "dataset": "mine"}
    with pytest.raises(DataError, match=r"36 images of 20 × 20 × 1 need .*; choose a smaller size"):
        Images(ImagesConfig.model_validate(config(path, size=20).model_dump() | fields))


@pytest.mark.parametrize("make", [as_zip, as_folder])
def test_an_empty_class_folder_is_refused(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path / "a", files(GROUPED) | {"set/Latin/four/note.txt": b"x"})
    assert "the class folder set/Latin/four has no images" in refusal(path)


def test_an_empty_folder_entry_of_a_zip_is_refused(tmp_path: Path) -> None:
    path = as_zip(tmp_path / "a.zip", files(FLAT))
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("empty")
    assert "the class folder empty has no images" in refusal(path)


@pytest.mark.parametrize("stray", ["stray.png", "set/stray.png", "set/Latin/stray.png"])
def test_an_image_beside_class_folders_is_refused(tmp_path: Path, stray: str) -> None:
    path = as_zip(tmp_path / "a.zip", files(GROUPED) | {stray: png(1)})
    assert f"the image {stray} lies beside class folders" in refusal(path)


def test_a_class_with_too_few_images_is_refused_by_name(tmp_path: Path) -> None:
    content = files(GROUPED)
    del content["set/Latin/two/0.png"], content["set/Latin/two/1.png"]
    message = refusal(as_zip(tmp_path / "a.zip", content))
    assert "'Latin/two'" in message
    assert "has 2 examples, but 1 shots + 2 queries need 3" in message


def test_more_ways_than_classes_are_refused(tmp_path: Path) -> None:
    split = {"train": ["Ελληνικά"], "validation": ["Latin"], "test": ["ᚑᚌᚐᚋ/one"]}
    message = refusal(as_zip(tmp_path / "a.zip", files(GROUPED)), split=split)
    assert "2 ways, but the test split has 1 class; put more classes into it" in message


def test_a_misspelt_group_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    split = {"train": ["Ελληνικα"], "validation": ["Latin"], "test": ["ᚑᚌᚐᚋ"]}
    assert "did you mean 'Ελληνικά'?" in refusal(as_zip(tmp_path / "a.zip", files(GROUPED)), split=split)


@pytest.mark.parametrize("damaged", [b"", b"not an image", png(1)[:60], png(1)[:-30]])
def test_a_damaged_image_is_refused_by_name(tmp_path: Path, damaged: bytes) -> None:
    path = as_zip(tmp_path / "a.zip", files(FLAT) | {"class4/2.png": damaged})
    message = refusal(path)
    assert message.startswith(f"{path}: cannot be read: class4/2.png (")


def test_an_image_whose_bytes_changed_in_the_zip_is_refused_by_name(tmp_path: Path) -> None:
    path, content = tmp_path / "a.zip", files(FLAT)
    as_zip(path, content)
    data = bytearray(path.read_bytes())
    data[data.index(content["class4/2.png"]) + 50] ^= 0xFF
    path.write_bytes(data)
    assert "cannot be read: class4/2.png (" in refusal(path)


def test_an_image_of_absurd_size_is_refused_unread(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    bomb += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    path = as_zip(tmp_path / "a.zip", files(FLAT) | {"class4/2.png": bomb})
    message = refusal(path)
    assert "cannot be read: class4/2.png (" in message
    assert "decompression bomb" in message


def test_nothing_of_an_archive_reaches_the_disk(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = as_zip(inside / "a.zip", files(FLAT) | {"../outside/1.png": png(1)})
    assert "../outside/1.png leads outside" in refusal(path)
    assert [each.name for each in tmp_path.rglob("*")] == ["inside", "a.zip"]


def _inverse(data: bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(255 - np.asarray(Image.open(io.BytesIO(data)))).save(file, "PNG")
    return file.getvalue()
