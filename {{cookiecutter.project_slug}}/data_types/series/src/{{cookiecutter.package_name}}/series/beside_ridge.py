"""A ridge regression on the history beside a network: of short series it is often better, and more often both are.

That combined forecasts err less is old knowledge (Bates and Granger 1969), and so is that equal weights are hard to
beat (Clemen 1989): the few windows of a short validation split would often give all to one of them.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

RIDGE = "ridge"  # the layer that has the ridge regression
PENALTIES = (1.0, 10.0, 100.0, 1000.0)  # of squared weights, where errors are squared on the standardised scale
ALONE = np.eye(len(PENALTIES), dtype="float32")  # one regression, the network not at all
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)  # of a regression; more than half would rest on few windows
CANDIDATES = np.vstack([0 * ALONE[:1], *(share * ALONE for share in SHARES)])
TINY = 1e-6  # the penalty of intercepts: without a usable window, all weights are 0
MAX_NUMBERS = 20_000_000  # by which the regression is found; of longer histories of many targets, there is none


@keras.saving.register_keras_serializable(package="series")
class BesideRidge(keras.layers.Layer):
    """Moves all quantiles of a forecast towards a ridge regression (Hoerl and Kennard 1970), by its share.

    There is a regression for each target, step and penalty, on the history less its last value. Training sees the
    network alone; else one of the regressions has the share that `WithRidge` finds.
    Shapes: forecasts (batch, horizon, num_targets, num_quantiles), and what `Normalize` gives, past (batch, context,
    num_targets), mean and deviation (batch, 1, num_targets), to (batch, horizon, num_targets, num_quantiles).
    """

    def __init__(self, median: int, **options: Any) -> None:
        """Takes the place of the median among the quantiles."""
        super().__init__(**options)
        self.median = median

    def build(self, input_shape: Any) -> None:
        """Creates the regressions, which `fit` fits, and their shares, 0 at first."""
        (_, horizon, num_targets, _), (_, context, _), *_ = input_shape
        shape = (len(PENALTIES), num_targets, context + 1, horizon)  # the last weights are the intercepts
        self.kernels = self.add_weight(name="kernels", shape=shape, initializer="zeros", trainable=False)
        self.shares = self.add_weight(name="shares", shape=shape[:1], initializer="zeros", trainable=False)

    def changes(self, past: Any, mean: Any, deviation: Any) -> tuple[Any, Any]:
        """What regressions see, the history less its last value and a 1, (batch, num_targets, context + 1); that value.

        The last value is (batch, 1, num_targets).
        """
        history = ops.transpose((past - past[:, -1:]) * deviation, (0, 2, 1))
        return ops.pad(history, ((0, 0), (0, 0), (0, 1)), constant_values=1.0), past[:, -1:] * deviation + mean

    def fit(self, batches: tf.data.Dataset, normalized: keras.Model) -> None:
        """Fits the regressions to windows; `normalized` gives past, mean and deviation of the network's inputs.

        Windows with missing values ahead are left out.
        """
        _, num_targets, size, horizon = self.kernels.shape
        squares, products = np.zeros((num_targets, size, size)), np.zeros((num_targets, size, horizon))
        for inputs, targets, *weights in batches:
            changes, last = (ops.convert_to_numpy(each) for each in self.changes(*normalized(inputs)))
            wanted = np.transpose(targets - last, (0, 2, 1)).astype(float)  # (batch, num_targets, horizon)
            is_known = np.isfinite(wanted).all(axis=2, keepdims=True)
            weighted = changes * is_known * (weights[0].numpy()[:, None, None] if weights else 1.0)
            across = np.transpose(weighted, (1, 2, 0)).astype(float)
            squares += across @ np.transpose(changes, (1, 0, 2))
            products += across @ np.transpose(np.where(is_known, wanted, 0.0), (1, 0, 2))
        penalties = [np.diag([*[each] * (size - 1), TINY]) for each in PENALTIES]
        kernels = [np.linalg.solve(squares + each, products) for each in penalties]
        self.kernels.assign(np.stack(kernels))

    def call(self, inputs: list[Any], training: bool = False) -> Any:
        """Moves forecasts by the shares."""
        return inputs[0] if training else self.moved(inputs, self.shares)

    def moved(self, inputs: list[Any], shares: Any) -> Any:
        """Forecasts + shares * (regressions - median), for shares (number of penalties,).

        As one reduction, since TensorFlow regroups chains of additions in exported graphs, which changes the last
        digits.
        """
        forecasts, *normalized = inputs
        changes, last = self.changes(*normalized)
        kernel, share = ops.einsum("p,ptch->tch", shares, self.kernels), ops.sum(shares)
        mapped = ops.transpose(ops.matmul(ops.transpose(changes, (1, 0, 2)), kernel), (1, 2, 0))
        parts = [mapped, share * last, -share * forecasts[..., self.median]]  # (batch, horizon or 1, num_targets)
        terms = [forecasts, *(ops.broadcast_to(each[..., None], ops.shape(forecasts)) for each in parts)]
        return ops.sum(ops.stack(terms), axis=0)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Keeps that of the forecasts."""
        shape: tuple[int | None, ...] = input_shape[0]
        return shape

    def get_config(self) -> dict[str, Any]:
        """Adds the place of the median."""
        return {**super().get_config(), "median": self.median}


