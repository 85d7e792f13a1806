"""Text tables: finds out their encoding and delimiter and reads every cell as text."""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv

from ..config import Config
from ..core.errors import InputError
from .provenance import Provenance, name_rows, share_needed

SAMPLE_LINES = 100  # lines by which an encoding is guessed
SAMPLE_BYTES = 1 << 16  # enough text to recognise UTF-16 or a blank file
LATIN_ENCODINGS = ["cp1252", "cp1250", "cp1254", "cp1257"]
OTHER_ENCODINGS = ["cp1251", "cp1253", "cp1255", "cp1256", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949"]
MAX_MESS = 0.3  # share of unlikely letters, by charset-normalizer, above which a guess is no guess
MIN_INTACT = 10  # characters beyond ASCII for each broken one, or the text is taken not to be UTF-8
MAX_ZEROS = 0.01  # share of zero bytes above which UTF-8 is not meant; a few stray ones are characters like others
BLOCK_BYTES = 1 << 22  # read at once; a row must fit in
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

DELIMITERS = ",;\t|"
SAMPLE_ROWS = 100  # rows by which delimiters are compared
LONGEST_LINE = 100_000_000  # bytes of the first one
LONGEST_CELL = 1 << 30  # characters; Python's own limit is lower
ROW = "row"  # the column of row numbers, or names, which pandas and R write without a name


def read(config: Config, name: str, payload: bytes, provenance: Provenance) -> pa.Table:
    """Reads a text table, with or, by the setting, without a header; all columns are strings, empty cells included.

    Raises:
        InputError: the encoding, the header or too many rows cannot be read.
    """
    text = to_utf8(config, name, payload, provenance)
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    layout = detect(config, name, text)
    body = memoryview(text)[end_of_line(text, layout.num_lines) :]
    if not bytes(body[:SAMPLE_BYTES]).strip():
        return pa.table({column: pa.array([], pa.string()) for column in dict.fromkeys(layout.names)})
    table = read_rows(config, name, body, layout, provenance)
    if layout.is_quoted:
        check_quotes(name, text, table)
    return table


def to_utf8(config: Config, name: str, payload: bytes, provenance: Provenance) -> bytes:
    """The same text in UTF-8, without a byte order mark."""
    encoding = config.encoding or detect_encoding(name, payload, provenance)
    if not config.encoding and encoding == "utf-8" and not is_utf8(payload):
        return payload.decode(errors="replace").encode()  # detecting has noted it
    try:
        text = payload.decode(encoding)  # also proves that it is valid
    except LookupError as error:
        message = f"encoding is {encoding!r}, which Python does not know; try utf-8, cp1252 or utf-16"
        raise InputError(message) from error
    except UnicodeError as error:
        message = f"{name} is not written in {encoding}: {error}; set `encoding` to the one it was saved in"
        raise InputError(message) from error
    return payload if encoding == "utf-8" else text.encode()


def detect_encoding(name: str, payload: bytes, provenance: Provenance) -> str:
    """The text encoding, by its byte order mark, by being valid UTF-8, or else by how likely the letters are."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if payload.startswith(mark):
            return encoding
    sample = payload[:SAMPLE_BYTES]
    if sample.count(0) > MAX_ZEROS * len(sample) or (b"\0" in sample and not is_utf8(payload)):
        return detect_utf16(name, sample)
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        num_broken = count_broken(payload)
        if num_broken:
            provenance.note(f"{name} is UTF-8 with {num_broken:,} broken characters, which were replaced by U+FFFD")
            return "utf-8"
        encoding = guess_encoding(payload)
        if not encoding:
            line = payload.count(b"\n", 0, error.start) + 1
            message = f"{name} is in no known encoding: byte {payload[error.start]:#x} in line {line} is not UTF-8"
            raise InputError(f"{message}; set `encoding`, such as cp1252, or save it as UTF-8") from error
        provenance.note(f"{name} is read as {encoding}, a guess; set `encoding` if letters look wrong")
        return encoding
    return "utf-8"


def is_utf8(payload: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def count_broken(payload: bytes) -> int:
    """How many characters are broken in what is UTF-8 otherwise; 0 if it is not: most that are not ASCII are broken."""
    num_broken = payload.decode(errors="replace").count("\ufffd") - payload.count("\ufffd".encode())
    num_beyond_ascii = sum(payload.count(bytes([lead])) for lead in range(0xC2, 0xF5))
    return num_broken if num_beyond_ascii >= MIN_INTACT * num_broken else 0


def detect_utf16(name: str, sample: bytes) -> str:
    """The byte order of UTF-16 without a mark: in most scripts every other byte is zero."""
    high_first, low_first = sample[::2].count(0), sample[1::2].count(0)
    if max(high_first, low_first) < len(sample) / 5 or min(high_first, low_first) > len(sample) / 50:
        message = f"{name} holds zero bytes, so it is no text; a table as CSV, JSON lines, Parquet or Excel is needed"
        raise InputError(message)
    return "utf-16-le" if low_first > high_first else "utf-16-be"


def guess_encoding(payload: bytes) -> str:
    """The likeliest encoding of text that is not UTF-8; empty if none is likely."""
    import charset_normalizer  # here, since hardly any table needs it

    telling = b"\n".join([line for line in payload.splitlines() if not line.isascii()][:SAMPLE_LINES])
    is_latin = not re.search(rb"[\x80-\xff]{2}", telling)  # accented letters mostly stand alone
    candidates = LATIN_ENCODINGS if is_latin else LATIN_ENCODINGS + OTHER_ENCODINGS
    guesses = charset_normalizer.from_bytes(telling, threshold=MAX_MESS, cp_isolation=candidates)
    fits_common = [("cp1252" in guess.could_be_from_charset, guess) for guess in guesses]
    is_common, best = max(fits_common, key=lambda pair: (pair[1].coherence, pair[0]), default=(is_latin, None))
    return "cp1252" if is_common else best.encoding if best else ""


def end_of_line(text: bytes, num_lines: int) -> int:
    """Where the first lines end."""
    position = 0
    for _ in range(num_lines):
        position = text.find(b"\n", position) + 1 or len(text)
    return position


def read_rows(config: Config, name: str, body: memoryview, layout: "Layout", provenance: Provenance) -> pa.Table:
    """Reads the rows below the header; those with too few or too many cells are left out if so few are tolerated."""
    ragged: list[pyarrow.csv.InvalidRow] = []

    def set_aside(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = open_rows(config, pa.BufferReader(body), layout._replace(num_lines=0), set_aside).read_all()
    except pa.ArrowInvalid as error:
        reason = "a row is too long: look for a quote that is never closed" if "straddl" in str(error) else str(error)
        raise InputError(f"{name} cannot be read as a table: {reason}") from error
    if ragged:
        first = ragged[0]
        beginning = "header" if config.header else "first line"
        example = f"row {first.number} has {first.actual_columns} cells and the {beginning} {first.expected_columns}"
        if len(ragged) > table.num_rows and first.actual_columns > first.expected_columns:
            example += f"; if {layout.names[0]!r} is a title, remove all above the header"
        tolerate(config, name, [row.number for row in ragged], table.num_rows, example, provenance)
    return table


def open_rows(
    config: Config, stream: Any, layout: "Layout", handler: Callable[[Any], str], encoding: str = "utf-8"
) -> pyarrow.csv.CSVStreamingReader:
    """A reader of the rows below the header, as strings; the handler is told of rows with too few or too many cells."""
    return pyarrow.csv.open_csv(
        stream,
        pyarrow.csv.ReadOptions(
            column_names=layout.names,
            skip_rows=layout.num_lines,
            encoding=encoding,
            use_threads=False,  # only a single thread can tell the numbers of rows, and pyarrow 10 may abort at exit
            block_size=min(max(BLOCK_BYTES, 4 * config.max_cell), 1 << 30),  # at once, so that any row fits in
        ),
        pyarrow.csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char='"' if layout.is_quoted else False,
            newlines_in_values=layout.is_quoted,
            invalid_row_handler=handler,
        ),
        pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(layout.names, pa.string()), strings_can_be_null=False),
    )


def tolerate(config: Config, name: str, rows: list[int], num_good: int, example: str, provenance: Provenance) -> None:
    """Records unreadable rows, or refuses the file if they are more than `max_bad_share`."""
    share = len(rows) / (len(rows) + num_good)
    if share > config.max_bad_share:
        raise InputError(
            f"{name}: {name_rows(rows)} cannot be read ({example}); that is {share:.2%} of the rows and "
            f"max_bad_share is {config.max_bad_share:.2%}: fix them, or leave them out by max_bad_share "
            f"{share_needed(len(rows), len(rows) + num_good)}"
        )
    provenance.drop(f"unreadable in {name}", rows)


def check_quotes(name: str, text: bytes, table: pa.Table) -> None:
    """Refuses a file whose last cell swallowed the lines to the end of the file, since its quote is never closed."""
    if text.count(b'"') % 2 and table.num_rows and "\n" in str(table.column(-1)[-1]):
        row = table.num_rows
        raise InputError(f"{name}: row {row} opens a quote that is never closed; close it, or double the quote")


class Layout(NamedTuple):
    """The delimiter, whether quotes enclose cells, the names of the columns, and the lines that those take."""

    delimiter: str
    is_quoted: bool
    names: list[str]
    num_lines: int


def detect(config: Config, name: str, text: bytes) -> Layout:
    """The layout of a table in UTF-8, or of the beginning of one.

    Raises:
        InputError: there is nothing in it, or its first line cannot be read.
    """
    if len(text) > LONGEST_LINE and b"\n" not in text[:LONGEST_LINE]:
        raise InputError(f"the first line of {name} has more than {LONGEST_LINE:,} bytes, so it is no table; check it")
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
        return Layout(delimiter, is_quoted, named([cell.strip() for cell in record]), num_lines)
    return Layout(delimiter, is_quoted, [str(number + 1) for number in range(len(record))], 0)


def named(header: list[str]) -> list[str]:
    """The names of the columns; the first one is ROW if no other lacks a name."""
    lacks_first = not header[0] and len(header) > 1 and all(header[1:]) and ROW not in header
    return [ROW, *header[1:]] if lacks_first else header


def read_records(text: bytes, delimiter: str, is_quoted: bool) -> Iterator[tuple[list[str], int]]:
    """The records of a text table that are not blank, each with the number of lines read so far."""
    csv.field_size_limit(LONGEST_CELL)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE)
    return ((record, reader.line_num) for record in reader if any(cell.strip() for cell in record))


def detect_delimiter(text: bytes) -> str:
    """The delimiter by which most rows have as many cells as the header; the one with more cells among equals.

    `csv.Sniffer` is misled by quotes inside of cells and by single rows with too few cells.
    """

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
