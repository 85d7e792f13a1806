"""How the cells of each column are written: found once by collect, kept in a file that people review and correct."""

import json
import re
from collections import Counter
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
from . import dates

SIGNS = "$€£¥₹%"
CURRENCIES = "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|RUB|TRY|ZAR|KRW|MXN|kr|zł|Kč|R\\$|Rs"
UNIT = re.compile(
    rf"^[+-]?\s*({CURRENCIES})\s*\d|\d\s*([^\W\d_][^\s\d,;()]{{0,9}}|°[CF])$"
)  # before or behind a number
MEASURES = {
    *"$€£¥₹",
    *CURRENCIES.replace("\\", "").split("|"),
    *("mg", "g", "kg", "t", "lb", "oz", "mm", "cm", "m", "km", "in", "ft", "mi", "ml", "cl", "l", "°C", "°F"),
}
THOUSANDS = {"": "", ",": ",", ".": r"\.", " ": r"[ \x{a0}\x{202f}]", "'": r"['\x{2019}]"}  # and their lookalikes
SCRIPTS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10)  # the zeros of Arabic, Persian, Hindi, Bengali, Thai, full width
PLAIN = {zero + digit: str(digit) for zero in SCRIPTS for digit in range(10)} | {0x2212: "-", 0x66B: ".", 0x66C: ","}
OTHER_SCRIPT = f"[{''.join(map(chr, PLAIN))}]"
DURATIONS = {"h:mm": r"^[+-]?\d+:[0-5]\d$", "h:mm:ss": r"^(-?\d+ days? )?[+-]?\d+:[0-5]\d:[0-5]\d(\.\d+)?$"}
NEGATIVE = r"^\(([^+()-]+)\)$|^(\d[^+-]*\d)-$"  # as accountants write it; 2- may be a grade
WHOLE = r"^[+-]?\d+$"
LEADING_ZERO = r"^[+-]?0\d+$"
MIXED_SHARE = 0.95  # a column with this share of numbers was meant to hold numbers only
EXAMPLES_SHOWN = 3
FIRST = 100  # cells that are looked at before all


class AmbiguousError(InputError):
    """The cells of a column can be read in two ways."""


