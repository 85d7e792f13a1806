"""Figures for the pages: each function returns an SVG element for `report.Figure`."""

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .report import Interval, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Matplotlib draws in these colours, which `to_svg` replaces by the CSS variables of the page.
TEXT, STRONG = "#0000fd", "#0000fc"
MAX_SERIES = 10  # colours of the page's palette
MAX_NAME = 28  # characters of a class or a feature
SIZE = (4.4, 3.0)  # inches: two figures stand side by side on a page, and one on a telephone
MIN_SCALE = 0.92  # CSS pixels for a point, below which text is too small to read
STYLE: dict[Any, Any] = {
    "axes.edgecolor": TEXT,
    "axes.labelcolor": TEXT,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "figure",  # the same data gives the same file
    "text.color": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
}
REPLACED = {  # in Matplotlib's SVG, so that the figure takes the colours and the typeface of the page
    r"^.*?(?=<svg)|<style.*?</style>| xmlns(:\w+)?=\"[^\"]*\"": "",
    r"<g id=\"[^\"]*\"": "<g",  # the same in every figure of the page
    r"font: ([\d.]+px) [^;\"]*": r"font-size: \1",
    r"#000(\d)fe": r"var(--series-\1)",
    TEXT: "currentColor",
    STRONG: "var(--ink)",
    r"\n+ *": "\n",
}
COORDINATES = re.compile(r' (d|x|y)="[^"]*"')  # a tenth of a pixel is enough

Numbers = npt.ArrayLike
MARKERS = "os^Dv"  # of groups in a map, beside their colours
MAX_POINTS = 800  # of a scatter plot: more hide each other and make the page heavy
MAX_VERTICES = 150  # of a line: more cannot be told apart at the size of a figure
FEW_CELLS, MAX_CELLS = 12, 20  # classes of a heat map up to which it is as small as other figures, and at most
MAX_LEGEND = 40  # characters of a name in a legend
BLUE, MAX_OPACITY = (0.16, 0.5, 0.78), 0.5  # of the cells of a heat map: numbers on them can be read on any page
LEGEND_WIDTH = 50  # characters in a row of the legend


def series_color(place: int) -> str:
    """The colour that stands for a series of the page's palette."""
    return f"#000{place % MAX_SERIES}fe"


def label(name: object, longest: int = MAX_NAME) -> str:
    """A name as Matplotlib draws it literally: short, on one line, without its markup for formulas."""
    text = " ".join(visible(name).split())
    if len(text) > longest:  # names often differ at their end
        text = f"{text[: longest * 2 // 3]}…{text[longest * 2 // 3 + 1 - longest :]}"
    # A legend leaves out names that begin with an underscore; a hair space before it keeps them.
    return ("\N{HAIR SPACE}" if text.startswith("_") else "") + text.replace("$", r"\$")


@contextmanager
def drawing(
    x_label: str, y_label: str, size: tuple[float, float] = SIZE
) -> "Generator[tuple[Figure, Axes], None, None]":
    """An empty figure in the style of the pages; no global state of Matplotlib is changed."""
    import matplotlib as mpl  # here, since most stages draw nothing and the import takes most of a second
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the reader's browser has the letters that Matplotlib's font lacks
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.set_xlabel(label(x_label, 2 * MAX_NAME))
        axes.set_ylabel(label(y_label, 2 * MAX_NAME))
        yield figure, axes


def to_svg(figure: "Figure") -> str:
    """The figure as an SVG element for a page."""
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    drawn = buffer.getvalue()
    for pattern, replacement in REPLACED.items():
        drawn = re.sub(pattern, replacement, drawn, flags=re.DOTALL)
    drawn = COORDINATES.sub(lambda match: re.sub(r"(\.\d)\d+", r"\1", match[0]), drawn)
    width, height = (72 * side for side in figure.get_size_inches())
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" style="min-width: {MIN_SCALE * width:.0f}px">'
    return re.sub(r"^<svg[^>]*>", head, drawn)


class Line(NamedTuple):
    """A curve of a figure; `dashed` is for what the other curves are compared with."""

    name: str
    x: Numbers
    y: Numbers
    dashed: bool = False


