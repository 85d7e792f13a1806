"""Predictions of the trained model for the stages that evaluate it."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from .. import model as _model  # noqa: F401  # pyright: ignore[reportUnusedImport] - registers its layers
from .. import task
from ..config import Config
from ..core import artifacts
from ..data import tables
from ..training.serving_model import predict

__all__ = ["as_text", "explained_output", "identity", "load_model", "predict", "read_model", "target_of"]


def load_model(config: Config) -> keras.Model:
    """The trained model: raw inputs to decoded predictions."""
    return read_model(config.paths.model, "train")


def read_model(path: Path, made_by: str) -> keras.Model:
    """A Keras model of a file, which the make target `made_by` writes."""
    with artifacts.reading(path, made_by):
        model: keras.Model = keras.models.load_model(path)
    return model


def target_of(serving_model: keras.Model) -> task.Target:
    """The target as training saw it, such as its classes or its scale."""
    target: task.Target = serving_model.get_layer("decode").target
    return target


def as_text(values: np.ndarray) -> np.ndarray:
    """TensorFlow's bytes as texts; numbers as they are."""
    return np.char.decode(values.astype(bytes), "utf-8") if values.dtype == object else values


def identity(config: Config) -> dict[str, str]:
    """The content hashes of the model and its data, which metrics, test evaluations and exports record."""
    model = artifacts.content_hash(artifacts.require(config.paths.model, "train"))
    return {"model": model, "data": tables.data_hash(config)}


def explained_output(outputs: Mapping[str, np.ndarray], whole: np.ndarray) -> np.ndarray:
    """The output that attributions explain, for each variant of an example, (num_variants,).

    The log-odds of the class that is predicted for the unchanged example, or the predicted number. `whole` is the row
    of the unchanged example of each variant, (num_variants,).
    """
    if "probabilities" not in outputs:
        return outputs["prediction"].astype("float64")
    leading = outputs["probabilities"][whole].argmax(axis=1)
    probability = np.clip(outputs["probabilities"][np.arange(len(whole)), leading].astype("float64"), 1e-6, 1 - 1e-6)
    return np.log(probability / (1 - probability))
