"""Regression: what is measured of predictions.

Targets are numbers in their own units, (num_examples,); predictions hold `prediction` and, from the network, `low` and
`high`, the bounds of the prediction intervals, each (num_examples,). Weights are (num_weightings, num_examples), and a
metric is (num_weightings,).

Of several targets, all these are (num_examples, num_targets), NaN where a target is missing. A metric such as `rmse` is
then the mean over the targets, each in units of `scale`, its standard deviation in the training split; `price:rmse` is
that of one target, in its own unit. The functions below are always given one target.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import resampling
from .data.resampling import Context, Floats, Metric, divide, mean

Numbers = npt.NDArray[np.floating]
Predictions = Mapping[str, npt.NDArray[Any]]
Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its label
OUTPUTS = ("prediction", "low", "high")
Function = Callable[[Any, Predictions, Floats, Context], Floats | None]


def rmse(targets: Numbers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The root mean squared error."""
    return np.sqrt(mean(residuals(targets, predictions) ** 2, weights))


def mae(targets: Numbers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean absolute error."""
    return mean(errors(targets, predictions), weights)


def r2(targets: Numbers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The coefficient of determination; undefined if all targets are equal."""
    centered = np.asarray(targets, float) - np.mean(targets, dtype=float)  # squares of large numbers lose digits
    variance = mean(centered**2, weights) - mean(centered, weights) ** 2
    return 1 - divide(mean(residuals(targets, predictions) ** 2, weights), np.maximum(variance, 0))


def mape(targets: Numbers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The mean absolute percentage error, as a fraction; not defined if a target is 0."""
    return mean(errors(targets, predictions) / np.abs(targets), weights) if np.all(targets != 0) else None


def coverage(targets: Numbers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The share of targets inside their prediction interval."""
    return mean(is_covered(targets, predictions), weights) if "low" in predictions else None


def interval_width(targets: Numbers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The mean width of the prediction intervals."""
    del targets
    return (
        mean(np.subtract(predictions["high"], predictions["low"], dtype=float), weights)
        if "low" in predictions
        else None
    )


def of_target(
    targets: Numbers, predictions: Predictions, weights: Floats, place: int
) -> tuple[Numbers, dict[str, npt.NDArray[Any]], Floats]:
    """Targets, predictions and weights of one of several targets, of the examples that have it."""
    known = np.isfinite(targets[:, place])
    outputs = {name: values[known, place] for name, values in predictions.items() if name in OUTPUTS}
    return targets[known, place], outputs, weights[:, known]


METRICS = {
    "rmse": Metric("RMSE", greater_is_better=False, function=rmse, range=(0, math.inf)),
    "mae": Metric("MAE", greater_is_better=False, function=mae, range=(0, math.inf)),
    "r2": Metric("R2", greater_is_better=True, function=r2, range=(-math.inf, 1)),
    "mape": Metric("MAPE", greater_is_better=False, function=mape, range=(0, math.inf), format=".1%"),
    "coverage": Metric("Interval coverage", greater_is_better=True, function=coverage, range=(0, 1), format=".1%"),
    "interval_width": Metric("Interval width", greater_is_better=False, function=interval_width, range=(0, math.inf)),
}


METRICS = resampling.Registry(METRICS, METRICS, of_target)  # `price:rmse` is that of the target price


def score(
    targets: Numbers,
    predictions: Predictions,
    context: Context,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Every metric that is defined, by name; `weights` are sample weights, (num_examples,)."""
    return resampling.score(for_targets(metrics, context), targets, predictions, context, weights)


def samples(
    targets: Numbers,
    predictions: Predictions,
    context: Context,
    resamples: int,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    return resampling.samples(for_targets(metrics, context), targets, predictions, context, resamples, weights=weights)


def for_targets(metrics: Mapping[str, Metric], context: Context) -> Mapping[str, Metric]:
    """The same metrics, as means over several targets if there are; and all of each of them, if all are asked for."""
    names = context.parts.get("prediction", ())
    if not names:
        return metrics
    each = [f"{target}:{name}" for target in names for name in METRICS] if metrics is METRICS else []
    together = {
        name: metric if ":" in name else metric._replace(function=over_targets(metric.function))
        for name, metric in metrics.items()
    }
    return {**together, **{name: METRICS[name] for name in each}}


def over_targets(function: Function) -> Function:
    """The mean of a metric over several targets, each in units of its `scale`, which changes no share or percentage."""

    def measure(targets: Numbers, predictions: Predictions, weights: Floats, context: Context) -> Floats | None:
        scale = predictions["scale"][0]
        scaled = {name: values / scale for name, values in predictions.items() if name in OUTPUTS}
        parts = (of_target(targets / scale, scaled, weights, place) for place in range(len(scale)))
        found = [function(*part, context) for part in parts]
        return None if any(value is None for value in found) else np.mean(np.array(found, float), axis=0)

    return measure


def errors(targets: Numbers, predictions: Predictions) -> Floats:
    """What the largest errors are ranked by: the absolute error of each example, (num_examples,).

    Of several targets, it is the mean of the errors in units of their `scale`.
    """
    found = np.abs(residuals(targets, predictions))
    return found if found.ndim == 1 else np.nanmean(found / predictions["scale"], axis=1)


def residuals(targets: Numbers, predictions: Predictions) -> Floats:
    """True minus predicted values, (num_examples,)."""
    return np.asarray(targets, float) - np.asarray(predictions["prediction"], float)


def is_covered(targets: Numbers, predictions: Predictions) -> npt.NDArray[np.bool_]:
    """Whether each target lies inside its interval, (num_examples,)."""
    return (targets >= predictions["low"]) & (targets <= predictions["high"])


def as_scored(described: Mapping[str, Any], pairs: Sequence[Pair]) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True numbers (num_examples,), the outputs, each (num_examples,), and how many pairs cannot be used.

    A label can be used if it is a finite number, a prediction if each of its outputs is one. Of several targets, a
    label is a list, all arrays are (num_examples, num_targets), and `scale` is added.
    """
    if names := described.get("parts", {}).get("prediction"):
        return as_scored_together(names, described["scale"], pairs)
    usable = [
        (label, *(outputs[name] for name in OUTPUTS))
        for outputs, label in pairs
        if all(is_number(value) for value in (label, *(outputs.get(name) for name in OUTPUTS)))
    ]
    targets, *columns = np.array(usable, "float64").reshape(-1, 1 + len(OUTPUTS)).T
    return targets, dict(zip(OUTPUTS, columns, strict=True)), len(pairs) - len(usable)


def as_scored_together(
    names: Sequence[str], scale: Sequence[float], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """The same of several targets; a label is a list with null where a target is missing."""
    columns = [f"{output}_{name}" for output in OUTPUTS for name in names]
    usable = [
        [*(math.nan if value is None else value for value in label), *(outputs[column] for column in columns)]
        for outputs, label in pairs
        if isinstance(label, list)
        and len(label) == len(names)
        and any(map(is_number, label))
        and all(value is None or is_number(value) for value in label)
        and all(is_number(outputs.get(column)) for column in columns)
    ]
    shape = (len(usable), 1 + len(OUTPUTS), len(names))
    targets, *arrays = np.array(usable, "float64").reshape(shape).transpose(1, 0, 2)
    predictions = {**dict(zip(OUTPUTS, arrays, strict=True)), "scale": np.broadcast_to(scale, targets.shape)}
    return targets, predictions, len(pairs) - len(usable)


def is_number(value: Any) -> bool:
    """Whether a logged value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
