"""What monitoring looks at: the measures of the files that clients sent, beside those of the training examples."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ..media import media
from .logged_values import to_number, to_text

Inputs = Mapping[str, Mapping[str, Any]]  # what a version describes of each input: its column and kind
FOLLOW_EACH_OTHER = False  # whether training examples do, in time: their periods differ without drift


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: what is measured of a file stands for it."""
    del inputs
    return [*media.NUMBERS, *media.CATEGORIES]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The logged measures, by column: numbers as float64, categories as strings or None."""
    logged = [value if isinstance(value := row.get(name), dict) else {} for row in rows for name in inputs]
    numbers = {name: [to_number(each.get(name)) for each in logged] for name in media.NUMBERS}
    categories = {name: [to_text(each.get(name)) for each in logged] for name in media.CATEGORIES}
    return pd.DataFrame(
        {name: pd.Series(values, dtype="float64") for name, values in numbers.items()}
        | {name: pd.Series(values, dtype=object) for name, values in categories.items()}
    )


def from_examples(inputs: Inputs, examples: pd.DataFrame) -> pd.DataFrame:
    """The measures of training examples in the form of `as_table`."""
    del inputs
    numbers = {name: examples[name].astype("float64") for name in media.NUMBERS}
    categories = {name: pd.Series([to_text(value) for value in examples[name]]) for name in media.CATEGORIES}
    return pd.DataFrame(numbers | categories)


def comparable(inputs: Inputs, reference: pd.DataFrame, window: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is compared of training examples and requests, both in the form of `as_table`: all of it."""
    del inputs
    return reference, window


def meant_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: pd.DataFrame) -> pd.DataFrame:
    """Such a table with the types that the schema asks for: counts as integers."""
    del inputs
    return table.astype(dict.fromkeys(media.WHOLE, "Int64"))
