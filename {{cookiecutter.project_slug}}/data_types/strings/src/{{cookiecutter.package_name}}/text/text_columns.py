"""Finds the columns of a table that hold the texts, and decodes the bytes of text files."""

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..config import Config
from ..core.errors import InputError
from ..data.delimited import BYTE_ORDER_MARKS
from ..data.provenance import Provenance
from . import texts
from .unicode_text import BETWEEN

LETTER = r"\pL"
MANY_LETTERS = 10  # in a cell on average, from which on a column that is not read is told of


def find(
    config: Config,
    setting: str,
    name: str,
    table: pa.Table,
    others: Collection[str] = (),
    provenance: Provenance | None = None,
) -> list[str]:
    """The columns that the setting names, the one called `texts.COLUMN`, or the one with the longest texts.

    Those that have another role, and `others`, are left out of the search. The provenance gets a note if the setting is
    empty and further columns hold texts.

    Raises:
        InputError: there is none.
    """
    value, known = getattr(config, setting), ", ".join(table.column_names[:20])
    named = [each for each in ([value] if isinstance(value, str) else value) if each]
    lacking = [repr(each) for each in named if each not in table.column_names]
    if named and not lacking:
        return named
    roles = {*config.targets, config.key, config.group, config.time, config.sample_weight, *config.ignore, *others}
    letters = {other: mean_letters(table.column(other)) for other in table.column_names if other not in roles}
    found = max(letters, key=lambda other: letters[other], default="")
    present = {*named} & {*table.column_names}
    if texts.COLUMN in table.column_names and present <= {texts.COLUMN}:  # feedback has nothing but the joined texts
        found = texts.COLUMN
    elif named:
        raise InputError(f"{setting} is {', '.join(named)!r}, but {name} lacks {', '.join(lacking)}; it has: {known}")
    elif not letters.get(found):
        raise InputError(f"no column of {name} holds texts; it has: {known}; set {setting} to the one that does")
    further = [other for other, mean in letters.items() if mean >= MANY_LETTERS and other != found]
    if provenance and further:
        provenance.note(f"texts are read from {found}, not from {', '.join(further)}: set {setting} to change that")
    return [found]


def read(table: pa.Table, columns: Sequence[str]) -> Any:
    """The texts of a table, as a column of strings: the cells of several columns are joined by an empty line."""
    read = [as_text(table.column(column)) for column in columns]
    if len(read) == 1:
        return read[0]
    filled = [pc.if_else(pc.equal(cells, ""), None, cells) for cells in read]
    return pc.binary_join_element_wise(*filled, BETWEEN, null_handling="skip")


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
