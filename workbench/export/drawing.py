"""Draws figures for papers with matplotlib: PNG, SVG or PDF, in the size that they will be printed in.

Importing this takes over a second; a window does so in the background. Nothing here goes through pyplot
or changes matplotlib's global settings.
"""

from __future__ import annotations

import io
import math
import textwrap
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogFormatter, MaxNLocator

from workbench.export.figure import Curve, Figure, Panel, as_csv
from workbench.export.fonts import embedded
from workbench.export.looks import Look, Looks, handles_of, looks_of
from workbench.export.picture_grid import draw_pictures, shape_of
from workbench.paths import write_atomically

MM = 1 / 25.4
ONE_COLUMN, TWO_COLUMNS = 85.0, 175.0
FORMATS = ("png", "svg", "pdf")
_ONE_AT_A_TIME = threading.Lock()  # matplotlib's settings belong to the process, not to a thread


@dataclass(frozen=True)
class Style:
    """How a figure is drawn.

    Attributes
    ----------
    width_mm : 85 fits one column of a paper, 175 two.
    height_mm : None: as the panels need.
    font_size : points, as printed.
    colour : False: black and white, told apart by dashes, markers and hatching.
    dots_per_inch : of a PNG.
    """

    width_mm: float = ONE_COLUMN
    height_mm: float | None = None
    font_size: float = 8.0
    colour: bool = True
    dots_per_inch: int = 300


def draw(figure: Figure, style: Style) -> Canvas:
    """The figure as matplotlib's own; see :func:`save` to write it."""
    with _ONE_AT_A_TIME, matplotlib.rc_context(_settings(style)):
        return _draw(figure, style)


def to_bytes(figure: Figure, style: Style, form: str) -> bytes:
    """The figure as a file's content; the same figure and style give the same bytes.

    Parameters
    ----------
    form : ``png``, ``svg`` or ``pdf``.
    """
    if form not in FORMATS:
        raise ValueError(f"{form!r} is no format of figures; allowed: {', '.join(FORMATS)}")
    caption = _printable(figure.caption)
    metadata = {
        "png": {"Software": None, "Description": caption},
        "svg": {"Date": None, "Creator": None, "Description": caption},
        "pdf": {"CreationDate": None, "Creator": "Meta-Learning Workbench", "Subject": caption},
    }[form]
    content = io.BytesIO()
    with _ONE_AT_A_TIME, matplotlib.rc_context(_settings(style)):
        _draw(figure, style).savefig(content, format=form, dpi=style.dots_per_inch, metadata=metadata)
    return embedded(content.getvalue()) if form == "svg" else content.getvalue()


def _printable(text: str) -> str:
    """Text without what a file's metadata cannot hold."""
    return "".join(letter for letter in text if letter.isprintable())


def save(figure: Figure, style: Style, path: Path) -> None:
    """Write the figure, in the format of the path's suffix (or its data as ``.csv``), whole or not at all.

    Raises
    ------
    ValueError
        For another suffix.
    OSError
        If the file cannot be written.
    """
    form = path.suffix.lower().removeprefix(".")
    content = as_csv(figure).encode() if form == "csv" else to_bytes(figure, style, form)

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, write)


def _settings(style: Style) -> Any:
    """matplotlib's own defaults, whatever the person's matplotlibrc says, and ours."""
    defaults: dict[str, Any] = dict(matplotlib.rcParamsDefault.items())
    defaults.pop("backend")  # the one setting that a context does not put back
    return defaults | {
        "font.size": style.font_size,
        "axes.titlesize": style.font_size,
        "axes.labelsize": style.font_size,
        "xtick.labelsize": style.font_size * 0.9,
        "ytick.labelsize": style.font_size * 0.9,
        "legend.fontsize": style.font_size * 0.9,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.2,
        "hatch.linewidth": 0.3,
        "pdf.fonttype": 42,  # TrueType: editable, and accepted by publishers
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "metalearning-workbench",
        "text.parse_math": False,  # a label is a label, whatever signs are in it
    }


