"""Tables that are too large for memory, row by row: what `make predict` reads and writes."""

import codecs
import contextlib
import io
import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError, told
from . import dates, delimited, formats
from .provenance import Provenance

ROWS = 16_384  # of a piece
SAMPLE_BYTES = 1 << 20  # by which encoding and delimiter of a text table are detected
BEFORE_JSON = b" \t\r\n\xef\xbb\xbf\xff\xfe"  # blanks and byte order marks
COMPRESSED = (".gz", ".bz2", ".zst")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")
KINDS = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
WHOLE = {".json": "JSON", ".xlsx": "Excel", ".xlsm": "Excel"}  # what has to be read at once
INPUTS = {**KINDS, ".txt": "csv", ".tab": "tsv", ".pq": "parquet", **WHOLE}


class Piece(NamedTuple):
    """Some rows of a table, and their numbers in the file, counted from 1 without the header, (num_rows,)."""

    table: pa.Table
    numbers: np.ndarray


def kind_of(path: Path, setting: str) -> str:
    """The format of a file by its name, one of KINDS or, of an input, of INPUTS; those of text may be compressed."""
    kinds = INPUTS if setting == "input" else KINDS
    suffix = path.with_suffix("").suffix if path.suffix in COMPRESSED else path.suffix
    if suffix not in kinds or (kinds[suffix] in ("parquet", *WHOLE.values()) and suffix != path.suffix):
        is_archive = setting == "input" and path.name.lower().endswith(ARCHIVES)
        remedy = "; unpack the archive first" if is_archive else ""
        raise InputError(f"{setting} is {str(path)!r}; a file named {', '.join(kinds)} is needed{remedy}")
    return kinds[suffix]


def as_output(path: Path) -> Path:
    """The name of a table of predictions for an input of this name, which may be something else than a table."""
    try:
        kind_of(path, "output")
    except InputError:
        return path.with_name(f"{path.name}.csv")
    return path


def read_pieces(config: Config, path: Path, provenance: Provenance) -> Iterator[Piece]:
    """The rows of a table in pieces; cells of text tables are strings. Unreadable rows are noted in `provenance`."""
    if not path.is_file():
        hint = f"'{path}/*.csv' for all tables there" if path.is_dir() else "the table of examples to predict"
        raise InputError(f"input is {str(path)!r}, which is no file; give {hint}")
    kind = kind_of(path, "input")
    with told(f"{path} cannot be read as {kind}", "fix the file, or fetch or write it again"):
        for table, numbers in read_any(config, path, kind, provenance):
            yield Piece(with_names(path, table), numbers)


def read_any(config: Config, path: Path, kind: str, provenance: Provenance) -> Iterator[Piece]:
    """The rows of a table of a kind in pieces, with the names of the columns as the file has them."""
    opened = partial(fsspec.open, str(path), compression="infer")
    if kind == "parquet":
        start = 1
        for batch in pyarrow.parquet.ParquetFile(path, pre_buffer=False).iter_batches(ROWS, use_threads=False):
            yield Piece(formats.with_plain_texts(pa.Table.from_batches([batch])), start + np.arange(batch.num_rows))
            start += batch.num_rows
    elif kind in WHOLE.values() or (kind == "jsonl" and is_array(opened)):
        with opened() as stream:
            table = formats.read_any(config, str(path), stream.read(), provenance)
        if table.num_rows:
            yield Piece(table, 1 + np.arange(table.num_rows))
    elif kind == "jsonl":
        yield from read_json_pieces(config, str(path), opened, provenance)
    else:
        ragged: list[int] = []
        yield from read_text_pieces(config, str(path), opened, ragged, provenance)
        provenance.drop("too few or too many cells", ragged)


def with_names(path: Path, table: pa.Table) -> pa.Table:
    """A table with the names of its columns as collect has them, without blanks around them.

    Raises:
        InputError: several columns have the same name.
    """
    names = [name.strip() for name in table.column_names]
    formats.check_unique(str(path), names)
    return table.rename_columns(names)


def read_text_pieces(
    config: Config, name: str, opened: Callable[[], Any], ragged: list[int], provenance: Provenance
) -> Iterator[Piece]:
    """The rows of a text table, which is opened twice; to `ragged` go those with too few or too many cells."""

    def leave_out(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number - layout.num_lines)
        return "skip"

    with opened() as stream:
        sample = stream.read(SAMPLE_BYTES)
    beginning = whole_lines(sample)
    encoding = config.encoding or delimited.detect_encoding(name, beginning, provenance)
    text = beginning.decode(encoding, errors="ignore").encode()
    layout = delimited.detect(config, name, text)
    with opened() as stream:
        num_seen = 0
        # Broken characters would fail in the middle of a row
        text_stream = codecs.EncodedFile(stream, "utf-8", errors="replace") if encoding == "utf-8" else stream
        for batch in delimited.open_rows(config, text_stream, layout, leave_out, encoding):
            num_left_out = len(ragged)
            numbers = np.setdiff1d(np.arange(num_seen + 1, num_seen + 1 + batch.num_rows + num_left_out), ragged)
            yield Piece(pa.Table.from_batches([batch]), numbers[: batch.num_rows])
            num_seen = int(numbers[: batch.num_rows].max(initial=num_seen))


def is_array(opened: Callable[[], Any]) -> bool:
    """Whether a file named as JSON lines holds an array of objects instead."""
    with opened() as stream:
        sample = stream.read(SAMPLE_BYTES).replace(b"\0", b"")  # of UTF-16
    return bool(sample.lstrip(BEFORE_JSON).startswith(b"["))


