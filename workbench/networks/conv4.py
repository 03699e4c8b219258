"""Conv4, the four-block network of few-shot learning (Vinyals et al., NeurIPS 2016, 1606.04080).

With ``stride = 2`` the blocks halve the image by strided convolution, as MAML does on Omniglot (Finn
et al., ICML 2017); with ``stride = 1`` by 2×2 max-pooling, as Prototypical Networks and MAML on
mini-ImageNet do.
"""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from workbench.config import NetworkConfig, setting
from workbench.networks.base import Network, NetworkError
from workbench.networks.batch_norm import BatchNorm
from workbench.networks.convolution import convolve
from workbench.networks.patches import FEW_CHANNELS, convolve_patches


class Conv4Config(NetworkConfig):
    kind: Literal["conv4"] = "conv4"
    width: int = setting(64, ge=1, le=1024, unit="filters", help="Filters in each of the four blocks.")
    stride: Literal[1, 2] = setting(1, help="2: strided convolutions; 1: 2×2 max-pooling instead.")
    batch_norm: bool = setting(True, help="Batch normalisation by the current batch's statistics.")


class Conv4(Network):
    """Four blocks of 3×3 convolution, batch norm, ReLU and halving."""

    Config = Conv4Config
    title = "Conv4"
    summary = "Four blocks of 3×3 convolution, batch norm, ReLU; halved by stride or by max-pooling."

    def __init__(self, config: Conv4Config, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(config, input_shape, outputs)
        if len(input_shape) != 3:
            raise NetworkError(
                f"conv4 takes images, not examples of shape {list(input_shape)}; use kind = 'mlp'"
            )
        channels, height, width = input_shape
        if config.stride == 1 and min(height, width) < 16:
            raise NetworkError(
                f"conv4 with stride = 1 halves the image four times and needs 16×16 pixels, not "
                f"{height}×{width}; use stride = 2 or kind = 'mlp'"
            )
        blocks: list[nn.Module] = []
        for _ in range(4):
            height, width = (
                math.ceil(side / 2) if config.stride == 2 else side // 2 for side in (height, width)
            )
            blocks.append(Block(channels, config))
            channels = config.width
        self.body = nn.Sequential(*blocks, nn.Flatten())
        self.units = {str(index): config.width for index in range(4)}
        self.uses_batch_statistics = config.batch_norm
        self.head = nn.Linear(config.width * height * width, outputs)


class Block(nn.Module):
    """3×3 convolution, batch norm, ReLU and halving: ``[n, channels, h, w]`` to ``[n, width, h/2, w/2]``.

    Batch norm cancels the convolution's bias, which is kept because the papers' networks have it.
    """

    def __init__(self, channels: int, config: Conv4Config) -> None:
        super().__init__()
        self.pooled = config.stride == 1
        self.convolution = nn.Conv2d(channels, config.width, 3, stride=config.stride, padding=1)
        self.norm = BatchNorm(config.width) if config.batch_norm else None

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cpu and x.shape[1] <= FEW_CHANNELS:
            # the activations come out with the channels last, which the CPU's kernels like best
            return convolve_patches(x, self.convolution, self.norm, self.pooled)
        x = convolve(x, self.convolution.weight, self.convolution.stride[0])
        if self.norm is not None:
            x = self.norm(x)
        elif self.convolution.bias is not None:
            x = x + self.convolution.bias[:, None, None]
        # the ReLU after the pooling: the same numbers, a quarter of the work
        return F.relu(F.max_pool2d(x, 2) if self.pooled else x)
