"""Classification: the head of the model, its loss and training metrics, and the decoding of its predictions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from .config import Config
from .core.errors import InputError
from .data import batching, probability, resampling
from .data.targets import ordered_counts
from .settings.base import REFER, RULE

if TYPE_CHECKING:
    from .data.decisions import Decision
    from .data.referral import Referral

MONITOR = "val_log_loss"  # what early stopping and the search minimise: it sees confidence, accuracy does not
SHAPE = "(batch, members, classes): let build_model end in task.output_head, or write a loss for them"


@dataclass(frozen=True)
class Target:
    """What training learns about the target: its classes in the order of the outputs, and their weights in the loss."""

    classes: tuple[str | int, ...]  # all of one type
    weights: tuple[float, ...]
    decision: "Decision | None" = None  # how labels are chosen; None: the most probable class
    referral: "Referral | None" = None  # which examples are referred to a person; None: none
    has_order: bool = False


def describe_target(config: Config, values: pd.Series) -> Target:
    """Learns the classes from the training split."""
    counts = ordered_counts(config, values)
    is_integer = pd.api.types.is_integer_dtype(values)
    classes = tuple(int(value) if is_integer else str(value) for value in counts.index)
    resampling.check_named(config, [str(name) for name in classes])
    shares = counts.to_numpy() / len(values)
    weights = 1 / (len(classes) * shares) if config.class_weight == "balanced" else np.ones(len(classes))
    target = Target(classes, tuple(float(weight) for weight in weights))
    if config.costs or config.threshold or config.order:
        from .data import decisions  # here, since most projects do without

        decision = decisions.describe(config.costs, config.threshold, classes)
        target = replace(target, decision=decision, has_order=bool(config.order))
    if config.refer:
        from .data import referral

        target = replace(target, referral=referral.describe(config.refer, classes, target.decision))
    return target


def encode(target: Target, values: pd.Series) -> np.ndarray:
    """Class numbers, (num_examples,) int32.

    Raises:
        InputError: a class that training has not seen.
    """
    names = values if isinstance(target.classes[0], int) else values.astype(str)
    codes = pd.Index(target.classes).get_indexer(names)
    if (codes < 0).any():
        unknown = sorted({str(name) for name in names[codes < 0]})
        message = f"{values.name} has the classes {unknown}, which the training split lacks: collect and train again"
        raise InputError(message)
    return codes.astype("int32")


def actual(target: Target, values: pd.Series) -> np.ndarray:
    """The true values as `scoring` takes them: class numbers, (num_examples,)."""
    return encode(target, values)


def output_head(features: keras.KerasTensor, target: Target) -> keras.KerasTensor:
    """Logits: (batch, width), or (batch, members, width) of an ensemble, to (batch, members, classes).

    Of classes that have an order, each member has one score, and the logits are log-probabilities.

    Raises:
        InputError: features of another rank.
    """
    if not target.has_order:
        return probability.head(features, len(target.classes))
    return CumulativeLogits(len(target.classes), dtype=keras.config.floatx())(probability.head(features, 1))


@keras.saving.register_keras_serializable(package="task")
class CumulativeLogits(keras.layers.Layer):
    """Log-probabilities of classes that have an order, from one score and a threshold between neighbours.

    Each threshold is passed with the logistic probability of its distance from the score (McCullagh 1980; with a
    network, as in CORAL, Cao et al. 2020). Thresholds ascend, so that the probabilities are never negative.
    """

    def __init__(self, num_classes: int, **options: Any) -> None:
        """Takes the number of classes, 2 or more."""
        super().__init__(**options)
        self.num_classes = num_classes

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the first threshold and the logarithms of the gaps; at score 0, classes begin equally probable."""
        shares = np.arange(1, self.num_classes) / self.num_classes
        thresholds = np.log(shares / (1 - shares))
        start = np.concatenate([thresholds[:1], np.log(np.diff(thresholds))])
        self.steps = self.add_weight(
            name="steps",
            shape=(input_shape[1], self.num_classes - 1),
            initializer=lambda shape, dtype: ops.broadcast_to(ops.cast(start, dtype), shape),
        )

    def call(self, scores: Any) -> Any:
        """(batch, members, 1) to (batch, members, classes)."""
        first, gaps = self.steps[:, :1], ops.exp(self.steps[:, 1:])
        above = scores - ops.cumsum(ops.concatenate([first, gaps], axis=1), axis=1)  # (batch, members, classes - 1)
        at_least = ops.pad(ops.log_sigmoid(above), [(0, 0), (0, 0), (1, 0)])
        at_most = ops.pad(ops.log_sigmoid(-above), [(0, 0), (0, 0), (0, 1)])
        # sigmoid(a) - sigmoid(a - gap) = sigmoid(a) sigmoid(gap - a) (1 - exp(-gap)), without cancellation
        return at_least + at_most + ops.pad(ops.log(-ops.expm1(-gaps)), [(0, 0), (1, 1)])

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {**super().get_config(), "num_classes": self.num_classes}


