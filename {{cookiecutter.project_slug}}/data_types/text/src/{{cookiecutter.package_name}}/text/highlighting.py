"""Texts on a page, their words coloured by what they contributed; whatever a text holds is shown as text."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from ..reporting.report import Figure, visible

FOR, AGAINST = "230, 120, 0", "40, 110, 220"  # red, green, blue: told apart by the colour-blind too
STRONGEST = 0.55  # opacity: words stay readable on it, on a light page and on a dark one


class Exhibit(NamedTuple):
    """A text in pieces, what each contributed to the prediction, from -1 to 1, and lines of text above it."""

    pieces: Sequence[str]
    contributions: Sequence[float]
    lines: Sequence[str]


def figure(title: str, exhibits: Sequence[Exhibit], note: str = "") -> Figure:
    """The texts, one below the other."""
    body = "".join(f'<div style="margin:0 0 1rem">{show(exhibit)}</div>' for exhibit in exhibits)
    return Figure(title, body, title, note, wide=True)


def show(exhibit: Exhibit) -> str:
    """One text as HTML."""
    lines = "".join(f'<div style="font-size:.85rem"><bdi>{escape(visible(line))}</bdi></div>' for line in exhibit.lines)
    marked = "".join(mark(piece, share) for piece, share in zip(exhibit.pieces, exhibit.contributions, strict=True))
    style = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7"
    return f'{lines}<div dir="auto" style="{style}">{marked}</div>'


def mark(piece: str, contribution: float) -> str:
    """A piece of a text with a background as strong as its contribution."""
    shown = escape(visible(piece))
    if round(contribution, 2) == 0:
        return shown
    color = FOR if contribution > 0 else AGAINST
    opacity = min(1.0, abs(contribution)) * STRONGEST
    return f'<span title="{contribution:+.2f}" style="background:rgba({color}, {opacity:.2f})">{shown}</span>'