class CellFormat(BaseModel):
    """How the cells of a column are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["number", "date", "duration", "truth value", "text"]
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    unit: str = ""
    """What stands before or behind every number, such as € or kg."""
    format: str = dates.ISO
    """Of dates: as strptime writes it, or ISO 8601. Of durations and times of day: h:mm or h:mm:ss."""
    true: str = "true"
    false: str = "false"
    missing: tuple[str, ...] | None = None
    """Cells that stand for a missing value; None: those of the setting `missing_markers`."""
    spellings: tuple[str, ...] = ()
    """Categories, to which cells belong that differ from them only in case or blanks."""


FIELDS = {
    "number": ("decimal", "thousands", "unit"),
    "date": ("format",),
    "duration": ("format",),
    "truth value": ("true", "false"),
    "text": (),
}
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
        if fitting and fitting[-1].kind == "date" and fitting[-1].format == dates.ISO:
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
    numbers = [number.model_copy(update={"unit": unit}) for unit in ("", *units(cell)) for number in NUMBERS]
    durations = [CellFormat(kind="duration", format=name) for name, shape in DURATIONS.items() if re.match(shape, cell)]
    written = [CellFormat(kind="date", format=date_format) for date_format in dates.possible(cell)]
    return [CellFormat(kind="truth value"), *numbers, *durations, *written]


def units(cell: str) -> list[str]:
    """What may be the unit of a number in a cell: signs, currencies, or what stands behind its digits."""
    found = UNIT.search(cell)
    return [*(sign for sign in SIGNS if sign in cell), *(unit for unit in (found.groups() if found else ()) if unit)]


def fits(candidate: CellFormat, present: pa.StringArray) -> bool:
    """Whether all cells can be read in a format; the first ones, which mostly tell, are looked at before all."""
    for cells in (present.slice(0, FIRST), present):
        if candidate.kind == "number":
            if not pc.all(are_numbers(candidate, cells)).as_py():
                return False
        elif (dates.read(candidate.format, cells) if candidate.kind == "date" else read(candidate, cells)).null_count:
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
    """Cells as int64, float64 (also seconds), bool, timestamp[us] (UTC) or string; null if not of the format."""
    if found.kind == "number":
        return read_numbers(found, cells)
    if found.kind == "date":
        days = dates.read(found.format, cells)
        if days.null_count > cells.null_count and found.format != dates.ISO:  # ISO 8601 can mean only one thing
            days = pc.coalesce(days, dates.read(dates.ISO, cells))
        return days
    if found.kind == "duration":
        return read_durations(found.format, cells)
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
        shown = day.isoformat() if found.format == dates.ISO else day.strftime(found.format.replace("%q", "4"))
        return f"a date written like {shown}"
    if found.kind == "duration":
        return (
            f"a time or duration written like {found.format.replace('h', '12').replace('mm', '34').replace('ss', '56')}"
        )
    return f"{found.true} or {found.false}" if found.kind == "truth value" else "a text"


def read_truth_values(found: CellFormat, cells: pa.StringArray) -> pa.BooleanArray:
    """Truth values, however capitalised."""
    lower, true, false = pc.utf8_lower(cells), found.true.lower(), found.false.lower()
    return pc.if_else(pc.is_in(lower, value_set=pa.array([true, false])), pc.equal(lower, true), None)


def read_durations(written: str, cells: pa.StringArray) -> pa.Array:
    """Durations and times of day in seconds; null where a cell is none."""
    are_read = pc.match_substring_regex(cells, DURATIONS[written])
    texts = pc.if_else(are_read, cells, pa.scalar(None, pa.string())).to_pandas()
    seconds = pd.to_timedelta(texts + ":00" if written == "h:mm" else texts).dt.total_seconds()
    return pa.array(seconds, from_pandas=True)


def are_numbers(found: CellFormat, cells: pa.StringArray) -> pa.BooleanArray:
    """Which cells are numbers in a format."""
    return have_digits_only(found, bare_numbers(found.unit, cells))


def have_digits_only(found: CellFormat, cells: pa.StringArray) -> pa.BooleanArray:
    """Which cells without unit are numbers in a format."""
    mark = re.escape(found.decimal)
    grouped = rf"[1-9]\d{{0,2}}({THOUSANDS[found.thousands]}\d{{3}})+|" if found.thousands else ""
    if found.thousands == ",":
        grouped += r"[1-9]\d?(,\d{2})+,\d{3}|"  # lakhs and crores, as in 12,34,567
    digits = rf"({grouped}\d+)({mark}\d*)?|{mark}\d+"
    pattern = rf"^[+-]?(({digits})([eE][+-]?\d+)?|(?i:inf|infinity))$"
    return pc.match_substring_regex(cells, pattern)


def are_names(cells: pa.StringArray) -> bool:
    """Whether digits are names: all in brackets, some with leading zeros, as postal codes, or too long for a number."""
    if pc.any(pc.match_substring_regex(cells, LEADING_ZERO)).as_py() or pc.all(pc.starts_with(cells, "(")).as_py():
        return True
    is_long = pc.greater_equal(pc.utf8_length(cells), len(str(2**63)))
    long = cells.filter(is_long) if pc.any(is_long).as_py() else cells[:0]
    if not len(long) or not pc.all(pc.match_substring_regex(cells, WHOLE)).as_py():
        return False
    return pa.types.is_floating(cast_numbers(pc.utf8_ltrim(long, "+")).type)


def read_numbers(found: CellFormat, cells: pa.StringArray) -> pa.Array:
    """Numbers, as int64 if all are whole; null where a cell is none in this format."""
    digits = bare_numbers(found.unit, cells)
    are_read = have_digits_only(found, digits)
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
    frequent = Counter(unit for cell in cells.drop_null()[:FIRST].to_pylist() for unit in units(cell)).most_common(3)
    candidates = [number.model_copy(update={"unit": unit}) for unit in ("", *dict(frequent)) for number in NUMBERS]
    found = [pc.fill_null(are_numbers(candidate, cells), False) for candidate in candidates]
    return max((flags.to_numpy(zero_copy_only=False) for flags in found), key=lambda flags: counts[flags].sum())


def check_mixed(name: str, cells: pa.StringArray, counts: np.ndarray) -> None:
    """Refuses numbers in several units, and those with a few other cells, which would make all of them categories.

    Args:
        name: of the column.
        cells: its distinct cells.
        counts: how often each occurs, (num_cells,) int; 0 for missing ones.
    """
    looked_at = cells.drop_null()[:FIRST].to_pylist()
    measured = [(unit, cell) for cell in looked_at for unit in MEASURES.intersection(units(cell))]
    examples, num_measured = dict(measured), len({cell for _, cell in measured})
    if len(examples) > 1 and num_measured >= MIXED_SHARE * len(looked_at):
        shown = ", ".join(map(repr, [*examples.values()][:EXAMPLES_SHOWN]))
        advice = f"convert them to one unit, or add {name} to ignore, or to categorical if they are names"
        raise InputError(f"column {name!r} holds numbers in different units, such as {shown}; {advice}")
    have_digits = pc.fill_null(pc.match_substring_regex(cells, r"\d"), False).to_numpy(zero_copy_only=False)
    if counts[have_digits].sum() < MIXED_SHARE * counts.sum():
        return
    are_numbers = which_are_numbers(cells, counts)
    num_numbers = counts[are_numbers].sum()
    if are_numbers.all() or num_numbers < MIXED_SHARE * counts.sum() or num_numbers == counts.sum():
        return
    others = cells.filter(pa.array(~are_numbers & (counts > 0))).slice(0, EXAMPLES_SHOWN).to_pylist()
    raise InputError(
        f"column {name!r} mixes {num_numbers} numbers with {counts.sum() - num_numbers} other cells, such as "
        f"{', '.join(map(repr, others))}; add these to missing_markers if they stand for no value, "
        f"else fix them, or add {name} to categorical if its numbers are names"
    )


def bare_numbers(unit: str, cells: pa.StringArray) -> pa.StringArray:
    """The cells without their unit, those that lack it empty, with ASCII digits, and -5 for (5), 5- and the like."""
    if pc.any(pc.match_substring_regex(cells, OTHER_SCRIPT)).as_py():
        cells = pa.array([cell and cell.translate(PLAIN) for cell in cells.to_pylist()], pa.string())
    bare = cells
    if unit:
        sign = re.escape(unit)
        bare = pc.replace_substring_regex(bare, rf"^([+(-]?)\s*{sign}\s*", r"\1")
        bare = pc.replace_substring_regex(bare, rf"\s*{sign}(\)?)$", r"\1")
        bare = pc.if_else(pc.match_substring(cells, unit), bare, "")
    if pc.any(pc.match_substring_regex(bare, NEGATIVE)).as_py():
        bare = pc.replace_substring_regex(bare, NEGATIVE, r"-\1\2")
    return bare
