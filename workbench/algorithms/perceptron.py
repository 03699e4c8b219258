"""A multi-layer perceptron whose weights are meta-parameters of an algorithm, not of ``[network]``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.algorithms.base import Params
from workbench.networks.base import initialise


def initial(prefix: str, sizes: Sequence[int], generator: torch.Generator) -> Params:
    """Weights of layers from ``sizes[0]`` inputs to ``sizes[-1]`` outputs, drawn as a network's."""
    weights: Params = {}
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        layer = nn.Linear(inputs, outputs)
        initialise(layer, generator)
        weights[f"{prefix}.{index}.weight"] = layer.weight.detach()
        weights[f"{prefix}.{index}.bias"] = layer.bias.detach()
    return weights


def apply(weights: Params, prefix: str, x: Tensor, first: int = 0) -> Tensor:
    """``[…, inputs]`` through all layers from number ``first`` on, with ReLU between two layers."""
    index = first
    while f"{prefix}.{index}.weight" in weights:
        if index > first:
            x = F.relu(x)
        x = F.linear(x, weights[f"{prefix}.{index}.weight"], weights[f"{prefix}.{index}.bias"])
        index += 1
    return x
