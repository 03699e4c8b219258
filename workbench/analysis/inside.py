"""Views inside two runs, one beside the other."""

from __future__ import annotations

from dataclasses import replace

from workbench.pictures import Figure


def side_by_side(figures: list[tuple[str, Figure]]) -> Figure:
    """One figure of those of several runs, by name: a row of panels for each; single ones stand in a row."""
    first = figures[0][1]
    if len(figures) == 1:
        return first
    panels = tuple(
        replace(panel, title=" · ".join(filter(None, (name, panel.title))))
        for name, figure in figures
        for panel in figure.panels
    )
    rows = tuple({"run": name, **row} for name, figure in figures for row in figure.table)
    widest = max(figure.columns for _, figure in figures)
    columns = len(panels) if widest == 1 and len(panels) == len(figures) else widest
    told = [figure.caption.split(". ") for _, figure in figures]
    common: list[str] = []
    while all(told) and len({each[-1] for each in told}) == 1:
        common.insert(0, told[0][-1])
        told = [each[:-1] for each in told]
    own = [f"{'. '.join(each)}." for each in told if each]
    caption = " ".join([*own, ". ".join(common)])
    return replace(first, panels=panels, columns=columns, caption=caption, table=rows)
