"""Batch normalisation by the current batch's statistics, cheap to differentiate twice."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.autograd import Function

from workbench.networks.autograd import Context, InDims, Mapped


class BatchNorm(nn.Module):
    """Normalise each channel over the batch and the image, always by the batch's own statistics.

    ``torch.nn.functional.batch_norm`` does not serve: under ``vmap`` its second derivatives are wrong
    (measured with torch 2.13: a MAML gradient off by some 10⁻³).

    Parameters
    ----------
    channels : C of the ``[n, C, h, w]`` input.
    eps : added to the variance.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cpu and not torch.compiler.is_compiling():
            # torch's fused kernel by hand: fewer passes over memory, which is what the CPU waits for
            y: Tensor = _Normalise.apply(x[None], self.weight[None], self.bias[None], self.eps)[0]  # type: ignore[no-untyped-call]
            return y.squeeze(0)
        variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class _Kept(Context, Protocol):
    eps: float


def _over_tasks(
    function: type[Function], tasks: int, in_dims: InDims, tensors: tuple[Tensor, ...], eps: float
) -> tuple[tuple[Tensor, ...], InDims]:
    """What ``vmap`` does: its dimension joins the leading one, which both functions below loop over."""

    def joined(value: Tensor, dim: int | None) -> Tensor:
        batched = value.expand(tasks, *value.shape) if dim is None else value.movedim(dim, 0)
        return _channels_last(batched.flatten(0, 1))

    outputs = function.apply(*map(joined, tensors, in_dims), eps)  # type: ignore[no-untyped-call]
    return tuple(each.unflatten(0, (tasks, -1)) for each in outputs), (0,) * len(outputs)


class _Normalise(Function):
    """``x [T, n, C, h, w]``, ``weight [T, C]``, ``bias [T, C]`` to y, mean and 1/σ of each task."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        # with slices that were not contiguous the results were wrong
        x, weight, bias = _channels_last(x), weight.contiguous(), bias.contiguous()
        y, mean, rstd = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        for out, save_mean, save_invstd, *task in zip(y, mean, rstd, x, weight, bias, strict=True):
            torch.ops.aten.native_batch_norm.out(
                *task, None, None, True, 0.0, eps, out=out, save_mean=save_mean, save_invstd=save_invstd
            )
        return y, mean, rstd

    @staticmethod
    def setup_context(
        ctx: _Kept, inputs: tuple[Tensor, Tensor, Tensor, float], output: tuple[Tensor, ...]
    ) -> None:
        x, weight, _, ctx.eps = inputs
        _, mean, rstd = output
        ctx.mark_non_differentiable(mean, rstd)
        ctx.save_for_backward(x, weight, mean, rstd)

    @staticmethod
    def backward(ctx: _Kept, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        by_all = _NormaliseBackward.apply(cotangents[0], *ctx.saved_tensors, ctx.eps)  # type: ignore[no-untyped-call]
        return *by_all, None

    @staticmethod
    def vmap(
        info: Mapped, in_dims: InDims, x: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[tuple[Tensor, ...], InDims]:
        return _over_tasks(_Normalise, info.batch_size, in_dims[:-1], (x, weight, bias), eps)


class _NormaliseBackward(Function):
    """g, the loss's derivative by y, to its derivatives by x, weight and bias.

    With x̂ = (x − μ)/σ, M numbers in a channel and ⟨·⟩ the mean over them:
    ∂x = weight/σ · (g − ⟨g⟩ − x̂⟨g x̂⟩),  ∂weight = M⟨g x̂⟩,  ∂bias = M⟨g⟩.
    """

    @staticmethod
    def forward(
        g: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor, eps: float
    ) -> tuple[Tensor, ...]:
        tasks = [
            torch.ops.aten.native_batch_norm_backward(
                each, x_, weight_, None, None, mean_, rstd_, True, eps, [True, True, True]
            )
            for each, x_, weight_, mean_, rstd_ in zip(
                _channels_last(g), _channels_last(x), weight.contiguous(), mean, rstd, strict=True
            )
        ]
        if len(tasks) == 1:  # without copying
            return tuple(each[None] for each in tasks[0])
        return tuple(torch.stack(each) for each in zip(*tasks, strict=True))

    @staticmethod
    def setup_context(
        ctx: _Kept, inputs: tuple[Tensor, Tensor, Tensor, Tensor, Tensor, float], output: tuple[Tensor, ...]
    ) -> None:
        g, x, weight, mean, rstd, _ = inputs
        _, by_weight, by_bias = output
        ctx.save_for_backward(g, x, weight, mean, rstd, by_weight, by_bias)

    @staticmethod
    def backward(ctx: _Kept, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        """The derivatives of ⟨v, ∂x⟩ + ⟨a, ∂weight⟩ + ⟨b, ∂bias⟩, where x̂ and σ depend on x too."""
        v, a, b = cotangents
        g, x, weight, mean, rstd, by_weight, by_bias = ctx.saved_tensors
        count = x[0, :, 0].numel()
        centred = x - _wide(mean)
        scale = weight * rstd
        mean_g, mean_gx = by_bias / count, by_weight / count
        mean_v, mean_vx = _mean(v), _mean(v * centred) * rstd
        inner = _mean(v * g) - mean_v * mean_g - mean_vx * mean_gx

        of_x = a - scale * mean_vx
        by_g = torch.addcmul(_wide(b - scale * mean_v), v, _wide(scale))
        by_g = torch.addcmul(by_g, centred, _wide(of_x * rstd))

        of_g, of_v = rstd * of_x, -scale * rstd * mean_gx
        of_centred = -rstd * (scale * rstd * inner + of_g * mean_gx + of_v * mean_vx)
        by_x = torch.addcmul(_wide(-of_g * mean_g - of_v * mean_v), g, _wide(of_g))
        by_x = torch.addcmul(by_x, v, _wide(of_v))
        by_x = torch.addcmul(by_x, centred, _wide(of_centred))
        return by_g, by_x, count * rstd * inner, None, None, None

    @staticmethod
    def vmap(
        info: Mapped,
        in_dims: InDims,
        g: Tensor,
        x: Tensor,
        weight: Tensor,
        mean: Tensor,
        rstd: Tensor,
        eps: float,
    ) -> tuple[tuple[Tensor, ...], InDims]:
        tensors = (g, x, weight, mean, rstd)
        return _over_tasks(_NormaliseBackward, info.batch_size, in_dims[:-1], tensors, eps)


def _channels_last(value: Tensor) -> Tensor:
    """The same, with an image's channels side by side in memory and the tasks outermost."""
    return value.movedim(2, -1).contiguous().movedim(-1, 2) if value.dim() == 5 else value


def _wide(value: Tensor) -> Tensor:
    """``[T, C]`` beside ``[T, n, C, h, w]``."""
    return value[:, None, :, None, None]


def _mean(value: Tensor) -> Tensor:
    return value.mean((1, 3, 4))
