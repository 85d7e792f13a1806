"""Whether the collected targets can be learnt; apart from task.py, so that collecting need not load TensorFlow."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError

IS_NAME = False  # whether targets are names, even if all are digits
IS_SET = False  # whether a target is a set of labels
IS_FREE = False  # whether targets are free texts, which differ from example to example
FEW_VALUES = 5  # distinct targets up to which they look like classes
ROWS_LOOKED_AT = 10_000  # first, since most tables tell by few rows


def prepare(config: Config, examples: pd.DataFrame) -> pd.DataFrame:
    """The examples with the target as it is written to the tables: as it was read."""
    del config
    return examples


def keep_rare(config: Config, values: pd.Series, draws: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """The splits, with what is rare in each of them: as they were drawn, (num_examples,) str."""
    del config, values, draws
    return splits


def without_rare(config: Config, values: pd.Series, trained: pd.Series, counted: pd.Series | None = None) -> pd.Series:
    """The targets without rare classes: there are none."""
    del config, trained, counted
    return values


def check_targets(config: Config, values: Mapping[str, Any]) -> list[str]:
    """Checks the targets by split, a series, or a table of several; returns notes for the person.

    Raises:
        InputError: they are not numbers, infinite or all the same, or a split has none of several.
    """
    if len(config.targets) == 1:
        return check_numbers(config.targets[0], values)
    notes = []
    for name in config.targets:
        known = {split: table[name].dropna() for split, table in values.items()}
        lacking = [split for split, numbers in known.items() if numbers.empty]
        if lacking:
            message = f"target {name!r} is missing in all examples of the {lacking[0]} split"
            raise InputError(f"{message}; collect more, or take it out of the setting target")
        notes += check_numbers(name, known)
    return notes


def check_numbers(name: str, values: Mapping[str, pd.Series]) -> list[str]:
    """Checks that a target has numbers that vary, given by split; returns notes for the person."""
    together = pd.concat(values.values())
    if not types.is_numeric_dtype(together) or types.is_bool_dtype(together):
        message = f"target {name!r} holds cells such as {together.iloc[0]}; a regression needs numbers"
        raise InputError(f"{message}: choose another target, fix the cells, or make a classification project")
    if not np.isfinite(together.to_numpy("float64")).all():
        raise InputError(f"target {name!r} holds infinite numbers; finite ones are needed: fix them")
    if values["train"].min() == values["train"].max():
        message = f"target {name!r} is {together.iloc[0]} in every training example"
        raise InputError(f"{message}; one that varies is needed: check `target`, or collect more examples")
    if together.iloc[:ROWS_LOOKED_AT].nunique() > FEW_VALUES or (num_values := together.nunique()) > FEW_VALUES:
        return []
    return [f"target {name} has only {num_values} different values: it may be a case for classification"]


def lacking(split: str, train: pd.Series, present: pd.Series) -> str:
    """Which classes of the training split another split lacks: there are none."""
    del split, train, present
    return ""
