"""Tables that are read and written in pieces, so that a file of any size fits in memory."""

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
from ..core.errors import InputError
from . import delimited, formats
from .provenance import Provenance

ROWS = 16_384  # of a piece
SAMPLE_BYTES = 1 << 20  # by which encoding and delimiter of a text table are detected
COMPRESSED = (".gz", ".bz2", ".zst")
KINDS = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class Piece(NamedTuple):
    """Some rows of a table, and their numbers in the file, counted from 1 without the header, (num_rows,)."""

    table: pa.Table
    numbers: np.ndarray


def kind_of(path: Path, setting: str) -> str:
    """The format of a file by its name: csv, tsv, parquet or jsonl; those of text may be compressed."""
    suffix = path.with_suffix("").suffix if path.suffix in COMPRESSED else path.suffix
    if suffix not in KINDS or (KINDS[suffix] == "parquet" and suffix != path.suffix):
        raise InputError(f"{setting} is {str(path)!r}; a file named {', '.join(KINDS)} is needed")
    return KINDS[suffix]


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
    try:
        if kind == "parquet":
            start = 1
            for batch in pyarrow.parquet.ParquetFile(path).iter_batches(ROWS):
                yield Piece(pa.Table.from_batches([batch]), start + np.arange(batch.num_rows))
                start += batch.num_rows
        elif kind == "jsonl":
            yield from read_json_pieces(path, provenance)
        else:
            ragged: list[int] = []
            opened = partial(fsspec.open, str(path), compression="infer")
            yield from read_text_pieces(config, str(path), opened, ragged, provenance)
            provenance.drop("too few or too many cells", ragged)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} cannot be read as {kind}: {error}; mend the file") from error


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
        reader = pyarrow.csv.open_csv(
            stream,
            pyarrow.csv.ReadOptions(
                column_names=layout.names,
                skip_rows=layout.num_lines,
                encoding=encoding,
                use_threads=False,
                block_size=delimited.block_size(config),
            ),
            layout.parse_options(leave_out),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(layout.names, pa.string()), strings_can_be_null=False
            ),
        )
        num_seen = 0
        for batch in reader:
            num_left_out = len(ragged)
            numbers = np.setdiff1d(np.arange(num_seen + 1, num_seen + 1 + batch.num_rows + num_left_out), ragged)
            yield Piece(pa.Table.from_batches([batch]), numbers[: batch.num_rows])
            num_seen = int(numbers[: batch.num_rows].max(initial=num_seen))


def read_json_pieces(path: Path, provenance: Provenance) -> Iterator[Piece]:
    """The objects of a file of JSON lines; lines that are none are left out and noted."""
    unreadable = []
    with fsspec.open(str(path), compression="infer") as stream:
        numbered = enumerate(stream, 1)
        while lines := list(itertools.islice(numbered, ROWS)):
            records = {number: parse_object(line) for number, line in lines if line.strip()}
            unreadable += [number for number, record in records.items() if record is None]
            objects = {number: record for number, record in records.items() if record is not None}
            if objects:
                yield Piece(pa.Table.from_pylist(list(objects.values())), np.array(list(objects)))
    provenance.drop("no JSON object", unreadable)


def parse_object(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line, if it is one."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return {name: formats.encodable(value) for name, value in record.items()} if isinstance(record, dict) else None


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
