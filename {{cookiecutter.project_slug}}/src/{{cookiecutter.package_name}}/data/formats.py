"""From the bytes of a file, or a database, to a table whose cells are typed as far as the format has types."""

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from ..config import Config
from ..core.errors import InputError, told
from ..settings.base import without_password
from . import delimited, targets
from .provenance import Provenance

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
PARQUET, ZIP, SQLITE, OLD_EXCEL = b"PAR1", b"PK\x03\x04", b"SQLite format 3\0", b"\xd0\xcf\x11\xe0"

# Of SQL: what may hold any words, and the words of statements that change a database
QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/""", re.DOTALL)
WRITES = re.compile(
    r"\b(insert|update|delete|merge|into|drop|alter|create|truncate|grant|revoke|call|exec|execute|attach|pragma)\b",
    re.IGNORECASE,
)


def parse(config: Config, name: str, payload: bytes, provenance: Provenance) -> pa.Table:
    """Reads a table by what its first bytes, or else its name, say it is.

    Columns are int64, double, bool, string, timestamp[us] (UTC if zoned) or null.

    Raises:
        InputError: it is no table that can be read.
    """
    with told(f"{name} cannot be read", "fetch or write it again"):
        return parse_any(config, name, payload, provenance)


def parse_any(config: Config, name: str, payload: bytes, provenance: Provenance) -> pa.Table:
    """Reads a table, as `parse` does; a library may raise anything."""
    return simplify(name, read_any(config, name, payload, provenance), of_sets(config))


def read_any(config: Config, name: str, payload: bytes, provenance: Provenance) -> pa.Table:
    """Reads a table with the types that its format has."""
    start = payload[:1_000].lstrip()
    if not start and not payload.strip():
        raise InputError(f"{name} is empty; a header and one row per example are needed")
    if payload.startswith(SQLITE):
        raise InputError(f"{name} is an SQLite database; set source to sqlite:///{name} and query to a SELECT")
    if payload.startswith(OLD_EXCEL):
        raise InputError(f"{name} is an Excel workbook of before 2007; save it as .xlsx")
    if start[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise InputError(f"{name} is a web page, not a table; check that the address leads to the file itself")
    if payload.startswith(PARQUET):
        return read_parquet(name, payload)
    if payload.startswith(ZIP):
        return read_excel(config, name, payload, provenance)
    is_json = name.endswith(JSON_SUFFIXES) or (start[:1] in (b"{", b"[") and not name.endswith(TEXT_SUFFIXES))
    return (read_json if is_json else delimited.read)(config, name, payload, provenance)


def read_parquet(name: str, payload: bytes) -> pa.Table:
    """Reads a Parquet file."""
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(pa.BufferReader(payload), pre_buffer=False).read(use_threads=False)  # see open_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{name} is a damaged Parquet file ({error}); fetch or write it again") from error


def read_json(config: Config, name: str, payload: bytes, provenance: Provenance) -> pa.Table:
    """Reads JSON lines, or an array of objects; the keys are the columns."""
    text = delimited.to_utf8(config, name, payload, provenance).decode()
    if text.lstrip().startswith("["):
        try:
            records = json.loads(text)
        except (ValueError, RecursionError) as error:  # also endless numbers or nesting
            raise InputError(f"{name} is not valid JSON: {error}; fix it, or write one object per line") from error
    else:
        records = read_json_lines(config, name, text, provenance)
    for row, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise InputError(f"{name}: row {row} is {str(record)[:40]!r}; every example must be a JSON object")
    columns = columns_of(records)
    return pa.Table.from_arrays(list(columns.values()), list(columns))


def columns_of(records: Sequence[dict[str, Any]]) -> dict[str, pa.Array]:
    """The cells of JSON objects by their keys, null where an object lacks one."""
    names = dict.fromkeys(key for record in records for key in record)
    return {encodable(name): to_column([record.get(name) for record in records]) for name in names}


def read_json_lines(config: Config, name: str, text: str, provenance: Provenance) -> list[Any]:
    """The objects of the lines; unreadable ones are left out if so few are tolerated."""
    records, unreadable, example = [], [], ""
    for row, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                unreadable.append(row)
                reason = getattr(error, "msg", type(error).__name__)
                example = example or f"line {row}: {reason}; one JSON object per line is expected"
    if unreadable:
        delimited.tolerate(config, name, unreadable, len(records), example, provenance)
    return records


def read_excel(config: Config, name: str, payload: bytes, provenance: Provenance) -> pa.Table:
    """Reads the sheet that `query` names, or the first; its first row that is not blank is the header."""
    import openpyxl  # here, since it is slow to load and rarely needed
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(io.BytesIO(payload), read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError, OSError) as error:
        raise InputError(f"{name} is no Excel workbook that can be read ({error}); save it again as .xlsx") from error
    if config.query and config.query not in book.sheetnames:
        raise InputError(f"{name} has no sheet {config.query!r}; set query to one of {', '.join(book.sheetnames)}")
    sheet = book[config.query or book.sheetnames[0]]
    if len(book.sheetnames) > 1:
        provenance.note(f"{name}: sheet {sheet.title!r} is read of {', '.join(book.sheetnames)}; `query` names another")
    if (sheet.max_column or 0) > config.max_columns:
        message = f"sheet {sheet.title!r} of {name} is {sheet.max_column:,} columns wide and max_columns is"
        raise InputError(
            f"{message} {config.max_columns:,}; look for a stray cell far to the right, or raise max_columns"
        )
    rows = [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]
    if not rows:
        raise InputError(f"sheet {sheet.title!r} of {name} is empty; a header row and one row per example are needed")
    width = max(index for row in rows for index, cell in enumerate(row, 1) if cell is not None)
    header = ["" if cell is None else str(cell).strip() for cell in rows[0]] + [""] * width
    columns = [to_column([row[index] if index < len(row) else None for row in rows[1:]]) for index in range(width)]
    return pa.Table.from_arrays(columns, delimited.named(header[:width]))


def read_database(config: Config, provenance: Provenance) -> pa.Table:
    """Reads the result of `query` from the database at `source`."""
    import sqlalchemy
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    shown = without_password(config.source)
    try:
        url = sqlalchemy.make_url(config.source)
        kind = url.get_backend_name()
        check_database(config, shown, url.database if kind == "sqlite" else None)
        if kind == "sqlite" and url.database:
            url = url.set(database=f"file:{quote(url.database)}", query={"mode": "ro", "uri": "true"})
        options = {"postgresql_readonly": True} if kind == "postgresql" else {}
        with sqlalchemy.create_engine(url).connect().execution_options(**options) as connection:
            result = connection.execute(sqlalchemy.text(config.query))
            with told(f"the result of the query on {shown} cannot be read", "check `query`"):
                names, rows = [*map(str, result.keys())], result.fetchall()
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        message = f"source {shown} cannot be opened: {error}"
        raise InputError(f"{message}; check the address, and install the database's driver") from error
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise InputError(f"the query on {shown} failed: {reason}; check `query`: {config.query}") from error
    provenance.sources.append({"name": shown, "query": config.query, "rows": len(rows)})
    columns = [to_column([row[index] for row in rows]) for index in range(len(names))]
    return simplify(shown, pa.Table.from_arrays(columns, names))


def check_database(config: Config, shown: str, file: str | None) -> None:
    """Refuses a missing query, and a missing SQLite file, which connecting would create."""
    if not config.query:
        example = "SELECT * FROM birds"
        raise InputError(f"source is the database {shown} and query is empty; set it, such as {example}")
    check_query(config.query)
    if file is not None and not Path(file).exists():
        raise InputError(f"source is the SQLite database {file}, which does not exist; check the path")


def check_query(query: str) -> None:
    """Refuses a query that is not one statement that only reads."""
    words = QUOTED.sub(" ", query).strip().rstrip("; \n\t")
    changing = WRITES.search(words)
    if not words.upper().startswith(("SELECT", "WITH", "VALUES")) or ";" in words or changing:
        reason = f", without {changing[0].upper()}" if changing else ""
        raise InputError(f"query is {query[:200]!r}; one SELECT is expected{reason}: it must not change the database")


def to_column(values: Sequence[Any]) -> pa.Array:
    """Cells of one type as that type, others as text."""
    try:
        return pa.array(values)
    except UnicodeEncodeError:
        return to_column([encodable(value) for value in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return as_texts(values)


def as_texts(values: Sequence[Any]) -> pa.Array:
    """Cells as text; whole numbers without decimals, which a format or another program may have added."""
    are_whole = [isinstance(value, float) and value.is_integer() for value in values]
    texts = [int(value) if is_whole else value for value, is_whole in zip(values, are_whole, strict=True)]
    return pa.array([None if value is None else str(value) for value in texts], pa.string())


def encodable(value: Any) -> Any:
    """A value that UTF-8 can hold: of half a surrogate pair, which JSON can escape, remains a question mark."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


