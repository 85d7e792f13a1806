"""Class activation maps, what each part of a file contributed (occlusion), and predictions in a line of text."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from .. import model, preprocessing, task
from ..config import Config
from ..media import encoding, media
from ..reporting.report import format_number
from . import inference

MEANING = "drop in log-odds, or in the predicted number, when the part is hidden"


def prediction_text(predictions: dict[str, np.ndarray], row: int) -> str:
    """The prediction of an example in a line: the outputs that have one value."""
    values = [(name, array[row]) for name, array in predictions.items() if array.ndim == 1]
    texts = [value.decode() or "none" if isinstance(value, bytes) else format_number(value) for _, value in values]
    return ", ".join(f"{name} {text}" for (name, _), text in zip(values, texts, strict=True))


def class_activation(network: keras.Model, encoded: np.ndarray) -> np.ndarray:
    """Grad-CAM (Selvaraju et al. 2017) of encoded examples (num_examples, ...): (num_examples, rows, columns).

    The maps of the last convolution, weighted by how much each raises the largest output, scaled to reach 1.
    """
    maps_and_outputs = keras.Model(network.input, [network.get_layer(model.FEATURE_MAPS).output, network.output])
    with tf.GradientTape() as tape:
        maps, outputs = maps_and_outputs({media.COLUMN: tf.constant(encoded)}, training=False)
        largest = ops.sum(ops.max(outputs, axis=-1))  # outputs of an image depend on no other: one gradient for all
    weights = ops.mean(tape.gradient(largest, maps), axis=(1, 2), keepdims=True)
    heat = ops.relu(ops.sum(weights * maps, axis=-1))
    return ops.convert_to_numpy(heat / (ops.max(heat, axis=(1, 2), keepdims=True) + 1e-12))


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The file; its measurements are among the raw columns."""
    del config, serving_model  # which decodes it on the way to the network
    path = Path(example[media.COLUMN].iloc[0])
    return {"file": {"path": str(path), "bytes": path.stat().st_size}}


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each part of the file: occlusion (Zeiler and Fergus 2014) by the mean of the whole.

    If several labels are answered, the contribution to each, behind the name of the label.
    """
    del config  # every part is tried
    preprocessor = serving_model.get_layer("preprocessor")
    encoded = preprocessor.predict_on_batch(preprocessing.raw_arrays(serving_model.input, example))[media.COLUMN]
    parts = encoding.parts(preprocessor, encoded.shape[1:])
    variants = np.repeat(encoded, len(parts) + 1, axis=0)  # the first one stays whole
    for row, part in enumerate(parts.values(), 1):
        variants[row][part] = encoded[0].mean(axis=tuple(range(len(part)))).astype(encoded.dtype)
    decoded = serving_model.get_layer("decode")(
        serving_model.get_layer("network").predict_on_batch({media.COLUMN: variants})
    )
    target = inference.target_of(serving_model)
    outputs = task.aligned({name: values.numpy() for name, values in decoded.items()}, target, target)
    names = task.output_parts(target).get("probabilities", [])
    explained, contributions = inference.explained_outputs(outputs, names), dict[str, float]()
    for name, left in explained:
        label = f"{name}: " if len(explained) > 1 else ""
        contributions |= dict(zip([f"{label}{part}" for part in parts], (left[0] - left[1:]).tolist(), strict=True))
    return contributions
