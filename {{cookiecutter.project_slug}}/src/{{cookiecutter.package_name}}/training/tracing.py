"""The first step of training, during which TensorFlow traces the network: once, not twice."""

from typing import Any

import keras
import tensorflow as tf

from ..data import batching
from ..distributed import distribution


class TraceOnce(keras.callbacks.Callback):
    """Creates the variables of the optimizer and the metrics before the first step.

    Keras creates them in that step, and a function that creates variables is traced twice, which takes seconds.
    """

    def __init__(self, dataset: tf.data.Dataset) -> None:
        """Takes the dataset to train on, of (inputs, targets)."""
        super().__init__()
        self.zeros = batching.zeros(dataset)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Runs the network on an example of zeros without training."""
        del logs
        inputs, targets = self.zeros
        outputs = self.model(inputs, training=False)
        self.model.compute_loss(inputs, targets, outputs)
        self.model.compute_metrics(inputs, targets, outputs)
        self.model.reset_metrics()
        self.model.optimizer.build(self.model.trainable_variables)


def before_first_step(dataset: Any) -> keras.callbacks.Callback:
    """What has to be done before a network is trained on a dataset, by its `fit`."""
    return TraceOnce(dataset) if isinstance(dataset, tf.data.Dataset) else distribution.ClipTogether()
