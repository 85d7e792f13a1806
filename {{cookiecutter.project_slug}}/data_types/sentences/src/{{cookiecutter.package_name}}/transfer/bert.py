"""Sentence vectors by BERT (Devlin et al. 2019), from a folder as Hugging Face lays it out, and its pieces of words."""

import functools
import json
import math
import unicodedata
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

NUMBERS = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
CODES_AT_ONCE = 16_384  # of which a layer has some hundred megabytes
PADDING, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
CONTINUED = "##"  # begins a piece that does not begin a word
LONGEST_WORD = 100  # characters: longer ones are unknown
NUM_FINGERPRINTS = 2**62
LAST_DECOMPOSED = 0x2FA1D  # the code point of the last character that falls into others
REMOVED = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{fffd}\p{Cf}\p{Co}\x{e0100}-\x{e01ef}]"
IDEOGRAPHS = r"\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{2a6df}\x{2a700}-\x{2ceaf}"
SINGLE = rf"([\p{{P}}$+<=>^`|~{IDEOGRAPHS}\x{{2f800}}-\x{{2fa1f}}])"


@keras.saving.register_keras_serializable(package="text")
class InParts(layers.Layer):
    """The vectors of texts by a network, which computes each different text once, and only so many at a time.

    Padding that all texts of a part have is cut off. Shapes: codes (batch, length) int32 to (batch, width), or of
    several columns (batch, columns, length) to (batch, columns * width).
    """

    def __init__(self, network: keras.Model, **options: Any) -> None:
        """Takes the network from codes (batch, length) to vectors (batch, width)."""
        super().__init__(**options)
        self.network = network

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """That of the network."""
        shape: tuple[int | None, ...] = self.network.input_shape
        return shape

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """Those of the network."""
        found: list[keras.layers.Layer] = self.network.layers
        return found

    def call(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Computes all at once in training, which needs the gradients of all."""
        texts = tf.reshape(codes, [-1, codes.shape[-1]])
        vectors = self.vectors(texts) if training else self.in_parts(texts)
        return tf.reshape(vectors, [-1, self.width(codes)])

    def in_parts(self, codes: tf.Tensor) -> tf.Tensor:
        """The vectors of texts, part by part; the last part is filled with padding."""
        length = codes.shape[-1]
        distinct, places = tf.raw_ops.UniqueV2(x=codes, axis=[0])
        num_distinct = tf.shape(distinct)[0]
        size = tf.clip_by_value(num_distinct, 1, max(1, CODES_AT_ONCE // length))
        filled = tf.pad(distinct, [[0, -num_distinct % size], [0, 0]])
        parts = tf.reshape(filled, tf.stack([-1, size, length]))
        vectors = tf.map_fn(self.vectors, parts, parallel_iterations=1, fn_output_signature=self.network.output.dtype)
        return tf.gather(tf.reshape(vectors, [-1, self.network.output_shape[-1]]), places)

    def vectors(self, codes: tf.Tensor) -> tf.Tensor:
        """The vectors of texts, (num_texts, width)."""
        longest = tf.reduce_max(tf.math.count_nonzero(codes, axis=1, dtype="int32"))
        vectors: tf.Tensor = self.network(codes[:, : tf.maximum(longest, 1)])
        return vectors

    def width(self, codes: tf.Tensor | keras.KerasTensor) -> int:
        """That of the vectors of all columns, side by side."""
        return math.prod(codes.shape[1:-1]) * int(self.network.output_shape[-1])

    def compute_output_spec(self, codes: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """States the width."""
        del training
        return keras.KerasTensor((codes.shape[0], self.width(codes)), self.network.output.dtype)

    def get_config(self) -> dict[str, Any]:
        """Adds the network."""
        return {**super().get_config(), "network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "InParts":
        """Makes the network first."""
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})


def network(described: dict[str, Any], by_first: bool) -> keras.Model:
    """From codes (batch, length) int32, 0 where there is none, to vectors (batch, width) of length 1.

    A vector is the mean of the hidden ones, or the first one. `described` is the content of config.json; layers are
    named after the tensors that `load` gives them.
    """
    width, epsilon = described["hidden_size"], described["layer_norm_eps"]
    codes = keras.Input((None,), dtype="int32", name="tokens")
    is_there = ops.not_equal(codes, 0)
    places = ops.cumsum(ops.ones_like(codes), axis=1) - 1
    hidden = layers.Embedding(described["vocab_size"], width, name="embeddings.word_embeddings")(codes)
    hidden += layers.Embedding(described["max_position_embeddings"], width, name="embeddings.position_embeddings")(
        places
    )
    hidden = layers.LayerNormalization(epsilon=epsilon, name="embeddings.LayerNorm")(hidden)
    for number in range(described["num_hidden_layers"]):
        hidden = block(hidden, is_there, described, f"encoder.layer.{number}.")
    if by_first:
        pooled = hidden[:, 0]
    else:
        shares = ops.cast(is_there, hidden.dtype)
        pooled = ops.einsum("blw,bl->bw", hidden, shares) / ops.maximum(ops.sum(shares, axis=1, keepdims=True), 1.0)
    return keras.Model(codes, layers.UnitNormalization(name="unit_length")(pooled), name="bert")


def block(hidden: keras.KerasTensor, is_there: Any, described: dict[str, Any], name: str) -> keras.KerasTensor:
    """Self-attention and two dense layers, each added to what it saw: (batch, length, width) to the same."""
    width, heads, epsilon = (described[key] for key in ("hidden_size", "num_attention_heads", "layer_norm_eps"))
    attention = layers.MultiHeadAttention(heads, width // heads, name=f"{name}attention")
    attended = attention(hidden, hidden, attention_mask=ops.expand_dims(is_there, 1))
    hidden = layers.LayerNormalization(epsilon=epsilon, name=f"{name}attention.output.LayerNorm")(hidden + attended)
    inner = layers.Dense(described["intermediate_size"], name=f"{name}intermediate.dense")(hidden)
    inner = layers.Dense(width, name=f"{name}output.dense")(ops.gelu(inner, approximate=False))
    return layers.LayerNormalization(epsilon=epsilon, name=f"{name}output.LayerNorm")(hidden + inner)


def load(model: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Gives a network the weights of a file, by the names of its layers."""
    types = tensors["embeddings.token_type_embeddings.weight"][0]  # of the only sentence: part of each place
    for layer in model.layers:
        name = layer.name
        if isinstance(layer, layers.Embedding):
            layer.set_weights([tensors[f"{name}.weight"] + types * (name == "embeddings.position_embeddings")])
        elif isinstance(layer, layers.LayerNormalization):
            layer.set_weights([tensors[f"{name}.weight"], tensors[f"{name}.bias"]])
        elif isinstance(layer, layers.Dense):
            layer.set_weights([tensors[f"{name}.weight"].T, tensors[f"{name}.bias"]])
        elif isinstance(layer, layers.MultiHeadAttention):
            layer.set_weights(attention_weights(layer, tensors))


def attention_weights(layer: layers.MultiHeadAttention, tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The weights in the order of Keras, which keeps the heads apart."""
    weights = list[np.ndarray]()
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        kernel, bias = (tensors[f"{layer.name}.{part}.{kind}"] for kind in ("weight", "bias"))
        shapes = [variable.shape for variable in layer.weights[len(weights) : len(weights) + 2]]
        weights += [kernel.T.reshape(shapes[0]), bias.reshape(shapes[1])]
    return weights


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors by name in a file of the format safetensors: the length of a header in JSON, the header, numbers."""
    begin = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8:begin]).items():
        if name != "__metadata__":
            count, start = math.prod(entry["shape"]), begin + entry["data_offsets"][0]
            tensors[name] = np.frombuffer(content, NUMBERS[entry["dtype"]], count, start).reshape(entry["shape"])
    return tensors