def read_json_pieces(config: Config, name: str, opened: Callable[[], Any], provenance: Provenance) -> Iterator[Piece]:
    """The objects of a file of JSON lines, which is opened several times; lines that are none are left out and noted.

    All pieces have the keys of all objects as columns, each with one type.
    """
    with opened() as stream:
        sample = stream.read(SAMPLE_BYTES)
    encoding = config.encoding or (delimited.detect_encoding(name, whole_lines(sample), provenance) if sample else "")
    types: dict[str, pa.DataType] = {}
    for objects in read_objects(opened, encoding, []):
        for column, cells in formats.columns_of(list(objects.values())).items():
            types[column] = common_type(types.get(column, cells.type), cells.type)
    unreadable: list[int] = []
    for objects in read_objects(opened, encoding, unreadable):
        found, missing = formats.columns_of(list(objects.values())), pa.nulls(len(objects))
        columns = [as_type(found.get(column, missing), wanted) for column, wanted in types.items()]
        yield Piece(pa.Table.from_arrays(columns, list(types)), np.array(list(objects)))
    provenance.drop("no JSON object", unreadable)


def whole_lines(sample: bytes) -> bytes:
    """The beginning of a file without the line that it cuts off."""
    return sample[: sample.rfind(b"\n") + 1] if len(sample) == SAMPLE_BYTES else sample


def read_objects(
    opened: Callable[[], Any], encoding: str, unreadable: list[int]
) -> Iterator[dict[int, dict[str, Any]]]:
    """JSON objects by the numbers of their lines, up to ROWS at once; to `unreadable` go lines that hold none."""
    with opened() as stream:
        text = io.TextIOWrapper(stream, encoding or "utf-8", errors="replace", newline="\n")
        numbered = enumerate(text, 1)
        while lines := list(itertools.islice(numbered, ROWS)):
            records = {number: parse_object(line.lstrip("\ufeff")) for number, line in lines if line.strip()}
            unreadable += [number for number, record in records.items() if record is None]
            if objects := {number: record for number, record in records.items() if record is not None}:
                yield objects


def parse_object(line: str) -> dict[str, Any] | None:
    """The JSON object of a line, if it is one."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The type of cells of two types: numbers stay numbers, whatever else differs becomes text."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else pa.string()


def as_type(cells: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Cells as a `common_type`."""
    if pa.types.is_string(wanted) and not pa.types.is_null(cells.type):
        return formats.as_texts(cells.to_pylist())
    return cells.cast(wanted)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """A piece in pandas, where whole numbers stay whole although cells lack, and dates may lie far ahead."""
    times = [column for column in table.columns if pa.types.is_timestamp(column.type)]
    are_held = all(map(dates.in_range, times))
    return table.to_pandas(integer_object_nulls=True, timestamp_as_object=not are_held)


def write_pieces(path: Path, pieces: Iterator[pa.Table]) -> int:
    """Writes tables with the same columns one after the other, all or nothing; returns the number of rows."""
    kind, num_rows = kind_of(path, "output"), 0
    with artifacts.replacing(path) as temporary, contextlib.ExitStack() as stack:
        writer: Any = None
        for piece in pieces:
            table = as_cells(piece) if kind in ("csv", "tsv") else piece
            if writer is None:
                writer = open_writer(kind, temporary, table.schema, stack)
            writer.write(table)
            num_rows += len(piece)
        if writer is None:
            raise InputError(f"there is nothing to write to {path}: the input has no rows that can be read")
    return num_rows


def as_cells(table: pa.Table) -> pa.Table:
    """A table as text tables can hold it: durations in seconds, lists and objects as JSON."""
    return pa.table({name: as_cell_column(table[name]) for name in table.column_names})


def as_cell_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of a type that Arrow can write as text."""
    kind = column.type
    if pa.types.is_duration(kind) or pa.types.is_float16(kind):
        return formats.to_simple(column, pa.float64())
    if pa.types.is_nested(kind):
        rows = [None if value is None else artifacts.finite(value) for value in column.to_pylist()]
        texts = [None if row is None else json.dumps(row, ensure_ascii=False, default=str) for row in rows]
    elif pa.types.is_decimal(kind) or formats.is_bytes(kind):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
    else:
        return column
    return pa.chunked_array([pa.array(texts, pa.string())])


def open_writer(kind: str, path: Path, schema: pa.Schema, stack: contextlib.ExitStack) -> Any:
    """A writer of tables in a format, which the stack closes."""
    if kind == "parquet":
        return stack.enter_context(pyarrow.parquet.ParquetWriter(path, schema))
    stream = stack.enter_context(pa.output_stream(str(path), compression="detect"))  # by the end of the name
    if kind == "jsonl":
        return JsonWriter(stream)
    options = pyarrow.csv.WriteOptions(delimiter="\t" if kind == "tsv" else ",")
    return stack.enter_context(pyarrow.csv.CSVWriter(stream, schema, write_options=options))


class JsonWriter:
    """Writes tables as JSON lines."""

    def __init__(self, stream: pa.NativeFile) -> None:
        """Takes the stream to write to."""
        self.stream = stream

    def write(self, table: pa.Table) -> None:
        """Appends a line per row."""
        for record in table.to_pylist():
            line = json.dumps(artifacts.finite(record), ensure_ascii=False, default=str)
            self.stream.write(f"{line}\n".encode())
