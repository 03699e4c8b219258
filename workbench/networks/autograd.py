"""What torch hands to a function that has derivatives of its own, as far as it is used here."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

InDims = tuple[int | None, ...]


class Context(Protocol):
    """What a function keeps for its backward pass."""

    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor) -> None: ...

    def mark_non_differentiable(self, *tensors: Tensor) -> None: ...


class Mapped(Protocol):
    """What ``vmap`` tells a function."""

    batch_size: int