def of_sets(config: Config) -> str:
    """The column whose cells may be lists: the target, if it is a set of labels; else empty."""
    return config.target if targets.IS_SET else ""


def simplify(name: str, table: pa.Table, of_lists: str = "") -> pa.Table:
    """Reduces the many types of file formats to the few that the project knows; lists become JSON in one column."""
    columns = []
    for column, values in zip(table.column_names, table.columns, strict=True):
        if column == of_lists and pa.types.is_list(values.type):
            columns.append(pa.array([None if each is None else json.dumps(each) for each in values.to_pylist()]))
            continue
        simple = simple_type(values.type)
        if simple is None:
            message = f"{name}: column {column!r} holds {values.type}; one number, text or date per cell is expected"
            raise InputError(f"{message}: spread it over columns of its own or leave it out")
        columns.append(to_simple(values, simple))
    return pa.Table.from_arrays(columns, [str(column).strip() for column in table.column_names])


def check_unique(name: str, columns: Sequence[str]) -> None:
    """Refuses columns of the same name."""
    doubled = [column for column, count in Counter(columns).items() if count > 1]
    if doubled:
        raise InputError(f"{name} has several columns named {', '.join(doubled)}; rename them, so that each is unique")


def with_plain_texts(table: pa.Table) -> pa.Table:
    """A table whose texts are plain strings, however its format encodes them; other types stay."""
    columns = []
    for values in table.columns:
        plain = pc.cast(values, values.type.value_type) if pa.types.is_dictionary(values.type) else values
        columns.append(pc.cast(plain, pa.string()) if simple_type(plain.type) == pa.string() else plain)
    return pa.Table.from_arrays(columns, table.column_names)


