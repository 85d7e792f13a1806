"""How a text falls into words and character n-grams: TensorFlow operations on strings, the same in service."""

from typing import Any

import keras
import tensorflow as tf

WORD_NGRAMS = (1, 2)  # words and pairs of neighbours
CHARACTER_NGRAMS = (1, 2, 3, 4)
SPELLED_CHARACTERS = 1_000  # of which character n-grams are made: longer texts have words enough
NUM_FINGERPRINTS = 2**62

# Signs, and characters of scripts that put no spaces between words, stand for themselves.
SINGLE = r"([^\p{L}\p{M}\p{N}_'\x{2019}\s]|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
OPENING, CLOSING = r"(^|\s)['\x{2019}]+", r"['\x{2019}]+(\s|$)"  # quotation marks, unlike the apostrophe in a word
SPACES = r"[\s\p{Z}\p{Cc}]+"


@keras.saving.register_keras_serializable(package="text")
class Cut(keras.layers.Layer):
    """The first characters of each text; what is invalid in UTF-8 becomes U+FFFD. Shapes: (batch,) string to same."""

    def __init__(self, max_characters: int, **options: Any) -> None:
        """Takes how many."""
        super().__init__(**options)
        self.max_characters = max_characters

    def call(self, texts: tf.Tensor) -> tf.Tensor:
        """Cuts."""
        valid = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        return tf.strings.substr(valid, 0, self.max_characters, unit="UTF8_CHAR")

    def compute_output_spec(self, texts: keras.KerasTensor) -> keras.KerasTensor:
        """States that texts come out."""
        return keras.KerasTensor(texts.shape, "string")

    def get_config(self) -> dict[str, Any]:
        """Adds the number."""
        return {**super().get_config(), "max_characters": self.max_characters}


@keras.saving.register_keras_serializable(package="text")
class Standardize(keras.layers.Layer):
    """Lower-case words and signs with one space between them. Shapes: (batch,) string to the same."""

    def call(self, texts: tf.Tensor) -> tf.Tensor:
        """Replaces."""
        whole = tf.strings.regex_replace(texts, r"\x00", " ")  # where `lower` would end
        lower = tf.strings.lower(whole, encoding="utf-8")
        apart = tf.strings.regex_replace(lower, SINGLE, r" \1 ")
        unquoted = tf.strings.regex_replace(tf.strings.regex_replace(apart, OPENING, " "), CLOSING, " ")
        return tf.strings.strip(tf.strings.regex_replace(unquoted, SPACES, " "))

    def compute_output_spec(self, texts: keras.KerasTensor) -> keras.KerasTensor:
        """States that texts come out."""
        return keras.KerasTensor(texts.shape, "string")


def words(standardized: tf.Tensor) -> tf.RaggedTensor:
    """The words of standardized texts, (batch, None) string."""
    return tf.strings.split(standardized)


def word_ngrams(standardized: tf.Tensor) -> tf.RaggedTensor:
    """Words and pairs of words, (batch, None) string."""
    return tf.strings.ngrams(words(standardized), WORD_NGRAMS, separator=" ")


def character_ngrams(standardized: tf.Tensor) -> tf.RaggedTensor:
    """Runs of characters, spaces at the borders of words included, (batch, None) string."""
    start = tf.strings.substr(standardized, 0, SPELLED_CHARACTERS, unit="UTF8_CHAR")
    characters = tf.strings.unicode_split(tf.strings.join([" ", start, " "]), "UTF-8")
    return tf.strings.ngrams(characters, CHARACTER_NGRAMS, separator="")


def fingerprints(strings: tf.RaggedTensor) -> tf.RaggedTensor:
    """A number per string, int64, by which two of a million strings are confused once in a million cases."""
    return tf.strings.to_hash_bucket_fast(strings, NUM_FINGERPRINTS)
