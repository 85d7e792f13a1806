"""The steps of one row through the model, and the attribution of its columns."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import features, preprocessing
from ..config import Config
from ..data import batching, loading
from ..data.columns import describe_columns
from .inference import explained_outputs

NUM_BACKGROUND = 100  # training examples whose values replace those of the row
MEANING = "mean drop in log-odds, or in the predicted number, when the column takes values of other rows"


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The clean columns, and what `features.engineer` adds to them, by name."""
    train = loading.read_examples(config, "train")
    inputs = preprocessing.raw_inputs(config, train)
    cleaned = preprocessing.clean(inputs, describe_columns(config, train))
    engineered = features.engineer(cleaned)
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    clean = {"number": cleaned.numbers, "category": cleaned.categories, "date": cleaned.dates, "text": cleaned.texts}
    before = {f"{name} ({kind})": arrays[name][0] for kind, columns in clean.items() for name in columns}
    tensors = {**engineered.numbers, **engineered.categories, **engineered.texts}
    added = {name: tensor for name, tensor in tensors.items() if name not in inputs}
    if not added:
        return {"clean": before}
    values = keras.Model(inputs, added).predict_on_batch(arrays)
    return {"clean": before, "engineered": {name: value[0] for name, value in values.items()}}


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each column: the mean drop when values of training examples replace its own.

    Of columns that carry the same information each contributes little.
    """
    train = loading.read_examples(config, "train")
    drawn = train.sample(min(NUM_BACKGROUND, len(train)), random_state=config.seed)
    whole = preprocessing.raw_arrays(serving_model.input, example)
    others = preprocessing.raw_arrays(serving_model.input, drawn)
    size = len(drawn)
    columns = list(whole)
    stacked = {name: np.repeat(values, 1 + size * len(columns)) for name, values in whole.items()}
    for place, name in enumerate(columns):
        stacked[name][1 + place * size : 1 + (place + 1) * size] = others[name]
    outputs = batching.run_in_batches(serving_model, stacked, preprocessing.ENCODING_BATCH)
    _, left = explained_outputs(outputs)[0]
    means = left[1:].reshape(len(columns), size).mean(axis=1)
    return {name: float(left[0] - mean) for name, mean in zip(columns, means, strict=True)}
