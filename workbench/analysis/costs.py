"""What runs cost, in tables and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from workbench.analysis.numerals import duration, raised
from workbench.summaries import CostEntry
from workbench.words import plural

PHASES = ("training", "validation", "test")


class Queue(TypedDict):
    """The same of all runs, one after the other: sums, but of memory the most."""

    runs: int
    seconds: float
    operations: float
    peak_memory: int
    disk: int


def queue(entries: Sequence[CostEntry]) -> Queue:
    """What all of them take together."""
    return {
        "runs": sum(each["runs"] for each in entries),
        "seconds": sum(each["runs"] * each["seconds"]["total"] for each in entries),
        "operations": sum(each["runs"] * each["operations"]["total"] for each in entries),
        "peak_memory": max((each["peak_memory"] for each in entries), default=0),
        "disk": sum(each["runs"] * each["disk"] for each in entries),
    }


def rows(entries: Sequence[CostEntry]) -> list[list[str]]:
    """A table of a run of each algorithm, and of all runs."""
    head = ["algorithm", "runs", "time of a run", *PHASES, "operations", "memory", "on disk"]
    table = [head]
    for each in entries:
        seconds, total = each["seconds"], each["operations"]["total"]
        table.append(
            [
                each["label"],
                str(each["runs"]),
                *(duration(seconds[name]) for name in ("total", *PHASES)),
                count(total),
                size(each["peak_memory"]),
                size(each["disk"]),
            ]
        )
    whole = queue(entries)
    table.append(
        [
            "all runs",
            str(whole["runs"]),
            duration(whole["seconds"]),
            *("" for _ in PHASES),
            count(whole["operations"]),
            size(whole["peak_memory"]),
            size(whole["disk"]),
        ]
    )
    return table


def words(entries: Sequence[CostEntry]) -> str:
    """What all runs take, in a line."""
    whole = queue(entries)
    seconds, memory, disk = duration(whole["seconds"]), size(whole["peak_memory"]), size(whole["disk"])
    return f"{plural(whole['runs'], 'run')}: about {seconds}, {memory} of memory, {disk} on disk"


def count(operations: float) -> str:
    """Floating-point operations; none are counted of what is computed without torch."""
    return raised(f"{operations:.1e}") if operations else "–"


def size(held: float) -> str:
    """Bytes as a person says them: ``3 KiB``, ``1.2 GiB``."""
    for power, unit in ((30, "GiB"), (20, "MiB")):
        if held >= 2**power:
            value = held / 2**power
            return f"{value:.{0 if value >= 9.95 else 1}f} {unit}"
    return f"{max(1, round(held / 2**10))} KiB"
