"""Forecasting: what is measured of forecasts.

Targets are (num_windows, horizon * num_targets), NaN where missing, in their own units; predictions hold `forecast`, of
the same shape, and `seasonal_error` (num_windows, num_targets), and from the network also quantiles such as `p05`.
Weights are (num_weightings, num_windows), and a metric is (num_weightings,).
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import resampling
from .data.resampling import Context, Floats, Metric, divide

QUANTILE = re.compile(r"p(\d+)(_\d+)?")

Predictions = Mapping[str, npt.NDArray[Any]]
Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its label
NEEDED = ("forecast", "seasonal_error")


def mase(targets: Floats, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean absolute scaled error: the error by that of the seasonal naive forecast in the training period.

    The mean over the windows of the series that vary (Hyndman and Koehler 2006).
    """
    scaled = scaled_errors(targets, predictions)
    return divide(weights @ np.nan_to_num(scaled), weights @ np.isfinite(scaled))


def mae(targets: Floats, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean absolute error of the known steps."""
    return mean_of_steps(np.abs(residuals(targets, predictions)), weights)


def rmse(targets: Floats, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The root mean squared error of the known steps."""
    return np.sqrt(mean_of_steps(residuals(targets, predictions) ** 2, weights))


def smape(targets: Floats, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The symmetric mean absolute percentage error of the known steps, 0 to 2."""
    size = np.abs(targets) + np.abs(predictions["forecast"])
    return mean_of_steps(2 * np.abs(residuals(targets, predictions)) / np.where(size == 0, 1, size), weights)


def weighted_quantile_loss(targets: Floats, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The mean quantile loss of all levels by the sum of absolute targets; only of forecasts with quantiles."""
    levels = quantile_levels(predictions)
    if not levels:
        return None
    losses = []
    for name, level in levels.items():
        difference = targets - np.asarray(predictions[name], float)
        losses.append(2 * np.maximum(level * difference, (level - 1) * difference))
    return divide(weights @ np.nansum(np.mean(losses, axis=0), axis=1), weights @ np.nansum(np.abs(targets), axis=1))


def coverage(targets: Floats, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The share of known steps between the outermost quantiles; only of forecasts with quantiles."""
    levels = list(quantile_levels(predictions))
    if not levels:
        return None
    is_inside = (targets >= predictions[levels[0]]) & (targets <= predictions[levels[-1]])
    return mean_of_steps(np.where(np.isfinite(targets), is_inside, np.nan), weights)


def interval_width(targets: Floats, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The mean distance of the outermost quantiles at known steps; only of forecasts with quantiles."""
    levels = list(quantile_levels(predictions))
    if not levels:
        return None
    width = np.subtract(predictions[levels[-1]], predictions[levels[0]], dtype=float)
    return mean_of_steps(np.where(np.isfinite(targets), width, np.nan), weights)


METRICS = {
    "mase": Metric("MASE", greater_is_better=False, function=mase, range=(0, math.inf)),
    "mae": Metric("MAE", greater_is_better=False, function=mae, range=(0, math.inf)),
    "rmse": Metric("RMSE", greater_is_better=False, function=rmse, range=(0, math.inf)),
    "smape": Metric("sMAPE", greater_is_better=False, function=smape, range=(0, 2), format=".1%"),
    "wql": Metric(
        "Weighted quantile loss", greater_is_better=False, function=weighted_quantile_loss, range=(0, math.inf)
    ),
    "coverage": Metric("Interval coverage", greater_is_better=True, function=coverage, range=(0, 1), format=".1%"),
    "interval_width": Metric("Interval width", greater_is_better=False, function=interval_width, range=(0, math.inf)),
}


def score(
    targets: Floats,
    predictions: Predictions,
    context: Context,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Every metric that is defined, by name; `weights` are sample weights, (num_windows,)."""
    return resampling.score(metrics, targets, predictions, context, weights)


def samples(
    targets: Floats,
    predictions: Predictions,
    context: Context,
    resamples: int,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired.

    Blocks of neighbouring windows are drawn, as long as a window, since neighbours share most steps.
    """
    horizon = targets.shape[1] // max(1, predictions["seasonal_error"].shape[1])
    length = min(horizon, max(1, len(targets) // 5))
    return resampling.samples(metrics, targets, predictions, context, resamples, length, weights)


def errors(targets: Floats, predictions: Predictions) -> Floats:
    """What the largest errors are ranked by: the scaled error of each window, or the absolute one, (num_windows,)."""
    scaled, absolute = scaled_errors(targets, predictions), np.abs(residuals(targets, predictions))
    known = np.maximum(np.isfinite(absolute).sum(axis=1), 1)
    return np.where(np.isfinite(scaled), scaled, np.nansum(absolute, axis=1) / known)


def residuals(targets: Floats, predictions: Predictions) -> Floats:
    """True minus forecast values, of the shape of `targets`."""
    return np.asarray(targets, float) - np.asarray(predictions["forecast"], float)


def scaled_errors(targets: Floats, predictions: Predictions) -> Floats:
    """The mean absolute error of each window by its seasonal error, (num_windows,); NaN where that is 0."""
    num_targets = predictions["seasonal_error"].shape[1]
    scale = np.tile(np.asarray(predictions["seasonal_error"], float), targets.shape[1] // num_targets)
    scaled = divide(np.abs(residuals(targets, predictions)), scale)
    return divide(np.nansum(scaled, axis=1), np.isfinite(scaled).sum(axis=1))


def mean_of_steps(values: Floats, weights: Floats) -> Floats:
    """The mean of values (num_windows, steps) that are known, (num_weightings,)."""
    return divide(weights @ np.nansum(values, axis=1), weights @ np.isfinite(values).sum(axis=1))


def quantile_levels(predictions: Predictions) -> dict[str, float]:
    """The outputs that are quantiles, lowest first, and their levels; the median is the forecast itself."""
    found = {name: QUANTILE.fullmatch(name) for name in predictions}
    levels = {name: float(match[1] + "." + (match[2] or "_0")[1:]) / 100 for name, match in found.items() if match}
    levels |= {"forecast": 0.5} if levels else {}
    return dict(sorted(levels.items(), key=lambda each: each[1]))


def as_scored(described: Mapping[str, Any], pairs: Sequence[Pair]) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True values (num_examples, horizon * num_targets), the outputs, and how many pairs cannot be used.

    A label is a list with a number for each entry of the forecast, null where it is not known yet.
    """
    parts = described["parts"]
    length = len(parts["forecast"])
    names = [name for name in parts if name in NEEDED or QUANTILE.fullmatch(name)]
    usable = [
        (label, [outputs[name] for name in names])
        for outputs, label in pairs
        if are_numbers(label, length) and all(are_numbers(outputs.get(name), len(parts[name])) for name in names)
    ]
    targets = np.array([label for label, _ in usable], "float64").reshape(-1, length)
    columns = zip(names, zip(*(outputs for _, outputs in usable), strict=True), strict=True)
    predictions = {name: np.array(values, "float64") for name, values in columns} if usable else {}
    return targets, predictions, len(pairs) - len(usable)


def are_numbers(values: Any, length: int) -> bool:
    """Whether a logged value is a list of so many numbers, of which some may be missing, but not all."""
    if not isinstance(values, list) or len(values) != length:
        return False
    are_good = all(value is None or is_number(value) for value in values)
    return are_good and any(value is not None for value in values)


def is_number(value: Any) -> bool:
    """Whether a logged value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