def lines(
    curves: Sequence[Line],
    x_label: str,
    y_label: str,
    *,
    diagonal: bool = False,
    marks: bool = False,
    unit_axes: bool = False,
) -> str:
    """Curves over a common axis; `diagonal` adds the line y = x, `unit_axes` shows both axes from 0 to 1."""
    names = [label(curve.name, MAX_LEGEND) for curve in curves]
    legend_columns, height = legend_layout(names)
    with drawing(x_label, y_label, (SIZE[0], SIZE[1] + height)) as (figure, axes):
        if diagonal:
            axes.plot([0, 1], [0, 1], color=TEXT, linewidth=0.8, dashes=(2, 3), zorder=0)
        handles = []
        for place, curve in enumerate(curves):
            x, y = thinned_curve(np.asarray(curve.x, float), np.asarray(curve.y, float))
            style: dict[str, Any] = {
                "linestyle": (0, (4, 2)) if curve.dashed else "-",
                "marker": "o" if marks else "",
                "ms": 4,
            }
            handles += axes.plot(x, y, color=series_color(place), linewidth=1.6, **style)
        if len(curves) > 1:
            figure.legend(handles, names, loc="outside upper left", ncols=legend_columns, fontsize=9.5)
        if unit_axes:
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        if not unit_axes and all(np.equal(np.mod(curve.x, 1), 0).all() for curve in curves):
            axes.locator_params(axis="x", integer=True, min_n_ticks=1)  # there is no epoch 2.5
        axes.grid(color=TEXT, alpha=0.15, linewidth=0.6)
        return to_svg(figure)


