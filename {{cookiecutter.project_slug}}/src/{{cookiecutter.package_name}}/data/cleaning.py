"""From raw cells to columns of one type each: missing values are null, numbers numbers and dates dates."""

import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from ..core.errors import InputError
from .provenance import Provenance, name_rows

MIXED_SHARE = 0.95  # a column with this share of numbers was meant to hold numbers only
EXAMPLES_SHOWN = 3
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+|inf)")

UNITS = "$€£¥₹%"
GROUP_SIGNS = r"' \x{a0}\x{202f}\x{2019}"  # between thousands, besides comma or point: quotes and blanks
WHOLE = r"^-?\d+$"
LEADING_ZERO = r"^[+-]?0\d+$"
FIRST = 100  # cells that are looked at before all
FIRST_YEAR, LAST_YEAR = 1678, 2261  # what pandas can count in nanoseconds since 1970
ISO_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
ISO_ZONE = r":.*(Z|[+-]\d{2}:?\d{2})$"
DATE_FORMATS = (  # where two fit all cells, the first is taken
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%B-%Y", "%d-%b-%y", "%d. %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y"),
)
DATE_PARTS = re.compile(
    r"(?P<date>.{6,30}?)"
    r"(?:(?P<gap>T|,? )(?P<clock>\d{1,2}:\d{2})(?P<seconds>:\d{2})?(?P<fraction>\.\d+)?(?P<half> ?[AaPp][Mm])?)?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)


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
        return column if in_range(column) else column.cast(pa.string())
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
    booleans = read_booleans(distinct)
    if booleans is not None:
        return booleans
    read = read_numbers(distinct) or read_dates(distinct)
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
    return pc.replace_substring_regex(texts, r"\.0*$", "") if matches(texts, r"^-?\d+(\.0*)?$") else texts


def check_mixed(name: str, distinct: pa.StringArray, codes: pa.ChunkedArray) -> None:
    """Refuses a column of numbers in which a few cells are none, which would make all of them categories."""
    counts = np.bincount(codes.drop_null().to_numpy(), minlength=len(distinct))
    counts[pc.is_null(distinct).to_numpy(zero_copy_only=False)] = 0
    are_numbers = is_number(distinct)
    num_numbers = counts[are_numbers].sum()
    if are_numbers.all() or num_numbers < MIXED_SHARE * counts.sum() or num_numbers == counts.sum():
        return
    others = distinct.filter(pa.array(~are_numbers & (counts > 0))).slice(0, EXAMPLES_SHOWN).to_pylist()
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


@dataclass(frozen=True)
class NumberStyle:
    """A way of writing numbers: a pattern for the cell, the signs to remove and the decimal mark."""

    pattern: str
    remove: str = ""
    decimal: str = "."


PLAIN = NumberStyle(r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:inf|infinity))$")
NUMBER_STYLES = (  # where two fit all cells, the first is taken
    PLAIN,
    NumberStyle(rf"^[+-]?([1-9]\d{{0,2}}([,{GROUP_SIGNS}]\d{{3}})+|\d+)(\.\d+)?$", rf"[,{GROUP_SIGNS}]"),
    NumberStyle(rf"^[+-]?([1-9]\d{{0,2}}([.{GROUP_SIGNS}]\d{{3}})+|\d+)(,\d+)?$", rf"[.{GROUP_SIGNS}]", ","),
)


def read_booleans(cells: pa.StringArray) -> pa.BooleanArray | None:
    """Truth values, if all cells are true or false, however capitalised."""
    lower = pc.utf8_lower(cells)
    is_truth_value = pc.is_in(lower, value_set=pa.array(["true", "false", None]))
    return pc.equal(lower, "true") if pc.all(is_truth_value).as_py() else None


def read_numbers(cells: pa.StringArray) -> tuple[pa.Array, str] | None:
    """Numbers and a remark, if all cells are numbers written in one style; whole numbers become int64.

    Digits with leading zeros are names, such as postal codes, and so are numbers too long for int64.
    """
    bare, unit, style = cells, "", PLAIN if matches(cells, PLAIN.pattern) else None
    if style is None:
        bare, unit = without_unit(cells)
        style = next((style for style in NUMBER_STYLES if matches(bare, style.pattern)), None)
    if style is None or pc.any(pc.match_substring_regex(cells, LEADING_ZERO)).as_py():
        return None
    digits = without_signs(bare, style)
    is_whole = matches(digits, WHOLE)
    try:
        numbers = digits.cast(pa.int64() if is_whole else pa.float64())
    except pa.ArrowInvalid:  # too long for int64
        return None
    if style is PLAIN and not unit:
        return numbers, ""
    return numbers, f"cells such as {cells.drop_null()[0]} are read as numbers such as {numbers.drop_null()[0]}"


