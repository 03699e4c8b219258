"""Worlds to act in: who acts at random, who knows all, and the learners, in one table.

python tests/benchmarks/acting.py FOLDER [--row NAME …] [--print]

Each row is an experiment of a few lines; what it does not say is as suits the family. The program itself runs
it, one run at a time with one thread, into a project in FOLDER, where it can be looked at. What is there is
not run again; --print runs nothing. The table, in Markdown, is of all rows that are there: of one seed, with
95% intervals over tasks. Differences are paired: the same tasks, the same chance.

Who remembers acts in a whole trial: the return of a trial is compared with that of who acts at random, and of
its last episode with its first. A learner that updates is compared after its last update: with an episode at
random, and with itself before the first. Some row whose interval reaches 0 makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.engine.intervals import Interval, mean_interval
from workbench.project import Project

Array = NDArray[np.float64]
PROGRAM = "from workbench.cli import main; main()"


@dataclass(frozen=True)
class Row:
    """An experiment.

    Attributes
    ----------
    task : what stands under ``[task]``; a line, as one of TOML's inline tables would hold it.
    learners : what stands under each ``[[algorithm]]``, alike.
    references : kinds to stand beside them.
    more : overrides, as after ``--set``.
    """

    name: str
    task: str
    learners: Sequence[str] = ('kind = "rl2"',)
    references: Sequence[str] = ("random", "oracle")
    more: Sequence[str] = ()


USUAL = ("random", "oracle")
ARMS = (*USUAL, "greedy", "thompson", "ucb", "gittins")
PLANNERS = (*USUAL, "greedy", "psrl", "opsrl")
DRIFTS = "drift = { segments = 3 }"
SMOOTH = ('kind = "recurrent"', 'kind = "transfer"')
SHORT = ("training.iterations=200",)
"""Where a row says of a family what another says at full length, or what half the training says."""


FEW = ("training.iterations=40",)
"""An iteration of policy gradients acts in thousands of episodes."""

WIDE = ("training.iterations=300", "training.meta_batch=256")
"""An iteration of what is trained through a simulator takes long, however few tasks it has."""


def _opponents(game: str, more: str = "", length: Sequence[str] = SHORT) -> Row:
    task = f'family = "opponents", game = "{game}"{more}'
    return Row(f"opponents, {game.replace('_', ' ')}", task, references=PLANNERS, more=length)


ROWS = (
    Row("bandits, 10 pulls", 'family = "bandits"', references=(*ARMS, "bayes_optimal")),
    Row("bandits, 100 pulls", 'family = "bandits", pulls = 100', references=ARMS),
    Row("bandits, normal pay", 'family = "bandits", pays = "gaussian"', references=ARMS[:-1]),
    Row("bandits, poor arms as a shift", 'family = "bandits", shift = "scarce"', references=ARMS),
    Row("bandits, drifting", f'family = "bandits", {DRIFTS}', references=ARMS),
    Row(
        "tabular MDP",
        'family = "tabular_mdp"',
        ('kind = "rl2"', 'kind = "rl2", memory = "gru", label = "RL², GRU alone"'),
        references=PLANNERS,
    ),
    Row("grid navigation", 'family = "grid_navigation"', references=(*USUAL, "search")),
    Row("grid navigation, drifting", f'family = "grid_navigation", {DRIFTS}', references=(*USUAL, "search")),
    Row("maze", 'family = "maze"'),
    Row("maze, permuted moves", 'family = "maze", permuted = true'),
    _opponents("stag_hunt", ', shift = "named"', ()),
    *map(_opponents, ("prisoners_dilemma", "chicken", "pennies")),
    Row("opponents, drifting", f'family = "opponents", {DRIFTS}', references=PLANNERS, more=SHORT),
    Row(
        "navigation",
        'family = "navigation"',
        (
            'kind = "maml_pg"',
            'kind = "maml_pg", exploration = true, label = "E-MAML"',
            'kind = "maml_pg", estimator = "reinforce", label = "MAML-PG, REINFORCE inside"',
            'kind = "maml_pg", estimator = "dice", label = "MAML-PG, DiCE inside"',
            'kind = "maml_pg", outer = "reinforce", label = "MAML-PG, REINFORCE outside"',
            'kind = "maml_pg", order = 1, label = "MAML-PG, first order"',
            'kind = "maml_pg", inner_steps = 0, label = "joint training"',
        ),
        more=FEW,
    ),
    Row("driving", 'family = "driving"', (*SMOOTH, 'kind = "cavia"', 'kind = "maml"'), more=WIDE),
    Row("driving, lorries as a shift", 'family = "driving", shift = "lorries"', SMOOTH[:1], more=SHORT),
    Row("following", 'family = "following"', SMOOTH),
    Row("cart with a pole", 'family = "cartpole"', more=SHORT),
    Row("cart with a pole, updates", 'family = "cartpole"', ('kind = "maml_pg"',), more=FEW),
)


# --- running ----------------------------------------------------------------------------------------


def run(row: Row, folder: Path) -> None:
    """Run what of a row is not in the folder yet."""
    for algorithm in [*(f'kind = "{each}"' for each in row.references), *row.learners]:
        own = folder / f"{_file(row.name)}-{_file(algorithm)}.json"
        if own.exists():
            continue
        table = f"task = {{ {row.task} }}\nalgorithm = [{{ {algorithm} }}]\ntraining.threads = 1\n"
        experiment = own.with_suffix(".toml")
        experiment.write_text(f'name = "{row.name}"\n{table}', encoding="utf-8")
        project = folder / f"{_file(row.name)}.mlwb"
        command = [sys.executable, "-c", PROGRAM, "run", str(experiment)]
        command += ["--project", str(project), "--json", "-", "--quiet"]
        before = _cpu()
        print(f"{row.name}: {algorithm}", file=sys.stderr)
        done = subprocess.run(
            [*command, *(part for each in row.more for part in ("--set", each))],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            print(f"{row.name}: {algorithm}: exit code {done.returncode}", file=sys.stderr)
            continue
        told = json.loads(done.stdout)["runs"][-1]
        own.write_text(json.dumps({"run": told["id"], "cpu": _cpu() - before}))


def _file(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name).strip("_")


def _cpu() -> float:
    """Seconds of all threads of the processes that have been run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# --- telling ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Acted:
    """What a run earned: returns ``[steps, tasks]``."""

    label: str
    returns: Array
    whole: bool
    cpu: float

    @property
    def first(self) -> Array:
        first: Array = self.returns[0]
        return first

    @property
    def last(self) -> Array:
        last: Array = self.returns[-1]
        return last

    @property
    def total(self) -> Array:
        """Of each task: the return of a trial, or of an episode once adapted."""
        total: Array = self.returns.sum(0) if self.whole else self.last
        return total

    def above(self, other: Acted) -> Interval:
        """How much more it earned than one who remembers: task by task, so paired."""
        return mean_interval(self.total - self.same(other))

    def same(self, other: Acted) -> Array:
        """What one who remembers earned in a trial, or in an episode where this one's is of an episode."""
        earned: Array = other.total if self.whole else other.returns.mean(0)
        return earned


