"""From raw windows to the tensors that the network learns from: the same computation in training and in service."""

import keyword
import math
import re
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from . import encoding, task
from .config import Config
from .data import batching, loading, tables
from .encoding import Encode
from .series import histories, series_windows, steps, table_input, window_shape
from .series.series_windows import Regular
from .settings.base import SPLITS
from .settings.data_type import STEPS

ENCODING_BATCH = 512  # windows
PREDICTION_BATCH = 512  # windows
EVALUATION_BATCH = 512  # windows whose loss is computed at once
MAX_STEPS = 1 << 20  # of a series that are encoded at once
MAX_VALIDATION = 1_000  # windows by which epochs are scored and quantiles calibrated
MAX_CELLS, SMALLEST_LONG = 3_072, 16  # steps times targets of a training batch, which has at least so many windows

Encoded = dict[str, np.ndarray]


def raw_inputs(config: Config, examples: pd.DataFrame) -> dict[str, keras.KerasTensor]:
    """What a client sends of a history, by column.

    Times (batch, context) string, as ISO 8601 in UTC; targets and other numbers (batch, context) float32, NaN if
    missing; categories (batch, context) string, "" if missing. Columns that are known in advance have
    (batch, context + horizon) cells, static ones (batch,). An input's own name is the column's, spelled as a SavedModel
    signature allows.
    """
    del examples  # windows; the rows say it
    shape = window_shape.of_project(config)
    names = signature_names(shape.kinds)
    return {
        column: keras.Input(
            (shape.length(column),) if shape.length(column) else (),
            name=names[column],
            dtype="float32" if kind.endswith("number") else "string",
        )
        for column, kind in shape.kinds.items()
    }


def signature_names(columns: Iterable[str]) -> dict[str, str]:
    """Spells each column with the letters, digits and underscores that signatures allow, without clashes.

    Signatures are functions, whose arguments cannot be called `class` or `self`: these get an underscore behind.
    """
    names: dict[str, str] = {}
    for column in columns:
        name = re.sub(r"[^A-Za-z0-9_]", "_", column)
        name = name if name[:1].isalpha() else f"column_{name.strip('_')}"
        taken = {"self", *(other.lower() for other in names.values())}
        while keyword.iskeyword(name) or name.lower() in taken:
            name += "_"
        names[column] = name
    return names


