"""What a run's state must hold, all of which follows from its configuration.

The same declaration says what goes into a checkpoint and what comes out of one, before torch or an
algorithm sees any of it: a checkpoint may come from a stranger, and an optimiser's moment of another shape
than its weight's is memory that is not the program's. That the weights *are* what was learned, nobody can
tell; they are the file's word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import safetensors.torch
import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from torch import Tensor

from workbench.engine.energy import Phase
from workbench.engine.stream import Segments
from workbench.engine.tensor_file import LONGEST_HEAD, Described, StateError, listing
from workbench.settings import Section, complaints, setting
from workbench.words import shown

MOST_ADAM_STEPS = 2**24
"""Torch counts Adam's steps as a number in 32 bits, which does not grow beyond."""


@dataclass(frozen=True)
class State:
    """Everything that the rest of a run depends on.

    Attributes
    ----------
    tensors : meta-parameters and the outer optimiser's state, by name, on the CPU.
    values : the iteration and other plain values (JSON types).
    """

    tensors: dict[str, Tensor]
    values: dict[str, Any]

    def packed(self) -> bytes:
        """The tensors as a safetensors file."""
        return safetensors.torch.save(self.tensors)


class Values(Section):
    """The plain values of a state."""

    iteration: int = setting(ge=0, help="Meta-iterations done.")
    seconds: float = setting(ge=0, le=1e11, help="Training time so far.")
    validating: float = setting(0.0, ge=0, le=1e11, help="Time that validation took so far.")
    joules: dict[Phase, Annotated[float, Field(ge=0, le=1e15)]] | None = setting(
        None, help="Energy that the processors took so far, by phase, where the platform tells."
    )
    evaluated: int = setting(ge=-1, help="Meta-iterations at the last validation; -1 before the first.")
    memory_seen: int | None = setting(None, ge=0, help="Tasks that a memory was offered.")
    best_at: int | None = setting(None, ge=0, help="Meta-iterations at the best validation.")
    best: float | None = setting(None, allow_inf_nan=False, help="What was measured there.")
    worse: int | None = setting(None, ge=0, help="Validations since then, none of them better.")
    known: list[list[float | None]] | None = setting(
        None, help="Loss on every segment of a stream that drifts, after each that is over."
    )


class Entry(NamedTuple):
    """What a tensor must be.

    Attributes
    ----------
    described : the type of its numbers, and its shape.
    flaw : what is wrong with its numbers; empty if nothing.
    """

    described: Described
    flaw: Callable[[Tensor], str]