@keras.saving.register_keras_serializable(package="text")
class WordPiece(keras.layers.Layer):
    """Codes of the pieces of each text, as BERT has them (Devlin et al. 2019).

    A code is a place in the vocabulary: that of START, then of the pieces, then of END, then 0. A word falls into the
    longest pieces that fit, from left to right (Wu et al. 2016), or is UNKNOWN. Of a longer text the rest is cut off.
    Shapes: (batch,) string to (batch, length) int32.
    """

    def __init__(self, vocabulary: Sequence[str], length: int, lower: bool = True, **options: Any) -> None:
        """Takes the pieces in their order, the number of codes, and whether case and accents do not matter."""
        super().__init__(**options)
        self.vocabulary, self.length, self.lower = list(vocabulary), length, lower
        prints = tf.strings.to_hash_bucket_fast(self.vocabulary, NUM_FINGERPRINTS).numpy()
        self.codes = np.argsort(prints).astype("int32")
        self.prints = prints[self.codes]
        self.longest = max(len(piece.encode()) for piece in self.vocabulary)
        self.special = {name: self.vocabulary.index(name) for name in (PADDING, UNKNOWN, START, END)}

    def call(self, texts: tf.Tensor) -> tf.Tensor:
        """Splits each word that occurs once."""
        words = split_words(texts, self.lower)[:, : self.length]  # (batch, None)
        distinct, places = tf.unique(words.flat_values)
        pieces = tf.gather(self.pieces(distinct), words.with_flat_values(places)).merge_dims(1, 2)
        ends = tf.ones_like(texts, "int32")[:, None]
        codes = [self.special[START] * ends, pieces[:, : self.length - 2], self.special[END] * ends]
        return tf.concat(codes, axis=1).to_tensor(shape=(None, self.length))

    def pieces(self, words: tf.Tensor) -> tf.RaggedTensor:
        """The codes of the pieces of each word, (num_words, None) int32."""
        lengths = tf.strings.length(words)
        steps = tf.range(1, self.longest + 1) + tf.zeros_like(lengths)[:, None]  # (num_words, longest)

        def is_left(place: tf.Tensor, *_: Any) -> tf.Tensor:
            return tf.reduce_any((place >= 0) & (place < lengths))

        def go(place: tf.Tensor, number: tf.Tensor, codes: tf.TensorArray) -> tuple[tf.Tensor, ...]:
            begins = tf.maximum(place, 0)[:, None] + tf.zeros_like(steps)
            candidates = tf.strings.substr(words[:, None], begins, steps)
            code = self.look_up(tf.strings.join([tf.where(begins > 0, CONTINUED, ""), candidates]))
            best = tf.argmax(tf.where(code >= 0, steps, 0), axis=1, output_type="int32")[:, None]
            code = tf.gather(code, best, batch_dims=1)[:, 0]
            after = place + tf.strings.length(tf.gather(candidates, best, batch_dims=1)[:, 0])
            is_done = (place < 0) | (place >= lengths)
            next_place = tf.where(is_done, place, tf.where(code >= 0, after, -1))
            return next_place, number + 1, codes.write(number, tf.where(is_done, 0, code))

        is_long = tf.strings.length(words, unit="UTF8_CHAR") > LONGEST_WORD
        empty = tf.TensorArray("int32", 0, dynamic_size=True, element_shape=(None,))
        place, number, codes = tf.while_loop(is_left, go, (-tf.cast(is_long, "int32"), 0, empty))
        found = tf.transpose(tf.reshape(codes.stack(), [number, tf.size(words)]))
        is_unknown = (place < 0)[:, None]
        found = tf.concat([tf.where(is_unknown, self.special[UNKNOWN], 0), tf.where(is_unknown, 0, found)], axis=1)
        return tf.ragged.boolean_mask(found, found > 0)

    def look_up(self, strings: tf.Tensor) -> tf.Tensor:
        """The code of each piece, -1 where a string is none."""
        values = tf.strings.to_hash_bucket_fast(strings, NUM_FINGERPRINTS)
        places = tf.minimum(tf.searchsorted(self.prints, tf.reshape(values, [-1])), len(self.prints) - 1)
        places = tf.reshape(places, tf.shape(values))
        return tf.where(tf.gather(self.prints, places) == values, tf.gather(self.codes, places), -1)

    def compute_output_spec(self, texts: keras.KerasTensor) -> keras.KerasTensor:
        """States that codes come out."""
        return keras.KerasTensor((texts.shape[0], self.length), "int32")

    def get_config(self) -> dict[str, Any]:
        """Adds the vocabulary."""
        own = {"vocabulary": self.vocabulary, "length": self.length, "lower": self.lower}
        return {**super().get_config(), **own}


