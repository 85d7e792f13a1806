"""What the scores of every task share: what a metric is, and how certain its value is."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
CONFIDENCE = 0.95


class Metric(NamedTuple):
    """How a metric is called and which way is better."""

    label: str
    greater_is_better: bool


def resampled_weights(num_examples: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each example is drawn, (num_examples,), for one bootstrap resample after the other (Efron 1979).

    A metric of a resample is then a weighted metric of the examples: nothing is copied, sorted or ranked again.
    """
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = generator.integers(num_examples, size=num_examples, dtype=np.int32)
        yield np.bincount(drawn, minlength=num_examples).astype(float)


def summarize(values: Mapping[str, float], samples: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    """Each metric's value with the percentile interval of its resamples; those where it is undefined do not count."""
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    summary = {}
    for name, value in values.items():
        defined = samples[name][np.isfinite(samples[name])]
        low, high = np.quantile(defined, tails) if len(defined) else (value, value)
        summary[name] = {"value": value, "low": min(float(low), value), "high": max(float(high), value)}
    return summary
