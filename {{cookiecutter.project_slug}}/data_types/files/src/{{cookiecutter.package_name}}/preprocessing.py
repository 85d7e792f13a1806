"""From the bytes of files to the tensors that the network learns from: the same graph in training and in service."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from . import task
from .config import Config
from .core.errors import InputError
from .data import batching, loading, tables
from .media import augmentation, encoding, file_sources, media
from .media.file_sources import is_medium

ENCODING_BATCH = 256  # files that are decoded at once
PREDICTION_BATCH = 64  # examples; the layers of larger ones do not fit in a CPU's caches


def raw_inputs(config: Config, examples: pd.DataFrame) -> dict[str, keras.KerasTensor]:
    """What a client sends: the bytes of a file, (batch,) string."""
    del config, examples
    return {media.COLUMN: keras.Input((), name=media.COLUMN, dtype="string")}


def raw_arrays(inputs: dict[str, keras.KerasTensor], examples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The bytes of the files as the array for `raw_inputs`, (num_examples,).

    Raises:
        InputError: a file is no longer there.
    """
    del inputs
    try:
        files = [Path(path).read_bytes() for path in examples[media.COLUMN]]
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read ({error.strerror}); run `make collect` again") from error
    return {media.COLUMN: as_array(files)}


def as_array(values: list[Any]) -> np.ndarray:
    """Python objects as an array (num_values,); NumPy itself would cut zero bytes off."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def input_kinds(config: Config, examples: pd.DataFrame) -> dict[str, str]:
    """What each raw input is, by column."""
    del config, examples
    return {media.COLUMN: media.NOUN}


def parse_arrays(
    config: Config, inputs: dict[str, dict[str, Any]], table: pd.DataFrame
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The bytes of the files that a table names or holds, for the exported model; paths start from the table's folder.

    Returns:
        The array by input, (num_rows,), and why each row cannot be predicted, (num_rows,) str, empty if it can.
    """
    ((name, entry),) = inputs.items()
    source = getattr(config, "input", "")  # a setting of `make predict`
    folder = "" if Path(source).is_dir() or is_medium(source) else file_sources.parent(source)
    found, reasons = [], np.full(len(table), "", object)
    cells = table[entry["column"]].astype(object)
    for row, cell in enumerate(cells.where(cells.notna(), None)):
        try:
            payload = cell if isinstance(cell, bytes) else file_sources.resolve(cell, row, {}, folder).read()
            found.append(media.readable(entry, payload))
        except (OSError, ValueError):
            found.append(media.made_up())
            named = "holds bytes" if isinstance(cell, bytes) else f"names {cell!r}"
            reasons[row] = f"column {entry['column']!r} {named}, which cannot be read"
    return {name: as_array(found)}, reasons


def read_labels(config: Config, description: dict[str, Any], table: pd.DataFrame) -> list[Any]:
    """The ground truth of each row of a table, None where it is missing."""
    del description  # the target is a column
    return tables.labels(config, table)


def build_preprocessor(config: Config, examples: pd.DataFrame) -> keras.Model:
    """The model from raw inputs to clean tensors, sized by `examples`, which must be training examples.

    Its output is described where it is made: `encoding.encoder`.
    """
    inputs = raw_inputs(config, examples)
    outputs = {media.COLUMN: encoding.encoder(config, examples)(inputs[media.COLUMN])}
    return keras.Model(inputs, outputs, name="preprocessor")


def make_dataset(
    config: Config, split: str, preprocessor: keras.Model, target: task.Target, epoch: tf.Variable | None = None
) -> tf.data.Dataset:
    """Batches of (inputs, targets) of a split: the preprocessor's outputs and targets of shape (batch, 1).

    The split is decoded once and kept in memory if it takes no more than `cache_bytes`, else decoded anew in each
    epoch, several batches at once. With the setting `sample_weight` batches are (inputs, targets, weights), the last of
    shape (batch,) and mean 1. With `epoch`, the number of the epoch, the examples are shuffled.
    """
    examples = loading.read_examples(config, split)
    targets = task.encode(target, examples[config.target_columns])[:, None]
    weights = tables.sample_weights(config, examples)
    size = batching.batch_size(config, len(targets))
    if num_bytes(preprocessor) * len(examples) <= config.cache_bytes:
        inputs = encode(preprocessor, examples)
        if epoch is None:
            return batching.in_order(inputs, targets, weights, PREDICTION_BATCH)
        return mixed(config, batching.shuffled(inputs, targets, size, config.seed, epoch, weights), epoch)
    paths = tf.constant(examples[media.COLUMN].to_numpy(str))

    def load(rows: tf.Tensor) -> dict[str, tf.Tensor]:
        return preprocessor({media.COLUMN: tf.map_fn(tf.io.read_file, tf.gather(paths, rows))})

    if epoch is None:
        labels = tf.data.Dataset.from_tensor_slices((np.arange(len(targets)), *batching.labels(targets, weights)))
        batches = labels.batch(PREDICTION_BATCH)
        return batches.map(lambda rows, *beside: (load(rows), *beside), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    batches = batching.shuffled_rows(
        load, batching.labels(targets, weights), size, config.seed, epoch, tf.data.AUTOTUNE
    )
    return mixed(config, batches, epoch)


def mixed(config: Config, batches: tf.data.Dataset, epoch: tf.Variable) -> tf.data.Dataset:
    """Training batches, mixed in pairs if the setting asks for it."""
    return augmentation.mix(batches, config.mixup, config.seed, epoch) if config.mixup else batches


def num_bytes(preprocessor: keras.Model) -> int:
    """How much memory a decoded example takes."""
    tensor = preprocessor.output[media.COLUMN]
    return int(np.prod(tensor.shape[1:])) * tf.as_dtype(tensor.dtype).size


def encode(preprocessor: keras.Model, examples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The preprocessor's output for all examples, (num_examples, ...).

    Raises:
        InputError: a file can be read by the library that examined it, but not by TensorFlow.
    """
    try:
        batches = [
            preprocessor.predict_on_batch(raw_arrays(preprocessor.input, examples.iloc[start : start + ENCODING_BATCH]))
            for start in range(0, len(examples), ENCODING_BATCH)
        ]
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:  # whose message may hold bytes of the file
        if len(examples) == 1:
            path = examples[media.COLUMN].iloc[0]
            raise InputError(f"TensorFlow cannot decode {path}; take it out of the source and collect again") from error
        for row in range(len(examples)):
            encode(preprocessor, examples.iloc[row : row + 1])
        raise
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def simple_features(config: Config, train: pd.DataFrame, evaluation: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What baselines learn from, without a network: what is measured of each file, and a coarse view of it."""
    simple = keras.Model(inputs := raw_inputs(config, train), encoding.coarse(config, train, inputs[media.COLUMN]))
    numbers = list(media.NUMBERS)

    def simplify(examples: pd.DataFrame) -> pd.DataFrame:
        values = encode(simple, examples)["coarse"].reshape(len(examples), -1)
        seen = pd.DataFrame(values, examples.index).add_prefix("coarse ")
        return pd.concat([examples[numbers].astype("float64"), seen], axis=1)

    return simplify(train), simplify(evaluation)
