"""Batches of examples: as tf.data datasets, and through a model."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from ..config import Config
from ..settings.data_type import LARGEST_BATCH, SMALLEST_BATCH, STEPS

Load: TypeAlias = Callable[[tf.Tensor], dict[str, tf.Tensor]]

EVALUATION_BATCH = 1_024  # examples; larger ones gain nothing on a CPU


def batch_size(config: Config, num_examples: int) -> int:
    """Examples per step: the setting, or else a power of two that gives about STEPS steps an epoch."""
    size = 2 ** round(math.log2(num_examples / STEPS))
    return config.batch_size or int(np.clip(size, SMALLEST_BATCH, LARGEST_BATCH))


def shuffled(
    inputs: dict[str, np.ndarray], targets: np.ndarray, size: int, seed: int, epoch: tf.Variable
) -> tf.data.Dataset:
    """Batches of (inputs, targets), each example once, of arrays in memory.

    Whole batches are gathered by index, which is about ten times as fast as shuffling examples.
    """
    arrays = {name: tf.constant(array) for name, array in inputs.items()}
    load = lambda rows: {name: tf.gather(array, rows) for name, array in arrays.items()}  # noqa: E731
    return shuffled_rows(load, targets, size, seed, epoch)


def shuffled_rows(
    load: Load, targets: np.ndarray, size: int, seed: int, epoch: tf.Variable, parallel: int | None = None
) -> tf.data.Dataset:
    """Batches of (inputs, targets), each example once; its order depends on the seed and the epoch's number only.

    The number is read whenever an iteration begins: `count_epochs` keeps it up to date, so that a resumed training sees
    the same batches. `load` gives the inputs of some rows, `parallel` says for how many batches at once.
    """
    num_whole = len(targets) // size * size
    labels = tf.constant(targets)

    def row_batches(_: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(len(targets)), [seed, epoch.read_value()])
        whole = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:num_whole], (-1, size)))
        return whole.concatenate(tf.data.Dataset.from_tensors(order[num_whole:])) if num_whole < len(targets) else whole

    return (
        tf.data.Dataset.from_tensors(0)
        .flat_map(row_batches)
        .map(lambda rows: (load(rows), tf.gather(labels, rows)), num_parallel_calls=parallel)
        .apply(tf.data.experimental.assert_cardinality(math.ceil(len(targets) / size)))
        .prefetch(tf.data.AUTOTUNE)
    )


def in_order(inputs: dict[str, np.ndarray], targets: np.ndarray, size: int = EVALUATION_BATCH) -> tf.data.Dataset:
    """Batches of (inputs, targets) in the order of the table, once."""
    return tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(size).prefetch(tf.data.AUTOTUNE)


def zeros(dataset: tf.data.Dataset) -> Any:
    """A batch of one example of zeros in the form of a dataset's, of length 2 where lengths vary."""
    return tf.nest.map_structure(
        lambda each: tf.zeros([1, *(length or 2 for length in each.shape[1:])], each.dtype), dataset.element_spec
    )


def outputs_and_targets(network: keras.Model, dataset: tf.data.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """What a network gives for a dataset in order, (num_examples, ...), and its targets, (num_examples,)."""
    targets = np.concatenate([batch.numpy() for _, batch in dataset])[:, 0]
    return network.predict(dataset, verbose=0), targets


def run_in_batches(model: keras.Model, arrays: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """The outputs of a model for all examples, computed in batches.

    `predict` does the same by a tf.data pipeline, which doubles the time of encoding and takes 0.15 s to set up.
    """
    num_examples = len(next(iter(arrays.values())))
    batches = [
        model.predict_on_batch({name: array[start : start + size] for name, array in arrays.items()})
        for start in range(0, num_examples, size)
    ]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


class TraceOnce(keras.callbacks.Callback):
    """Creates the variables of the optimizer and the metrics before the first step.

    Keras creates them in that step, and a function that creates variables is traced twice, which takes seconds.
    """

    prepares = True  # each phase of a training

    def __init__(self, dataset: tf.data.Dataset) -> None:
        """Takes the dataset to train on, of (inputs, targets)."""
        super().__init__()
        self.zeros = zeros(dataset)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Runs the network on an example of zeros without training."""
        del logs
        inputs, targets = self.zeros
        outputs = self.model(inputs, training=False)
        self.model.compute_loss(inputs, targets, outputs)
        self.model.compute_metrics(inputs, targets, outputs)
        self.model.reset_metrics()
        self.model.optimizer.build(self.model.trainable_variables)
