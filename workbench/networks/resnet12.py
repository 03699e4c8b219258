"""ResNet-12, the network of MetaOptNet (Lee, Maji, Ravichandran, Soatto, CVPR 2019, 1904.03758) and of many
after it: four residual blocks of 64, 160, 320 and 640 filters, each of three 3×3 convolutions beside a
shortcut of 1×1, leaky ReLU of .1, and 2×2 max-pooling.

Without their DropBlock (Ghiasi, Lin, Le, NeurIPS 2018, 1810.12890): nothing random happens inside a loss, and
a network is called in too many places (in each inner step, for support and queries) to be handed masks.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from workbench.config import NetworkConfig, setting
from workbench.networks.base import Network, NetworkError
from workbench.networks.batch_norm import BatchNorm
from workbench.networks.convolution import convolve

FILTERS = (64, 160, 320, 640)


class ResNet12Config(NetworkConfig):
    kind: Literal["resnet12"] = "resnet12"
    width: float = setting(
        1.0, gt=0, le=1, help="Part of the filters, of which the four blocks have 64, 160, 320 and 640."
    )


class ResNet12(Network):
    """Four residual blocks of three convolutions, batch norm and halving."""

    Config = ResNet12Config
    title = "ResNet-12"
    summary = "Four residual blocks of three 3×3 convolutions, batch norm, leaky ReLU and 2×2 max-pooling."
    uses_batch_statistics = True

    def __init__(self, config: ResNet12Config, input_shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(config, input_shape, outputs)
        if len(input_shape) != 3 or min(input_shape[1:]) < 16:
            raise NetworkError(
                f"resnet12 halves images four times and needs 16×16 pixels, not examples of shape "
                f"{list(input_shape)}; use kind = 'mlp'"
            )
        channels, height, width = input_shape
        filters = [max(1, round(config.width * each)) for each in FILTERS]
        blocks = [Block(*each) for each in zip((channels, *filters), filters, strict=False)]
        self.body = nn.Sequential(*blocks, nn.Flatten())
        self.units = {str(index): each for index, each in enumerate(filters)}
        self.head = nn.Linear(filters[-1] * (height // 16) * (width // 16), outputs)


class Block(nn.Module):
    """``[n, channels, h, w]`` to ``[n, filters, h/2, w/2]``."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        inputs = (channels, filters, filters)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(each, filters, 3, padding=1, bias=False) for each in inputs
        )
        self.norms = nn.ModuleList(BatchNorm(filters) for _ in inputs)
        self.shortcut = nn.Linear(channels, filters, bias=False)  # a convolution of 1×1
        self.shortcut_norm = BatchNorm(filters)

    def forward(self, x: Tensor) -> Tensor:
        beside = self.shortcut_norm(self.shortcut(x.movedim(1, -1)).movedim(-1, 1))
        for last, convolution, norm in zip((0, 0, 1), self.convolutions, self.norms, strict=True):
            x = norm(convolve(x, convolution.weight, 1))  # type: ignore[arg-type]
            x = x + beside if last else x
            x = F.leaky_relu(x, 0.1)
        return F.max_pool2d(x, 2)
