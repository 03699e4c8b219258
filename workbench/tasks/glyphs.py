"""Letters of the world's scripts, drawn from the typefaces that come with the program.

A few-shot image family that needs no download: a class is a letter, its group is its script, and the
scripts of the test are unseen in training. Letters that look alike (A in Latin, Greek and Cyrillic)
never meet in one episode, and a letter that looks like one of meta-training is left out of
meta-validation and meta-test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import features

from workbench.config import SPLITS, Split, TaskConfig
from workbench.data.kept import load_arrays, store_arrays
from workbench.settings import setting
from workbench.tasks.base import DataError, Progress
from workbench.tasks.class_splits import ClassSplit, divide
from workbench.tasks.classes import ClassFamily, ClassPool, ImageTaskConfig
from workbench.tasks.glyph_rendering import SIDE, Letter, Typefaces, draw, plain
from workbench.tasks.look_alikes import likeness

RENDERING = 1
"""Raised by whoever changes what is drawn, so that caches of the older drawings are not used."""

LOOK_ALIKE = 0.88
"""Letters that correlate more look alike. Chosen from pictures of pairs: above .92 nearly all are one
shape twice, or with a small stroke more (ı and і, Z and ƶ); at .88 a person tells about half of them
apart at a glance (not b and Ⴙ, nor Ч and Ⴣ), below .86 nearly all (B and ߥ, O and ո)."""

# Scripts that share shapes are in meta-training together. What is in the other splits was measured to
# have the fewest look-alikes there: nine in ten Arabic letters are unlike any of them, three in four
# Lao and Canadian ones, though only three in eight Georgian ones.
SCRIPTS = ClassSplit(
    train=(
        *("Latin", "Greek", "Coptic", "Cyrillic", "Lisu", "Old Italic"),
        *("Armenian", "Hebrew", "N'Ko", "Tifinagh"),
    ),
    validation=("Arabic", "Ogham"),
    test=("Canadian", "Georgian", "Lao"),
)


class GlyphsConfig(ImageTaskConfig):
    family: Literal["glyphs"] = "glyphs"
    examples: int = setting(20, ge=20, le=200, help="Drawings of each letter.")
    data_seed: int = setting(0, rare=True, ge=0, lt=2**32, help="Seed of the drawings.")
    split: ClassSplit = setting(SCRIPTS, help="Scripts or letters (Greek/α) by name, or drawn by seed.")


class Glyphs(ClassFamily):
    """Tell letters of unseen scripts apart.

    Parameters
    ----------
    trained : numbers of letters that training sees elsewhere, where it sees none of these.
    """

    Config = GlyphsConfig
    title = "Glyphs"
    summary = "Tell letters of scripts apart that were never seen in training; comes with the program."

    def __init__(
        self,
        config: GlyphsConfig,
        progress: Progress | None = None,
        trained: Sequence[int] | None = None,
    ) -> None:
        typefaces = Typefaces()
        letters = typefaces.letters()
        drawings, look_alikes = _drawn(typefaces, letters, config, progress or (lambda done, text: None))
        pool = ClassPool(
            examples=torch.from_numpy(drawings).view(-1, 1, SIDE, SIDE),
            counts=(config.examples,) * len(letters),
            names=tuple(f"{letter.script}/{letter.character}" for letter in letters),
            groups=tuple(letter.script for letter in letters),
        )
        named = divide(pool.names, pool.groups, config.split)
        members = named
        if not config.split.whole:
            members = {split: _unlike_those_of_training(split, named, look_alikes) for split in SPLITS}
        elif trained is not None:
            known = {**named, "train": list(trained)}
            members = dict.fromkeys(SPLITS, _unlike_those_of_training("test", known, look_alikes))
        self.trained = members["train"]
        self._left_out = {split: len(named[split]) - len(members[split]) for split in SPLITS[1:]}
        super().__init__(config, pool, members, look_alikes=look_alikes)

    def beside(self, config: TaskConfig, progress: Progress | None) -> Glyphs:
        """Other letters, without those that look like one of its own meta-training."""
        assert isinstance(config, GlyphsConfig)
        return Glyphs(config, progress, self.trained)

    def describe(self) -> Mapping[str, object]:
        return {**super().describe(), "left_out_as_like_a_letter_of_training": dict(self._left_out)}


def _drawn(
    typefaces: Typefaces, letters: list[Letter], config: GlyphsConfig, progress: Progress
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Drawings ``[letters, examples, 28, 28]`` and which letters look alike, cached."""
    key = json.dumps(
        {
            "rendering": RENDERING,
            "fonts": typefaces.hash(),
            "freetype": features.version("freetype2"),
            "letters": "".join(letter.character for letter in letters),
            "look alike": LOOK_ALIKE,
            "examples": config.examples,
            "seed": config.data_seed,
        }
    )
    arrays = load_arrays("glyphs", key)
    expected = {
        "drawings": (np.uint8, (len(letters), config.examples, SIDE, SIDE)),
        "look_alikes": (np.bool_, (len(letters), len(letters))),
    }
    if {name: (each.dtype.type, each.shape) for name, each in arrays.items()} == expected:
        return arrays["drawings"].view(np.uint8), arrays["look_alikes"].view(np.bool_)
    drawings = draw(
        letters, config.examples, config.data_seed, lambda done: progress(0.7 * done, "Drawing letters")
    )
    progress(0.7, "Looking for letters that look alike")
    look_alikes = np.asarray(likeness([plain(letter, typefaces) for letter in letters]) > LOOK_ALIKE)
    store_arrays("glyphs", key, {"drawings": drawings, "look_alikes": look_alikes})
    progress(1.0, "Letters drawn")
    return drawings, look_alikes


def _unlike_those_of_training(
    split: Split, members: Mapping[Split, list[int]], look_alikes: NDArray[np.bool_]
) -> list[int]:
    """The split's letters, for validation and test without those that look like one of meta-training."""
    if split == "train":
        return members["train"]
    known = np.asarray(look_alikes[:, members["train"]].any(1))
    left = [index for index in members[split] if not known[index]]
    if not left:
        raise DataError(
            f"task.split.{split}: every letter of it looks like one of meta-training; name other scripts"
        )
    return left
