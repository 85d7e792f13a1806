"""Classification: what is measured of predictions.

Targets are class numbers, (num_examples,); predictions hold `probabilities`, (num_examples, num_classes). Weights are
(num_weightings, num_examples), and a metric is (num_weightings,). A class that the examples lack is left out of the
averages over classes.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .data import probability, resampling
from .data.resampling import Context, Floats, Metric, divide, mean

CALIBRATION_BINS = 15
AT_POINT = re.compile(r"(sensitivity|specificity)@(sensitivity|specificity)=(0?\.\d+|1|1\.0*)")
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)  # a float32 near 1 knows no finer difference

Integers = npt.NDArray[np.integer]
Predictions = Mapping[str, npt.NDArray[Any]]
Pair = tuple[Mapping[str, Any], Any]  # the logged outputs of a row and its label


def accuracy(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The share of correct predictions."""
    return mean(predicted_classes(predictions) == targets, weights)


def balanced_accuracy(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean recall of the classes."""
    correct, support = class_counts(targets, predictions, weights)[:2]
    return probability.mean_over_classes(divide(correct, support))


def macro_f1(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean F1 of the classes."""
    correct, support, predicted = class_counts(targets, predictions, weights)
    return probability.mean_over_classes(divide(2 * correct, support + predicted))


def roc_auc(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The area under the ROC curve of class 1 if there are two, else the mean over classes, each against the rest."""
    return mean_over_ranked_classes(probability.area_under_roc, targets, predictions, weights)


def pr_auc(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The average precision of class 1 if there are two, else the mean over classes, each against the rest."""
    return mean_over_ranked_classes(probability.average_precision, targets, predictions, weights)


def mcc(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The Matthews correlation coefficient, of any number of classes (Gorodkin 2004)."""
    correct, support, predicted = class_counts(targets, predictions, weights)
    total = weights.sum(axis=1)
    covariance = correct.sum(axis=1) * total - (support * predicted).sum(axis=1)
    spreads = [total**2 - (each**2).sum(axis=1) for each in (support, predicted)]
    return divide(covariance, np.sqrt(np.maximum(spreads[0] * spreads[1], 0)))


def sensitivity(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """Of two classes, the share of true examples of the positive one that are found: its recall."""
    correct, support = class_counts(targets, predictions, weights)[:2]
    return divide(correct[:, 1], support[:, 1]) if support.shape[1] == 2 else None


def specificity(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """Of two classes, the share of true examples of the negative one that are found."""
    correct, support = class_counts(targets, predictions, weights)[:2]
    return divide(correct[:, 0], support[:, 0]) if support.shape[1] == 2 else None


def ppv(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The positive predictive value: the share of predictions of the positive one of two classes that are right."""
    correct, predicted = class_counts(targets, predictions, weights)[::2]
    return divide(correct[:, 1], predicted[:, 1]) if predicted.shape[1] == 2 else None


def npv(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The negative predictive value: the share of predictions of the negative one of two classes that are right."""
    correct, predicted = class_counts(targets, predictions, weights)[::2]
    return divide(correct[:, 0], predicted[:, 0]) if predicted.shape[1] == 2 else None


def f_beta(targets: Integers, predictions: Predictions, weights: Floats, context: Context) -> Floats | None:
    """Of two classes, the F score of the positive one, in which recall counts `beta` times as much as precision."""
    correct, support, predicted = class_counts(targets, predictions, weights)
    if support.shape[1] != 2:
        return None
    square = context.config.beta**2
    return divide((1 + square) * correct[:, 1], square * support[:, 1] + predicted[:, 1])


def top_k_accuracy(targets: Integers, predictions: Predictions, weights: Floats, context: Context) -> Floats | None:
    """The share of examples whose class is among the `top_k` most probable ones; only of more classes than these."""
    probabilities = predictions["probabilities"]
    if probabilities.shape[1] <= context.config.top_k:
        return None
    own = probabilities[np.arange(len(targets)), targets]
    return mean((probabilities > own[:, None]).sum(axis=1) < context.config.top_k, weights)


def log_loss(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The mean negative log-probability of the true class."""
    return mean(errors(targets, predictions), weights)


def brier(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The squared error of the probability of class 1 if there are two, else summed over classes (Brier 1950)."""
    probabilities = predictions["probabilities"]
    squares = ((probabilities - np.eye(probabilities.shape[1])[targets]) ** 2).sum(axis=1)
    return mean(squares / 2 if probabilities.shape[1] == 2 else squares, weights)


def expected_cost(targets: Integers, predictions: Predictions, weights: Floats, context: Context) -> Floats | None:
    """The mean cost of an example, by the setting `costs`; not defined without."""
    if not context.config.costs:
        return None
    from .data import decisions  # here, since most projects do without

    decision = decisions.describe(context.config.costs, "", context.parts["probabilities"])
    return mean(decision.cost_of(targets, predicted_classes(predictions)), weights)


def refer_rate(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The share of examples that are referred, since several classes are possible; not defined without `refer`."""
    if "is_possible" not in predictions:
        return None
    del targets
    return mean(predictions["is_possible"].sum(axis=1) > 1, weights)


def risk(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The share of wrong answers among the examples that are not referred; not defined without `refer`."""
    if "is_possible" not in predictions:
        return None
    is_answered = predictions["is_possible"].sum(axis=1) == 1
    return mean(predicted_classes(predictions) != targets, weights * is_answered)


def coverage(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
    """The share of examples whose class is among the possible ones; not defined without `refer`."""
    if "is_possible" not in predictions:
        return None
    return mean(predictions["is_possible"][np.arange(len(targets)), targets], weights)


def rank_error(targets: Integers, predictions: Predictions, weights: Floats, context: Context) -> Floats | None:
    """The mean number of ranks between the answered and the true class; only of classes that have an order."""
    if not context.config.order:
        return None
    return mean(np.abs(predicted_classes(predictions) - targets), weights)


def quadratic_kappa(targets: Integers, predictions: Predictions, weights: Floats, context: Context) -> Floats | None:
    """Cohen's kappa with quadratic weights (Cohen 1968): the squared error in ranks against that of chance, from 1."""
    if not context.config.order:
        return None
    predicted = predicted_classes(predictions)
    error = mean((predicted - targets) ** 2, weights)
    product = mean(targets, weights) * mean(predicted, weights)
    return 1 - divide(error, mean(targets**2, weights) + mean(predicted**2, weights) - 2 * product)


def calibration_error(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats:
    """The expected calibration error: confidence against accuracy in 15 bins of equal size (Naeini et al. 2015).

    Bins hold equal numbers of examples, whatever these weigh.
    """
    confidences = predictions["probabilities"].max(axis=1)
    edges = np.quantile(confidences, np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS)
    bins = np.searchsorted(edges, confidences, side="right")  # equal values stay together
    gaps = confidences - (predictions["probabilities"].argmax(axis=1) == targets)
    return divide(np.abs(sums_by(bins, weights * gaps, CALIBRATION_BINS)).sum(axis=1), weights.sum(axis=1))


def at_point(name: str) -> Metric | None:
    """The metric `sensitivity@specificity=0.9`, or the reverse: of two classes, the best that any threshold reaches."""
    if not (named := AT_POINT.fullmatch(name)):
        return None
    wanted, given, least = named[1], named[2], float(named[3])

    def measure(targets: Integers, predictions: Predictions, weights: Floats, _: Context) -> Floats | None:
        if predictions["probabilities"].shape[1] != 2:
            return None
        counts = probability.counts_by_threshold(targets == 1, predictions["probabilities"][:, 1], weights)
        return probability.best_at(*counts, wanted, least)

    label = f"{wanted.capitalize()} at {given} {least:g}"
    return Metric(label, greater_is_better=True, function=measure, range=(0, 1)) if wanted != given else None


def of_class(
    targets: Integers, predictions: Predictions, weights: Floats, place: int
) -> tuple[Integers, dict[str, npt.NDArray[Any]], Floats]:
    """Targets and predictions of one class against all others, as of two classes, and the weights."""
    own, is_answered = predictions["probabilities"][:, place], predicted_classes(predictions) == place
    both = {
        "probabilities": np.stack([1 - own, own], axis=1),
        "weighted": np.stack([~is_answered, is_answered], axis=1),
    }
    return (targets == place).astype("int32"), both, weights


METRICS = {
    "accuracy": Metric("Accuracy", greater_is_better=True, function=accuracy, range=(0, 1)),
    "balanced_accuracy": Metric("Balanced accuracy", greater_is_better=True, function=balanced_accuracy, range=(0, 1)),
    "macro_f1": Metric("Macro F1", greater_is_better=True, function=macro_f1, range=(0, 1)),
    "roc_auc": Metric("ROC AUC", greater_is_better=True, function=roc_auc, range=(0, 1)),
    "pr_auc": Metric("PR AUC", greater_is_better=True, function=pr_auc, range=(0, 1)),
    "sensitivity": Metric("Sensitivity", greater_is_better=True, function=sensitivity, range=(0, 1)),
    "specificity": Metric("Specificity", greater_is_better=True, function=specificity, range=(0, 1)),
    "ppv": Metric("Positive predictive value", greater_is_better=True, function=ppv, range=(0, 1)),
    "npv": Metric("Negative predictive value", greater_is_better=True, function=npv, range=(0, 1)),
    "f_beta": Metric("F-beta", greater_is_better=True, function=f_beta, range=(0, 1)),
    "mcc": Metric("Matthews correlation", greater_is_better=True, function=mcc, range=(-1, 1)),
    "top_k_accuracy": Metric("Top-k accuracy", greater_is_better=True, function=top_k_accuracy, range=(0, 1)),
    "log_loss": Metric("Log loss", greater_is_better=False, function=log_loss, range=(0, math.inf)),
    "brier": Metric("Brier score", greater_is_better=False, function=brier, range=(0, 2)),
    "ece": Metric("Calibration error", greater_is_better=False, function=calibration_error, range=(0, 1)),
    "quadratic_kappa": Metric("Quadratic kappa", greater_is_better=True, function=quadratic_kappa, range=(-1, 1)),
    "rank_error": Metric("Rank error", greater_is_better=False, function=rank_error, range=(0, math.inf)),
    "expected_cost": Metric("Expected cost", greater_is_better=False, function=expected_cost, range=(0, math.inf)),
    "refer_rate": Metric("Share referred", greater_is_better=False, function=refer_rate, range=(0, 1)),
    "risk": Metric("Error among the answered", greater_is_better=False, function=risk, range=(0, 1)),
    "coverage": Metric("Coverage of possible classes", greater_is_better=True, function=coverage, range=(0, 1)),
}
OF_CLASS = {
    "recall": METRICS["sensitivity"]._replace(label="Recall"),
    "precision": METRICS["ppv"]._replace(label="Precision"),
    **{name: METRICS[name] for name in ("specificity", "roc_auc", "pr_auc", "log_loss")},
}
# `lung:recall` is that of the class lung
METRICS = resampling.Registry(METRICS, OF_CLASS, of_class, at_point, "sensitivity@specificity=0.9")


def score(
    targets: Integers,
    predictions: Predictions,
    context: Context,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Every metric by name; `weights` are sample weights, (num_examples,)."""
    chosen = resampling.with_named(metrics, context) if metrics is METRICS else metrics
    return resampling.score(chosen, targets, predictions, context, weights)


def samples(
    targets: Integers,
    predictions: Predictions,
    context: Context,
    resamples: int,
    metrics: Mapping[str, Metric] = METRICS,
    weights: Floats | None = None,
) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    chosen = resampling.with_named(metrics, context) if metrics is METRICS else metrics
    drawn = resampling.samples(chosen, targets, predictions, context, resamples, weights=weights)
    if "ece" in drawn:
        # Resampling adds noise to every bin, which can only raise the calibration error: take that out again.
        value = score(targets, predictions, context, {"ece": METRICS["ece"]}, weights)["ece"]
        drawn["ece"] = np.maximum(drawn["ece"] - drawn["ece"].mean() + value, 0)
    return drawn


def errors(targets: Integers, predictions: Predictions) -> Floats:
    """What the largest errors are ranked by: the log loss of each example, (num_examples,)."""
    true_probabilities = predictions["probabilities"][np.arange(len(targets)), targets].astype(float)
    return -np.log(np.clip(true_probabilities, SMALLEST_PROBABILITY, 1))


def predicted_classes(predictions: Predictions) -> Integers:
    """The class that is answered for each example, or would be if it were not referred, (num_examples,)."""
    return predictions.get("weighted", predictions["probabilities"]).argmax(axis=1)


def class_counts(targets: Integers, predictions: Predictions, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """How many examples of each class are correct, true and predicted, each (num_weightings, num_classes)."""
    num_classes, predicted = predictions["probabilities"].shape[1], predicted_classes(predictions)
    correct = sums_by(targets, weights * (predicted == targets), num_classes)
    return correct, sums_by(targets, weights, num_classes), sums_by(predicted, weights, num_classes)


def sums_by(groups: Integers, values: Floats, num_groups: int) -> Floats:
    """The sums of the values (num_weightings, num_examples) in each group, (num_weightings, num_groups)."""
    return np.stack([np.bincount(groups, each, num_groups) for each in values])


def mean_over_ranked_classes(
    area: Callable[[Floats, Floats], Floats], targets: Integers, predictions: Predictions, weights: Floats
) -> Floats:
    """The mean of an area over the classes, each against the rest; of two classes, that of class 1."""
    probabilities = predictions["probabilities"]
    classes = range(1, 2) if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [
        area(*probability.counts_by_threshold(targets == each, probabilities[:, each], weights)) for each in classes
    ]
    return probability.mean_over_classes(np.stack(areas, axis=1))


def as_scored(described: Mapping[str, Any], pairs: Sequence[Pair]) -> tuple[np.ndarray, dict[str, np.ndarray], int]:
    """Class numbers (num_examples,), probabilities (num_examples, num_classes), and how many pairs cannot be used.

    `described` is the content of model.json; what decides labels beside the probabilities is added as `aligned` does.
    A label can be used if it is the name of a class, a prediction if it holds a probability for each class.
    """
    codes = {name: number for number, name in enumerate(described["parts"]["probabilities"])}
    targets, probabilities = [], []
    for outputs, label in pairs:
        name = str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
        predicted = outputs.get("probabilities")
        if name in codes and is_distribution(predicted, len(codes)):
            targets.append(codes[name])
            probabilities.append(predicted)
    shape = (len(targets), len(codes))
    predictions = {"probabilities": np.array(probabilities, "float64").reshape(shape)}
    weighted = predictions["probabilities"]
    if "decision" in described:
        from .data.decisions import Decision  # here, since most projects do without

        predictions["weighted"] = weighted = Decision.of(described["decision"]).weigh(weighted)
    if "referral" in described:
        from .data import referral

        predictions["is_possible"] = referral.possible(weighted, described["referral"]["doubt"])
    return np.array(targets, "int32"), predictions, len(pairs) - len(targets)


def is_distribution(values: Any, num_classes: int) -> bool:
    """Whether a logged value is a list with a probability for each class."""
    return (
        isinstance(values, list)
        and len(values) == num_classes
        and all(isinstance(value, int | float) and 0 <= value <= 1 for value in values)
    )
