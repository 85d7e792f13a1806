"""Batches of examples, as tf.data datasets and as inputs of a model."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ..config import Config
from ..settings.data_type import LARGEST_BATCH, SMALLEST_BATCH, STEPS

Load: TypeAlias = Callable[[tf.Tensor], dict[str, tf.Tensor]]

EVALUATION_BATCH = 1_024  # examples; larger batches are not faster on a CPU


def batch_size(config: Config, num_examples: int) -> int:
    """Examples per step: the setting, or else a power of two for about STEPS steps per epoch."""
    size = 2 ** round(math.log2(num_examples / STEPS))
    return config.batch_size or int(np.clip(size, SMALLEST_BATCH, LARGEST_BATCH))


def labels(targets: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, ...]:
    """What batches hold beside the inputs: targets and, where examples are weighted, weights of mean 1."""
    return (targets,) if weights is None else (targets, scaled(weights))


def scaled(weights: npt.NDArray[np.floating], counts: npt.NDArray[np.number] | None = None) -> npt.NDArray[np.float32]:
    """Weights of mean 1, so that their unit changes neither learning rate nor regularization.

    `counts` is how many terms of the loss each example has, if they differ.
    """
    return (weights / np.average(weights, weights=counts)).astype("float32")


def weighted_quantile(values: npt.NDArray[np.floating], weights: npt.NDArray[np.floating], wanted: float) -> float:
    """The smallest value at which the weights, summed in the order of the values, reach the `wanted` sum; or the last.

    Of equal weights it is the empirical quantile; both arrays are (num_values,).
    """
    order = np.argsort(values, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order], dtype=float), wanted))
    return float(values[order[min(place, len(order) - 1)]])


def shuffled(
    inputs: dict[str, np.ndarray],
    targets: np.ndarray,
    size: int,
    seed: int,
    epoch: tf.Variable,
    weights: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Batches of (inputs, targets), with `weights` also of those, from arrays in memory, each example once per epoch.

    Batches are gathered by shuffled indices, which is about ten times as fast as shuffling examples.
    """
    arrays = {name: tf.constant(array) for name, array in inputs.items()}
    load = lambda rows: {name: tf.gather(array, rows) for name, array in arrays.items()}  # noqa: E731
    return shuffled_rows(load, labels(targets, weights), size, seed, epoch)


def shuffled_rows(
    load: Load,
    beside: Sequence[np.ndarray],
    size: int,
    seed: int,
    epoch: tf.Variable,
    parallel: int | None = None,
    parts: int = 1,
) -> tf.data.Dataset:
    """Batches of the inputs and of what is `beside` them, as `labels` gives it, each example once in `parts` epochs.

    The order depends only on the seed and the epoch, which is read at the start of every iteration, so that a resumed
    training sees the same batches. `load` returns the inputs of some rows; `parallel` batches are loaded at once.
    """
    num_examples = len(beside[0])
    num_shown = num_examples // parts
    num_whole = num_shown // size * size
    tensors = [tf.constant(each) for each in beside]

    def row_batches(_: tf.Tensor) -> tf.data.Dataset:
        number = epoch.read_value()
        every = tf.random.experimental.stateless_shuffle(tf.range(num_examples), [seed, number // parts])
        order = every[number % parts * num_shown :][:num_shown]
        whole = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:num_whole], (-1, size)))
        return whole.concatenate(tf.data.Dataset.from_tensors(order[num_whole:])) if num_whole < num_shown else whole

    return (
        tf.data.Dataset.from_tensors(0)
        .flat_map(row_batches)
        .map(lambda rows: (load(rows), *(tf.gather(each, rows) for each in tensors)), num_parallel_calls=parallel)
        .apply(tf.data.experimental.assert_cardinality(math.ceil(num_shown / size)))
        .prefetch(tf.data.AUTOTUNE)
    )


def in_order(
    inputs: dict[str, np.ndarray], targets: np.ndarray, weights: np.ndarray | None = None, size: int = EVALUATION_BATCH
) -> tf.data.Dataset:
    """Batches of (inputs, targets), with `weights` also of those, in the order of the table."""
    arrays = (inputs, *labels(targets, weights))
    return tf.data.Dataset.from_tensor_slices(arrays).batch(size).prefetch(tf.data.AUTOTUNE)


def zeros(dataset: tf.data.Dataset) -> Any:
    """A batch of one example of zeros with a dataset's structure; dimensions of varying length are 2."""
    return tf.nest.map_structure(
        lambda each: tf.zeros([1, *(length or 2 for length in each.shape[1:])], each.dtype), dataset.element_spec
    )


def outputs_and_labels(
    network: keras.Model, dataset: tf.data.Dataset
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The outputs of a network for a dataset, the targets, and the weights or None, each (num_examples, ...)."""
    batches = [[each.numpy() for each in beside] for _, *beside in dataset]
    targets, *weights = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return network.predict(dataset, verbose=0), targets, weights[0] if weights else None


def run_in_batches(model: keras.Model, arrays: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """The outputs of a model for all examples, computed in batches.

    `predict` would set up a tf.data pipeline, which takes 0.15 s and doubles the time of encoding.
    """
    num_examples = len(next(iter(arrays.values())))
    batches = [
        model.predict_on_batch({name: array[start : start + size] for name, array in arrays.items()})
        for start in range(0, num_examples, size)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def averaged_weights(model: keras.Model) -> list[np.ndarray]:
    """The weights to score and to keep: with `use_ema` of the optimizer the average over its steps, else the last."""
    weights = model.get_weights()
    if not model.optimizer.use_ema:
        return weights
    model.optimizer.finalize_variable_values(model.trainable_variables)
    averaged = model.get_weights()
    model.set_weights(weights)
    return averaged


class TimeLimit(keras.callbacks.Callback):
    """Ends a training so many minutes from now, 0 for no limit, with an epoch that is shorter than the others."""

    def __init__(self, minutes: float) -> None:
        """Looks at the clock."""
        super().__init__()
        self.end, self.is_over = time.monotonic() + 60 * minutes if minutes else math.inf, False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the clock."""
        del batch, logs
        if time.monotonic() > self.end:
            self.is_over = self.model.stop_training = True


class TraceOnce(keras.callbacks.Callback):
    """Creates the variables of the optimizer and the metrics before the first step.

    Else Keras creates them in that step, and traces a function that creates variables twice, which takes seconds.
    """

    prepares = True  # every phase of training

    def __init__(self, dataset: tf.data.Dataset) -> None:
        """Stores the structure of the training dataset, of (inputs, targets) or (inputs, targets, weights)."""
        super().__init__()
        self.zeros = zeros(dataset)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Runs the network on a batch of zeros, without training."""
        del logs
        inputs, targets, *weights = self.zeros
        outputs = self.model(inputs, training=False)
        self.model.compute_loss(inputs, targets, outputs, *weights)
        self.model.compute_metrics(inputs, targets, outputs, *weights)
        self.model.reset_metrics()
        self.model.optimizer.build(self.model.trainable_variables)
