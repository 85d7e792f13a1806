"""Forecasting: the quantile loss and training metrics, and the decoding and calibration of forecasts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from . import encoding
from .config import Config
from .core.errors import InputError
from .data import batching, tables
from .series import timestamps, window_shape
from .series.steps import Step

MONITOR = "val_loss"  # what early stopping and the search minimise
MEDIAN = 0.5
MIN_CALIBRATION = 50  # validation windows: with fewer, the quantiles stay as the model predicts them


@dataclass(frozen=True)
class Target:
    """What training learns about the targets: their scale, and how forecasts look."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    """Standard deviations; of several series, a usual one."""
    levels: tuple[float, ...]
    """Of the quantiles; the median is one of them."""
    horizon: int
    step: tuple[int, int, bool] | tuple[int, int, bool, bool]
    """Seconds, months, whether times are ends of months, and whether steps are business days."""
    zone: str = ""
    """Z where times are in UTC because they were local ones; forecasts are written with it."""


def describe_target(config: Config, values: pd.Series) -> Target:
    """Learns the scale of the targets from the training rows."""
    del values  # windows, which overlap
    rows = tables.read_rows(config, "train")
    shape = window_shape.resolve(config, rows)
    units = encoding.units_of(config, shape, rows, encoding.naive_errors(config, shape, rows))
    means, scales, _ = map(tuple, zip(*units[""], strict=True))
    levels = tuple(sorted({*config.quantiles, MEDIAN}))
    step = (shape.step.seconds, shape.step.months, shape.step.ends, shape.step.business)
    zone = "Z" if config.timezone and not shape.step.is_days else ""
    return Target(tuple(shape.targets), means, scales, levels, shape.horizon, step, zone)


def encode(units: Sequence[Sequence[float]], values: np.ndarray) -> np.ndarray:
    """Targets standardised by mean and scale of each, (num_steps, num_targets) float32, NaN where missing."""
    means, scales, _ = np.array(units, "float32").T
    scaled = (values - means) / scales
    return scaled.astype("float32")


def actual(target: Target, values: pd.Series) -> np.ndarray:
    """The true values as `scoring` takes them, in their own units: (num_windows, horizon * num_targets), NaN missing.

    The cells hold the history and the future of all targets, (context + horizon, num_targets).
    """
    futures = [cell[-target.horizon :].reshape(-1) for cell in values]
    return np.array(futures, "float64").reshape(len(values), target.horizon * len(target.names))


def pinball(y_true: Any, y_pred: Any, levels: tuple[float, ...]) -> tuple[Any, Any]:
    """The quantile loss (Koenker and Bassett 1978) of each step, and which steps count, both (batch, horizon, targets).

    Takes targets (batch, horizon, num_targets), NaN where missing, and quantiles (..., num_quantiles).
    """
    is_known = ops.logical_not(ops.isnan(y_true))
    error = ops.expand_dims(ops.where(is_known, y_true, 0.0), -1) - y_pred
    share = ops.convert_to_tensor(levels, "float32")
    losses = ops.maximum(share * error, (share - 1) * error)
    weight = ops.cast(is_known, losses.dtype)
    return 2 * ops.mean(losses, axis=-1) * weight, weight


class QuantileLoss(keras.losses.Loss):
    """The mean quantile loss of known steps."""

    def __init__(self, levels: tuple[float, ...]) -> None:
        """Takes the levels of the quantiles."""
        super().__init__(name="loss")
        self.levels = levels

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Takes targets (batch, horizon, num_targets) and quantiles (..., num_quantiles); gives (batch,)."""
        if tuple(y_pred.shape[1:]) != (*y_true.shape[1:], len(self.levels)):
            needed = f"(batch, {', '.join(map(str, y_true.shape[1:]))}, {len(self.levels)})"
            message = f"the network's outputs are {tuple(y_pred.shape)}, but the loss needs {needed}"
            raise InputError(f"{message}, that is (batch, horizon, num_targets, num_quantiles): reshape them")
        losses, weight = pinball(y_true, y_pred, self.levels)
        return ops.sum(losses, axis=(1, 2)) / ops.maximum(ops.sum(weight, axis=(1, 2)), 1.0)


def loss(target: Target) -> keras.losses.Loss:
    """What training minimises."""
    return QuantileLoss(target.levels)


def num_terms(targets: Any) -> Any:
    """How many terms the loss is the mean of, by which the parts of a batch on several devices are weighted."""
    return ops.shape(targets)[0]


