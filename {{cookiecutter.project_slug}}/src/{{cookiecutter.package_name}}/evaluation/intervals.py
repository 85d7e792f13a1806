"""How certain scores are: bootstrap intervals of every metric, of all examples and by slices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import metrics
from ..data.resampling import Floats

CONFIDENCE = 0.95


def intervals(
    targets: npt.NDArray[Any], predictions: Mapping[str, npt.NDArray[Any]], resamples: int, seed: int
) -> dict[str, dict[str, float]]:
    """Every metric's value with its bootstrap 95 % interval."""
    drawn = metrics.samples(targets, predictions, resamples, seed)
    return summarize(metrics.score(targets, predictions), drawn)


def summarize(values: Mapping[str, float], samples: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    """Each metric's value with the percentile interval of its resamples; those where it is undefined do not count."""
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    summary = {}
    for name, value in values.items():
        defined = samples[name][np.isfinite(samples[name])]
        low, high = np.quantile(defined, tails) if len(defined) else (value, value)
        summary[name] = {"value": value, "low": min(float(low), value), "high": max(float(high), value)}
    return summary
