"""Sentence vectors by BERT (Devlin et al. 2019), whose weights come from a folder as Hugging Face lays it out."""

import json
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

NUMBERS = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
CODES_AT_ONCE = 16_384  # of which a layer has some hundred megabytes


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

    def call(self, codes: tf.Tensor) -> tf.Tensor:
        """Fills the last part with padding."""
        length, width = codes.shape[-1], self.network.output_shape[-1]
        distinct, places = tf.raw_ops.UniqueV2(x=tf.reshape(codes, [-1, length]), axis=[0])
        num_distinct = tf.shape(distinct)[0]
        size = tf.clip_by_value(num_distinct, 1, max(1, CODES_AT_ONCE // length))
        filled = tf.pad(distinct, [[0, -num_distinct % size], [0, 0]])
        parts = tf.reshape(filled, tf.stack([-1, size, length]))
        vectors = tf.map_fn(self.of_part, parts, parallel_iterations=1, fn_output_signature=self.network.output.dtype)
        vectors = tf.gather(tf.reshape(vectors, [-1, width]), places)
        return tf.reshape(vectors, [-1, math.prod(codes.shape[1:-1]) * width])

    def of_part(self, codes: tf.Tensor) -> tf.Tensor:
        """The vectors of a part, (size, width)."""
        longest = tf.reduce_max(tf.math.count_nonzero(codes, axis=1, dtype="int32"))
        return self.network(codes[:, : tf.maximum(longest, 1)], training=False)

    def compute_output_spec(self, codes: keras.KerasTensor) -> keras.KerasTensor:
        """States the width."""
        width = math.prod(codes.shape[1:-1]) * self.network.output_shape[-1]
        return keras.KerasTensor((codes.shape[0], width), self.network.output.dtype)

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
