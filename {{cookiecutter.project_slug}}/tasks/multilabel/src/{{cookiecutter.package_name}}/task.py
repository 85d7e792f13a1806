"""Several labels at once: the head of the model, its loss and training metrics, and the decoding of predictions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from .config import Config
from .core.errors import InputError
from .data import batching, probability, targets
from .settings.base import BETWEEN_LABELS

MONITOR = "val_log_loss"  # what early stopping and the search minimise
SHAPE = "(batch, members, labels): let build_model end in task.output_head, or write a loss for them"
SMALLEST_PROBABILITY = 1e-7
DEFAULT_THRESHOLD = 0.5  # of a label without examples to choose by, and of baselines


@dataclass(frozen=True)
class Target:
    """What training learns about the target: its labels in the order of the outputs, and from when on each is given."""

    labels: tuple[str, ...]
    thresholds: tuple[float, ...] | None = None
    """The probability from which each label is answered; None: not chosen yet."""
    shares: tuple[float, ...] = ()
    """The share of the training examples that have each label, which a new network predicts; empty: a half."""


def describe_target(config: Config, values: pd.Series) -> Target:
    """Learns the labels and their shares from the training split."""
    labels = targets.learned(config, values)
    shares = (targets.members(values, labels).sum(axis=0) + 0.5) / (len(values) + 1)  # never 0 or 1
    thresholds = None if config.threshold == "f1" else (float(config.threshold),) * len(labels)
    return Target(labels, thresholds, tuple(shares.tolist()))


def encode(target: Target, values: pd.Series) -> np.ndarray:
    """1 for each label of an example, (num_examples, num_labels) float32; labels that are not learned are ignored."""
    return targets.members(values, target.labels).astype("float32")


def actual(target: Target, values: pd.Series) -> np.ndarray:
    """The true values as `scoring` takes them: which labels each example has, (num_examples, num_labels) bool."""
    return targets.members(values, target.labels)


def output_head(features: keras.KerasTensor, target: Target) -> keras.KerasTensor:
    """Logits: (batch, width), or (batch, members, width) of an ensemble, to (batch, members, labels).

    They begin with the frequencies of the labels, since it takes many steps to learn that most are rare.

    Raises:
        InputError: features of another rank.
    """
    shares = np.array(target.shares or (0.5,) * len(target.labels))
    return probability.head(features, len(shares), np.log(shares / (1 - shares)))


class MembersBinaryCrossentropy(keras.losses.Loss):
    """Binary cross-entropy averaged over labels and members, so that each member learns on its own (TabM, 2025)."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Takes labels (batch, 1, labels) and logits (batch, members, labels); returns (batch,)."""
        if len(y_pred.shape) != 3:
            raise InputError(f"the network's outputs are {tuple(y_pred.shape)}, but the loss needs {SHAPE}")
        return ops.mean(ops.softplus(y_pred) - ops.cast(y_true, y_pred.dtype) * y_pred, axis=(1, 2))


def loss(target: Target) -> keras.losses.Loss:
    """What training minimises."""
    del target  # the same for any labels
    return MembersBinaryCrossentropy(name="loss")


def num_terms(targets: Any) -> Any:
    """How many terms the loss is the mean of, by which the parts of a batch on several devices are weighted."""
    return ops.shape(targets)[0]


def metrics(target: Target) -> list[Any]:
    """What training logs: scores of the members' average, which is what is served."""
    del target  # the same for any labels

    def log_loss(y_true: Any, y_pred: Any) -> Any:
        return keras.losses.binary_crossentropy(y_true[:, 0], average_probabilities(y_pred))

    return [log_loss]


def average_probabilities(logits: Any, temperature: Any = 1.0) -> Any:
    """The members' mean probabilities: (batch, members, labels) to (batch, labels)."""
    return ops.mean(ops.sigmoid(logits / temperature), axis=1)


def for_inference(config: Config, model: keras.Model) -> keras.Model:
    """The trained model for inference: the same, without the optimizer and the loss."""
    del config
    return keras.Model(model.input, model.output, name="network")