def split_words(texts: tf.Tensor, lower: bool) -> tf.RaggedTensor:
    """Words, signs and ideographs, (batch, None) string; with `lower` without capitals and accents."""
    clean = tf.strings.regex_replace(texts, REMOVED, "")
    apart = tf.strings.regex_replace(clean, r"[\s\p{Z}]+", " ")
    if lower:
        changed, parts = simplified()
        characters = tf.strings.unicode_split(apart, "UTF-8")
        points = tf.strings.unicode_decode(apart, "UTF-8").flat_values
        places = tf.minimum(tf.searchsorted(changed, points), len(changed) - 1)
        is_changed = tf.gather(changed, places) == points
        values = tf.where(is_changed, tf.gather(parts, places), characters.flat_values)
        apart = tf.strings.reduce_join(characters.with_flat_values(values), axis=1)
    return tf.strings.split(tf.strings.regex_replace(apart, SINGLE, r" \1 "))


@functools.cache
def simplified() -> tuple[np.ndarray, list[str]]:
    """Code points that have a capital or an accent, sorted, and each without: canonically decomposed, without marks."""
    found = {}
    for point in range(LAST_DECOMPOSED + 1):
        character = chr(point)
        kept = [part for part in unicodedata.normalize("NFD", character) if unicodedata.category(part) != "Mn"]
        if (text := "".join(part.lower() for part in kept)) != character and not 0xD800 <= point < 0xE000:
            found[point] = text
    return np.array(list(found), "int32"), list(found.values())