class Demands:
    """What a state of one run must hold.

    Parameters
    ----------
    meta : the shape of every meta-parameter, in order.
    segments : of the run's training stream.
    every : meta-iterations between validations.
    adam : steps of Adam after so many meta-iterations, which keeps two moments of each meta-parameter.
    capacity, new_tasks : of a memory; tasks that the stream gives in one meta-iteration.
    best : whether the weights of the best validation are kept, too.
    """

    def __init__(
        self,
        meta: Mapping[str, tuple[int, ...]],
        segments: Segments,
        *,
        every: int,
        adam: Callable[[int], int],
        capacity: int,
        new_tasks: int,
        best: bool = False,
    ) -> None:
        self.keeps_best = best
        self._meta, self._segments, self._every = meta, segments, every
        self._adam, self._capacity, self._new_tasks = adam, capacity, new_tasks

    # --- the validations of a run ------------------------------------------------------------------

    def measured(self, iteration: int) -> bool:
        """Whether a validation is due after so many meta-iterations."""
        segments = self._segments
        return iteration % self._every == 0 or iteration == segments.iterations or segments.ends(iteration)

    @property
    def validations(self) -> int:
        """How many there are in a whole run."""
        end = self._segments.iterations
        ends = {-(-each * end // self._segments.segments) for each in range(1, self._segments.segments + 1)}
        return end // self._every + 1 + sum(each % self._every > 0 for each in ends)

    def _evaluated(self, iteration: int) -> set[int]:
        """When the last validation can have been, seen after so many meta-iterations."""
        before = iteration - 1
        last = max(before - before % self._every, self._segments.begin(before)) if iteration else -1
        return {last, iteration} if self.measured(iteration) else {last}

    # --- what there must be ------------------------------------------------------------------------

    def entries(self, iteration: int) -> dict[str, Entry]:
        """The tensors of the state after so many meta-iterations, by name."""
        entries = {
            f"meta.{name}": Entry(Described("float32", each), _finite) for name, each in self._meta.items()
        }
        if self.keeps_best:
            entries |= {name.replace("meta", "best", 1): each for name, each in entries.items()}
        if self._adam(iteration):
            steps = min(self._adam(iteration), MOST_ADAM_STEPS)
            counted = Entry(Described("float32", ()), _equal_to(steps))
            for index, shape in enumerate(self._meta.values()):
                entries[f"optimiser.{index}.step"] = counted
                entries[f"optimiser.{index}.exp_avg"] = Entry(Described("float32", shape), _finite)
                entries[f"optimiser.{index}.exp_avg_sq"] = Entry(Described("float32", shape), _not_negative)
        if self._capacity:
            kept = min(self._capacity, iteration * self._new_tasks)
            entries["memory.places"] = Entry(Described("int64", (kept, 2)), self._flaw_of_places(iteration))
        return entries

    def _flaw_of_places(self, iteration: int) -> Callable[[Tensor], str]:
        """Each task is in a reservoir once: in the place of its own number, or in an earlier one's."""

        def flaw(places: Tensor) -> str:
            rows, numbers = places.unbind(1)
            given = (rows >= 0) & (rows < iteration) & (numbers >= 0) & (numbers < self._new_tasks)
            if not given.all():
                return "names a task that the stream had not given"
            order = rows * self._new_tasks + numbers
            first = order == torch.arange(len(order))
            if not (first | (order >= self._capacity)).all() or len(set(order.tolist())) < len(order):
                return "names tasks that cannot be remembered together"
            return ""

        return flaw

    def meta_of(self, state: State, best: bool = False) -> dict[str, Tensor]:
        """The meta-parameters of a state, in order; or those of its best validation."""
        return {name: state.tensors[f"{'best' if best else 'meta'}.{name}"] for name in self._meta}

    @property
    def most_bytes(self) -> int:
        """Bytes that the tensors of such a state can take in a file."""
        described = [entry.described for entry in self.entries(self._segments.iterations).values()]
        return 8 + LONGEST_HEAD + sum(each.bytes for each in described)

    # --- a state against it ------------------------------------------------------------------------

    def check(self, state: State) -> None:
        """Refuse a state that is not what it must be.

        Raises
        ------
        StateError
            Which begins with the name of the entry.
        """
        self.check_tensors(self._check_values(state.values), state.tensors)

    def check_tensors(self, iteration: int, tensors: Mapping[str, Tensor]) -> None:
        """Refuse tensors that are not what they must be after so many meta-iterations, as :meth:`check`."""
        entries = self.entries(iteration)
        _check_described({name: _described(each) for name, each in tensors.items()}, entries)
        for name, tensor in tensors.items():
            if flaw := entries[name].flaw(tensor):
                raise StateError(f"{name} {flaw}")

    def read(self, iteration: int, values: Mapping[str, Any], tensors: bytes) -> State:
        """The state in a checkpoint after so many meta-iterations.

        Raises
        ------
        StateError
            If it is not what it must be; its tensors are not even read then.
        """
        done = self._check_values(values)
        if done != iteration:
            raise StateError(f"iteration is {done:,}, that of its row is {iteration:,}")
        _check_described(listing(tensors), self.entries(done))
        try:
            state = State(safetensors.torch.load(tensors), dict(values))
        except SafetensorError as error:
            raise StateError(f"tensors cannot be read: {shown(str(error))}") from None
        self.check_tensors(done, state.tensors)
        return state

    def _check_values(self, values: Mapping[str, Any]) -> int:
        """The iteration of plain values that are what they must be."""
        try:
            found = Values.model_validate(dict(values))
        except ValidationError as error:
            worst = complaints(error, Values, values)[0]
            joint = " " if worst.message.startswith("is ") else ": "
            raise StateError(shown(f"{worst.path}{joint}{worst.message}")) from None
        for name in found.model_fields_set:
            if getattr(found, name) is None:  # what a run has not is not written either
                raise StateError(f"{name} has no value")
        iteration, planned = found.iteration, self._segments.iterations
        if iteration > planned:
            raise StateError(f"iteration is {iteration:,}, no more than {planned:,} are planned")
        allowed = sorted(self._evaluated(iteration))
        if found.evaluated not in allowed:
            raise StateError(f"evaluated is {found.evaluated}, {' or '.join(map(str, allowed))} is demanded")
        _demand("memory_seen", found.memory_seen, iteration * self._new_tasks if self._capacity else None)
        kept = found.best_at is not None and found.worse is not None and found.best_at <= iteration
        _demand("best_at", kept, self.keeps_best)
        rows = None if found.known is None else [len(row) for row in found.known]
        segments = self._segments
        over = [segments.segments] * segments.over(found.evaluated) if segments.drifts else None
        _demand("known", rows, over)
        return iteration


def _demand(name: str, found: object, demanded: object) -> None:
    if found != demanded:
        was, right = ("nothing" if each is None else str(each) for each in (found, demanded))
        raise StateError(f"{name} has {shown(was)}, {right} is demanded")


def _check_described(found: Mapping[str, Described], entries: Mapping[str, Entry]) -> None:
    """Refuse tensors of other names, types or shapes."""
    for name in entries:
        if name not in found:
            raise StateError(f"{name} is missing")
    for name, (kind, shape) in found.items():
        if name not in entries:
            raise StateError(f"{shown(name)} is not part of such a run")
        right = entries[name].described
        if kind != right.kind:
            raise StateError(f"{name} is of {kind}, {right.kind} is demanded")
        if shape != right.shape:
            raise StateError(f"{name} has the shape {list(shape)}, {list(right.shape)} is demanded")


def _finite(tensor: Tensor) -> str:
    return "" if tensor.isfinite().all() else "holds a number that is not finite"


def _not_negative(tensor: Tensor) -> str:
    return _finite(tensor) or ("" if (tensor >= 0).all() else "holds a number below 0")


def _equal_to(number: int) -> Callable[[Tensor], str]:
    def flaw(tensor: Tensor) -> str:
        return "" if tensor.item() == number else f"is {tensor.item():g}, {number} is demanded"

    return flaw


def _described(tensor: Tensor) -> Described:
    return Described(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))