class MembersCrossentropy(keras.losses.Loss):
    """Cross-entropy averaged over the members, so that each learns on its own (TabM, Gorishniy et al. 2025)."""

    def __init__(self, weights: tuple[float, ...]) -> None:
        """Takes the weight of each class."""
        super().__init__(name="loss")
        self.weights = weights

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Takes class numbers (batch, 1) and logits (batch, members, classes); returns (batch,)."""
        if len(y_pred.shape) != 3:
            raise InputError(f"the network's outputs are {tuple(y_pred.shape)}, but the loss needs {SHAPE}")
        targets = ops.one_hot(y_true, len(self.weights), dtype=y_pred.dtype)  # (batch, 1, classes)
        crossentropy = -ops.sum(targets * ops.log_softmax(y_pred), axis=-1)  # (batch, members)
        weights = ops.sum(targets * ops.convert_to_tensor(self.weights, y_pred.dtype), axis=-1)  # (batch, 1)
        return ops.mean(weights * crossentropy, axis=-1)


def loss(target: Target) -> keras.losses.Loss:
    """What training minimises."""
    return MembersCrossentropy(target.weights)


def num_terms(targets: Any) -> Any:
    """How many terms the loss is the mean of, by which the parts of a batch on several devices are weighted."""
    return ops.shape(targets)[0]


def metrics(target: Target) -> list[Any]:
    """What training logs: scores of the members' average, which is what is served."""
    del target  # the same for any number of classes

    def log_loss(y_true: Any, y_pred: Any) -> Any:
        return keras.losses.sparse_categorical_crossentropy(y_true[:, 0], average_probabilities(y_pred))

    def accuracy(y_true: Any, y_pred: Any) -> Any:
        return ops.equal(y_true[:, 0], ops.cast(ops.argmax(average_probabilities(y_pred), axis=-1), y_true.dtype))

    return [log_loss, accuracy]


def average_probabilities(logits: Any, temperature: Any = 1.0) -> Any:
    """The members' mean probabilities: (batch, members, classes) to (batch, classes)."""
    return ops.mean(ops.softmax(logits / temperature), axis=1)


def for_inference(config: Config, model: keras.Model) -> keras.Model:
    """The trained model for inference: the same, without the optimizer and the loss."""
    del config
    return keras.Model(model.input, model.output, name="network")


