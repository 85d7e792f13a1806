"""Batch normalization (Ioffe and Szegedy 2015) by one operation of TensorFlow instead of several of Keras."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="media")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Normalizes the channels of feature maps (batch, height, width, channels) as its base does, in less time.

    That is for training in single precision. The rest is left to the base: other precisions, statistics of several
    devices, masks, other axes. The moving variance takes up the unbiased variance of a batch, as Keras 2 did.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalizes by the batch's statistics in training, and by their moving averages otherwise."""
        if not (training and self.trainable and mask is None and self.is_plain(inputs)):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + value * (1 - self.momentum))
        return outputs

    def is_plain(self, inputs: Any) -> bool:
        """Whether the operation does all that the layer is to do."""
        is_usual = self.center and self.scale and not (self.synchronized or getattr(self, "renorm", False))
        is_image = len(inputs.shape) == 4 and self.axis in (-1, 3)
        return bool(is_usual and is_image and inputs.dtype == self.compute_dtype == "float32")
