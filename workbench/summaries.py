"""What an evaluation tells, as typed tables of plain values (JSON types): the trainer makes them, the project
file keeps them, tables and charts read them.

None stands for a number that is not finite. A list has an entry for each inner step that was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

Numbers = list[float | None]

FIRST_EDITION = ("loss", "accuracy")
"""Measures that stand beside ``measures`` too, as ``loss`` and ``loss_ci95``, where scripts read them."""


HOME = "home"
"""What the domain is called that runs are trained on, beside others."""


class ByStep(TypedDict):
    """A measure by inner step: means over tasks, and half-widths of their 95% intervals."""

    mean: Numbers
    ci95: Numbers


class Entry(TypedDict):
    """An entry of a report: a mean over tasks with the half-width of its 95% interval."""

    mean: float | None
    ci95: float | None


class DriftSummary(TypedDict, total=False):
    """What a stream forgot: see :func:`workbench.engine.intervals.forgetting`."""

    segments: int
    loss: list[Numbers]
    forgetting: Numbers
    forgetting_mean: float | None
    backward_transfer: float | None


class Summary(TypedDict, total=False):
    """What was measured on frozen episodes.

    ``problem`` names the kind of task and ``measures`` holds all that it measures; both are always there in
    what a project gives, whatever version wrote it. ``units`` are those of measures that the data have units
    for. Where somebody acts, ``episode`` says what an episode is
    called, and ``episodes_consumed`` and ``environment_steps`` how much was acted in before each step.
    ``loss`` and ``accuracy`` are the same once more, for
    scripts (``accuracy`` is None where there is none).
    """

    problem: str
    units: dict[str, str]
    inner_steps: list[int]
    episode: str
    episodes_consumed: list[int]
    environment_steps: list[int]
    tasks: int
    measures: dict[str, ByStep]
    loss: Numbers
    loss_ci95: Numbers
    accuracy: Numbers | None
    accuracy_ci95: Numbers | None
    loss_median: Numbers
    diverged: list[int]
    report: dict[str, dict[str, Entry]]


class AttackSummary(TypedDict, total=False):
    """The attack that queries were measured under."""

    kind: str
    epsilon: float | None
    steps: int
    step_size: float | None


class OperatingPoint(TypedDict):
    """The line above which something counts as found, as it was chosen on meta-validation tasks.

    ``rule`` and ``at_least`` are how, ``sensitivity`` and ``specificity`` what was reached there;
    ``episodes`` and ``episodes_hash`` tell the tasks.
    """

    rule: str
    at_least: float | None
    threshold: float
    sensitivity: float
    specificity: float
    episodes: NotRequired[int]
    episodes_hash: NotRequired[str]


class WeightsSummary(TypedDict):
    """Which weights a test is of: the ``last``, or the ``best`` on meta-validation tasks.

    ``best_at``, ``last_at`` are meta-iterations, ``best_validation`` what the best reached in ``measure``;
    ``others`` is what the weights that are not in tables reach on the same test episodes, None where these
    are the same.
    """

    tested: str
    best_at: int
    last_at: int
    measure: str
    best_validation: float | None
    others: dict[str, ByStep] | None


class ShiftSummary(TypedDict):
    """What was measured on as many frozen tasks of a shifted distribution: its name, and what it is."""

    name: str
    words: str
    episodes_hash: str
    measures: dict[str, ByStep]


class DomainSummary(Summary, total=False):
    """What was measured on frozen episodes of another domain, as a result of its own: what the domain is, and
    which episodes.

    ``drop`` is how much worse each measure is after the last step than on the home domain's episodes, which
    are others: means and Welch's intervals over both; below zero it is better. What has no better direction
    has none.
    """

    split: str
    words: str
    episodes: int
    episodes_hash: str
    ways: int
    shots: int
    queries: int
    distinct_episodes: int
    distinct_classes: int
    distinct_examples: int
    drop: dict[str, Entry]


class CostSummary(TypedDict):
    """What a run took: seconds by phase (training, validation, test), floating-point operations of a
    meta-``iteration`` and of adapting to a ``task`` and testing it (None where they were not counted), bytes
    of the process at their most, and, where the platform tells, joules of the machine's processors by phase.
    """

    seconds: dict[str, float]
    operations: dict[str, int] | None
    peak_memory: int
    joules: NotRequired[Mapping[str, float]]


class TestSummary(Summary, total=False):
    """What a run reached on the meta-test episodes: the "test" of ``show --json``.

    ``training`` holds each measure of training iterations, smoothed, at the end of training.
    """

    split: str
    episodes: int
    episodes_hash: str
    training: dict[str, float | None]
    adaptation_threshold: float | None
    adaptation_measure: str
    adaptation_steps_median: float | None
    adaptation_milliseconds_median: float | None
    adaptation_environment_steps_median: float | None
    adaptation_reached: float | None
    milliseconds_by_step: Numbers
    generalisation_gap: float | None
    generalisation_gap_ci95: float | None
    train_loss: Numbers
    calibration_error: float | None
    attack: AttackSummary | None
    shift: ShiftSummary | None
    domains: NotRequired[dict[str, DomainSummary]]
    operating_point: NotRequired[OperatingPoint | None]
    transductive: bool | None
    ways: int
    shots: int
    queries: int
    drift: DriftSummary | None
    distinct_episodes: int
    distinct_classes: int
    distinct_examples: int
    weights: NotRequired[WeightsSummary]
    cost: NotRequired[CostSummary]


class CostEntry(TypedDict):
    """What each run of an algorithm takes, as ``run --dry-run --json`` prints it.

    ``runs`` is how many there are, one for each seed; ``tasks`` are those drawn in its ``iterations``;
    ``seconds`` and ``operations`` are by phase, with their ``total``; ``peak_memory`` and ``disk`` are bytes.
    """

    algorithm: str
    label: str
    runs: int
    iterations: int
    tasks: int
    seconds: dict[str, float]
    operations: dict[str, float]
    peak_memory: int
    disk: int


class RunEntry(TypedDict):
    """A run as ``show --json`` prints it.

    ``diverged_at`` is the meta-iteration at which its training diverged; not there where nobody asked.
    """

    id: int
    name: str
    experiment: str
    experiment_id: int
    algorithm: str
    label: str
    task: str
    seed: int
    status: str
    failure: str | None
    iterations: int
    iterations_planned: int
    seconds: float
    meta_iterations_per_second: float | None
    config_hash: str
    data_hash: str
    environment: Mapping[str, object]
    notes: str
    tags: list[str]
    test: TestSummary | None
    diverged_at: NotRequired[int | None]