@keras.saving.register_keras_serializable(package="task")
class Decode(keras.layers.Layer):
    """Turns logits into what a client reads: the labels, and the probability of each label."""

    def __init__(self, target: Mapping[str, Any], **options: Any) -> None:
        """Takes the fields of a `Target`."""
        super().__init__(**options)
        thresholds = target["thresholds"]
        shares = tuple(target.get("shares", ()))
        self.target = Target(tuple(target["labels"]), tuple(thresholds) if thresholds else None, shares)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the temperature and the thresholds, which `calibrate` sets."""
        del input_shape
        shape, first = (len(self.target.labels),), keras.initializers.Constant(DEFAULT_THRESHOLD)
        self.temperature = self.add_weight(name="temperature", shape=(), initializer="ones", trainable=False)
        self.thresholds = self.add_weight(name="thresholds", shape=shape, initializer=first, trainable=False)

    def call(self, logits: Any) -> dict[str, Any]:
        """(batch, members, labels) to labels (batch,), texts with | between them, and probabilities (batch, labels)."""
        probabilities = average_probabilities(logits, self.temperature)
        names = tf.constant([f"{name}{BETWEEN_LABELS}" for name in self.target.labels])
        pieces = tf.where(probabilities >= self.thresholds, names, "")  # (batch, labels)
        labels = tf.strings.regex_replace(tf.strings.reduce_join(pieces, axis=-1), r"\|$", "")
        return {"labels": labels, "probabilities": probabilities}

    def decide(self, thresholds: np.ndarray) -> None:
        """Answers each label from this probability on, (num_labels,), from now on."""
        self.target = replace(self.target, thresholds=tuple(float(each) for each in thresholds))
        self.thresholds.assign(thresholds)

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {**super().get_config(), "target": asdict(self.target)}


def continued(old: Target, new: Target) -> Target | None:
    """What training learns when it goes on from a model that learned `old`; None if that one has other labels."""
    return new if old.labels == new.labels else None


def aligned(predictions: Mapping[str, np.ndarray], known: Target, wanted: Target) -> dict[str, np.ndarray]:
    """Predictions of a model that knows other labels, as probabilities of the wanted ones, 0 for others.

    Beside them stand, for the metrics, the `thresholds` of the known target, (num_examples, num_labels). Baselines, for
    which none were chosen, answer from 0.5 on.
    """
    shared = [place for place, name in enumerate(known.labels) if name in wanted.labels]
    places = [wanted.labels.index(known.labels[place]) for place in shared]
    shape = len(predictions["probabilities"]), len(wanted.labels)
    found = {**predictions, "probabilities": np.zeros(shape, "float32")}
    found["probabilities"][:, places] = predictions["probabilities"][:, shared]
    thresholds = np.full(shape[1], DEFAULT_THRESHOLD, "float32")
    if known.thresholds and "labels" in predictions:
        thresholds[places] = np.array(known.thresholds)[shared]
    found["thresholds"] = np.broadcast_to(thresholds, shape)
    return found


def output_parts(target: Target) -> dict[str, list[str]]:
    """What the entries of outputs with several entries stand for, and what an output of several labels may hold."""
    return {"probabilities": [*target.labels], "labels": [*target.labels]}


def calibrate(config: Config, decoder: Decode, model: keras.Model, validation: tf.data.Dataset) -> None:
    """Sets the temperature by the validation split and, by calibrated probabilities, the thresholds."""
    logits, encoded, weights = batching.outputs_and_labels(model, validation)
    truths = encoded[:, 0] > 0
    set_temperature(decoder, logits, truths, weights, probability.expected_temperature(model))
    if config.threshold == "f1":
        probabilities = np.asarray(average_probabilities(logits, decoder.temperature))
        decoder.decide(best_thresholds(probabilities, truths, weights))
    else:
        decoder.decide(np.full(truths.shape[1], config.threshold, "float32"))


def set_temperature(
    decoder: Decode,
    logits: np.ndarray,
    truths: np.ndarray,
    weights: np.ndarray | None = None,
    expected: float = 1.0,
) -> None:
    """Sets the temperature that minimises the log loss, weighted where there are sample weights.

    Few examples leave it near what is `expected`.
    """

    def log_loss(temperature: float) -> float:
        probabilities = (0.5 + 0.5 * np.tanh(logits.astype("float64") / temperature / 2)).mean(axis=1)
        losses = -np.log(np.clip(np.where(truths, probabilities, 1 - probabilities), SMALLEST_PROBABILITY, 1))
        return float(np.average(losses.mean(axis=1), weights=weights))

    decoder.temperature.assign(probability.best_temperature(log_loss, truths.size, expected))


def best_thresholds(probabilities: np.ndarray, truths: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The threshold with the best F1 of each label, (num_labels,) float32; both arrays are (num_examples, num_labels).

    It lies halfway between the probabilities of the last example that it answers and the next one.
    """
    weights, found = np.ones(len(truths)) if weights is None else weights, []
    for scores, is_true in zip(probabilities.T.astype("float64"), truths.T, strict=True):
        if not (weights * is_true).any():
            found.append(DEFAULT_THRESHOLD)
            continue
        order = np.argsort(-scores, kind="stable")
        ordered, following = scores[order], np.append(scores[order], 0.0)[1:]
        hits, answered = np.cumsum((weights * is_true)[order]), np.cumsum(weights[order])
        f1 = np.where(ordered > following, 2 * hits / (hits[-1] + answered), -1)  # equal ones cannot be told apart
        best = int(f1.argmax())
        found.append((ordered[best] + following[best]) / 2)
    return np.array(found, "float32")


def cross_fitted(
    config: Config,
    target: Target,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    folds: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Predictions for the calibration examples, by thresholds that the other folds choose; probabilities as they are.

    One temperature cannot learn the errors of examples, but thresholds can.
    """
    del target
    found = dict(predictions)
    if config.threshold != "f1":
        return found
    found["thresholds"] = np.array(predictions["thresholds"])
    for fold in np.unique(folds):
        others = folds != fold
        if others.any():
            own = None if weights is None else weights[others]
            chosen = best_thresholds(predictions["probabilities"][others], targets[others], own)
            found["thresholds"][~others] = chosen
    return found
