"""From raw texts to the codes of their pieces: the same graph in training and in service."""

from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from . import artifacts, batching, features, length_buckets, pairs, subwords, task
from .config import Config
from .tokenizing import Encode, encode_all

ENCODING_BATCH = 512  # texts that are encoded at once: as many at least as are verified at the export
PREDICTION_BATCH = 64  # texts that are translated at once
EVALUATION_BATCH = 128  # pairs whose loss is computed at once


def raw_inputs(config: Config, examples: pd.DataFrame) -> dict[str, keras.KerasTensor]:
    """What a client sends: a text, (batch,) string."""
    del config, examples
    return {pairs.SOURCE: keras.Input((), name=pairs.SOURCE, dtype="string")}


def raw_arrays(inputs: dict[str, keras.KerasTensor], examples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The sources as the array for `raw_inputs`, (num_examples,)."""
    return {column: examples[column].to_numpy(object) for column in inputs}


def input_kinds(config: Config, examples: pd.DataFrame) -> dict[str, str]:
    """What each raw input is, by column."""
    del config, examples
    return {pairs.SOURCE: "text"}


def parse_arrays(
    config: Config, inputs: dict[str, dict[str, Any]], table: pd.DataFrame
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The texts of a table for the exported model.

    Returns:
        The array by input, (num_rows,), and which rows have no text, (num_rows,) bool.
    """
    del config  # a text is a text
    ((name, entry),) = inputs.items()
    cells = table[entry["column"]]
    contents = ["" if missing else pairs.mended(str(cell)) for cell, missing in zip(cells, cells.isna(), strict=True)]
    return {name: np.array(contents, object)}, np.array([pairs.is_empty(text) for text in contents], bool)


def build_preprocessor(config: Config, examples: pd.DataFrame) -> keras.Model:
    """The model from raw texts to the codes of their pieces, which are learned from `examples`: training examples.

    Its output `source` is (batch, longest) int32: the codes of the pieces, END, and 0 behind the end.
    """
    inputs = raw_inputs(config, examples)
    engineered = features.Engineer(name="engineered")(inputs[pairs.SOURCE])
    cleaned = batching.run_in_batches(
        keras.Model(inputs, {"texts": engineered}), raw_arrays(inputs, examples), ENCODING_BATCH
    )
    learned = subwords.learn((text.decode() for text in cleaned["texts"]), config.vocabulary_size)
    codes = Encode(learned, config.max_pieces, name="pieces")(engineered)
    return keras.Model(inputs, {"source": codes}, name="preprocessor")


def make_dataset(
    config: Config, split: str, preprocessor: keras.Model, target: task.Target, epoch: tf.Variable | None = None
) -> tf.data.Dataset:
    """Batches of (inputs, targets) of a split, as `length_buckets.teach` describes them.

    The split is encoded once and kept in memory. With `epoch`, the number of the epoch, the pairs are shuffled.
    """
    examples = artifacts.read_examples(config, split)
    texts = examples[pairs.SOURCE].to_numpy(object)
    source = encode_all(lambda part: preprocessor({pairs.SOURCE: part})["source"], texts)
    following = task.encode(target, examples[config.target])
    if epoch is None:
        return length_buckets.in_order(source, following, EVALUATION_BATCH)
    size = batching.batch_size(config, len(examples))
    return length_buckets.shuffled(source, following, size, config.seed, epoch)


def simple_features(config: Config, train: pd.DataFrame, evaluation: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """What baselines go by, without a network: the sources, (num_examples,)."""
    del config
    return train[pairs.SOURCE].to_numpy(object), evaluation[pairs.SOURCE].to_numpy(object)
