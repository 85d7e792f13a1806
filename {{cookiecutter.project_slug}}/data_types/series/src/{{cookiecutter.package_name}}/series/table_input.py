"""A table that `make predict` reads as windows: one for each row, of the rows of its series up to there."""

from collections.abc import Iterator
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
    columns = {name: np.empty((len(table), max(1, entry["length"])), object) for name, entry in kinds.items()}
    for rows, first, places in on_grid(config, table, cells[time], step, is_bad):
        fill(columns, kinds, cells, step, rows, first, places)
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
        values = series_times.of_numbers(values)
    values = series_times.to_seconds(values)
    if not entry["timezone"]:
        return values
    if requests.step_of(entry).is_days:
        return series_times.from_utc(values, entry["timezone"]) if is_zoned else values
    return values if is_zoned else series_times.to_utc(values, entry["timezone"], table.get(config.series))


def on_grid(
    config: Config, table: pd.DataFrame, times: pd.Series, step: steps.Step, is_bad: np.ndarray
) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
    """The usable rows of each series, its first time in seconds, and the steps from there to each row."""
    groups = table[config.series].astype(str) if config.series in table else pd.Series("", table.index)
    for members in pd.Series(np.arange(len(table))).groupby(groups.to_numpy()).indices.values():
        rows = members[~is_bad[members]]
        if len(rows):
            seconds = times.iloc[rows].to_numpy("datetime64[s]").astype(np.int64)
            first = int(seconds.min())
            yield rows, first, np.round(step.number(seconds, first)).astype(int)


def labels(config: Config, description: dict[str, Any], table: pd.DataFrame) -> list[Any]:
    """The targets of the steps after each row, as forecasts have them; None if the table lacks history or horizon."""
    kinds, parts = {entry["column"]: entry for entry in description["inputs"].values()}, description["parts"]
    cells, reasons = read_cells(config, kinds, table)
    (time,) = [name for name, entry in kinds.items() if entry["kind"] == "time"]
    targets = parts["seasonal_error"]
    horizon = len(parts["forecast"]) // len(targets)
    found: list[Any] = [None] * len(table)
    for rows, _, places in on_grid(config, table, cells[time], requests.step_of(kinds[time]), reasons != ""):
        values = np.full((int(places.max()) + 1, len(targets)), np.nan)
        values[places] = cells[targets].iloc[rows]
        for row, place in zip(rows, places, strict=True):
            future = values[place + 1 : place + 1 + horizon]
            is_whole = place + 1 >= kinds[time]["length"] and len(future) == horizon
            if is_whole and np.isfinite(future[:, 0]).any():
                found[row] = [value if np.isfinite(value) else None for value in future.ravel().tolist()]
    return found


def fill(
    columns: dict[str, np.ndarray],
    kinds: Entries,
    cells: pd.DataFrame,
    step: steps.Step,
    rows: np.ndarray,
    first: int,
    places: np.ndarray,
) -> None:
    """Writes the windows of the rows of one series, which are at these places from its first time, into the columns."""
    context = next(entry["length"] for entry in kinds.values() if entry["kind"] == "time")
    size = int(places.max()) + 1
    for name, entry in kinds.items():
        length = entry["length"]
        if entry["kind"] == "time":
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
