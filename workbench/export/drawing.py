"""Draws figures for papers with matplotlib: PNG, SVG or PDF, in the size that they will be printed in.

Importing this takes over a second; a window does so in the background. Nothing here goes through pyplot
or changes matplotlib's global settings.
"""

from __future__ import annotations

import io
import math
import textwrap
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from workbench.analysis import numerals
from workbench.analysis.figure import as_csv
from workbench.export import heads
from workbench.export.fonts import embedded, lacking
from workbench.export.heads import LETTER, letters
from workbench.export.heat_map import draw_shades, shades_height
from workbench.export.looks import SIGNS, Look, Looks, handles_of, looks_of
from workbench.export.picture_grid import draw_pictures, shape_of
from workbench.export.wishes import Style
from workbench.export.word_lines import draw_lines, lines_height
from workbench.paths import write_atomically
from workbench.pictures import Curve, Figure, Panel
from workbench.words import shown, told_apart, visible

MM = 1 / 25.4
FORMATS = ("png", "svg", "pdf")
LONGEST_TICK, LONGEST_LABEL, LONGEST_IN_FULL = 28, 80, 500
"""Letters of a name beside an axis, of what the axis shows, and of a name in a file's description."""

warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)  # see without_shape
_ONE_AT_A_TIME = threading.Lock()  # matplotlib's settings belong to the process, not to a thread


def draw(figure: Figure, style: Style) -> Canvas:
    """The figure as matplotlib's own; see :func:`save` to write it."""
    with _drawing(style):
        return _draw(figure, style)


def to_bytes(figure: Figure, style: Style, form: str, *, above: float = 0.0) -> bytes:
    """The figure as a file's content; the same figure and style give the same bytes.

    Parameters
    ----------
    form : ``png``, ``svg`` or ``pdf``.
    above : inches that heads above the columns have at least, as of figures that follow each other.
    """
    if form not in FORMATS:
        raise ValueError(f"{form!r} is no format of figures; allowed: {', '.join(FORMATS)}")
    content = io.BytesIO()
    with _drawing(style):
        canvas = _draw(figure, style, above)
        caption = _description(figure, canvas)
        metadata = {
            "png": {"Software": None, "Description": caption},
            "svg": {"Date": None, "Creator": None, "Description": caption},
            "pdf": {"CreationDate": None, "Creator": "Meta-Learning Workbench", "Subject": caption},
        }[form]
        canvas.savefig(content, format=form, dpi=style.dots_per_inch, metadata=metadata)
    return embedded(content.getvalue()) if form == "svg" else content.getvalue()


def to_pictures(
    figure: Figure, style: Style, parts: Sequence[float], *, above: float = 0.0
) -> Iterator[NDArray[np.uint8]]:
    """The figure as pixels ``[height, width, 3]``, at each of some parts of the time, from 0 to 1: only what
    moves is drawn anew.

    Parameters
    ----------
    above : as of :func:`to_bytes`.
    """
    with _drawing(style):
        moving: list[tuple[Panel, Line2D]] = []
        canvas = _draw(figure, style, above, moving)
        canvas.set_dpi(style.dots_per_inch)
        paper: Any = canvas.canvas  # matplotlib says nothing of the types of its pixels
        paper.draw()
        canvas.set_layout_engine("none")  # all stays where it is
        for _, mark in moving:
            mark.set_animated(True)
        paper.draw()
        still = paper.copy_from_bbox(canvas.bbox)
        for part in parts:
            paper.restore_region(still)
            for panel, mark in moving:
                place = panel.moved(part)
                if place is not None and mark.axes is not None:
                    mark.set_data(*([each] for each in place))
                    mark.axes.draw_artist(mark)
            yield np.array(paper.buffer_rgba())[..., :3]


