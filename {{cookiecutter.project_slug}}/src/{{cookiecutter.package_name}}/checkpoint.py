"""Checkpoints that let a killed training go on where it stopped, early stopping included."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from . import artifacts

HISTORY, LAST, BEST, RANDOM = "history.csv", "last.weights.h5", "best.weights.h5", "random.npz"


class Checkpoint(keras.callbacks.Callback):
    """Saves after each epoch all that is needed to go on, and ends training when the score no longer improves.

    Keras's own callbacks for this (BackupAndRestore, EarlyStopping, ModelCheckpoint) forget, when a training is killed,
    which epoch was the best and how long ago it was. Here the history of scores is part of the checkpoint, and a
    checkpoint is one folder that is renamed into place when complete.
    """

    def __init__(self, folder: Path, monitor: str, patience: int, writes: bool = True) -> None:
        """Takes the folder of the checkpoints, the score to minimise and the epochs to wait for a better one.

        Of several processes that train together all read the checkpoints, and one writes them.
        """
        super().__init__()
        self.folder, self.monitor, self.patience, self.writes = folder, monitor, patience, writes
        latest = self.latest()
        self.history = pd.read_csv(latest / HISTORY).to_dict("records") if latest else []

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
        """The newest complete checkpoint."""
        return max(self.folder.glob("epoch-*"), default=None)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Goes on from the newest checkpoint."""
        del logs
        latest = self.latest()
        if latest:
            self.model.optimizer.build(self.model.trainable_variables)  # else its state is not loaded, in silence
            self.model.load_weights(latest / LAST)
            with np.load(latest / RANDOM) as states:
                for variable, state in zip(random_states(self.model), states.values(), strict=True):
                    variable.assign(state)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the scores, saves the epoch and says whether to go on."""
        self.history.append({"epoch": epoch, **(logs or {})})
        if self.writes:
            self.save(epoch)
        self.model.stop_training = self.is_exhausted

    def save(self, epoch: int) -> None:
        """Writes a checkpoint, then drops the one before it."""
        previous = self.latest()
        with artifacts.replacing(self.folder / f"epoch-{epoch:06}") as temporary:
            temporary.mkdir()
            self.model.save_weights(temporary / LAST)
            is_best = self.best_epoch == epoch
            (temporary / BEST).hardlink_to(temporary / LAST if is_best or not previous else previous / BEST)
            np.savez(temporary / RANDOM, *(variable.numpy() for variable in random_states(self.model)))
            pd.DataFrame(self.history).to_csv(temporary / HISTORY, index=False)
        if previous:
            artifacts.remove(previous)

    def restore_best(self, network: keras.Model) -> None:
        """Gives the network the weights of its best epoch."""
        latest = self.latest()
        if latest:
            network.optimizer.build(network.trainable_variables)
            network.load_weights(latest / BEST)


def random_states(network: keras.Model) -> list[keras.Variable]:
    """Where dropout is in its sequence of random numbers, which Keras does not save with the weights."""
    return [variable for variable in network.variables if "seed_generator" in variable.path]
