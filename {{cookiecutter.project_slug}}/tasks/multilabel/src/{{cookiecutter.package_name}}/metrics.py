"""Several labels at once: what is measured of predictions.

Targets say which labels each example has, (num_examples, num_labels) bool; predictions hold `probabilities` and the
`thresholds` from which labels are answered, both (num_examples, num_labels). Weights are (num_weightings,
num_examples), and a metric is (num_weightings,). A label that the examples lack is left out of averages over labels.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import label_sets, probability, resampling
from .data.resampling import Context, Floats, Metric, divide, mean

SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)  # a float32 near 1 knows no finer difference
DEFAULT_THRESHOLD = 0.5  # of predictions for which none was chosen

Booleans = npt.NDArray[np.bool_]
Predictions = Mapping[str, npt.NDArray[Any]]
Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its labels


def mean_average_precision(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean over labels of the average precision: how well examples are ranked, whatever the thresholds."""
    return mean_of_areas(probability.average_precision, targets, predictions, weights)


def roc_auc(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean over labels of the area under the ROC curve."""
    return mean_of_areas(probability.area_under_roc, targets, predictions, weights)


def micro_f1(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The F1 of all pairs of an example and a label together."""
    found, true, answered = (each.sum(axis=1) for each in label_counts(targets, predictions, weights))
    return divide(2 * found, true + answered)


def macro_f1(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean F1 of the labels."""
    found, true, answered = label_counts(targets, predictions, weights)
    return probability.mean_over_classes(divide(2 * found, true + answered))


def subset_accuracy(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The share of examples all labels of which are right."""
    return mean((answers(predictions) == targets).all(axis=1), weights)


def hamming_loss(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The share of pairs of an example and a label that are wrong."""
    return mean((answers(predictions) != targets).mean(axis=1), weights)


def log_loss(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean negative log-probability of what is true of each label."""
    return mean(errors(targets, predictions), weights)


def recall(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The share of true labels that are answered."""
    found, true, _ = (each.sum(axis=1) for each in label_counts(targets, predictions, weights))
    return divide(found, true)


def precision(targets: Booleans, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The share of answered labels that are true."""
    found, _, answered = (each.sum(axis=1) for each in label_counts(targets, predictions, weights))
    return divide(found, answered)


def of_label(
    targets: Booleans, predictions: Predictions, weights: Floats, place: int
) -> tuple[Booleans, dict[str, npt.NDArray[Any]], Floats]:
    """Targets and predictions of one label, each (num_examples, 1), and the weights."""
    outputs = {name: predictions[name][:, [place]] for name in ("probabilities", "thresholds") if name in predictions}
    return targets[:, [place]], outputs, weights


METRICS = {
    "map": Metric("Mean average precision", greater_is_better=True, function=mean_average_precision, range=(0, 1)),
    "micro_f1": Metric("Micro F1", greater_is_better=True, function=micro_f1, range=(0, 1)),
    "macro_f1": Metric("Macro F1", greater_is_better=True, function=macro_f1, range=(0, 1)),
    "subset_accuracy": Metric("Subset accuracy", greater_is_better=True, function=subset_accuracy, range=(0, 1)),
    "hamming_loss": Metric("Hamming loss", greater_is_better=False, function=hamming_loss, range=(0, 1)),
    "roc_auc": Metric("ROC AUC", greater_is_better=True, function=roc_auc, range=(0, 1)),
    "log_loss": Metric("Log loss", greater_is_better=False, function=log_loss, range=(0, math.inf)),
}
OF_LABEL = {
    "recall": Metric("Recall", greater_is_better=True, function=recall, range=(0, 1)),
    "precision": Metric("Precision", greater_is_better=True, function=precision, range=(0, 1)),
    "f1": Metric("F1", greater_is_better=True, function=micro_f1, range=(0, 1)),
    "average_precision": METRICS["map"]._replace(label="Average precision"),
    "roc_auc": METRICS["roc_auc"],
    "log_loss": METRICS["log_loss"],
}
METRICS = resampling.Registry(METRICS, OF_LABEL, of_label)  # `snow:recall` is that of the label snow


def score(
    targets: Booleans,
    predictions: Predictions,
    context: Context,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Every metric by name; `weights` are sample weights, (num_examples,)."""
    chosen = resampling.with_named(metrics, context) if metrics is METRICS else metrics
    return resampling.score(chosen, targets, predictions, context, weights)


def samples(
    targets: Booleans,
    predictions: Predictions,
    context: Context,
    resamples: int,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    chosen = resampling.with_named(metrics, context) if metrics is METRICS else metrics
    return resampling.samples(chosen, targets, predictions, context, resamples, weights=weights)


def errors(targets: Booleans, predictions: Predictions) -> Floats:
    """What the largest errors are ranked by: the log loss of each example, the mean over labels, (num_examples,)."""
    probabilities = predictions["probabilities"].astype(float)
    return -np.log(np.clip(np.where(targets, probabilities, 1 - probabilities), SMALLEST_PROBABILITY, 1)).mean(axis=1)


def answers(predictions: Predictions) -> Booleans:
    """Which labels are answered for each example, (num_examples, num_labels)."""
    answered: Booleans = predictions["probabilities"] >= predictions.get("thresholds", DEFAULT_THRESHOLD)
    return answered


def label_counts(targets: Booleans, predictions: Predictions, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """In how many examples each label is rightly answered, true and answered, each (num_weightings, num_labels)."""
    answered = answers(predictions)
    return weights @ (targets & answered), weights @ targets, weights @ answered


def mean_of_areas(
    area: Callable[[Floats, Floats], Floats], targets: Booleans, predictions: Predictions, weights: Floats
) -> Floats:
    """The mean of an area over the labels."""
    columns = zip(targets.T, predictions["probabilities"].T, strict=True)
    areas = [area(*probability.counts_by_threshold(is_true, scores, weights)) for is_true, scores in columns]
    return probability.mean_over_classes(np.stack(areas, axis=1))


def as_scored(described: Mapping[str, Any], pairs: Sequence[Pair]) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """Which labels are true, probabilities and thresholds, each (num_examples, num_labels), and how many are unusable.

    `described` is the content of model.json. A label is usable if it is a set of labels, of which those that the model
    does not know are ignored; a prediction if it holds a probability for each label.
    """
    labels = described["parts"]["labels"]
    targets, probabilities = [], []
    for outputs, label in pairs:
        try:
            names = label_sets.parse(label)
        except ValueError:
            continue
        predicted = outputs.get("probabilities")
        if is_prediction(predicted, len(labels)):
            targets.append([name in names for name in labels])
            probabilities.append(predicted)
    shape = (len(targets), len(labels))
    thresholds = [described["thresholds"][name] for name in labels]
    predictions = {
        "probabilities": np.array(probabilities, "float64").reshape(shape),
        "thresholds": np.broadcast_to(np.array(thresholds, "float32"), shape),
    }
    return np.array(targets, bool).reshape(shape), predictions, len(pairs) - len(targets)


def is_prediction(values: Any, num_labels: int) -> bool:
    """Whether a logged value is a list with a probability for each label."""
    return (
        isinstance(values, list)
        and len(values) == num_labels
        and all(isinstance(value, int | float) and 0 <= value <= 1 for value in values)
    )
