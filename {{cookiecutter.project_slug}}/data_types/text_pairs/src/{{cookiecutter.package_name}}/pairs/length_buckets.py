"""Batches of sentences of about the same length, so that little of a batch is padding."""

import math

import tensorflow as tf

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


def shuffled(
    source: tf.RaggedTensor, target: tf.RaggedTensor, size: int, seed: int, epoch: tf.Variable
) -> tf.data.Dataset:
    """Batches as `teach` makes them, each pair once; which and in which order depends on the seed and the epoch only.

    The epoch is read whenever an iteration begins, so that a resumed training sees the same batches.
    """
    lengths = tf.cast(tf.maximum(source.row_lengths(), target.row_lengths()), "float32")
    num_pairs = int(lengths.shape[0])
    num_batches = math.ceil(num_pairs / size)

    def batches(_: tf.Tensor) -> tf.data.Dataset:
        draw = tf.stack([seed, epoch.read_value()])
        order = tf.argsort(lengths + tf.random.stateless_uniform([num_pairs], draw, 0, SPREAD), stable=True)
        starts = size * tf.random.experimental.stateless_shuffle(tf.range(num_batches), draw)
        return tf.data.Dataset.from_tensor_slices(starts).map(lambda start: order[start : start + size])

    return (
        tf.data.Dataset.from_tensors(0)
        .flat_map(batches)
        .map(lambda rows: teach(tf.gather(source, rows), tf.gather(target, rows)))
        .apply(tf.data.experimental.assert_cardinality(num_batches))
        .prefetch(tf.data.AUTOTUNE)
    )


def in_order(source: tf.RaggedTensor, target: tf.RaggedTensor, size: int) -> tf.data.Dataset:
    """Batches as `teach` makes them, of all pairs, the shortest first."""
    order = tf.argsort(target.row_lengths(), stable=True)
    batches = tf.data.Dataset.from_tensor_slices(order).batch(size)
    return batches.map(lambda rows: teach(tf.gather(source, rows), tf.gather(target, rows))).prefetch(tf.data.AUTOTUNE)
