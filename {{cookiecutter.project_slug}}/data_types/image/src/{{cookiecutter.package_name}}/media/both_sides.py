"""Networks that answer the same for an image and its mirror image: they see both, and the mean counts."""

from typing import Any

import keras
from keras import ops

COLUMNS = 2  # the axis along which images and feature maps are mirrored


@keras.saving.register_keras_serializable(package="media")
class AppendMirrored(keras.layers.Layer):
    """Images (batch, height, width, channels), and behind them the mirrored ones: (2 * batch, height, width, channels).

    In training they stay alone: there each is mirrored at random.
    """

    def call(self, images: Any, training: bool = False) -> Any:
        """Appends the mirrored images."""
        return images if training else ops.concatenate([images, ops.flip(images, COLUMNS)], axis=0)


@keras.saving.register_keras_serializable(package="media")
class MeanOfSides(keras.layers.Layer):
    """The mean over both sides of maps: (2 * batch, rows, columns, features) to (batch, rows, columns, features)."""

    def call(self, maps: Any, training: bool = False) -> Any:
        """Turns those of the mirrored images back, and takes the mean; in training there are none."""
        if training:
            return maps
        images, mirrored = ops.unstack(ops.reshape(maps, (2, -1, *maps.shape[1:])), axis=0)
        return (images + ops.flip(mirrored, COLUMNS)) / 2
