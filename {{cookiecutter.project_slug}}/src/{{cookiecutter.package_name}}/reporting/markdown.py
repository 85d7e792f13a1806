"""Markdown for the cards: headings, lists and tables in which whatever data hold stays text."""

import html
import re
from collections.abc import Mapping, Sequence

from .report import Interval, format_interval, visible

SIGNS = re.compile(r"([\\`*_{}\[\]#|~])")  # that Markdown gives a meaning


def text(value: object) -> str:
    """A value as text on one line."""
    return SIGNS.sub(r"\\\1", html.escape(" ".join(visible(value).split()), quote=False))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table."""
    lines = [" | ".join(text(cell) for cell in row) for row in (header, *rows)]
    lines.insert(1, " | ".join(["---"] * len(header)))
    return "\n".join(f"| {line} |" for line in lines)


def facts(values: Mapping[str, object]) -> str:
    """A list of names with their values."""
    return "\n".join(f"- **{text(name)}**: {text(value)}" for name, value in values.items())


def score(interval: Mapping[str, float | None]) -> str:
    """A score with its interval."""
    return " ".join(format_interval(Interval(interval["value"], interval["low"], interval["high"]))).strip()


def document(title: str, sections: Mapping[str, Sequence[str]]) -> str:
    """A whole document, from the title to sections of paragraphs, lists and tables."""
    parts = [f"# {text(title)}"]
    for heading, blocks in sections.items():
        parts += [f"## {heading}", *blocks]
    return "\n\n".join(parts) + "\n"