@keras.saving.register_keras_serializable(package="task")
class Decode(keras.layers.Layer):
    """Turns logits into what a client reads: the label, its probability and all probabilities."""

    def __init__(self, target: Mapping[str, Any], **options: Any) -> None:
        """Takes the fields of a `Target`."""
        super().__init__(**options)
        self.target = Target(
            tuple(target["classes"]), tuple(target["weights"]), has_order=target.get("has_order", False)
        )
        if target.get("decision"):
            from .data.decisions import Decision

            self.target = replace(self.target, decision=Decision.of(target["decision"]))
        if target.get("referral"):
            from .data.referral import Referral

            self.target = replace(self.target, referral=Referral.of(target["referral"]))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the temperature and what else decides labels; `calibrate` sets all of it."""
        del input_shape
        self.temperature = self.add_weight(name="temperature", shape=(), initializer="ones", trainable=False)
        if self.target.decision:
            shape = self.target.decision.gains.shape
            self.factors = self.add_weight(name="factors", shape=shape, initializer="ones", trainable=False)
        if self.target.referral:
            self.doubt = self.add_weight(name="doubt", shape=(), initializer="ones", trainable=False)

    def call(self, logits: Any) -> dict[str, Any]:
        """(batch, members, classes) to label (batch,), probability (batch,) and probabilities (batch, classes).

        If labels are not the most probable classes, `rule` (batch,) says how they are chosen. If
        examples may be referred, `possible` (batch,) names the classes that are possible, the most probable first.
        """
        probabilities = average_probabilities(logits, self.temperature)
        decision = self.target.decision
        if decision and decision.is_median:
            weighted = with_median_first(probabilities)
        else:
            weigh = ops.matmul if decision and decision.matrix else ops.multiply
            weighted = weigh(probabilities, self.factors) if decision else probabilities
        codes = tf.argmax(weighted, axis=-1)
        labels = tf.gather(tf.constant(self.target.classes), codes)
        chosen = tf.gather(probabilities, codes, batch_dims=1) if decision else ops.max(probabilities, axis=-1)
        outputs = {"label": labels, "probability": chosen, "probabilities": probabilities}
        if decision:
            outputs[RULE] = tf.fill(tf.shape(labels), decision.rule)
        return {**outputs, **self.referred(weighted)} if self.target.referral else outputs

    def referred(self, weighted: Any) -> dict[str, Any]:
        """The names of the possible classes and the label, which is `refer` if there are several; each (batch,)."""
        from .data.referral import BETWEEN

        shares = weighted / tf.reduce_sum(weighted, axis=-1, keepdims=True)
        order = tf.argsort(shares, direction="DESCENDING", stable=True)  # (batch, classes)
        tails = tf.cumsum(tf.gather(shares, order, batch_dims=1), axis=-1, reverse=True)
        is_possible = tf.concat([tf.ones_like(tails[:, :1], "bool"), tails[:, 1:] > self.doubt], axis=-1)
        names = tf.gather(tf.constant([str(name) for name in self.target.classes]), order)
        joined = tf.strings.reduce_join(tf.where(is_possible, BETWEEN + names, ""), axis=-1)
        possible = tf.strings.substr(joined, len(BETWEEN), 2**31 - 1)  # to the end
        return {"label": tf.where(is_possible[:, 1], REFER, names[:, 0]), "possible": possible}

    def decide(self, decision: "Decision") -> None:
        """Chooses labels in this way from now on."""
        self.target = replace(self.target, decision=decision)
        self.factors.assign(decision.gains)

    def refer(self, referral: "Referral") -> None:
        """Refers examples in this way from now on."""
        self.target = replace(self.target, referral=referral)
        self.doubt.assign(referral.doubt)

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        target = {name: value for name, value in asdict(self.target).items() if value}
        return {**super().get_config(), "target": target}


def with_median_first(probabilities: Any) -> Any:
    """As `Decision.weigh` does for the median class, (batch, classes)."""
    from .data.decisions import MORE

    below, num_classes = tf.cumsum(probabilities, axis=-1), probabilities.shape[-1]
    median = tf.reduce_sum(tf.cast(below < below[:, -1:] / 2, "int64"), axis=-1)
    is_median = tf.one_hot(median, num_classes, on_value=True, off_value=False)
    is_largest = tf.one_hot(tf.argmax(probabilities, axis=-1), num_classes, on_value=True, off_value=False)
    own = tf.gather(probabilities, median, batch_dims=1)[:, None]
    others = tf.where(is_largest, own, probabilities)
    return tf.where(is_median, tf.reduce_max(probabilities, axis=-1, keepdims=True) * MORE, others)


def continued(old: Target, new: Target) -> Target | None:
    """What training learns when it goes on from a model that learned `old`; None if that one has other classes."""
    return new if (old.classes, old.has_order) == (new.classes, new.has_order) else None


def aligned(predictions: Mapping[str, np.ndarray], known: Target, wanted: Target) -> dict[str, np.ndarray]:
    """Predictions of a model that knows other classes, as probabilities of the wanted ones, 0 for others.

    Beside them stand, for the metrics, what is `weighted` to decide labels, if not the probabilities, and which classes
    are possible (`is_possible`), each (num_examples, num_classes). Baselines, for which nothing was chosen, decide as
    the costs ask and refer nothing.
    """
    shared = [place for place, name in enumerate(known.classes) if name in wanted.classes]
    places = [wanted.classes.index(known.classes[place]) for place in shared]
    is_tuned, weighted = "label" in predictions, predictions["probabilities"]
    own = {"probabilities": weighted}
    if known.decision:
        own["weighted"] = weighted = known.decision.weigh(weighted, is_tuned=is_tuned)
    if is_tuned and (known.referral or wanted.referral):
        from .data import referral

        own["is_possible"] = referral.possible(weighted, known.referral.doubt if known.referral else 1.0)
    found = dict(predictions)
    for name, values in own.items():
        found[name] = np.zeros((len(values), len(wanted.classes)), "bool" if name == "is_possible" else "float32")
        found[name][:, places] = values[:, shared]
    return found


def output_parts(target: Target) -> dict[str, list[str]]:
    """What the entries of outputs with several entries stand for."""
    return {"probabilities": [str(name) for name in target.classes]}


def calibrate(config: Config, decoder: Decode, model: keras.Model, validation: tf.data.Dataset) -> None:
    """Sets the temperature by the validation split and, by calibrated probabilities, how labels are chosen.

    Raises:
        RefusedError: what the setting `threshold` or `refer` asks for cannot be met.
    """
    del config  # the target knows its settings
    logits, targets, weights = batching.outputs_and_labels(model, validation)
    set_temperature(decoder, logits, targets[:, 0], weights, probability.expected_temperature(model))
    decision, referred = decoder.target.decision, decoder.target.referral
    if not (decision or referred):
        return
    probabilities = np.asarray(average_probabilities(logits, decoder.temperature))
    if decision:
        from .data import decisions

        decision = decisions.choose(decision, probabilities, targets[:, 0], weights)
        decoder.decide(decision)
    if referred:
        from .data import referral

        weighted = decision.weigh(probabilities) if decision else probabilities
        decoder.refer(referral.choose(referred, weighted, targets[:, 0], weights))


def set_temperature(
    decoder: Decode,
    logits: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    expected: float = 1.0,
) -> None:
    """Sets the temperature that minimises the log loss, weighted where there are sample weights.

    Few examples leave it near what is `expected`.
    """

    def log_loss(temperature: float) -> float:
        scaled = logits.astype("float64") / temperature
        scaled -= scaled.max(axis=-1, keepdims=True)
        exponents = np.exp(scaled)
        probabilities = (exponents / exponents.sum(axis=-1, keepdims=True)).mean(axis=1)
        losses = -np.log(probabilities[np.arange(len(targets)), targets] + 1e-12)
        return float(np.average(losses, weights=weights))

    decoder.temperature.assign(probability.best_temperature(log_loss, len(targets), expected))


def cross_fitted(
    config: Config,
    target: Target,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    folds: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Predictions for the calibration examples as they are: one temperature cannot learn their errors."""
    del config, target, targets, folds, weights
    return dict(predictions)
