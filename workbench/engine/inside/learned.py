"""What an algorithm has learned beside where learners start: rates, gates, masks, weights, by layer."""

from __future__ import annotations

import numpy as np

from workbench.engine.inside.base import Inside, LackingError, by_layer, colour
from workbench.pictures import MUTED, Curve, Figure, Panel


def draw(inside: Inside) -> Figure:
    kinds = inside.algorithm.meta_learned(inside.meta)
    if not kinds:
        raise LackingError(
            f"{inside.title} has learned no rates, gates, masks or warps: only where its learners start"
        )
    inside.progress(0.0, "Reading what was learned")
    panels, rows = [], []
    for at, (kind, found) in enumerate(kinds.items()):
        layers = by_layer(inside.algorithm, found)
        summed = []
        for layer, names in layers.items():
            values = np.concatenate([found[name].double().numpy().ravel() for name in names])
            low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
            summed.append((values.mean(), low, high))
            rows.append(
                {
                    "kind": kind,
                    "layer": layer,
                    "numbers": len(values),
                    "mean": float(values.mean()),
                    "quantile_5": float(low),
                    "median": float(middle),
                    "quantile_95": float(high),
                    "share_below_0": float((values < 0).mean()),
                    "share_0": float((values == 0).mean()),
                }
            )
        mean, low, high = np.array(summed).T
        across = np.arange(len(layers), dtype=np.float64)
        zero = Curve("", MUTED, np.array([-0.5, len(layers) - 0.5]), np.zeros(2), dashed=1)
        panels.append(
            Panel(
                kind[:1].upper() + kind[1:],
                "layer",
                "mean, 5% to 95% of the numbers",
                x_names=tuple(layers),
                curves=(zero, Curve("", colour(at), across, mean, low, high, kind="markers")),
            )
        )
    caption = f"{', '.join(kinds)} by layer: mean, and what 90% of a layer's numbers lie between."
    return Figure("inside_learned", tuple(panels), caption, columns=min(2, len(panels)), table=tuple(rows))
