"""What tells the curves of a figure from each other, in colour or in black and white, and its legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D

from workbench.analysis.colours import on_paper
from workbench.pictures import PATTERNS, Curve, Figure

NEUTRAL = "#404040"
_DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 3)), (0, (3, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SIGNS = {"square": "s", "triangle": "^", "star": "*", "cross": "x", "dash": "_"}
"""The shapes of points, as matplotlib calls them."""

_HATCHES = ("////", "\\\\\\\\", "....", "xxxx", "----", "||||", "oooo", "++++")


@dataclass(frozen=True)
class Look:
    """What tells one curve from the others."""

    colour: str
    dashes: Any
    marker: str
    hatch: str | None


Looks = dict[tuple[str, str], Look]
"""By label and colour of a curve."""


def looks_of(figure: Figure, *, colour: bool) -> Looks:
    """How each curve is drawn, by label and colour; nameless curves look like the named of their colour."""
    looks: Looks = {}
    curves = [curve for panel in figure.panels for curve in panel.curves]
    curves += [panel.moving for panel in figure.panels if panel.moving is not None]
    of_colour: dict[str, Look] = {}
    for curve in sorted(curves, key=lambda each: (not each.label, each.faint)):  # stable: named ones first
        key = (curve.label, curve.colour)
        if key in looks:
            continue
        if colour:
            looks[key] = Look(
                on_paper(curve.colour, curve.shade), _DASHES[curve.dashed % PATTERNS], "o", None
            )
            continue
        if not curve.label and curve.colour in of_colour:
            looks[key] = of_colour[curve.colour]
            continue
        same = next((look for (label, _), look in looks.items() if label and label == curve.label), None)
        number = len(set(looks.values()))
        looks[key] = same or Look(
            "#000000",
            _DASHES[number % len(_DASHES)],
            _MARKERS[number % len(_MARKERS)],
            _HATCHES[number % len(_HATCHES)],
        )
        of_colour.setdefault(curve.colour, looks[key])
    return looks


def handles_of(figure: Figure, looks: Looks) -> list[Line2D]:
    """One sample of each label; neutral where curves of several colours share it."""
    drawn: dict[str, tuple[Curve, Look]] = {}
    colours: dict[str, set[str]] = {}
    for panel in figure.panels:
        for curve in panel.curves:
            if curve.label:
                drawn.setdefault(curve.label, (curve, looks[curve.label, curve.colour]))
                colours.setdefault(curve.label, set()).add(curve.colour)
    handles = []
    for label, (curve, look) in drawn.items():
        dots = curve.kind != "line"
        marker = look.marker if dots or (look.hatch and not curve.faint) else None
        marker = SIGNS.get(curve.sign, marker)
        handles.append(
            Line2D(
                [],
                [],
                color=look.colour if len(colours[label]) == 1 else NEUTRAL,
                alpha=0.6 if curve.faint and not dots else 1.0,
                linestyle="none" if curve.kind == "markers" else look.dashes,
                linewidth=0.6 if curve.faint else 1.2,
                marker=marker,
                markersize=2.5 if curve.faint else 4.0,
                markerfacecolor="white" if look.hatch and curve.faint else None,
                label=label,
            )
        )
    return handles
