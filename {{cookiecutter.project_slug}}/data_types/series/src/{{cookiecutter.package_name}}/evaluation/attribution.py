"""One window on its way to its forecast, and how much of it the forecast goes by."""

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import preprocessing
from ..config import Config
from ..series import window_shape

MEANING = "how much the forecast changes on average, in the target's unit, if this were missing"
STRETCHES = 6  # of the target's history


def steps(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """None: what is engineered of a window is what the network gets."""
    del config, complete, example
    return {}


def attributions(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """By how much the median changes, on the mean of its steps, without a column or a stretch of the target's past."""
    arrays = preprocessing.raw_arrays(complete.input, example)
    hidden = hideable(config, arrays)
    variants = {column: np.repeat(cells, len(hidden) + 1, axis=0) for column, cells in arrays.items()}
    for row, (column, places) in enumerate(hidden.values(), 1):
        variants[column][row, places] = np.nan if variants[column].dtype.kind == "f" else ""
    median = complete.predict_on_batch(variants)["forecast"].astype("float64")
    changes = np.abs(median[1:] - median[:1]).reshape(len(hidden), -1).mean(axis=1)
    return dict(zip(hidden, changes.tolist(), strict=True))


def hideable(config: Config, arrays: dict[str, np.ndarray]) -> dict[str, tuple[str, slice]]:
    """What can be missing, by its name: a column and the places in it."""
    shape = window_shape.of_project(config)
    ends = np.linspace(0, shape.context, min(STRETCHES, shape.context) + 1).astype(int)
    found = {
        f"{config.target}, {shape.context - start} to {shape.context - stop + 1} steps before": (
            config.target,
            slice(start, stop),
        )
        for start, stop in pairwise(ends)
    }
    others = [name for name, kind in shape.kinds.items() if kind != "time" and arrays[name].ndim > 1]
    return found | {name: (name, slice(None)) for name in others if name != config.target}
