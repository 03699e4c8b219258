"""Settings of runs by their dotted names, and what tells entries of one label apart."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from workbench import words

if TYPE_CHECKING:
    from workbench.settings import Field

NONE = "–"

MOST_SEARCHED, LONGEST_VALUE = 16, 40

Settings = Mapping[str, object]


@cache
def training_fields() -> Mapping[str, Field]:
    """How the settings under ``training`` are declared."""
    from workbench.config import Training  # pydantic takes as long to load as showing a large project
    from workbench.settings import fields_of

    return fields_of(Training)


def incidental() -> list[str]:
    """Of ``training``, the settings whatever they are results mean the same."""
    return [name for name, field in training_fields().items() if field.incidental]


def flat(table: Settings, entry: Settings) -> dict[str, object]:
    """The settings of a run by dotted names such as ``algorithm.inner_lr``, the algorithm's first."""
    found: dict[str, object] = {}
    untold = {f"training.{name}" for name in incidental()} | {"algorithm.label", "name", "format"}

    def add(prefix: str, value: object) -> None:
        if isinstance(value, Mapping):
            for name, each in value.items():
                add(f"{prefix}.{name}" if prefix else name, each)
        elif prefix not in untold:
            found[prefix] = str(tuple(value)) if isinstance(value, list) else value

    add("algorithm", entry)
    add("", {name: each for name, each in table.items() if name != "algorithm"})
    return found


def worded(value: object) -> str:
    """A setting's value as people read it; a table in a line: ``mlp, hidden 40 40``."""
    match value:
        case None:
            return NONE
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            return " ".join(map(worded, value))
        case Mapping():
            kind = [worded(value["kind"])] if "kind" in value else []
            rest = [
                f"{name.replace('_', ' ')} {worded(each)}" for name, each in value.items() if name != "kind"
            ]
            return ", ".join(kind + rest) or NONE
    return str(value)


def told_apart(found: Sequence[Settings]) -> list[str]:
    """What tells each from the others, in words: the shortest set of settings, ``inner_lr 0.4``.

    Empty where they are all alike; equal words where no setting tells two of them apart.
    """
    if len(found) == 1:
        return [""]
    names = [
        name
        for name in dict.fromkeys(name for each in found for name in each)
        if len({worded(each.get(name)) for each in found}) > 1
    ]
    chosen = _shortest(found, names)
    short = [name.rpartition(".")[2] for name in chosen]
    titles = [last if short.count(last) == 1 else name for last, name in zip(short, chosen, strict=True)]
    values = [_values(name, [worded(each.get(name)) for each in found]) for name in chosen]
    return [
        ", ".join(f"{title} {value}" for title, value in zip(titles, each, strict=True))
        for each in zip(*values, strict=True)
    ] or [""] * len(found)


def _shortest(found: Sequence[Settings], names: Sequence[str]) -> tuple[str, ...]:
    """The fewest names (the first of them) that tell apart as much as all together."""

    def told(chosen: Sequence[str]) -> int:
        return len({tuple(worded(each.get(name)) for name in chosen) for each in found})

    most, searched = told(names), names[:MOST_SEARCHED]
    for size in (0, 1, 2, 3):
        for chosen in itertools.combinations(searched, size):
            if told(chosen) == most:
                return chosen
    grown: tuple[str, ...] = ()
    while told(grown) < most:
        grown = (*grown, max(names, key=lambda name: told((*grown, name))))
    return grown


def _values(name: str, texts: list[str]) -> list[str]:
    """Values of a setting, short and yet told apart: of paths the last part, where that is enough."""
    last = [PurePath(text).name for text in texts] if name.endswith(".path") else texts
    return words.told_apart(last if len(set(last)) == len(set(texts)) else texts, LONGEST_VALUE)
