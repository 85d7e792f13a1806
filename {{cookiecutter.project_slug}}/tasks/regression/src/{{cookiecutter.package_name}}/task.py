"""Regression: the head of the model, its loss and training metrics, and the decoding of its predictions."""

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
from .data import batching

MONITOR = "val_rmse"  # what early stopping and the search minimise
SHAPE = "(batch, members, 1): let build_model end in task.output_head, or write a loss for them"
MAX_INTERVAL_BINS = 10
MIN_BIN_EXAMPLES = 100  # below, a bin's quantile is too noisy


@dataclass(frozen=True)
class Target:
    """What training learns about the target: the scale on which the network predicts it; of several, each by name."""

    mean: float | tuple[float, ...]
    scale: float | tuple[float, ...]  # standard deviation
    names: tuple[str, ...] = ()  # of several targets

    @property
    def all_scales(self) -> list[tuple[str, float, float]]:
        """The name, empty if there is one target, the mean and the standard deviation of each."""
        means, scales = np.atleast_1d(self.mean).tolist(), np.atleast_1d(self.scale).tolist()
        return list(zip(self.names or [""], means, scales, strict=True))


def describe_target(config: Config, values: pd.Series | pd.DataFrame) -> Target:
    """Learns the target's mean and standard deviation from the training split, of several those that are known."""
    del config  # no setting changes the scale
    numbers = values.to_numpy("float64")
    if isinstance(values, pd.DataFrame):
        means, scales = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
        return Target(tuple(means.tolist()), tuple(scales.tolist()), tuple(map(str, values.columns)))
    return Target(float(numbers.mean()), float(numbers.std()))


def encode(target: Target, values: pd.Series | pd.DataFrame) -> np.ndarray:
    """Standardised targets, (num_examples,) float32; of several (num_examples, num_targets), NaN where missing."""
    return ((values.to_numpy("float64") - np.asarray(target.mean)) / np.asarray(target.scale)).astype("float32")


def actual(target: Target, values: pd.Series | pd.DataFrame) -> np.ndarray:
    """The true values as `scoring` takes them: in their own units, shaped as `encode` does."""
    del target  # no scale to apply
    return values.to_numpy("float64")


def output_head(features: keras.KerasTensor, target: Target) -> keras.KerasTensor:
    """Standardised predictions: (batch, width), or (batch, members, width) of an ensemble, to (batch, members, 1).

    Of several targets, they are (batch, members, targets).

    Raises:
        InputError: features of another rank.
    """
    if len(features.shape) == 2:
        features = keras.layers.RepeatVector(1)(features)  # one member
    if len(features.shape) != 3 or None in features.shape[1:]:
        message = (
            f"output_head got features of shape {features.shape}; it takes (batch, width), or (batch, members, width)"
        )
        raise InputError(f"{message} of an ensemble: pool or flatten the other axes")
    members = features.shape[1]
    num_targets = len(target.all_scales)
    head = keras.layers.EinsumDense(
        "bmw,mwo->bmo", (members, num_targets), bias_axes="mo", dtype=keras.config.floatx(), name="standardised"
    )
    return head(features)


class MembersSquaredError(keras.losses.Loss):
    """Squared error averaged over the members, so that each learns on its own (TabM, Gorishniy et al. 2025)."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Takes targets (batch, 1) and predictions (batch, members, 1); returns (batch,).

        Of several targets, it takes (batch, 1, targets) and (batch, members, targets); missing ones add nothing.
        """
        if len(y_pred.shape) != 3:
            raise InputError(f"the network's outputs are {tuple(y_pred.shape)}, but the loss needs {SHAPE}")
        if len(y_true.shape) == 3:
            return ops.mean(ops.square(known_errors(y_true, y_pred)[0]), axis=(1, 2))
        return ops.mean(ops.square(y_pred[:, :, 0] - y_true), axis=-1)


