"""Where a model is trained: on the one device of this machine."""

from typing import Any

import keras
import tensorflow as tf

from ..data.batching import TraceOnce, averaged_weights


def strategy() -> tf.distribute.Strategy:
    """The device that TensorFlow chooses."""
    return tf.distribute.get_strategy()


def is_chief() -> bool:
    """Whether this process writes artifacts."""
    return True


def prepare(model: keras.Model, dataset: tf.data.Dataset) -> tuple[Any, list[keras.callbacks.Callback]]:
    """The batches of (inputs, targets) as `fit` takes them, and what has to be done before the first step."""
    del model
    return dataset, [TraceOnce(dataset)]


def validation_apart(eval_model: keras.Model, dataset: tf.data.Dataset) -> keras.callbacks.Callback:
    """Scores each epoch on the validation split by `eval_model`, a compiled copy of the model in float32.

    It gets the weights of the model, or their average if the optimizer makes one.
    """
    return SeparateValidation(eval_model, dataset)


class SeparateValidation(keras.callbacks.Callback):
    """Adds the validation scores of another model with the same weights, to the logs."""

    def __init__(self, eval_model: keras.Model, dataset: tf.data.Dataset) -> None:
        """Takes the compiled model, and batches of (inputs, targets)."""
        super().__init__()
        self.eval_model, self.dataset = eval_model, dataset

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the scores before other callbacks read them."""
        del epoch
        self.eval_model.set_weights(averaged_weights(self.model))
        scores = self.eval_model.evaluate(self.dataset, verbose=0, return_dict=True)
        if logs is not None:
            logs |= {f"val_{name}": float(score) for name, score in scores.items()}
