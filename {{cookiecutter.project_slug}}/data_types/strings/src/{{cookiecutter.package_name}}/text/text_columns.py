"""Finds the column of a table that holds the texts, and decodes the bytes of text files."""

from collections.abc import Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..config import Config
from ..core.errors import InputError
from ..data.delimited import BYTE_ORDER_MARKS
from . import texts

LETTER = r"\pL"


def find(config: Config, setting: str, name: str, table: pa.Table, others: Collection[str] = ()) -> str:
    """The column that the setting names, one called `texts.COLUMN`, or the one with the longest texts.

    Those that have another role, and `others`, are left out of the search.

    Raises:
        InputError: there is none.
    """
    known, named = ", ".join(table.column_names[:20]), getattr(config, setting)
    for wanted in (named, texts.COLUMN):
        if wanted in table.column_names:
            return str(wanted)
    if named:
        raise InputError(f"{setting} is {named!r}, which is no column of {name}; it has: {known}")
    roles = {config.target, config.key, config.group, config.time, config.sample_weight, *config.ignore, *others}
    letters = {other: mean_letters(table.column(other)) for other in table.column_names if other not in roles}
    longest = max(letters, key=lambda other: letters[other], default="")
    if not letters.get(longest):
        raise InputError(f"no column of {name} holds texts; it has: {known}; set {setting} to the one that does")
    return longest


def mean_letters(column: Any) -> float:
    """Letters in a cell on average; 0 where cells are no texts."""
    return float(pc.mean(pc.count_substring_regex(column, LETTER)).as_py() or 0) if is_text(column) else 0.0


def is_text(column: Any) -> bool:
    """Whether the cells of a column are strings."""
    return bool(pa.types.is_string(column.type))


def as_text(column: Any) -> Any:
    """A column with its cells as strings, whatever they are."""
    return column if is_text(column) else column.cast(pa.string())


def decode(config: Config, payload: bytes) -> str:
    """The text in the bytes of a file, by its byte order mark, the setting `encoding` or UTF-8.

    What is invalid becomes U+FFFD.
    """
    marks = (encoding for mark, encoding in BYTE_ORDER_MARKS.items() if payload.startswith(mark))
    return payload.decode(next(marks, config.encoding or "utf-8"), errors="replace")
