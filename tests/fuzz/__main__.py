"""Runs the searches; see :mod:`tests.fuzz`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.search import Search

KINDS = ("projects", "commands", "checkpoints", "imports")
"""Each is a module of this package with ``search(folder) -> Search``."""


MINUTE = 60.0


def main() -> int:
    """0; 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--seed", type=int, default=0, help="number of the first example")
    parser.add_argument("--examples", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="workbench-fuzz-") as name:
        folder = Path(name)
        os.environ["WORKBENCH_CACHE"] = str(folder / "cache")
        os.environ["WORKBENCH_DATA"] = str(folder / "data")
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        search: Search = importlib.import_module(f"tests.fuzz.{asked.kind}").search(folder)
        began, finds = time.monotonic(), 0
        told = began
        for number in range(asked.seed, asked.seed + asked.examples):
            if time.monotonic() - told > MINUTE:
                told = time.monotonic()
                print(
                    f"{number - asked.seed} of {asked.examples}, {finds} finds", file=sys.stderr, flush=True
                )
            find = search.example(number)
            if find:
                finds += 1
                print(f"python -m tests.fuzz {asked.kind} --seed {number} --examples 1  # {find}", flush=True)
        seconds = time.monotonic() - began
    print(f"{asked.kind}: {asked.examples} examples, {finds} finds, {seconds:.0f} s", file=sys.stderr)
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
