"""What the table of a file must be like, and how those of several files become one."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from ..config import Config
from ..core.errors import InputError

COLUMNS_SHOWN = 20  # names of columns in a message


def check(config: Config, name: str, table: pa.Table) -> None:
    """Refuses columns without a name, doubled, too many or with endless cells, and data without a header."""
    names = table.column_names
    if len(names) > config.max_columns:
        message = f"{name} has {len(names)} columns and max_columns is {config.max_columns}"
        raise InputError(f"{message}; check `delimiter`, or raise max_columns")
    if "" in names:
        number = names.index("") + 1
        message = f"column {number} of {name} has no name; give it one in the header"
        raise InputError(f"{message}, or write the table without its row numbers (pandas: index=False)")
    doubled = [column for column, count in Counter(names).items() if count > 1]
    if doubled:
        raise InputError(f"{name} has several columns named {', '.join(doubled)}; rename them, so that each is unique")
    if config.header and lacks_header(table):
        message = f"{name} seems to have no header: its first line is {', '.join(names[:COLUMNS_SHOWN])}"
        raise InputError(f"{message}; put a line with the names of the columns above it, or set header to false")
    for column, values in zip(names, table.columns, strict=True):
        longest = pc.max(pc.utf8_length(values)).as_py() if pa.types.is_string(values.type) else 0
        if longest and longest > config.max_cell:
            message = f"{name}: a cell of column {column!r} has {longest} characters and max_cell is {config.max_cell}"
            raise InputError(f"{message}; look for a quote that is never closed, or raise max_cell")


def lacks_header(table: pa.Table) -> bool:
    """Whether the header looks like an example: some names are numbers, and the others are cells of their columns."""
    numeric = [name for name in table.column_names if is_number(name)]
    others = [name for name in table.column_names if name not in numeric]
    return bool(numeric) and all(name in table.column(name).slice(0, 1_000).to_pylist() for name in others)


def is_number(text: str) -> bool:
    """Whether a text is a plain number."""
    return text.lstrip("+-").replace(".", "", 1).isdecimal()


def concatenate(tables: dict[str, pa.Table]) -> pa.Table:
    """Puts tables with the same columns below each other; columns whose types differ become text or real numbers."""
    (first, table), *others = tables.items()
    for name, other in others:
        missing = sorted(set(table.column_names) - set(other.column_names))
        new = sorted(set(other.column_names) - set(table.column_names))
        if missing or new:
            raise InputError(
                f"{name} has other columns than {first}: it lacks {missing[:COLUMNS_SHOWN]} and adds "
                f"{new[:COLUMNS_SHOWN]}; give all files the same columns, or name one file or a narrower glob as source"
            )
    aligned = [other.select(table.column_names) for other in tables.values()]
    kinds = [common_type(set(alike)) for alike in zip(*(other.schema.types for other in aligned), strict=True)]
    schema = pa.schema(list(zip(table.column_names, kinds, strict=True)))
    return pa.concat_tables([other.cast(schema) for other in aligned])


def common_type(kinds: set[pa.DataType]) -> pa.DataType:
    """A type that holds the cells of all: themselves if alike, double for numbers, else text."""
    known = {kind for kind in kinds if not pa.types.is_null(kind)} or kinds
    if len(known) == 1:
        return known.pop()
    return pa.float64() if known <= {pa.int64(), pa.float64()} else pa.string()
