"""Layers for texts that Keras lacks."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="text")
class WeightedBag(keras.layers.Layer):
    """The sum of the embeddings of the n-grams of a text, weighted by TF-IDF (Salton and Buckley 1988).

    As in fastText (Joulin et al. 2017), but rare n-grams count more than frequent ones, and the weights of a text have
    the length 1. Training drops n-grams at random, so that the model relies on no single one.
    Shapes: int32 codes (batch, num_ngrams), 0 for none, to (batch, units).
    """

    def __init__(self, num_codes: int, units: int, dropout: float = 0.0, **options: Any) -> None:
        """Takes the number of codes, the width of an embedding and the share of n-grams that training drops."""
        super().__init__(**options)
        self.num_codes, self.units = num_codes, units
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights, which `weigh` sets, and the embeddings."""
        del input_shape
        self.weights_of_codes = self.add_weight(
            shape=(self.num_codes,), initializer="zeros", trainable=False, name="weights_of_codes"
        )
        self.embeddings = self.add_weight(
            shape=(self.num_codes, self.units),
            initializer=keras.initializers.RandomNormal(stddev=0.1),
            name="embeddings",
        )

    def weigh(self, inverse_document_frequencies: np.ndarray) -> None:
        """Sets the weight of each code, (num_codes,), that of code 0 being 0."""
        self.weights_of_codes.assign(inverse_document_frequencies)

    def call(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Weighs and sums."""
        weights = self.dropout(keras.ops.take(self.weights_of_codes, codes), training=training)  # (batch, num_ngrams)
        length = keras.ops.sqrt(keras.ops.sum(keras.ops.square(weights), axis=1, keepdims=True))
        embedded = keras.ops.take(self.embeddings, codes, axis=0)  # (batch, num_ngrams, units)
        return keras.ops.einsum("bn,bnu->bu", weights / (length + 1e-6), embedded)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Replaces the last axis."""
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        """Adds the sizes."""
        sizes = {"num_codes": self.num_codes, "units": self.units, "dropout": self.dropout.rate}
        return {**super().get_config(), **sizes}
