"""Forecasting: what is measured of forecasts.

Targets are (num_windows, horizon * num_targets), NaN where missing, in their own units; predictions hold `forecast`, of
the same shape, and `seasonal_error` (num_windows, num_targets), and from the network also quantiles such as `p05`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .data.resampling import Floats, Metric

METRICS = {
    "mase": Metric("MASE", greater_is_better=False),
    "mae": Metric("MAE", greater_is_better=False),
    "rmse": Metric("RMSE", greater_is_better=False),
    "smape": Metric("sMAPE", greater_is_better=False),
    "wql": Metric("Weighted quantile loss", greater_is_better=False),
    "coverage": Metric("Interval coverage", greater_is_better=True),
    "interval_width": Metric("Interval width", greater_is_better=False),
}
QUANTILE = re.compile(r"p(\d+)(_\d+)?")

Predictions = Mapping[str, npt.NDArray[Any]]

Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its outcome
NEEDED = ("forecast", "seasonal_error")


def score(targets: Floats, predictions: Predictions) -> dict[str, float]:
    """Every metric that is defined, by name.

    mase: mean absolute error of a window by that of the seasonal naive forecast within its history (after Hyndman and
    Koehler 2006), the mean of all windows; smape: from 0 to 2; wql: the quantile loss of all levels by the sum of
    absolute targets; coverage and interval_width: of the interval between the outermost quantiles.
    """
    sums = {name: values.sum() for name, values in terms(targets, predictions).items()}
    return {name: float(value) for name, value in from_sums(sums).items()}


def samples(targets: Floats, predictions: Predictions, resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired.

    Blocks of neighbouring windows are drawn (Kuensch 1989), as long as a window, since neighbours share most steps.
    """
    per_window = terms(targets, predictions)
    matrix = np.stack(list(per_window.values()))  # (num_terms, num_windows)
    horizon = targets.shape[1] // max(1, predictions["seasonal_error"].shape[1])
    length = min(horizon, max(1, len(targets) // 5))
    cumulated = np.concatenate([np.zeros((len(matrix), 1)), np.cumsum(np.tile(matrix, 2), axis=1)], axis=1)
    generator = np.random.default_rng(seed)
    num_blocks = -(-len(targets) // length)
    drawn = []
    for _ in range(resamples):
        starts = generator.integers(len(targets), size=num_blocks)  # blocks may run over the end, to the beginning
        drawn.append((cumulated[:, starts + length] - cumulated[:, starts]).sum(axis=1))
    return from_sums(dict(zip(per_window, np.array(drawn).T, strict=True)))


def errors(targets: Floats, predictions: Predictions) -> Floats:
    """What ranks the worst forecasts: the mean absolute error of each window by its seasonal error, (num_windows,)."""
    sums = terms(targets, predictions)
    scaled, known = sums["scaled"], sums["known"]
    return np.where(sums["has_scale"] > 0, scaled, sums["absolute"] / np.maximum(known, 1))


def quantile_levels(predictions: Predictions) -> dict[str, float]:
    """The outputs that are quantiles, lowest first, and their levels; the median is the forecast itself."""
    found = {name: QUANTILE.fullmatch(name) for name in predictions}
    levels = {name: float(match[1] + "." + (match[2] or "_0")[1:]) / 100 for name, match in found.items() if match}
    levels |= {"forecast": 0.5} if levels else {}
    return dict(sorted(levels.items(), key=lambda each: each[1]))


def terms(targets: Floats, predictions: Predictions) -> dict[str, Floats]:
    """The quantities of each window whose sums give the metrics, each (num_windows,)."""
    known = np.isfinite(targets)
    truth = np.where(known, targets, 0.0)
    forecast = np.asarray(predictions["forecast"], float)
    error = np.where(known, np.abs(truth - forecast), 0.0)
    size = np.where(known, np.abs(truth) + np.abs(forecast), 0.0)
    num_targets = predictions["seasonal_error"].shape[1]
    scale = np.tile(np.asarray(predictions["seasonal_error"], float), targets.shape[1] // num_targets)
    has_scale = known & (scale > 0)
    scaled = np.where(has_scale, error / np.where(has_scale, scale, 1), 0).sum(axis=1)
    result = {
        "known": known.sum(axis=1).astype(float),
        "absolute": error.sum(axis=1),
        "squared": (error**2).sum(axis=1),
        "relative": np.divide(2 * error, size, out=np.zeros_like(error), where=size > 0).sum(axis=1),
        "scaled": scaled / np.maximum(has_scale.sum(axis=1), 1),
        "has_scale": has_scale.any(axis=1).astype(float),
        "size": np.abs(truth).sum(axis=1),
    }
    levels = quantile_levels(predictions)
    if not levels:
        return result
    losses = []
    for name, level in levels.items():
        difference = np.where(known, truth - np.asarray(predictions[name], float), 0.0)
        losses.append(2 * np.maximum(level * difference, (level - 1) * difference).sum(axis=1))
    lowest, highest = (np.asarray(predictions[name], float) for name in (next(iter(levels)), list(levels)[-1]))
    covered = known & (truth >= lowest) & (truth <= highest)
    width = np.where(known, highest - lowest, 0.0).sum(axis=1)
    return result | {"quantile": np.mean(losses, axis=0), "covered": covered.sum(axis=1).astype(float), "width": width}


def from_sums(sums: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics from the sums of the terms, which may be one number or one for each resample."""
    known = np.maximum(sums["known"], 1)
    found = {
        "mase": ratio(sums["scaled"], sums["has_scale"]),
        "mae": sums["absolute"] / known,
        "rmse": np.sqrt(sums["squared"] / known),
        "smape": sums["relative"] / known,
    }
    if "quantile" in sums:
        found |= {"wql": ratio(sums["quantile"], sums["size"])}
        found |= {"coverage": sums["covered"] / known, "interval_width": sums["width"] / known}
    return found


def ratio(one: Any, other: Any) -> Any:
    """A quotient; not a number where there is nothing to divide by."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    return np.divide(one, other, out=np.full(np.shape(other), np.nan), where=other > 0)


def as_scored(
    parts: Mapping[str, Sequence[str]], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True values (num_examples, horizon * num_targets), the outputs, and how many pairs cannot be used.

    An outcome is a list with a number for each entry of the forecast, null where it is not known yet.
    """
    length = len(parts["forecast"])
    names = [name for name in parts if name in NEEDED or QUANTILE.fullmatch(name)]
    usable = [
        (outcome, [outputs[name] for name in names])
        for outputs, outcome in pairs
        if are_numbers(outcome, length) and all(are_numbers(outputs.get(name), len(parts[name])) for name in names)
    ]
    targets = np.array([outcome for outcome, _ in usable], "float64").reshape(-1, length)
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
