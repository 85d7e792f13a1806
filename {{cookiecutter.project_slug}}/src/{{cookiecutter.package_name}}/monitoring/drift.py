"""How far what clients send is from the training examples, and how far chance alone would take it.

A column is compared on bins: tenths of a number's values and its outermost hundredths, or each category by itself. Bins
are of both tables together, and what is rare is never lumped together: bins made of one table fit it better than they
fit any other, which looks like drift. TFDV gives the distance of the binned counts. What chance adds to it is simulated
for this column and these numbers of examples, so that a small window or hundreds of columns raise no alarm.
"""

import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import stats
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from ..validation import anomalies, data_statistics
from ..validation.anomalies import INFINITY_NORM, JENSEN_SHANNON
from ..validation.data_statistics import Statistics

QUANTILES = np.array([0.01, *np.arange(0.1, 0.95, 0.1), 0.99])
MAX_CATEGORIES = 500  # that are compared one by one
SHARED_BINS = 100  # over which the others are scattered
RESAMPLES = 1_000
PERIODS = 50  # of the reference that are compared with all of it
FALSE_ALARMS = 0.001  # share of windows without drift in which chance alone may take any of the columns too far

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
        """How many bins there are."""
        return len(self.edges) + 1 if self.measure == JENSEN_SHANNON else len(self.categories) + SHARED_BINS

    def count(self, values: pd.Series) -> Counts:
        """How many values lie in each bin, (size,); missing values in none."""
        present = values.dropna()
        if self.measure == JENSEN_SHANNON:
            return np.bincount(np.searchsorted(self.edges, present.to_numpy("float64")), minlength=self.size)
        places = pd.Index(self.categories, dtype=object).get_indexer(present)
        shared = [len(self.categories) + zlib.crc32(value.encode()) % SHARED_BINS for value in present[places < 0]]
        return np.bincount(np.concatenate([places[places >= 0], np.array(shared, int)]), minlength=self.size)


@dataclass(frozen=True)
class Drift:
    """How a column of the window compares with its reference; a distance is None where either has no values."""

    column: str
    measure: str
    distance: float | None
    threshold: float
    missing: float
    reference_missing: float
    missing_threshold: float
    judged: bool
    """False for a column that is meant to change."""

    @property
    def excess(self) -> float:
        """The distance as a multiple of the allowed one."""
        return (self.distance or 0.0) / self.threshold

    @property
    def drifted(self) -> bool:
        """Whether the distance is one to be alarmed at."""
        return self.judged and self.distance is not None and self.distance > self.threshold

    @property
    def missing_drifted(self) -> bool:
        """Whether the share of missing values has changed in a way to be alarmed at."""
        return self.judged and abs(self.missing - self.reference_missing) > self.missing_threshold


def compare(
    reference: pd.DataFrame,
    window: pd.DataFrame,
    tolerance: float,
    meant_to_change: Collection[str],
    num_columns: int,
    *,
    in_periods: bool = False,
) -> list[Drift]:
    """Compares columns of float64, NaN if missing, or of strings, None if missing.

    `num_columns` is how many columns are compared in all: the more, the rarer each may be too far by chance. With
    `in_periods`, the rows of the reference follow each other in time, and what its own periods, as long as the window,
    are away from all of it is no drift: a season, or a week of rain.
    """
    bins = {column: bins_of(pd.concat([reference[column], window[column]])) for column in reference}
    before, now = (binned_statistics(table, bins, name) for table, name in ((reference, "train"), (window, "window")))
    rarity = FALSE_ALARMS / (2 * num_columns)  # a distance and a share of missing values each
    random = np.random.default_rng(0)
    noise, presence = {}, {}
    for column in reference:
        values = reference[column], window[column]
        chance = noise_of(*values, bins[column], rarity, random, in_periods=in_periods)
        if chance is not None:
            noise[column] = chance
        presence[column] = present_and_missing(values[0]), present_and_missing(values[1])
    thresholds = {column: min(tolerance + value, 1.0) for column, value in noise.items()}
    watched = comparators({column: (bins[column].measure, value) for column, value in thresholds.items()})
    distances = {each.column: each.value for each in anomalies.measure(before, now, watched)}
    found = []
    for column, (there, here) in presence.items():
        found.append(
            Drift(
                column,
                bins[column].measure,
                distances.get(column),
                thresholds.get(column, 1.0),
                missing=float(here[1] / here.sum()),
                reference_missing=float(there[1] / there.sum()),
                missing_threshold=tolerance + largest_by_chance(there, here, INFINITY_NORM, rarity, random),
                judged=column not in meant_to_change,
            )
        )
    return found


def noise_of(
    reference: pd.Series, window: pd.Series, bins: Bins, rarity: float, random: np.random.Generator, *, in_periods: bool
) -> float | None:
    """How far a column is off by chance, or by the season; None if either side has no value."""
    pair = bins.count(reference), bins.count(window)
    if not min(counts.sum() for counts in pair):
        return None
    chance = largest_by_chance(*pair, bins.measure, rarity, random)
    return max(chance, largest_of_periods(reference, len(window), bins)) if in_periods else chance