def raw_arrays(inputs: dict[str, keras.KerasTensor], examples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The windows of a table as arrays for `raw_inputs`: what lies before the first step to forecast, unless known."""
    return {column: raw_array(examples[column], tensor.shape[1:], tensor.dtype) for column, tensor in inputs.items()}


def raw_array(cells: pd.Series, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """One column as a client would send it, (num_windows, ...)."""
    if not shape:
        return cells.to_numpy(np.float32 if dtype == "float32" else object)
    stacked = np.stack([cell[: shape[0]] for cell in cells]) if len(cells) else np.empty((0, *shape), object)
    if stacked.ndim == 3:  # the target, whose cells hold all targets
        stacked = stacked[:, :, 0]
    if stacked.dtype.kind == "M":
        return steps.write_times(stacked)
    return stacked.astype(dtype if dtype == "float32" else object)


def input_kinds(config: Config, examples: pd.DataFrame) -> dict[str, str]:
    """What each raw input is, by column, as `Shape.kinds` describes it."""
    del examples
    return window_shape.of_project(config).kinds


def parse_arrays(
    config: Config, inputs: dict[str, dict[str, Any]], table: pd.DataFrame
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A window for each row of a table as people write it: what was known when the row was the latest.

    Returns:
        The arrays by input, and why each row cannot be predicted, (num_rows,) str, empty if it can.
    """
    return table_input.parse(config, inputs, table)


def read_labels(config: Config, description: dict[str, Any], table: pd.DataFrame) -> list[Any]:
    """What followed each row of a table, as a list for each, with None for what is not known.

    None stands for rows whose history or horizon is not wholly in the table.
    """
    return table_input.labels(config, description, table)


def build_preprocessor(config: Config, examples: pd.DataFrame) -> keras.Model:
    """The model from raw windows to the tensors that `Encode` describes, adapted on the training rows."""
    shape, inputs = window_shape.of_project(config), raw_inputs(config, examples)
    plan = encoding.learn(config, shape, tables.read_rows(config, "train"))
    return keras.Model(inputs, Encode(plan, name="encode")(inputs), name="preprocessor")


def make_dataset(
    config: Config, split: str, preprocessor: keras.Model, target: task.Target, epoch: tf.Variable | None = None
) -> tf.data.Dataset:
    """Batches of (inputs, targets) of a split: the encoded windows and targets (batch, horizon, num_targets) float32.

    Targets are standardised, NaN where missing. With the setting `sample_weight`, batches are (inputs, targets,
    weights), the last of shape (batch,) and mean 1: a window weighs as much as its steps to forecast do on average.

    Every step of a series is encoded once; windows are cut from what came out by their places. With `epoch`, the number
    of the epoch, the windows are shuffled, and an epoch has about STEPS batches: of many windows only a part, and the
    next epochs have the others. Without, at most MAX_VALIDATION windows are drawn evenly.
    """
    del target  # the encoder knows the scale of each series
    encoder = preprocessor.get_layer("encode")
    shape = encoder.shape_
    names = SPLITS[: SPLITS.index(split) + 1]
    rows = {name: tables.read_rows(config, name) for name in names}
    windows = loading.cut(config, shape, pd.concat(rows.values()), rows[split], split)
    long, places, series = together(encoder, windows)
    cut, weights = cutter(shape, long, series), weights_of(shape, windows)
    if epoch is None:
        few = slice(None, None, -(-len(places) // MAX_VALIDATION))
        labels = batching.labels(places[few], None if weights is None else weights[few])
        dataset = tf.data.Dataset.from_tensor_slices(labels).batch(EVALUATION_BATCH)
    else:
        size = batch_size(config, shape, len(places))
        parts = max(1, len(places) // (STEPS * size))
        labels = batching.labels(places, weights)
        shuffled = batching.shuffled_rows(lambda _: {}, labels, size, config.seed, epoch, parts=parts)
        dataset = shuffled.map(lambda _, *labels: labels)
    return dataset.map(cut, num_parallel_calls=1).prefetch(tf.data.AUTOTUNE)


def batch_size(config: Config, shape: window_shape.Shape, num_windows: int) -> int:
    """Windows per step: the setting, or fewer the more steps and targets each has, so that a step takes as long."""
    largest = 2 ** round(math.log2(MAX_CELLS / (shape.horizon * len(shape.targets))))
    return config.batch_size or min(batching.batch_size(config, num_windows), max(largest, SMALLEST_LONG))


def weights_of(shape: window_shape.Shape, windows: list[tuple[Regular, np.ndarray]]) -> np.ndarray | None:
    """The sample weights of the windows, (num_windows,), if there are any."""
    found = [(series.weights, starts) for series, starts in windows if series.weights is not None]
    return np.concatenate([series_windows.weights_of(shape, *each) for each in found]) if found else None


def together(encoder: Encode, windows: list[tuple[Regular, np.ndarray]]) -> tuple[Encoded, np.ndarray, Encoded]:
    """The steps of all series behind each other, the places of the windows in them, and what does not change in them.

    The steps: (num_steps, ...); the places: (num_windows, 2), the first step to forecast and the number of the series;
    the rest: (num_series, ...).
    """
    long: dict[str, list[np.ndarray]] = {}
    fixed: dict[str, list[np.ndarray]] = {}
    places, offset = [], 0
    for number, (series, starts) in enumerate(windows):
        units = encoder.plan["units"].get(series.name, encoder.plan["units"][""])
        encoded = encode_series(encoder, series, units) | {"target": task.encode(units, series.targets)}
        for name, values in encoded.items():
            long.setdefault(name, []).append(values)
        last = {name: tf.constant(values[-1:]) for name, values in series.columns.items()}
        for name, values in encoder.encode_static(last).items():
            fixed.setdefault(name, []).append(values.numpy())
        places.append(np.stack([offset + starts, np.full(len(starts), number)], axis=1))
        offset += len(series.times)
    joined = {name: np.concatenate(parts) for name, parts in long.items()}
    return joined, np.concatenate(places), {name: np.concatenate(parts) for name, parts in fixed.items()}


def encode_series(encoder: Encode, series: Regular, units: list[list[float]]) -> Encoded:
    """The tensors with a step axis for a whole series, (num_steps, ...), in parts of bounded size."""
    parts = []
    for start in range(0, len(series.times), MAX_STEPS):
        part = slice(start, start + MAX_STEPS)
        columns = {name: tf.constant(values[part])[None] for name, values in series.columns.items()}
        encoded = encoder.encode_steps(
            series.times[None, part], tf.constant(series.targets[part])[None], tf.constant([units]), columns
        )
        parts.append({name: tensor.numpy()[0] for name, tensor in encoded.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def cutter(shape: window_shape.Shape, long: Encoded, fixed: Encoded) -> Any:
    """A function from places (batch, 2), and weights if there are any, to the batch of the windows there."""
    tensors = {name: tf.constant(values) for name, values in long.items()}
    statics = {name: tf.constant(values) for name, values in fixed.items()}
    past, future = tf.range(-shape.context, 0), tf.range(shape.horizon)
    both = tf.range(-shape.context, shape.horizon)
    spans = {"past": past, "is_known": past, "covariates": past, "known": both, "calendar": future}

    def cut(places: tf.Tensor, *weights: tf.Tensor) -> tuple[Any, ...]:
        first = tf.cast(places[:, :1], "int32")
        inputs = {name: tf.gather(tensors[name], first + span) for name, span in spans.items() if name in tensors}
        inputs |= {name: tf.gather(values, places[:, 1]) for name, values in statics.items()}
        return inputs, tf.gather(tensors["target"], first + future), *weights

    return cut


def simple_features(
    config: Config, train: pd.DataFrame, evaluation: pd.DataFrame
) -> tuple[histories.Histories, histories.Histories]:
    """What baselines learn from, without a network: the histories of the targets."""
    shape = window_shape.of_project(config)
    rows = tables.read_rows(config, "train")
    training = series_windows.regular(config, shape, rows)
    errors = encoding.naive_errors(config, shape, rows)["errors"]
    every = training
    if max(shape.seasons, default=1) > shape.context:  # further back than the windows reach
        rows = pd.concat([tables.read_rows(config, split) for split in SPLITS])
        before = rows[config.time] < evaluation[series_windows.START].max()
        every = series_windows.regular(config, shape, rows[before])
    both = [histories.of_windows(config, shape, table, training, every, errors) for table in (train, evaluation)]
    return both[0], both[1]