def is_bytes(kind: pa.DataType) -> bool:
    """Whether cells are bytes."""
    types = pa.types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def to_simple(values: pa.ChunkedArray, simple: pa.DataType) -> pa.ChunkedArray:
    """A column of its simple type; durations in seconds, whole numbers beyond int64 as text, as in text tables."""
    if pa.types.is_dictionary(values.type):
        values = pc.cast(values, values.type.value_type)
    if values.type == simple:
        return values
    if pa.types.is_duration(values.type):
        return pc.divide(pc.cast(pc.cast(values, pa.duration("ns")), pa.int64()).cast(pa.float64(), safe=False), 1e9)
    if pa.types.is_float16(values.type):
        return pa.chunked_array([pa.array(values.to_numpy().astype("float64"), from_pandas=True)])
    if pa.types.is_decimal(values.type) and simple == pa.float64():  # Arrow does not round to the nearest
        numbers = [None if each is None else float(each) for each in values.to_pylist()]
        return pa.chunked_array([pa.array(numbers, simple)])
    if simple == pa.int64():
        try:
            return pc.cast(values, simple)
        except pa.ArrowInvalid:
            return pa.chunked_array([as_texts(values.to_pylist())])
    return pc.cast(values, simple, safe=False)


def simple_type(kind: pa.DataType) -> pa.DataType | None:
    """The type that stands for a type of a file format; None if there is none."""
    types = pa.types
    if types.is_dictionary(kind):
        return simple_type(kind.value_type)
    if types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    rules: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
        (types.is_integer, pa.int64()),
        (types.is_floating, pa.float64()),
        (types.is_duration, pa.float64()),
        (lambda kind: types.is_decimal(kind) and kind.scale <= 0, pa.int64()),
        (types.is_decimal, pa.float64()),
        (types.is_date, pa.timestamp("us")),
        (types.is_string, pa.string()),
        (types.is_large_string, pa.string()),
        (types.is_time, pa.string()),
        (types.is_boolean, pa.bool_()),
        (types.is_null, pa.null()),
    )
    return next((simple for fits, simple in rules if fits(kind)), None)
