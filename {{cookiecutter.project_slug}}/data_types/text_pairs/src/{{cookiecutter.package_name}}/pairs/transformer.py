"""The layers of an encoder-decoder Transformer (Vaswani et al. 2017), normalised before sublayers (Xiong et al. 2020).

Dimensions: batch; source and target, the pieces of the texts; width, of the vector that stands for a piece; heads, and
size, of the vectors of a head, heads * size = width; beams, the translations of a text that decoding keeps; steps, the
pieces that were decoded so far; codes, of the target's vocabulary.
"""

from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from .tokenizing import PADDING

NEVER = -1e9  # a logit whose probability is 0
LONGEST_WAVE = 10_000  # pieces

KeysAndValues: TypeAlias = tuple[Any, Any]
"""Of attention, both (batch, heads, length, size), or (batch, beams, heads, steps, size) for the steps of decoding."""


class Attention(layers.Layer):
    """Scaled dot-product attention by several heads."""

    def __init__(self, width: int, heads: int, dropout: float, **options: Any) -> None:
        """Takes the width of inputs and outputs."""
        super().__init__(**options)
        self.scale = (width // heads) ** -0.5
        split = ("blw,whs->bhls", (heads, None, width // heads))
        self.query, self.key, self.value = (layers.EinsumDense(*split, name=name) for name in ("query", "key", "value"))
        self.merge = layers.EinsumDense("bhls,hsw->blw", (None, width), name="merge")
        self.dropout = layers.Dropout(dropout)

    def look_up(self, hidden: Any) -> KeysAndValues:
        """What others find in hidden vectors (batch, length, width)."""
        return self.key(hidden), self.value(hidden)

    def call(self, hidden: Any, keys: Any, values: Any, mask: Any, training: bool | None = None) -> Any:
        """From hidden (batch, length, width) to the same; mask (batch, 1 or length, memory) is true where to look."""
        logits = ops.einsum("bhls,bhms->bhlm", self.scale * self.query(hidden), keys)
        shares = ops.softmax(ops.where(ops.expand_dims(mask, 1), logits, NEVER))
        return self.merge(ops.einsum("bhlm,bhms->bhls", self.dropout(shares, training=training), values))

    def step(self, hidden: Any, keys: Any, values: Any) -> Any:
        """For the last piece of each beam (batch, beams, width), which sees all steps before it and itself."""
        query = tf.transpose(self.scale * self.query(hidden), [0, 2, 1, 3])[:, :, :, None]  # one place of each beam
        shares = tf.nn.softmax(tf.matmul(query, keys, transpose_b=True))  # (batch, beams, heads, 1, steps)
        attended = tf.matmul(shares, values)[:, :, :, 0]  # (batch, beams, heads, size)
        return self.merge(tf.transpose(attended, [0, 2, 1, 3]))


class FeedForward(layers.Layer):
    """Two dense layers for each piece by itself: (batch, length, width) to the same."""

    def __init__(self, width: int, dropout: float, **options: Any) -> None:
        """The layer between is four times as wide."""
        super().__init__(**options)
        self.widen, self.narrow = layers.Dense(4 * width, activation="relu"), layers.Dense(width)
        self.dropout = layers.Dropout(dropout)

    def call(self, hidden: Any, training: bool | None = None) -> Any:
        """Widens and narrows."""
        return self.narrow(self.dropout(self.widen(hidden), training=training))


class EncoderBlock(layers.Layer):
    """Self-attention and a feed-forward network, each added to what it saw."""

    def __init__(self, width: int, heads: int, dropout: float, **options: Any) -> None:
        """Takes the dimensions."""
        super().__init__(**options)
        self.attention, self.feed_forward = Attention(width, heads, dropout), FeedForward(width, dropout)
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.dropout = layers.Dropout(dropout)

    def call(self, hidden: Any, mask: Any, training: bool | None = None) -> Any:
        """(batch, source, width) to the same; mask is (batch, 1, source)."""
        normed = self.norms[0](hidden)
        attended = self.attention(normed, *self.attention.look_up(normed), mask, training=training)
        hidden = hidden + self.dropout(attended, training=training)
        return hidden + self.dropout(self.feed_forward(self.norms[1](hidden), training=training), training=training)


class DecoderBlock(layers.Layer):
    """Self-attention, attention to the encoded source, and a feed-forward network."""

    def __init__(self, width: int, heads: int, dropout: float, **options: Any) -> None:
        """Takes the dimensions."""
        super().__init__(**options)
        self.attention, self.source_attention = (Attention(width, heads, dropout) for _ in range(2))
        self.feed_forward = FeedForward(width, dropout)
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(3)]
        self.dropout = layers.Dropout(dropout)

    def call(self, hidden: Any, encoded: Any, mask: Any, source_mask: Any, training: bool | None = None) -> Any:
        """(batch, target, width) to the same, given (batch, source, width); mask hides the pieces that come later."""
        normed = self.norms[0](hidden)
        attended = self.attention(normed, *self.attention.look_up(normed), mask, training=training)
        hidden = hidden + self.dropout(attended, training=training)
        memory = self.source_attention.look_up(encoded)
        attended = self.source_attention(self.norms[1](hidden), *memory, source_mask, training=training)
        hidden = hidden + self.dropout(attended, training=training)
        return hidden + self.dropout(self.feed_forward(self.norms[2](hidden), training=training), training=training)

    def step(
        self, hidden: Any, memory: KeysAndValues, source_mask: Any, cache: KeysAndValues
    ) -> tuple[Any, KeysAndValues]:
        """One more piece of each beam, (batch, beams, width); the cache holds keys and values of the steps before."""
        normed = self.norms[0](hidden)
        new = (tf.transpose(each, [0, 2, 1, 3])[:, :, :, None] for each in self.attention.look_up(normed))
        keys, values = (tf.concat([old, each], axis=3) for old, each in zip(cache, new, strict=True))
        hidden = hidden + self.attention.step(normed, keys, values)
        hidden = hidden + self.source_attention(self.norms[1](hidden), *memory, source_mask)
        return hidden + self.feed_forward(self.norms[2](hidden)), (keys, values)


@keras.saving.register_keras_serializable(package="text_pairs")
class Transformer(layers.Layer):
    """From the codes of a source and of the target so far to logits for the next piece at each place of the target."""

    def __init__(
        self,
        num_codes: tuple[int, int],
        width: int,
        heads: int,
        blocks: int,
        dropout: float,
        is_shared: bool = False,
        **options: Any,
    ) -> None:
        """Takes how many codes source and target have, and how many blocks encoder and decoder.

        With `is_shared`, the codes of the target stand for the same pieces in the source, which has some more.
        """
        super().__init__(**options)
        self.settings = {"num_codes": num_codes, "width": width, "heads": heads, "blocks": blocks, "dropout": dropout}
        self.settings |= {"is_shared": is_shared}
        self.num_codes, self.width, self.heads = num_codes, width, heads
        spread = keras.initializers.RandomNormal(stddev=width**-0.5)
        numbers = num_codes[:1] if is_shared else num_codes
        self.embeddings = [layers.Embedding(number, width, embeddings_initializer=spread) for number in numbers]
        self.encoder = [EncoderBlock(width, heads, dropout, name=f"encoder_{place}") for place in range(blocks)]
        self.decoder = [DecoderBlock(width, heads, dropout, name=f"decoder_{place}") for place in range(blocks)]
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.dropout = layers.Dropout(dropout)

    def call(self, inputs: dict[str, Any], training: bool | None = None) -> Any:
        """Codes `source` (batch, source) and `target` (batch, target) to logits (batch, target, codes)."""
        mask = mask_of(inputs["source"])
        return self.logits(self.decode(inputs["target"], self.encode(inputs["source"], mask, training), mask, training))

    def embed(self, side: int, codes: Any, start: Any) -> Any:
        """Vectors (..., length, width) of codes (..., length) and of their places, counted from `start`."""
        embedded = self.embeddings[side * (len(self.embeddings) - 1)](codes) * self.width**0.5
        return embedded + ops.cast(waves(start, ops.shape(codes)[-1], self.width), embedded.dtype)

    def encode(self, source: Any, mask: Any, training: bool | None = None) -> Any:
        """Codes (batch, source) to what the decoder looks at, (batch, source, width)."""
        hidden = self.dropout(self.embed(0, source, 0), training=training)
        for block in self.encoder:
            hidden = block(hidden, mask, training=training)
        return self.norms[0](hidden)

    def decode(self, target: Any, encoded: Any, source_mask: Any, training: bool | None = None) -> Any:
        """Codes (batch, target) to hidden vectors (batch, target, width), all places at once."""
        places = ops.arange(ops.shape(target)[1])
        is_before = ops.expand_dims(places[:, None] >= places[None], 0)
        hidden = self.dropout(self.embed(1, target, 0), training=training)
        for block in self.decoder:
            hidden = block(hidden, encoded, is_before, source_mask, training=training)
        return hidden

    def memory(self, encoded: Any) -> list[KeysAndValues]:
        """What the blocks of the decoder look at in the encoded source: the same in all steps."""
        return [block.source_attention.look_up(encoded) for block in self.decoder]

    def logits(self, hidden: Any) -> Any:
        """(batch, length, width) to (batch, length, codes), by the pieces' own vectors (Press and Wolf 2017)."""
        vectors = self.embeddings[-1].embeddings[: self.num_codes[1]]
        logits = tf.tensordot(self.norms[1](hidden), vectors, [[-1], [1]])  # einsum's gradient: a matrix per sentence
        return ops.cast(logits, self.variable_dtype)  # of which small differences matter

    def empty_cache(self, batch: Any, beams: int) -> list[KeysAndValues]:
        """The cache before the first step."""
        nothing = tf.zeros([batch, beams, self.heads, 0, self.width // self.heads])
        return [(nothing, nothing) for _ in self.decoder]

    def step(
        self, codes: Any, number: Any, memory: list[KeysAndValues], source_mask: Any, cache: list[KeysAndValues]
    ) -> tuple[Any, list[KeysAndValues]]:
        """Logits (batch, beams, codes) after one more code of each beam, (batch, beams), and the cache with it."""
        hidden, longer = self.embed(1, codes[..., None], number)[:, :, 0], []
        for block, looked_up, old in zip(self.decoder, memory, cache, strict=True):
            hidden, new = block.step(hidden, looked_up, source_mask, old)
            longer.append(new)
        return self.logits(hidden), longer

    def get_build_config(self) -> dict[str, Any]:
        """Nothing: when it comes from a file, its first call builds it, with all layers in it."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Adds the dimensions."""
        return {**super().get_config(), **self.settings}


def mask_of(codes: Any) -> Any:
    """Where there are pieces: (batch, length) to (batch, 1, length) bool."""
    return ops.expand_dims(ops.not_equal(codes, PADDING), 1)


def waves(start: Any, length: Any, width: int) -> Any:
    """Vectors (length, width) that tell places apart: sines and cosines of ever longer waves."""
    places = ops.cast(start + ops.arange(length), "float32")
    rates = np.exp(-np.log(LONGEST_WAVE) * np.arange(0, width, 2) / width).astype("float32")
    angles = places[:, None] * rates
    return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
