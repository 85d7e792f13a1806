"""From raw cells to columns of one type each: missing values are null, numbers numbers and dates dates."""

import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from ..core.errors import InputError
from . import cells
from .provenance import Provenance, name_rows

MIXED_SHARE = 0.95  # a column with this share of numbers was meant to hold numbers only
EXAMPLES_SHOWN = 3
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+|inf)")


def clean(
    table: pa.Table,
    provenance: Provenance,
    missing_markers: Sequence[str],
    as_text: Collection[str] = (),
    unchecked: Collection[str] = (),
) -> pd.DataFrame:
    """Types every column as int64, float64, bool, datetime64 or string; nullable (Int64, boolean) where cells lack.

    Args:
        table: what `sources.read_table` gives.
        provenance: takes notes of what was decided, and is attached to the result as `attrs`.
        missing_markers: cells that stand for a missing value.
        as_text: columns whose cells stay text, even if all are numbers.
        unchecked: columns in which numbers may be mixed with words, since nobody uses them.

    Raises:
        InputError: a column is nearly all numbers, or holds an infinite one.
    """
    names, columns = table.column_names, {}

    def clean_one(name: str) -> tuple[pa.ChunkedArray, Provenance]:
        own = Provenance()
        column = clean_column(name, table.column(name), own, missing_markers, name in as_text, name in unchecked)
        check_finite(name, column)
        return column, own

    with ThreadPoolExecutor(pa.cpu_count()) as threads:  # Arrow computes without holding up other threads
        cleaned = tqdm(threads.map(clean_one, names), "cleaning columns", len(names), delay=1, disable=None)
        for name, (column, own) in zip(names, cleaned, strict=True):
            columns[name] = column
            provenance.add(own, "")
    examples = to_pandas(columns)
    examples.attrs = vars(provenance)
    return examples


def clean_column(
    name: str,
    column: pa.ChunkedArray,
    provenance: Provenance,
    missing_markers: Sequence[str],
    as_text: bool,
    unchecked: bool,
) -> pa.ChunkedArray:
    """One column with its type."""
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not pa.types.is_string(column.type):
        column = clean_typed(column, missing_markers)
        if as_text:
            return to_text(column)
        if not pa.types.is_timestamp(column.type):
            return column
        column = column.cast(pa.timestamp("us"))
        return column if cells.in_range(column) else column.cast(pa.string())
    if not len(column):
        return column
    encoded = column.dictionary_encode()  # each distinct cell is then read only once
    distinct = pc.utf8_trim_whitespace(encoded.chunk(0).dictionary)
    is_missing = pc.is_in(distinct, value_set=pa.array(missing_markers, pa.string()))
    distinct = pc.if_else(is_missing, pa.scalar(None, pa.string()), distinct)
    codes = pa.chunked_array([chunk.indices for chunk in encoded.chunks])
    if as_text:
        return pc.take(without_decimals(distinct), codes)
    values = read_cells(name, distinct, provenance)
    if not unchecked and pa.types.is_string(values.type):
        check_mixed(name, distinct, codes)
    return pc.take(clean_typed(values, missing_markers), codes)


def read_cells(name: str, distinct: pa.StringArray, provenance: Provenance) -> pa.Array:
    """Distinct text cells as truth values, numbers or dates; unchanged if they are none."""
    if distinct.null_count == len(distinct):
        return distinct
    booleans = cells.read_booleans(distinct)
    if booleans is not None:
        return booleans
    read = cells.read_numbers(distinct) or cells.read_dates(distinct)
    if read is None:
        return distinct
    values, remark = read
    if remark:
        provenance.note(f"{name}: {remark}")
    return values


def clean_typed(column: pa.Array | pa.ChunkedArray, missing_markers: Sequence[str]) -> pa.Array | pa.ChunkedArray:
    """Makes NaN and those markers null that are numbers, such as -999."""
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return column
    missing = [float(marker) for marker in missing_markers if NUMBER.fullmatch(marker)]
    if pa.types.is_integer(column.type):
        missing = [marker for marker in missing if marker.is_integer()]
    is_missing = pc.is_in(column, value_set=pa.array(missing, column.type))
    if pa.types.is_floating(column.type):
        is_missing = pc.or_(is_missing, pc.fill_null(pc.is_nan(column), True))
    return pc.if_else(is_missing, pa.scalar(None, column.type), column)


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Typed cells as text; whole numbers without decimals."""
    return pa.chunked_array([without_decimals(chunk.cast(pa.string())) for chunk in column.chunks], pa.string())


def without_decimals(texts: pa.StringArray) -> pa.StringArray:
    """Turns 3.0 into 3 if all cells are whole numbers: a missing value elsewhere must not change a category's name."""
    return pc.replace_substring_regex(texts, r"\.0*$", "") if cells.matches(texts, r"^-?\d+(\.0*)?$") else texts


def check_mixed(name: str, distinct: pa.StringArray, codes: pa.ChunkedArray) -> None:
    """Refuses a column of numbers in which a few cells are none, which would make all of them categories."""
    counts = np.bincount(codes.drop_null().to_numpy(), minlength=len(distinct))
    counts[pc.is_null(distinct).to_numpy(zero_copy_only=False)] = 0
    is_number = cells.is_number(distinct)
    num_numbers = counts[is_number].sum()
    if is_number.all() or num_numbers < MIXED_SHARE * counts.sum() or num_numbers == counts.sum():
        return
    others = distinct.filter(pa.array(~is_number & (counts > 0))).slice(0, EXAMPLES_SHOWN).to_pylist()
    raise InputError(
        f"column {name!r} mixes {num_numbers} numbers with {counts.sum() - num_numbers} other cells, such as "
        f"{', '.join(map(repr, others))}; add these to missing_markers if they stand for no value, "
        f"else mend them, or add {name} to categorical if its numbers are names"
    )


def check_finite(name: str, column: pa.Array | pa.ChunkedArray) -> None:
    """Refuses infinite numbers, which no network learns from."""
    if pa.types.is_floating(column.type):
        rows = [int(row) for row in np.flatnonzero(np.isinf(column.to_numpy())) + 1]
        if rows:
            raise InputError(
                f"column {name!r} holds infinite numbers in {name_rows(rows)}; mend them, or add inf and -inf to "
                f"missing_markers if they stand for no value"
            )


def to_pandas(columns: dict[str, pa.Array | pa.ChunkedArray]) -> pd.DataFrame:
    """A pandas table; whole numbers and truth values with missing cells become nullable instead of real numbers."""
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    lacking = [name for name, column in columns.items() if column.null_count and column.type in nullable]
    table = pa.table(columns)
    if not lacking:
        return table.to_pandas()
    with_missing = table.select(lacking).to_pandas(types_mapper=nullable.get)
    return pd.concat([table.drop(lacking).to_pandas(), with_missing], axis=1)[table.column_names]