def _description(figure: Figure, canvas: Canvas) -> str:
    """The caption, and in full what the legend had no room for; for a file's metadata."""
    drawn = {text.get_text() for text in canvas.findobj(Text) if isinstance(text, Text)}
    labels = dict.fromkeys(visible(curve.label) for panel in figure.panels for curve in panel.curves)
    cut = [
        shown(label, LONGEST_IN_FULL) for label in labels if figure.legend and label and label not in drawn
    ]
    return " ".join([visible(figure.caption), *(["In full:", "; ".join(cut)] if cut else [])])


def without_shape(figure: Figure) -> str:
    """The letters of a figure for which the font has no shape: boxes, but in an SVG, whose text is text."""
    words = [text.text for panel in figure.panels for text in panel.texts]
    for panel in figure.panels:
        words += [panel.title, panel.x_label, panel.y_label, *panel.x_names, *panel.row_names]
        words += [curve.label for curve in panel.curves]
        words += [picture.caption for row in panel.pictures for picture in row]
        words += [shade.text.replace("\n", " ") for row in panel.shades for shade in row]
        words += [word.text for line in panel.lines for word in line]
    words += [part for head in (*figure.column_heads, *figure.row_heads) for part in (head.title, head.text)]
    return lacking(visible("".join(words)))


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


@contextmanager
def _drawing(style: Style) -> Iterator[None]:
    with _ONE_AT_A_TIME, matplotlib.rc_context(_settings(style)):
        yield


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


