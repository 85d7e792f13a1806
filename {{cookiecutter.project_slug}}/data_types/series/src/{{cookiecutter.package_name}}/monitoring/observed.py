"""What monitoring looks at: level, scale, trend and season of the histories that clients sent, and their covariates."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..series import history_measures, series_windows
from .logged_values import to_number, to_text

Inputs = Mapping[str, Mapping[str, Any]]  # what a version describes of each input: its column and kind
FOLLOW_EACH_OTHER = True  # whether training examples do, in time: their periods differ without drift


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: measures of histories, and their last cells."""
    return [*history_measures.NAMES, *map(series_windows.LATEST.format, inputs)]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The measures of the target's logged histories, and the last cell of each other column; numbers as float64."""
    found: dict[str, pd.Series] = {}
    target = main_target(inputs)
    for name, entry in inputs.items():
        logged = [row.get(name) for row in rows]
        if name == target:
            histories = [numbers_of(value, entry["length"]) for value in logged]
            measured = history_measures.measure(np.array(histories).reshape(len(rows), -1), season_of(entry))
            found |= {column: pd.Series(values) for column, values in measured.items()}
        elif entry["kind"] != "time":
            read: Any = to_number if entry["kind"].endswith("number") else to_text
            values = [read(latest(value, entry)) for value in logged]
            kind: Any = "float64" if entry["kind"].endswith("number") else object
            found[entry["column"]] = pd.Series(values, dtype=kind)
    return pd.DataFrame(found)


def main_target(inputs: Inputs) -> str:
    """The first target among the inputs; empty if the log leaves it out."""
    return next((name for name, entry in inputs.items() if entry["kind"] == "target number"), "")


def season_of(entry: Mapping[str, Any]) -> int:
    """The lag of the seasonality that is measured."""
    return min(entry["season"], entry["length"] - 1)


def numbers_of(value: Any, length: int) -> np.ndarray:
    """A logged history as numbers, NaN where it lacks some, (length,)."""
    cells = value if isinstance(value, list) else []
    numbers = np.array([to_number(cell) for cell in cells[-length:]], "float64")
    return np.concatenate([np.full(length - len(numbers), np.nan), numbers])


def latest(value: Any, entry: Mapping[str, Any]) -> Any:
    """The last cell of the history, without the future of what is known in advance; a value that is no list."""
    cells = value if isinstance(value, list | tuple | np.ndarray) else None
    if cells is None:
        return value
    place = entry["length"] - entry["future"] - 1
    return cells[place] if place < len(cells) else None


def from_examples(inputs: Inputs, examples: pd.DataFrame) -> pd.DataFrame:
    """Training windows, as the project keeps them about a version, in the form of `as_table`."""
    found = {name: examples[name] for name in history_measures.NAMES if main_target(inputs)}
    for name, entry in inputs.items():
        if name != main_target(inputs) and entry["kind"] != "time":
            values = examples[series_windows.LATEST.format(entry["column"])]
            is_number = entry["kind"].endswith("number")
            found[entry["column"]] = values.astype("float64") if is_number else values.map(to_text).astype(object)
    return pd.DataFrame(found)


def comparable(inputs: Inputs, reference: pd.DataFrame, window: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is compared of training windows and requests, both in the form of `as_table`."""
    del inputs
    return reference, window


def meant_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none, for times are not compared."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: pd.DataFrame) -> pd.DataFrame:
    """The covariates with the types that the schema asks for; the schema knows no measures of histories."""
    names = [entry["column"] for entry in inputs.values() if entry["column"] in table]
    return table[names]
