"""The ways to write dates that are recognised, and how cells are read by them."""

import contextlib
import re
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

FIRST_YEAR, LAST_YEAR = 1678, 2261  # what pandas can count in nanoseconds since 1970
FIRST_COMPACT, LAST_COMPACT = 19000101, 21001231
ISO = "ISO 8601"
ISO_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
ISO_ZONE = r":.*(Z|[+-]\d{2}:?\d{2})$"
DATE_FORMATS = (  # where %b stands for long names of months as well
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y"),
    *("%d. %m. %Y", "%d %b, %Y", "%Y-%b-%d", "%d/%b/%Y", "%Y-%m", "%m/%Y", "%b %Y", "%b-%Y"),
    *("%a, %d %b %Y", "%A, %d %b %Y", "%A, %b %d, %Y", "%Y %b", "%G-W%V"),
    *("%YQ%q", "%Y-Q%q", "%Y Q%q", "Q%q %Y", "Q%q-%Y"),  # where %q stands for the quarter
)
QUARTERS = {"Q1": "01", "Q2": "04", "Q3": "07", "Q4": "10"}  # and their first months
DATE_PARTS = re.compile(
    r"(?P<date>.{6,30}?)"
    r"(?:(?P<gap>T|,? )(?P<clock>\d{1,2}:\d{2})(?P<seconds>:\d{2})?(?P<fraction>\.\d+)?(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?)?"
)


def read(date_format: str, cells: pa.StringArray) -> pa.Array:
    """Dates as timestamp[us], in UTC if zoned; null where a cell is none in this format or beyond pandas' range."""
    if date_format == ISO:
        dates = read_iso(cells)
    else:
        cells, date_format = of_days(cells, date_format)
        texts, is_zoned = cells.to_pandas(), date_format.endswith("%z")
        found = pd.to_datetime(texts, format=date_format, errors="coerce", utc=is_zoned)
        if "%b" in date_format and found.isna().sum() > cells.null_count:
            long = date_format.replace("%b", "%B")
            found = found.fillna(pd.to_datetime(texts, format=long, errors="coerce", utc=is_zoned))
        dates = pa.array(found.dt.tz_localize(None), from_pandas=True).cast(pa.timestamp("us"), safe=False)
    years = pc.year(dates)
    is_possible = pc.and_(pc.greater_equal(years, FIRST_YEAR), pc.less_equal(years, LAST_YEAR))
    return dates if pc.all(is_possible).as_py() else pc.if_else(is_possible, dates, pa.scalar(None, dates.type))


def of_days(cells: pa.StringArray, date_format: str) -> tuple[pa.StringArray, str]:
    """Quarters as their first months and weeks as Mondays, and the format of strptime; other cells as they are."""
    if "Q%q" in date_format:
        cells = pc.if_else(pc.match_substring_regex(cells, "Q[1-4]"), cells, pa.scalar(None, pa.string()))
        for quarter, month in QUARTERS.items():
            cells = pc.replace_substring(cells, quarter, month)
        return cells, date_format.replace("Q%q", "%m")
    if date_format.endswith("%V"):
        return pc.binary_join_element_wise(cells, "1", "-"), f"{date_format}-%u"
    return cells, date_format


def read_iso(cells: pa.StringArray) -> pa.Array:
    """ISO 8601 dates; null where a cell is none, or where only some have a zone and it has none."""
    are_dates = pc.match_substring_regex(cells, ISO_DATE)
    are_zoned = pc.match_substring_regex(cells, ISO_ZONE)
    is_zoned = pc.any(are_zoned).as_py() or False
    are_read = pc.and_(are_dates, are_zoned) if is_zoned else are_dates
    if not pc.all(are_read).as_py():
        cells = pc.if_else(are_read, cells, pa.scalar(None, pa.string()))
    return cast_dates(cells, "UTC" if is_zoned else None)


def cast_dates(cells: pa.StringArray, zone: str | None) -> pa.Array:
    """Cells with the shape of dates as timestamps; null where there is no such day, which is found by halving."""
    unit = "ns" if pc.any(pc.match_substring_regex(cells, r"\.\d{7}")).as_py() else "us"
    try:
        return cells.cast(pa.timestamp(unit, zone)).cast(pa.timestamp("us"), safe=False)
    except pa.ArrowInvalid:
        if len(cells) == 1:
            return pa.nulls(1, pa.timestamp("us"))
        middle = len(cells) // 2
        return pa.concat_arrays([cast_dates(cells[:middle], zone), cast_dates(cells[middle:], zone)])


def in_range(days: pa.Array | pa.ChunkedArray) -> bool:
    """Whether pandas can hold the dates on both of its major versions."""
    return bool(pc.all(are_in_range(days), min_count=0).as_py())


def are_in_range(days: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Which dates pandas can hold, null where there is none."""
    years = pc.year(days)
    return pc.and_(pc.greater_equal(years, FIRST_YEAR), pc.less_equal(years, LAST_YEAR))


def possible(cell: str) -> list[str]:
    """The formats, ISO 8601 or in the notation of strptime, by which a cell is a date."""
    iso = [ISO] if re.match(ISO_DATE, cell) else []
    parts = DATE_PARTS.fullmatch(cell)
    if not parts or not re.search(r"\d", cell):
        return iso
    clock = ""
    if parts["clock"]:
        clock = parts["gap"] + ("%I:%M" if parts["half"] else "%H:%M") + (":%S" if parts["seconds"] else "")
        clock += (".%f" if parts["fraction"] else "") + (parts["half"] or "")[:-2] + ("%p" if parts["half"] else "")
    zone = parts["zone"][: -len(parts["zone"].lstrip())] + "%z" if parts["zone"] else ""
    return iso + [date_format + clock + zone for date_format in DATE_FORMATS if is_date(parts["date"], date_format)]


def is_date(text: str, date_format: str) -> bool:
    """Whether a text is a date in a format."""
    days, date_format = of_days(pa.array([text]), date_format)
    text = days[0].as_py() or ""
    for months in ("%b", "%B"):
        with contextlib.suppress(ValueError):
            datetime.strptime(text, date_format.replace("%b", months))  # noqa: DTZ007 - only asks whether it fits
            return True
    return False


def are_compact(numbers: pa.Array) -> bool:
    """Whether whole numbers may be dates without separators, such as 20241231."""
    if not pa.types.is_integer(numbers.type):
        return False
    bounds = pc.min_max(numbers).as_py()
    first, last = bounds["min"] or 0, bounds["max"] or 0
    if first < FIRST_COMPACT or last > LAST_COMPACT:
        return False
    texts = numbers.drop_null().cast(pa.string()).to_pandas()
    return not pd.to_datetime(texts, format="%Y%m%d", errors="coerce").hasnans