def acted(row: Row, folder: Path, prefix: str) -> dict[str, Acted]:
    """The runs of a row that are there, by what stands under ``[[algorithm]]``."""
    project, found = folder / f"{_file(row.name)}.mlwb", {}
    if not project.exists():
        return {}
    with Project.open(project, read_only=True) as opened:
        labels = {run.id: run.label for run in opened.runs()}
        for algorithm in [*(f'kind = "{each}"' for each in row.references), *row.learners]:
            own = folder / f"{_file(row.name)}-{_file(algorithm)}.json"
            if not own.exists():
                continue
            told = json.loads(own.read_text())
            result = opened.result(told["run"], "test")
            assert result is not None
            values = {name: np.asarray(each, dtype=np.float64) for name, each in result.arrays.items()}
            whole = bool(np.isfinite(values[f"{prefix}total_return"]).any())
            found[algorithm] = Acted(labels[told["run"]], values[f"{prefix}return"], whole, told["cpu"])
    return found


def lines(row: Row, folder: Path) -> Iterator[tuple[str, bool]]:
    """Lines of the table, and whether what they claim holds."""
    for prefix in ("", "shifted/") if "shift" in row.task else ("",):
        found = acted(row, folder, prefix)
        usual = {each: found.get(f'kind = "{each}"') for each in row.references}
        chance, known = usual.pop("random"), usual.pop("oracle")
        if chance is None or known is None:
            return  # not run yet
        others = [each for each in usual.values() if each is not None]
        for learner in (found[each] for each in row.learners if each in found):
            gains = [mean_interval(learner.last - learner.first), learner.above(chance)]
            cells = [
                f"{row.name}{' (shift)' if prefix else ''}",
                learner.label,
                f"{learner.cpu:.0f}",
                *(told(mean_interval(each)) for each in (learner.first, learner.last, learner.total)),
                *(told(mean_interval(learner.same(each))) for each in (chance, known)),
                *(told(each, sign=True) for each in gains),
                ", ".join(f"{each.label} {told(learner.above(each), sign=True)}" for each in others) or "–",
            ]
            yield f"| {' | '.join(cells)} |", all(each.mean > each.half_width for each in gains)


def told(interval: Interval, *, sign: bool = False) -> str:
    """A mean and its interval to the same digit."""
    digits = max(0, 1 - int(np.floor(np.log10(max(interval.half_width, 1e-6)))))
    return f"{interval.mean:{'+' if sign else ''}.{digits}f} ± {interval.half_width:.{digits}f}"


HEADING = (
    "world",
    "learner",
    "CPU s",
    "first episode",
    "last episode",
    "all",
    "random",
    "oracle",
    "last − first",
    "all − random",
    "all − other references",
)


def main() -> int:
    """Run rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--row", action="append", choices=[each.name for each in ROWS], help="this row only")
    parser.add_argument("--print", action="store_true", help="run nothing")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    rows = [each for each in ROWS if not asked.row or each.name in asked.row]
    if not asked.print:
        for row in rows:
            run(row, asked.folder)
    print("| " + " | ".join(HEADING) + " |", "|" + "---|" * len(HEADING), sep="\n")
    held = True
    for row in rows:
        for line, holds in lines(row, asked.folder):
            print(line)
            held = held and holds
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
