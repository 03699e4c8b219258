"""The window's colours on paper: a figure looks the same whether the window is light or dark."""

from __future__ import annotations

from dataclasses import replace

from workbench.analysis.figure import Figure, Panel
from workbench.gui import theme

_ON_PAPER = dict(zip(theme._ON_DARK, theme._ON_LIGHT, strict=True))


def on_paper(colour: str) -> str:
    """What a colour of a run becomes; others stay as they are."""
    return _ON_PAPER.get(colour, colour)


def for_paper(figure: Figure) -> Figure:
    """The figure in the colours of the light theme."""
    return replace(figure, panels=tuple(_panel(each) for each in figure.panels))


def _panel(panel: Panel) -> Panel:
    curves = tuple(replace(each, colour=on_paper(each.colour)) for each in panel.curves)
    return replace(panel, curves=curves)
