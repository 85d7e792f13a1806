"""MixUp: training on mixtures of examples, so that the model is less sure between them.

keras.layers.MixUp takes images and one-hot labels only, and draws by a count of its own that no checkpoint holds: a
training that goes on after a kill would see other mixtures.
"""

from typing import Any

import tensorflow as tf


def mix(batches: tf.data.Dataset, alpha: float, seed: int, epoch: tf.Variable) -> tf.data.Dataset:
    """Mixes each example of a batch with another one of it (Zhang et al. 2018).

    The target, with its weight, is that of either, drawn by its share in the mixture: on average that is the loss on
    mixed targets, for any loss that is linear in them. All is drawn by the seed and the numbers of epoch and batch.
    """

    def mixed(number: tf.Tensor, batch: tuple[Any, ...]) -> tuple[Any, ...]:
        inputs, *labels = batch  # targets and, where examples are weighted, weights
        draw = tf.stack([seed + epoch.read_value(), tf.cast(number, "int32")])
        size = tf.shape(labels[0])[0]
        others = tf.random.experimental.stateless_shuffle(tf.range(size), draw)
        first, second = (tf.random.stateless_gamma([size], draw + shift, alpha) for shift in (1, 2))
        share = tf.math.divide_no_nan(first, first + second)  # (batch,), of a Beta distribution
        is_own = tf.random.stateless_uniform([size], draw + 3) < share
        mixtures = {name: blend(values, tf.gather(values, others), share) for name, values in inputs.items()}
        return mixtures, *(tf.gather(each, tf.where(is_own, tf.range(size), others)) for each in labels)

    return batches.enumerate().map(mixed, tf.data.AUTOTUNE)


def blend(values: tf.Tensor, others: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """The weighted mean of two tensors (batch, ...) of whole numbers."""
    weight = tf.reshape(share, (-1, *[1] * (len(values.shape) - 1)))
    mixture = weight * tf.cast(values, "float32") + (1 - weight) * tf.cast(others, "float32")
    return tf.cast(tf.round(mixture), values.dtype)
