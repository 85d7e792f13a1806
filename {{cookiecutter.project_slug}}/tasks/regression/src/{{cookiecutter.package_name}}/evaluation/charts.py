"""Figures and tables of a regression: predicted and true values, residuals, and coverage of the intervals."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .. import metrics
from ..metrics import Numbers, Predictions
from ..reporting import plots
from ..reporting.report import Block, Column, Figure, Row, Table
from ..task import Target

COVERAGE_BINS = 10


def figures(target: Target, targets: Numbers, predictions: Predictions) -> list[Block]:
    """Predicted and true values, residuals, and the coverage of the intervals by the size of the prediction."""
    if target.names:
        return [
            replace(block, title=f"{name}: {block.title}")
            for name, own in each_target(target, targets, predictions)
            for block in figures(replace(target, names=()), *own)
            if isinstance(block, Figure | Table)
        ]
    predicted, error = predictions["prediction"], metrics.residuals(targets, predictions)
    sampled = f"{plots.MAX_POINTS:,} of {len(targets):,} examples." if len(targets) > plots.MAX_POINTS else ""
    blocks: list[Block] = [
        Figure(
            "Predicted and true values",
            plots.scatter(predicted, targets, "predicted", "true", diagonal=True),
            f"True against predicted values, with a correlation of {correlation(predicted, targets):.3f}.",
            f"{sampled} On the dashed line, predicted and true values are equal.".strip(),
        ),
        Figure(
            "Residuals",
            plots.scatter(predicted, error, "predicted", "true minus predicted", level=True),
            "Residuals against predicted values; a trend or a funnel shows structure that the model misses.",
            sampled,
        ),
        Figure(
            "Distribution of the residuals",
            plots.histogram(error, "true minus predicted", level=0),
            f"The residuals have a median of {np.median(error):.4g}; half of them lie between "
            f"{np.quantile(error, 0.25):.4g} and {np.quantile(error, 0.75):.4g}.",
        ),
    ]
    return blocks + (coverage_blocks(targets, predictions) if "low" in predictions else [])


def remarks(target: Target, targets: Numbers, predictions: Predictions) -> list[str]:
    """What a good score can hide, in sentences: a model that always predicts the same."""
    if target.names:
        alone = replace(target, names=())
        each = each_target(target, targets, predictions)
        return [f"{name}: {remark}" for name, own in each for remark in remarks(alone, *own)]
    predicted = predictions["prediction"]
    constant = len(predicted) > 1 and np.ptp(predicted) == 0
    return [f"The model predicts {predicted[0]:.4g} for every example."] if constant else []


def each_target(
    target: Target, targets: Numbers, predictions: Predictions
) -> Iterator[tuple[str, tuple[Numbers, Predictions]]]:
    """The name, the values and the predictions of each of several targets."""
    weights = np.ones((1, len(targets)))
    for place, name in enumerate(target.names):
        numbers, outputs, _ = metrics.of_target(targets, predictions, weights, place)
        yield name, (numbers, outputs)


def correlation(one: Numbers, other: Numbers) -> float:
    """Pearson's correlation; not a number if one of them is constant."""
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) and np.ptp(other) else float("nan")


def coverage_blocks(targets: Numbers, predictions: Predictions) -> list[Block]:
    """The share of targets inside their interval, by the size of the prediction."""
    predicted, covered = predictions["prediction"], metrics.is_covered(targets, predictions)
    width, error = predictions["high"] - predictions["low"], metrics.residuals(targets, predictions)
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
        "Mean interval width",
        "RMSE",
        Column("Bias", hint="mean of true minus predicted"),
    ]
    shares = [float(covered[group].mean()) for group in groups]
    figure = Figure(
        "Coverage of the intervals",
        plots.bars(sizes, shares, "share of targets inside their interval"),
        f"Coverage by the size of the prediction, from {min(shares):.1%} to {max(shares):.1%}; "
        f"{covered.mean():.1%} overall.",
        f"Overall, {covered.mean():.1%} of the targets lie inside their interval. The width for each "
        "example was set on others of the validation split.",
    )
    return [figure, Table("Errors and intervals by the size of the prediction", columns, rows)]
