"""Layers for tables that Keras lacks: a quantile map, embeddings of numbers and categories, an efficient ensemble."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tabular")
class QuantileTransform(keras.layers.Layer):
    """Maps each number to its quantile in the training data, then to the standard normal distribution.

    Outliers and skew vanish, ties share the middle of their quantiles, a missing value (NaN) becomes the median, and
    values beyond the training data stay at its edge. Shapes: (batch, num_numbers) to the same.
    """

    def __init__(self, num_knots: int = 1_000, **options: Any) -> None:
        """Takes the number of quantiles to keep of each column."""
        super().__init__(**options)
        self.num_knots = num_knots

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the table of quantiles, which `adapt` fills."""
        self.knots = self.add_weight(
            shape=(input_shape[-1], self.num_knots), initializer="zeros", trainable=False, name="knots"
        )

    def adapt(self, columns: np.ndarray) -> None:
        """Learns the quantiles of each column of an array (num_examples, num_numbers), in which NaN means missing."""
        if columns.ndim != 2:
            message = (
                f"QuantileTransform.adapt got an array of shape {columns.shape}; "
                "it needs (num_examples, num_numbers): stack the columns with np.stack(columns, axis=1)"
            )
            raise ValueError(message)
        if not hasattr(self, "knots"):
            self.build(columns.shape)
        # 100,000 rows fix a quantile to about 0.2 %, and sorting them takes milliseconds.
        stride = max(1, len(columns) // 100_000)
        sample = columns[::stride].astype("float32")
        levels = np.linspace(0, 1, self.num_knots)
        present = [column[np.isfinite(column)] for column in sample.T]
        # Of sorted numbers, many quantiles are found three times as fast.
        knots = [np.quantile(np.sort(column), levels) if len(column) else levels for column in present]
        self.knots.assign(np.stack(knots))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Interpolates between the knots."""
        last = self.num_knots - 1
        knots = tf.convert_to_tensor(self.knots)  # (num_numbers, num_knots)
        columns = tf.transpose(tf.where(tf.math.is_nan(inputs), 0.0, inputs))  # (num_numbers, batch)
        left = tf.searchsorted(knots, columns, side="left")
        right = tf.searchsorted(knots, columns, side="right")
        above = tf.gather(knots, tf.minimum(left, last), batch_dims=1)
        below = tf.gather(knots, tf.clip_by_value(left - 1, 0, last), batch_dims=1)
        fraction = tf.math.divide_no_nan(columns - below, above - below)
        between = tf.cast(left - 1, "float32") + tf.clip_by_value(fraction, 0.0, 1.0)
        tied = tf.cast(left + right - 1, "float32") / 2
        quantiles = tf.clip_by_value(tf.where(right > left, tied, between) / last, 0.001, 0.999)
        normal = math.sqrt(2) * tf.math.erfinv(2 * quantiles - 1)  # within -3.1 to 3.1
        return tf.where(tf.math.is_nan(inputs), 0.0, tf.transpose(normal))  # (batch, num_numbers)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Keeps the shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Adds the number of knots."""
        return {**super().get_config(), "num_knots": self.num_knots}


@keras.saving.register_keras_serializable(package="tabular")
class PeriodicEmbedding(keras.layers.Layer):
    """Embeds each number by waves of learned frequencies, a linear map of its own and ReLU (Gorishniy et al., 2022).

    Lets a network bend sharply along one number, which plain dense layers learn slowly.
    Shapes: (batch, num_numbers) to (batch, num_numbers, units).
    """

    def __init__(self, units: int, num_frequencies: int, scale: float, **options: Any) -> None:
        """Takes the width of an embedding, the number of its frequencies, and their initial scale."""
        super().__init__(**options)
        self.units = units
        self.num_frequencies = num_frequencies
        self.scale = scale  # standard deviation of the first frequencies, in cycles per unit of input

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates frequencies and linear maps, one set for each number."""
        num_numbers = input_shape[-1]
        self.frequencies = self.add_weight(
            shape=(num_numbers, self.num_frequencies),
            initializer=keras.initializers.RandomNormal(stddev=2 * math.pi * self.scale),  # radians per unit
            name="frequencies",
        )
        width = 2 * self.num_frequencies
        limit = 1 / math.sqrt(width)
        self.kernel = self.add_weight(
            shape=(num_numbers, width, self.units),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(num_numbers, self.units), initializer=keras.initializers.RandomUniform(-limit, limit), name="bias"
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Computes the waves and maps them."""
        angles = keras.ops.expand_dims(inputs, -1) * self.frequencies  # (batch, num_numbers, frequencies)
        waves = keras.ops.concatenate([keras.ops.sin(angles), keras.ops.cos(angles)], axis=-1)
        return keras.ops.relu(keras.ops.einsum("bnw,nwu->bnu", waves, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Appends the embedding axis."""
        return (*input_shape, self.units)

    def get_config(self) -> dict[str, Any]:
        """Adds the sizes."""
        return {
            **super().get_config(),
            "units": self.units,
            "num_frequencies": self.num_frequencies,
            "scale": self.scale,
        }


@keras.saving.register_keras_serializable(package="tabular")
class CategoryEmbedding(keras.layers.Layer):
    """Looks up a learned vector for the code of each category, all columns in one table.

    Shapes: int codes (batch, num_categories) to (batch, num_categories, units).
    """

    def __init__(self, vocabulary_sizes: list[int], units: int, **options: Any) -> None:
        """Takes the number of codes of each column and the width of an embedding."""
        super().__init__(**options)
        self.vocabulary_sizes = list(vocabulary_sizes)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the table."""
        if input_shape[-1] != len(self.vocabulary_sizes):
            message = (
                f"CategoryEmbedding got {input_shape[-1]} columns of codes but {len(self.vocabulary_sizes)} "
                "vocabulary sizes: give one size for each column"
            )
            raise ValueError(message)
        self.offsets = np.cumsum([0, *self.vocabulary_sizes[:-1]]).astype("int32")
        self.table = self.add_weight(
            shape=(sum(self.vocabulary_sizes), self.units),
            initializer=keras.initializers.RandomNormal(stddev=1 / math.sqrt(self.units)),
            name="table",
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Shifts the codes of each column to its part of the table."""
        return keras.ops.take(self.table, inputs + self.offsets, axis=0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Appends the embedding axis."""
        return (*input_shape, self.units)

    def get_config(self) -> dict[str, Any]:
        """Adds the sizes."""
        return {**super().get_config(), "vocabulary_sizes": self.vocabulary_sizes, "units": self.units}


@keras.saving.register_keras_serializable(package="tabular")
class EnsembleDense(keras.layers.Layer):
    """A dense layer for an ensemble whose members share one kernel and scale its inputs and outputs (Wen et al., 2020).

    Input scales of random signs make the members differ from the start (TabM, Gorishniy et al., 2025).
    Shapes: (batch, members, features) to (batch, members, units).
    """

    def __init__(self, units: int, random_signs: bool = False, **options: Any) -> None:
        """Takes the width of the output; the first layer of an ensemble needs the random signs."""
        super().__init__(**options)
        self.units = units
        self.random_signs = random_signs

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Creates the shared kernel and the scales and biases of each member."""
        _, members, features = input_shape
        limit = 1 / math.sqrt(features)
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(shape=(features, self.units), initializer=uniform, name="kernel")
        self.input_scale = self.add_weight(
            shape=(members, features), initializer=random_sign if self.random_signs else "ones", name="input_scale"
        )
        self.output_scale = self.add_weight(shape=(members, self.units), initializer="ones", name="output_scale")
        self.bias = self.add_weight(shape=(members, self.units), initializer=uniform, name="bias")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Scales, multiplies by the shared kernel, scales again."""
        return keras.ops.matmul(inputs * self.input_scale, self.kernel) * self.output_scale + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Replaces the last axis."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Adds the sizes."""
        return {**super().get_config(), "units": self.units, "random_signs": self.random_signs}


def random_sign(shape: tuple[int, ...], dtype: str | None = None) -> tf.Tensor:
    """Draws -1 or 1 with equal chance."""
    return keras.ops.sign(keras.random.uniform(shape, -1, 1, dtype=dtype))


@keras.saving.register_keras_serializable(package="tabular")
class DaysSinceEpoch(keras.layers.Layer):
    """Reads ISO 8601 dates such as 2026-11-22 or 2026-11-22T09:30:00 as days since 1970-01-01; others become NaN.

    Shapes: (batch,) string to (batch,) float32, exact to about three minutes.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Cuts the fields out of the string and counts the days by Hinnant's algorithm (2014, days_from_civil)."""
        is_date = tf.strings.regex_full_match(inputs, r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?")
        has_time = tf.strings.regex_full_match(inputs, r".{10}[T ]\d{2}:\d{2}.*") & is_date
        has_seconds = tf.strings.regex_full_match(inputs, r".{16}:\d{2}.*") & is_date
        month, day = field(inputs, is_date, 5, 2), field(inputs, is_date, 8, 2)
        year = field(inputs, is_date, 0, 4) - tf.cast(month <= 2, "int32")  # years that begin in March
        day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
        days = 365 * year + year // 4 - year // 100 + year // 400 + day_of_year - 719468
        hours, minutes = field(inputs, has_time, 11, 2), field(inputs, has_time, 14, 2)
        seconds = 3600 * hours + 60 * minutes + field(inputs, has_seconds, 17, 2)
        exact = tf.cast(days, "float32") + tf.cast(seconds, "float32") / 86_400
        return tf.where(is_date, exact, float("nan"))

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The outputs are numbers."""
        return keras.KerasTensor(inputs.shape, "float32")


def field(texts: tf.Tensor, is_there: tf.Tensor, position: int, length: int) -> tf.Tensor:
    """The number at a position of each string, 0 where it is not there."""
    padded = tf.where(is_there, texts, "0" * (position + length))
    return tf.strings.to_number(tf.strings.substr(padded, position, length), "int32")


@keras.saving.register_keras_serializable(package="tabular")
class CategoryName(keras.layers.Layer):
    """Names numbers, so that they can be treated as categories: 3 becomes "3", 0.5 "0.5", a missing number (NaN) "".

    Shapes: (batch,) of any type to (batch,) string.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Writes the digits; texts stay."""
        return category_name(inputs)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The outputs are texts."""
        return keras.KerasTensor(inputs.shape, "string")


def category_name(values: tf.Tensor) -> tf.Tensor:
    """Values of any type as texts of the same shape; NaN becomes ""."""
    if values.dtype == tf.string:
        return values
    if not values.dtype.is_floating:
        return tf.strings.as_string(values)
    return tf.where(tf.math.is_nan(values), "", tf.strings.as_string(values, shortest=True))


@keras.saving.register_keras_serializable(package="tabular")
class Cross(keras.layers.Layer):
    """Joins categories to one, so that a combination such as red and female is learned as a category of its own.

    Shapes: several columns in a list, each (batch,) of any type, to (batch,) string, "" where one of them is missing.
    """

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Writes the names side by side."""
        names = [category_name(values) for values in inputs]
        is_missing = tf.reduce_any([tf.equal(name, "") for name in names], axis=0)
        return tf.where(is_missing, "", tf.strings.join(names, separator=" & "))

    def compute_output_spec(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """The outputs are texts."""
        return keras.KerasTensor(inputs[0].shape, "string")


@keras.saving.register_keras_serializable(package="tabular")
class TextLength(keras.layers.Layer):
    """Counts the characters of each text. Shapes: (batch,) string to (batch,) float32."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Counts Unicode characters, not bytes."""
        return tf.cast(tf.strings.length(inputs, unit="UTF8_CHAR"), "float32")

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The outputs are numbers."""
        return keras.KerasTensor(inputs.shape, "float32")
