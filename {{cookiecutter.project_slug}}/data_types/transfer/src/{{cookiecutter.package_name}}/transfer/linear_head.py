"""A head that is a linear model, fitted to all examples at once."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy import optimize

from ..data import batching

ITERATIONS, TOLERANCE = 100, 1e-6  # most steps of a fit, and the relative change of the loss that ends it
LARGEST = 5.0  # logarithm of what logits are multiplied by
SCALE_DEVIATION = 1.0  # of the logarithm of how sure a head should be, before the validation split is seen
COMMON = 10  # examples by which a feature's variance is known as well as by the variance of all features


def layers_of(network: keras.Model) -> list[keras.layers.Layer]:
    """The layers that have weights of their own, in their order, those of networks inside as well."""
    inside = [layers_of(layer) if isinstance(layer, keras.Model) else [layer] for layer in network.layers]
    return [layer for layers in inside for layer in layers if layer.weights]


def linear_layer(head: keras.Model) -> Any:
    """The dense layer by which a head is a linear model: the only one with a kernel, the first with weights to train.

    None: it is no linear model.
    """
    trained = [layer for layer in layers_of(head) if layer.trainable_weights]
    if not trained or not isinstance(trained[0], (keras.layers.Dense, keras.layers.EinsumDense)):
        return None
    return None if any(hasattr(layer, "kernel") for layer in trained[1:]) else trained[0]


class LinearFit:
    """Fits a linear model to all examples at once, by L-BFGS, with a penalty on its squared weights.

    They are those of scaled features. Scales are standard deviations, which few examples tell for all features rather
    than for each.
    """

    def __init__(self, first: Any, last: keras.KerasTensor, loss: keras.losses.Loss, batches: tf.data.Dataset) -> None:
        """Takes the inputs and the output of a model with a `linear_layer`, and the batches to fit it to."""
        self.model = keras.Model(first, last)
        self.layer = linear_layer(self.model)
        self.tail, self.loss = keras.Model(self.layer.input, last), loss
        before = keras.Model(first, keras.layers.Identity()(self.layer.input))  # which may be the first itself
        seen, *beside = batching.outputs_and_labels(before, batches)
        axes = tuple(range(seen.ndim - len(self.layer.kernel.shape) + 1))  # but (width,) or (members, width)
        share, variances = len(seen) / (len(seen) + COMMON), seen.var(axes)
        scales = np.sqrt(share * variances + (1 - share) * (variances.mean() or 1.0))
        means = seen.mean(axes) / scales if self.layer.bias is not None else 0 * scales
        self.examples = [each if each is None else tf.constant(each) for each in (seen / scales - means, *beside)]
        self.scales, self.means, self.strength = scales[..., None], means[..., None], seen.shape[-1] / len(seen)

    def minimize(self, penalty: float, goes_on: Callable[[int], bool]) -> None:
        """Goes on from the present weights for at most ITERATIONS, as long as `goes_on` says so after each."""
        step = itertools.count()

        def end(_: np.ndarray) -> None:
            if not goes_on(next(step)):
                raise StopIteration

        self.rescale(to_scaled=True)
        start = np.concatenate([np.ravel(variable) for variable in self.tail.trainable_variables])
        strength = tf.constant(penalty * self.strength, "float32")
        found = optimize.minimize(
            lambda point: [
                each.numpy().astype("float64") for each in self.value(tf.constant(point, "float32"), strength)
            ],
            start,
            jac=True,
            method="L-BFGS-B",
            callback=end,
            options={"maxiter": ITERATIONS, "ftol": TOLERANCE},
        )
        self.assign(tf.constant(found.x, "float32"))
        self.rescale(to_scaled=False)

    def sharpen(self, batches: tf.data.Dataset) -> None:
        """Multiplies logits by what gives these batches the smallest loss; the order of the answers stays the same.

        A penalty by which all is right leaves them unsure. A prior keeps a few examples that are all right from making
        them too sure. Layers with weights after the linear one would have to be multiplied, too: there nothing is done.
        """
        if len(self.tail.trainable_variables) > len(self.layer.trainable_variables):
            return
        outputs, targets, weights = batching.outputs_and_labels(self.model, batches)

        def penalised(log_scale: float) -> float:
            prior = 0.5 * (log_scale / SCALE_DEVIATION) ** 2 / len(targets)
            return float(self.loss(targets, np.exp(log_scale) * outputs, weights)) + prior

        best = optimize.minimize_scalar(penalised, bounds=(-LARGEST, LARGEST), method="bounded")
        for variable in self.layer.trainable_variables:
            variable.assign(np.exp(best.x) * variable)

    @tf.function
    def value(self, point: tf.Tensor, strength: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The penalised loss and its gradient at a point (num_weights,)."""
        self.assign(point)
        variables = [variable.value for variable in self.tail.trainable_variables]
        seen, targets, weights = self.examples
        with tf.GradientTape() as tape:
            loss = self.loss(targets, self.tail(seen, training=False), weights)
            loss += strength / 2 * tf.reduce_sum(tf.square(self.layer.kernel.value))
        return loss, tf.concat([tf.reshape(each, [-1]) for each in tape.gradient(loss, variables)], axis=0)

    def assign(self, point: tf.Tensor) -> None:
        """Sets all weights."""
        variables = self.tail.trainable_variables
        parts = tf.split(point, [math.prod(variable.shape) for variable in variables])
        for variable, part in zip(variables, parts, strict=True):
            variable.assign(tf.reshape(part, variable.shape))

    def rescale(self, *, to_scaled: bool) -> None:
        """Changes the weights from those of features to those of scaled features, or back: outputs stay the same."""
        kernel, bias = self.layer.kernel, self.layer.bias
        if to_scaled:
            kernel.assign(kernel * self.scales)
        shift = (self.means * kernel.numpy()).sum(axis=-2)
        if bias is not None:
            bias.assign(bias + (shift if to_scaled else -shift))
        if not to_scaled:
            kernel.assign(kernel / self.scales)
