"""A table that `make predict` reads as windows: one for each row, of the rows of its series up to there."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..config import Config
from ..data import cell_formats, cleaning, requests
from ..data.provenance import Provenance
from . import series_times, steps

Entries = dict[str, dict[str, Any]]


def parse(config: Config, inputs: Entries, table: pd.DataFrame) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The arrays by input, and why each row cannot be predicted, (num_rows,) str, empty if it can.

    Rows may be in any order. A history that is shorter than the model's, or has gaps, is filled up by missing values;
    columns that are known in advance are taken from later rows, as far as there are any.
    """
    kinds = {entry["column"]: entry for entry in inputs.values()}
    cells, reasons = read_cells(config, kinds, table)
    is_bad = reasons != ""
    (time,) = [name for name, entry in kinds.items() if entry["kind"] == "time"]
    step = requests.step_of(kinds[time])
    groups = table[config.series].astype(str) if config.series in table else pd.Series("", table.index)
    columns = {name: np.empty((len(table), max(1, entry["length"])), object) for name, entry in kinds.items()}
    positions = np.arange(len(table))
    for _, members in pd.Series(positions).groupby(groups.to_numpy()):
        fill(columns, kinds, cells, time, step, members.to_numpy()[~is_bad[members]])
    arrays = {}
    for name, entry in inputs.items():
        column, is_number = columns[entry["column"]], entry["kind"].endswith("number")
        missing = np.nan if is_number else "1970-01-01T00:00:00" if entry["kind"] == "time" else ""
        column[is_bad] = missing
        array = column.astype("float32") if is_number else column
        arrays[name] = array if entry["length"] else array[:, 0]
    return arrays, reasons


def read_cells(config: Config, kinds: Entries, table: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The columns by their kinds, and why each row cannot be predicted, (num_rows,) str, empty if it can."""
    forms = {"time": "date", "category": "text"}
    by_form = {name: forms.get(entry["kind"].split()[-1], "number") for name, entry in kinds.items()}
    mixed = [name for name in by_form if by_form[name] == "date" and is_mixed(config, table, name)]
    by_form |= dict.fromkeys(mixed, "text")
    columns, reasons = cleaning.read_for_model(config, table, by_form)
    for name, entry in kinds.items():
        if entry["kind"] == "time":
            values = series_times.read_mixed(config, columns[name], Provenance()) if name in mixed else columns[name]
            columns[name] = read_times(config, entry, table, values)
            is_missing = columns[name].isna().to_numpy() & (reasons == "")
            reasons[is_missing] = f"column {name!r} has no time"
        elif by_form[name] == "number":
            columns[name] = columns[name].astype("float64")
    return columns, reasons


def is_mixed(config: Config, table: pd.DataFrame, name: str) -> bool:
    """Whether collect found times that are written in several formats, so that each cell tells its own."""
    found = cell_formats.load(config).get(name)
    return found is not None and found.kind == "text" and not pd.api.types.is_datetime64_any_dtype(table[name])


def read_times(config: Config, entry: dict[str, Any], table: pd.DataFrame, values: pd.Series) -> pd.Series:
    """The times of a table as the model takes them; missing where a cell is none."""
    is_zoned = series_times.are_zoned(pa.chunked_array([pa.array(table[entry["column"]], from_pandas=True)]))
    if pd.api.types.is_numeric_dtype(values):
        values = pd.to_datetime(values.astype("Int64").astype("string") + "-01-01", errors="coerce")
    if not entry["timezone"]:
        return values
    if requests.step_of(entry).is_days:
        return series_times.from_utc(values, entry["timezone"]) if is_zoned else values
    return values if is_zoned else series_times.to_utc(values, entry["timezone"], table.get(config.series))


def fill(
    columns: dict[str, np.ndarray], kinds: Entries, cells: pd.DataFrame, time: str, step: steps.Step, rows: np.ndarray
) -> None:
    """Writes the windows of the rows of one series into the columns."""
    if not len(rows):
        return
    seconds = cells[time].iloc[rows].to_numpy("datetime64[s]").astype(np.int64)
    first = int(seconds.min())
    places = np.round(step.number(seconds, first)).astype(int)
    context = kinds[time]["length"]
    size = int(places.max()) + 1
    for name, entry in kinds.items():
        length = entry["length"]
        if name == time:
            grid = steps.write_times(step.times(first, np.arange(-context, size)))
        elif not length:
            columns[name][rows, 0] = cells[name].iloc[rows].to_numpy(object)
            continue
        else:
            missing = np.nan if entry["kind"].endswith("number") else ""
            grid = np.full(context + size + length, missing, object)
            values = cells[name].iloc[rows]
            grid[context + places] = values.astype(object).where(values.notna(), missing).to_numpy()
        columns[name][rows] = grid[(places + 1)[:, None] + np.arange(length)]
