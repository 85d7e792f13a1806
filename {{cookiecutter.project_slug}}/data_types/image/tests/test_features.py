"""Augmentation: images change in training only."""

from typing import Any

import keras
import numpy as np
import pytest

from project import features
from project.core.errors import InputError

from declared import Config

ALL: Any = ("flip", "shift", "rotate", "zoom", "color", "erase", "randaugment")


def pixels(channels: int) -> np.ndarray:
    one = np.random.default_rng(0).integers(0, 256, (16, 16, channels))
    return np.repeat(one[None], 6, axis=0).astype("float32")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ALL)
def test_each_augmentation_changes_training_images_only(name: Any, channels: int) -> None:
    if name == "randaugment" and channels == 1:
        with pytest.raises(InputError, match="grey"):
            features.augment(keras.Input((16, 16, 1)), Config(augmentation=(name,)), 1.0)
        return
    keras.utils.set_random_seed(0)
    inputs = keras.Input((16, 16, channels))
    layer = keras.Model(inputs, features.augment(inputs, Config(augmentation=(name,)), 1.0))
    images = pixels(channels)
    np.testing.assert_array_equal(layer(images, training=False), images)
    changed = np.concatenate([keras.ops.convert_to_numpy(layer(images, training=True)) for _ in range(4)])
    assert changed.shape == (24, 16, 16, channels)
    assert np.abs(changed - np.tile(images, (4, 1, 1, 1))).max() > 0


def test_a_strength_of_nothing_leaves_no_layer() -> None:
    inputs = keras.Input((16, 16, 3))
    assert features.augment(inputs, Config(augmentation=ALL), 0.0) is inputs
