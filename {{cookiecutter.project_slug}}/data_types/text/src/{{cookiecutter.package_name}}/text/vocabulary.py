"""Layers that know the words and n-grams of the training texts, and turn texts into their codes."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from . import tokenizing

PIECES: dict[str, Callable[[tf.Tensor], tf.RaggedTensor]] = {
    "words": tokenizing.words,
    "word_ngrams": tokenizing.word_ngrams,
    "character_ngrams": tokenizing.character_ngrams,
}
ADAPTATION_BATCH = 512  # texts whose pieces are in memory at once
COVERED = 0.99  # share of the training texts that fit into the length of the codes


@keras.saving.register_keras_serializable(package="text")
class Vocabulary(keras.layers.Layer):
    """Turns standardized texts into codes of the pieces that several training texts have in common.

    Pieces are known by their fingerprints, so that nothing but numbers is kept: sorted, their places are the codes.
    Shapes: (batch,) string to (batch, length) int32, 0 where there is no further piece.
    """

    def __init__(self, pieces: str, size: int = 0, length: int = 1, **options: Any) -> None:
        """Takes which pieces, a key of PIECES; `adapt` finds how many are known and how many a text has at most."""
        super().__init__(**options)
        self.pieces, self.size, self.length = pieces, size, length

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        """Creates the table, which `adapt` fills."""
        del input_shape
        options: dict[str, Any] = {"shape": (self.size,), "initializer": "zeros", "trainable": False}
        self.known = self.add_weight(name="known", dtype="int64", **options)
        self.document_shares = self.add_weight(name="document_shares", **options)
        self.built = True

    def adapt(self, standardized: np.ndarray, min_count: int, max_size: int, max_length: int) -> None:
        """Learns the pieces that at least `min_count` of the texts (num_texts,) have, the most frequent ones."""
        found, counts = document_frequencies(self.pieces, standardized)
        kept = np.flatnonzero(counts >= min_count)
        kept = np.sort(kept[np.argsort(-counts[kept], kind="stable")][:max_size])
        self.size = max(1, len(kept))
        self.build()
        if len(kept):
            self.known.assign(found[kept])
            self.document_shares.assign(counts[kept] / len(standardized))
        lengths = [self.ragged(texts).row_lengths().numpy() for texts in batches(standardized)]
        self.length = int(np.clip(np.quantile(np.concatenate(lengths), COVERED, method="higher"), 1, max_length))

    def codes(self, strings: tf.RaggedTensor, unknown: int) -> tf.RaggedTensor:
        """The codes of pieces (batch, None), from `unknown` + 1 on."""
        known, values = tf.convert_to_tensor(self.known), tokenizing.fingerprints(strings).values
        places = tf.minimum(tf.searchsorted(known, values), self.size - 1)
        found = tf.where(tf.equal(tf.gather(known, places), values), places + unknown + 1, unknown)
        return strings.with_values(found)

    def ragged(self, standardized: tf.Tensor) -> tf.RaggedTensor:
        """The codes of all pieces that count for something, (batch, None) int32."""
        raise NotImplementedError

    def call(self, standardized: tf.Tensor) -> tf.Tensor:
        """Cuts and pads the codes."""
        return self.ragged(standardized).to_tensor(shape=(None, self.length))

    def compute_output_spec(self, standardized: keras.KerasTensor) -> keras.KerasTensor:
        """States that codes come out."""
        return keras.KerasTensor((standardized.shape[0], self.length), "int32")

    def get_config(self) -> dict[str, Any]:
        """Adds the sizes."""
        return {**super().get_config(), "pieces": self.pieces, "size": self.size, "length": self.length}


@keras.saving.register_keras_serializable(package="text")
class WordSequence(Vocabulary):
    """The words of a text in their order: 0 behind the last, 1 unseen in training, then a code per word."""

    def ragged(self, standardized: tf.Tensor) -> tf.RaggedTensor:
        """The codes of all words."""
        return self.codes(PIECES[self.pieces](standardized), unknown=1)


@keras.saving.register_keras_serializable(package="text")
class BagOfNgrams(Vocabulary):
    """The known n-grams of a text, each once, in no order: 0 behind the last, then a code per n-gram."""

    def ragged(self, standardized: tf.Tensor) -> tf.RaggedTensor:
        """The codes that occur, the highest first."""
        codes = tf.sort(self.codes(PIECES[self.pieces](standardized), unknown=0).to_tensor(), direction="DESCENDING")
        following = tf.pad(codes, [[0, 0], [0, 1]])[:, 1:]
        return tf.ragged.boolean_mask(codes, codes != following)  # zeros, which follow zeros, go too

    def inverse_document_frequencies(self) -> np.ndarray:
        """How telling each code is (Sparck Jones 1972), (size + 1,) float32: the logarithm of how rare it is."""
        shares = keras.ops.convert_to_numpy(self.document_shares)
        return np.concatenate([[0], 1 - np.log(np.maximum(shares, 1e-9))]).astype("float32")


def batches(standardized: np.ndarray) -> list[np.ndarray]:
    """The texts in parts of bounded size."""
    return [standardized[start : start + ADAPTATION_BATCH] for start in range(0, len(standardized), ADAPTATION_BATCH)]


def document_frequencies(pieces: str, standardized: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fingerprints of all pieces, sorted, and how many texts have each; both (num_pieces,)."""
    parts, frequencies = [], []
    for texts in batches(standardized):
        found = tokenizing.fingerprints(PIECES[pieces](tf.constant(texts)))
        rows, values = found.value_rowids().numpy(), found.values.numpy()
        order = np.lexsort((rows, values))
        rows, values = rows[order], values[order]
        is_new = np.r_[True, (rows[1:] != rows[:-1]) | (values[1:] != values[:-1])][: len(rows)]
        distinct, counts = np.unique(values[is_new], return_counts=True)
        parts.append(distinct)
        frequencies.append(counts)
    all_distinct, places = np.unique(np.concatenate(parts), return_inverse=True)
    return all_distinct, np.bincount(places.ravel(), np.concatenate(frequencies)).astype("int64")
