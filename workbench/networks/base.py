"""The contract of a network: a body that embeds, a linear head that decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from workbench.config import NetworkConfig
from workbench.errors import InputError


class Network(nn.Module):
    """A plain module, called through :func:`torch.func.functional_call` with a task's own weights.

    Nothing in it may keep state (running statistics fail under ``vmap``).

    Parameters
    ----------
    config : the network's section of the configuration.
    input_shape : shape of one example.
    outputs : ways, or values regressed.

    Raises
    ------
    NetworkError
        If the network cannot take such examples.
    """

    Config: ClassVar[type[NetworkConfig]]
    title: ClassVar[str]
    summary: ClassVar[str]

    body: nn.Module
    head: nn.Linear
    uses_batch_statistics: bool = False
    reads_words: ClassVar[bool] = False
    """Whether an example is a list of the numbers of words; its maker then takes their ``vocabulary``."""
    says_sequences: ClassVar[bool] = False
    """Whether it says sequences of tokens; its maker then takes how many ``places`` these have."""
    units: Mapping[str, int] = {}
    """Hidden units (or channels), by the child of the body that they come out of."""

    def __init__(self, config: Any, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.config = config

    def forward(self, x: Tensor, modulate: Callable[[str, Tensor], Tensor] | None = None) -> Tensor:
        """``[n, *input_shape]`` to ``[n, outputs]``.

        Parameters
        ----------
        x : examples.
        modulate : changes the hidden units ``[n, units, …]`` that come out of a child of the body, which is
            named first; None leaves them as they are.
        """
        if modulate is None:
            x = self.body(x)
        else:
            for name, layer in self.body.named_children():
                x = layer(x)
                if name in self.units:
                    x = modulate(name, x)
        out: Tensor = self.head(x)
        return out


class NetworkError(InputError):
    """A network that cannot take the task's examples; the message is one line."""


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights as ``torch.nn`` does by default (uniform in ±1/√fan_in; embeddings from a standard
    normal), from a generator of one's own."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        elif isinstance(layer, nn.Embedding):
            nn.init.normal_(layer.weight, generator=generator)


def activations(network: Network, call: Callable[[], object]) -> dict[str, Tensor]:
    """What comes out of each layer with hidden units (or of the body), and of the head, during a call."""
    found: dict[str, Tensor] = {}
    children = dict(network.body.named_children())
    after = dict(zip(children, [*children.values(), network.head][1:], strict=True))
    watched = [(f"body.{name}", children[name], after[name]) for name in network.units]
    watched = watched or [("body", network.body, network.head)]
    hooks = [network.head.register_forward_hook(lambda _, given, out: found.update(head=out))]
    for name, layer, then in watched:
        hooks.append(layer.register_forward_hook(lambda _, given, out, name=name: found.update({name: out})))
        # what an algorithm has changed on the way is what the next layer is given
        hooks.append(
            then.register_forward_pre_hook(lambda _, given, name=name: found.update({name: given[0]}))
        )
    try:
        call()
    finally:
        for hook in hooks:
            hook.remove()
    return {name: found[name] for name in [*(each[0] for each in watched), "head"] if name in found}
