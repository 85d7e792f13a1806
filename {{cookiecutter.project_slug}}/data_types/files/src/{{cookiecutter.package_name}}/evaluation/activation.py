"""Class activation maps, and predictions in a line of text."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from .. import model
from ..media import media
from ..reporting.report import format_number


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