def bins_of(values: pd.Series) -> Bins:
    """The bins by which a column is compared, from its values in both tables."""
    if not pd.api.types.is_float_dtype(values):
        return Bins(INFINITY_NORM, categories=tuple(values.value_counts().index[:MAX_CATEGORIES]))
    present = values.dropna().to_numpy("float64")
    return Bins(
        JENSEN_SHANNON, np.unique(np.quantile(present, QUANTILES, method="lower")) if len(present) else np.zeros(0)
    )


def present_and_missing(values: pd.Series) -> Counts:
    """How many values a column has and lacks."""
    missing = int(values.isna().sum())
    return np.array([len(values) - missing, missing])


def largest_by_chance(
    reference: Counts, window: Counts, measure: str, rarity: float, random: np.random.Generator
) -> float:
    """The distance that two samples of these sizes from one distribution exceed with the probability `rarity`.

    Drawn from both together by the bootstrap: not only the window is a sample, the reference is one too. Beyond the
    resamples, the tail is that of a gamma distribution of the same mean and variance, which both distances follow well.
    """
    shares = (reference + window) / (reference.sum() + window.sum())
    first, second = (random.multinomial(counts.sum(), shares, RESAMPLES) for counts in (reference, window))
    distances = distance(first, second, measure)
    mean, variance = distances.mean(), distances.var()
    if not variance > 1e-18:
        return float(distances.max())
    tail = stats.gamma.isf(rarity, mean**2 / variance, scale=variance / mean)
    return float(max(tail, distances.max()))


def largest_of_periods(values: pd.Series, num_rows: int, bins: Bins) -> float:
    """The largest distance of a period of so many rows, at most half of all, from all rows."""
    size = min(num_rows, len(values) // 2)
    starts = np.unique(np.linspace(0, len(values) - size, PERIODS).astype(int))
    counts = np.array([bins.count(values.iloc[start : start + size]) for start in starts])
    counts = counts[counts.sum(axis=1) > 0]
    whole = np.broadcast_to(bins.count(values), counts.shape)
    return float(distance(counts, whole, bins.measure).max(initial=0))


def distance(first: Counts, second: Counts, measure: str) -> Floats:
    """The distance as TFDV computes it, of counts (..., num_bins): Jensen-Shannon is in bits."""
    one, other = (counts / counts.sum(axis=-1, keepdims=True) for counts in (first, second))
    if measure == INFINITY_NORM:
        return np.abs(one - other).max(axis=-1)
    middle = (one + other) / 2
    divergences = [
        (each * np.log2(np.divide(each, middle, out=np.ones_like(each), where=each > 0))).sum(axis=-1)
        for each in (one, other)
    ]
    return np.sum(divergences, axis=0) / 2


def binned_statistics(table: pd.DataFrame, bins: dict[str, Bins], name: str) -> Statistics:
    """TFDV's statistics of a table, whose histograms are counted on the given bins.

    TFDV's own have other edges for each table, and the distance of two samples of few distinct numbers is then large.
    """
    statistics = data_statistics.summarize(to_arrow(table), name)
    for feature in statistics.features:
        column = feature.path.step[0]
        counts = bins[column].count(table[column])
        if bins[column].measure == INFINITY_NORM:
            buckets: Any = feature.string_stats.rank_histogram.buckets
            del buckets[:]
            for place, count in enumerate(counts):
                buckets.add(label=str(place), sample_count=count)
        else:
            del feature.num_stats.histograms[:]
            buckets = feature.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD).buckets
            for place, count in enumerate(counts):  # by number: TFDV cannot align open bins
                buckets.add(low_value=place, high_value=place + 1, sample_count=count)
    return statistics


def to_arrow(table: pd.DataFrame) -> pa.Table:
    """The table with null for what is missing; a column of strings stays one though it be empty."""
    strings = {name: pa.string() for name in table if table[name].dtype == object}
    return pa.table({name: pa.array(table[name], type=strings.get(name), from_pandas=True) for name in table})


def comparators(thresholds: dict[str, tuple[str, float]]) -> schema_pb2.Schema:
    """A schema that holds nothing but the measure and the threshold of each column."""
    schema = schema_pb2.Schema(default_environment=["TRAINING"])
    for column, (measure, threshold) in thresholds.items():
        if measure == INFINITY_NORM:
            feature = schema.feature.add(name=column, type=schema_pb2.BYTES)
            feature.skew_comparator.infinity_norm.threshold = threshold
        else:
            feature = schema.feature.add(name=column, type=schema_pb2.FLOAT)
            feature.skew_comparator.jensen_shannon_divergence.threshold = threshold
    return schema
