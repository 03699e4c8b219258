"""Sections that come in one kind: training and its privacy, evaluation, a stream that drifts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from workbench.settings import (
    Section,
    misfit,
    setting,
)

FORMAT = 2
"""Of the files that are written now; in one of format 1, what is not said is as it was before there was the
setting."""
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


class Drift(Section):
    """Training as a stream of tasks whose distribution changes from segment to segment."""

    segments: int = setting(
        5, ge=2, le=100, help="Parts of the training, equally long; each draws from a part of the tasks."
    )


LEAST_NOISE = 0.3
"""In multiples of the bound; of less, ε is in the hundreds and takes minutes to compute."""


class Privacy(Section):
    """Keeps training tasks private, each as a whole: task-level differential privacy."""

    tasks: int = setting(
        10_000,
        ge=1,
        le=1_000_000,
        unit="tasks",
        symbol="N",
        help="Training tasks, drawn once and fixed; protected is each of them, not what several share.",
    )
    epsilon: float | None = setting(
        None,
        gt=0,
        le=1000,
        symbol="ε",
        help="What the whole training may spend; the noise follows.",
        empty="what the noise makes it",
    )
    noise: float | None = setting(
        None,
        ge=0,
        le=1000,
        symbol="σ",
        help="Standard deviation of the noise in multiples of the bound; 0: none, nothing is protected.",
        empty="what ε makes it",
    )
    delta: float = setting(
        1e-5, gt=0, lt=1, symbol="δ", help="Probability that is left out of ε; it should be below 1/N."
    )
    clip: Annotated[float, Field(gt=0)] | Literal["none"] = setting(
        1.0, symbol="C", help="Norm to which each task's meta-gradient is clipped; none: without noise."
    )
    chance: Literal["seed", "system"] = setting(
        "seed",
        rare=True,
        titles={"seed": "the run's seed", "system": "the system, not kept"},
        help="Where noise and lots come from. With the seed, a run resumes bit for bit, and who has it can "
        "subtract the noise; else steps that are repeated after a kill count again.",
    )
    accountant: Literal["pld", "rdp"] = setting(
        "pld",
        rare=True,
        titles={"pld": "PLD", "rdp": "RDP"},
        help="How ε is computed: by privacy loss distributions (closer), or Rényi divergences.",
    )

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        if (self.epsilon is None) == (self.noise is None):
            said = "neither is" if self.epsilon is None else "both are"
            raise misfit(("epsilon",), f"say either epsilon or noise; {said} said")
        if self.noise and self.noise < LEAST_NOISE:
            raise misfit(
                ("noise",), f"{self.noise:g} protects nothing; allowed: 0, or a number ≥ {LEAST_NOISE}"
            )
        if self.clip == "none" and self.noise != 0:
            raise misfit(("clip",), "without a bound no noise protects; give a number, or noise = 0")
        return self

    @property
    def bound(self) -> float:
        """C."""
        return math.inf if self.clip == "none" else self.clip

    @property
    def cautions(self) -> list[str]:
        """What is protected and what is not, and what weakens it: a sentence each."""
        said = [
            f"Protected is each of the {self.tasks:,} training tasks as a whole, not what several of them "
            "share. Not protected: settings chosen by results, validation and test tasks, the data file "
            "itself, and the training curves and per-task results in the project. The weights may be given "
            "away, the project may not; of several runs on the same data, what each spends adds up."
        ]
        if self.noise == 0:
            said.append("Without noise nothing is protected: ε = ∞.")
        elif self.chance == "seed":
            said.append(
                "The noise follows from the run's seed, of which there are 4 billion: who has it, or tries "
                'them all, can subtract it. Where that matters, set training.privacy.chance = "system".'
            )
        if self.delta * self.tasks >= 1:
            said.append(
                f"δ = {self.delta:g} is not below 1/N = {1 / self.tasks:g}: publishing a task taken by lot "
                "would count as private."
            )
        return said


def _unless_final(objective: object) -> object:
    """What is usual is as good as nothing said."""
    return None if objective == "final" else objective


class Training(Section):
    """How long, how wide and where every algorithm is meta-trained."""

    iterations: int = setting(10_000, ge=1, unit="meta-iterations", help="Length of training.")
    meta_batch: int = setting(25, ge=1, le=10_000, unit="tasks", symbol="T", help="Tasks in a meta-batch.")
    meta_lr: float = setting(1e-3, gt=0, le=100, symbol="β", help="Outer learning rate (Adam).")
    gradient_clamp: float | None = setting(
        None, rare=True, gt=0, help="Clamp each meta-gradient entry to ± this.", empty="no clamp"
    )
    gradient_norm: float | None = setting(
        None, rare=True, gt=0, help="Clip each meta-gradient to this norm.", empty="no clip"
    )
    decay: Literal["linear"] | None = setting(
        None, rare=True, help="How the outer learning rate falls to 0.", empty="it stays"
    )
    objective: Annotated[Literal["anytime"] | None, BeforeValidator(_unless_final)] = setting(
        None,
        help="Outer loss of learners by inner steps: anytime is the query loss after every step.",
        empty="final, that after the last step",
    )
    step_cost: float | None = setting(
        None,
        rare=True,
        ge=0,
        le=100,
        help='With objective = "anytime", each further step counts exp(−this) times as much.',
        empty="all count the same",
    )
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = setting(
        (0,), incidental=True, min_length=1, strict=False, help="One run per algorithm and seed."
    )
    device: str = setting(
        "auto",
        incidental=True,
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
        help="auto, cpu, cuda, cuda:1 or mps.",
    )
    threads: Annotated[int, Field(ge=1, le=256)] | Literal["auto"] = setting(
        "auto", incidental=True, rare=True, help="CPU threads; auto: the fastest in a short measurement."
    )
    chunk: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = setting(
        "auto",
        incidental=True,
        rare=True,
        unit="tasks",
        help="Tasks computed at once; bounds memory. auto: measured.",
    )
    compile: bool | Literal["auto"] = setting(
        "auto",
        incidental=True,
        rare=True,
        help="Compile the meta-step, where there is a C++ compiler; auto: where that saves time.",
    )
    tf32: bool = setting(False, rare=True, help="TensorFloat-32 matrix products on CUDA: faster, less exact.")
    mixed_precision: bool = setting(
        False, rare=True, help="bfloat16 where it is safe (CUDA): faster, less exact."
    )
    checkpoint_every: float = setting(
        30.0, incidental=True, rare=True, ge=0, unit="s", help="Seconds between checkpoints."
    )
    stop: int | None = setting(
        None,
        label="Stop early",
        rare=True,
        ge=1,
        le=10_000,
        unit="validations",
        help="End training when so many validations in a row have not been better than the best one.",
        empty="never",
    )
    privacy: Privacy | None = setting(
        None,
        label="Private tasks",
        help="Clip what a training task changes and add noise, so that the weights tell of no task.",
    )

    @property
    def cost_of_a_step(self) -> float | None:
        """By how much each further inner step counts less in the outer loss; None: the last alone counts."""
        return None if self.objective is None else self.step_cost or 0.0

    @model_validator(mode="after")
    def _steps_cost_something(self) -> Self:
        if self.step_cost is not None and self.objective is None:
            raise misfit(("step_cost",), 'means nothing without objective = "anytime"; leave it out')
        return self

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("each seed may be named once")
        return seeds


class Attack(Section):
    """An adversary that changes every input a little, so that the learner errs."""

    kind: Literal["fgsm", "pgd"] = setting(
        "pgd", help="fgsm: one step along the gradient's sign; pgd: several, from a random start."
    )
    epsilon: float = setting(
        8 / 255, ge=0, le=1, symbol="ε", help="Largest change of a pixel, whose values run from 0 to 1."
    )
    steps: int = setting(20, ge=1, le=1000, unit="steps", help="Steps of pgd (fgsm takes one).")
    step_size: float = setting(2 / 255, gt=0, le=1, help="Change of a pixel in one step of pgd.")


def _named_attack(value: object) -> object:
    """``attack = "pgd"`` is a table with its defaults; "none" is as good as no table."""
    kind = value.get("kind") if isinstance(value, Mapping) else value
    if kind == "none":
        return None
    return {"kind": value} if isinstance(value, str) else value


class Evaluation(Section):
    """How unseen tasks are measured: on frozen episodes, the same for every algorithm."""

    episodes: int = setting(600, ge=2, le=100_000, help="Meta-test episodes, drawn once and frozen.")
    validation_episodes: int = setting(
        100,
        ge=2,
        le=100_000,
        help="Meta-validation episodes, measured while training (and, at the end, "
        "as many meta-training episodes for the generalisation gap).",
    )
    inner_steps: int = setting(10, ge=1, le=1000, unit="steps", help="Inner steps of the adaptation curve.")
    every: int = setting(
        500, label="Validate every", ge=1, unit="meta-iterations", help="Meta-iterations between validations."
    )
    queries: int | None = setting(
        None, ge=1, le=10_000, help="Query examples in evaluation.", empty="as in the task"
    )
    checkpoint: Literal["last", "best", "last alone"] = setting(
        "last",
        before="last alone",
        label="Weights tested",
        rare=True,
        titles={"last": "last (and best)", "best": "best (and last)", "last alone": "last, nothing else"},
        help="Which weights stand in tables: the last, or those of the best validation; the others are "
        "tested, too.",
    )
    seed: int = setting(12345, rare=True, ge=0, lt=2**32, help="Seed of the frozen episodes.")
    transductive: bool = setting(
        True,
        rare=True,
        help="Batch norm sees a task's queries together; else each beside the support set only.",
    )
    attack: Annotated[Attack | None, BeforeValidator(_named_attack)] = setting(
        None,
        needs=["classes", "bounds"],
        help="Measure classifiers on attacked queries too, at the end.",
        empty="none",
    )
    threshold: float | None = setting(
        None,
        rare=True,
        symbol="τ",
        help="Query loss that counts as adapted; of a world, the return of an episode.",
        empty="a quarter of the loss of the best predictor that cannot adapt",
    )
    divergence: Literal["reference", "start"] = setting(
        "reference",
        before="start",
        rare=True,
        titles={
            "reference": "the best predictor that cannot adapt",
            "start": "the learner before adaptation",
        },
        help="A task has diverged where its loss is not finite, or over ten times that of the best predictor "
        "that cannot adapt, where it is known; start: of the learner before adaptation.",
    )
