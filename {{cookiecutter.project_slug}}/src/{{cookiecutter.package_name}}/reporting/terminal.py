"""Tables in a terminal."""

from collections.abc import Sequence

from .report import visible


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose columns are as wide as what they hold; control characters are made visible."""
    shown = [[" ".join(visible(cell).split()) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[place]) for row in shown) for place in range(len(header))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def shortened(text: str, longest: int) -> str:
    """A text that fits."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
