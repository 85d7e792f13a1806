"""How many epochs training takes, and what changes from epoch to epoch."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ..config import Config
from ..data.schedule import EXAMPLES_SEEN, FEWEST_EPOCHS, MOST_EPOCHS


def num_epochs(config: Config, num_examples: int) -> int:
    """The setting, or else as many epochs as show the network about EXAMPLES_SEEN examples."""
    return config.epochs or int(np.clip(round(EXAMPLES_SEEN / num_examples), FEWEST_EPOCHS, MOST_EPOCHS))


def epoch_counter() -> tf.Variable:
    """The number of the epoch, by which a dataset is shuffled."""
    return tf.Variable(0, trainable=False, dtype="int32")


def count_epochs(epoch: tf.Variable) -> keras.callbacks.Callback:
    """Keeps the number of the epoch up to date."""
    return keras.callbacks.LambdaCallback(on_epoch_begin=lambda number, _logs: epoch.assign(number))


class CosineDecay(keras.callbacks.Callback):
    """Lowers the learning rate from epoch to epoch along half a cosine (Loshchilov and Hutter 2017).

    It depends on the number of the epoch only, so that a training that goes on after a kill takes the same steps.
    """

    def __init__(self, epochs: int) -> None:
        """Takes the number of epochs in all."""
        super().__init__()
        self.epochs, self.peak = epochs, 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Learns the rate that the network was compiled with."""
        del logs
        self.peak = float(self.model.optimizer.learning_rate.numpy())

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the rate of the epoch."""
        del logs
        self.model.optimizer.learning_rate = self.peak * (1 + math.cos(math.pi * epoch / self.epochs)) / 2


class ProgressBar(keras.callbacks.Callback):
    """Shows the epochs and the validation score on a terminal, if training takes more than a second."""

    def __init__(self, epochs: int, done: int, monitor: str) -> None:
        """Takes the number of epochs in all, those done before, and the score to show."""
        super().__init__()
        self.bar = tqdm(total=epochs, initial=done, desc="training", unit=" epochs", delay=1, disable=None)
        self.monitor = monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar."""
        del epoch
        self.bar.set_postfix({self.monitor: f"{(logs or {})[self.monitor]:.4g}"}, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leaves the bar as it is."""
        del logs
        self.bar.close()
