"""The fit of a model, epoch by epoch: the score that is optimised, and checkpoints to go on from after a kill."""

import contextlib
import io
import math
import os
import sys
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import keras_tuner
import numpy as np
import pandas as pd
import tensorflow as tf

from .. import metrics, preprocessing, task
from ..config import Config
from ..core import artifacts, errors, staleness
from ..core.errors import InputError, RefusedError
from ..data import batching, loading, tables
from ..data.resampling import Context
from ..model import callbacks as own_callbacks
from ..settings.data_type import EXAMPLES_SEEN, FEWEST_EPOCHS, GAINS_BY_BFLOAT16, MOST_EPOCHS
from . import placement, serving_model
from .serving_model import Prepared

HISTORY, LAST, BEST = "history.csv", "last.npz", "best.npz"
SHARE = 0.05  # of the time of training that checkpoints may take
AMPERE = (8, 0)  # compute capability of the first NVIDIA GPUs with bfloat16


class Objective(NamedTuple):
    """A score of the validation split."""

    name: str
    """Its name in the logs of training."""
    label: str
    greater_is_better: bool

    @property
    def mode(self) -> Literal["max", "min"]:
        """The better direction, as Keras calls it."""
        return "max" if self.greater_is_better else "min"

    def cost(self, logs: Mapping[str, Any]) -> float:
        """What to minimise: the score or its negative; infinite if the score or the loss is not a finite number."""
        score = float(logs[self.name])
        if not (math.isfinite(score) and math.isfinite(logs.get("val_loss", score))):
            return math.inf
        return -score if self.greater_is_better else score


def chosen_objective(config: Config) -> Objective:
    """The metric of the setting `objective`, or the score that the task minimises."""
    name = config.objective or task.MONITOR.removeprefix("val_")
    if name not in metrics.METRICS:
        return Objective(f"val_{name}", name.replace("_", " "), greater_is_better=False)
    metric = metrics.METRICS[name]
    return Objective(f"val_{name}", metric.label, greater_is_better=metric.greater_is_better)


