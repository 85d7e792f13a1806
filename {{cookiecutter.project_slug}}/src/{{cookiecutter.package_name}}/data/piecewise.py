"""Tables that are too large for memory, row by row: what `make predict` reads and writes."""

import codecs
import contextlib
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
from . import delimited, formats
from .provenance import Provenance

ROWS = 16_384  # of a piece
SAMPLE_BYTES = 1 << 20  # by which encoding and delimiter of a text table are detected
COMPRESSED = (".gz", ".bz2", ".zst")
KINDS = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
WHOLE = dict.fromkeys((".json", ".xlsx", ".xlsm"), "whole")  # what has to be read at once
INPUTS = {**KINDS, ".txt": "csv", ".tab": "tsv", ".pq": "parquet", **WHOLE}


class Piece(NamedTuple):
    """Some rows of a table, and their numbers in the file, counted from 1 without the header, (num_rows,)."""

    table: pa.Table
    numbers: np.ndarray


def kind_of(path: Path, setting: str) -> str:
    """The format of a file by its name: csv, tsv, parquet, jsonl or, of an input, whole; texts may be compressed."""
    kinds = INPUTS if setting == "input" else KINDS
    suffix = path.with_suffix("").suffix if path.suffix in COMPRESSED else path.suffix
    if suffix not in kinds or (kinds[suffix] in ("parquet", "whole") and suffix != path.suffix):
        raise InputError(f"{setting} is {str(path)!r}; a file named {', '.join(kinds)} is needed")
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
        if kind == "parquet":
            start = 1
            for batch in pyarrow.parquet.ParquetFile(path, pre_buffer=False).iter_batches(ROWS, use_threads=False):
                yield Piece(pa.Table.from_batches([batch]), start + np.arange(batch.num_rows))
                start += batch.num_rows
        elif kind == "jsonl":
            yield from read_json_pieces(path, provenance)
        elif kind == "whole":
            table = formats.parse_any(config, path.name, path.read_bytes(), provenance)
            yield Piece(table, 1 + np.arange(table.num_rows))
        else:
            ragged: list[int] = []
            opened = partial(fsspec.open, str(path), compression="infer")
            yield from read_text_pieces(config, str(path), opened, ragged, provenance)
            provenance.drop("too few or too many cells", ragged)


def read_text_pieces(
    config: Config, name: str, opened: Callable[[], Any], ragged: list[int], provenance: Provenance
) -> Iterator[Piece]:
    """The rows of a text table, which is opened twice; to `ragged` go those with too few or too many cells."""

    def leave_out(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row.number - layout.num_lines)
        return "skip"

    with opened() as stream:
        sample = stream.read(SAMPLE_BYTES)
    whole_lines = sample[: sample.rfind(b"\n") + 1] if len(sample) == SAMPLE_BYTES else sample
    encoding = config.encoding or delimited.detect_encoding(name, whole_lines, provenance)
    text = whole_lines.decode(encoding, errors="ignore").encode()
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


def read_json_pieces(path: Path, provenance: Provenance) -> Iterator[Piece]:
    """The objects of a file of JSON lines; lines that are none are left out and noted.

    All pieces have the keys of all objects as columns, each with one type.
    """
    types: dict[str, pa.DataType] = {}
    for objects in read_objects(path, []):
        for name, cells in formats.columns_of(list(objects.values())).items():
            types[name] = common_type(types.get(name, cells.type), cells.type)
    unreadable: list[int] = []
    for objects in read_objects(path, unreadable):
        found, missing = formats.columns_of(list(objects.values())), pa.nulls(len(objects))
        columns = [as_type(found.get(name, missing), wanted) for name, wanted in types.items()]
        yield Piece(pa.Table.from_arrays(columns, list(types)), np.array(list(objects)))
    provenance.drop("no JSON object", unreadable)


def read_objects(path: Path, unreadable: list[int]) -> Iterator[dict[int, dict[str, Any]]]:
    """JSON objects by the numbers of their lines, up to ROWS at once; to `unreadable` go lines that hold none."""
    with fsspec.open(str(path), compression="infer") as stream:
        numbered = enumerate(stream, 1)
        while lines := list(itertools.islice(numbered, ROWS)):
            records = {number: parse_object(line) for number, line in lines if line.strip()}
            unreadable += [number for number, record in records.items() if record is None]
            if objects := {number: record for number, record in records.items() if record is not None}:
                yield objects


def parse_object(line: bytes) -> dict[str, Any] | None:
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


def write_pieces(path: Path, pieces: Iterator[pd.DataFrame]) -> int:
    """Writes tables with the same columns one after the other, all or nothing; returns the number of rows."""
    kind, num_rows = kind_of(path, "output"), 0
    with artifacts.replacing(path) as temporary, contextlib.ExitStack() as stack:
        writer: Any = None
        for piece in pieces:
            table = pa.Table.from_pandas(piece, preserve_index=False).replace_schema_metadata(None)
            if writer is None:
                writer = open_writer(kind, temporary, table.schema, stack)
            writer.write(table.cast(writer.schema) if hasattr(writer, "schema") else table)
            num_rows += len(piece)
        if writer is None:
            raise InputError(f"there is nothing to write to {path}: the input has no rows that can be read")
    return num_rows


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
