"""Reversible instance normalisation (RevIN, Kim et al. 2022): each history on its own scale, and forecasts back."""

from typing import Any

import keras
from keras import layers, ops

EPSILON = 1e-3  # of the variance of training data: a history that hardly moves is not blown up


@keras.saving.register_keras_serializable(package="series")
class Normalize(keras.layers.Layer):
    """Takes mean and deviation of what is known of each history, (batch, context, num_targets).

    Gives the normalised history, 0 where missing, and mean and deviation, (batch, 1, num_targets).
    """

    def call(self, past: Any, is_known: Any) -> tuple[Any, Any, Any]:
        """Normalises."""
        count = ops.maximum(ops.sum(is_known, axis=1, keepdims=True), 1.0)
        mean = ops.sum(past * is_known, axis=1, keepdims=True) / count
        centered = (past - mean) * is_known
        deviation = ops.sqrt(ops.sum(ops.square(centered), axis=1, keepdims=True) / count + EPSILON)
        return centered / deviation, mean, deviation


@keras.saving.register_keras_serializable(package="series")
class Restore(keras.layers.Layer):
    """Brings forecasts (batch, horizon, num_targets, num_quantiles) back to the scale of `Normalize`'s input."""

    def call(self, forecasts: Any, mean: Any, deviation: Any) -> Any:
        """Restores."""
        return forecasts * ops.expand_dims(deviation, -1) + ops.expand_dims(mean, -1)


def level_term(mean: Any, deviation: Any, num_steps: int, num_quantiles: int) -> Any:
    """What level and scale of a history say about its future beside its shape, such as a return to the usual level.

    Takes what `Normalize` gives and gives (batch, num_steps, num_targets, num_quantiles) for `Restore`, 0 before
    training: linear in the level once it is restored.
    """
    relative = layers.Concatenate(axis=1)([mean / deviation, 1 / deviation])
    by_target = layers.Permute((2, 1))(relative)  # (batch, num_targets, 2)
    terms = layers.Dense(num_steps * num_quantiles, kernel_initializer="zeros", name="level_term")(by_target)
    split = layers.Reshape((mean.shape[-1], num_steps, num_quantiles))(terms)
    return layers.Permute((2, 1, 3))(split)