def _draw(figure: Figure, style: Style) -> Canvas:
    columns = max(1, min(figure.columns, len(figure.panels)))
    width = style.width_mm * MM
    canvas = Canvas(figsize=(width, 1.0), layout="constrained")
    FigureCanvasAgg(canvas)
    count = -(-len(figure.panels) // columns)
    heights = _row_heights(figure, columns, width, style)
    grid = canvas.add_gridspec(max(1, count), columns, height_ratios=heights or None)
    looks = looks_of(figure, colour=style.colour)
    for index, panel in enumerate(figure.panels):
        axes = canvas.add_subplot(grid[divmod(index, columns)])
        axes.set_title(panel.title)
        if panel.pictures:
            draw_pictures(axes, panel, style.font_size, colour=style.colour)
        else:
            _draw_panel(axes, panel, looks, width / columns, style)
    canvas.set_size_inches(width, sum(heights) or 1.0)
    legend = _add_legend(canvas, figure, looks, style)
    if style.height_mm is not None:
        canvas.set_size_inches(width, style.height_mm * MM)
    else:
        canvas.set_size_inches(width, (sum(heights) or 1.0) + legend)
    return canvas


def _row_heights(figure: Figure, columns: int, width: float, style: Style) -> list[float]:
    """Inches of each row of panels."""
    line = style.font_size / 72 * 1.6
    heights = []
    for start in range(0, len(figure.panels), columns):
        row = figure.panels[start : start + columns]
        heights.append(max(_height(panel, width / columns, line) for panel in row))
    return heights


def _height(panel: Panel, width: float, line: float) -> float:
    title = line if panel.title else 0.0
    if panel.pictures:
        across, down = shape_of(panel)
        return title + width * min(2.5, down / across)
    labels = (1 if panel.x_label else 0) + (2 if panel.x_names else 0)
    if panel.ratio:
        return title + width * panel.ratio + labels * line
    letters = len(panel.y_label) * line / 1.6 * 0.58
    return title + max(min(width, 4.5) * 0.62, letters + 2 * line) + labels * line


def _draw_panel(axes: Axes, panel: Panel, looks: Looks, width: float, style: Style) -> None:
    for curve in panel.curves:
        _draw_curve(axes, curve, looks[curve.label, curve.colour])
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    if panel.x_log:
        axes.set_xscale("log")
        _name_decades(axes.xaxis)
    if panel.y_log:
        axes.set_yscale("log")
        _name_decades(axes.yaxis)
    if panel.x_range:
        axes.set_xlim(*panel.x_range)
    if panel.y_range:
        axes.set_ylim(*panel.y_range)
    if panel.x_names:
        _name_positions(axes, panel, width, style)
    elif not panel.x_log:
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=_whole(panel), steps=[1, 2, 2.5, 5, 10]))
    for text in panel.texts:
        axes.text(
            text.x,
            text.y,
            text.text,
            ha=text.align,
            va="bottom" if text.over else "top" if text.under else "center",
            fontsize=style.font_size * 0.9,
        )
    if panel.x_hidden or (panel.y_hidden and panel.x_names):
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0)
        axes.xaxis.set_visible(not panel.x_hidden)
    if panel.y_hidden:
        axes.yaxis.set_visible(False)
        axes.spines["left"].set_visible(False)
    else:
        axes.grid(axis="y", color="#dddddd", linewidth=0.4)
    axes.set_axisbelow(True)


