"""Reversible instance normalisation (RevIN, Kim et al. 2022): each history on its own scale, and forecasts back."""

from typing import Any

import keras
from keras import ops

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


@keras.saving.register_keras_serializable(package="series")
class LastValue(keras.initializers.Initializer):
    """Weights (steps, units) by which a linear map of a history begins as its last value, from which little is far."""

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
        """Gives 1 for the last step, 0 for others."""
        return ops.concatenate([ops.zeros((shape[0] - 1, shape[1]), dtype), ops.ones((1, shape[1]), dtype)], axis=0)
