"""The model's raw input: a text, as a string; the same for all data types that a client sends as one."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from ..config import Config
from ..data import tables
from . import texts
from .unicode_text import BETWEEN, is_empty, repair


def raw_inputs(config: Config, examples: pd.DataFrame) -> dict[str, keras.KerasTensor]:
    """What a client sends: a text, (batch,) string."""
    del config, examples
    return {texts.COLUMN: keras.Input((), name=texts.COLUMN, dtype="string")}


def raw_arrays(inputs: dict[str, keras.KerasTensor], examples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The texts as the array for `raw_inputs`, (num_examples,)."""
    return {column: examples[column].to_numpy(object) for column in inputs}


def input_kinds(config: Config, examples: pd.DataFrame) -> dict[str, str]:
    """What each raw input is, by column."""
    del config, examples
    return {texts.COLUMN: "text"}


def parse_arrays(
    config: Config, inputs: dict[str, dict[str, Any]], table: pd.DataFrame
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The texts of a table for the exported model.

    Returns:
        The array by input, (num_rows,), and why each row cannot be predicted, (num_rows,) str, empty if it can.
    """
    del config  # a text is a text
    ((name, entry),) = inputs.items()
    columns = [entry["column"]] if entry["column"] in table else entry["columns"]
    cells = table[columns].astype(object).where(table[columns].notna(), "").astype(str)
    contents = [BETWEEN.join(repair(cell) for cell in row if cell) for row in cells.itertuples(index=False)]
    reasons = [f"column {entry['column']!r} has no text" if is_empty(text) else "" for text in contents]
    return {name: np.array(contents, object)}, np.array(reasons, object)


def read_labels(config: Config, description: dict[str, Any], table: pd.DataFrame) -> list[Any]:
    """The ground truth of each row of a table, None where it is missing."""
    del description  # the target is a column
    return tables.labels(config, table)
