"""Drift: the distance of each column of the logged requests from the training examples, and its threshold.

Columns are compared by histograms: the deciles and outermost percentiles of a number, or one bin per category. Bins are
chosen on both tables together, since bins chosen on one table fit it better than any other, which looks like drift. The
threshold adds to the tolerance the distance that sampling noise alone explains, simulated for this column and these
numbers of examples, so that neither a small window nor hundreds of columns raise false alarms.
"""

import zlib
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

JENSEN_SHANNON = "Jensen-Shannon divergence"  # of numbers, in bits
INFINITY_NORM = "L-infinity distance"  # of categories
QUANTILES = np.array([0.01, *np.arange(0.1, 0.95, 0.1), 0.99])
MAX_CATEGORIES = 500  # with a bin each
SHARED_BINS = 100  # for all other categories, by hash
RESAMPLES = 1_000
PERIODS = 50  # of the reference that are compared with the whole reference
FALSE_ALARMS = 0.001  # share of windows without drift in which any column is reported

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bins:
    """The bins of a column: between the `edges` of a number, or one per category and SHARED_BINS for the rarest."""

    measure: str
    edges: Floats = field(default_factory=lambda: np.zeros(0))
    categories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of bins."""
        return len(self.edges) + 1 if self.measure == JENSEN_SHANNON else len(self.categories) + SHARED_BINS

    def count(self, values: pd.Series) -> Counts:
        """The number of values in each bin, (size,); missing values are in none."""
        present = values.dropna()
        if self.measure == JENSEN_SHANNON:
            return np.bincount(np.searchsorted(self.edges, present.to_numpy("float64")), minlength=self.size)
        places = pd.Index(self.categories, dtype=object).get_indexer(present)
        shared = [len(self.categories) + zlib.crc32(value.encode()) % SHARED_BINS for value in present[places < 0]]
        return np.bincount(np.concatenate([places[places >= 0], np.array(shared, int)]), minlength=self.size)


@dataclass(frozen=True)
class Drift:
    """A column of the window compared with its reference; the distance is None where either has no values."""

    column: str
    measure: str
    distance: float | None
    threshold: float
    missing: float
    reference_missing: float
    missing_threshold: float
    is_expected: bool
    """Whether the column is expected to change: it is measured, but raises no alarm."""

    @property
    def excess(self) -> float:
        """The distance divided by its threshold."""
        return (self.distance or 0.0) / self.threshold

    @property
    def drifted(self) -> bool:
        """Whether the distance exceeds its threshold."""
        return not self.is_expected and self.distance is not None and self.distance > self.threshold

    @property
    def missing_drifted(self) -> bool:
        """Whether the share of missing values has changed by more than its threshold."""
        return not self.is_expected and abs(self.missing - self.reference_missing) > self.missing_threshold


def compare(
    reference: pd.DataFrame,
    window: pd.DataFrame,
    tolerance: float,
    expected: Collection[str],
    num_columns: int,
    *,
    in_periods: bool = False,
) -> list[Drift]:
    """Compares columns of float64, NaN if missing, or of strings, None if missing.

    `num_columns` is the number of columns compared in all: the more, the rarer a false alarm of each must be. With
    `in_periods`, the rows of the reference follow each other in time, and the distance of its own periods, as long as
    the window, from the whole reference is tolerated, too: a season, or a week of rain.
    """
    tail = FALSE_ALARMS / (2 * num_columns)  # a distance and a share of missing values each
    random = np.random.default_rng(0)
    return [
        compare_column(
            *(reference[name], window[name], tolerance, tail, random),
            in_periods=in_periods,
            is_expected=name in expected,
        )
        for name in reference
    ]


def compare_column(
    reference: pd.Series,
    window: pd.Series,
    tolerance: float,
    tail: float,
    random: np.random.Generator,
    *,
    in_periods: bool,
    is_expected: bool,
) -> Drift:
    """The distance of a column and its threshold, which sampling noise exceeds with the probability `tail`."""
    bins = choose_bins(pd.concat([reference, window]))
    counts = bins.count(reference), bins.count(window)
    distance, threshold = None, 1.0
    if all(each.any() for each in counts):
        distance = float(distance_of(*counts, bins.measure))
        noise = sampling_noise(*counts, bins.measure, tail, random)
        noise = max(noise, largest_of_periods(reference, len(window), bins)) if in_periods else noise
        threshold = min(tolerance + noise, 1.0)
    before, now = count_missing(reference), count_missing(window)
    return Drift(
        str(reference.name),
        bins.measure,
        distance,
        threshold,
        missing=float(now[1] / now.sum()),
        reference_missing=float(before[1] / before.sum()),
        missing_threshold=tolerance + sampling_noise(before, now, INFINITY_NORM, tail, random),
        is_expected=is_expected,
    )


def choose_bins(values: pd.Series) -> Bins:
    """The bins of a column, from its values in both tables."""
    if not pd.api.types.is_float_dtype(values):
        return Bins(INFINITY_NORM, categories=tuple(values.value_counts().index[:MAX_CATEGORIES]))
    present = values.dropna().to_numpy("float64")
    return Bins(
        JENSEN_SHANNON, np.unique(np.quantile(present, QUANTILES, method="lower")) if len(present) else np.zeros(0)
    )


def count_missing(values: pd.Series) -> Counts:
    """The numbers of present and of missing values, (2,)."""
    missing = int(values.isna().sum())
    return np.array([len(values) - missing, missing])


def sampling_noise(reference: Counts, window: Counts, measure: str, tail: float, random: np.random.Generator) -> float:
    """The distance that two samples of these sizes from one distribution exceed with the probability `tail`.

    A bootstrap of both tables together, since the reference is a sample, too. Beyond the resamples, the tail is that of
    a gamma distribution with the same mean and variance, which both distances follow well.
    """
    shares = (reference + window) / (reference.sum() + window.sum())
    first, second = (random.multinomial(counts.sum(), shares, RESAMPLES) for counts in (reference, window))
    distances = distance_of(first, second, measure)
    mean, variance = distances.mean(), distances.var()
    if not variance > 1e-18:
        return float(distances.max())
    quantile = stats.gamma.isf(tail, mean**2 / variance, scale=variance / mean)
    return float(max(quantile, distances.max()))


def largest_of_periods(values: pd.Series, num_rows: int, bins: Bins) -> float:
    """The largest distance of a period of `num_rows` rows, at most half of all, from the whole column."""
    size = min(num_rows, len(values) // 2)
    starts = np.unique(np.linspace(0, len(values) - size, PERIODS).astype(int))
    counts = np.array([bins.count(values.iloc[start : start + size]) for start in starts])
    counts = counts[counts.sum(axis=1) > 0]
    whole = np.broadcast_to(bins.count(values), counts.shape)
    return float(distance_of(counts, whole, bins.measure).max(initial=0))


def distance_of(first: Counts, second: Counts, measure: str) -> Floats:
    """The distance of two histograms (..., num_bins), from 0 to 1, as TFDV defines it."""
    one, other = (counts / counts.sum(axis=-1, keepdims=True) for counts in (first, second))
    if measure == INFINITY_NORM:
        return np.abs(one - other).max(axis=-1)
    middle = (one + other) / 2
    divergences = [
        (each * np.log2(np.divide(each, middle, out=np.ones_like(each), where=each > 0))).sum(axis=-1)
        for each in (one, other)
    ]
    return np.sum(divergences, axis=0) / 2
