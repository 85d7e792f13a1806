"""Layers that read what a client sends as a string: dates and texts."""

import keras
import tensorflow as tf


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
        """States that numbers come out."""
        return keras.KerasTensor(inputs.shape, "float32")


def field(texts: tf.Tensor, is_there: tf.Tensor, position: int, length: int) -> tf.Tensor:
    """The number at a position of each string, 0 where it is not there."""
    padded = tf.where(is_there, texts, "0" * (position + length))
    return tf.strings.to_number(tf.strings.substr(padded, position, length), "int32")


@keras.saving.register_keras_serializable(package="tabular")
class WholeNumberName(keras.layers.Layer):
    """Names whole numbers, so that they can be told apart like categories; others and missing ones become "".

    Shapes: (batch,) float32 to (batch,) string.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Writes the digits."""
        is_whole = tf.equal(inputs, tf.round(inputs)) & (tf.abs(inputs) < 2**24)  # float32 is exact up to there
        return tf.where(is_whole, tf.strings.as_string(tf.cast(tf.where(is_whole, inputs, 0.0), "int32")), "")

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """States that texts come out."""
        return keras.KerasTensor(inputs.shape, "string")


@keras.saving.register_keras_serializable(package="tabular")
class TextLength(keras.layers.Layer):
    """Counts the characters of each text. Shapes: (batch,) string to (batch,) float32."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Counts Unicode characters, not bytes."""
        return tf.cast(tf.strings.length(inputs, unit="UTF8_CHAR"), "float32")

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """States that numbers come out."""
        return keras.KerasTensor(inputs.shape, "float32")
