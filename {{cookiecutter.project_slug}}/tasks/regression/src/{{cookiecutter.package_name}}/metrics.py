"""Regression: what is measured of predictions.

Targets are numbers in their own units, (num_examples,); predictions hold `prediction` and, from the network, `low` and
`high`, the bounds of the prediction intervals, each (num_examples,).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .data.resampling import Floats, Metric, resampled_weights

METRICS = {
    "rmse": Metric("RMSE", greater_is_better=False),
    "mae": Metric("MAE", greater_is_better=False),
    "r2": Metric("R2", greater_is_better=True),
    "mape": Metric("MAPE", greater_is_better=False),
    "coverage": Metric("Interval coverage", greater_is_better=True),
    "interval_width": Metric("Interval width", greater_is_better=False),
}

Numbers = npt.NDArray[np.floating]
Predictions = Mapping[str, npt.NDArray[Any]]

Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its outcome
OUTPUTS = ("prediction", "low", "high")


def score(targets: Numbers, predictions: Predictions) -> dict[str, float]:
    """Every metric that is defined, by name.

    MAPE is a fraction of the target and left out if one is 0. Coverage is the share of targets inside their interval
    and interval_width the mean width; both are left out for predictions without intervals.
    """
    means = terms(targets, predictions)
    return {
        name: float(values) for name, values in from_means({key: each.mean() for key, each in means.items()}).items()
    }


def samples(targets: Numbers, predictions: Predictions, resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    per_example = terms(targets, predictions)
    matrix = np.stack(list(per_example.values()))  # (num_terms, num_examples)
    weights = resampled_weights(len(targets), resamples, seed)
    means = np.array([matrix @ each for each in weights]) / len(targets)  # (resamples, num_terms)
    return from_means(dict(zip(per_example, means.T, strict=True)))


def errors(targets: Numbers, predictions: Predictions) -> Floats:
    """What ranks the worst predictions: the absolute error of each example, (num_examples,)."""
    return np.abs(residuals(targets, predictions))


def residuals(targets: Numbers, predictions: Predictions) -> Floats:
    """How far the true value lies above the predicted one, (num_examples,)."""
    return np.asarray(targets, float) - np.asarray(predictions["prediction"], float)


def is_covered(targets: Numbers, predictions: Predictions) -> npt.NDArray[np.bool_]:
    """Whether each target lies inside its interval, (num_examples,)."""
    return (targets >= predictions["low"]) & (targets <= predictions["high"])


def terms(targets: Numbers, predictions: Predictions) -> dict[str, Floats]:
    """The quantities of each example whose means give the metrics, each (num_examples,)."""
    error = residuals(targets, predictions)
    centered = np.asarray(targets, float) - np.mean(targets, dtype=float)  # squares of large numbers lose digits
    result = {"squared": error**2, "absolute": np.abs(error), "centered": centered, "centered_squared": centered**2}
    if np.all(targets != 0):
        result["relative"] = np.abs(error / targets)
    if "low" in predictions:
        result["covered"] = is_covered(targets, predictions).astype(float)
        result["width"] = np.asarray(predictions["high"], float) - np.asarray(predictions["low"], float)
    return result


def from_means(means: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics from the means of the terms, which may be one number or one for each resample."""
    variance = np.asarray(means["centered_squared"] - means["centered"] ** 2)
    unexplained = np.divide(means["squared"], variance, out=np.full(variance.shape, np.nan), where=variance > 0)
    result = {"rmse": np.sqrt(means["squared"]), "mae": means["absolute"], "r2": 1 - unexplained}
    names = {"relative": "mape", "covered": "coverage", "width": "interval_width"}
    return result | {name: means[term] for term, name in names.items() if term in means}


def as_scored(
    parts: Mapping[str, Sequence[str]], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """True numbers (num_examples,), the outputs, each (num_examples,), and how many pairs cannot be used.

    An outcome can be used if it is a finite number, a prediction if each of its outputs is one.
    """
    del parts  # every output is one number
    usable = [
        (outcome, *(outputs[name] for name in OUTPUTS))
        for outputs, outcome in pairs
        if all(is_number(value) for value in (outcome, *(outputs.get(name) for name in OUTPUTS)))
    ]
    targets, *columns = np.array(usable, "float64").reshape(-1, 1 + len(OUTPUTS)).T
    return targets, dict(zip(OUTPUTS, columns, strict=True)), len(pairs) - len(usable)


def is_number(value: Any) -> bool:
    """Whether a logged value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
