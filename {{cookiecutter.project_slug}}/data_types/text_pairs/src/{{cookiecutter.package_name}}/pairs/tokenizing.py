"""Layers that split texts into the codes of pieces and put them together again: TensorFlow only, the same in service.

A text is split from left to right, each time by the longest piece that fits. A space is put before it, so that its
first word is split like any other, and taken away when pieces are put together: what was split comes out as it was.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

PADDING, START, END = 0, 1, 2
NUM_SPECIAL = 3  # codes that stand for no piece
NUM_BYTES = 256
NOWHERE = -1
TEXTS_AT_ONCE = 256


class Trie(NamedTuple):
    """The prefixes of all pieces as numbered nodes, of which 0 is the empty one.

    `edges`: node * 256 + byte, sorted, (num_edges,); `ends`: the nodes that they lead to; `codes`: the code of the
    piece that a node is, 0 where it is none, (num_nodes,); `depth`: bytes of the longest piece.
    """

    edges: np.ndarray
    ends: np.ndarray
    codes: np.ndarray
    depth: int

    @classmethod
    def of(cls, pieces: Sequence[str]) -> "Trie":
        """Takes pieces as `subwords` writes them."""
        edges: dict[int, int] = {}
        codes = [0]
        for code, piece in enumerate(pieces, NUM_SPECIAL):
            node = 0
            for byte in piece.encode("latin-1"):
                node = edges.setdefault(node * NUM_BYTES + byte, len(codes))
                if node == len(codes):
                    codes.append(0)
            codes[node] = code
        ordered = np.array(sorted(edges.items()), "int32")
        return cls(ordered[:, 0], ordered[:, 1], np.array(codes, "int32"), max(map(len, pieces)))


@keras.saving.register_keras_serializable(package="text_pairs")
class Encode(keras.layers.Layer):
    """Splits texts: (batch,) string to codes (batch, longest) int32, each closed by END, then padded by PADDING.

    Of longer texts, `max_pieces` are read.
    """

    def __init__(self, pieces: Sequence[str], max_pieces: int, **options: Any) -> None:
        """Takes pieces as `subwords.learn` gives them."""
        super().__init__(**options)
        self.pieces, self.max_pieces, self.trie = list(pieces), max_pieces, Trie.of(pieces)

    @property
    def num_codes(self) -> int:
        """One more than the largest code."""
        return NUM_SPECIAL + len(self.pieces)

    def call(self, texts: tf.Tensor) -> tf.Tensor:
        """Finds the longest piece at every byte, then goes from piece to piece."""
        read = tf.strings.substr(tf.strings.join([" ", texts]), 0, self.max_pieces * self.trie.depth)
        lengths = tf.strings.length(read)
        size = tf.maximum(tf.reduce_max(tf.pad(lengths, [[0, 1]])), 1)
        data = tf.cast(tf.io.decode_raw(read, "uint8", fixed_length=size), "int32")  # (batch, size)
        data = tf.where(tf.sequence_mask(lengths, size), data, NOWHERE)
        return self.walk(*self.longest_pieces(data), lengths)

    def longest_pieces(self, data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """From bytes to the code and the length of the longest piece that begins at each, both (batch, size)."""
        following = tf.pad(data, [[0, 0], [0, self.trie.depth]], constant_values=NOWHERE)
        last, size = len(self.trie.edges) - 1, tf.shape(data)[1]

        def go_deeper(place: tf.Tensor, node: tf.Tensor, code: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, ...]:
            byte = following[:, place : place + size]
            edge = tf.where((node == NOWHERE) | (byte == NOWHERE), NOWHERE, node * NUM_BYTES + byte)
            found = tf.minimum(tf.searchsorted(self.trie.edges, tf.reshape(edge, [-1])), last)
            found = tf.reshape(found, tf.shape(edge))
            node = tf.where(tf.gather(self.trie.edges, found) == edge, tf.gather(self.trie.ends, found), NOWHERE)
            here = tf.gather(self.trie.codes, tf.maximum(node, 0))  # 0 at the empty prefix
            return place + 1, node, tf.where(here > 0, here, code), tf.where(here > 0, place + 1, length)

        first = (0, tf.zeros_like(data), tf.zeros_like(data), tf.ones_like(data))
        _, _, code, length = tf.while_loop(lambda place, *_: place < self.trie.depth, go_deeper, first)
        return code, length

    def walk(self, code: tf.Tensor, length: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """The codes at which the text is split."""
        size, num_texts = tf.shape(code)[1], tf.shape(code)[0]

        def is_left(step: tf.Tensor, place: tf.Tensor, _: tf.TensorArray) -> tf.Tensor:
            return (step < self.max_pieces) & tf.reduce_any(place < lengths)

        def go(step: tf.Tensor, place: tf.Tensor, codes: tf.TensorArray) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
            inside = tf.minimum(place, size - 1)
            here = tf.where(place < lengths, tf.gather(code, inside, batch_dims=1), PADDING)
            return step + 1, place + tf.gather(length, inside, batch_dims=1), codes.write(step, here)

        empty = tf.TensorArray("int32", 0, dynamic_size=True, element_shape=(None,))
        steps, _, codes = tf.while_loop(is_left, go, (0, tf.zeros([num_texts], "int32"), empty))
        found = tf.transpose(tf.reshape(codes.stack(), [steps, num_texts]))
        num_found = tf.reduce_sum(tf.cast(found != PADDING, "int32"), axis=1)
        return tf.pad(found, [[0, 0], [0, 1]]) + END * tf.one_hot(num_found, steps + 1, dtype="int32")

    def compute_output_spec(self, texts: keras.KerasTensor) -> keras.KerasTensor:
        """States that codes come out."""
        return keras.KerasTensor((*texts.shape, None), "int32")

    def get_config(self) -> dict[str, Any]:
        """Adds the pieces."""
        return {**super().get_config(), "pieces": self.pieces, "max_pieces": self.max_pieces}


def encode_all(encode: Callable[[tf.Tensor], tf.Tensor], texts: np.ndarray) -> tf.RaggedTensor:
    """The codes of many texts (num_texts,), (num_texts, None) int32, without padding."""
    compiled = tf.function(encode, input_signature=[tf.TensorSpec((None,), "string")], autograph=False)
    parts = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
    return tf.concat([tf.RaggedTensor.from_tensor(compiled(part), padding=PADDING) for part in parts], axis=0)


def join_pieces(pieces: Sequence[str], codes: tf.Tensor) -> tf.Tensor:
    """Puts texts together: codes (batch, length) to (batch,) string; what END, START and PADDING stand for is nothing.

    Bytes that are no UTF-8, which a network may well put one behind the other, become U+FFFD.
    """
    strings = tf.constant([b""] * NUM_SPECIAL + [piece.encode("latin-1") for piece in pieces])
    texts = tf.strings.reduce_join(tf.gather(strings, codes), axis=1)
    num_spaces = tf.cast(tf.strings.substr(texts, 0, 1) == " ", "int32")  # (batch,): 1 where there is one to take away
    texts = tf.strings.substr(texts, num_spaces, tf.strings.length(texts))
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace", replace_control_characters=False)
