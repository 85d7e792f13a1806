"""The fit of a network: epoch by epoch, on one device or on many, and on from where a killed one stopped."""

import contextlib
import math
import time
from collections.abc import Callable, Collection, Generator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from .. import task
from ..config import Config
from ..core import artifacts, errors, staleness
from ..data import tables
from ..settings.data_type import EXAMPLES_SEEN, FEWEST_EPOCHS, GAINS_BY_BFLOAT16, MOST_EPOCHS
from . import placement

HISTORY, LAST, BEST, RANDOM = "history.csv", "last.weights.h5", "best.npz", "random.npz"
SHARE = 0.05  # of the time of training that checkpoints may take
AMPERE = (8, 0)  # compute capability of the first NVIDIA GPUs with bfloat16


class Checkpoint(keras.callbacks.Callback):
    """Saves after epochs all that is needed to go on, and ends training when the score no longer improves.

    Keras's own callbacks for this (BackupAndRestore, EarlyStopping, ModelCheckpoint) forget, when a training is killed,
    which epoch was the best and how long ago it was. Here the history of scores is part of the checkpoint, and a
    checkpoint is one folder that is renamed into place when complete. The first epoch and the last one are saved, and
    between them as many as cost a small share of the time: a small network learns faster than it is written.
    """

    def __init__(self, folder: Path, monitor: str, patience: int, writes: bool = True) -> None:
        """Takes the folder of the checkpoints, the score to minimise and the epochs to wait for a better one.

        Of several processes that train together all read the checkpoints, and one writes them.
        """
        super().__init__()
        self.folder, self.monitor, self.patience, self.writes = folder, monitor, patience, writes
        latest = self.latest()
        self.history = pd.read_csv(latest / HISTORY).to_dict("records") if latest else []
        self.best = read_arrays(latest / BEST) if latest else []  # the weights of the best epoch
        self.num_saved = self.epochs_done
        self.saved, self.cost = -math.inf, 0.0  # when it was saved last, and how long that took, in seconds

    @property
    def epochs_done(self) -> int:
        """Completed epochs, those before a kill included."""
        return len(self.history)

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch, from 0."""
        scores = [row[self.monitor] if math.isfinite(row[self.monitor]) else math.inf for row in self.history]
        return scores.index(min(scores))

    @property
    def is_exhausted(self) -> bool:
        """Whether the last `patience` epochs brought nothing better."""
        return bool(self.history) and self.epochs_done - 1 - self.best_epoch >= self.patience

    def latest(self) -> Path | None:
        """The newest complete checkpoint; those of versions of this module that wrote other files do not count."""
        return max((path.parent for path in self.folder.glob(f"epoch-*/{BEST}")), default=None)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Goes on from the newest checkpoint."""
        del logs
        latest = self.latest()
        if latest:
            self.model.optimizer.build(self.model.trainable_variables)  # else its state is not loaded, in silence
            self.model.load_weights(latest / LAST)
            for variable, state in zip(random_states(self.model), read_arrays(latest / RANDOM), strict=True):
                variable.assign(state)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the scores and the best weights, saves the epoch if it is time to and says whether to go on."""
        self.history.append({"epoch": epoch, **(logs or {})})
        if self.writes:
            if self.best_epoch == epoch:
                self.best = self.model.get_weights()
            if time.monotonic() - self.saved >= self.cost / SHARE:
                self.save()
        self.model.stop_training = self.is_exhausted
        errors.end_on_signal()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Saves the last epoch, so that a kill before the model is written costs none."""
        del logs
        if self.writes and self.num_saved < self.epochs_done:
            self.save()

    def save(self) -> None:
        """Writes a checkpoint, then drops the one before it."""
        began, previous = time.monotonic(), self.latest()
        with artifacts.replacing(self.folder / f"epoch-{self.epochs_done:06}") as temporary:
            temporary.mkdir()
            self.model.save_weights(temporary / LAST)
            np.savez(temporary / BEST, *self.best)
            np.savez(temporary / RANDOM, *(variable.numpy() for variable in random_states(self.model)))
            pd.DataFrame(self.history).to_csv(temporary / HISTORY, index=False)
        if previous:
            artifacts.remove(previous)
        self.num_saved, self.saved = self.epochs_done, time.monotonic()
        self.cost = self.saved - began

    def restore_best(self, network: keras.Model) -> None:
        """Gives the network the weights of its best epoch."""
        network.set_weights(self.best)


