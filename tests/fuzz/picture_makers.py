"""Folders and zips of pictures as people and strangers have them, sound and damaged, by chance."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from tests.fuzz.import_makers import Made

_FOLDERS = (
    "a",
    "b",
    "Z z",
    "é",
    "e\u0301",
    "train",
    "test",
    "meta_val",
    "novel",
    "A",
    "кошка",
    ".x",
    "\u202e",
)
_NAMES = ("1.png", "2.JPG", "3.tga", "4.txt", "5", ".6", "7.heic", "8.tif", "train.csv", "9.csv", "表.gif")
_FORMS = (("PNG", "L"), ("PNG", "RGB"), ("PNG", "I;16"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("GIF", "P"))
_FORMS += (("TIFF", "I;16"), ("TIFF", "F"), ("TGA", "RGBA"), ("BMP", "1"), ("WEBP", "RGBA"), ("PPM", "L"))


def pictures(chance: Random, folder: Path) -> Made:
    """Files of any kind in folders or a zip; every one of them must be kept or named."""
    content: dict[str, bytes] = {}
    deep = chance.choice((1, 1, 2, 3))
    for _ in range(chance.randrange(1, 25)):
        parts = [chance.choice(_FOLDERS) for _ in range(deep if chance.random() < 0.9 else 1)]
        content["/".join((*parts, chance.choice(_NAMES)))] = _file(chance)
    if chance.random() < 0.5:
        for name, data in content.items():
            (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "in" / name).write_bytes(data)
        return Made(folder / "in", len(content))
    path = folder / "in.zip"
    with zipfile.ZipFile(path, "w", chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    if chance.random() < 0.6:
        return Made(path, len(content))
    damaged = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 6)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    path.write_bytes(damaged[: chance.choice((len(damaged), chance.randrange(len(damaged))))])
    return Made(path, None)


def _file(chance: Random) -> bytes:
    if chance.random() < 0.15:
        return chance.choice((b"", b"text", b"filename,label\n1.png,a\n", b"text,label\nx,y\n", bytes(40)))
    kind, mode = chance.choice(_FORMS)
    pixels = np.random.default_rng(chance.getrandbits(32)).integers(0, 256, (6, chance.choice((6, 9))))
    image = Image.fromarray(pixels.astype(np.uint16 if mode == "I;16" else np.uint8))
    image = image if mode == "I;16" else image.convert(mode)
    file = io.BytesIO()
    more = {"save_all": True, "append_images": [image]} if kind in ("TIFF", "GIF") else {}
    image.save(file, kind, **(more if chance.random() < 0.3 else {}))
    data = bytearray(file.getvalue())
    if chance.random() < 0.2:
        for _ in range(chance.randrange(1, 9)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)
