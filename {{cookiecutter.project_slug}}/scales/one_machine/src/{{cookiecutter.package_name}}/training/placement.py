"""Where a network is trained: on the one device of this machine."""

from typing import Any

import keras
import tensorflow as tf

from ..data.batching import TraceOnce


def strategy() -> tf.distribute.Strategy:
    """The device that TensorFlow chooses."""
    return tf.distribute.get_strategy()


def is_chief() -> bool:
    """Whether this process writes artifacts."""
    return True


def prepare(network: keras.Model, dataset: tf.data.Dataset) -> tuple[Any, list[keras.callbacks.Callback]]:
    """The batches of (inputs, targets) as `fit` takes them, and what has to be done before the first step."""
    del network
    return dataset, [TraceOnce(dataset)]


def validation_apart(local: keras.Model, dataset: tf.data.Dataset) -> keras.callbacks.Callback:
    """Scores each epoch on the validation split by `local`, a compiled copy of the network in float32."""
    return LocalValidation(local, dataset)


class LocalValidation(keras.callbacks.Callback):
    """Adds the validation scores of another network, with the same weights, to the logs."""

    def __init__(self, local: keras.Model, dataset: tf.data.Dataset) -> None:
        """Takes the compiled network, and batches of (inputs, targets)."""
        super().__init__()
        self.local, self.dataset = local, dataset

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the scores before other callbacks read them."""
        del epoch
        self.local.set_weights(self.model.get_weights())
        scores = self.local.evaluate(self.dataset, verbose=0, return_dict=True)
        if logs is not None:
            logs |= {f"val_{name}": float(score) for name, score in scores.items()}
