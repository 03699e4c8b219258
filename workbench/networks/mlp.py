"""Multi-layer perceptron with ReLU, as in MAML's sinusoid experiment (two hidden layers of 40)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from workbench.config import NetworkConfig, setting
from workbench.networks.base import Network


class MLPConfig(NetworkConfig):
    kind: Literal["mlp"] = "mlp"
    hidden: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = setting(
        (40, 40), min_length=1, max_length=20, strict=False, unit="units", help="Width of each hidden layer."
    )
    activation: Literal["tanh"] | None = setting(
        None, rare=True, help="What follows each hidden layer.", empty="ReLU"
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
        for hidden in config.hidden:
            layers += [nn.Linear(width, hidden), nn.Tanh() if config.activation else nn.ReLU()]
            width = hidden
        self.body = nn.Sequential(*layers)
        self.units = {str(2 * index + 2): width for index, width in enumerate(config.hidden)}
        self.head = nn.Linear(width, outputs)