def legend_layout(names: Sequence[str]) -> tuple[int, float]:
    """How many columns a legend has, and the inches that a figure needs for it beyond two rows."""
    columns = int(np.clip(LEGEND_WIDTH // (8 + max(map(len, names), default=0)), 1, 3))
    return columns, 0.19 * max(len(names) / columns - 2, 0)


def bars(names: Sequence[str], values: Sequence[Interval | float], x_label: str) -> str:
    """Horizontal bars, the first on top, with the bounds of an interval where there is one."""
    intervals = [value if isinstance(value, Interval) else Interval(value) for value in values]
    centers, lows, highs = np.array([each[:3] for each in intervals], float).reshape(-1, 3).T  # None becomes NaN
    places = np.arange(len(names))
    with drawing(x_label, "", (SIZE[0], 0.6 + 0.25 * max(len(names), 2))) as (figure, axes):
        axes.barh(places, centers, height=0.62, color=series_color(0), alpha=0.75)
        axes.hlines(places, lows, highs, color=STRONG, linewidth=1.3)
        axes.set_yticks(places, [label(name) for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.axvline(0, color=TEXT, linewidth=0.6)
        axes.grid(axis="x", color=TEXT, alpha=0.15, linewidth=0.6)
        return to_svg(figure)


def heatmap(counts: Numbers, names: Sequence[str], x_label: str, y_label: str, totals: Numbers | None = None) -> str:
    """A square table of at most MAX_CELLS rows of counts, shaded by the share of its row, or of its row's total."""
    matrix = np.asarray(counts)
    size, is_small = len(names), len(names) <= FEW_CELLS
    shares = matrix / np.maximum(matrix.sum(axis=1) if totals is None else np.asarray(totals), 1)[:, None]
    shade = np.empty((size, size, 4))  # red, green, blue and opacity, so that the page shows through
    shade[..., :3] = BLUE
    shade[..., 3] = MAX_OPACITY * (shares if is_small else shares**0.6)  # small shares are the interesting ones
    side = max(2.2 + 0.1 * size, 3.3) if is_small else 1 + 0.32 * size + 0.07 * min(max(map(len, names)), MAX_NAME)
    with drawing(x_label, y_label, (max(side + 0.4, SIZE[0]), side)) as (figure, axes):
        axes.imshow(shade, interpolation="none", aspect="auto")
        for (row, column), count in np.ndenumerate(matrix):
            if is_small or count:
                axes.text(column, row, f"{count:,}", color=STRONG, ha="center", va="center", fontsize=10)
        turn = 0 if size <= 4 and max(map(len, names)) <= FEW_CELLS else 90
        axes.set_xticks(range(size), [label(name) for name in names], fontsize=10, rotation=turn)
        axes.set_yticks(range(size), [label(name) for name in names], fontsize=10)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        return to_svg(figure)


def scatter(x: Numbers, y: Numbers, x_label: str, y_label: str, *, diagonal: bool = False, level: bool = False) -> str:
    """At most 800 points, evenly drawn from all; `diagonal` adds the line y = x, `level` the line y = 0."""
    horizontal, vertical = np.asarray(x, float), np.asarray(y, float)
    if len(horizontal) > MAX_POINTS:
        chosen = np.linspace(0, len(horizontal) - 1, MAX_POINTS).astype(int)
        horizontal, vertical = horizontal[chosen], vertical[chosen]
    with drawing(x_label, y_label) as (figure, axes):
        if diagonal:
            middle = float(np.nanmean(horizontal)) if np.isfinite(horizontal).any() else 0.0
            axes.axline((middle, middle), slope=1, color=TEXT, linewidth=0.9, dashes=(4, 3))
        if level:
            axes.axhline(0, color=TEXT, linewidth=0.9, dashes=(4, 3))
        opacity = float(np.clip(60 / max(len(horizontal), 1), 0.25, 0.8))
        axes.scatter(horizontal, vertical, s=9, color=series_color(0), alpha=opacity, linewidths=0)
        axes.grid(color=TEXT, alpha=0.15, linewidth=0.6)
        return to_svg(figure)


def points(x: Numbers, y: Numbers, groups: Sequence[str]) -> str:
    """A map without axes: at most 800 points, evenly drawn from all, in the colour and the shape of their groups."""
    chosen = np.linspace(0, len(groups) - 1, min(len(groups), MAX_POINTS)).astype(int)
    horizontal, vertical, drawn = (np.asarray(values)[chosen] for values in (x, y, groups))
    names = sorted(set(groups))
    columns, height = legend_layout([label(name, MAX_LEGEND) for name in names])
    with drawing("", "", (SIZE[0], SIZE[1] + 0.6 + height)) as (figure, axes):
        for place, name in enumerate(names):
            style: dict[str, Any] = {"color": series_color(place), "ms": 4, "mew": 0, "alpha": 0.75}
            inside = drawn == name
            marker = MARKERS[place % len(MARKERS)]
            axes.plot(
                horizontal[inside], vertical[inside], marker, linestyle="", label=label(name, MAX_LEGEND), **style
            )
        if len(names) > 1:
            figure.legend(loc="outside upper left", ncols=columns, fontsize=9.5, markerscale=1.5)
        axes.set(xticks=[], yticks=[])
        axes.spines[["left", "bottom"]].set_visible(False)
        return to_svg(figure)


def histogram(values: Numbers, x_label: str, y_label: str = "examples", *, level: float | None = None) -> str:
    """The distribution of the finite values, in at most 40 bins; `level` marks a value."""
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    with drawing(x_label, y_label) as (figure, axes):
        axes.hist(numbers, bins=int(np.clip(len(numbers) ** 0.5, 8, 40)), color=series_color(0), rwidth=0.94)
        if level is not None:
            axes.axvline(level, color=STRONG, linewidth=0.9, dashes=(4, 3))
        return to_svg(figure)


def sparkline(heights: Sequence[float], titles: Sequence[str], *, width: int = 96, height: int = 24) -> str:
    """Bars small enough for a cell of a table, each with its title."""
    step = width / max(len(heights), 1)
    largest = max(heights, default=0) or 1
    svg = ET.Element("svg", viewBox=f"0 0 {width} {height}", width=str(width), height=str(height))
    for place, (value, title) in enumerate(zip(heights, titles, strict=True)):
        tall = max(height * value / largest, 1 if value else 0)
        bar = ET.SubElement(svg, "rect", x=f"{place * step:.1f}", y=f"{height - tall:.1f}")
        bar.attrib |= {"width": f"{max(step - 1, 0.6):.1f}", "height": f"{tall:.1f}", "fill": "var(--series-0)"}
        ET.SubElement(bar, "title").text = visible(title)
    return ET.tostring(svg, encoding="unicode")


def thinned_curve(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The same curve with fewer points, evenly spaced along it so that its corners stay."""
    if len(x) <= MAX_VERTICES:
        return x, y
    steps = np.abs(np.diff(x)) / (np.ptp(x) or 1) + np.abs(np.diff(y)) / (np.ptp(y) or 1)
    length = np.concatenate([[0.0], np.cumsum(np.nan_to_num(steps))])
    chosen = np.unique(np.searchsorted(length, np.linspace(0, length[-1], MAX_VERTICES)).clip(0, len(x) - 1))
    return x[chosen], y[chosen]
