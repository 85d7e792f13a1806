"""Figures and tables of forecasts: errors and intervals by step, and the autocorrelation of the errors."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import metrics
from ..data.resampling import Floats
from ..metrics import Predictions
from ..reporting import plots
from ..reporting.report import Block, Column, Figure, Row, Table
from ..task import Target

MAX_ROWS = 60  # of the table by step
MAX_LAG = 40


def blocks(
    target: Target, targets: Floats, predictions: Mapping[str, npt.NDArray[Any]], levels: Mapping[str, float]
) -> list[Block]:
    """Of the first target, the errors by step, the coverage by step, and the autocorrelation of the errors."""
    shape = (len(targets), target.horizon, len(target.names))
    truth = targets.reshape(shape)[:, :, 0]
    outputs = {name: np.asarray(predictions[name], float).reshape(shape)[:, :, 0] for name in ("forecast", *levels)}
    residuals = truth - outputs["forecast"]
    found: list[Block] = [by_step(residuals), histogram(residuals)]
    if levels:
        found.append(coverage_by_step(truth, outputs, levels))
    found.append(autocorrelation(residuals[:, 0]))
    return [*found, table_by_step(truth, outputs, levels)]


def by_step(residuals: Floats) -> Figure:
    """The error by step of the horizon."""
    steps = np.arange(1, 1 + residuals.shape[1])
    absolute, squared = np.nanmean(np.abs(residuals), axis=0), np.sqrt(np.nanmean(residuals**2, axis=0))
    curves = [plots.Line("MAE", steps, absolute), plots.Line("RMSE", steps, squared, dashed=True)]
    return Figure(
        "Error by step",
        plots.lines(curves, "step of the forecast", "error", marks=len(steps) <= 31),
        f"The mean absolute error is {absolute[0]:.4g} at the first step and {absolute[-1]:.4g} at the last.",
    )


def histogram(residuals: Floats) -> Figure:
    """The distribution of the errors."""
    known = residuals[np.isfinite(residuals)]
    return Figure(
        "Distribution of the errors",
        plots.histogram(known, "true minus forecast", "steps", level=0),
        f"The errors have a median of {np.median(known):.4g}; half of them lie between "
        f"{np.quantile(known, 0.25):.4g} and {np.quantile(known, 0.75):.4g}.",
    )


def coverage_by_step(truth: Floats, outputs: Mapping[str, Floats], levels: Mapping[str, float]) -> Figure:
    """The share of true values below each quantile, by step."""
    steps = np.arange(1, 1 + truth.shape[1])
    curves = []
    for name, level in levels.items():
        known = np.isfinite(truth)
        shares = np.where(known, truth <= outputs[name], 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        curves.append(plots.Line(f"{level:.10g}", steps, shares))
    return Figure(
        "Share of true values below each quantile",
        plots.lines(curves, "step of the forecast", "share below"),
        f"Share of true values below the quantiles {', '.join(f'{level:.10g}' for level in levels.values())}, by step.",
        "Where the quantiles are calibrated, each curve lies at its level. Those of each window are calibrated on "
        "other parts of the validation period than its own.",
    )


def autocorrelation(errors: Floats) -> Figure:
    """The autocorrelation of the errors of the first step."""
    lags = np.arange(1, 1 + min(MAX_LAG, max(1, len(errors) // 3)))
    centered = np.nan_to_num(errors - np.nanmean(errors))
    total = float(np.sum(centered**2)) or 1.0
    values = [float(np.sum(centered[lag:] * centered[:-lag]) / total) for lag in lags]
    band = 1.96 / np.sqrt(len(errors))
    curves = [
        plots.Line("autocorrelation", lags, values),
        plots.Line("95 % limit", np.array([1, lags[-1]]), np.array([band, band]), dashed=True),
    ]
    outside = int(np.sum(np.abs(values) > band))
    return Figure(
        "Autocorrelation of the errors",
        plots.lines(curves, "lag in steps", "autocorrelation", marks=True),
        f"Of errors one step ahead; {outside} of {len(lags)} lags exceed the 95 % limit of white noise ({band:.2g}).",
        "Of errors one step ahead. Values beyond the dashed line, on either side of 0, show structure in the errors.",
    )


def table_by_step(truth: Floats, outputs: Mapping[str, Floats], levels: Mapping[str, float]) -> Table:
    """The numbers behind the figures."""
    names = list(levels)
    rows: list[Row] = []
    for step in range(min(truth.shape[1], MAX_ROWS)):
        known = np.isfinite(truth[:, step])
        error = truth[known, step] - outputs["forecast"][known, step]
        row: list[Any] = [step + 1, float(np.abs(error).mean()), float(np.sqrt((error**2).mean())), float(error.mean())]
        if levels:
            low, high = (outputs[names[place]][known, step] for place in (0, -1))
            inside = (truth[known, step] >= low) & (truth[known, step] <= high)
            row += [float(inside.mean()), float((high - low).mean())]
        rows.append(row)
    columns: list[str | Column] = ["Step", "MAE", "RMSE", Column("Bias", hint="mean of true minus forecast")]
    if levels:
        wanted = levels[names[-1]] - levels[names[0]]
        columns += [
            Column("Coverage", ".1%", f"share of true values inside the interval, nominally {wanted:.0%}"),
            "Mean width",
        ]
    return Table("Errors and intervals by step", columns, rows)


def remarks(target: Target, targets: Floats, predictions: Predictions) -> list[str]:
    """What a good score can hide, in sentences: nothing that the figures do not show."""
    del target, targets, predictions
    return []


def figures(target: Target, targets: Floats, predictions: Predictions) -> list[Block]:
    """Errors and intervals by step, and the autocorrelation of the errors."""
    return blocks(target, targets, predictions, metrics.quantile_levels(predictions))
