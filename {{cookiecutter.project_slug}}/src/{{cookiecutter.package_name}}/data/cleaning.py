"""From raw cells to columns of one type each: missing values are null, numbers numbers and dates dates."""

import contextlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from ..config import Config
from ..core.errors import InputError
from . import cell_formats, dates, formats, targets
from .cell_formats import TEXT, CellFormat, Finding
from .provenance import Provenance, name_rows
from .spellings import count, with_one_spelling

ERRORS_SHOWN = 20  # columns that cannot be read
FREQUENT = 0.05  # share of cells from which on a marker of missing values may be a category
MAX_NUMBER = float(np.finfo("float32").max)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+|inf)")

Cleaned: TypeAlias = tuple[pa.ChunkedArray, Provenance]


def clean(
    config: Config,
    table: pa.Table,
    provenance: Provenance,
    as_text: Collection[str] = (),
    unchecked: Collection[str] = (),
) -> pd.DataFrame:
    """Types every column as int64, float64, bool, datetime64 or string; nullable (Int64, boolean) where cells lack.

    Cells are read as the file `cell_formats` has it; the formats of columns that it lacks are found in all their cells.
    Where these can be read in two ways, the other columns tell, if they agree.

    The formats and notes of what was decided go to `provenance`, which is attached to the result as `attrs`. Columns of
    `as_text` stay text, even if all cells are numbers; in those `unchecked`, numbers may be mixed with words.

    Raises:
        InputError: cells of a column are not of its format or can be read in two ways, or are nearly all numbers, or
            infinite.
    """
    if targets.IS_SET and config.target in table.column_names:
        as_text, table = (*as_text, config.target), with_sets(table, config.target)
    known, columns = {**config.found_formats, **cell_formats.load(config)}, {}

    def clean_one(name: str, config: Config) -> Cleaned:
        own = Provenance()
        column = clean_column(
            config, name, table.column(name), known.get(name), own, name in as_text, name in unchecked
        )
        if name not in (config.key, config.group, *config.ignore):
            check_finite(name, column)
        return column, own

    for name, (column, own) in clean_all(config, table.column_names, clean_one).items():
        columns[name] = column
        provenance.formats |= own.formats
        provenance.add(own, "")
    examples = targets.prepare(config, to_pandas(columns))
    examples.attrs = vars(provenance)
    return examples


def with_sets(table: pa.Table, name: str) -> pa.Table:
    """The table with a column of sets of labels as texts, empty and not missing where a cell is empty."""
    column = table.column(name)
    texts = column if pa.types.is_string(column.type) else to_text(column)
    return table.set_column(table.column_names.index(name), name, pc.fill_null(texts, ""))


def clean_all(config: Config, names: Sequence[str], clean_one: Callable[[str, Config], Cleaned]) -> dict[str, Cleaned]:
    """All columns: first those whose cells can be read in one way only, which tell how the others are read.

    Raises:
        InputError: some cannot be read, which are all named.
    """
    cleaned = clean_unambiguous(names, lambda name: clean_one(name, config))
    as_others, errors = cell_formats.as_others(config, telling_formats(cleaned)), []
    for name in names:
        try:
            cleaned[name] = cleaned.get(name) or clean_one(name, as_others)
        except InputError as error:
            errors.append(str(error))
    if errors:
        raise all_of(errors)
    return {name: cleaned[name] for name in names}


def all_of(errors: Sequence[str]) -> InputError:
    """The errors of several columns as one."""
    more = [f"and {len(errors) - ERRORS_SHOWN} more columns"] if len(errors) > ERRORS_SHOWN else []
    return InputError("\n".join([*errors[:ERRORS_SHOWN], *more]))


def clean_unambiguous(names: Sequence[str], clean_one: Callable[[str], Cleaned]) -> dict[str, Cleaned]:
    """The columns whose cells can be read in one way only."""

    def attempt(name: str) -> Cleaned | None:
        with contextlib.suppress(InputError):  # raised again, with those of other columns
            return clean_one(name)
        return None

    with ThreadPoolExecutor(pa.cpu_count()) as threads:  # Arrow computes without holding up other threads
        attempts = tqdm(threads.map(attempt, names), "cleaning columns", len(names), delay=1, disable=None)
        return {name: cleaned for name, cleaned in zip(names, attempts, strict=True) if cleaned}