class MeanError(keras.metrics.Mean):
    """Mean absolute error of the median over known steps, in units of the target, which is the first.

    Of several series, all in the units of a usual one, so that they count alike.
    """

    def __init__(self, place: int, scale: float) -> None:
        """Takes the place of the median among the quantiles, and the target's deviation."""
        super().__init__(name="mae")
        self.place, self.scale = place, scale

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch."""
        truth = y_true[..., 0]
        is_known = ops.logical_not(ops.isnan(truth))
        error = ops.abs(ops.where(is_known, truth, 0.0) - y_pred[..., 0, self.place])
        weights = ops.cast(is_known, "float32")
        if sample_weight is not None:
            weights *= ops.cast(sample_weight, "float32")[:, None]
        super().update_state(error * self.scale, weights)


def metrics(target: Target) -> list[Any]:
    """What training logs beside the loss."""
    return [MeanError(target.levels.index(MEDIAN), target.scales[0])]


def for_inference(config: Config, model: keras.Model) -> keras.Model:
    """The trained model for inference, which also passes on the inputs that decoding needs."""
    del config
    inputs = {name: keras.Input(each.shape[1:], dtype=each.dtype, name=name) for name, each in model.input.items()}
    num_targets = model.input["past"].shape[-1]
    last = keras.Input((), dtype="int64", name=encoding.LAST_TIME)
    error = keras.Input((num_targets,), dtype="float32", name=encoding.SEASONAL_ERROR)
    units = keras.Input((num_targets, 3), dtype="float32", name=encoding.UNITS)
    passed = {encoding.LAST_TIME: last, encoding.SEASONAL_ERROR: error, encoding.UNITS: units}
    trained = keras.Model(model.input, model.output, name="trained")
    return keras.Model(inputs | passed, {"quantiles": trained(inputs), **passed}, name="network")


def output_name(level: float) -> str:
    """What the output of a quantile is called, such as p05 or p97_5."""
    whole, _, rest = f"{100 * level:.10g}".partition(".")
    return f"p{whole:0>2}" + (f"_{rest}" if rest else "")


@keras.saving.register_keras_serializable(package="task")
class Decode(keras.layers.Layer):
    """Turns quantiles into what a client reads: times, forecasts and their quantiles in the targets' units."""

    def __init__(self, target: Mapping[str, Any], **options: Any) -> None:
        """Takes the fields of a `Target`."""
        super().__init__(**options)
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list | tuple) else value for name, value in target.items()
        }
        self.target = Target(**fields)

    def build(self, input_shape: Any) -> None:
        """Creates what `calibrate` sets: how far each quantile is moved, on the standardised scale."""
        del input_shape
        target = self.target
        shape = (target.horizon, len(target.names), len(target.levels))
        self.shifts = self.add_weight(name="shifts", shape=shape, initializer="zeros", trainable=False)

    def call(self, found: dict[str, Any]) -> dict[str, Any]:
        """Times (batch, horizon) string; forecast, the median, and p05 ... (batch, horizon * num_targets).

        mean: the target's mean forecast, (batch,); seasonal_error (batch, num_targets), by which MASE scales.
        Quantiles that cross are sorted (Chernozhukov et al. 2010), before they are moved too: sums on both sides of a
        sort cannot be regrouped by TensorFlow, which it would do in some graphs only, and change the last digits.
        """
        target = self.target
        moved = tf.sort(found["quantiles"], axis=-1) + self.shifts
        means, scales = (found[encoding.UNITS][:, None, :, place, None] for place in range(2))
        values = tf.sort(moved * scales + means, axis=-1)  # (batch, horizon, num_targets, num_quantiles)
        flat = tf.reshape(values, (-1, target.horizon * len(target.names), len(target.levels)))
        median = target.levels.index(MEDIAN)
        others = {output_name(level): flat[:, :, place] for place, level in enumerate(target.levels) if place != median}
        times = timestamps.around(found[encoding.LAST_TIME], Step(*target.step), 1, target.horizon)
        return {
            "times": tf.strings.join([timestamps.write(times), target.zone]),
            "forecast": flat[:, :, median],
            **others,
            "mean": tf.reduce_mean(values[:, :, 0, median], axis=1),
            encoding.SEASONAL_ERROR: found[encoding.SEASONAL_ERROR],
        }

    def compute_output_spec(self, found: dict[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """States the shapes."""
        target = self.target
        batch, length = found["quantiles"].shape[0], target.horizon * len(target.names)
        names = ["forecast", *(output_name(level) for level in target.levels if level != MEDIAN)]
        return {
            "times": keras.KerasTensor((batch, target.horizon), "string"),
            **{name: keras.KerasTensor((batch, length), "float32") for name in names},
            "mean": keras.KerasTensor((batch,), "float32"),
            encoding.SEASONAL_ERROR: keras.KerasTensor((batch, len(target.names)), "float32"),
        }

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {**super().get_config(), "target": asdict(self.target)}


def continued(old: Target, new: Target) -> Target | None:
    """What training learns when it goes on from a model that learned `old`: its scales, which the weights fit."""
    is_alike = (old.names, old.levels, old.horizon) == (new.names, new.levels, new.horizon)
    return old if is_alike else None


def aligned(predictions: Mapping[str, np.ndarray], known: Target, wanted: Target) -> dict[str, np.ndarray]:
    """Predictions of a model that learned other scales: both are in the targets' own units."""
    del known, wanted
    return dict(predictions)


def output_parts(target: Target) -> dict[str, list[str]]:
    """What the entries of outputs with several entries stand for: the steps and, if there are several, the targets."""
    steps = [str(number) for number in range(1, 1 + target.horizon)]
    several = len(target.names) > 1
    cells = [f"{name} {step}" if several else step for step in steps for name in target.names]
    names = ["forecast", *(output_name(level) for level in target.levels if level != MEDIAN)]
    return {"times": steps, **dict.fromkeys(names, cells), encoding.SEASONAL_ERROR: list(target.names)}


def calibrate(config: Config, decoder: Decode, model: keras.Model, validation: tf.data.Dataset) -> None:
    """Moves the outer quantiles so that they hold their share of the validation split (Romano et al. 2019)."""
    del config
    outputs, truths, weights = batching.outputs_and_labels(model, validation)
    decoder.shifts.assign(shifts(decoder.target, truths, np.sort(outputs, axis=-1), weights))


def shifts(
    target: Target,
    truths: np.ndarray,
    quantiles: np.ndarray,
    weights: np.ndarray | None = None,
    fewest: float = MIN_CALIBRATION,
) -> np.ndarray:
    """How far to move each quantile, (horizon, num_targets, num_quantiles); the median stays where it is.

    `weights` are the sample weights of the windows, (num_windows,), if there are any; of less than `fewest` windows,
    quantiles stay where they are, too.
    """
    if weights is not None:
        truths, quantiles, weights = truths[weights > 0], quantiles[weights > 0], weights[weights > 0]
    found = np.zeros(quantiles.shape[1:], "float32")
    for place, level in enumerate(target.levels):
        if level == MEDIAN or len(truths) < fewest:
            continue
        errors = truths - quantiles[..., place]
        for step, number in np.ndindex(errors.shape[1:]):
            is_known = np.isfinite(errors[:, step, number])
            known = errors[is_known, step, number]
            if len(known) < fewest:
                continue
            if weights is None:
                found[step, number, place] = np.quantile(known, level)
            else:
                own = weights[is_known]
                found[step, number, place] = batching.weighted_quantile(known, own, level * own.sum(dtype=float))
    return found


def cross_fitted(
    config: Config,
    target: Target,
    targets: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    folds: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Forecasts for the calibration windows, whose outer quantiles are moved as the other folds would move them.

    `folds` are numbers, (num_windows,). The quantiles of the model itself know the values that they are to hold. They
    are moved by as many seasonal errors in each series, as those of the model are.
    """
    del config
    names = ["forecast" if level == MEDIAN else output_name(level) for level in target.levels]
    shape = (len(targets), target.horizon, len(target.names))
    errors = np.asarray(predictions[encoding.SEASONAL_ERROR], float)[:, None]  # (num_windows, 1, num_targets)
    units = np.where(errors > 0, errors, 1.0)
    quantiles = np.stack([np.asarray(predictions[name], float).reshape(shape) / units for name in names], axis=-1)
    truths, moved = targets.reshape(shape) / units, quantiles.copy()
    for fold in np.unique(folds):
        others = folds != fold
        given = None if weights is None else weights[others]
        fewest = MIN_CALIBRATION * others.mean()  # so that they are moved if the model's are
        moved[~others] += shifts(target, truths[others], quantiles[others], given, fewest)
    moved.sort(axis=-1)
    moved *= units[..., None]
    flat = moved.reshape(len(targets), -1, len(names))
    return {**predictions, **{name: flat[..., place] for place, name in enumerate(names) if name != "forecast"}}
