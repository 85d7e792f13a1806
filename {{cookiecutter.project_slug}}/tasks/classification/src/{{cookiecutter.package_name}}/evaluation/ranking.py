"""ROC and precision-recall of one class against the rest, from counts along the ranking by its probability.

The ranking is made once; a bootstrap resample then only counts anew. `counts` are (..., bins, 2): how many negatives
and positives each bin holds, bins in descending order of the score.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .bootstrap import Floats

CALIBRATION_BINS = 15
MAX_BINS = 2_000  # bound of the bins of a resample: moves an area by less than 0.0005

Integers = npt.NDArray[np.integer]


class Ranking(NamedTuple):
    """Where each example stands: `codes` (num_examples,) are 2 * bin, plus 1 for a positive."""

    codes: Integers
    num_bins: int

    def tally(self, weights: Floats | None = None) -> Floats:
        """Weighted counts, (bins, 2)."""
        return np.bincount(self.codes, weights, minlength=2 * self.num_bins).reshape(-1, 2).astype(float)


def rank(scores: npt.NDArray[np.floating], is_positive: npt.NDArray[np.bool_], max_bins: int | None = None) -> Ranking:
    """Orders examples by descending score; equal scores share a bin. Exact unless more than `max_bins` are needed."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ties = np.cumsum(np.r_[True, ordered[1:] != ordered[:-1]]) - 1  # (num_examples,)
    positives = np.bincount(ties, is_positive[order])  # (ties,)
    has_positive = positives > 0
    # Neighbours without a positive never part the positives from each other: together they count the same.
    bins = np.cumsum(np.r_[True, has_positive[1:] | has_positive[:-1]]) - 1  # (ties,)
    if max_bins is not None and bins[-1] >= max_bins:
        bins = np.ceil(np.cumsum(positives) * (max_bins - 1) / positives.sum()).astype(int)
    codes = np.empty(len(scores), dtype=np.int64)
    codes[order] = 2 * bins[ties] + is_positive[order]
    return Ranking(codes, int(bins[-1]) + 1)


def roc_auc(counts: Floats) -> Floats:
    """Share of pairs of a positive and a negative that are in the right order, ties counting half; (...)."""
    negatives, positives = counts[..., 0], counts[..., 1]
    num_negatives = negatives.sum(axis=-1)
    below = num_negatives[..., None] - np.cumsum(negatives, axis=-1) + negatives / 2
    return divide((positives * below).sum(axis=-1), positives.sum(axis=-1) * num_negatives)


def average_precision(counts: Floats) -> Floats:
    """Precision at each threshold, weighted by the recall it gains; (...)."""
    positives = counts[..., 1]
    precision = divide(np.cumsum(positives, axis=-1), np.cumsum(counts.sum(axis=-1), axis=-1))
    return divide(np.nansum(positives * precision, axis=-1), positives.sum(axis=-1))


def curves(counts: Floats) -> tuple[Floats, Floats, Floats]:
    """False positive rate, recall and precision at each threshold, each (thresholds + 1,)."""
    negatives, positives = np.vstack([np.zeros(2), np.cumsum(counts, axis=0)]).T
    precision = np.divide(
        positives, positives + negatives, out=np.ones_like(positives), where=positives + negatives > 0
    )
    return divide(negatives, negatives[-1]), divide(positives, positives[-1]), precision


def divide(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> Floats:
    """The quotient; not a number where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator != 0)


def equal_bins(values: npt.NDArray[Any]) -> Integers:
    """The bin of each value, (num_examples,), bins holding about as many examples each; equal values stay together."""
    edges = np.quantile(values, np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS)
    return np.searchsorted(edges, values, side="right")


def ranked_classes(num_classes: int) -> Sequence[int]:
    """The classes that are ranked against the rest: of two, one tells all."""
    return range(1, 2) if num_classes == 2 else range(num_classes)
