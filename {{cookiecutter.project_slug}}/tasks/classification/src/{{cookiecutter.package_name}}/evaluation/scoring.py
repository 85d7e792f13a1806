"""Classification: scores with intervals, the figures that explain them, and the baselines to beat.

Targets are class numbers, (num_examples,); predictions hold `probabilities`, (num_examples, num_classes). A class
that the examples lack is left out of the averages over classes, since nothing can be said about it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import baselines
from ..reporting.report import Block
from ..task import Target
from . import charts, ranking
from .bootstrap import Floats, Metric, resampled_weights, summarize

BASELINES = ("majority", "linear", "gradient_boosting")
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
MAX_BOOSTED_CLASSES = 50
MAX_TREES = 1_000  # of gradient boosting, which grows one per class and round
RESAMPLES_AT_ONCE = 50  # bounds the memory of the counts

Integers = npt.NDArray[np.integer]
Predictions = Mapping[str, npt.NDArray[Any]]


def score(targets: Integers, predictions: Predictions) -> dict[str, float]:
    """Every metric by name.

    ROC AUC and PR AUC (average precision) are of class 1 if there are two, else the mean over classes, each against
    the rest. The Brier score is the squared error of class 1 if there are two, else summed over classes (Brier 1950).
    The calibration error compares confidence with accuracy in 15 bins of equal size (Naeini et al. 2015).
    """
    ingredients = Ingredients.of(targets, predictions["probabilities"])
    return {name: float(values[0]) for name, values in ingredients.scores([np.ones(len(targets))]).items()}


def intervals(targets: Integers, predictions: Predictions, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Every metric's value with its bootstrap 95 % interval."""
    return summarize(score(targets, predictions), samples(targets, predictions, resamples, seed))


def samples(targets: Integers, predictions: Predictions, resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    ingredients = Ingredients.of(targets, predictions["probabilities"], ranking.MAX_BINS)
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


def figures(target: Target, targets: Integers, predictions: Predictions) -> list[Block]:
    """Tables and figures that show where the model is right, wrong and overconfident."""
    return charts.blocks([str(name) for name in target.classes], targets, predictions["probabilities"])


def baseline(
    train: tuple[baselines.Features, Integers], evaluation: baselines.Features, names: Collection[str] = BASELINES
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """What the simple models that are named, fitted to the training examples, predict for the others.

    majority always states the classes' shares, linear is a logistic regression on at most 50,000 examples, and
    gradient_boosting scikit-learn's with its default settings, but fewer rounds if there are more than 10 classes; it
    is left out if there are more than 50, where it takes longer than the network and learns little.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # here, since it takes a second and a half
    from sklearn.linear_model import LogisticRegression

    features, targets = train
    counts = np.bincount(targets)
    candidates = {"linear": baselines.linear(LogisticRegression(max_iter=200, tol=1e-3), features)}
    if len(counts) <= MAX_BOOSTED_CLASSES:
        boosting = HistGradientBoostingClassifier(
            early_stopping="auto" if counts[counts > 0].min() > 1 else False,  # a class must be on both of its sides
            max_iter=min(100, MAX_TREES // len(counts)),
            random_state=0,
        )
        candidates["gradient_boosting"] = baselines.boosting(boosting, features)
    models = {name: candidates[name] for name in candidates if name in names}
    probabilities = {"majority": np.tile(counts / len(targets), (evaluation.shape[0], 1))}
    for name, fitted in baselines.fit_and_predict(models, train, evaluation, "predict_proba").items():
        probabilities[name] = np.zeros((evaluation.shape[0], len(counts)))
        probabilities[name][:, models[name].classes_] = fitted  # a sample of the examples may lack a class
    return {name: {"probabilities": values} for name, values in probabilities.items()}


@dataclass(frozen=True)
class Ingredients:
    """What the metrics need of each example, so that a resample is only a matter of weights."""

    num_classes: int
    cells: Integers  # (num_examples,): of the confusion matrix
    terms: Floats  # (3, num_examples): correct or not, log loss, Brier score
    confidence_bins: Integers  # (num_examples,)
    gaps: Floats  # (num_examples,): confidence less correctness
    rankings: list[ranking.Ranking]

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
            ranking.equal_bins(confidences),
            confidences - is_correct,
            [
                ranking.rank(probabilities[:, each], targets == each, max_bins)
                for each in ranking.ranked_classes(num_classes)
            ],
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
            "balanced_accuracy": mean_of_defined(ranking.divide(hits, support), axis=1),
            "macro_f1": mean_of_defined(ranking.divide(2 * hits, support + predicted), axis=1),
            "roc_auc": mean_of_defined(np.stack([ranking.roc_auc(each) for each in counts])),
            "pr_auc": mean_of_defined(np.stack([ranking.average_precision(each) for each in counts])),
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
    return ranking.divide(np.where(is_defined, values, 0).sum(axis=axis), is_defined.sum(axis=axis))
