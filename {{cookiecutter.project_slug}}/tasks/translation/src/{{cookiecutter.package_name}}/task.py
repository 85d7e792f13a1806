"""Translation: the pieces of the target, loss and training metrics, and the way from a source to its translation."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from .config import Config
from .core.errors import InputError
from .pairs import subwords
from .pairs.search import BeamSearch
from .pairs.tokenizing import NUM_SPECIAL, PADDING, Encode, encode_all, join_pieces

MONITOR = "val_log_loss"  # what early stopping and the search minimise: cheap, while a search through beams takes long


@dataclass(frozen=True)
class Target:
    """What training learns about the target: the pieces that its texts are made of, and how many are learned from."""

    pieces: tuple[str, ...]
    max_pieces: int


def describe_target(config: Config, values: pd.Series) -> Target:
    """Learns the pieces from the training split."""
    return Target(subwords.learn(values, config.vocabulary_size), config.max_pieces)


def num_codes(target: Target) -> int:
    """How many codes there are, those included that stand for no piece."""
    return NUM_SPECIAL + len(target.pieces)


def encode(target: Target, values: pd.Series) -> tf.RaggedTensor:
    """The codes of the pieces of each text, with the code of the end: (num_examples, None) int32."""
    return encode_all(Encode(target.pieces, target.max_pieces), values.to_numpy(object))


def actual(target: Target, values: pd.Series) -> np.ndarray:
    """The true values as `scoring` takes them: texts, (num_examples,)."""
    del target  # whatever its pieces
    return values.to_numpy(object)


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of the pieces, of which some probability is for all others alike (Szegedy et al. 2016)."""

    def __init__(self, smoothing: float) -> None:
        """Takes the share of the probability that is spread over all pieces."""
        super().__init__(name="loss")
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Takes codes (batch, length) and logits (batch, length, codes); returns (batch,), whose mean is per piece."""
        if len(y_pred.shape) != 3:
            message = f"the network's outputs are {tuple(y_pred.shape)}, but the loss needs (batch, length, codes)"
            raise InputError(f"{message}: logits of each code at each place of the target")
        num_codes = y_pred.shape[-1]
        right = ops.one_hot(y_true, num_codes, dtype=y_pred.dtype)
        wanted = (1 - self.smoothing) * right + self.smoothing / num_codes
        losses = ops.logsumexp(y_pred, axis=-1) - ops.sum(wanted * y_pred, axis=-1)  # a look-up has a slow gradient
        is_piece = ops.cast(ops.not_equal(y_true, PADDING), losses.dtype)
        per_piece = ops.cast(ops.shape(y_true)[0], losses.dtype) / ops.maximum(ops.sum(is_piece), 1)
        return per_piece * ops.sum(losses * is_piece, axis=-1)


def loss(target: Target, smoothing: float = 0.0) -> keras.losses.Loss:
    """What training minimises."""
    del target  # the same for any pieces
    return SmoothedCrossentropy(smoothing)


def num_terms(targets: Any) -> Any:
    """How many terms the loss is the mean of, by which the parts of a batch on several devices are weighted."""
    return ops.count_nonzero(ops.not_equal(targets, PADDING))


class MeanOfPieces(keras.metrics.Mean):
    """The mean of a quantity over all pieces; `measure` takes codes and logits and gives (batch, length)."""

    def __init__(self, name: str, measure: Any) -> None:
        """Takes what to average."""
        super().__init__(name=name)
        self.measure = measure

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch."""
        is_piece = ops.cast(ops.not_equal(y_true, PADDING), "float32")
        weights = is_piece if sample_weight is None else is_piece * ops.cast(sample_weight, "float32")[:, None]
        super().update_state(self.measure(y_true, y_pred), weights)


def metrics(target: Target) -> list[Any]:
    """What training logs: how likely the true pieces are, given those before, and how often they are the likeliest."""
    del target  # the same for any pieces

    def log_loss(y_true: Any, y_pred: Any) -> Any:
        return ops.logsumexp(y_pred, axis=-1) - of_codes(y_true, y_pred)

    def is_likeliest(y_true: Any, y_pred: Any) -> Any:
        return ops.cast(ops.equal(y_true, tf.argmax(y_pred, axis=-1, output_type=y_true.dtype)), "float32")

    return [MeanOfPieces("log_loss", log_loss), MeanOfPieces("token_accuracy", is_likeliest)]


def of_codes(codes: Any, values: Any) -> Any:
    """The values of codes (batch, length), such as logits, out of those of all codes (batch, length, codes)."""
    return ops.take_along_axis(values, ops.expand_dims(codes, -1), axis=-1)[..., 0]


def for_inference(config: Config, model: keras.Model) -> keras.Model:
    """The trained model for inference: from the codes of the source alone, by a beam search."""
    search = BeamSearch(
        model.get_layer("transformer"), config.beam_width, config.length_penalty, config.max_pieces, name="search"
    )
    source = model.input["source"]
    inputs = {"source": keras.Input(source.shape[1:], dtype=source.dtype, name="source")}
    return keras.Model(inputs, search(inputs["source"]), name="network")


@keras.saving.register_keras_serializable(package="task")
class Decode(keras.layers.Layer):
    """Turns codes into what a client reads: the translation, how sure the model is of it, and how long it is."""

    def __init__(self, target: Mapping[str, Any], **options: Any) -> None:
        """Takes the fields of a `Target`."""
        super().__init__(**options)
        self.target = Target(tuple(target["pieces"]), target["max_pieces"])

    def call(self, found: dict[str, Any]) -> dict[str, Any]:
        """Codes (batch, length) to translation (batch,) string; the others are passed on, each (batch,)."""
        others = {name: values for name, values in found.items() if name != "codes"}
        return {"translation": join_pieces(self.target.pieces, found["codes"]), **others}

    def compute_output_spec(self, found: dict[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """The output is a text."""
        others = {name: keras.KerasTensor(each.shape, each.dtype) for name, each in found.items() if name != "codes"}
        return {"translation": keras.KerasTensor(found["codes"].shape[:1], "string"), **others}

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {**super().get_config(), "target": asdict(self.target)}


def continued(old: Target, new: Target) -> Target | None:
    """What training learns when it goes on from a model that learned `old`: its pieces, which the weights fit."""
    del new  # of which any text can be made too
    return old


def aligned(predictions: Mapping[str, np.ndarray], known: Target, wanted: Target) -> dict[str, np.ndarray]:
    """Predictions of a model that learned other pieces: the same, for texts are texts."""
    del known, wanted
    return dict(predictions)


def output_parts(target: Target) -> dict[str, list[str]]:
    """What the entries of outputs with several entries stand for."""
    del target  # every output has one
    return {}


def calibrate(config: Config, decoder: Decode, model: keras.Model, validation: tf.data.Dataset) -> None:
    """Does nothing: the confidence is the model's own."""
    del config, decoder, model, validation


def cross_fitted(
    config: Config,
    target: Target,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    folds: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Predictions for the validation examples as they are: nothing is calibrated on them."""
    del config, target, targets, folds, weights
    return dict(predictions)