class _PlainLog(LogFormatter):
    """Numbers beside a logarithmic axis as plain text: .01, 10, 10⁶ (matplotlib's own are formulas)."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        if not super().__call__(x, pos):
            return ""
        if 1e-4 < x < 1e5:
            return f"{x:g}"
        exponent = math.floor(math.log10(x) + 1e-9)
        factor = x / 10.0**exponent
        power = "10" + str(exponent).translate(_RAISED)
        return power if abs(factor - 1) < 1e-9 else f"{factor:.3g}·{power}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _name_decades(axis: Axis) -> None:
    axis.set_major_formatter(_PlainLog())
    axis.set_minor_formatter(_PlainLog(labelOnlyBase=False, minor_thresholds=(1.0, 0.4)))


def _whole(panel: Panel) -> bool:
    return all(bool(np.all(np.mod(c.x[np.isfinite(c.x)], 1) == 0)) for c in panel.curves)


def _draw_curve(axes: Axes, curve: Curve, look: Look) -> None:
    black = look.hatch is not None
    common: dict[str, Any] = {
        "color": ("#999999" if black else look.colour) if curve.faint else look.colour,
        "alpha": 0.45 if curve.faint and not black and curve.kind == "line" else 1.0,
        "zorder": 2.0 if curve.faint else 2.5,
    }
    if curve.kind == "line":
        marked = black and not curve.faint and not curve.thick and len(curve.x) > 1
        axes.plot(
            curve.x,
            curve.y,
            linestyle=look.dashes,
            linewidth=0.6 if curve.faint else 3.0 if curve.thick else 1.2,
            marker=look.marker if marked else None,
            markersize=3,
            markevery=max(1, len(curve.x) // 8),
            **common,
        )
        if curve.shaded and curve.low is not None and curve.high is not None:
            axes.fill_between(
                curve.x,
                curve.low,
                curve.high,
                facecolor="none" if black else look.colour,
                edgecolor="#888888" if black else "none",
                hatch=look.hatch,
                linewidth=0.0,
                alpha=0.6 if black else 0.2,
                zorder=1.5,
            )
        return
    whiskers = None
    if curve.low is not None and curve.high is not None:
        whiskers = np.nan_to_num(np.stack([curve.y - curve.low, curve.high - curve.y]), nan=0.0).clip(0)
    container = axes.errorbar(
        curve.x,
        curve.y,
        whiskers,
        fmt=look.marker,
        linestyle=look.dashes if curve.kind == "both" else "none",
        linewidth=1.0,
        elinewidth=0.6 if curve.faint else 1.2,
        capsize=0 if curve.faint else 2.5,
        markersize=2.5 if curve.faint else 4.5,
        markerfacecolor="white" if black and curve.faint else None,
        **common,
    )
    for bar in container[2]:
        bar.set_zorder(common["zorder"])


def _name_positions(axes: Axes, panel: Panel, width: float, style: Style) -> None:
    """Names under their positions: side by side where they fit, wrapped where they do not, else slanted."""
    names = panel.x_names
    room = 0.82 * width * 72 / max(1, len(names)) / (style.font_size * 0.9 * 0.58)  # letters
    axes.set_xticks(range(len(names)))
    axes.set_xlim(-0.6, len(names) - 0.4)
    wrapped = [textwrap.wrap(name, max(4, int(room)), break_long_words=False) for name in names]
    fits = all(len(lines) <= 3 and max(map(len, lines), default=0) <= max(4, room) for lines in wrapped)
    if fits:
        axes.set_xticklabels(["\n".join(lines) for lines in wrapped])
    else:
        axes.set_xticklabels(
            [textwrap.shorten(name, 28, placeholder="…") for name in names], rotation=30, ha="right"
        )


def _add_legend(canvas: Canvas, figure: Figure, looks: Looks, style: Style) -> float:
    """A legend below all panels, where it covers no data; returns its height in inches."""
    handles = handles_of(figure, looks)
    if not handles or not figure.legend:
        return 0.0
    width = canvas.get_size_inches()[0] * canvas.dpi
    for columns in range(min(len(handles), 6), 0, -1):
        legend = canvas.legend(
            handles=handles,
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            handlelength=2.2,
            columnspacing=1.2,
            borderaxespad=0.2,
        )
        extent = legend.get_window_extent(canvas.canvas.get_renderer())  # type: ignore[attr-defined]
        if extent.width <= width or columns == 1:
            return float(extent.height / canvas.dpi)
        legend.remove()
    return 0.0
