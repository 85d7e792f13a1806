"""Bootstrap resamples, and what a metric is: shared by the metrics of every task."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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
