"""Multi-layer perceptron with ReLU, as in MAML's sinusoid experiment (two hidden layers of 40); with batch
norm and ``hidden = [256, 128, 64, 64]`` as in its Omniglot experiment (Finn, Abbeel, Levine, ICML 2017,
appendix A.1)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from workbench.config import NetworkConfig, setting
from workbench.networks.base import Network
from workbench.networks.batch_norm import BatchNorm


class MLPConfig(NetworkConfig):
    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = setting(
        (40, 40), min_length=1, max_length=20, strict=False, unit="units", help="Width of each hidden layer."
    )
    activation: Literal["tanh"] | None = setting(
        None, rare=True, help="What follows each hidden layer.", empty="ReLU"
    )
    batch_norm: bool | None = setting(
        None, help="Batch normalisation of each hidden layer by the current batch's statistics.", empty="no"
    )


class MLP(Network):
    """Fully connected layers; images are flattened."""

    Config = MLPConfig
    title = "MLP"
    summary = "Fully connected layers with ReLU; images are flattened."

    def __init__(self, config: MLPConfig, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(config, input_shape, outputs)
        layers: list[nn.Module] = [nn.Flatten()]
        width = math.prod(input_shape)
        self.units = {}
        self.uses_batch_statistics = bool(config.batch_norm)
        for hidden in config.hidden:
            layers.append(nn.Linear(width, hidden))
            if config.batch_norm:
                layers.append(UnitNorm(hidden))
            layers.append(nn.Tanh() if config.activation else nn.ReLU())
            self.units[str(len(layers) - 1)] = width = hidden
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, outputs)


class UnitNorm(BatchNorm):
    """Batch norm of a layer's units, ``[n, units]``: so small that torch's own derivatives serve."""

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, dim=0, correction=0)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return x * scale + (self.bias - mean * scale)
