"""How a text table is laid out: what is between its cells, whether quotes enclose them, and how columns are called."""

import csv
import io
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import pyarrow.csv

from ..config import Config
from ..core.errors import InputError

DELIMITERS = ",;\t|"
SAMPLE_ROWS = 100  # rows by which delimiters are compared
LONGEST_CELL = 1 << 30  # characters; Python's own limit is lower


class Layout(NamedTuple):
    """The delimiter, whether quotes enclose cells, the names of the columns, and the lines that those take."""

    delimiter: str
    is_quoted: bool
    names: list[str]
    num_lines: int

    def parse_options(self, handler: Callable[[Any], str]) -> pyarrow.csv.ParseOptions:
        """The same for pyarrow; the handler is told of rows with too few or too many cells."""
        return pyarrow.csv.ParseOptions(
            delimiter=self.delimiter,
            quote_char='"' if self.is_quoted else False,
            newlines_in_values=self.is_quoted,
            invalid_row_handler=handler,
        )


def detect(config: Config, name: str, text: bytes) -> Layout:
    """The layout of a table in UTF-8, or of the beginning of one.

    Raises:
        InputError: there is nothing in it, or its first line cannot be read.
    """
    delimiter = config.delimiter or detect_delimiter(text)
    is_quoted = has_quoted_cells(text, delimiter)
    try:
        record, num_lines = next(read_records(text, delimiter, is_quoted), ([], 0))
    except csv.Error as error:
        message = f"the first line of {name} cannot be read ({error}); look for a quote that is never closed"
        raise InputError(message) from error
    if not record:
        raise InputError(f"{name} is empty; a header line and one row per example are needed")
    if config.header:
        return Layout(delimiter, is_quoted, [cell.strip() for cell in record], num_lines)
    return Layout(delimiter, is_quoted, [str(number + 1) for number in range(len(record))], 0)


def read_records(text: bytes, delimiter: str, is_quoted: bool) -> Iterator[tuple[list[str], int]]:
    """The records of a text table that are not blank, each with the number of lines read so far."""
    csv.field_size_limit(LONGEST_CELL)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE)
    return ((record, reader.line_num) for record in reader if any(cell.strip() for cell in record))


def detect_delimiter(text: bytes) -> str:
    """The delimiter by which most rows have as many cells as the header; the one with more cells among equals."""

    def score(delimiter: str) -> tuple[float, int]:
        is_quoted = has_quoted_cells(text, delimiter)
        try:
            widths = [len(record) for record, _ in islice(read_records(text, delimiter, is_quoted), SAMPLE_ROWS)]
        except csv.Error:  # a cell without end, by this delimiter
            return 0, 0
        return (widths.count(widths[0]) / len(widths), widths[0]) if widths and widths[0] > 1 else (0, 0)

    return max(DELIMITERS, key=score)


def has_quoted_cells(text: bytes, delimiter: str) -> bool:
    """Whether quotes enclose cells; between tabs, they often are characters like others, and then stand anywhere."""
    if delimiter != "\t" or b'"' not in text:
        return True
    csv.field_size_limit(LONGEST_CELL)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    try:
        deque(csv.reader(lines, delimiter=delimiter, strict=True), maxlen=0)
    except csv.Error:  # one is closed before its cell ends, or never
        return False
    return True
