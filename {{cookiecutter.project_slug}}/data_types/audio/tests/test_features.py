"""Augmentation changes training examples, each in its own way, and nothing in service."""

import keras
import numpy as np
import pytest

from project import features
from project.media.decoding import StandardizedDecibels


@pytest.fixture(params=["speed", "noise", "mask"])
def layer(request: pytest.FixtureRequest) -> keras.layers.Layer:
    layers = {
        "speed": features.RandomSpeedAndShift(0.2, 0.1, seed=0),
        "noise": features.RandomNoise(0.3, seed=0),
        "mask": features.RandomMask(0.3, 0.3, seed=0),
    }
    return layers[request.param]


def examples(layer: keras.layers.Layer) -> np.ndarray:
    shape = (6, 50, 40) if isinstance(layer, features.RandomMask) else (6, 4_000)
    one = np.random.default_rng(0).normal(size=shape[1:])
    return np.repeat(one[None], 6, axis=0).astype("float32")


def test_training_changes_each_example_in_its_own_way(layer: keras.layers.Layer) -> None:
    inputs = examples(layer)
    changed = keras.ops.convert_to_numpy(layer(inputs, training=True))
    assert changed.shape == inputs.shape
    assert all(np.abs(changed[place] - inputs[place]).max() > 0 for place in range(6))
    assert len({array.tobytes() for array in changed}) == 6


def test_service_changes_nothing_and_the_layer_can_be_saved(layer: keras.layers.Layer) -> None:
    inputs = examples(layer)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(inputs, training=False)), inputs)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_a_faster_tone_is_a_higher_one() -> None:
    times = np.arange(8_000) / 8_000
    tone = np.sin(2 * np.pi * 440 * times)[None].astype("float32")
    layer = features.RandomSpeedAndShift(0.3, 0.0, seed=3)
    heard = keras.ops.convert_to_numpy(layer(tone, training=True))[0, 2_500:5_500]
    pitch = np.abs(np.fft.rfft(heard)).argmax() * 8_000 / len(heard)
    assert 440 * np.exp(-0.3) <= pitch <= 440 * np.exp(0.3)
    assert abs(pitch - 440) > 10


def test_decibels_do_not_depend_on_gain_or_on_the_other_examples() -> None:
    power = np.random.default_rng(0).exponential(size=(3, 40, 50)).astype("float32")
    layer = StandardizedDecibels()
    together = keras.ops.convert_to_numpy(layer(power))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(power[:1] * 100)), together[:1], atol=1e-3)
    np.testing.assert_allclose(together.mean(axis=(1, 2)), 0, atol=1e-4)
    assert (keras.ops.convert_to_numpy(layer(np.zeros((1, 40, 50), "float32"))) == 0).all()
