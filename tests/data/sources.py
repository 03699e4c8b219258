"""Small sources of every layout."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

WORDS = (
    "red",
    "green",
    "blue",
    "round",
    "heavy",
    "light",
    "fast",
    "slow",
    "open",
    "warm",
    "cold",
    "near",
    "far",
)


def png(seed: int, side: int = 12, colour: bool = False) -> bytes:
    shape = (side, side, 3) if colour else (side, side)
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8)).save(file, "PNG")
    return file.getvalue()


def write(folder: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(path: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def class_folders(classes: int = 9, each: int = 4) -> dict[str, bytes]:
    return {f"class{c}/{i}.png": png(100 * c + i) for c in range(classes) for i in range(each)}


def mini_imagenet(folder: Path, each: int = 5, side: int = 12) -> Path:
    """Split files beside a folder of images; the splits share no class."""
    content, seed = {}, 0
    for split, classes in (("train", 4), ("val", 2), ("test", 2)):
        lines = ["filename,label"]
        for c in range(classes):
            for _ in range(each):
                name, seed = f"n{seed:08}.jpg", seed + 1
                content[f"images/{name}"] = png(seed, side, colour=True)
                lines.append(f"{name},{split}{c}")
        content[f"{split}.csv"] = "\n".join(lines).encode()
    return write(folder, content)


def medmnist(path: Path, classes: int = 9, each: int = 8) -> Path:
    """The splits share their labels."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = rng.integers(0, 256, (classes * each, 28, 28), np.uint8)
        arrays[f"{part}_labels"] = np.arange(classes).repeat(each)[:, None].astype(np.uint8)
    np.savez(path, **arrays)
    return path


def functions(path: Path, tasks: int = 12, points: int = 30) -> Path:
    """Lines of different slopes."""
    rng = np.random.default_rng(0)
    task = np.arange(tasks).repeat(points)
    x = rng.uniform(-1, 1, len(task))
    np.savez(path, x=x, y=rng.uniform(-3, 3, tasks)[task] * x + 1, task=task)
    return path


def sentences(classes: int = 8, each: int = 12) -> list[tuple[str, str]]:
    """Texts whose label can be told by their words."""
    rng = np.random.default_rng(0)
    return [
        (f"{WORDS[c]} {WORDS[(c + 1) % len(WORDS)]} {rng.choice(WORDS)} number {i}", f"topic {c}")
        for c in range(classes)
        for i in range(each)
    ]


def clinc(path: Path, classes: int = 8, each: int = 12) -> Path:
    """JSON by split, whose labels are shared; out-of-scope texts beside."""
    rows = [list(pair) for pair in sentences(classes, each)]
    data = {"train": rows[::2], "val": rows[1::4], "test": rows[3::4], "oos_train": [["who knows", "oos"]]}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def sentence_pairs(path: Path, languages: int = 5, each: int = 12) -> Path:
    """A table of labelled pairs: the second repeats, reverses or shares no word of the first, which has one
    of two words that all languages have."""
    lines = ["premise\thypothesis\tgold_label\tlanguage"]
    for language in range(languages):
        for i in range(each):
            own = [f"{WORDS[(i + k) % len(WORDS)]}{language}" for k in range(4)]
            for label, said in zip("ABC", (own[:3], own[::-1], [f"other{i}x{language}"]), strict=True):
                lines.append(
                    f"{' '.join(own)} {('fine', 'ok')[i % 2]}\t{' '.join(said)}\t{label}\tlang {language}"
                )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def in_three_folders(classes: int = 6, each: int = 4) -> dict[str, bytes]:
    """Folders of classes in a folder for each split; the splits share no class."""
    split = ("train",) * (classes - 4) + ("val",) * 2 + ("test",) * 2
    return {f"{split[c]}/class{c}/{i}.png": png(100 * c + i) for c in range(classes) for i in range(each)}


def exif_of_a_wrong_type() -> bytes:
    """A PNG that is to be turned, whose resolution is said in bytes where numbers belong."""
    entries = struct.pack("<HHIHH", 274, 3, 1, 6, 0) + struct.pack("<HHI4s", 282, 7, 4, b"abcd")
    exif = b"II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 0)
    file = io.BytesIO()
    Image.new("L", (12, 12)).save(file, "PNG", exif=exif)
    return file.getvalue()