class Score(keras.callbacks.Callback):
    """Adds the objective to the logs of each epoch, if Keras does not compute it.

    It is the score that `make evaluate` reports: of calibrated predictions for the raw validation examples.
    """

    def __init__(self, config: Config, prepared: Prepared, scored: keras.Model, validation: tf.data.Dataset) -> None:
        """Takes the network to score, and the encoded validation split, which calibration needs."""
        super().__init__()
        self.config, self.objective, self.prepared = config, chosen_objective(config), prepared
        self.scored, self.validation = scored, validation
        self.complete: keras.Model | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the score before other callbacks read it."""
        del epoch
        if logs is not None and self.objective.name not in logs:
            logs[self.objective.name] = self.compute()

    def compute(self) -> float:
        """The score of the model with its present weights.

        Raises:
            InputError: neither Keras nor `metrics.py` computes it for these predictions.
        """
        name = self.objective.name.removeprefix("val_")
        if name not in metrics.METRICS:
            message = f"training logs no {self.objective.name}, by which epochs are compared: let `metrics` of task.py"
            raise InputError(f"{message} return {name}, or set objective to one of {', '.join(metrics.METRICS)}")
        if self.complete is None:
            self.complete = serving_model.assemble(self.config, self.prepared, self.scored)
            self.examples = loading.read_examples(self.config, "validation")
            self.truths = task.actual(self.prepared.target, self.examples[self.config.target_columns])
        try:
            task.calibrate(self.config, self.complete.get_layer("decode"), self.scored, self.validation)
        except RefusedError:
            return math.nan  # the worst of all scores; a later epoch may do
        predictions = serving_model.predict(self.complete, self.examples)
        weights = tables.sample_weights(self.config, self.examples)
        context = Context(self.config, task.output_parts(self.prepared.target))
        scores = metrics.score(self.truths, predictions, context, {name: metrics.METRICS[name]}, weights)
        if name not in scores:
            raise InputError(f"objective is {name}, which is not defined for these predictions; choose another metric")
        return scores[name]


class Checkpoint(keras.callbacks.Callback):
    """Saves after epochs all that is needed to go on, and ends training when the score no longer improves.

    Keras's own callbacks for this (BackupAndRestore, EarlyStopping, ModelCheckpoint) forget, when a training is killed,
    which epoch was the best and how long ago it was. Here the history of scores is part of the checkpoint, and a
    checkpoint is one folder that is renamed into place when complete. The first epoch and the last one are saved, and
    between them as many as cost a small share of the time: a small model learns faster than it is written.
    """

    def __init__(self, folder: Path, wanted: Objective, patience: int, writes: bool = True, minutes: float = 0) -> None:
        """Takes the folder of the checkpoints, the score to optimise and the epochs to wait for a better one.

        Of several processes that train together all read the checkpoints, and one writes them. Training ends after so
        many minutes, 0 for no limit.
        """
        super().__init__()
        self.limit = batching.TimeLimit(minutes)
        self.scored: keras.Model | None = None  # the model that is scored, if it is not the one that is trained
        self.folder, self.objective, self.patience, self.writes = folder, wanted, patience, writes
        self.history: list[dict[Any, Any]] = []
        self.best: list[np.ndarray] = []  # the weights of the best epoch
        self.last: list[np.ndarray] = []  # all state after the last one, until it is restored
        self.read()
        self.num_saved = self.epochs_done
        self.saved, self.cost = -math.inf, 0.0  # when it was saved last, and how long that took, in seconds

    def read(self) -> None:
        """Reads the newest checkpoint; a damaged one is dropped with a remark."""
        latest = self.latest()
        if latest is None:
            return
        try:
            history, self.best, self.last = (
                pd.read_csv(latest / HISTORY),
                *map(read_arrays, (latest / BEST, latest / LAST)),
            )
            self.history = history.to_dict("records")
        except Exception as error:  # NumPy, zipfile and pandas have many
            print(f"{latest} is damaged ({type(error).__name__}) and is dropped: training starts over")
            self.best = []
            if self.writes:
                artifacts.remove(latest)

    @property
    def epochs_done(self) -> int:
        """Completed epochs, those before a kill included."""
        return len(self.history)

    @property
    def best_epoch(self) -> int:
        """Number of the best epoch, from 0."""
        costs = [self.objective.cost(row) for row in self.history]
        return costs.index(min(costs))

    @property
    def is_exhausted(self) -> bool:
        """Whether the last `patience` epochs brought nothing better."""
        return bool(self.history) and self.epochs_done - 1 - self.best_epoch >= self.patience

    def latest(self) -> Path | None:
        """The newest complete checkpoint; those of versions of this module that wrote other files do not count."""
        return max((path.parent for path in self.folder.glob(f"epoch-*/{LAST}")), default=None)

    def restore(self, model: keras.Model) -> None:
        """Gives a model that is about to be trained the weights and the optimizer of the newest checkpoint."""
        if self.last:
            for variable, value in zip(state(model), self.last, strict=True):
                variable.assign(value)
            self.last = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the scores and the best weights, saves the epoch if it is time to, and ends a training in vain."""
        self.history.append({"epoch": epoch, **(logs or {})})
        if self.writes:
            if self.best_epoch == epoch:
                self.best = (self.scored or self.model).get_weights()
            if self.limit.is_over or time.monotonic() - self.saved >= self.cost / SHARE:
                self.save()
        if self.is_exhausted:
            self.model.stop_training = True
        errors.end_on_signal()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Saves the last epoch, so that a kill before the model is written costs none."""
        del logs
        if self.writes and self.num_saved < self.epochs_done:
            self.save()

    def save(self) -> None:
        """Writes a checkpoint, then drops the one before it."""
        began, previous = time.monotonic(), self.latest()
        with artifacts.replacing(self.folder / f"epoch-{self.epochs_done:06}", BEST) as temporary:
            temporary.mkdir()
            write_arrays(temporary / BEST, self.best)
            write_arrays(temporary / LAST, [variable.numpy() for variable in state(self.model)])
            pd.DataFrame(self.history).to_csv(temporary / HISTORY, index=False)
        if previous:
            artifacts.remove(previous)
        self.num_saved, self.saved = self.epochs_done, time.monotonic()
        self.cost = self.saved - began

    def restore_best(self, model: keras.Model) -> None:
        """Gives the model the weights of its best epoch."""
        model.set_weights(self.best)


def write_arrays(path: Path, arrays: Sequence[np.ndarray]) -> None:
    """Writes arrays through memory: when the disk is full, HDF5 aborts the process, and zipfile prints a traceback."""
    content = io.BytesIO()
    np.savez(content, *arrays)
    path.write_bytes(content.getbuffer())


class Batches(NamedTuple):
    """What a model learns from and what it is scored on, as batches of (inputs, targets)."""

    train: tf.data.Dataset
    validation: tf.data.Dataset
    epoch: tf.Variable
    """The number of the epoch, by which the training batches are shuffled."""


class Candidate(NamedTuple):
    """A network that was trained, maybe one of several of which the best is kept."""

    name: str
    """Empty if there is only one."""
    hyperparameters: keras_tuner.HyperParameters
    complete: keras.Model
    """From raw inputs to calibrated predictions."""
    checkpoint: Checkpoint
    origin: dict[str, str]
    """Name, licence and SHA-256 of the pretrained weights that it started from; empty: none."""
    seconds: float


def make_batches(config: Config, prepared: Prepared) -> Batches:
    """The batches of the training and the validation split."""
    epoch, (preprocessor, target, _) = epoch_counter(), prepared
    train = preprocessing.make_dataset(config, "train", preprocessor, target, epoch)
    return Batches(train, preprocessing.make_dataset(config, "validation", preprocessor, target), epoch)


def fit(
    config: Config, prepared: Prepared, model: keras.Model, eval_model: keras.Model, batches: Batches, key: str
) -> Checkpoint:
    """Trains until the validation score no longer improves; goes on where a killed run with the same key stopped.

    `eval_model` is the model itself or, where that is distributed over devices or computes in bfloat16, a copy on one
    device and in float32, by which epochs are scored; it gets the best weights.
    """
    checkpoint = begin(config, key)
    checkpoint.scored = eval_model
    if not checkpoint.is_exhausted and checkpoint.epochs_done < num_epochs(config):
        train, callbacks = placement.prepare(model, batches.train)
        if eval_model is not model:
            callbacks.append(placement.validation_apart(eval_model, batches.validation))
        callbacks.append(Score(config, prepared, eval_model, batches.validation))
        model.fit(
            train,
            validation_data=batches.validation if eval_model is model else None,
            initial_epoch=checkpoint.epochs_done,
            epochs=num_epochs(config),
            shuffle=False,  # the dataset does it
            callbacks=[count_epochs(batches.epoch), *callbacks, *all_callbacks(config, model, checkpoint, key)],
            verbose=int(placement.is_chief() and sys.stdout.isatty()),
        )
    if placement.is_chief():
        checkpoint.restore_best(eval_model)
    return checkpoint


def begin(config: Config, key: str) -> Checkpoint:
    """The checkpoint of the network with this key, of its run and its name; those of other runs are removed."""
    (run, _, name), is_chief = key.partition("/"), placement.is_chief()
    minutes = 0 if "TF_CONFIG" in os.environ else config.minutes
    checkpoints = config.paths.training / "checkpoint"
    checkpoint = Checkpoint(checkpoints / key, chosen_objective(config), config.patience, is_chief, minutes)
    if minutes:
        print(
            f"training ends when {config.patience} epochs bring no better validation score, after {minutes:g} minutes"
            " at the latest"
        )
    if is_chief:
        for other in checkpoints.glob("*"):
            if other.name != run:
                artifacts.remove(other)
                artifacts.remove(config.paths.logs)
        if not checkpoint.epochs_done:
            artifacts.remove(config.paths.logs / name)
        else:
            print(f"going on after epoch {checkpoint.epochs_done} of a run that was stopped")
    return checkpoint


def resume_key(config: Config, *more: Any, without: Collection[str] = ()) -> str:
    """A hash of all that decides the weights: what was stopped goes on only with the same key.

    It is made of the data, the code and the settings of training, `without` those that decide no weights, and `more`.
    """
    settings = {name: value for name, value in staleness.settings(config, "train").items() if name not in without}
    return artifacts.text_hash([settings, *more, tables.data_hash(config), staleness.code_hash(config)])


def found_for(config: Config) -> dict[str, Any]:
    """What hyperparameters are found for: with other data, another network or objective they are not used."""
    return {
        "data": tables.data_hash(config),
        "monitor": chosen_objective(config).name,
        "network": staleness.network_hash(config),
    }


def all_callbacks(
    config: Config, trained: keras.Model, checkpoint: Checkpoint, key: str
) -> list[keras.callbacks.Callback]:
    """Those of `model.callbacks`, between what the checkpoint brings back and what it saves."""
    restore = keras.callbacks.LambdaCallback(on_train_begin=lambda _logs: checkpoint.restore(trained))
    callbacks = [restore, *own_callbacks(config), checkpoint.limit, checkpoint]
    if placement.is_chief():
        callbacks.append(keras.callbacks.TensorBoard(config.paths.logs / key.partition("/")[2], write_graph=False))
    return callbacks


def num_epochs(config: Config) -> int:
    """The setting, or else as many epochs as show the model about EXAMPLES_SEEN examples."""
    seen = round(EXAMPLES_SEEN / tables.num_examples(config, "train"))
    return config.epochs or int(np.clip(seen, FEWEST_EPOCHS, MOST_EPOCHS))


def num_steps(config: Config, batches: Batches) -> int:
    """The training steps of all epochs."""
    return num_epochs(config) * int(batches.train.cardinality())


def epoch_counter() -> tf.Variable:
    """The number of the epoch, by which a dataset is shuffled."""
    return tf.Variable(0, trainable=False, dtype="int32")


def count_epochs(epoch: tf.Variable) -> keras.callbacks.Callback:
    """Keeps the number of the epoch up to date."""
    return keras.callbacks.LambdaCallback(on_epoch_begin=lambda number, _logs: epoch.assign(number))


def state(model: keras.Model) -> list[keras.Variable]:
    """All that changes in training: the weights, the states of random generators, such as dropout's, the optimizer."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def read_arrays(path: Path) -> list[np.ndarray]:
    """The arrays of a file that `np.savez` wrote, in their order."""
    with np.load(path) as arrays:
        return list(arrays.values())


@contextlib.contextmanager
def precision(config: Config) -> Generator[None, None, None]:
    """Models that are built in this block compute by the setting `precision`; their weights are float32 anyway."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if uses_bfloat16(config) else before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def uses_bfloat16(config: Config) -> bool:
    """Whether the model is trained in bfloat16: by the setting or, if that is left open, where it pays."""
    if config.precision != "auto":
        return config.precision == "bfloat16"
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    have_units = bool(gpus) and all(each.get("compute_capability", (0, 0)) >= AMPERE for each in details)
    return GAINS_BY_BFLOAT16 and have_units
