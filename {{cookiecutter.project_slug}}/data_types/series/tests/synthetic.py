"""Two made-up daily series with a weekly season, small enough to train on in seconds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from project.data import requests
from project.series import series_windows, window_shape
from project.settings.data_type import RequestSettings

from declared import Config

HORIZON, CONTEXT = 3, 14
COLUMNS = ("day", "load", "wind", "kind")
SENT = ("day", "load", "wind")  # kind is ignored
EXPLAINED = "Windows with the largest errors"  # a heading of the report
SLICED = "history level"  # a column whose values repeat, or enough of them lie in a range
VARYING = "history level"  # a number of the examples
UNIQUE = "latest load"  # a column whose values differ from example to example
DRIFTS = [  # changes of what clients send, and the rule that fires
    (lambda inputs: inputs.update(load=[each + 300 for each in inputs["load"]]), "feature drift"),
    (lambda inputs: inputs.update(wind=[each + 50 for each in inputs["wind"]]), "feature drift"),
    (lambda inputs: inputs.update(wind=[None] * CONTEXT), "missing values"),
]
STARTS = {0: "2020-01-01", 1: "2023-01-01", 5: "2022-01-01"}  # so that tables of other seeds are of other times


def settings(folder: Path) -> dict[str, Any]:
    """The settings by which the table is read, for a project in a folder."""
    shape = {"time": "day", "horizon": HORIZON, "context": CONTEXT, "split_fractions": (0.6, 0.2, 0.2)}
    return {**shape, "epochs": 20, "patience": 50, "learning_rate": 0.01}


def make_table(num_examples: int = 400, seed: int = 0) -> pd.DataFrame:
    """A row per day: a load with a weekly season that follows the wind of the day before, the wind, and its kind."""
    random = np.random.default_rng(seed)
    days = np.arange(num_examples)
    wind = np.round(random.gamma(3, 2, num_examples), 3)
    load = 100 + 20 * np.sin(2 * np.pi * days / 7) + 3 * np.roll(wind, 1) + random.normal(0, 2, num_examples)
    return pd.DataFrame(
        {
            "load": np.round(load, 4),
            "wind": wind,
            "kind": np.where(wind > 8, "storm", np.where(wind > 4, "breeze", "calm")),
            "day": pd.Timestamp(STARTS[seed]) + pd.to_timedelta(days, unit="D"),
        }
    )


def as_examples(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """A window for each row of such a table, as predicting makes them: what lies before the first row is missing."""
    config = Config(**{**settings(folder), "target": "load", "ignore": ("kind",)})
    shape = window_shape.resolve(config, table)
    (series,) = series_windows.regular(config, shape, table)
    length, around = len(table), np.arange(-CONTEXT, len(table) + HORIZON)
    targets = np.full((len(around), 1), np.nan, "float32")
    wind = np.full(len(around), np.nan, "float32")
    targets[CONTEXT : CONTEXT + length], wind[CONTEXT : CONTEXT + length] = series.targets, series.columns["wind"]
    times = shape.step.times(int(series.times[0]), around)
    padded = series_windows.Regular("all", times, targets, {"wind": wind})
    return series_windows.as_table(config, shape, [(padded, CONTEXT + 1 + np.arange(length))])


def departing(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Such a table that departs from the schema, and the column that does."""
    return table.assign(wind=table["wind"] * 1_000), "wind"


def spoiled(table: pd.DataFrame, row: int) -> pd.DataFrame:
    """Such a table with a row that cannot be read."""
    winds = table["wind"].astype(object)
    winds.iloc[row] = "heavy"
    return table.assign(wind=winds)


def sent(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Histories of such a table as clients send them."""
    rows = json.loads(table.to_json(orient="records", date_format="iso"))
    starts = range(len(rows) - CONTEXT)
    return [{name: [row[name] for row in rows[start : start + CONTEXT]] for name in SENT} for start in starts]


def labels(examples: pd.DataFrame, target: str) -> pd.Series:
    """What clients tell of such windows once it is known: the true values."""
    return examples[target].map(lambda cell: cell[-HORIZON:, 0])


def logged(config: Config, inputs: dict[str, Any], examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Windows as the request log keeps them."""
    rows = []
    for _, window in examples.iterrows():
        histories = {name: window[entry["column"]][:CONTEXT] for name, entry in inputs.items()}
        plain = {name: values[:, 0] if values.ndim == 2 else values for name, values in histories.items()}
        cells = {name: values.astype(str) if values.dtype.kind == "M" else values for name, values in plain.items()}
        row = {
            name: requests.loggable(RequestSettings(), inputs[name], values.tolist()) for name, values in cells.items()
        }
        rows.append(row)
    return rows
