"""What monitoring looks at: the columns that clients sent, in the same form as those of the training examples."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from .logged_values import to_number, to_text

Inputs = Mapping[str, Mapping[str, Any]]  # what a version describes of each input: its column and kind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOLLOW_EACH_OTHER = False  # whether training examples do, in time: their periods differ without drift


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: all that clients send."""
    return list(inputs)


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The logged inputs, by column: numbers and days since 1970 as float64, categories and texts as strings or None."""
    read = {"number": to_number, "date": to_days, "category": to_text, "text": to_text}
    return pd.DataFrame(
        {
            entry["column"]: pd.Series(
                [read[entry["kind"]](row.get(name)) for row in rows],
                dtype="float64" if entry["kind"] in ("number", "date") else object,
            )
            for name, entry in inputs.items()
        }
    )


def from_examples(inputs: Inputs, examples: pd.DataFrame) -> pd.DataFrame:
    """Training examples in the form of `as_table`."""
    columns = {}
    for entry in inputs.values():
        values = examples[entry["column"]]
        if entry["kind"] == "date":
            columns[entry["column"]] = (values - pd.Timestamp(0)) / pd.Timedelta(days=1)
        elif entry["kind"] == "number":
            columns[entry["column"]] = pd.Series(values.astype("float64").to_numpy("float64", na_value=np.nan))
        else:
            columns[entry["column"]] = pd.Series([to_text(value) for value in values], dtype=object)
    return pd.DataFrame(columns)


def comparable(inputs: Inputs, reference: pd.DataFrame, window: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is compared of training examples and requests, both in the form of `as_table`."""
    return repeating(inputs, reference), repeating(inputs, window)


def repeating(inputs: Inputs, table: pd.DataFrame) -> pd.DataFrame:
    """Such a table with the number of words of texts in their place, since texts hardly repeat."""
    columns = {}
    for entry in inputs.values():
        values = table[entry["column"]]
        is_text = entry["kind"] == "text"
        columns[entry["column"]] = values.str.split().str.len().astype("float64") if is_text else values
    return pd.DataFrame(columns)


def meant_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: time goes on, so that dates are later than in training."""
    return [entry["column"] for entry in inputs.values() if entry["kind"] == "date"]


def in_schema_types(inputs: Inputs, table: pd.DataFrame) -> pd.DataFrame:
    """Such a table with the types that the schema asks for: whole numbers as integers, dates as texts."""
    columns = {}
    for entry in inputs.values():
        values = table[entry["column"]]
        if entry.get("whole") and np.all(np.isnan(values) | (np.abs(values) < 2**53) & (values == np.floor(values))):
            values = values.astype("Int64")
        elif entry["kind"] == "date":
            values = pd.Series(pd.to_datetime(values, unit="D", errors="coerce"))
        columns[entry["column"]] = values
    return pd.DataFrame(columns)


def to_days(value: Any) -> float:
    """A logged ISO 8601 time as days since 1970; NaN if it is none."""
    try:
        time = datetime.fromisoformat(value)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return (time - EPOCH) / timedelta(days=1)
    except (TypeError, ValueError, OverflowError):
        return math.nan
