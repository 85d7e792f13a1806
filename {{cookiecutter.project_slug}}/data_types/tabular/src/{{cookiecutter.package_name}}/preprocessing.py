"""From raw examples to the tensors that the network learns from: the same graph in training and in service."""

import keyword
import math
import re
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from . import features, layers, task
from .config import Config
from .core.errors import InputError
from .data import batching, loading, tables
from .data.columns import Columns, describe_columns

MAX_WORDS = 500  # most frequent words of a free-text column that are told apart
EXAMPLES_PER_NUMBER = 100  # by which a whole number can also be learned as a category, on average
ADAPTATION_EXAMPLES = 200_000  # at most; more would not move quantiles and vocabularies
CODES = "codes-{}"  # the layer that encodes a category, by its place; no input can have such a name
ENCODING_BATCH = 16_384  # examples encoded at once: large enough that graph overhead vanishes, small enough for caches
PREDICTION_BATCH = 1_024  # examples; the layers of larger ones do not fit in a CPU's caches


def raw_inputs(config: Config, examples: pd.DataFrame) -> dict[str, keras.KerasTensor]:
    """What a client sends, by column: numbers (batch,) float32, NaN if missing; others (batch,) string, "" if missing.

    Dates are sent as ISO 8601. An input's own name is the column's, spelled as a SavedModel signature allows.
    """
    columns = describe_columns(config, examples)
    names = signature_names(columns.features)
    return {
        column: keras.Input((), name=names[column], dtype="float32" if column in columns.numbers else "string")
        for column in columns.features
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
    """The columns of a table as arrays for `raw_inputs`, each (num_examples,)."""
    return {column: raw_array(examples[column], tensor.dtype) for column, tensor in inputs.items()}


def raw_array(values: pd.Series, dtype: str) -> np.ndarray:
    """One column as a client would send it."""
    if dtype == "float32":
        return values.astype("float32").to_numpy("float32", na_value=np.nan)
    if pd.api.types.is_datetime64_any_dtype(values):
        texts = np.datetime_as_string(values.to_numpy("datetime64[s]")).astype(object)
        return np.where(values.isna(), "", texts)
    return values.astype(object).where(values.notna(), "").to_numpy(object)


def input_kinds(config: Config, examples: pd.DataFrame) -> dict[str, str]:
    """What each raw input is, by column: a number, category, date or text."""
    columns = describe_columns(config, examples)
    kinds = {"number": columns.numbers, "category": columns.categories, "date": columns.dates, "text": columns.texts}
    return {name: kind for kind, names in kinds.items() for name in names}


def parse_arrays(
    config: Config, inputs: dict[str, dict[str, Any]], table: pd.DataFrame
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Arrays for the exported model from a table as people write it, cleaned as the training data were.

    Returns:
        The arrays by input, each (num_rows,), and why each row cannot be predicted, (num_rows,) str, empty if it can.
    """
    from .data import cleaning  # here, since only `make predict` needs it

    kinds = {entry["column"]: entry["kind"] for entry in inputs.values()}
    cleaned, reasons = cleaning.read_for_model(config, table, kinds)
    arrays = {}
    for name, entry in inputs.items():
        dtype = "float32" if entry["kind"] == "number" else "string"
        arrays[name] = raw_array(cleaned[entry["column"]], dtype)
    return arrays, reasons


def read_labels(config: Config, description: dict[str, Any], table: pd.DataFrame) -> list[Any]:
    """The ground truth of each row of a table, None where it is missing."""
    del description  # the target is a column
    return tables.labels(config, table)


def build_preprocessor(config: Config, examples: pd.DataFrame) -> keras.Model:
    """The model from raw inputs to encoded tensors, adapted on `examples`, which must be training examples.

    Its outputs, of which those without columns are absent:
        numbers: (batch, num_numbers) float32, about standard normal, the median where missing.
        missing: (batch, num_missing) float32, 1 where a number is missing that also was in training.
        categories: (batch, num_categories) int32, 0 missing, 1 unseen in training, then one code per category.
        texts: (batch, num_words) float32, the TF-IDF weight of each word.
        tokens: (batch, length) int32, or (batch, columns, length), what a pretrained network sees, if there is one.
    """
    columns, inputs = describe_columns(config, examples), raw_inputs(config, examples)
    sample = examples.iloc[:: math.ceil(len(examples) / ADAPTATION_EXAMPLES)]
    cleaned = clean(inputs, columns)
    engineered = checked(features.engineer(cleaned))
    for name in repeated_numbers(columns, sample):
        engineered.categories[f"{name} as a category"] = layers.CategoryName()(cleaned.numbers[name])
    values = features.Clean(**adaptation_values(inputs, engineered, sample))
    outputs = {
        **encode_numbers(engineered.numbers, values.numbers),
        **encode_categories(config, engineered.categories, values.categories),
        **encode_texts(engineered.texts, values.texts),
    }
    if config.backbone != "none" and engineered.texts:
        from .transfer import sentence_vectors  # here, since most networks are trained without

        known = np.concatenate(list(values.texts.values())).tolist()
        outputs |= sentence_vectors.tokens(config, examples, list(engineered.texts.values()), known)
    return keras.Model(inputs, outputs, name="preprocessor")


def clean(inputs: dict[str, keras.KerasTensor], columns: Columns) -> features.Clean:
    """Raw inputs by kind; dates are read."""
    return features.Clean(
        numbers={name: inputs[name] for name in columns.numbers},
        categories={name: inputs[name] for name in columns.categories},
        dates={name: layers.DaysSinceEpoch()(inputs[name]) for name in columns.dates},
        texts={name: inputs[name] for name in columns.texts},
    )


def checked(engineered: features.Clean) -> features.Clean:
    """Engineered columns, (batch,) or (batch, 1) of any type, as the encoders take them: float32, or string.

    Raises:
        InputError: a column has another shape, or is a text among the numbers or a number among the texts.
    """

    def column(kind: str, name: str, tensor: keras.KerasTensor) -> keras.KerasTensor:
        is_text = tensor.dtype == "string"
        if tensor.shape[1:] not in ((), (1,)):
            raise InputError(f"features.engineer gives {name!r} the shape {tensor.shape}; a column is (batch,)")
        if kind != "categories" and is_text != (kind == "texts"):
            message = f"features.engineer puts {name!r} among the {kind}, but it is {tensor.dtype}"
            raise InputError(f"{message}; put it among the {'categories or the texts' if is_text else 'numbers'}")
        flat = ops.reshape(tensor, (-1,)) if len(tensor.shape) == 2 else tensor
        if kind == "numbers":
            return ops.cast(flat, "float32")
        return flat if is_text else layers.CategoryName()(flat)

    kinds = {"numbers": engineered.numbers, "categories": engineered.categories, "texts": engineered.texts}
    return features.Clean(
        **{kind: {name: column(kind, name, each) for name, each in found.items()} for kind, found in kinds.items()}
    )


def repeated_numbers(columns: Columns, examples: pd.DataFrame) -> list[str]:
    """Whole numbers that repeat so often that each can be learned by itself, such as hours or grades."""
    found = []
    for name in columns.numbers:
        present = examples[name].dropna().astype("float64")
        num_distinct = present.nunique()
        if (present == present.round()).all() and 3 <= num_distinct <= min(256, len(present) / EXAMPLES_PER_NUMBER):
            found.append(name)
    return found


def adaptation_values(
    inputs: dict[str, keras.KerasTensor], engineered: features.Clean, examples: pd.DataFrame
) -> dict[str, dict[str, np.ndarray]]:
    """The engineered columns of the training examples, by kind and name, each (num_examples,)."""
    outputs = {"numbers": engineered.numbers, "categories": engineered.categories, "texts": engineered.texts}
    named = {f"{kind}/{name}": tensor for kind, tensors in outputs.items() for name, tensor in tensors.items()}
    values = batching.run_in_batches(keras.Model(inputs, named), raw_arrays(inputs, examples), ENCODING_BATCH)
    return {kind: {name: values[f"{kind}/{name}"] for name in tensors} for kind, tensors in outputs.items()}


def encode_numbers(
    tensors: dict[str, keras.KerasTensor], values: dict[str, np.ndarray]
) -> dict[str, keras.KerasTensor]:
    """Quantiles of the numbers that vary, and where those that may be missing are missing."""
    varying = [name for name, column in values.items() if len(np.unique(column[:1_000])) > 1 or np.ptp(column) != 0]
    if not varying:
        return {}
    quantiles = layers.QuantileTransform(name="quantiles")
    quantiles.adapt(np.stack([values[name] for name in varying], axis=1))
    encoded = {"numbers": quantiles(ops.stack([tensors[name] for name in varying], axis=1))}
    missing = [name for name in varying if np.isnan(values[name]).any()]
    if missing:
        is_missing = ops.isnan(ops.stack([tensors[name] for name in missing], axis=1))
        encoded["missing"] = ops.cast(is_missing, "float32")
    return encoded


def encode_categories(
    config: Config, tensors: dict[str, keras.KerasTensor], values: dict[str, np.ndarray]
) -> dict[str, keras.KerasTensor]:
    """One code per category that training has seen often enough."""
    codes: list[keras.KerasTensor] = []
    for name, tensor in tensors.items():
        counts = pd.Series(values[name]).value_counts()
        frequent = counts[counts >= config.min_category_count].head(config.max_categories)
        vocabulary = sorted(value.decode() for value in frequent.index if value)
        if vocabulary:
            lookup = keras.layers.StringLookup(vocabulary=vocabulary, mask_token="", name=CODES.format(len(codes)))
            codes.append(lookup(tensor))
    return {"categories": ops.cast(ops.stack(codes, axis=1), "int32")} if codes else {}


def vocabulary_sizes(preprocessor: keras.Model) -> list[int]:
    """How many codes each column of `categories` can have, missing and unseen included."""
    num_columns = preprocessor.output["categories"].shape[1]
    return [preprocessor.get_layer(CODES.format(place)).vocabulary_size() for place in range(num_columns)]


def encode_texts(tensors: dict[str, keras.KerasTensor], values: dict[str, np.ndarray]) -> dict[str, keras.KerasTensor]:
    """The TF-IDF weights of the most frequent words of each free-text column, side by side."""
    weights = []
    for name, tensor in tensors.items():
        words = keras.layers.TextVectorization(max_tokens=MAX_WORDS, output_mode="tf_idf")
        words.adapt(tf.data.Dataset.from_tensor_slices(values[name]).batch(ENCODING_BATCH))
        weights.append(words(tensor))
    return {"texts": ops.concatenate(weights, axis=1)} if weights else {}


def make_dataset(
    config: Config, split: str, preprocessor: keras.Model, target: task.Target, epoch: tf.Variable | None = None
) -> tf.data.Dataset:
    """Batches of (inputs, targets) of a split: the preprocessor's outputs and targets of shape (batch, 1).

    With the setting `sample_weight` they are (inputs, targets, weights), the last of shape (batch,) and mean 1.

    With `epoch`, the number of the epoch, those of the training split are shuffled. All are encoded once.
    """
    if epoch is None:
        return batching.in_order(*encode(config, loading.read_examples(config, split), preprocessor, target))
    size = batching.batch_size(config, tables.num_examples(config, split))
    return loading.training_batches(config, lambda part: encode(config, part, preprocessor, target), size, epoch)


def encode(
    config: Config, examples: pd.DataFrame, preprocessor: keras.Model, target: task.Target
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]:
    """The preprocessor's outputs, the targets, (num_examples, 1), and the weights, if any, (num_examples,)."""
    inputs = batching.run_in_batches(preprocessor, raw_arrays(preprocessor.input, examples), ENCODING_BATCH)
    return (
        inputs,
        task.encode(target, examples[config.target_columns])[:, None],
        tables.sample_weights(config, examples),
    )


def simple_features(config: Config, train: pd.DataFrame, evaluation: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What baselines learn from, without a network: numbers, dates as days, and categories."""
    columns = describe_columns(config, train)

    def simplify(examples: pd.DataFrame) -> pd.DataFrame:
        numbers = {name: examples[name].astype("float64") for name in columns.numbers}
        dates = {name: (examples[name] - pd.Timestamp(0)) / pd.Timedelta(days=1) for name in columns.dates}
        categories = {name: examples[name].astype("category") for name in columns.categories}
        return pd.DataFrame({**numbers, **dates, **categories})

    return simplify(train), simplify(evaluation)