class WithRidge(keras.Model):
    """A network with a layer RIDGE: `fit` fits its regressions first, and each validation finds the best share."""

    needs_whole_split = True  # of several workers each scores it on all validation windows

    def __init__(self, *args: Any, **options: Any) -> None:
        """As `keras.Model`."""
        super().__init__(*args, **options)
        self.losses_of_shares = tf.function(self.losses_of, reduce_retracing=True)

    def fit(self, x: tf.data.Dataset, **options: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`; `x` may have been shared out among several devices."""
        ridge = self.get_layer(RIDGE)
        ridge.fit(getattr(x, "whole", x), keras.Model(self.input, ridge.input[1:]))
        return super().fit(x, **options)

    def evaluate(self, x: tf.data.Dataset, **options: Any) -> Any:
        """As `keras.Model.evaluate`, with the regression and the share that give these batches the smallest loss."""
        losses = sum(len(labels[0]) * self.losses_of_shares(inputs, labels) for inputs, *labels in x)
        best = np.argmin(np.nan_to_num(losses, nan=np.inf))
        self.get_layer(RIDGE).shares.assign(CANDIDATES[best])
        return super().evaluate(x, **options)

    def losses_of(self, inputs: dict[str, tf.Tensor], labels: list[tf.Tensor]) -> tf.Tensor:
        """The loss of a batch with each of CANDIDATES, (num_candidates,)."""
        ridge = self.get_layer(RIDGE)
        tensors = keras.Model(self.input, ridge.input)(inputs, training=False)
        moves = tf.stack([ridge.moved(tensors, alone) for alone in ALONE]) - tensors[0]

        def loss(shares: tf.Tensor) -> tf.Tensor:
            return self.loss(labels[0], tensors[0] + tf.tensordot(shares, moves, 1), *labels[1:])

        return tf.map_fn(loss, tf.constant(CANDIDATES), fn_output_signature="float32")


def add(tensors: list[keras.KerasTensor], median: int) -> tuple[type[keras.Model], keras.KerasTensor]:
    """The class of a model with regressions beside it, and its output; `tensors` are the inputs of `BesideRidge`.

    Where finding them would take 200 MB or more, it is a plain model, and the output is the network's forecasts.
    """
    horizon, (_, context, num_targets) = tensors[0].shape[1], tensors[1].shape
    if num_targets * (context + 1) * (context + 1 + len(PENALTIES) * horizon) > MAX_NUMBERS:
        return keras.Model, tensors[0]
    return WithRidge, BesideRidge(median, dtype=keras.config.floatx(), name=RIDGE)(tensors)