def telling_formats(cleaned: Mapping[str, Cleaned]) -> list[CellFormat]:
    """The formats that show how a table is written: those of dates, and of numbers that are not all whole."""
    return [
        own.formats[name]
        for name, (column, own) in cleaned.items()
        if name in own.formats and (pa.types.is_floating(column.type) or pa.types.is_timestamp(column.type))
    ]


def clean_column(
    config: Config,
    name: str,
    column: pa.ChunkedArray,
    known: CellFormat | Finding | None,
    provenance: Provenance,
    as_text: bool,
    unchecked: bool,
) -> pa.ChunkedArray:
    """One column with its type; its format goes to `provenance`."""
    written = known if isinstance(known, CellFormat) else None
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return clean_typed_column(config, name, column, written, provenance, as_text)
    missing = markers(config, name, written)
    distinct, codes = encode(column, missing)
    if as_text or name in config.targets:
        note_markers(config, name, column, missing, provenance)
    if as_text:
        return clean_texts(config, name, without_decimals(distinct), codes, written, provenance)
    found = written or find(config, name, distinct, known if isinstance(known, Finding) else None)
    if found is None:
        return pc.take(distinct, codes)
    if found.kind == "text":
        if not (written or unchecked):
            cell_formats.check_mixed(name, distinct, count(distinct, codes))
        note_markers(config, name, column, missing, provenance)
        return clean_texts(config, name, distinct, codes, found, provenance)
    values = cell_formats.read(found, distinct)
    misfits = are_misfits(values, distinct)
    if misfits.any() and name in config.ignore:
        return pc.take(distinct, codes)
    if misfits.any():
        refuse(config, name, found, distinct, misfits, codes)
    note_compact_dates(config, name, written, values, provenance)
    provenance.formats[name] = found
    return pc.take(clean_typed(values, missing), codes)


def clean_texts(
    config: Config,
    name: str,
    distinct: pa.StringArray,
    codes: pa.ChunkedArray,
    found: CellFormat | None,
    provenance: Provenance,
) -> pa.ChunkedArray:
    """A column whose cells stay text; without a format of its own it gets one only by its spellings."""
    merged, distinct = with_one_spelling(config, name, found or TEXT, distinct, codes, provenance)
    if found or merged.spellings:
        provenance.formats[name] = merged
    return pc.take(distinct, codes)


def clean_typed_column(
    config: Config,
    name: str,
    column: pa.ChunkedArray,
    written: CellFormat | None,
    provenance: Provenance,
    as_text: bool,
) -> pa.ChunkedArray:
    """A column whose cells have a type already, which that of its format must not contradict."""
    column = clean_typed(column, markers(config, name, written))
    if as_text or (written and written.kind == "text"):
        return to_text(column)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
        if not dates.in_range(column):
            return column.cast(pa.string())
    if written and not agrees(written, column.type):
        raise InputError(
            f"column {name!r} holds values of the type {column.type}, and {config.cell_formats} says that each is "
            f"{cell_formats.example(written)}; fix the column, or take its line out there to have it found anew"
        )
    provenance.formats[name] = written or cell_formats.of_type(column.type)
    return column


def agrees(written: CellFormat, kind: pa.DataType) -> bool:
    """Whether a column of a type can hold what a format says; truth values are numbers as well."""
    return (written.kind == "date") == pa.types.is_timestamp(kind)


def encode(column: pa.ChunkedArray, missing: Sequence[str]) -> tuple[pa.StringArray, pa.ChunkedArray]:
    """The distinct cells of a column, without blanks around them and null where missing, and each cell's number."""
    encoded = column.dictionary_encode("encode")  # each distinct cell, null too, is then read only once
    cells = encoded.chunk(0).dictionary if encoded.num_chunks else pa.array([], pa.string())
    distinct = pc.utf8_trim_whitespace(cells)
    is_missing = pc.is_in(distinct, value_set=pa.array(missing, pa.string()))
    distinct = pc.if_else(is_missing, pa.scalar(None, pa.string()), distinct)
    return distinct, pa.chunked_array([chunk.indices for chunk in encoded.chunks], pa.int32())


