"""One row of a table on its way: its clean and engineered columns, and what each column contributed."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import features, preprocessing
from ..columns import describe_columns
from ..config import Config
from ..data import batching, loading
from .inference import amounts

NUM_STAND_INS = 100  # training examples whose values stand in for those of the row
MEANING = (
    "how much the logarithm of the odds, or the number, falls on average if the column has the value of another row"
)


def steps(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The clean columns, and what `features.engineer` adds to them, by name."""
    train = loading.read_examples(config, "train")
    inputs = preprocessing.raw_inputs(config, train)
    cleaned = preprocessing.clean(inputs, describe_columns(config, train))
    engineered = features.engineer(cleaned)
    arrays = preprocessing.raw_arrays(complete.input, example)
    clean = {"number": cleaned.numbers, "category": cleaned.categories, "date": cleaned.dates, "text": cleaned.texts}
    before = {f"{name} ({kind})": arrays[name][0] for kind, columns in clean.items() for name in columns}
    tensors = {**engineered.numbers, **engineered.categories, **engineered.texts}
    added = {name: tensor for name, tensor in tensors.items() if name not in inputs}
    if not added:
        return {"clean": before}
    values = keras.Model(inputs, added).predict_on_batch(arrays)
    return {"clean": before, "engineered": {name: value[0] for name, value in values.items()}}


def attributions(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """What each column contributed to the prediction: what is lost without it, averaged over stand-ins for its value.

    Columns that carry the same information stand in for each other, and then contribute little each.
    """
    train = loading.read_examples(config, "train")
    drawn = train.sample(min(NUM_STAND_INS, len(train)), random_state=config.seed)
    whole = preprocessing.raw_arrays(complete.input, example)
    others = preprocessing.raw_arrays(complete.input, drawn)
    size = len(drawn)
    columns = list(whole)
    stacked = {name: np.repeat(values, 1 + size * len(columns)) for name, values in whole.items()}
    for place, name in enumerate(columns):
        stacked[name][1 + place * size : 1 + (place + 1) * size] = others[name]
    outputs = batching.run_in_batches(complete, stacked, preprocessing.ENCODING_BATCH)
    left = amounts(outputs, np.zeros(1 + size * len(columns), int))
    means = left[1:].reshape(len(columns), size).mean(axis=1)
    return {name: float(left[0] - mean) for name, mean in zip(columns, means, strict=True)}
