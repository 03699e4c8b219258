"""Meta-training as a generator of events; it knows neither Qt nor files, and no algorithm by name."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from workbench.algorithms import Params
from workbench.algorithms.base import OuterStep, clipped
from workbench.algorithms.memory import Memory
from workbench.config import AlgorithmConfig, Experiment
from workbench.engine import evaluation, meta_test
from workbench.engine.best import Best, Trial
from workbench.engine.building import (
    build,
    demands,
    domain_size,
    evaluation_size,
    in_domain,
    planned_iterations,
    training_size,
    warm_up,
)
from workbench.engine.devices import candidates, environment, one_thread, set_up, synchronise
from workbench.engine.energy import Energy
from workbench.engine.episodes import (
    FITTED,
    MEASURED,
    PREPARED,
    REMEMBERED,
    SHUFFLED,
    FixedTasks,
    FrozenEpisodes,
    TrainingEpisodes,
    seeded,
)
from workbench.engine.events import (
    Abandoned,
    CheckpointDue,
    Evaluated,
    Event,
    Failed,
    Finished,
    MetaSteps,
    Trained,
)
from workbench.engine.interruption import AbandonedError, Asked, nobody_asks
from workbench.engine.plan import Plan, Work, choose
from workbench.engine.private import Private
from workbench.engine.stack import Stack
from workbench.engine.state import State, Values
from workbench.engine.stream import Stream
from workbench.errors import InputError
from workbench.measures import LOSS, TASKS_IN_MEMORY
from workbench.summaries import Entry, Summary, WeightsSummary
from workbench.tasks.base import Domain, Episode, EpisodeSize, TaskFamily

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.05
FIRST_CHECKPOINT_SECONDS = 1.0
"""Of training until the first checkpoint: a run that is killed often must get on all the same."""

WARMING = OuterStep()
"""The outer step while a learner warms up, whatever it is afterwards."""

Found = TypeVar("Found")


class NonFiniteError(ArithmeticError):
    """A loss that is no number."""


_NUMERIC = (NonFiniteError, torch.OutOfMemoryError, torch.linalg.LinAlgError)  # type: ignore[attr-defined]


class Trainer:
    """One run: an algorithm, a seed, and the experiment that they belong to.

    Parameters
    ----------
    experiment : the configuration.
    config : the algorithm's section of it.
    seed : the run's seed: initial weights and training episodes.
    family : the task family; its data is moved to the run's device.
    plan : how to compute it; None chooses by measurement (a resume passes the recorded plan).
    report_seconds : longest time between two :class:`MetaSteps` events.
    asked : asked often, on any thread, whether to give up what is being measured, so that the consumer
        of the events is heard soon; see :class:`~workbench.engine.events.Abandoned`.
    trial : of a sweep, where it is one; None: the run is tested.
    steady : whether a plan is chosen without measuring, so that it is the same wherever it is chosen.

    Attributes
    ----------
    asked : asks the same.
    meta_batch : tasks of a meta-iteration.
    warm_up : meta-iterations at the beginning that learn without adapting.
    seconds, validating, testing : that training, validation and the test have taken.
    energy : that they have taken, where the platform tells.
    workers : chunks of tasks computed at the same time.

    Raises
    ------
    DeviceError, NetworkError, DataError
        If the machine has no such device, or the network or the data cannot serve.
    AbandonedError
        If somebody asked while a plan was measured.
    """

    def __init__(
        self,
        experiment: Experiment,
        config: AlgorithmConfig,
        seed: int,
        family: TaskFamily,
        *,
        plan: Plan | None = None,
        report_seconds: float = REPORT_SECONDS,
        asked: Asked = nobody_asks,
        trial: Trial | None = None,
        steady: bool = False,
    ) -> None:
        training, self.trial = experiment.training, trial
        self.experiment, self.config, self.seed = experiment, config, seed
        self.algorithm = build(experiment, config, family)
        self._report_seconds = report_seconds
        self.energy = Energy()
        self.asked = asked = self.energy.watched(asked)
        schedule = config.schedule(training)
        self._base_lr, self.meta_batch = schedule.meta_lr, schedule.meta_batch
        self.demands = demands(experiment, config, family)
        self.private = None
        if training.privacy is not None and schedule.iterations:
            self.private = Private(training.privacy, schedule.meta_batch, schedule.iterations, seed)
            log.info("%s: %s", config.label or self.algorithm.title, self.private.words)
        if self._objective:
            log.info("%s: outer loss %s", config.label or self.algorithm.title, self._objective)
        self._stack: Stack | None = None
        self.iteration = 0
        self.seconds = self.validating = self.testing = 0.0
        self._evaluated = -1

        self._place(torch.device(plan.device) if plan else candidates(training.device)[0], family)
        if plan is None:
            usual = self.drawn() if self.private is None else self._fixed[torch.arange(self.private.most)]
            part = next(self._parts(self.prepared(usual), self.algorithm.outer))
            steps = self.iterations * self.algorithm.outer.epochs * self.algorithm.outer.parts
            plan, self._meta_step = choose(
                Work(training, self.algorithm, self.meta, part, steps, asked, steady)
            )
        else:
            self._meta_step = plan.meta_step(training, self.algorithm, self._tasks_of_a_step)
        self.plan = plan
        self.warm_up = warm_up(experiment, config)
        if self.warm_up:
            self._warm_step = plan.meta_step(training, self.algorithm, self.meta_batch, warm=True)
        if plan.device != str(self.device):
            self._place(torch.device(plan.device), family)
        self.workers = plan.workers(self._tasks_of_a_step)
        set_up(self.device, plan.threads_of_an_operation(self._tasks_of_a_step), training.tf32)

    @property
    def _tasks_of_a_step(self) -> int:
        """Most tasks that an outer step learns from at once."""
        tasks = self.meta_batch if self.private is None else self.private.most
        return -(-tasks // self.algorithm.outer.parts)

    def _place(self, device: torch.device, family: TaskFamily) -> None:
        """Begin on a device: with the data, the episodes and the initial weights there."""
        self.device = device
        self.family = family.to(device)
        size = training_size(self.config, family)
        self._source = source = self.algorithm.training_family(family)
        source.check(size, "train")
        new_tasks = self.algorithm.new_tasks(self.meta_batch)
        self._stream = Stream(source, planned_iterations(self.experiment, self.config))
        self._episodes = TrainingEpisodes(source, size, new_tasks, self.seed, self._stream.segment_of)
        if self.private is not None:
            self._fixed = FixedTasks(source, size, self.private.tasks, self.seed)
        self._memory = Memory(self.algorithm.capacity)
        with one_thread():
            initial = self.algorithm.initial(seeded(self.seed, 0))
        self.meta: Params = {name: w.to(device).requires_grad_() for name, w in initial.items()}
        self._optimiser = self._make_optimiser()
        self.best = Best(family.problem, self.meta) if self.demands.keeps_best else None

    def _make_optimiser(self) -> torch.optim.Adam:
        weights = [{"params": list(self.meta.values())}]  # a group, since there may be none to train
        return torch.optim.Adam(weights, lr=self._base_lr, fused=self.device.type in ("cpu", "cuda") or None)

    @property
    def record(self) -> dict[str, Any]:
        """Environment and plan, for the run's record (JSON types)."""
        return environment(self.device) | {
            **self.family.versions,
            "reading": self.family.reading,
            "problem": self.family.problem.name,
            "privilege": self.config.privileges(type(self.family.problem)),
            "threads": self.plan.threads,
            "chunk": self.plan.chunk,
            "mixed_precision": self.plan.mixed(self.experiment.training),
            "tf32": self.experiment.training.tf32 and self.device.type == "cuda",
            "compiled": self._meta_step.compiled,
            "compile_note": self._meta_step.note,
            **({} if self.private is None else {"privacy": self.private.record}),
            **({"objective": self._objective} if self._objective else {}),
            **self.family.record_of_domains(),
        }

    @property
    def _objective(self) -> str:
        """What the outer loss is of, where somebody asks for another one; empty where nobody does."""
        cost = self.experiment.training.cost_of_a_step
        if cost is None or not planned_iterations(self.experiment, self.config):
            return ""
        if not self.algorithm.heeds_step_cost:
            return 'as ever ("anytime" means nothing to it)'
        return "after every inner step" + (f", each counting exp(−{cost:g}) of the last" if cost else "")

    @property
    def iterations(self) -> int:
        """Meta-iterations of the whole run."""
        return self._stream.iterations

    # --- the run -----------------------------------------------------------------------------------

    def events(self) -> Generator[Event, None, None]:
        """Run until the end, from wherever the state is; the last event is Finished, Trained or Failed.

        The consumer may stop asking after any event: the state is then the one after
        :attr:`iteration` meta-iterations, and a new call goes on from there.
        """
        try:
            count = self.experiment.evaluation.validation_episodes
            validation = yield from self._patiently(lambda: self.frozen("validation", count))
            yield from self._train(validation)
            self._leave_stack()
            if self.trial is not None:
                yield Trained(self.iteration, self.seconds, self._given_up)
                return
            with self.energy.spent("test"):
                result = yield from self._test()
            yield result
        except _NUMERIC as error:
            yield Failed(self.iteration, _advice(error, self))
        except InputError as error:  # a world that fails does so before anything is learned from it
            yield CheckpointDue(self.iteration)
            yield Failed(self.iteration, f"meta-iteration {self.iteration + 1}: {error}")
        finally:
            self.close()

    @property
    def can_be_stacked(self) -> bool:
        """Whether its outer gradients can be computed together with those of other seeds."""
        whole = self.plan.chunk >= self._tasks_of_a_step and self.workers == 1
        plain = not self.plan.compile and not self.plan.mixed(self.experiment.training)
        return whole and plain and self.private is None and not self.warm_up and self.iterations > 0

    def computed_by(self, stack: Stack) -> None:
        """Have its outer gradients computed together with those of other seeds from now on."""
        self._meta_step.close()
        self._stack = stack
        stack.join(self.algorithm)

    def _leave_stack(self) -> None:
        if self._stack is not None:
            self._stack.leave()
            self._stack = None

    def close(self) -> None:
        """End what computes beside this thread."""
        self._leave_stack()
        self._meta_step.close()
        if self.warm_up:
            self._warm_step.close()

    def _train(self, validation: FrozenEpisodes) -> Generator[Event, None, None]:
        settings = self.experiment.evaluation
        every = self.experiment.training.checkpoint_every
        next_checkpoint = time.monotonic() + min(every, FIRST_CHECKPOINT_SECONDS)
        while True:
            if self.demands.measured(self.iteration) and self._evaluated != self.iteration:
                began = time.perf_counter()
                with self.energy.spent("validation"):
                    summary = yield from self._patiently(lambda: self._validated(validation))
                self.validating += time.perf_counter() - began
                if self.best is not None:
                    value = summary["measures"][self.best.measure.name]["mean"][-1]
                    self.best.see(self.iteration, value, self.meta)
                self._evaluated = self.iteration
                yield Evaluated(self.iteration, "validation", summary)
            if self.iteration >= self.iterations or self._stops_early or self._given_up:
                yield CheckpointDue(self.iteration)  # what was learned, before it is tested
                return
            if time.monotonic() >= next_checkpoint:
                next_checkpoint = time.monotonic() + every
                yield CheckpointDue(self.iteration)
            next_validation = (self.iteration // settings.every + 1) * settings.every
            next_end = self._stream.next_end(self.iteration)
            yield from self._some_steps(min(self.iterations, next_validation, next_end))

    @property
    def _stops_early(self) -> bool:
        """Whether validation has not been better for as long as the training is to bear it."""
        patience = self.experiment.training.stop
        return patience is not None and self.best is not None and self.best.worse >= patience

    @property
    def _given_up(self) -> bool:
        """Whether the trial has not reached what it must by now."""
        limit = None if self.trial is None else self.trial.limits.get(self.iteration)
        return self.best is not None and self.iteration < self.iterations and self.best.misses(limit)

    def _validated(self, validation: FrozenEpisodes) -> Summary:
        """Measure the frozen meta-validation episodes, every segment of a stream, and the memory."""

        def measured(episodes: FrozenEpisodes) -> evaluation.Curves:
            return self._measured(episodes, self.meta)

        self._fit()
        summary = measured(validation).summary()
        size = evaluation_size(self.experiment, self.family)
        report = summary["report"]
        report |= self._stream.measure(self.experiment, size, self.iteration, measured, self.asked)
        if self._memory.capacity:
            report[TASKS_IN_MEMORY.name] = self._remembered()
        return summary

    def _fit(self) -> None:
        """Fit what is not trained, on tasks of meta-validation that are not measured."""
        if not self.algorithm.fits:
            return
        episodes = self.frozen("validation", self.experiment.evaluation.validation_episodes, FITTED)
        with torch.no_grad():
            for name, value in self.algorithm.fit(self.meta, episodes).items():
                self.meta[name].copy_(value)

    def _remembered(self) -> dict[str, Entry]:
        """Tasks in memory: by segment, if there are any."""
        counts = self._memory.counts(lambda iteration: self._stream.segment_of(iteration) or 0)
        names = range(self._stream.segments) if self._stream.drifts else ()
        by_segment = {f"segment {each + 1}": counts.get(each, 0) for each in names}
        found = by_segment or {"all": len(self._memory)}
        return {name: {"mean": float(count), "ci95": None} for name, count in found.items()}

    def _test(self) -> Generator[Abandoned, None, Finished]:
        """Measure what was learned, once."""
        began = time.perf_counter()
        settings = self.experiment.evaluation
        test = yield from self._patiently(lambda: self.frozen("test", settings.episodes))
        train = yield from self._patiently(lambda: self.frozen("train", settings.validation_episodes))
        shift, shifted = self.family.shift, None
        if shift is not None:
            shifted = yield from self._other(shift)
        domains = []
        for each in self.family.domains:
            other = yield from self._other(each)
            domains.append(other)
        validation = None
        if self.algorithm.problem.chooses:
            count = settings.validation_episodes
            validation = yield from self._patiently(lambda: self.frozen("validation", count))
        of_best = self.best is not None and settings.checkpoint == "best"
        found = yield from self._patiently(
            lambda: meta_test.result(
                self.algorithm,
                self.best.meta if self.best is not None and of_best else self.meta,
                test,
                train,
                steps=settings.inner_steps,
                transductive=settings.transductive,
                threshold=_threshold(settings.threshold, self.family.reference_loss),
                threads=self.workers,
                asked=self.asked,
                attack=settings.attack,
                shifted=shifted,
                validation=validation,
                domains=domains,
            )
        )
        if caution := self.algorithm.caution(found.summary["report"]):
            log.warning("%s: %s", self.config.label or self.algorithm.title, caution)
        found.summary["drift"] = self._stream.summary()
        if self.best is not None and settings.checkpoint != "last alone":
            found.summary["weights"] = yield from self._weights(self.best, test)
        self.testing = time.perf_counter() - began
        return Finished(self.iteration, self.seconds, *found)

    def _weights(self, best: Best, test: FrozenEpisodes) -> Generator[Abandoned, None, WeightsSummary]:
        """Which weights were tested, and what the others reach on the same episodes."""
        settings = self.experiment.evaluation
        of_best, measures = settings.checkpoint == "best", None
        if best.at != self.iteration:
            others = self.meta if of_best else best.meta
            curves = yield from self._patiently(lambda: self._measured(test, others))
            measures = curves.summary()["measures"]
        return {
            "tested": "best" if of_best else "last",
            "best_at": best.at,
            "last_at": self.iteration,
            "measure": best.measure.name,
            "best_validation": best.value,
            "others": measures,
        }

    def _measured(self, episodes: FrozenEpisodes, meta: Params) -> evaluation.Curves:
        """What weights reach on frozen episodes."""
        settings = self.experiment.evaluation
        return evaluation.evaluate(
            self.algorithm,
            meta,
            episodes,
            settings.inner_steps,
            transductive=settings.transductive,
            threads=self.workers,
            asked=self.asked,
        ).of(episodes)

    def _other(self, domain: Domain) -> Generator[Abandoned, None, meta_test.Other]:
        """Frozen episodes of another domain, drawn as those of the test are."""
        count, family = self.experiment.evaluation.episodes, domain.family.to(self.device)
        size = domain_size(self.experiment, self.family, family)
        episodes = yield from self._patiently(lambda: self.frozen("test", count, family=family, size=size))
        return meta_test.Other(domain, episodes, in_domain(self.algorithm, family, size))

    def _patiently(self, work: Callable[[], Found]) -> Generator[Abandoned, None, Found]:
        """Do the work; if somebody asks, give up, let them be heard, and begin anew."""
        while True:
            try:
                return work()
            except AbandonedError:
                yield Abandoned(self.iteration)

    def _some_steps(self, until: int) -> Iterator[MetaSteps]:
        """Meta-iterations until the given one, or until it is time to report."""
        first = self.iteration
        measured: list[Mapping[str, Tensor]] = []
        seconds: list[float] = []
        error: NonFiniteError | InputError | None = None
        start = now = time.perf_counter()
        with self.energy.spent("training"):
            while self.iteration < until and (now - start < self._report_seconds or not measured):
                try:
                    measured.append(self._step())
                except (NonFiniteError, InputError) as raised:
                    error = raised
                    break
                now = time.perf_counter()
                seconds.append(self.seconds + now - start)
            synchronise(self.device)
        self.seconds += time.perf_counter() - start
        names = measured[0] if measured else ()
        values = {name: np.array([float(each[name]) for each in measured]) for name in names}
        finite = np.isfinite(values.get(LOSS.name, np.empty(0)))
        good = len(finite) if finite.all() else int(np.argmin(finite))
        if good:
            part = {name: each[:good] for name, each in values.items()}
            yield MetaSteps(first, part, np.array(seconds[:good]))
        if good < len(finite):  # on an accelerator, where a loss is not read at once
            self.iteration = first + good
            error = NonFiniteError("the loss is not finite")
        if error is not None:
            raise error

    def _step(self) -> Mapping[str, Tensor]:
        """One meta-iteration, and what is measured at it, by measure. On the CPU a loss that is not finite
        raises, and nothing has changed by that step."""
        warm = self.iteration < self.warm_up
        outer = WARMING if warm else self.algorithm.outer
        meta_step = self._warm_step if warm else self._stack or self._meta_step
        tasks = self.drawn() if warm else self.prepared()
        losses: list[Tensor] = []
        for part in self._parts(tasks, outer):
            gradient, found = meta_step.gradient(self.meta, part)
            losses.append(found)
            if self.device.type == "cpu" and not torch.isfinite(found.mean()):
                bad = int((~torch.isfinite(found)).sum())
                raise NonFiniteError(f"the loss of {bad} of {len(found)} tasks is not finite")
            if self.private is not None:
                gradient = self.private.step(gradient, self.iteration)
            self._move(self._limited(gradient, outer), outer)
        if self._memory.capacity:
            remembering = seeded(self.seed, REMEMBERED, self.iteration)
            self._memory.add(self._episodes[self.iteration], self.iteration, remembering)
        self.iteration += 1
        told = torch.cat(losses) if len(losses) > 1 else losses[0]
        spent = {} if self.private is None else self.private.spent(self.iteration)
        return {LOSS.name: told.mean()} | self.algorithm.problem.trained(told, tasks.query) | spent

    def _parts(self, tasks: Episode, outer: OuterStep) -> Iterator[Episode]:
        """What each step of a meta-iteration learns from: all tasks, or in every epoch some by chance."""
        if outer.epochs == outer.parts == 1:
            yield tasks
            return
        generator = seeded(self.seed, SHUFFLED, self.iteration)
        for _ in range(outer.epochs):
            order = torch.randperm(tasks.count, generator=generator)
            for chosen in order.chunk(outer.parts):
                yield tasks.map(itemgetter(chosen.to(self.device)))

    def _limited(self, gradient: Params, outer: OuterStep) -> Params:
        training = self.experiment.training
        clamp = training.gradient_clamp
        if clamp is not None:
            gradient = {name: each.clamp(-clamp, clamp) for name, each in gradient.items()}
        return clipped(gradient, outer.norm or training.gradient_norm)

    def _move(self, gradient: Params, outer: OuterStep) -> None:
        """One outer step."""
        rate = self._base_lr if outer is WARMING else self.algorithm.meta_lr(self._base_lr, self._done)
        if self.experiment.training.decay is not None:
            rate *= 1 - self._done
        if outer.update is not None:
            with torch.no_grad():
                for name, value in outer.update(self.meta, gradient, rate).items():
                    self.meta[name].copy_(value)
            return
        for name, weight in self.meta.items():
            weight.grad = gradient[name]
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()

    @property
    def _done(self) -> float:
        """Part of the training that is over."""
        return min(1.0, self.iteration / max(1, self.iterations))

    def drawn(self) -> Episode:
        """The new tasks of this meta-iteration."""
        if self.private is not None:
            return self._fixed[self.private.chosen(self.iteration)]
        return self._episodes[self.iteration]

    def prepared(self, new: Episode | None = None) -> Episode:
        """What the outer step of this meta-iteration learns from, of its new tasks or of others."""
        generator = seeded(self.seed, PREPARED, self.iteration)
        with torch.no_grad():
            tasks = self.algorithm.collect(self.meta, new or self.drawn())
        return self.algorithm.prepare(tasks, self._done, generator, self._memory)

    def time_steps(self, seconds: float) -> list[float]:
        """Time meta-iterations, as they would be done in a run, for some seconds (after one to warm up)."""
        self._step()
        times: list[float] = []
        while sum(times) < seconds or not times:
            synchronise(self.device)
            start = time.perf_counter()
            self._step()
            synchronise(self.device)
            times.append(time.perf_counter() - start)
        return times

    def frozen(
        self,
        split: Any,
        count: int,
        purpose: int = MEASURED,
        family: TaskFamily | None = None,
        size: EpisodeSize | None = None,
    ) -> FrozenEpisodes:
        """Some of the episodes that are the same for every run; of the run's own family, or another."""
        settings, family = self.experiment.evaluation, family or self.family
        size = size or evaluation_size(self.experiment, family)
        family.check(size, split)
        known = math.inf
        if family.reference_loss is not None and self.algorithm.gives_probabilities:
            known = family.reference_loss
        return FrozenEpisodes(
            family,
            split,
            size,
            count,
            settings.seed,
            self.asked,
            purpose=purpose,
            reference=known if settings.divergence == "reference" else None,
        )

    # --- its state ---------------------------------------------------------------------------------

    def state(self) -> State:
        """Capture everything that the rest of the run depends on.

        Raises
        ------
        StateError
            If the training has left the finite numbers, so that it is to fail at its next loss.
        """
        held = {f"meta.{name}": weight for name, weight in self.meta.items()}
        if self.best is not None:
            held |= {f"best.{name}": weight for name, weight in self.best.meta.items()}
        for index, entries in self._optimiser.state_dict()["state"].items():
            held |= {f"optimiser.{index}.{name}": value for name, value in entries.items()}
        if self._memory.capacity:
            held["memory.places"] = self._memory.places
        tensors = {name: each.detach().cpu().clone() for name, each in held.items()}
        self.demands.check_tensors(self.iteration, tensors)
        values: dict[str, Any] = {
            "iteration": self.iteration,
            "seconds": self.seconds,
            "validating": self.validating,
            "evaluated": self._evaluated,
        }
        if self.best is not None:
            values |= self.best.values
        if self.energy.joules is not None:
            values["joules"] = dict(self.energy.joules)
        if self._memory.capacity:
            values["memory_seen"] = self._memory.seen
        if self._stream.drifts:
            values["known"] = [list(row) for row in self._stream.known]
        return State(tensors, values)

    def restore(self, state: State) -> None:
        """Go back to a captured state.

        Raises
        ------
        StateError
            If it is not what a state of this run must be; nothing has changed then.
        """
        self.demands.check(state)
        values = Values(**state.values)
        with torch.no_grad():
            for name, value in self.demands.meta_of(state).items():
                self.meta[name].copy_(value)
        described = self._optimiser.state_dict()
        described["state"] = {}
        for name, value in state.tensors.items():
            if name.startswith("optimiser."):
                _, index, entry = name.split(".", 2)
                described["state"].setdefault(int(index), {})[entry] = value.clone()
        self._optimiser.load_state_dict(described)
        self.iteration, self.seconds, self._evaluated = values.iteration, values.seconds, values.evaluated
        self.validating = values.validating
        self.energy.go_on(values.joules)
        self._stream.known = values.known or []
        if self.best is not None:
            self.best.restore(values, self.demands.meta_of(state, best=True))
        if self._memory.capacity:
            places, seen = state.tensors["memory.places"], values.memory_seen or 0
            self._memory.restore(places, seen, self._episodes.__getitem__)


def _threshold(said: float | None, loss: float | None) -> float | None:
    """What counts as adapted; where nobody has said it, a quarter of the loss of what cannot adapt."""
    return said if said is not None or loss is None else loss / 4


def _advice(error: Exception, trainer: Trainer) -> str:
    where = f"meta-iteration {trainer.iteration + 1}"
    if isinstance(error, torch.OutOfMemoryError):
        return f"{where}: out of memory on {trainer.device}; lower training.chunk (now {trainer.plan.chunk})"
    rates = "training.meta_lr"
    inner_lr = getattr(trainer.config, "inner_lr", None)
    if inner_lr is not None:
        rates = f"inner_lr (now {inner_lr:g}) or {rates}"
    return f"{where}: {error}; lower {rates} (now {trainer._base_lr:g}), or set training.gradient_clamp"
