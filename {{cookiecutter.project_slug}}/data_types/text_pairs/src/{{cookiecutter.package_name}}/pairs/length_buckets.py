"""Batches of sentences of about the same length, so that little of a batch is padding."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ..data import batching
from .tokenizing import START

SPREAD = 3.0  # pieces by which the lengths of neighbours differ by chance, so that batches are new in each epoch

Batch = tuple[dict[str, tf.Tensor], tf.Tensor]


def teach(source: tf.RaggedTensor, target: tf.RaggedTensor) -> Batch:
    """Inputs `source` (batch, source) and `target` (batch, target), and targets (batch, target): the pieces after each.

    All int32, padded by 0 to the longest of the batch.
    """
    following = target.to_tensor()
    start = tf.fill([tf.shape(following)[0], 1], START)
    return {"source": source.to_tensor(), "target": tf.concat([start, following[:, :-1]], axis=1)}, following


def batch_of(
    source: tf.RaggedTensor, target: tf.RaggedTensor, weights: np.ndarray | None
) -> Callable[[tf.Tensor], tuple[Any, ...]]:
    """A function from rows to their batch: what `teach` makes and, if there are weights, those, of mean 1 per piece."""
    scaled = () if weights is None else (batching.scaled(weights, target.row_lengths().numpy()),)
    beside = [tf.constant(each) for each in scaled]
    return lambda rows: (
        *teach(tf.gather(source, rows), tf.gather(target, rows)),
        *(tf.gather(each, rows) for each in beside),
    )


def shuffled(
    source: tf.RaggedTensor,
    target: tf.RaggedTensor,
    size: int,
    seed: int,
    epoch: tf.Variable,
    weights: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Batches as `batch_of` makes them, each pair once; their order depends on the seed and the epoch only.

    They have about the same number of pieces, and `size` pairs on average: more short pairs, or fewer long ones.

    The epoch is read whenever an iteration begins, so that a resumed training sees the same batches.
    """
    lengths = tf.maximum(source.row_lengths(), target.row_lengths())
    num_pairs = int(lengths.shape[0])
    total, longest = int(tf.reduce_sum(lengths)), int(tf.reduce_max(lengths))
    num_batches = min(math.ceil(num_pairs / size), total // longest)  # so that none is empty

    def batches(_: tf.Tensor) -> tf.data.Dataset:
        draw = tf.stack([seed, epoch.read_value()])
        spread = tf.random.stateless_uniform([num_pairs], draw, 0, SPREAD)
        order = tf.argsort(tf.cast(lengths, "float32") + spread, stable=True)
        pieces = tf.cumsum(tf.gather(lengths, order))  # up to each pair
        ends = tf.searchsorted(pieces, tf.range(num_batches + 1, dtype="int64") * total // num_batches, side="right")
        numbers = tf.random.experimental.stateless_shuffle(tf.range(num_batches), draw)
        return tf.data.Dataset.from_tensor_slices(numbers).map(lambda place: order[ends[place] : ends[place + 1]])

    return (
        tf.data.Dataset.from_tensors(0)
        .flat_map(batches)
        .map(batch_of(source, target, weights))
        .apply(tf.data.experimental.assert_cardinality(num_batches))
        .prefetch(tf.data.AUTOTUNE)
    )


def in_order(
    source: tf.RaggedTensor, target: tf.RaggedTensor, size: int, weights: np.ndarray | None = None
) -> tf.data.Dataset:
    """Batches as `batch_of` makes them, of all pairs, the shortest first."""
    order = tf.argsort(target.row_lengths(), stable=True)
    batches = tf.data.Dataset.from_tensor_slices(order).batch(size)
    return batches.map(batch_of(source, target, weights)).prefetch(tf.data.AUTOTUNE)