def _draw(
    figure: Figure,
    style: Style,
    least_above: float = 0.0,
    moving: list[tuple[Panel, Line2D]] | None = None,
) -> Canvas:
    columns = max(1, min(figure.columns, len(figure.panels)))
    width = style.width_mm * MM
    canvas = Canvas(figsize=(width, 1.0), layout="constrained")
    FigureCanvasAgg(canvas)
    count = -(-len(figure.panels) // columns)
    room_beside = heads.beside(figure, columns, width)
    beside, width_each = int(room_beside > 0), (width - room_beside) / columns
    titles, title_size = heads.over_cells(figure, width_each, style)
    above = [max(least_above, heads.above(figure, columns, style))] if figure.column_heads else []
    heights = above + _row_heights(figure, columns, width_each, titles, style)
    for at, head in enumerate(figure.row_heads, len(above)):
        heights[at] = max(heights[at], heads.head_height(head, room_beside, style))
    grid = canvas.add_gridspec(
        max(1, len(above) + count),
        beside + columns,
        height_ratios=heights or None,
        width_ratios=[room_beside / width_each] * beside + [1.0] * columns,
    )
    looks = looks_of(figure, colour=not style.black)
    for at, head in enumerate(figure.column_heads):
        heads.draw_head(canvas.add_subplot(grid[0, beside + at]), head, width_each, style)
    for at, head in enumerate(figure.row_heads):
        heads.draw_head(canvas.add_subplot(grid[len(above) + at, 0]), head, room_beside, style)
    own_names = len({panel.x_names for panel in figure.panels}) > 1
    for index, (panel, title) in enumerate(zip(figure.panels, titles, strict=True)):
        row, column = divmod(index, columns)
        axes = canvas.add_subplot(grid[len(above) + row, beside + column])
        axes.set_title(title, fontsize=title_size)
        if panel.pictures:
            draw_pictures(axes, panel, style.font_size, colour=not style.black)
        elif panel.shades:
            draw_shades(axes, panel, style.font_size, colour=not style.black)
        elif panel.lines:
            in_row = figure.panels[row * columns : (row + 1) * columns]
            room = max(lines_height(each, width_each, style.font_size) for each in in_row)
            draw_lines(axes, panel, (width_each, room), style.font_size, colour=not style.black)
        else:
            mark = _draw_panel(axes, panel, looks, width_each, style)
            if mark is not None and moving is not None:
                moving.append((panel, mark))
        if figure.column_heads:
            _leave_to_the_edge(
                axes, first=column == 0, last=own_names or index >= len(figure.panels) - columns
            )
    canvas.set_size_inches(width, sum(heights) or 1.0)
    legend = _add_legend(canvas, figure, looks, style)
    for text in canvas.findobj(Text):
        assert isinstance(text, Text)
        text.set_text("\n".join(map(visible, text.get_text().split("\n"))))
    if style.height is not None:
        canvas.set_size_inches(width, style.height * MM)
        _wrap_names(canvas)
    else:
        canvas.set_size_inches(width, (sum(heights) or 1.0) + legend)
    return canvas


def _wrap_names(canvas: Canvas) -> None:
    """Break the names of vertical axes that are longer than a height which somebody chose."""
    canvas.draw_without_rendering()
    for axes in canvas.axes:
        name = axes.yaxis.label
        place = name.get_window_extent()
        middle = (place.y0 + place.y1) / 2
        room = 2 * min(middle, canvas.bbox.height - middle)
        if place.height > room > 0:
            text = name.get_text()
            name.set_text(textwrap.fill(text, max(8, int(0.9 * len(text) * room / place.height))))


def _leave_to_the_edge(axes: Axes, *, first: bool, last: bool) -> None:
    """Numbers and names of axes stand at the edges of a grid with heads only, whose panels are alike."""
    if not first:
        axes.set_ylabel("")
        axes.tick_params(axis="y", labelleft=False)
    if not last:
        axes.set_xlabel("")
        axes.tick_params(axis="x", labelbottom=False)


def _letters(inches: float, points: float) -> int:
    """How many letters have room in a width; at least so many that names can be told apart."""
    return max(12, letters(inches, points))


def _row_heights(
    figure: Figure, columns: int, width: float, titles: Sequence[str], style: Style
) -> list[float]:
    """Inches of each row of panels, each so wide."""
    line = style.font_size / 72 * 1.6
    heights = []
    for start in range(0, len(figure.panels), columns):
        row = figure.panels[start : start + columns]
        more = max((title.count("\n") for title in titles[start : start + columns]), default=0)
        heights.append(max(_height(panel, width, style.font_size) for panel in row) + more * line)
    return heights


def _height(panel: Panel, width: float, font_size: float) -> float:
    line = font_size / 72 * 1.6
    title = line if panel.title else 0.0
    if panel.lines:
        return title + lines_height(panel, width, font_size)
    if panel.shades:
        return title + shades_height(panel, width, font_size)
    if panel.pictures:
        across, down = shape_of(panel)
        return title + width * min(2.5, down / across)
    labels = (1 if panel.x_label else 0) + (2 if panel.x_names else 0)
    if panel.ratio:
        return title + width * panel.ratio + labels * line
    along = min(len(panel.y_label), LONGEST_LABEL) * line / 1.6 * LETTER
    return title + max(min(width, 4.5) * 0.62, along + 2 * line) + labels * line


def _draw_panel(axes: Axes, panel: Panel, looks: Looks, width: float, style: Style) -> Line2D | None:
    """What moves in it, where it is at the end; None where nothing does."""
    mark = None
    for curve in panel.curves:
        _draw_curve(axes, curve, looks[curve.label, curve.colour])
    axes.set_xlabel(told_apart([panel.x_label], LONGEST_LABEL)[0])
    axes.set_ylabel(told_apart([panel.y_label], LONGEST_LABEL)[0])
    if panel.x_log:
        axes.set_xscale("log")
        _name_decades(axes.xaxis)
    if panel.y_log:
        axes.set_yscale("log")
        _name_decades(axes.yaxis)
    if panel.y_percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    if panel.square:
        axes.set_aspect("equal", adjustable="box" if panel.x_range and panel.y_range else "datalim")
    if panel.moving is not None and len(panel.moving.x):
        end = panel.moving
        colour = looks[end.label, end.colour].colour
        (mark,) = axes.plot(end.x[-1:], end.y[-1:], "o", color=colour, markersize=4.5, clip_on=False)
    if panel.x_range:
        axes.set_xlim(*panel.x_range)
    if panel.y_range:
        axes.set_ylim(*panel.y_range)
    if panel.x_names:
        _name_positions(axes, panel, width, style)
    if panel.y_names:
        axes.set_yticks(range(len(panel.y_names)), told_apart(panel.y_names, LONGEST_TICK))
        axes.set_ylim(-0.5, len(panel.y_names) - 0.5)
    if not (panel.x_names or panel.x_log):
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=_whole(panel), steps=[1, 2, 2.5, 5, 10]))
    if numerals.origin(*axes.get_xlim())[1]:  # matplotlib says at the right what it counts from
        axes.set_xlabel(axes.get_xlabel(), loc="left")
    room = 0.9 * width / len(panel.x_names) if panel.x_names else 0.36 * width
    words = told_apart([text.text for text in panel.texts], _letters(room, style.font_size * 0.9))
    for text, word in zip(panel.texts, words, strict=True):
        axes.text(
            text.x,
            text.y,
            word,
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
    return mark


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
        fmt=SIGNS.get(curve.sign, look.marker),
        linestyle=look.dashes if curve.kind == "both" else "none",
        linewidth=1.0,
        elinewidth=0.6 if curve.faint else 1.2,
        capsize=0 if curve.faint else 2.5,
        markersize=1.8 if curve.small else 2.5 if curve.faint else 9 if curve.thick else 4.5,
        markerfacecolor="white" if black and curve.faint else None,
        **common,
    )
    for bar in container[2]:
        bar.set_zorder(common["zorder"])


