"""Whether the collected targets can be learnt; apart from task.py, so that collecting need not load TensorFlow."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError

IS_NAME = False  # whether targets are names, even if all are digits
IS_SET = False  # whether a target is a set of labels
IS_FREE = False  # whether targets are free texts, which differ from example to example
FEW_STEPS = 300  # of training: below, a network learns hardly more than a seasonal naive forecast knows


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


def check_targets(config: Config, values: Mapping[str, pd.Series]) -> list[str]:
    """Checks that targets are numbers that vary, given by split; returns notes for the person.

    Raises:
        InputError: they are not numbers, infinite or all the same.
    """
    together = pd.concat(values.values())
    if not types.is_numeric_dtype(together) or types.is_bool_dtype(together):
        message = f"target {config.target!r} holds cells such as {together.tolist()[0]!r}; a forecast needs numbers"
        raise InputError(f"{message}: choose another target, or fix the cells")
    if not np.isfinite(together.to_numpy("float64")).all():
        raise InputError(f"target {config.target!r} holds infinite numbers; finite ones are needed: fix them")
    if values["train"].nunique() < 2:
        message = f"target {config.target!r} is {together.iloc[0]} in every training row"
        raise InputError(f"{message}; one that varies is needed: check `target`, or collect more rows")
    num_steps = len(values["train"])
    return [f"only {num_steps:,} rows to learn from: expect little"] if num_steps < FEW_STEPS else []


def lacking(split: str, train: pd.Series, present: pd.Series) -> str:
    """Which classes of the training split another split lacks: there are none."""
    del split, train, present
    return ""
