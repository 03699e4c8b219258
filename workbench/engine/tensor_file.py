"""The head of a safetensors file: which tensors it holds, read before any of them is.

Format: https://github.com/huggingface/safetensors. A file from a stranger may say anything there.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

from workbench.errors import InputError
from workbench.words import shown

LONGEST_HEAD = 1_000_000
"""Bytes; that of the largest run there can be has a tenth of it."""

KINDS = {
    "F32": ("float32", 4),
    "I64": ("int64", 8),
    "BOOL": ("bool", 1),
    "U8": ("uint8", 1),
    "I8": ("int8", 1),
    "F8_E5M2": ("float8_e5m2", 1),
    "F8_E4M3": ("float8_e4m3fn", 1),
    "I16": ("int16", 2),
    "U16": ("uint16", 2),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I32": ("int32", 4),
    "U32": ("uint32", 4),
    "F64": ("float64", 8),
    "U64": ("uint64", 8),
    "C64": ("complex64", 8),
}
"""Torch's name of each type of numbers, and the bytes of one."""

_BYTES = dict(KINDS.values())


class StateError(InputError):
    """A state that is not what a run must hold; the message begins with the entry's name."""


class Described(NamedTuple):
    """A tensor as the head describes it.

    Attributes
    ----------
    kind : torch's name of its numbers.
    """

    kind: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return _BYTES[self.kind] * math.prod(self.shape)


def listing(content: bytes) -> dict[str, Described]:
    """The tensors of a file by name, which fill it from the head to its end, one after the other.

    Raises
    ------
    StateError
        If it is no such file.
    """
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(LONGEST_HEAD, len(content) - 8):
        raise StateError(f"head cannot be {length:,} bytes long; its file has {len(content):,}")
    try:
        table = json.loads(content[8 : 8 + length].decode(), object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        raise StateError("head is not readable JSON with distinct names") from None
    if not isinstance(table, dict):
        raise StateError("head is no table of tensors")
    found = {name: _described(name, entry) for name, entry in table.items()}
    at = 0
    for begin, end, name in sorted((*entry["data_offsets"], name) for name, entry in table.items()):
        if begin != at or end - begin != found[name].bytes:
            raise StateError(f"{shown(name)} lies in bytes that are not its own")
        at = end
    if at != len(content) - 8 - length:
        raise StateError(f"tensors end at byte {at:,} of {len(content) - 8 - length:,}")
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name is there twice")
    return table


def _described(name: str, entry: object) -> Described:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise StateError(f"{shown(name)} is not described as a tensor")
    kind = entry["dtype"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise StateError(f"{shown(name)} is of an unknown type of numbers")
    if not _sizes(entry["shape"]) or not _sizes(entry["data_offsets"]) or len(entry["data_offsets"]) != 2:
        raise StateError(f"{shown(name)} has a shape or a place that is none")
    return Described(KINDS[kind][0], tuple(entry["shape"]))


def _sizes(value: object) -> bool:
    """Whether it is a short list of whole numbers that can be sizes."""
    return (
        isinstance(value, list)
        and len(value) <= 8
        and all(type(each) is int and 0 <= each < 2**40 for each in value)
    )