def _name_positions(axes: Axes, panel: Panel, width: float, style: Style) -> None:
    """Names under their positions: side by side where they fit, wrapped where they do not, else slanted."""
    names = [visible(name) for name in panel.x_names]
    room = 0.82 * width * 72 / max(1, len(names)) / (style.font_size * 0.9 * LETTER)  # letters
    axes.set_xticks(range(len(names)))
    axes.set_xlim(-0.6, len(names) - 0.4)
    wrapped = [textwrap.wrap(name, max(4, int(room)), break_long_words=False) for name in names]
    fits = all(len(lines) <= 3 and max(map(len, lines), default=0) <= max(4, room) for lines in wrapped)
    if fits:
        axes.set_xticklabels(["\n".join(lines) for lines in wrapped])
    else:
        axes.set_xticklabels(told_apart(names, LONGEST_TICK), rotation=30, ha="right")


def _add_legend(canvas: Canvas, figure: Figure, looks: Looks, style: Style) -> float:
    """A legend below all panels, where it covers no data; returns its height in inches."""
    handles = handles_of(figure, looks)
    if not handles or not figure.legend:
        return 0.0
    inches = canvas.get_size_inches()[0]
    labels = told_apart([str(each.get_label()) for each in handles], 2 * _letters(inches, style.font_size))
    for columns in range(min(len(handles), 6), 0, -1):
        legend = canvas.legend(
            handles=handles,
            labels=["–"] * len(handles),  # the names come later: matplotlib leaves out those with a _ before
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            handlelength=2.2,
            columnspacing=1.2,
            borderaxespad=0.2,
        )
        width, height = _named(canvas, legend, labels)
        if width <= inches:
            return height
        if columns > 1:
            legend.remove()
    most = max(12, int(max(map(len, labels)) * inches / width) - 4)  # the lines beside them take room, too
    return _named(canvas, legend, told_apart(labels, most))[1]


def _named(canvas: Canvas, legend: Legend, labels: Sequence[str]) -> tuple[float, float]:
    """Write a legend's names; its width and height in inches."""
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(visible(label))
    extent = legend.get_window_extent(canvas.canvas.get_renderer())  # type: ignore[attr-defined]
    return extent.width / canvas.dpi, extent.height / canvas.dpi
