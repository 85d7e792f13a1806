"""Forecast windows: cut from series on a regular grid, as views, so that no step of a series is kept twice."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..config import Config
from . import history_measures, series_table
from .window_shape import Shape

START = "forecast start"  # the column of the first time that is forecast
SERIES = "series"
LATEST = "latest {}"  # the column of a column's last cell of the history
CALENDAR = {"month": "forecast month", "weekday": "forecast weekday", "hour": "forecast hour"}


@dataclass(frozen=True, eq=False)
class Regular:
    """A series on its grid, without gaps: NaN or "" where a cell is missing."""

    name: str
    times: npt.NDArray[np.int64]
    """Seconds since 1970, (num_steps,)."""
    targets: npt.NDArray[np.float32]
    """(num_steps, num_targets)."""
    columns: dict[str, npt.NDArray]
    """The other columns that the model sees, each (num_steps,): float32, or object for categories."""
    weights: npt.NDArray[np.float32] | None = None
    """The sample weight of each step, (num_steps,), if there are any."""

    def after(self, num_steps: int, step_times: npt.NDArray[np.int64]) -> "Regular":
        """The series with empty steps behind it."""
        padding = {name: np.full(num_steps, empty(values), values.dtype) for name, values in self.columns.items()}
        nothing = np.full((num_steps, self.targets.shape[1]), np.nan, "float32")
        columns = {name: np.concatenate([values, padding[name]]) for name, values in self.columns.items()}
        return Regular(self.name, step_times, np.concatenate([self.targets, nothing]), columns)


def empty(values: npt.NDArray) -> object:
    """What stands for a missing cell."""
    return "" if values.dtype == object else np.nan


def regular(config: Config, shape: Shape, rows: pd.DataFrame) -> list[Regular]:
    """The series of rows that are sorted, unique and on the grid; a later row of the same time replaces an earlier."""
    order = [name for name in (config.series, config.time) if name]
    rows = rows.drop_duplicates(order, keep="last").sort_values(order, kind="stable", ignore_index=True)
    return [regular_of(config, shape, name, rows.iloc[places]) for name, places in series_table.by_series(config, rows)]


def regular_of(config: Config, shape: Shape, name: str, rows: pd.DataFrame) -> Regular:
    """The series of the rows of one series."""
    times = series_table.seconds_of(rows[config.time])
    places = np.round(shape.step.number(times, int(times[0]))).astype(int)
    num_steps = int(places[-1]) + 1
    targets = np.full((num_steps, len(shape.targets)), np.nan, "float32")
    for place, target in enumerate(shape.targets):
        targets[places, place] = numbers(rows[target])
    columns = {}
    for column, kind in shape.kinds.items():
        if kind not in ("time", "target number"):
            values = numbers(rows[column]) if kind.endswith("number") else texts(rows[column])
            columns[column] = np.full(num_steps, empty(values), values.dtype)
            columns[column][places] = values
            if kind.startswith("static"):
                columns[column][:] = values[-1]
    weights = None
    if config.sample_weight in rows.columns:
        weights = np.full(num_steps, np.nan, "float32")
        weights[places] = numbers(rows[config.sample_weight])
    return Regular(name, shape.step.times(int(times[0]), np.arange(num_steps)), targets, columns, weights)


def numbers(values: pd.Series) -> npt.NDArray[np.float32]:
    """A column as float32, NaN where a cell is missing."""
    return values.astype("float64").to_numpy("float64", na_value=np.nan).astype("float32")


def texts(values: pd.Series) -> npt.NDArray[np.object_]:
    """A column as texts, "" where a cell is missing."""
    return values.astype(object).where(values.notna(), "").astype(str).to_numpy(object)


def starts(shape: Shape, series: Regular, first: int, last: int, origin_step: int = 1) -> npt.NDArray[np.int64]:
    """The places of the first steps to forecast: windows whose targets all lie from `first` to `last`, in seconds.

    Their histories lie wholly in the series, and history and future hold at least one target each.
    """
    inside = np.flatnonzero((series.times >= first) & (series.times <= last))
    if not len(inside):
        return np.zeros(0, np.int64)
    begin = max(int(inside[0]), shape.context)
    found = np.arange(begin, int(inside[-1]) - shape.horizon + 2, origin_step)
    known = np.concatenate([[0], np.cumsum(np.isfinite(series.targets[:, 0]))])
    has_past = known[found] > known[found - shape.context] if len(found) else found.astype(bool)
    has_future = known[found + shape.horizon] > known[found] if len(found) else found.astype(bool)
    return found[has_past & has_future]


def weights_of(
    shape: Shape, weights: npt.NDArray[np.float32], places: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The sample weight of each window, (num_windows,): the mean of those steps to forecast that have a row."""
    means = pd.Series(weights, dtype="float64").rolling(shape.horizon, min_periods=1).mean()
    return means.to_numpy()[places + shape.horizon - 1]


def as_table(config: Config, shape: Shape, windows: Iterable[tuple[Regular, npt.NDArray[np.int64]]]) -> pd.DataFrame:
    """One row per window: what describes it, the last cell of each history, and each column that the model sees.

    Of these, a cell is a view of history and future: (context + horizon, num_targets) of the target,
    (context + horizon,) of other columns; of static columns it is a single value.
    """
    tables = [table_of(config, shape, series, places) for series, places in windows if len(places)]
    if not tables:
        latest = map(LATEST.format, shape.kinds)
        names = [START, SERIES, *CALENDAR.values(), *history_measures.NAMES, *latest, *shape.kinds]
        return pd.DataFrame(columns=names)
    return pd.concat(tables, ignore_index=True)


def table_of(config: Config, shape: Shape, series: Regular, places: npt.NDArray[np.int64]) -> pd.DataFrame:
    """The windows of one series."""
    first = pd.Series(series.times[places].astype("datetime64[s]").astype("datetime64[ns]"))
    described = {
        START: first,
        SERIES: series.name,
        CALENDAR["month"]: first.dt.month_name(),
        CALENDAR["weekday"]: first.dt.day_name(),
        CALENDAR["hour"]: first.dt.hour.astype(str),
    }
    measures = history_measures.of_windows(series.targets[:, 0], places, shape.context, shape.shortest)
    arrays = {config.time: series.times.astype("datetime64[s]"), **series.columns}
    arrays |= {name: series.targets[:, place] for place, name in enumerate(shape.targets)}
    latest = {LATEST.format(name): arrays[name][places - 1] for name in shape.kinds}
    latest[LATEST.format(config.time)] = latest[LATEST.format(config.time)].astype("datetime64[ns]")
    arrays[config.target] = series.targets
    cells = {
        name: arrays[name][places] if shape.kinds[name].startswith("static") else views(arrays[name], shape, places)
        for name in shape.kinds
    }
    weights = {} if series.weights is None else {config.sample_weight: weights_of(shape, series.weights, places)}
    return pd.DataFrame({**described, **measures, **latest, **cells, **weights})


def views(values: npt.NDArray, shape: Shape, places: npt.NDArray[np.int64]) -> pd.Series:
    """The part of an array that belongs to each window, without copying it."""
    column = np.empty(len(places), object)
    for row, place in enumerate(places):
        column[row] = values[place - shape.context : place + shape.horizon]
    return pd.Series(column)
