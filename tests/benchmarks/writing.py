"""What writing a project costs a run: sinusoid MAML with and without one, in turn, in one process.

python tests/benchmarks/writing.py [--rounds 8] [--iterations 2000]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from workbench import runs
from workbench.config import Experiment
from workbench.engine.events import MetaSteps
from workbench.engine.trainer import Trainer
from workbench.project import Project
from workbench.runs import Control, Notice
from workbench.tasks.base import TaskFamily


class Clock:
    """Meta-iterations per second of wall time, from the first report to the last."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None
        self.last = (0, 0.0)

    def tell(self, _: Trainer, notice: Notice) -> None:
        if isinstance(notice, MetaSteps):
            self.last = (notice.iteration, time.perf_counter())
            self.first = self.first or self.last

    @property
    def rate(self) -> float:
        assert self.first is not None
        return (self.last[0] - self.first[0]) / (self.last[1] - self.first[1])


def without(experiment: Experiment, family: TaskFamily) -> float:
    clock = Clock()
    trainer = Trainer(experiment, experiment.algorithm[0], 0, family)
    for event in trainer.events():
        clock.tell(trainer, event)
    return clock.rate


def with_project(experiment: Experiment, family: TaskFamily) -> float:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, Project.create(Path(folder) / "p.mlwb") as project:
        (run,) = runs.add(project, experiment, family)
        runs.perform(project, run, family, Control(), clock.tell)
    return clock.rate


def main() -> None:
    """Print the medians and the cost, pair by pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=2000)
    options = parser.parse_args()
    experiment = runs.load_experiment(
        "quickstart",
        (
            f"training.iterations={options.iterations}",
            f"evaluation.every={options.iterations}",
            "evaluation.episodes=10",
            "evaluation.validation_episodes=10",
            "training.checkpoint_every=1.0",
            "training.threads=1",
            "training.chunk=25",
        ),
    )
    family = runs.open_family(experiment)
    experiment = experiment.model_copy(update={"algorithm": experiment.algorithm[:1]})
    pairs = []
    for _ in range(options.rounds):
        pairs.append((without(experiment, family), with_project(experiment, family)))
        print(f"without {pairs[-1][0]:8.1f}/s   with {pairs[-1][1]:8.1f}/s", flush=True)
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    cost = statistics.median(1 - with_ / alone for alone, with_ in pairs)
    print(f"median  {medians[0]:8.1f}/s        {medians[1]:8.1f}/s   cost {cost:.2%} (median of pairs)")


if __name__ == "__main__":
    main()
