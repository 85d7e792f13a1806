"""Tests of media/normalization.py: the same as Keras computes, wherever one operation does it and wherever not."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from project.media.normalization import FusedBatchNormalization

SHAPE = (8, 5, 4, 3)
OPTIONS = [{}, {"scale": False}, {"axis": 1}, {"synchronized": True}, {"dtype": "mixed_bfloat16"}]


def pair(inputs: np.ndarray, **options: Any) -> list[tuple[keras.layers.Layer, np.ndarray, np.ndarray]]:
    """Layer, outputs in training and gradient by the inputs, of Keras and of ours, with the same weights."""
    found = []
    for kind in (keras.layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(momentum=0.9, **options)
        layer.build(inputs.shape)
        layer.set_weights([weight + 0.1 * np.arange(len(weight)) for weight in layer.get_weights()])
        tensor = tf.constant(inputs)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            outputs = layer(tensor, training=True)
            outputs = tf.cast(outputs, "float32")
            loss = tf.reduce_sum(outputs**3)
        found.append((layer, outputs.numpy(), tape.gradient(loss, tensor).numpy()))
    return found


@pytest.mark.parametrize("options", OPTIONS)
def test_training_is_that_of_keras(options: dict[str, Any]) -> None:
    """Outputs and gradients, and the moving averages but for the correction of the variance."""
    inputs = np.random.default_rng(0).normal(2, 3, SHAPE).astype("float32")
    (keras_layer, expected, slope), (layer, outputs, own_slope) = pair(inputs, **options)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(own_slope, slope, rtol=1e-3, atol=2e-3)
    size = SHAPE[0] * SHAPE[1] * SHAPE[2]
    for own, weight in zip(layer.get_weights(), keras_layer.get_weights(), strict=True):
        np.testing.assert_allclose(own, weight, rtol=1 / size)


def test_fused_operation_is_used_in_training_only() -> None:
    """Else the layer would be no faster, or an export would need the operation."""
    layer, inputs = FusedBatchNormalization(), keras.Input(SHAPE[1:])
    model = keras.Model(inputs, layer(inputs))
    for training in (True, False):
        graph = tf.function(lambda images, training=training: model(images, training=training))
        operations = {each.type for each in graph.get_concrete_function(tf.TensorSpec(SHAPE)).graph.get_operations()}
        assert ("FusedBatchNormV3" in operations) == training


def test_frozen_layer_keeps_its_averages() -> None:
    """Fine-tuning relies on it."""
    layer = FusedBatchNormalization()
    layer.build(SHAPE)
    layer.trainable = False
    before = layer.get_weights()
    layer(np.random.default_rng(0).normal(2, 3, SHAPE).astype("float32"), training=True)
    np.testing.assert_array_equal(before, layer.get_weights())


def test_kept_model_has_the_layer(tmp_path: Path) -> None:
    """With its weights and options."""
    inputs = keras.Input(SHAPE[1:])
    model = keras.Model(inputs, FusedBatchNormalization(momentum=0.9)(inputs))
    images = np.random.default_rng(0).normal(2, 3, SHAPE).astype("float32")
    model(images, training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[-1].momentum == 0.9
    np.testing.assert_array_equal(again.predict(images, verbose=0), model.predict(images, verbose=0))
