"""Checkpoints that let a killed training go on where it stopped, early stopping included."""

import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from ..core import artifacts

HISTORY, LAST, BEST, RANDOM = "history.csv", "last.weights.h5", "best.npz", "random.npz"
SHARE = 0.05  # of the time of training that checkpoints may take


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


def random_states(network: keras.Model) -> list[keras.Variable]:
    """Where dropout is in its sequence of random numbers, which Keras does not save with the weights."""
    return [variable for variable in network.variables if "seed_generator" in variable.path]


def read_arrays(path: Path) -> list[np.ndarray]:
    """The arrays of a file that `np.savez` wrote, in their order."""
    with np.load(path) as arrays:
        return list(arrays.values())