def known_errors(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Predicted minus true values, 0 where a target is missing, and 1 where it is known, shaped as predictions."""
    known = ops.isfinite(y_true)
    errors = ops.where(known, y_pred - ops.where(known, y_true, 0.0), 0.0)
    return errors, ops.broadcast_to(ops.cast(known, errors.dtype), ops.shape(errors))


def loss(target: Target) -> keras.losses.Loss:
    """What training minimises."""
    del target  # the same on every scale
    return MembersSquaredError(name="loss")


def num_terms(targets: Any) -> Any:
    """How many terms the loss is the mean of, by which the parts of a batch on several devices are weighted."""
    return ops.shape(targets)[0]


class AverageError(keras.metrics.RootMeanSquaredError):
    """Root mean squared error of the members' average, in the target's units."""

    def __init__(self, scale: float) -> None:
        """Takes the target's standard deviation."""
        super().__init__(name="rmse")
        self.scale = scale

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets (batch, 1) and predictions (batch, members, 1), both standardised."""
        super().update_state(y_true * self.scale, ops.mean(y_pred, axis=1) * self.scale, sample_weight)


class MeanError(keras.metrics.Metric):
    """Root mean squared error of the members' average, standardised, as the mean over several targets."""

    def __init__(self, num_targets: int) -> None:
        """Takes the number of targets."""
        super().__init__(name="rmse")
        self.squares = self.add_weight(name="squares", shape=(num_targets,), initializer="zeros")
        self.known = self.add_weight(name="known", shape=(num_targets,), initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets (batch, 1, targets) and predictions (batch, members, targets), both standardised."""
        errors, known = known_errors(y_true[:, 0], ops.mean(y_pred, axis=1))  # (batch, targets)
        weights = known if sample_weight is None else known * ops.reshape(ops.cast(sample_weight, known.dtype), (-1, 1))
        self.squares.assign_add(ops.sum(weights * ops.square(errors), axis=0))
        self.known.assign_add(ops.sum(weights, axis=0))

    def result(self) -> Any:
        """The mean over the targets."""
        return ops.mean(ops.sqrt(self.squares / ops.maximum(self.known, 1e-7)))


def metrics(target: Target) -> list[Any]:
    """What training logs: scores of the members' average, which is what is served; of several targets their mean."""
    if target.names:
        return [MeanError(len(target.names))]

    def mae(y_true: Any, y_pred: Any) -> Any:
        return ops.abs(ops.cast(y_true, y_pred.dtype) - ops.mean(y_pred, axis=1)) * scale

    ((_, _, scale),) = target.all_scales
    return [AverageError(scale), mae]


def for_inference(config: Config, model: keras.Model) -> keras.Model:
    """The trained model for inference: the same, without the optimizer and the loss."""
    del config
    return keras.Model(model.input, model.output, name="network")


@keras.saving.register_keras_serializable(package="task")
class Decode(keras.layers.Layer):
    """Turns network outputs into what a client reads: the prediction in the target's units and its interval."""

    def __init__(self, target: Mapping[str, Any], **options: Any) -> None:
        """Takes the fields of a `Target`."""
        super().__init__(**options)
        self.target = Target(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in target.items()}
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the widths of the intervals, which `calibrate` sets, by bins of the prediction, of each target."""
        del input_shape
        shape = (*([len(self.target.names)] if self.target.names else []), MAX_INTERVAL_BINS)
        self.bin_starts = self.add_weight(name="bin_starts", shape=shape, initializer="zeros", trainable=False)
        self.half_widths = self.add_weight(name="half_widths", shape=shape, initializer="zeros", trainable=False)

    def call(self, outputs: Any) -> dict[str, Any]:
        """(batch, members, 1) to prediction, low and high, each (batch,); of several targets each with its name."""
        if not self.target.names:
            ((_, mean, scale),) = self.target.all_scales
            return interval(ops.mean(outputs, axis=(1, 2)), self.bin_starts, self.half_widths, mean, scale)
        found: dict[str, Any] = {}
        for place, (name, mean, scale) in enumerate(self.target.all_scales):
            standardised = ops.mean(outputs[:, :, place], axis=1)
            own = interval(standardised, self.bin_starts[place], self.half_widths[place], mean, scale)
            found |= {f"{output}_{name}": values for output, values in own.items()}
        return found

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {
            **super().get_config(),
            "target": {name: each for name, each in asdict(self.target).items() if each != ()},
        }


def interval(standardised: Any, bin_starts: Any, half_widths: Any, mean: float, scale: float) -> dict[str, Any]:
    """Standardised predictions, (batch,), in the target's units, with their intervals by bins, (bins,)."""
    is_beyond = ops.expand_dims(standardised, -1) >= bin_starts  # (batch, bins)
    bins = ops.maximum(ops.sum(ops.cast(is_beyond, "int32"), axis=-1) - 1, 0)
    half_width = ops.take(half_widths, bins) * scale
    prediction = standardised * scale + mean
    return {"prediction": prediction, "low": prediction - half_width, "high": prediction + half_width}


def continued(old: Target, new: Target) -> Target | None:
    """What training learns when it goes on from a model that learned `old`: its scale, which the weights fit.

    None if that one has other targets.
    """
    return old if old.names == new.names else None


def aligned(predictions: Mapping[str, np.ndarray], known: Target, wanted: Target) -> dict[str, np.ndarray]:
    """Predictions of a model that learned another scale, on the wanted one: both are in the target's own units.

    Of several targets, those of a network are put together, (num_examples, num_targets), and `scale` is added.

    Raises:
        InputError: the model has other targets.
    """
    if known.names != wanted.names:
        message = f"a model of the targets {', '.join(known.names) or '(one)'} is compared with one of"
        raise InputError(f"{message} {', '.join(wanted.names) or '(one)'}: train and export a model of these first")
    if not wanted.names:
        return dict(predictions)
    names = [] if "prediction" in predictions else ["prediction", "low", "high"]
    together = {name: np.stack([predictions[f"{name}_{each}"] for each in wanted.names], axis=1) for name in names}
    found = {**predictions, **together}
    return {**found, "scale": np.broadcast_to(wanted.scale, found["prediction"].shape)}


def output_parts(target: Target) -> dict[str, list[str]]:
    """What the entries of outputs with several entries stand for: of several targets, as `aligned` has them."""
    return {name: list(target.names) for name in ("prediction", "low", "high") if target.names}


def calibrate(config: Config, decoder: Decode, model: keras.Model, validation: tf.data.Dataset) -> None:
    """Sets the intervals by the validation split."""
    outputs, targets, weights = batching.outputs_and_labels(model, validation)
    if not decoder.target.names:
        set_intervals(decoder, outputs, targets[:, 0], config.interval_coverage, weights)
        return
    found = []
    for place in range(len(decoder.target.names)):
        known = np.isfinite(targets[:, 0, place])
        own = None if weights is None else batching.scaled(weights[known])
        predicted = outputs[known, :, place].mean(axis=1)
        found.append(interval_widths(predicted, targets[known, 0, place], config.interval_coverage, own))
    starts, widths = zip(*found, strict=True)
    decoder.bin_starts.assign(np.stack(starts))
    decoder.half_widths.assign(np.stack(widths))


def set_intervals(
    decoder: Decode, outputs: np.ndarray, targets: np.ndarray, coverage: float, weights: np.ndarray | None = None
) -> None:
    """Sets the intervals' widths by standardised targets and the network's outputs; see `interval_widths`."""
    starts, widths = interval_widths(outputs.mean(axis=(1, 2)), targets, coverage, weights)
    decoder.bin_starts.assign(starts)
    decoder.half_widths.assign(widths)


def interval_widths(
    predicted: np.ndarray, targets: np.ndarray, coverage: float, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Where bins of the prediction begin, and half the width of their intervals, both (MAX_INTERVAL_BINS,).

    Split conformal prediction (Lei et al. 2018), separately in bins of the prediction (Mondrian, Vovk et al. 2003), so
    that intervals are wide only where errors are large. `weights`, of mean 1, are sample weights (num_examples,): an
    interval then holds that share of the weight (Tibshirani et al. 2019).
    """
    weights = np.ones(len(targets)) if weights is None else weights
    is_used = weights > 0
    predicted, targets, weights = predicted[is_used], targets[is_used], weights[is_used]
    residuals = np.abs(targets - predicted)
    num_bins = int(np.clip(len(targets) // MIN_BIN_EXAMPLES, 1, MAX_INTERVAL_BINS))
    starts = np.full(MAX_INTERVAL_BINS, np.inf, "float32")  # unused bins begin where no prediction is
    starts[:num_bins] = np.quantile(predicted, np.arange(num_bins) / num_bins)
    bins = bins_of(predicted, starts)
    widths = np.zeros(MAX_INTERVAL_BINS, "float32")
    for number in range(num_bins):
        inside = bins == number
        wanted = (weights[inside].sum(dtype=float) + 1) * coverage  # 1 is the weight of a new example
        widths[number] = batching.weighted_quantile(residuals[inside], weights[inside], wanted)
    return starts, widths


def bins_of(predicted: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The bin of each prediction, (num_examples,)."""
    return np.maximum((predicted[:, None] >= starts).sum(axis=1) - 1, 0)


def cross_fitted(
    config: Config,
    target: Target,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    folds: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Predictions for the calibration examples, each with the interval that the other folds would give it.

    `folds` are numbers, (num_examples,). The intervals of the model itself know the errors that they are to hold.
    """
    if target.names:
        return cross_fitted_together(config, target, targets, predictions, folds, weights)
    predicted = np.asarray(predictions["prediction"], float)
    half_widths = np.zeros(len(targets))
    for fold in np.unique(folds):
        others, own = folds != fold, folds == fold
        given = None if weights is None else batching.scaled(weights[others])
        starts, widths = interval_widths(predicted[others], targets[others], config.interval_coverage, given)
        half_widths[own] = widths[bins_of(predicted[own], starts)]
    return {**predictions, "low": predicted - half_widths, "high": predicted + half_widths}


def cross_fitted_together(
    config: Config,
    target: Target,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    folds: np.ndarray,
    weights: np.ndarray | None,
) -> dict[str, np.ndarray]:
    """The same of several targets, each by the examples that have it; the others keep the model's own intervals."""
    found = {**predictions, **{bound: predictions[bound].astype(float) for bound in ("low", "high")}}
    one = Target(0.0, 1.0)
    for place, name in enumerate(target.names):
        known = np.isfinite(targets[:, place])
        own = None if weights is None else weights[known]
        given = {"prediction": predictions["prediction"][known, place]}
        fitted = cross_fitted(config, one, targets[known, place], given, folds[known], own)
        for bound in ("low", "high"):
            found[bound][known, place] = fitted[bound]
            found[f"{bound}_{name}"] = found[bound][:, place]
    return found
