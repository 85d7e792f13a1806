"""Classification: what is measured of predictions.

Targets are class numbers, (num_examples,); predictions hold `probabilities`, (num_examples, num_classes). A class
that the examples lack is left out of the averages over classes, since nothing can be said about it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .data.resampling import Floats, Metric, resampled_weights

METRICS = {
    "accuracy": Metric("Accuracy", greater_is_better=True),
    "balanced_accuracy": Metric("Balanced accuracy", greater_is_better=True),
    "macro_f1": Metric("Macro F1", greater_is_better=True),
    "roc_auc": Metric("ROC AUC", greater_is_better=True),
    "pr_auc": Metric("PR AUC", greater_is_better=True),
    "log_loss": Metric("Log loss", greater_is_better=False),
    "brier": Metric("Brier score", greater_is_better=False),
    "ece": Metric("Calibration error", greater_is_better=False),
}
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)  # a float32 near 1 knows no finer difference
RESAMPLES_AT_ONCE = 50  # bounds the memory of the counts

Integers = npt.NDArray[np.integer]
Predictions = Mapping[str, npt.NDArray[Any]]

CALIBRATION_BINS = 15
MAX_BINS = 2_000  # bound of the bins of a resample: moves an area by less than 0.0005
Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its outcome


def score(targets: Integers, predictions: Predictions) -> dict[str, float]:
    """Every metric by name.

    ROC AUC and PR AUC (average precision) are of class 1 if there are two, else the mean over classes, each against
    the rest. The Brier score is the squared error of class 1 if there are two, else summed over classes (Brier 1950).
    The calibration error compares confidence with accuracy in 15 bins of equal size (Naeini et al. 2015).
    """
    ingredients = Ingredients.of(targets, predictions["probabilities"])
    return {name: float(values[0]) for name, values in ingredients.scores([np.ones(len(targets))]).items()}


def samples(targets: Integers, predictions: Predictions, resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    ingredients = Ingredients.of(targets, predictions["probabilities"], MAX_BINS)
    weights = resampled_weights(len(targets), resamples, seed)
    chunks = []
    while chunk := list(islice(weights, RESAMPLES_AT_ONCE)):
        chunks.append(ingredients.scores(chunk))
    drawn = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    # Resampling adds noise to every bin, which can only raise the calibration error: take that out again.
    drawn["ece"] = np.maximum(drawn["ece"] - drawn["ece"].mean() + score(targets, predictions)["ece"], 0)
    return drawn


def errors(targets: Integers, predictions: Predictions) -> Floats:
    """What ranks the worst predictions: the log loss of each example, (num_examples,)."""
    return -np.log(true_probabilities(targets, predictions["probabilities"]))


class Ranking(NamedTuple):
    """Where each example stands: `codes` (num_examples,) are 2 * bin, plus 1 for a positive."""

    codes: Integers
    num_bins: int

    def tally(self, weights: Floats | None = None) -> Floats:
        """Weighted counts, (bins, 2)."""
        return np.bincount(self.codes, weights, minlength=2 * self.num_bins).reshape(-1, 2).astype(float)


@dataclass(frozen=True)
class Ingredients:
    """What the metrics need of each example, so that a resample is only a matter of weights."""

    num_classes: int
    cells: Integers  # (num_examples,): of the confusion matrix
    terms: Floats  # (3, num_examples): correct or not, log loss, Brier score
    confidence_bins: Integers  # (num_examples,)
    gaps: Floats  # (num_examples,): confidence less correctness
    rankings: list[Ranking]

    @classmethod
    def of(cls, targets: Integers, probabilities: npt.NDArray[Any], max_bins: int | None = None) -> "Ingredients":
        """Takes class numbers (num_examples,) and probabilities (num_examples, num_classes)."""
        num_classes = probabilities.shape[1]
        predicted = probabilities.argmax(axis=1)
        is_correct = predicted == targets
        squares = ((probabilities - np.eye(num_classes)[targets]) ** 2).sum(axis=1)
        brier = squares / 2 if num_classes == 2 else squares
        confidences = probabilities.max(axis=1)
        return cls(
            num_classes,
            targets * num_classes + predicted,
            np.stack([is_correct, -np.log(true_probabilities(targets, probabilities)), brier]),
            equal_bins(confidences),
            confidences - is_correct,
            [rank(probabilities[:, each], targets == each, max_bins) for each in ranked_classes(num_classes)],
        )

    def scores(self, weights: Sequence[Floats]) -> dict[str, Floats]:
        """Every metric for each of several weightings of the examples, (num_weightings,)."""
        means = np.array([self.terms @ each / each.sum() for each in weights])
        confusion = self.confusion(weights)
        hits, support, predicted = confusion.diagonal(axis1=1, axis2=2), confusion.sum(axis=2), confusion.sum(axis=1)
        gaps = [np.abs(np.bincount(self.confidence_bins, each * self.gaps)).sum() / each.sum() for each in weights]
        counts = [np.stack([each.tally(weight) for weight in weights]) for each in self.rankings]
        return {
            "accuracy": means[:, 0],
            "balanced_accuracy": mean_of_defined(divide(hits, support), axis=1),
            "macro_f1": mean_of_defined(divide(2 * hits, support + predicted), axis=1),
            "roc_auc": mean_of_defined(np.stack([roc_auc(each) for each in counts])),
            "pr_auc": mean_of_defined(np.stack([average_precision(each) for each in counts])),
            "log_loss": means[:, 1],
            "brier": means[:, 2],
            "ece": np.array(gaps),
        }

    def confusion(self, weights: Iterable[Floats]) -> Floats:
        """The confusion matrix for each weighting, (num_weightings, true classes, predicted classes)."""
        size = self.num_classes
        return np.stack([np.bincount(self.cells, each, size * size).reshape(size, size) for each in weights])


def true_probabilities(targets: Integers, probabilities: npt.NDArray[Any]) -> Floats:
    """The probability given to the true class, (num_examples,), kept away from 0 so that its logarithm exists."""
    return np.clip(probabilities[np.arange(len(targets)), targets].astype(float), SMALLEST_PROBABILITY, 1)


def mean_of_defined(values: Floats, axis: int = 0) -> Floats:
    """The mean without what is not a number; not a number where nothing is left."""
    is_defined = np.isfinite(values)
    return divide(np.where(is_defined, values, 0).sum(axis=axis), is_defined.sum(axis=axis))


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


def as_scored(
    parts: Mapping[str, Sequence[str]], pairs: Sequence[Pair]
) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """Class numbers (num_examples,), probabilities (num_examples, num_classes), and how many pairs cannot be used.

    An outcome can be used if it is the name of a class, a prediction if it holds a probability for each class.
    """
    codes = {name: number for number, name in enumerate(parts["probabilities"])}
    targets, probabilities = [], []
    for outputs, outcome in pairs:
        name = str(int(outcome)) if isinstance(outcome, float) and outcome.is_integer() else str(outcome)
        predicted = outputs.get("probabilities")
        if name in codes and is_distribution(predicted, len(codes)):
            targets.append(codes[name])
            probabilities.append(predicted)
    shape = (len(targets), len(codes))
    predictions = {"probabilities": np.array(probabilities, "float64").reshape(shape)}
    return np.array(targets, "int32"), predictions, len(pairs) - len(targets)


def is_distribution(values: Any, num_classes: int) -> bool:
    """Whether a logged value is a list with a probability for each class."""
    return (
        isinstance(values, list)
        and len(values) == num_classes
        and all(isinstance(value, int | float) and 0 <= value <= 1 for value in values)
    )