def markers(config: Config, name: str, written: CellFormat | None) -> Sequence[str]:
    """The cells that stand for a missing value in a column; an empty one always does, but as a set of labels."""
    found = config.missing_markers if written is None or written.missing is None else ("", *written.missing)
    found = ("",) if name in config.keep_markers else found
    return tuple(filter(None, found)) if targets.IS_SET and name == config.target else found


def note_markers(
    config: Config, name: str, column: pa.ChunkedArray, missing: Sequence[str], provenance: Provenance
) -> None:
    """Notes frequent cells that count as missing and may mean something, such as None for no garage."""
    cells = pc.utf8_trim_whitespace(column)
    found = cells.filter(pc.is_in(cells, value_set=pa.array([marker for marker in missing if marker], pa.string())))
    is_told = any(isinstance(each, CellFormat) for each in config.found_formats.values())  # of an earlier source
    if len(found) > (0 if name in config.targets else FREQUENT * len(column)) and not is_told:
        counts = ", ".join(f"{each['counts']:,} are {each['values']!r}" for each in found.value_counts().to_pylist())
        advice = "if that is a value like others, name the column in keep_markers"
        provenance.note(f"{name}: {len(found):,} cells count as missing, of which {counts}; {advice}")


def note_compact_dates(
    config: Config, name: str, written: CellFormat | None, values: pa.Array, provenance: Provenance
) -> None:
    """Notes whole numbers that may be dates without separators, unless the file says what they are."""
    if not written and dates.are_compact(values):
        advice = f'for dates, write {{"kind": "date", "format": "%Y%m%d"}} for it into {config.cell_formats}'
        provenance.note(f"{name}: cells such as {pc.max(values)} are read as whole numbers; {advice}")


def find(config: Config, name: str, distinct: pa.StringArray, finding: Finding | None) -> CellFormat | None:
    """The format of a column that the file lacks, None if it is empty; what nobody uses stays text if it is unclear."""
    finding = finding or cell_formats.look(distinct)
    if finding is None:
        return None
    try:
        return cell_formats.settle(config, name, finding)
    except InputError:
        if name in config.ignore:
            return TEXT
        raise


def are_misfits(values: pa.Array, cells: pa.StringArray) -> np.ndarray:
    """Which cells are not missing and could not be read, (num_cells,) bool."""
    flags: np.ndarray = pc.and_(pc.is_null(values), pc.is_valid(cells)).to_numpy(zero_copy_only=False)
    return flags


def refuse(
    config: Config, name: str, found: CellFormat, distinct: pa.StringArray, misfits: np.ndarray, codes: pa.ChunkedArray
) -> NoReturn:
    """Says which cells are not of the format of their column."""
    rows = np.flatnonzero(misfits[codes.to_numpy()])
    another = (
        f"; if this is another table, delete {config.cell_formats}"
        if misfits.sum() == pc.count(distinct).as_py()
        else ""
    )
    cell = distinct[codes[rows[0]].as_py()].as_py()
    raise InputError(
        f"column {name!r} holds {cell!r} in {name_rows((rows + 1).tolist())}, which is not "
        f"{cell_formats.example(found)}, as {config.cell_formats} says; fix the cells, or the column's line there, "
        f"where `missing` lists cells that stand for no value{another}"
    )


