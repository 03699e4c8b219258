"""Compartment models of a drug in the body (Gibaldi, Perrier, *Pharmacokinetics*, 2nd edition, 1982,
chapters 1 and 2), as torch functions that can be differentiated and batched.

A dose is absorbed into a central compartment by a first-order rate k_a, or is there at once, and leaves it at
the rate CL / V; in the model of two compartments it also goes back and forth to a peripheral one. The
concentration after several doses is the sum of what each of them would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Compartments:
    """A linear compartment model.

    Attributes
    ----------
    count : 1 or 2 compartments.
    absorbed : whether doses are absorbed first (taken by mouth); else they are in the blood at once.
    """

    count: int = 1
    absorbed: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, all above zero: k_a (per time), CL and Q (volume per time), V and V₂ (volume)."""
        first = ("absorption_rate",) if self.absorbed else ()
        second = ("exchange", "peripheral_volume") if self.count == 2 else ()
        return (*first, "clearance", "volume", *second)

    def concentrations(self, parameters: Tensor, times: Tensor, doses: Tensor) -> Tensor:
        """The concentration at some times, ``[…, n]``.

        Parameters
        ----------
        parameters : ``[…, parameters]``, in the order of their names.
        times : ``[…, n]``.
        doses : time and amount of each, ``[…, doses, 2]``; an amount of 0 is none.
        """
        given, amount = doses[..., 0], doses[..., 1]
        since = times[..., :, None] - given[..., None, :]
        # the place of the sum's other cases: a dose to come, which has no effect, is counted as given now
        found = self._of_one(parameters[..., None, None, :], since.clamp_min(0))
        return (found * (since >= 0) * amount[..., None, :]).sum(-1)

    def _of_one(self, parameters: Tensor, since: Tensor) -> Tensor:
        """The concentration so long after a dose of 1."""
        values = dict(zip(self.names, parameters.unbind(-1), strict=True))
        volume = values["volume"]
        rate = values["clearance"] / volume
        if self.count == 1:
            terms = [(torch.ones_like(rate), rate)]
        else:
            out, back = values["exchange"] / volume, values["exchange"] / values["peripheral_volume"]
            total = rate + out + back
            # (k₁₀ + k₁₂ − k₂₁)² + 4 k₁₂ k₂₁: above zero, without the cancellation of total² − 4 k₁₀ k₂₁
            root = ((rate + out - back).square() + 4 * out * back).sqrt()
            fast = (total + root) / 2
            slow = rate * back / fast
            terms = [((fast - back) / root, fast), ((back - slow) / root, slow)]
        absorption = values.get("absorption_rate")
        return sum(part * _curve(since, each, absorption) for part, each in terms) / volume


def _curve(since: Tensor, rate: Tensor, absorption: Tensor | None) -> Tensor:
    """e^{−λt}, or k_a (e^{−λt} − e^{−k_a t}) / (k_a − λ), which is as exact where both rates are alike."""
    if absorption is None:
        return torch.exp(-rate * since)
    lower, apart = torch.minimum(absorption, rate), (absorption - rate).abs()
    return absorption * since * torch.exp(-lower * since) * _filled(apart * since)


def _filled(z: Tensor) -> Tensor:
    """(1 − e^{−z}) / z, 1 at 0."""
    small = z < 1e-3
    safe = torch.where(small, torch.ones_like(z), z)
    return torch.where(small, 1 - z / 2 + z.square() / 6, -torch.expm1(-safe) / safe)
