"""How the cells of each column are written: found once by collect, kept in a file that people review and correct."""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError

UNITS = "$€£¥₹%"
THOUSANDS = {"": "", ",": ",", ".": r"\.", " ": r"[ \x{a0}\x{202f}]", "'": r"['\x{2019}]"}  # and their lookalikes
WHOLE = r"^[+-]?\d+$"
LEADING_ZERO = r"^[+-]?0\d+$"
FIRST = 100  # cells that are looked at before all
FIRST_YEAR, LAST_YEAR = 1678, 2261  # what pandas can count in nanoseconds since 1970
ISO = "ISO 8601"
ISO_DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
ISO_ZONE = r":.*(Z|[+-]\d{2}:?\d{2})$"
DATE_FORMATS = (  # where %b stands for long names of months as well
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y"),
    *("%a, %d %b %Y", "%A, %d %b %Y", "%A, %b %d, %Y"),
)
DATE_PARTS = re.compile(
    r"(?P<date>.{6,30}?)"
    r"(?:(?P<gap>T|,? )(?P<clock>\d{1,2}:\d{2})(?P<seconds>:\d{2})?(?P<fraction>\.\d+)?(?P<half> ?[AaPp][Mm])?)?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)


class AmbiguousError(InputError):
    """The cells of a column can be read in two ways."""


class CellFormat(BaseModel):
    """How the cells of a column are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["number", "date", "truth value", "text"]
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    unit: str = ""
    """A sign before or behind every number, such as €."""
    format: str = ISO
    """Of dates: as strptime writes it, or ISO 8601."""
    true: str = "true"
    false: str = "false"
    missing: tuple[str, ...] | None = None
    """Cells that stand for a missing value; None: those of the setting `missing_markers`."""
    spellings: tuple[str, ...] = ()
    """Categories, to which cells belong that differ from them only in case or blanks."""


FIELDS = {"number": ("decimal", "thousands", "unit"), "date": ("format",), "truth value": ("true", "false"), "text": ()}
OPTIONAL = ("missing", "spellings")
TEXT = CellFormat(kind="text")
NUMBERS = tuple(
    CellFormat(kind="number", decimal=decimal, thousands=thousands)
    for thousands in ("", ",", ".", " ", "'")
    for decimal in (".", ",")
    if decimal != thousands
)


def load(config: Config) -> dict[str, CellFormat]:
    """The formats by column; empty if collect has not written the file yet.

    Raises:
        InputError: the file cannot be read.
    """
    path = config.cell_formats
    if not path.exists():
        return {}
    try:
        return TypeAdapter(dict[str, CellFormat]).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = " ".join(map(str, first["loc"]))
        message = f"{path}: {place}{': ' if place else ''}{first['msg']}"
        raise InputError(f"{message}; fix it, or delete the file and run `make collect` to find it anew") from error


def save(config: Config, formats: Mapping[str, CellFormat]) -> bool:
    """Writes the formats, a line per column; returns whether that changed the file."""
    entries = []
    for name, found in formats.items():
        shown = found.model_dump(include={"kind", *FIELDS[found.kind]})
        shown |= found.model_dump(include=set(OPTIONAL), exclude_defaults=True)
        entries.append(f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(shown, ensure_ascii=False)}")
    if not entries or formats == load(config):
        return False
    artifacts.write_text(config.cell_formats, "{\n" + ",\n".join(entries) + "\n}\n")
    return True


def with_found(config: Config, formats: Mapping[str, "CellFormat | Finding"]) -> Config:
    """Settings by which further cells are read as those before them, whose formats may not be in the file yet."""
    return config.model_copy(update={"found_formats": {**config.found_formats, **formats}})


@dataclass(frozen=True)
class Finding:
    """The formats in which all cells seen so far can be read, and a cell by which they can be told apart."""

    candidates: tuple[CellFormat, ...]
    example: str = ""


def of_type(kind: pa.DataType) -> CellFormat:
    """The format by which later cells are read, where a file format has types of its own."""
    if pa.types.is_boolean(kind):
        return CellFormat(kind="truth value")
    if pa.types.is_timestamp(kind):
        return CellFormat(kind="date")
    return TEXT if pa.types.is_string(kind) or pa.types.is_null(kind) else NUMBERS[0]


def look(cells: pa.StringArray, before: Finding | None = None) -> Finding | None:
    """In which formats distinct cells can be read, and those before them; None if all are missing."""
    present = cells.drop_null()
    if not len(present):
        return before
    candidates = possible(present[0].as_py()) if before is None else before.candidates
    fitting: list[CellFormat] = []
    for candidate in candidates:
        ungrouped = candidate.model_copy(update={"thousands": ""})  # what fits it fits its other forms, too
        if (candidate.thousands and ungrouped in fitting) or fits(candidate, present):
            fitting.append(candidate)
        if fitting and fitting[-1].kind == "date" and fitting[-1].format == ISO:
            break  # it can mean only one thing
    if fitting and fitting[0].kind == "number" and are_names(present):
        fitting = []
    example = before.example if before else present[0].as_py()
    if len(fitting) > 1 and not re.search("[.,]", example):
        marked = present.filter(pc.match_substring_regex(present, "[.,]"))
        example = marked[0].as_py() if len(marked) else example
    return Finding(tuple(fitting), example)


def possible(cell: str) -> list[CellFormat]:
    """The formats that a column with such a cell may have."""
    units = ["", *(unit for unit in UNITS if unit in cell)]
    numbers = [number.model_copy(update={"unit": unit}) for unit in units for number in NUMBERS]
    dates = [CellFormat(kind="date", format=date_format) for date_format in date_formats(cell)]
    return [CellFormat(kind="truth value"), *numbers, *dates]


def fits(candidate: CellFormat, present: pa.StringArray) -> bool:
    """Whether all cells can be read in a format; the first ones, which mostly tell, are looked at before all."""
    for cells in (present.slice(0, FIRST), present):
        if candidate.kind == "number":
            if not pc.all(are_numbers(candidate, cells)).as_py():
                return False
        elif candidate.kind == "date":
            if read_dates(candidate.format, cells).null_count:
                return False
        elif read_truth_values(candidate, cells).null_count:
            return False
    return True


def settle(config: Config, name: str, finding: Finding) -> CellFormat:
    """The format of a column.

    Raises:
        AmbiguousError: its cells can be read in two ways, and no setting says in which.
    """
    candidates, cell = finding.candidates, pa.array([finding.example])
    if len(candidates) < 2:
        return candidates[0] if candidates else TEXT
    if candidates[0].kind == "number":
        ways = list(dict.fromkeys(read_numbers(candidate, cell)[0].as_py() for candidate in candidates))
        chosen = [candidate for candidate in candidates if candidate.decimal == config.decimal]
        setting = "decimal to '.' or ','"
    else:
        ways = [read(candidate, cell)[0].as_py().date() for candidate in candidates]
        chosen = [found for found in candidates if day_comes_first(found.format) == config.day_first]
        setting = "day_first to true or false"
    if len(ways) == 1:
        return candidates[0]
    if not chosen:
        shown = " or ".join(str(way).removesuffix(".0") for way in ways)
        message = f"column {name!r}: {finding.example!r} can be read in two ways, as {shown}, and no cell tells which"
        raise AmbiguousError(f"{message}; set {setting}, or write the column's format into {config.cell_formats}")
    return chosen[0]


def as_others(config: Config, formats: Iterable[CellFormat]) -> Config:
    """Settings by which an ambiguous column is read as the unambiguous ones of its table are written, if they agree."""
    formats = list(formats)
    decimals = {found.decimal for found in formats if found.kind == "number"}
    orders = {day_comes_first(found.format) for found in formats if re.match("%[dm].%[md].%[Yy]", found.format)}
    agreed: dict[str, Any] = {}
    if len(decimals) == 1 and not config.decimal:
        agreed["decimal"] = decimals.pop()
    if len(orders) == 1 and config.day_first is None:
        agreed["day_first"] = orders.pop()
    return config.model_copy(update=agreed)


def day_comes_first(date_format: str) -> bool:
    """Whether a format has the day before the month."""
    return date_format.find("%d") < date_format.find("%m")


def read(found: CellFormat, cells: pa.StringArray) -> pa.Array:
    """Cells as int64, float64, bool, timestamp[us] (UTC if zoned) or string; null where they are not of the format."""
    if found.kind == "number":
        return read_numbers(found, cells)
    if found.kind == "date":
        dates = read_dates(found.format, cells)
        if dates.null_count > cells.null_count and found.format != ISO:  # ISO 8601 can mean only one thing
            dates = pc.coalesce(dates, read_dates(ISO, cells))
        return dates
    return read_truth_values(found, cells) if found.kind == "truth value" else cells


def are_read_otherwise(found: CellFormat, cells: pa.StringArray) -> np.ndarray:
    """Which cells mean something else in the one format that fits all of them, (num_cells,) bool; none if none does."""
    finding = look(cells)
    if finding is None or not finding.candidates or finding.candidates[0].kind != found.kind:
        return np.zeros(len(cells), bool)
    differ = pc.not_equal(read(found, cells), read(finding.candidates[0], cells))
    flags: np.ndarray = pc.fill_null(differ, False).to_numpy(zero_copy_only=False)
    return flags


def example(found: CellFormat) -> str:
    """What a cell of a format looks like."""
    if found.kind == "number":
        number = f"a number written like 1{found.thousands}234{found.decimal}5"
        return f"{number} {found.unit}" if found.unit else number
    if found.kind == "date":
        day = datetime(2024, 12, 31)  # noqa: DTZ001 (only its digits are shown)
        return f"a date written like {day.isoformat() if found.format == ISO else day.strftime(found.format)}"
    return f"{found.true} or {found.false}" if found.kind == "truth value" else "a text"


def read_truth_values(found: CellFormat, cells: pa.StringArray) -> pa.BooleanArray:
    """Truth values, however capitalised."""
    lower, true, false = pc.utf8_lower(cells), found.true.lower(), found.false.lower()
    return pc.if_else(pc.is_in(lower, value_set=pa.array([true, false])), pc.equal(lower, true), None)


def are_numbers(found: CellFormat, cells: pa.StringArray) -> pa.BooleanArray:
    """Which cells are numbers in a format."""
    mark = re.escape(found.decimal)
    grouped = rf"[1-9]\d{{0,2}}({THOUSANDS[found.thousands]}\d{{3}})+|" if found.thousands else ""
    digits = rf"({grouped}\d+)({mark}\d*)?|{mark}\d+"
    pattern = rf"^[+-]?(({digits})([eE][+-]?\d+)?|(?i:inf|infinity))$"
    return pc.match_substring_regex(without_unit(found.unit, cells), pattern)


def are_names(cells: pa.StringArray) -> bool:
    """Whether digits are names: some have leading zeros, such as postal codes, or are too long for a number."""
    if pc.any(pc.match_substring_regex(cells, LEADING_ZERO)).as_py():
        return True
    is_long = pc.greater_equal(pc.utf8_length(cells), len(str(2**63)))
    long = cells.filter(is_long) if pc.any(is_long).as_py() else cells[:0]
    if not len(long) or not pc.all(pc.match_substring_regex(cells, WHOLE)).as_py():
        return False
    return pa.types.is_floating(cast_numbers(pc.utf8_ltrim(long, "+")).type)


def read_numbers(found: CellFormat, cells: pa.StringArray) -> pa.Array:
    """Numbers, as int64 if all are whole; null where a cell is none in this format."""
    are_read = are_numbers(found, cells)
    digits = without_unit(found.unit, cells)
    if found.thousands:
        digits = pc.replace_substring_regex(digits, THOUSANDS[found.thousands], "")
    if found.decimal == ",":
        digits = pc.replace_substring(digits, ",", ".")
    digits = pc.utf8_ltrim(digits, "+")
    if not pc.all(are_read).as_py():
        digits = pc.if_else(are_read, digits, pa.scalar(None, pa.string()))
    return cast_numbers(digits)


def cast_numbers(digits: pa.StringArray) -> pa.Array:
    """Numbers as int64 if that can hold all of them, else as float64."""
    try:
        return digits.cast(pa.int64())
    except pa.ArrowInvalid:
        return digits.cast(pa.float64())


def which_are_numbers(cells: pa.StringArray, counts: np.ndarray) -> np.ndarray:
    """Which distinct cells are numbers in the format that most cells have, (num_cells,) bool."""
    units = ["", *(unit for unit in UNITS if pc.any(pc.match_substring(cells, unit)).as_py())]
    candidates = [number.model_copy(update={"unit": unit}) for unit in units for number in NUMBERS]
    found = [pc.fill_null(are_numbers(candidate, cells), False) for candidate in candidates]
    return max((flags.to_numpy(zero_copy_only=False) for flags in found), key=lambda flags: counts[flags].sum())


def without_unit(unit: str, cells: pa.StringArray) -> pa.StringArray:
    """The cells without their currency or percent sign; those that lack it become empty."""
    if not unit:
        return cells
    sign = re.escape(unit)
    bare = pc.replace_substring_regex(cells, rf"^([+-]?)\s*{sign}\s*", r"\1")
    bare = pc.replace_substring_regex(bare, rf"\s*{sign}$", "")
    return pc.if_else(pc.match_substring(cells, unit), bare, "")


def read_dates(date_format: str, cells: pa.StringArray) -> pa.Array:
    """Dates as timestamp[us], in UTC if zoned; null where a cell is none in this format or beyond pandas' range."""
    if date_format == ISO:
        dates = read_iso_dates(cells)
    else:
        texts, is_zoned = cells.to_pandas(), date_format.endswith("%z")
        found = pd.to_datetime(texts, format=date_format, errors="coerce", utc=is_zoned)
        if "%b" in date_format and found.isna().sum() > cells.null_count:
            long = date_format.replace("%b", "%B")
            found = found.fillna(pd.to_datetime(texts, format=long, errors="coerce", utc=is_zoned))
        dates = pa.array(found.dt.tz_localize(None), from_pandas=True).cast(pa.timestamp("us"), safe=False)
    years = pc.year(dates)
    is_possible = pc.and_(pc.greater_equal(years, FIRST_YEAR), pc.less_equal(years, LAST_YEAR))
    return dates if pc.all(is_possible).as_py() else pc.if_else(is_possible, dates, pa.scalar(None, dates.type))


def read_iso_dates(cells: pa.StringArray) -> pa.Array:
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


def date_formats(cell: str) -> list[str]:
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
    for months in ("%b", "%B"):
        with contextlib.suppress(ValueError):
            datetime.strptime(text, date_format.replace("%b", months))  # noqa: DTZ007 - only asks whether it fits
            return True
    return False
