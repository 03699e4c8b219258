"""The first block of a convolutional network as one matrix product, batch norm included."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from workbench.networks.batch_norm import BatchNorm

FEW_CHANNELS = 4
"""Up to so many the patches of an image are smaller than what the convolution makes of them."""


def convolve_patches(x: Tensor, convolution: nn.Conv2d, norm: BatchNorm | None, pool: bool) -> Tensor:
    """3×3 convolution with padding 1, batch norm, ReLU and 2×2 max-pooling of images with few channels.

    A convolution is linear, so batch norm's mean and variance follow from the mean and the covariance of
    the patches (9 × 9 numbers a channel), and normalising is a change of the filters: the large
    activations are written once and read once, forwards and backwards, where a batch norm of its own
    would go over them some ten times. The mathematics is the same.

    Parameters
    ----------
    x : ``[n, channels, h, w]``
    convolution, norm : the block's layers; no batch norm if None.
    pool : halve by max-pooling.

    Returns
    -------
    ``[n, width, h', w']``, channels last in memory.
    """
    patches = extract_patches(x, convolution.stride[0])
    n, h, w, size = patches.shape
    patches = patches.reshape(-1, size)
    filters = convolution.weight.permute(2, 3, 1, 0).reshape(size, -1)
    shift = convolution.bias
    if norm is not None:
        patches = patches - patches.mean(0)
        covariance = patches.t() @ patches / len(patches)
        variance = (filters * (covariance @ filters)).sum(0).clamp_min(0)
        filters = filters * (norm.weight * torch.rsqrt(variance + norm.eps))
        shift = norm.bias
    assert shift is not None
    # the shift as the filter of a column of ones: its derivative comes with the others', in one product
    ones = patches.new_ones(len(patches), 1)
    y = torch.cat([patches, ones], 1) @ torch.cat([filters, shift[None]])
    if not pool:
        y = F.relu_(y)  # in place before it becomes a view: what autograd keeps of a product are its factors
    y = y.view(n, h, w, -1).permute(0, 3, 1, 2)
    return F.relu(F.max_pool2d(y, 2)) if pool else y


def extract_patches(x: Tensor, stride: int) -> Tensor:
    """``[n, C, h, w]`` to the 3×3 patches around every ``stride``-th pixel, ``[n, h', w', 9 C]``."""
    height, width = x.shape[2:]
    padded = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    shifted = [padded[:, i : i + height : stride, j : j + width : stride] for i in range(3) for j in range(3)]
    return torch.cat(shifted, dim=-1)
