"""From raw texts to the codes of their pieces: the same graph in training and in service."""

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from . import features, task
from .config import Config
from .data import batching, loading, tables
from .pairs import length_buckets, subwords
from .pairs.tokenizing import Encode, encode_all
from .text import texts
from .text.text_inputs import input_kinds, parse_arrays, raw_arrays, raw_inputs, read_labels

__all__ = [
    "build_preprocessor",
    "input_kinds",
    "make_dataset",
    "parse_arrays",
    "raw_arrays",
    "raw_inputs",
    "read_labels",
    "simple_features",
]

ENCODING_BATCH = 512  # texts that are encoded at once: as many at least as are verified at the export
PREDICTION_BATCH = 128  # texts that are translated at once
EVALUATION_BATCH = 128  # pairs whose loss is computed at once


def build_preprocessor(config: Config, examples: pd.DataFrame) -> keras.Model:
    """The model from raw texts to the codes of their pieces, which are learned from `examples`: training examples.

    Its output `source` is (batch, longest) int32: the codes of the pieces, END, and 0 behind the end. If both languages
    have one script, the pieces of the target come first, so that both have one vector for what they share.
    """
    inputs = raw_inputs(config, examples)
    engineered = features.Engineer(name="engineered")(inputs[texts.COLUMN])
    cleaned = batching.run_in_batches(
        keras.Model(inputs, {"texts": engineered}), raw_arrays(inputs, examples), ENCODING_BATCH
    )
    sources, targets = [text.decode() for text in cleaned["texts"]], examples[config.target]
    learned = subwords.learn(sources, config.vocabulary_size)
    if subwords.share_script(sources, targets):
        learned = tuple(dict.fromkeys([*task.describe_target(config, targets).pieces, *learned]))
    codes = Encode(learned, config.max_pieces, name="pieces")(engineered)
    return keras.Model(inputs, {"source": codes}, name="preprocessor")


def make_dataset(
    config: Config, split: str, preprocessor: keras.Model, target: task.Target, epoch: tf.Variable | None = None
) -> tf.data.Dataset:
    """Batches of (inputs, targets) of a split, as `length_buckets.teach` describes them.

    With the setting `sample_weight` they are (inputs, targets, weights), the last of (batch,) and mean 1 per piece.

    The split is encoded once and kept in memory. With `epoch`, the number of the epoch, the pairs are shuffled.
    """
    examples = loading.read_examples(config, split)
    contents = examples[texts.COLUMN].to_numpy(object)
    source = encode_all(lambda part: preprocessor({texts.COLUMN: part})["source"], contents)
    following = task.encode(target, examples[config.target])
    weights = tables.sample_weights(config, examples)
    if epoch is None:
        return length_buckets.in_order(source, following, EVALUATION_BATCH, weights)
    size = batching.batch_size(config, len(examples))
    return length_buckets.shuffled(source, following, size, config.seed, epoch, weights)


def simple_features(config: Config, train: pd.DataFrame, evaluation: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """What baselines go by, without a network: the sources, (num_examples,)."""
    del config
    return train[texts.COLUMN].to_numpy(object), evaluation[texts.COLUMN].to_numpy(object)
