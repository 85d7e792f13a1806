"""Reads the times of series: in UTC and without a zone, but for days, which stay days of their zone."""

import re
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from ..data import cell_formats, dates
from ..data.provenance import Provenance

YEARS = (1678, 2262)  # what pandas can hold, the last one excluded
COMPACT = {6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # by the number of digits
CENTURIES = ("19", "20")  # of times of 10 and 12 digits; others are seconds since 1970, as are those until 2030
PARTS = {9: 1, 12: 1_000, 15: 1_000_000, 18: 1_000_000_000}  # of a second, by the digits that counts have until 2001
SINCE_1970 = PARTS | {digits + 1: parts for digits, parts in PARTS.items()}  # and since then
LATE = 0.05  # months by which a rounded fraction of a year may be too small: 1949.08 is February


def are_zoned(column: pa.ChunkedArray) -> bool:
    """Whether a source writes its times with their zone."""
    if pa.types.is_timestamp(column.type):
        return column.type.tz is not None
    first = pc.drop_null(column)[:1].to_pandas()
    if len(first) and re.search(dates.ISO_ZONE, str(first[0])):
        return True
    return bool(since_1970(pd.to_numeric(first, errors="coerce")).notna().any())


def read_times(config: Config, rows: pd.DataFrame, is_zoned: bool, provenance: Provenance) -> pd.Series:
    """The times of rows as naive datetimes.

    In UTC if they are zoned, or local times of the setting `timezone`; else as they are. Days, weeks and longer steps
    of a zone, whose times all show the same hour there, stay so: in UTC their steps would not be equal.

    Raises:
        InputError: there are no such times, or there is no such zone.
    """
    values = rows[config.time]
    if types.is_numeric_dtype(values) and of_numbers(values).nunique() == values.nunique():
        values = of_numbers(values)
    elif not types.is_datetime64_any_dtype(values):
        values = read_mixed(config, values, provenance)
    if not config.timezone:
        if is_zoned:
            provenance.note(f"times of {config.time!r} are read in UTC, and forecasts are in UTC, too")
        return values
    try:
        ZoneInfo(config.timezone)  # which days do not need
        local = from_utc(values, config.timezone) if is_zoned else values
        clock = (local - local.dt.normalize()).dropna()
        are_days = bool((clock == clock.iloc[:1].squeeze()).all())
        names = rows[config.series] if config.series else None
        utc = values if is_zoned or are_days else to_utc(values, config.timezone, names)
    except Exception as error:  # zoneinfo and pandas each have their own
        message = f"times of {config.time!r} cannot be read as local times of {config.timezone!r}: {error}"
        raise InputError(f"{message}; set timezone to a name such as Europe/Berlin") from error
    provenance.note(f"times are {'days' if are_days else 'local times'} of {config.timezone}")
    return local if are_days else utc


def of_numbers(values: pd.Series) -> pd.Series:
    """Times written as numbers; missing where one is none.

    Years and the month in which their fraction is, such as 1959.25 (April) and 1959.042 (January), 195904 and 19590430,
    and whole seconds, milliseconds or smaller parts since 1970, which are in UTC.
    """
    numbers = values.astype("float64")
    months = np.floor(12 * numbers.where(numbers.between(*YEARS, inclusive="left")) + LATE)
    parts = pd.DataFrame({"year": months // 12, "month": months % 12 + 1, "day": 1})
    times = pd.to_datetime(parts, errors="coerce")
    digits = digits_of(values)
    for length, written in COMPACT.items():
        texts = digits.where(digits.str.len() == length)
        texts = texts.where(texts.str.startswith(CENTURIES)) if length in SINCE_1970 else texts
        times = times.fillna(pd.to_datetime(texts, format=written, errors="coerce"))
    return times.fillna(since_1970(values))


def since_1970(values: pd.Series) -> pd.Series:
    """Times written as seconds, milliseconds or smaller parts since 1970; missing where a number is none."""
    digits, times = digits_of(values), pd.Series(pd.NaT, values.index, dtype="datetime64[ns]")
    for length, parts in SINCE_1970.items():
        texts = digits.where(digits.str.len() == length)
        texts = texts.where(~texts.str.startswith(CENTURIES)) if length in COMPACT else texts
        seconds = texts.dropna().astype("float64") / parts  # of missing ones, pandas may raise FloatingPointError
        times = times.fillna(pd.to_datetime(seconds, unit="s", errors="coerce"))
    return times


def digits_of(values: pd.Series) -> pd.Series:
    """Whole numbers as texts, others as missing."""
    numbers = values.astype("float64")
    return numbers.where((numbers % 1 == 0) & (numbers.abs() < 2.0**63)).astype("Int64").astype("string")


def to_seconds(times: pd.Series) -> pd.Series:
    """Times to the nearest second, in which steps are counted: clocks of loggers are some milliseconds off."""
    return times.dt.round("s")


def from_utc(times: pd.Series, timezone: str) -> pd.Series:
    """Naive times in UTC as naive local times."""
    return times.dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)


def to_utc(local: pd.Series, timezone: str, series: pd.Series | None = None) -> pd.Series:
    """Naive local times as naive times in UTC.

    Of a time that a series has twice, since the clock was put back, the earlier row is summer time; a time that the
    clock skipped is that by which it was put forward.
    """
    keys = pd.DataFrame({"time": local} if series is None else {"time": local, "series": series})
    runs_backwards = len(local) > 1 and local.iloc[0] > local.iloc[-1]
    is_summer = ~keys.duplicated(keep="last" if runs_backwards else "first")
    zoned = local.dt.tz_localize(timezone, ambiguous=is_summer.to_numpy(), nonexistent="shift_forward")
    return zoned.dt.tz_convert("UTC").dt.tz_localize(None)


def read_mixed(config: Config, values: pd.Series, provenance: Provenance) -> pd.Series:
    """Times whose cells are written in several formats, each of which can mean only one thing.

    Raises:
        InputError: some are no times, or could be a day and a month as well as a month and a day.
    """
    texts = values.astype(object).where(values.notna(), None)
    looks = texts.map(lambda text: None if text is None else re.sub(r"\d", "9", re.sub(r"[A-Za-z]+", "a", str(text))))
    read = pd.Series(pd.NaT, values.index, dtype="datetime64[ns]")
    for _, group in texts.groupby(looks):
        cells = pa.array(group.astype(str))
        finding = cell_formats.look(cells)
        found = cell_formats.settle(config, config.time, finding) if finding else cell_formats.TEXT
        if found.kind != "date":
            message = f"time {config.time!r} holds cells such as {group.iloc[0]!r}, which is no time that can be read"
            advice = f"write all as 2024-01-31 or 2024-01-31T12:00:00, or as years from {YEARS[0]} on, such as 1959.25"
            raise InputError(f"{message}; {advice}")
        read[group.index] = cell_formats.read(found, cells).to_pandas().dt.tz_localize(None).to_numpy()
    provenance.note(f"{config.time}: {looks.nunique()} ways of writing times are read")
    return read
