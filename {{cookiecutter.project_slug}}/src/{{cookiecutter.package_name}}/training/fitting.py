"""The fit of a network: epoch by epoch, on one device or on many, and on from where a killed one stopped."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from .. import task
from ..config import Config
from ..core import artifacts
from ..distributed import distribution
from . import epochs, tracing
from .checkpoint import Checkpoint


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
    num_epochs = epochs.num_epochs(config, artifacts.num_examples(config, "train"))
    if not checkpoint.is_exhausted and checkpoint.epochs_done < num_epochs:
        epoch = epochs.epoch_counter()
        train: Any = make_train(epoch)
        callbacks = [epochs.count_epochs(epoch)]
        if network.distribute_strategy.num_replicas_in_sync > 1:
            distribution.synchronize(network, train)
            train = distribution.share_out(train, network.distribute_strategy)
        if local is not network:
            callbacks.append(distribution.SharedValidation(local, validation))
        network.fit(
            train,
            validation_data=validation if local is network else None,
            initial_epoch=checkpoint.epochs_done,
            epochs=num_epochs,
            shuffle=False,  # the dataset does it
            callbacks=[tracing.before_first_step(train), *callbacks, *reporting(config, checkpoint, num_epochs)],
            verbose=0,
        )
    if distribution.is_chief():
        checkpoint.restore_best(local)
    return checkpoint


def begin(config: Config, key: str) -> Checkpoint:
    """The checkpoint of the runs with this key; those of other runs are removed."""
    folder, is_chief = config.paths.training / "checkpoint" / key, distribution.is_chief()
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


def reporting(config: Config, checkpoint: Checkpoint, num_epochs: int) -> list[keras.callbacks.Callback]:
    """What changes and is noted from epoch to epoch, in this order."""
    callbacks = [
        epochs.CosineDecay(num_epochs),  # before the checkpoint, which brings a later epoch's rate back
        checkpoint,
    ]
    if distribution.is_chief():
        callbacks += [
            epochs.ProgressBar(num_epochs, checkpoint.epochs_done, task.MONITOR),
            keras.callbacks.TensorBoard(config.paths.logs, write_graph=False),
        ]
    return callbacks
