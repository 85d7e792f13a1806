"""Predictions of the trained model, for the stages that judge it."""

from collections.abc import Mapping

import keras
import numpy as np
import pandas as pd

from .. import model as _model  # noqa: F401  # pyright: ignore[reportUnusedImport] - its layers are to be known
from .. import preprocessing, task
from ..config import Config
from ..core import artifacts
from ..data import tables


def load_model(config: Config) -> keras.Model:
    """The trained model: raw inputs to decoded predictions."""
    complete: keras.Model = keras.models.load_model(artifacts.require(config.paths.model, "train"))
    return complete


def target_of(complete: keras.Model) -> task.Target:
    """What training learned of the target."""
    target: task.Target = complete.get_layer("decode").target
    return target


def predict(complete: keras.Model, examples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The decoded predictions, by output, each (num_examples, ...)."""
    size = preprocessing.PREDICTION_BATCH
    batches = [
        complete.predict_on_batch(preprocessing.raw_arrays(complete.input, examples.iloc[start : start + size]))
        for start in range(0, len(examples), size)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def as_text(values: np.ndarray) -> np.ndarray:
    """TensorFlow's bytes as texts; numbers as they are."""
    return np.char.decode(values.astype(bytes), "utf-8") if values.dtype == object else values


def identity(config: Config) -> dict[str, str]:
    """The content hashes by which metrics, verdicts and exports say which model and data they are about."""
    model = artifacts.content_hash(artifacts.require(config.paths.model, "train"))
    return {"model": model, "data": tables.data_hash(config)}


def amounts(outputs: Mapping[str, np.ndarray], whole: np.ndarray) -> np.ndarray:
    """How much of what was predicted for the whole example there is in each variant of it, (num_variants,).

    The logarithm of the odds of the class that was predicted, or the predicted number. `whole` is the row of the whole
    example of each variant, (num_variants,).
    """
    if "probabilities" not in outputs:
        return outputs["prediction"].astype("float64")
    leading = outputs["probabilities"][whole].argmax(axis=1)
    probability = np.clip(outputs["probabilities"][np.arange(len(whole)), leading].astype("float64"), 1e-6, 1 - 1e-6)
    return np.log(probability / (1 - probability))
