"""Regression: scores with intervals, the figures that explain them, and the baselines to beat.

Targets are numbers in their own units, (num_examples,); predictions hold `prediction` and, from the network, `low` and
`high`, the bounds of the prediction intervals, each (num_examples,).
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import baselines
from ..reporting import plots
from ..reporting.report import Block, Column, Figure, Row, Table
from ..task import Target
from .bootstrap import Floats, Metric, resampled_weights, summarize

BASELINES = ("mean", "linear", "gradient_boosting")
METRICS = {
    "rmse": Metric("RMSE", greater_is_better=False),
    "mae": Metric("MAE", greater_is_better=False),
    "r2": Metric("R2", greater_is_better=True),
    "mape": Metric("MAPE", greater_is_better=False),
    "coverage": Metric("Interval coverage", greater_is_better=True),
    "interval_width": Metric("Interval width", greater_is_better=False),
}
COVERAGE_BINS = 10

Numbers = npt.NDArray[np.floating]
Predictions = Mapping[str, npt.NDArray[Any]]


def score(targets: Numbers, predictions: Predictions) -> dict[str, float]:
    """Every metric that is defined, by name.

    MAPE is a fraction of the target and left out if one is 0. Coverage is the share of targets inside their interval
    and interval_width the mean width; both are left out for predictions without intervals.
    """
    means = terms(targets, predictions)
    return {name: float(values) for name, values in metrics({key: each.mean() for key, each in means.items()}).items()}


def intervals(targets: Numbers, predictions: Predictions, resamples: int, seed: int) -> dict[str, dict[str, float]]:
    """Every metric's value with its bootstrap 95 % interval."""
    return summarize(score(targets, predictions), samples(targets, predictions, resamples, seed))


def samples(targets: Numbers, predictions: Predictions, resamples: int, seed: int) -> dict[str, Floats]:
    """Every metric of each bootstrap resample, (resamples,); with the same seed, resamples of two models are paired."""
    per_example = terms(targets, predictions)
    matrix = np.stack(list(per_example.values()))  # (num_terms, num_examples)
    weights = resampled_weights(len(targets), resamples, seed)
    means = np.array([matrix @ each for each in weights]) / len(targets)  # (resamples, num_terms)
    return metrics(dict(zip(per_example, means.T, strict=True)))


def errors(targets: Numbers, predictions: Predictions) -> Floats:
    """What ranks the worst predictions: the absolute error of each example, (num_examples,)."""
    return np.abs(residuals(targets, predictions))


