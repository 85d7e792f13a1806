"""How well probabilities rank examples, for any number of weightings of these at once, and averages over classes."""

import numpy as np
import numpy.typing as npt

from .resampling import Floats, divide


def mean_over_classes(values: Floats) -> Floats:
    """The mean of values (num_weightings, num_classes) without NaN; NaN where nothing is left."""
    is_defined = np.isfinite(values)
    return divide(np.where(is_defined, values, 0).sum(axis=1), is_defined.sum(axis=1))


def counts_by_threshold(
    is_positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating], weights: Floats
) -> tuple[Floats, Floats]:
    """Positives and negatives between thresholds by descending score, each (num_weightings, num_thresholds)."""
    order = np.argsort(-scores, kind="stable")
    ordered, positive = scores[order], is_positive[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # equal scores share a threshold
    has_positive = np.add.reduceat(positive, starts, dtype=int) > 0
    # Neighbouring thresholds without positives between them count the same together.
    starts = starts[np.r_[True, has_positive[1:] | has_positive[:-1]]]
    sorted_weights = weights[:, order]
    positives = np.add.reduceat(sorted_weights * positive, starts, axis=1)
    return positives, np.add.reduceat(sorted_weights, starts, axis=1) - positives


def area_under_roc(positives: Floats, negatives: Floats) -> Floats:
    """The share of pairs of a positive and a negative in the right order, ties counting half, (num_weightings,)."""
    num_negatives = negatives.sum(axis=1)
    below = num_negatives[:, None] - np.cumsum(negatives, axis=1) + negatives / 2
    return divide((positives * below).sum(axis=1), positives.sum(axis=1) * num_negatives)


def average_precision(positives: Floats, negatives: Floats) -> Floats:
    """The precision at each threshold, weighted by the recall that it adds, (num_weightings,)."""
    precision = divide(np.cumsum(positives, axis=1), np.cumsum(positives + negatives, axis=1))
    return divide(np.nansum(positives * precision, axis=1), positives.sum(axis=1))
