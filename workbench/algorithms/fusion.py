"""Model fusion: Dvornik, Schmid, Mairal, "Diversity with Cooperation: Ensemble Methods for Few-Shot
Classification", ICCV 2019, arXiv 1903.11341; after Lakshminarayanan, Pritzel, Blundell, "Simple and Scalable
Predictive Uncertainty Estimation using Deep Ensembles", NeurIPS 2017, arXiv 1612.01474.

M members, each a meta-learner with an initialisation and a stream of tasks of its own; predictions are
averaged, not weights: p = Σ_m w_m p_m (probabilities, or values). The weights w are *uniform*; or softmax(v)
that minimises the mixture's loss on tasks of meta-validation, which is convex in w (*validation*); or, for
each task, softmax(−L_S(θ'_m) / τ) of the members' support losses after adaptation (*per_task*), with the
temperature τ that is best on tasks of meta-validation. Members are adapted for that as in training.

With a *relation* the members see the same tasks, and the sum of their losses gains γ / (M − 1) · Σ_{j≠l}
ψ(j, l), a mean over the queries:

- *cooperation*, ψ = ½ KL(p_j ‖ p_l) + ½ KL(p_l ‖ p_j);
- *diversity*, ψ = cos(p̂_j, p̂_l), where p̂ are the probabilities of the classes that are not the true one,
  normalised. With two classes there is but one of them, and nothing to tell apart.

The authors' code has γ / (M(M − 1)); for cooperation the cross-entropy H(p̂_j, p̂_l) instead, at γ = 10, and
for diversity a temperature of 5 (``related = "as published"``). Measured on glyphs (5-way 1-shot, three
ProtoNets, each ± .7 points): unrelated 88.5%; cooperation 81.5% ours and 71.9% theirs; diversity 90.2% ours
and 88.9% theirs.

The paper's members share a training set of plain classification; here each is a meta-learner. For
regression the paper has nothing; ours are the squared difference of the predictions (cooperation), and the
cosine between the members' errors over a task's queries (diversity).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor
from torch.func import vmap
from torch.nn import functional as F

from workbench.algorithms.base import Algorithm, Citation, OuterStep, Params
from workbench.algorithms.members import for_each, losses_of, side_by_side, stacked
from workbench.algorithms.memory import Memory
from workbench.algorithms.wrapper import Wrapper, WrapperConfig
from workbench.config import AlgorithmConfig, setting
from workbench.measures import MEMBER_WEIGHT
from workbench.problems.base import Supervised
from workbench.settings import misfit
from workbench.tasks.base import Data, Episode

OWN = "fusion."
"""What the names of the fusion's own meta-parameters begin with; the others are the members'."""

TEMPERATURES = torch.logspace(-3, 3, 121, dtype=torch.float64)
"""Among which the best is taken: a function of one number, which need not be convex."""


class FusionConfig(WrapperConfig):
    needs = frozenset({"gradient", "pairs"})

    kind: Literal["fusion"] = "fusion"
    members: int = setting(
        5, ge=1, le=100, symbol="M", help="Meta-learners, each with its own initialisation."
    )
    weights: Literal["uniform", "validation", "per_task"] = setting(
        "validation",
        help="Weights of the members: all alike; best on meta-validation; by support loss, task by task.",
    )
    relation: Literal["none", "cooperation", "diversity"] = setting(
        "none", help="What training asks of members beside learning: to agree, or to err differently."
    )
    strength: float | None = setting(
        None,
        rare=True,
        ge=0,
        le=1000,
        symbol="γ",
        help="Weight of that relation in the outer loss.",
        empty="1; as published, 10 for cooperating classifiers",
    )
    temperature: float | None = setting(
        None,
        rare=True,
        gt=0,
        le=1000,
        symbol="T",
        help="Of the probabilities that are related.",
        empty="1; as published, 5 for diversity",
    )
    related: Literal["ours", "as published"] = setting(
        "ours",
        before="ours",
        rare=True,
        help="Ours: the relation counts M times as much, and who cooperates agrees on the true class too, by "
        "the KL divergence; in few-shot tasks that was measured to be better.",
    )

    def new_tasks(self, meta_batch: int) -> int:
        return (self.members if self.relation == "none" else 1) * super().new_tasks(meta_batch)

    @model_validator(mode="after")
    def _can_be_related(self) -> Self:
        if self.relation == "none":
            return self
        if self.members == 1:
            raise misfit(("relation",), f"{self.relation!r} needs two members or more; use 'none'")
        able = sorted(n for n, kind in AlgorithmConfig.kinds.items() if self.allows(kind) and kind.episodic)
        if self.base.name not in able:
            raise misfit(
                ("base", "kind"),
                f"members of {self.base.name!r} cannot be related, since its outer loss is not that of the "
                f"queries alone; allowed: {', '.join(able)}",
            )
        return self


class Fusion(Wrapper):
    """An ensemble of meta-learners with a weighted average of predictions."""

    Config = FusionConfig
    title = "Fusion"
    family = "model fusion"
    summary = "Trains several members of a base learner at once and averages their predictions by weight."
    departs = (
        "Members see tasks of their own unless they are related; weights may be learned on meta-validation "
        "tasks. A relation counts M times as much: better on glyphs (diversity 90.2% against 88.9% as "
        "published, cooperation 81.5% against 71.9%)."
    )
    citation = Citation(
        "N. Dvornik, C. Schmid, J. Mairal",
        "Diversity with Cooperation: Ensemble Methods for Few-Shot Classification",
        "ICCV",
        2019,
        "1903.11341",
    )
    config: FusionConfig
    problem: Supervised

    @property
    def fits(self) -> bool:
        return self.base.fits or self.config.weights != "uniform"

    @property
    def heeds_step_cost(self) -> bool:
        return self.base.heeds_step_cost and self.config.relation == "none"

    # --- training: each member by itself, unless they are related --------------------------------------

    def initial(self, generator: torch.Generator) -> Params:
        members = stacked([self.base.initial(generator) for _ in range(self.config.members)])
        if self.config.weights == "validation":
            return members | {f"{OWN}v": torch.zeros(self.config.members)}
        if self.config.weights == "per_task":
            return members | {f"{OWN}log_temperature": torch.zeros(())}
        return members

    def new_tasks(self, meta_batch: int) -> int:
        self.base.new_tasks(meta_batch)  # so that it knows, too
        return self.config.new_tasks(meta_batch)

    def prepare(self, episode: Episode, done: float, generator: torch.Generator, memory: Memory) -> Episode:
        """``[T, M, …]``: each member's tasks, as its base prepares them. Related members have ``[T, …]``."""
        if self.config.relation != "none":
            return self.base.prepare(episode, done, generator, memory)
        tasks = episode.count // self.config.members
        return side_by_side(
            [
                self.base.prepare(episode.tasks(first, first + tasks), done, generator, memory)
                for first in range(0, episode.count, tasks)
            ]
        )

    def loss(self, meta: Params, episode: Episode) -> Tensor:
        if self.config.relation != "none":
            objective = self._related_loss(meta, episode)
            return _followed(self.config.members * objective, objective)
        losses: Tensor = vmap(self.base.loss)(_members(meta), episode)
        # the gradient of the sum, so that each member's is as if it were alone; shown is the mean
        return _followed(losses.sum(), losses.mean())

    @property
    def outer(self) -> OuterStep:
        """That of each member by itself."""
        base = self.base.outer

        def direction(meta: Params, episode: Episode) -> tuple[Params, Tensor]:
            assert base.direction
            directions, losses = vmap(base.direction)(_members(meta), episode)
            return directions | {n: torch.zeros_like(own) for n, own in _own(meta).items()}, losses.mean()

        def update(meta: Params, gradient: Params, rate: float) -> Params:
            assert base.update
            updated = vmap(base.update, in_dims=(0, 0, None))(_members(meta), _members(gradient), rate)
            return updated | _own(meta)

        return replace(base, direction=base.direction and direction, update=base.update and update)

    def _related_loss(self, meta: Params, episode: Episode) -> Tensor:
        learners = self._adapted(meta, episode.support, self.trained_steps)
        outputs = self._outputs(learners, self.problem.asked(episode.query))
        losses = losses_of(self.problem, outputs, episode.query["y"])
        unlike = ~torch.eye(self.config.members, dtype=torch.bool, device=outputs.device)
        pairs = self._relation(outputs, episode.query["y"]) * unlike
        objective: Tensor = losses.mean() + self._strength * pairs.sum() / unlike.sum()
        return objective

    @property
    def _strength(self) -> float:
        """γ for a mean of losses instead of a sum."""
        config = self.config
        if config.related == "ours":
            return 1.0 if config.strength is None else config.strength
        classes = "classes" in self.problem.gives or "tokens" in self.problem.gives
        usual = 10.0 if classes and config.relation == "cooperation" else 1.0
        return (usual if config.strength is None else config.strength) / config.members

    @property
    def _temperature(self) -> float:
        earlier, diverse = self.config.related == "ours", self.config.relation == "diversity"
        return self.config.temperature or (5.0 if diverse and not earlier else 1.0)

    def _relation(self, outputs: Tensor, y: Tensor) -> Tensor:
        """ψ of every pair of members, ``[M, M]``, from their outputs ``[M, n, outputs]`` on the queries."""
        cooperate = self.config.relation == "cooperation"
        if "tokens" in self.problem.gives:  # each token is a query
            outputs, y = outputs.flatten(1, 2), y.flatten().clamp_min(0)
        elif "classes" not in self.problem.gives:
            if cooperate:
                return (outputs[:, None] - outputs[None]).square().mean((2, 3))
            errors = F.normalize((outputs - y).flatten(1), dim=1)
            return errors @ errors.T
        logs = (outputs / self._temperature).log_softmax(-1)
        right = F.one_hot(y, outputs.shape[-1]).bool()
        if cooperate and self.config.related == "as published":
            others = logs.masked_fill(right, -math.inf).log_softmax(-1)
            cross = torch.einsum("jnc,lnc->jl", others.exp(), others.masked_fill(right, 0)) / logs.shape[1]
            return -(cross + cross.T) / 2
        if cooperate:
            # Σ p_j (log p_j − log p_l) and the same with j and l exchanged
            own = (logs.exp() * logs).sum(-1).mean(-1)
            cross = torch.einsum("jnc,lnc->jl", logs.exp(), logs) / logs.shape[1]
            divergence = own[:, None] - cross
            return (divergence + divergence.T) / 2
        others = F.normalize(logs.exp() * ~right, dim=-1)  # a cosine does not see how p̂ is normalised
        return torch.einsum("jnc,lnc->jl", others, others) / others.shape[1]

    # --- one task -------------------------------------------------------------------------------------

    def start(self, meta: Params, support: Data) -> Params:
        learners = vmap(self.base.start)(_members(meta), self._for_each(support))
        return self._weighted(meta, learners, support)

    def step(self, meta: Params, learner: Params, support: Data, index: int) -> Params:
        step = vmap(self.base.step, in_dims=(0, 0, 0, None))
        learners = step(_members(meta), _members(learner), self._for_each(support), index)
        return self._weighted(meta, learners, support)

    def adapt(self, meta: Params, support: Data, steps: int) -> Params:
        learners = self._adapted(meta, support, steps)
        return self._weighted(meta, learners, support)

    def adaptation(self, meta: Params, support: Data, steps: int) -> Iterator[Params]:
        return Algorithm.adaptation(self, meta, support, steps)

    def predict(self, learner: Params, x: Tensor) -> Tensor:
        return self.problem.mixed(self._outputs(learner, x), learner[f"{OWN}log_weights"])

    def distribution(self, learner: Params, x: Tensor) -> None:
        """None, whatever its members give: their average is taken of values."""

    def meta_learned(self, meta: Params) -> dict[str, Params]:
        """What its members have learned, and their weights where these are the same for all tasks."""
        found = self.base.meta_learned(_members(meta))
        if self.config.weights == "validation":
            found["weights of members"] = {"members": meta[f"{OWN}v"].softmax(0)}
        return found

    def activations(self, learner: Params, x: Tensor) -> Params:
        """Those of all members, side by side: ``[n, M, …]``."""
        of_members = vmap(self.base.activations, in_dims=(0, None), out_dims=1)
        found: Params = of_members(_members(learner), x)
        return found

    def _adapted(self, meta: Params, support: Data, steps: int) -> Params:
        """The members' learners, without their weights."""
        adapt = vmap(self.base.adapt, in_dims=(0, 0, None))
        learners: Params = adapt(_members(meta), self._for_each(support), steps)
        return learners

    def _for_each(self, support: Data) -> Data:
        return for_each(self.config.members, support)

    def _outputs(self, learner: Params, x: Tensor) -> Tensor:
        """Each member's prediction, ``[M, n, outputs]``."""
        outputs: Tensor = vmap(lambda member: self.base.predict(member, x))(_members(learner))
        return outputs

    def _weighted(self, meta: Params, learners: Params, support: Data) -> Params:
        """The members' learners with the log of their weights on this task."""
        if self.config.weights == "validation":
            logits = meta[f"{OWN}v"]
        elif self.config.weights == "per_task":
            logits = (
                -losses_of(self.problem, self._outputs(learners, self.problem.asked(support)), support["y"])
                / meta[f"{OWN}log_temperature"].exp()
            )
        else:
            logits = next(iter(learners.values())).new_zeros(self.config.members)
        return learners | {f"{OWN}log_weights": logits.log_softmax(0)}

    def report(self, meta: Params, learner: Params, episode: Episode) -> dict[str, dict[str, Tensor]]:
        query = self._for_each(self.problem.judged(episode.support, episode.query))
        measured = vmap(lambda member, of: self.problem.measured(partial(self.base.predict, member), of))
        of_members = measured(_members(learner), query)
        groups = {f"member {name}": values for name, values in of_members.items()}
        groups[MEMBER_WEIGHT.name] = learner[f"{OWN}log_weights"].exp()
        return {
            group: {f"member {number + 1}": each for number, each in enumerate(values)}
            for group, values in groups.items()
        }

    # --- weights from tasks of meta-validation --------------------------------------------------------

    def fit(self, meta: Params, episodes: Iterable[Episode]) -> Params:
        blocks = list(episodes)
        fitted = self._fitted_members(meta, blocks) if self.base.fits else {}
        if self.config.weights == "uniform":
            return fitted
        measured = vmap(self._measured, in_dims=(None, 0))
        parts = [measured(meta | fitted, block) for block in blocks]
        outputs, y, support = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
        outputs, support = outputs.double(), support.double()
        y = y.double() if y.is_floating_point() else y
        whole = outputs.isfinite().flatten(1).all(1) & support.isfinite().all(1)
        outputs, y, support = outputs[whole], y[whole], support[whole]
        if not len(outputs):
            return fitted

        def loss_of(log_weights: Tensor) -> Tensor:
            """The mixture's mean loss, from weights ``[T, M]``."""
            losses: Tensor = vmap(self.problem.of)(vmap(self.problem.mixed)(outputs, log_weights), y)
            return losses.mean()

        if self.config.weights == "validation":
            v = _lowest(
                lambda v: loss_of(v.log_softmax(0)[None].expand(len(outputs), -1)), len(meta[f"{OWN}v"])
            )
            return fitted | {f"{OWN}v": v.to(meta[f"{OWN}v"])}
        losses = torch.stack([loss_of((-support / each).log_softmax(1)) for each in TEMPERATURES])
        best = TEMPERATURES[losses.argmin()].log()
        return fitted | {f"{OWN}log_temperature": best.to(meta[f"{OWN}log_temperature"])}

    def _measured(self, meta: Params, episode: Episode) -> tuple[Tensor, Tensor, Tensor]:
        """Of one task: the members' predictions of its queries, what is to be predicted, and the members'
        support losses."""
        learners = self.adapt(meta, episode.support, self.trained_steps)
        outputs = self._outputs(learners, self.problem.asked(episode.query))
        of_support = self._outputs(learners, self.problem.asked(episode.support))
        support = losses_of(self.problem, of_support, episode.support["y"])
        return outputs, episode.query["y"], support

    def _fitted_members(self, meta: Params, blocks: list[Episode]) -> Params:
        """What the base fits, member by member."""
        members = _members(meta)
        alone = [{name: value[m] for name, value in members.items()} for m in range(self.config.members)]
        return stacked([self.base.fit(member, blocks) for member in alone])


def _followed(total: Tensor, shown: Tensor) -> Tensor:
    """A loss whose value is what is shown, and whose gradient is that of the total."""
    return total - total.detach() + shown.detach()


def _members(params: Params) -> Params:
    """What is the members', ``[M, …]`` by name."""
    return {name: value for name, value in params.items() if not name.startswith(OWN)}


def _own(params: Params) -> Params:
    return {name: value for name, value in params.items() if name.startswith(OWN)}


def _lowest(objective: Callable[[Tensor], Tensor], size: int) -> Tensor:
    """The vector, from zero on, that makes the objective lowest."""
    with torch.enable_grad():
        v = torch.zeros(size, dtype=torch.float64, requires_grad=True)
        descent = torch.optim.LBFGS([v], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            descent.zero_grad()
            loss = objective(v)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        descent.step(closure)  # type: ignore[no-untyped-call]
    return v.detach()
