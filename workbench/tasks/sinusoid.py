"""Sinusoid regression (Finn, Abbeel, Levine, ICML 2017, arXiv 1703.03400, section 5.1).

y = A sin(x − φ) with A ~ U[.1, 5], φ ~ U[0, π], x ~ U[−5, 5], no noise. The three splits are
independent draws from the same distribution: amplitude and phase are continuous, so no task returns.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from workbench.config import Drift, Drifts, setting
from workbench.tasks.base import Episode, Progress
from workbench.tasks.curves import CurveConfig, CurveFamily, Range, uniform


class SinusoidDrift(Drift):
    """A stream whose tasks come from one part of a parameter's range after the other."""

    parameter: Literal["phase", "amplitude", "x"] = setting(
        "phase", help="The parameter whose range is cut into the segments."
    )


class SinusoidConfig(Drifts, CurveConfig):
    family: Literal["sinusoid"] = "sinusoid"
    amplitude: Range = setting((0.1, 5.0), symbol="A", help="Smallest and largest amplitude.")
    phase: Range = setting((0.0, math.pi), symbol="φ", unit="rad", help="Smallest and largest phase.")
    x: Range = setting((-5.0, 5.0), help="Smallest and largest input.")

    drift: SinusoidDrift | None = setting(
        None,
        label="Drifting stream",
        help="Train on a stream that drifts: a parameter's range comes segment by segment.",
    )


class Sinusoid(CurveFamily):
    """Regress A sin(x − φ) from a few points."""

    Config = SinusoidConfig
    title = "Sinusoid"
    summary = "Regress a sine wave of unknown amplitude and phase from K points."

    config: SinusoidConfig

    def __init__(self, config: SinusoidConfig, progress: Progress | None = None) -> None:
        super().__init__(config, progress)
        self.reference_loss = self._best_without_adapting()

    def points(
        self, count: int, each: int, generator: torch.Generator, segment: int | None
    ) -> tuple[Tensor, Tensor]:
        amplitude = uniform(self._range("amplitude", segment), (count, 1, 1), generator)
        phase = uniform(self._range("phase", segment), (count, 1, 1), generator)
        x = uniform(self._range("x", segment), (count, each, 1), generator)
        return x, amplitude * torch.sin(x - phase)

    def hidden(self, episode: Episode) -> dict[str, Tensor]:
        """Amplitude and phase, which the points tell exactly: A sin(x − φ) = a sin x + b cos x."""
        x, y = (torch.cat([part[name] for part in episode[:2]], 1).double() for name in ("x", "y"))
        waves = torch.cat([x.sin(), x.cos()], -1)
        a, b = torch.linalg.lstsq(waves, y).solution[..., 0].unbind(-1)
        return {"amplitude": torch.hypot(a, b), "phase": torch.atan2(-b, a) % (2 * math.pi)}

    def _range(self, parameter: str, segment: int | None) -> tuple[float, float]:
        """A parameter's range, or the part of it that a segment of the stream has."""
        low, high = getattr(self.config, parameter)
        drift = self.config.drift
        if segment is None or drift is None or drift.parameter != parameter:
            return low, high
        width = (high - low) / drift.segments
        return low + segment * width, low + (segment + 1) * width

    def _best_without_adapting(self) -> float:
        """E over x of Var over tasks of y: what is left when f(x) = E[y | x] is predicted."""
        (a0, a1), (p0, p1), (x0, x1) = self.config.amplitude, self.config.phase, self.config.x
        mean_a, mean_a2 = (a0 + a1) / 2, (a0 * a0 + a0 * a1 + a1 * a1) / 3
        x = torch.linspace(x0, x1, 2001, dtype=torch.float64)
        mean_sin = (torch.cos(x - p1) - torch.cos(x - p0)) / (p1 - p0)
        mean_sin2 = 0.5 - (torch.sin(2 * (x - p0)) - torch.sin(2 * (x - p1))) / (4 * (p1 - p0))
        return float((mean_a2 * mean_sin2 - (mean_a * mean_sin) ** 2).mean())
