"""Reads text cells as truth values, numbers or dates, if all cells of a column agree on how they are written."""

import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

UNITS = "$€£¥₹%"
GROUP_SIGNS = r"' \x{a0}\x{202f}\x{2019}"  # between thousands, besides comma or point: quotes and blanks
WHOLE = r"^-?\d+$"
LEADING_ZERO = r"^[+-]?0\d+$"
FIRST = 100  # cells that are looked at before all
FIRST_YEAR, LAST_YEAR = 1678, 2261  # what pandas can count in nanoseconds since 1970


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
