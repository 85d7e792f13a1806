"""The steps of one window through the model, and the attribution of its parts (occlusion)."""

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import preprocessing
from ..config import Config
from ..series import window_shape

MEANING = "mean change of the forecast, in the target's unit, when the part is missing"
NUM_PARTS = 6  # of the target's history


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """None: the encoded window has all that is engineered."""
    del config, serving_model, example
    return {}


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The mean absolute change of the median forecast without a column or a part of the target's history."""
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    hidden = hideable(config, arrays)
    variants = {column: np.repeat(cells, len(hidden) + 1, axis=0) for column, cells in arrays.items()}
    for row, (column, places) in enumerate(hidden.values(), 1):
        variants[column][row, places] = np.nan if variants[column].dtype.kind == "f" else ""
    median = serving_model.predict_on_batch(variants)["forecast"].astype("float64")
    changes = np.abs(median[1:] - median[:1]).reshape(len(hidden), -1).mean(axis=1)
    return dict(zip(hidden, changes.tolist(), strict=True))


def hideable(config: Config, arrays: dict[str, np.ndarray]) -> dict[str, tuple[str, slice]]:
    """The parts that are hidden in turn, by name: a column and the steps of it."""
    shape = window_shape.of_project(config)
    ends = np.linspace(0, shape.context, min(NUM_PARTS, shape.context) + 1).astype(int)
    found = {
        f"{config.target}, {shape.context - start} to {shape.context - stop + 1} steps before": (
            config.target,
            slice(start, stop),
        )
        for start, stop in pairwise(ends)
    }
    others = [name for name, kind in shape.kinds.items() if kind != "time" and arrays[name].ndim > 1]
    return found | {name: (name, slice(None)) for name in others if name != config.target}