def read_for_model(config: Config, table: pd.DataFrame, kinds: Mapping[str, str]) -> tuple[pd.DataFrame, np.ndarray]:
    """The columns that a model takes, from a table as people write it, read as the training data were.

    Args:
        config: the settings.
        table: cells as text, or typed where the file has types.
        kinds: by column, whether the model takes a number, a date or else a text.

    Returns:
        The columns, and why each row cannot be predicted, (num_rows,) str, empty where it can.
    """
    known, columns = cell_formats.load(config), {}
    reasons = np.full(len(table), "", object)
    defaults = {"number": cell_formats.NUMBERS[0], "date": CellFormat(kind="date")}
    cells = formats.simplify("the table", pa.Table.from_pandas(table[list(kinds)], preserve_index=False))
    for (name, kind), column in zip(kinds.items(), cells.columns, strict=True):
        found = known.get(name)
        if kind not in defaults:
            columns[name] = clean_column(config, name, column, found, Provenance(), as_text=True, unchecked=True)
            continue
        if found is None or found.kind == "text":
            found = defaults[kind]
        columns[name], misfits = read_column(config, name, column, found)
        too_large, doubtful = are_too_large(columns[name]), np.zeros(len(table), bool)
        if misfits.any() and pa.types.is_string(column.type):
            distinct, codes = encode(column, markers(config, name, found))
            doubtful = cell_formats.are_read_otherwise(found, distinct)[codes.to_numpy()]
        for row in np.flatnonzero(misfits | too_large | doubtful):
            wanted = f"a number of at most {MAX_NUMBER:.2g}" if too_large[row] else cell_formats.example(found)
            which = "among cells that are not" if doubtful[row] else "which is not"
            cell = column[row].as_py()
            shown = str(cell) if pa.types.is_timestamp(column.type) else cell
            reasons[row] = reasons[row] or f"column {name!r} holds {shown!r}, {which} {wanted}"
    return to_pandas(columns), reasons


def read_column(
    config: Config, name: str, column: pa.ChunkedArray, found: CellFormat
) -> tuple[pa.ChunkedArray, np.ndarray]:
    """A column by its format, and which cells do not fit, (num_rows,) bool; these are null."""
    if pa.types.is_null(column.type):
        return column.cast(pa.float64()), np.zeros(len(column), bool)
    if pa.types.is_string(column.type):
        distinct, codes = encode(column, markers(config, name, found))
        values = cell_formats.read(found, distinct)
        misfits = are_misfits(values, distinct)[codes.to_numpy()]
        return pc.take(clean_typed(values, markers(config, name, found)), codes), misfits
    column = clean_typed(column, markers(config, name, found))
    if agrees(found, column.type):
        if not pa.types.is_timestamp(column.type):
            return column, np.zeros(len(column), bool)
        days, can_be_held = column.cast(pa.timestamp("us")), pc.fill_null(dates.are_in_range(column), True)
        return pc.if_else(can_be_held, days, pa.scalar(None, days.type)), ~can_be_held.to_numpy()
    return pa.chunked_array([pa.nulls(len(column), pa.float64())]), column.is_valid().to_numpy()


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
    are_whole = pc.match_substring_regex(texts, r"^-?\d+(\.0*)?$")
    return pc.replace_substring_regex(texts, r"\.0*$", "") if pc.all(are_whole).as_py() else texts


def check_finite(name: str, column: pa.Array | pa.ChunkedArray) -> None:
    """Refuses numbers that are infinite to a network."""
    rows = [int(row) for row in np.flatnonzero(are_too_large(column)) + 1]
    if rows:
        raise InputError(
            f"column {name!r} holds numbers that are infinite or beyond {MAX_NUMBER:.2g} in {name_rows(rows)}; fix "
            f"them, or add their cells, such as inf, to missing_markers if they stand for no value"
        )


def are_too_large(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Which numbers are infinite as float32, in which networks compute, (num_cells,) bool."""
    if not pa.types.is_floating(column.type):
        return np.zeros(len(column), bool)
    return np.abs(column.to_numpy()) > MAX_NUMBER  # False for NaN, which stands for missing cells


def to_pandas(columns: dict[str, pa.Array | pa.ChunkedArray]) -> pd.DataFrame:
    """A pandas table; whole numbers and truth values with missing cells become nullable instead of real numbers."""
    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    lacking = [name for name, column in columns.items() if column.null_count and column.type in nullable]
    table = pa.table(columns)
    if not lacking:
        return table.to_pandas()
    with_missing = table.select(lacking).to_pandas(types_mapper=nullable.get)
    return pd.concat([table.drop(lacking).to_pandas(), with_missing], axis=1)[table.column_names]
