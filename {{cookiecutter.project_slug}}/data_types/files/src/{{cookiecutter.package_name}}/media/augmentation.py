"""How training examples are changed at random: the base of the layers that do, and MixUp."""

from typing import Any

import keras
import tensorflow as tf


class RandomLayer(keras.layers.Layer):
    """Calls `augment` in training and does nothing otherwise, so that an export is deterministic."""

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        """Takes the seed of the random numbers; computes in full precision, whatever the network does."""
        super().__init__(**{"dtype": keras.config.floatx(), **options})
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def uniform(self, shape: Any, low: float, high: float) -> Any:
        """Random numbers from the layer's own generator, whose state is part of a checkpoint."""
        return keras.random.uniform(shape, low, high, seed=self.seed_generator)

    def augment(self, inputs: Any) -> Any:
        """A changed copy of the inputs, of the same shape."""
        raise NotImplementedError

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Changes examples in training only."""
        return self.augment(inputs) if training else inputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Keeps the shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Adds the seed."""
        return {**super().get_config(), "seed": self.seed}


def mix(batches: tf.data.Dataset, alpha: float, seed: int, epoch: tf.Variable) -> tf.data.Dataset:
    """Mixes each example of a batch with another one of it (Zhang et al. 2018).

    The target, with its weight, is that of either, drawn by its share in the mixture: on average that is the loss on
    mixed targets, for any loss that is linear in them. All is drawn by the seed and the numbers of epoch and batch.
    keras.layers.MixUp takes images and one-hot labels only, and draws by a count of its own that no checkpoint holds: a
    training that goes on after a kill would see other mixtures.
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
