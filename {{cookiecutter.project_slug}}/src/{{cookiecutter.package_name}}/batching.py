"""Batches of examples that fit in memory, as tf.data datasets."""

import math

import numpy as np
import tensorflow as tf

from .config import Config

STEPS = 150  # of an epoch, about: more are noisier and slower, fewer learn less
EVALUATION_BATCH = 1_024  # examples; larger ones gain nothing on a CPU


def batch_size(config: Config, num_examples: int) -> int:
    """Examples per step: the setting, or else a power of two that gives about 150 steps an epoch, 32 to 1,024."""
    return config.batch_size or int(np.clip(2 ** round(math.log2(num_examples / STEPS)), 32, 1_024))


def shuffled(
    inputs: dict[str, np.ndarray], targets: np.ndarray, size: int, seed: int, epoch: tf.Variable
) -> tf.data.Dataset:
    """Batches of (inputs, targets), each example once; its order depends on the seed and the epoch's number only.

    The number is read whenever an iteration begins: `count_epochs` keeps it up to date, so that a resumed training sees
    the same batches. Whole batches are gathered by index, which is about ten times as fast as shuffling examples.
    """
    num_whole = len(targets) // size * size
    arrays = {name: tf.constant(array) for name, array in inputs.items()}
    labels = tf.constant(targets)

    def row_batches(_: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(len(targets)), [seed, epoch.read_value()])
        whole = tf.data.Dataset.from_tensor_slices(tf.reshape(order[:num_whole], (-1, size)))
        return whole.concatenate(tf.data.Dataset.from_tensors(order[num_whole:])) if num_whole < len(targets) else whole

    return (
        tf.data.Dataset.from_tensors(0)
        .flat_map(row_batches)
        .map(lambda rows: ({name: tf.gather(array, rows) for name, array in arrays.items()}, tf.gather(labels, rows)))
        .apply(tf.data.experimental.assert_cardinality(math.ceil(len(targets) / size)))
        .prefetch(tf.data.AUTOTUNE)
    )


def in_order(inputs: dict[str, np.ndarray], targets: np.ndarray) -> tf.data.Dataset:
    """Batches of (inputs, targets) in the order of the table, once."""
    return tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(EVALUATION_BATCH).prefetch(tf.data.AUTOTUNE)