def fit(
    config: Config,
    network: keras.Model,
    local: keras.Model,
    make_train: Callable[[tf.Variable], tf.data.Dataset],
    validation: tf.data.Dataset,
    key: str,
) -> Checkpoint:
    """Trains until the validation score no longer improves; goes on where a killed run with the same key stopped.

    `local` is the network itself or, where that is distributed over devices or computes in bfloat16, a copy on one
    device and in float32, by which epochs are scored; it gets the best weights.
    `make_train` gives the training batches by the variable with the number of the epoch.
    """
    checkpoint = begin(config, key)
    total = num_epochs(config, tables.num_examples(config, "train"))
    if not checkpoint.is_exhausted and checkpoint.epochs_done < total:
        epoch = epoch_counter()
        train, callbacks = placement.prepare(network, make_train(epoch))
        if local is not network:
            callbacks.append(placement.validation_apart(local, validation))
        network.fit(
            train,
            validation_data=validation if local is network else None,
            initial_epoch=checkpoint.epochs_done,
            epochs=total,
            shuffle=False,  # the dataset does it
            callbacks=[count_epochs(epoch), *callbacks, *reporting(config, checkpoint, total)],
            verbose=0,
        )
    if placement.is_chief():
        checkpoint.restore_best(local)
    return checkpoint


def begin(config: Config, key: str) -> Checkpoint:
    """The checkpoint of the runs with this key; those of other runs are removed."""
    folder, is_chief = config.paths.training / "checkpoint" / key, placement.is_chief()
    checkpoint = Checkpoint(folder, task.MONITOR, config.patience, writes=is_chief)
    if is_chief:
        for other in folder.parent.glob("*"):
            if other.name != key:
                artifacts.remove(other)
        if not checkpoint.epochs_done:
            artifacts.remove(config.paths.logs)  # of another run that was stopped
        else:
            print(f"going on after epoch {checkpoint.epochs_done} of a run that was stopped")
    return checkpoint


def resume_key(config: Config, *more: Any, without: Collection[str] = ()) -> str:
    """A hash of all that decides the weights: what was stopped goes on only with the same key.

    It is made of the data, the code and the settings of training, `without` those that decide no weights, and `more`.
    """
    settings = {name: value for name, value in staleness.settings(config, "train").items() if name not in without}
    return artifacts.text_hash([settings, *more, tables.data_hash(config), staleness.code_hash("train")])


def reporting(config: Config, checkpoint: Checkpoint, num_epochs: int) -> list[keras.callbacks.Callback]:
    """What changes and is noted from epoch to epoch, in this order."""
    callbacks = [
        CosineDecay(num_epochs),  # before the checkpoint, which brings a later epoch's rate back
        checkpoint,
    ]
    if placement.is_chief():
        callbacks += [
            ProgressBar(num_epochs, checkpoint.epochs_done, task.MONITOR),
            keras.callbacks.TensorBoard(config.paths.logs, write_graph=False),
        ]
    return callbacks


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


def random_states(network: keras.Model) -> list[keras.Variable]:
    """Where dropout is in its sequence of random numbers, which Keras does not save with the weights."""
    return [variable for variable in network.variables if "seed_generator" in variable.path]


def read_arrays(path: Path) -> list[np.ndarray]:
    """The arrays of a file that `np.savez` wrote, in their order."""
    with np.load(path) as arrays:
        return list(arrays.values())


@contextlib.contextmanager
def precision(config: Config) -> Generator[None, None, None]:
    """Networks that are built in this block compute by the setting `precision`; their weights are float32 anyway."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if uses_bfloat16(config) else before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def uses_bfloat16(config: Config) -> bool:
    """Whether the network is trained in bfloat16: by the setting or, if that is left open, where it pays."""
    if config.precision != "auto":
        return config.precision == "bfloat16"
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    have_units = bool(gpus) and all(each.get("compute_capability", (0, 0)) >= AMPERE for each in details)
    return GAINS_BY_BFLOAT16 and have_units
