"""Sets of labels as texts: how cells are read and how the project writes them; without pandas, for the server."""

import json
from collections.abc import Iterable
from typing import Any

from ..settings.base import BETWEEN_LABELS


def parse(cell: Any, separator: str = BETWEEN_LABELS) -> tuple[str, ...]:
    """The labels of a cell, sorted: of a list, of such a list as JSON, or of a text with separators between them.

    A text may also be written as the project writes it, with BETWEEN_LABELS. An empty one has no labels.

    Raises:
        ValueError: it is something else, or a label of a list holds BETWEEN_LABELS.
    """
    labels = from_json(cell) if isinstance(cell, str) and cell.lstrip().startswith("[") else None
    if labels is None and isinstance(cell, str):
        labels = [*cell.replace(separator, BETWEEN_LABELS).split(BETWEEN_LABELS)]
    if labels is None:
        labels = cell if isinstance(cell, list) else [cell]
    names = {named(label) for label in labels} - {""}
    if any(BETWEEN_LABELS in name for name in names):
        raise ValueError(f"a label without {BETWEEN_LABELS}")
    return tuple(sorted(names))


def from_json(cell: str) -> list[Any] | None:
    """The list that a text holds as JSON; None if it holds none."""
    try:
        found = json.loads(cell)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def named(label: Any) -> str:
    """A label as a text; a whole number has no decimals."""
    if isinstance(label, bool) or not isinstance(label, str | int | float):
        raise ValueError("a text, or a list of texts")  # noqa: TRY004 (read as a wrong value by all that call this)
    is_whole = isinstance(label, float) and label.is_integer()
    return str(int(label) if is_whole else label).strip()


def join(labels: Iterable[str]) -> str:
    """A set of labels as the project writes it."""
    return BETWEEN_LABELS.join(sorted(labels))
