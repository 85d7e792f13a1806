"""From a Matplotlib figure to SVG inside a page, with the page's colours and typeface, and values on hover."""

import hashlib
import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .report import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Matplotlib draws with these stand-ins; `to_svg` puts the page's own colours in their place.
TEXT, STRONG = "#0000fd", "#0000fc"
MAX_SERIES = 10  # colours of the page's palette
MAX_NAME = 28  # characters of a class or a feature
SIZE = (4.4, 3.0)  # inches: two figures stand side by side on a page, and one on a telephone
MIN_SCALE = 0.92  # CSS pixels for a point, below which words are too small to read
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


def series_color(place: int) -> str:
    """The stand-in for a colour of the page's palette."""
    return f"#00{place % MAX_SERIES:02x}fe"


def label(name: object, longest: int = MAX_NAME) -> str:
    """A name as Matplotlib draws it literally: short, on one line, without its markup for formulas."""
    text = " ".join(visible(name).split())
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    # A legend leaves out names that begin with an underscore; a hair space before it keeps them.
    return ("\N{HAIR SPACE}" if text.startswith("_") else "") + text.replace("$", r"\$")


@contextmanager
def drawing(
    x_label: str, y_label: str, size: tuple[float, float] = SIZE
) -> "Generator[tuple[Figure, Axes], None, None]":
    """An empty figure in the style of the pages, on which nothing global depends."""
    import matplotlib as mpl  # here, since most stages draw nothing and the import takes most of a second
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the reader's browser has the letters that Matplotlib's font lacks
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        axes.set_xlabel(label(x_label, 2 * MAX_NAME))
        axes.set_ylabel(label(y_label, 2 * MAX_NAME))
        yield figure, axes


def to_svg(figure: "Figure", titles: Mapping[str, Sequence[str]]) -> str:
    """The figure as an SVG element for a page; `titles` has the hover texts of the marks of each named group."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = re.sub(r"#00(0\d)fe", lambda match: f"var(--series-{int(match[1])})", buffer.getvalue())
    text = text.replace(TEXT, "currentColor").replace(STRONG, "var(--ink)")
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", text)  # the page's own typeface
    # Namespaces mean nothing inside HTML, and the style sheet would hold for the whole page.
    text = re.sub(
        r"<\?xml.*?\?>|<!DOCTYPE.*?>|<style.*?</style>| xmlns(:\w+)?=\"[^\"]*\"|xlink:", "", text, flags=re.DOTALL
    )
    root = ET.fromstring(text)  # noqa: S314 - our own drawing, in which Matplotlib has escaped all text
    add_titles(root, titles)
    shorten(root, hashlib.sha256(text.encode()).hexdigest()[:6])
    box = root.attrib["viewBox"]
    root.attrib = {"viewBox": box, "style": f"min-width: {MIN_SCALE * float(box.split()[2]):.0f}px"}
    return ET.tostring(root, encoding="unicode")


def add_titles(root: ET.Element, titles: Mapping[str, Sequence[str]]) -> None:
    """Gives the marks of each named group their hover texts."""
    for group in root.iter("g"):
        if group.get("id") in titles:
            marks = [mark for mark in group.iter() if mark.tag in ("use", "path") and not mark.get("id")]
            for mark, title in zip(marks, titles[group.attrib["id"]], strict=False):
                ET.SubElement(mark, "title").text = title


def shorten(root: ET.Element, prefix: str) -> None:
    """Makes the drawing smaller, and its names different from those of the other drawings on the page."""
    drawn = ET.tostring(root, encoding="unicode")
    used = dict.fromkeys(re.findall(r"(?:url\(|href=\")#([^)\"]+)", drawn))
    renamed = {name: f"{prefix}-{place}" for place, name in enumerate(used)}
    for element in root.iter():
        styles = {child.get("style") for child in element if child.tag == "use"}
        if len(styles) == 1 and len(element) > 1:  # the points of a cloud: say once how they look
            element.set("style", styles.pop() or "")
            for child in element:
                child.attrib.pop("style", None)
        element.tail = None
        if element.text and not element.text.strip():
            element.text = None
        for attribute, value in list(element.attrib.items()):
            if attribute == "id":
                if value in renamed:
                    element.set("id", renamed[value])
                else:
                    del element.attrib["id"]
            else:
                replaced = re.sub(r"#([^)\"]+)", lambda match: f"#{renamed.get(match[1], match[1])}", value)
                decimals = attribute in ("x", "y", "d")
                element.set(attribute, re.sub(r"(\.\d)\d+", r"\1", replaced) if decimals else replaced)
