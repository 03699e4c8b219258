"""A training stream that drifts: which segment comes when, and what is still known of the earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workbench.config import Experiment
from workbench.engine import evaluation, intervals
from workbench.engine.episodes import SEGMENT, FrozenEpisodes
from workbench.engine.interruption import Asked
from workbench.summaries import DriftSummary, Entry
from workbench.tasks.base import EpisodeSize, TaskFamily

Measure = Callable[[FrozenEpisodes], evaluation.Curves]


class Segments:
    """The segments of a run's training, equally long.

    Parameters
    ----------
    segments : how many there are; one where nothing drifts.
    iterations : meta-iterations of the run.
    """

    def __init__(self, segments: int, iterations: int) -> None:
        self.segments, self.iterations = segments, iterations

    @property
    def drifts(self) -> bool:
        return self.segments > 1 and self.iterations > 0

    def segment_of(self, iteration: int) -> int | None:
        """The segment (from 0) of a meta-iteration (from 0); None where nothing drifts."""
        if not self.drifts:
            return None
        return min(self.segments - 1, iteration * self.segments // self.iterations)

    def ends(self, iteration: int) -> bool:
        """Whether a segment is over after so many meta-iterations."""
        return self.drifts and iteration > 0 and self.segment_of(iteration - 1) != self.segment_of(iteration)

    def next_end(self, iteration: int) -> int:
        """Meta-iterations after which the present segment is over."""
        segment = self.segment_of(iteration)
        if segment is None:
            return self.iterations
        return -(-(segment + 1) * self.iterations // self.segments)

    def begin(self, iteration: int) -> int:
        """Meta-iterations after which the present segment began."""
        return -(-(self.segment_of(iteration) or 0) * self.iterations // self.segments)

    def over(self, iteration: int) -> int:
        """Segments that are over after so many meta-iterations."""
        if iteration >= self.iterations:
            return self.segments
        return self.segment_of(max(0, iteration)) or 0


class Stream(Segments):
    """The segments of a run's training, and what was measured on each.

    Parameters
    ----------
    family : what the tasks are drawn from; one that does not drift has one segment.
    iterations : meta-iterations of the run.

    Attributes
    ----------
    known : after each segment that is over, the loss on every segment; ``known[i][j]`` on segment j.
    """

    def __init__(self, family: TaskFamily, iterations: int) -> None:
        super().__init__(family.segments, iterations)
        self._family = family
        self.known: list[list[float | None]] = []
        self._frozen: list[FrozenEpisodes] = []

    def measure(
        self, experiment: Experiment, size: EpisodeSize, iteration: int, measure: Measure, asked: Asked
    ) -> dict[str, dict[str, Entry]]:
        """Every measure on frozen training tasks of every segment, as groups of a report.

        At the end of a segment it is kept in :attr:`known`.
        """
        if not self.drifts:
            return {}
        if not self._frozen:
            self._frozen = list(self._draw(experiment, size, asked))
        curves = [measure(episodes) for episodes in self._frozen]
        names = [f"segment {number}" for number in range(1, self.segments + 1)]
        if self.ends(iteration) or iteration == self.iterations:
            self.known.append([evaluation.number(each.interval(each.loss[-1]).mean) for each in curves])
        return {
            f"segment {measure}": {
                name: evaluation.reported(each.interval(each.values[measure][-1]))
                for name, each in zip(names, curves, strict=True)
            }
            for measure in curves[0].values
        }

    def _draw(self, experiment: Experiment, size: EpisodeSize, asked: Asked) -> Iterator[FrozenEpisodes]:
        settings = experiment.evaluation
        for segment in range(self.segments):
            yield FrozenEpisodes(
                self._family,
                "train",
                size,
                settings.validation_episodes,
                settings.seed,
                asked,
                purpose=SEGMENT,
                segment=segment,
            )

    def summary(self) -> DriftSummary | None:
        """What was forgotten; None where nothing drifts."""
        if not self.drifts:
            return None
        return {"segments": self.segments, "loss": self.known, **intervals.forgetting(self.known)}