def is_number(cells: pa.StringArray) -> np.ndarray:
    """Which cells are numbers in the style that most of them have, (num_cells,) bool."""
    candidates = [pc.match_substring_regex(cells, PLAIN.pattern)]
    bare, _ = without_unit(cells)
    candidates += [pc.match_substring_regex(bare, style.pattern) for style in NUMBER_STYLES]
    fits = [pc.fill_null(candidate, False).to_numpy(zero_copy_only=False) for candidate in candidates]
    return max(fits, key=np.sum)


def matches(cells: pa.StringArray, pattern: str) -> bool:
    """Whether all cells that are not missing match; the first ones, which mostly tell, are looked at before all."""
    return all(pc.all(pc.match_substring_regex(some, pattern)).as_py() for some in (cells.slice(0, FIRST), cells))


def without_unit(cells: pa.StringArray) -> tuple[pa.StringArray, str]:
    """The cells without the currency or percent sign that most have; those that lack it become empty."""
    for unit in UNITS:
        has_unit = pc.match_substring(cells, unit)
        if 2 * (pc.sum(has_unit).as_py() or 0) > len(cells):
            sign = re.escape(unit)
            bare = pc.replace_substring_regex(cells, rf"^([+-]?)\s*{sign}\s*", r"\1")
            return pc.if_else(has_unit, pc.replace_substring_regex(bare, rf"\s*{sign}$", ""), ""), unit
    return cells, ""


def without_signs(cells: pa.StringArray, style: NumberStyle) -> pa.StringArray:
    """The same numbers with a decimal point and without other signs between the digits."""
    cells = pc.replace_substring_regex(cells, style.remove, "") if style.remove else cells
    cells = pc.replace_substring(cells, style.decimal, ".") if style.decimal != "." else cells
    return pc.utf8_ltrim(cells, "+")


def read_dates(cells: pa.StringArray) -> tuple[pa.Array, str] | None:
    """Dates as timestamp[us], in UTC if zoned, and a remark, if all cells are dates written in one format."""
    if matches(cells, ISO_DATE):
        dates = read_iso_dates(cells)
        return None if dates is None or not in_range(dates) else (dates, "")
    example = cells.drop_null()[0].as_py()
    texts = cells.to_pandas()
    fitting = []
    for date_format in date_formats(example):
        is_zoned = date_format.endswith("%z")
        dates = pd.to_datetime(texts, format=date_format, errors="coerce", utc=is_zoned)
        if dates.isna().sum() == cells.null_count:
            fitting.append((date_format, dates.dt.tz_localize(None)))
    if not fitting:
        return None
    date_format, dates = fitting[0]
    remark = f"dates such as {example} are read as {date_format}"
    if len(fitting) > 1:
        remark += f", though {fitting[1][0]} fits too: write them as {dates.dropna().iloc[0].date()} to be sure"
    return pa.array(dates, from_pandas=True).cast(pa.timestamp("us"), safe=False), remark


def read_iso_dates(cells: pa.StringArray) -> pa.Array | None:
    """ISO 8601 dates; None if some are zoned and others not, or if a day does not exist."""
    unit = "ns" if pc.any(pc.match_substring_regex(cells, r"\.\d{7}")).as_py() else "us"
    is_zoned = matches(cells, ISO_ZONE)
    try:
        return cells.cast(pa.timestamp(unit, "UTC" if is_zoned else None)).cast(pa.timestamp("us"), safe=False)
    except pa.ArrowInvalid:
        return None


def in_range(dates: pa.Array | pa.ChunkedArray) -> bool:
    """Whether pandas can hold the dates on both of its major versions."""
    years = pc.min_max(pc.year(dates)).as_py()
    return years["min"] is None or bool(years["min"] >= FIRST_YEAR and years["max"] <= LAST_YEAR)


def date_formats(example: str) -> list[str]:
    """The formats, in the notation of strptime, by which a cell is a date."""
    parts = DATE_PARTS.fullmatch(example)
    if not parts or not re.search(r"\d", example):
        return []
    clock = ""
    if parts["clock"]:
        clock = parts["gap"] + ("%I:%M" if parts["half"] else "%H:%M") + (":%S" if parts["seconds"] else "")
        clock += (".%f" if parts["fraction"] else "") + (parts["half"] or "")[:-2] + ("%p" if parts["half"] else "")
    zone = parts["zone"][: -len(parts["zone"].lstrip())] + "%z" if parts["zone"] else ""
    return [date_format + clock + zone for date_format in DATE_FORMATS if is_date(parts["date"], date_format)]


def is_date(text: str, date_format: str) -> bool:
    """Whether a text is a date in a format."""
    try:
        datetime.strptime(text, date_format)  # noqa: DTZ007 - only asks whether it fits
    except ValueError:
        return False
    return True
