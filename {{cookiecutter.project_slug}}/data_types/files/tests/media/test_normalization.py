"""Batch normalization as one operation computes what Keras's own does."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from project.media.normalization import FusedBatchNormalization

MAPS = np.random.default_rng(0).normal(3, 2, (8, 5, 6, 4)).astype("float32")  # (batch, rows, columns, channels)
KEPT = (keras.layers.BatchNormalization, FusedBatchNormalization)


def pair(**options: Any) -> list[keras.layers.Layer]:
    """Keras's layer and the fused one, with the same weights, which are not those that they begin with."""
    made = [kind(momentum=0.9, **options) for kind in KEPT]
    for layer in made:
        layer.build(MAPS.shape)
        rows = np.random.default_rng(1).uniform(0.5, 2, (len(layer.weights), MAPS.shape[-1]))
        layer.set_weights(list(rows.astype("float32")))
    return made


def trained(layer: keras.layers.Layer, inputs: np.ndarray = MAPS) -> list[np.ndarray]:
    """The outputs, the gradients by inputs and weights, and the moving averages after a training step."""
    tensor = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        outputs = layer(tensor, training=True)
        total = tf.reduce_sum(tf.cast(outputs, "float32") ** 3)
    gradients = tape.gradient(total, [tensor, *(weights.value for weights in layer.trainable_weights)])
    return [each.numpy() for each in (outputs, *gradients, layer.moving_mean.value, layer.moving_variance.value)]


def test_a_training_step_is_that_of_keras() -> None:
    expected, found = map(trained, pair())
    assert len(found) == 6
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)


def test_a_training_step_is_one_operation() -> None:
    operations = [
        {each.type for each in tf.function(layer).get_concrete_function(MAPS, training=True).graph.get_operations()}
        for layer in pair()
    ]
    assert ["FusedBatchNormV3" in each for each in operations] == [False, True]


def test_inference_is_that_of_keras() -> None:
    expected, found = (layer(MAPS, training=False).numpy() for layer in pair())
    np.testing.assert_array_equal(expected, found)


@pytest.mark.parametrize(
    ("inputs", "options"),
    [(MAPS[:, 0], {}), (MAPS, {"scale": False}), (MAPS, {"axis": 1}), (MAPS, {"dtype": "float64"})],
)
def test_what_is_not_fused_is_left_to_keras(inputs: np.ndarray, options: dict[str, Any]) -> None:
    outputs = [kind(**options)(inputs, training=True).numpy() for kind in KEPT]
    np.testing.assert_array_equal(*outputs)


def test_a_frozen_layer_stays_as_it_is() -> None:
    _, layer = pair()
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(MAPS, training=True), layer(MAPS, training=False))
    assert all(map(np.array_equal, before, layer.get_weights()))


def test_mixed_precision_keeps_the_averages_in_full_precision() -> None:
    layer = FusedBatchNormalization(dtype="mixed_bfloat16")
    assert layer(MAPS, training=True).dtype == "bfloat16"
    assert {weights.dtype for weights in layer.weights} == {"float32"}


def test_a_saved_network_has_it_again(tmp_path: Any) -> None:
    network = keras.Sequential([keras.Input(MAPS.shape[1:]), FusedBatchNormalization()])
    network.save(tmp_path / "network.keras")
    assert isinstance(keras.models.load_model(tmp_path / "network.keras").layers[0], FusedBatchNormalization)