def baseline(
    train: tuple[baselines.Features, Numbers], evaluation: baselines.Features, names: Collection[str] = BASELINES
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """What the simple models that are named, fitted to the training examples, predict for the others.

    mean always predicts the mean, linear is a ridge regression on at most 50,000 examples, and gradient_boosting
    scikit-learn's with its default settings.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # here, since it takes a second and a half
    from sklearn.linear_model import Ridge

    features, targets = train
    boosting = baselines.boosting(HistGradientBoostingRegressor(random_state=0), features)
    candidates = {"linear": baselines.linear(Ridge(), features), "gradient_boosting": boosting}
    models = {name: candidates[name] for name in candidates if name in names}
    predictions = {"mean": np.full(evaluation.shape[0], np.mean(targets))}
    predictions |= baselines.fit_and_predict(models, train, evaluation, "predict")
    return {name: {"prediction": values} for name, values in predictions.items()}


def residuals(targets: Numbers, predictions: Predictions) -> Floats:
    """How far the true value lies above the predicted one, (num_examples,)."""
    return np.asarray(targets, float) - np.asarray(predictions["prediction"], float)


def is_covered(targets: Numbers, predictions: Predictions) -> npt.NDArray[np.bool_]:
    """Whether each target lies inside its interval, (num_examples,)."""
    return (targets >= predictions["low"]) & (targets <= predictions["high"])


def terms(targets: Numbers, predictions: Predictions) -> dict[str, Floats]:
    """The quantities of each example whose means give the metrics, each (num_examples,)."""
    error = residuals(targets, predictions)
    centered = np.asarray(targets, float) - np.mean(targets, dtype=float)  # squares of large numbers lose digits
    result = {"squared": error**2, "absolute": np.abs(error), "centered": centered, "centered_squared": centered**2}
    if np.all(targets != 0):
        result["relative"] = np.abs(error / targets)
    if "low" in predictions:
        result["covered"] = is_covered(targets, predictions).astype(float)
        result["width"] = np.asarray(predictions["high"], float) - np.asarray(predictions["low"], float)
    return result


def metrics(means: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics from the means of the terms, which may be one number or one for each resample."""
    variance = np.asarray(means["centered_squared"] - means["centered"] ** 2)
    unexplained = np.divide(means["squared"], variance, out=np.full(variance.shape, np.nan), where=variance > 0)
    result = {"rmse": np.sqrt(means["squared"]), "mae": means["absolute"], "r2": 1 - unexplained}
    names = {"relative": "mape", "covered": "coverage", "width": "interval_width"}
    return result | {name: means[term] for term, name in names.items() if term in means}


def figures(target: Target, targets: Numbers, predictions: Predictions) -> list[Block]:
    """Figures of the errors, and how well the intervals hold for small and large predictions."""
    del target  # the predictions are in the target's units already
    predicted, error = predictions["prediction"], residuals(targets, predictions)
    thinned = f"{plots.MAX_POINTS:,} of {len(targets):,} examples." if len(targets) > plots.MAX_POINTS else ""
    blocks: list[Block] = [
        Figure(
            "Predicted and true values",
            plots.scatter(predicted, targets, "predicted", "true", diagonal=True),
            f"True against predicted values, with a correlation of {correlation(predicted, targets):.3f}.",
            f"{thinned} On the dashed line, prediction and truth agree.".strip(),
        ),
        Figure(
            "Residuals",
            plots.scatter(predicted, error, "predicted", "true minus predicted", level=True),
            "The error against the predicted value: a trend or a funnel shows what the model has not learned.",
            thinned,
        ),
        Figure(
            "Distribution of the residuals",
            plots.histogram(error, "true minus predicted", level=True),
            f"The errors have a median of {np.median(error):.4g}; half of them lie between "
            f"{np.quantile(error, 0.25):.4g} and {np.quantile(error, 0.75):.4g}.",
        ),
    ]
    return blocks + (coverage_blocks(targets, predictions) if "low" in predictions else [])


def correlation(one: Numbers, other: Numbers) -> float:
    """Pearson's correlation; not a number if one of them is constant."""
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) and np.ptp(other) else float("nan")


def coverage_blocks(targets: Numbers, predictions: Predictions) -> list[Block]:
    """How many targets the intervals hold, by the size of the prediction."""
    predicted, covered = predictions["prediction"], is_covered(targets, predictions)
    width, error = predictions["high"] - predictions["low"], residuals(targets, predictions)
    bins = np.searchsorted(np.quantile(predicted, np.arange(1, COVERAGE_BINS) / COVERAGE_BINS), predicted, side="right")
    groups = [bins == number for number in np.unique(bins)]
    sizes = [f"{predicted[group].min():.4g} to {predicted[group].max():.4g}" for group in groups]
    rows: list[Row] = [
        [
            size,
            int(group.sum()),
            float(covered[group].mean()),
            float(width[group].mean()),
            float(np.sqrt(np.mean(error[group] ** 2))),
            float(error[group].mean()),
        ]
        for size, group in zip(sizes, groups, strict=True)
    ]
    columns: list[str | Column] = [
        "Predicted",
        "Examples",
        Column("Coverage", ".1%", "share of targets inside their interval"),
        Column("Mean width", hint="of the intervals"),
        "RMSE",
        Column("Bias", hint="mean of true minus predicted"),
    ]
    shares = [float(covered[group].mean()) for group in groups]
    figure = Figure(
        "Coverage of the intervals",
        plots.bars(sizes, shares, "share of targets inside their interval"),
        f"Coverage by the size of the prediction, from {min(shares):.1%} to {max(shares):.1%}; "
        f"{covered.mean():.1%} overall.",
        f"Overall, {covered.mean():.1%} of the targets lie inside their interval.",
    )
    return [figure, Table("Errors and intervals by the size of the prediction", columns, rows)]
