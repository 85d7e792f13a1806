"""Scores by parts of the data: where the model is better and worse than on average."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from .. import metrics
from ..config import Config
from ..core.errors import InputError
from . import intervals

MIN_EXAMPLES = 20  # a smaller slice says nothing
MAX_VALUES = 8  # categories of a column that become slices
NUM_BINS = 4  # equal-sized ranges of a number
MAX_COLUMNS = 12  # without a setting; more would hide the few that matter
RESAMPLES = 200  # for the intervals of a slice


def score_slices(
    config: Config, examples: pd.DataFrame, targets: np.ndarray, predictions: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    """The primary metric of each slice with its interval, the worst first."""
    entries: list[dict[str, Any]] = []
    for column, name, inside in slices(config, examples):
        selected = {output: values[inside] for output, values in predictions.items()}
        scores = intervals.intervals(targets[inside], selected, RESAMPLES, config.seed)
        if config.metric in scores:
            entries.append({"column": column, "slice": name, "examples": int(inside.sum()), **scores[config.metric]})
    worst_first = not metrics.METRICS[config.metric].greater_is_better
    defined = [entry for entry in entries if np.isfinite(entry["value"])]
    return sorted(defined, key=lambda entry: entry["value"], reverse=worst_first)


def slices(config: Config, examples: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Each slice as its column, its name and which examples it holds, (num_examples,) bool."""
    for column in columns(config, examples):
        values = examples[column]
        if types.is_numeric_dtype(values) and values.nunique() > MAX_VALUES:
            values = pd.qcut(values.astype("float64"), NUM_BINS, duplicates="drop")
        elif types.is_datetime64_any_dtype(values):
            values = values.dt.year
        for value in values.value_counts().index[:MAX_VALUES]:
            inside = (values == value).to_numpy(bool, na_value=False)
            if MIN_EXAMPLES <= inside.sum() < len(examples):
                yield column, str(value), inside
        missing = values.isna().to_numpy()
        if missing.sum() >= MIN_EXAMPLES:
            yield column, "missing", missing


def columns(config: Config, examples: pd.DataFrame) -> list[str]:
    """The columns to slice by: those of the setting, or the first whose values repeat or can be binned."""
    for name in config.slices:
        if name not in examples.columns:
            known = ", ".join(map(str, examples.columns[:20]))
            raise InputError(f"slices names the column {name!r}, which the examples lack; they have: {known}")
    if config.slices:
        return list(config.slices)
    left_out = {config.target, config.key, *config.ignore}
    candidates = [name for name in examples.columns if name not in left_out and can_slice(examples[name])]
    return candidates[:MAX_COLUMNS]


def can_slice(values: pd.Series) -> bool:
    """Whether a column's values repeat enough, or can be binned."""
    if isinstance(values.iloc[0], np.ndarray):
        return False
    has_order = types.is_numeric_dtype(values) or types.is_datetime64_any_dtype(values)
    return has_order or values.nunique() <= len(values) / 10
