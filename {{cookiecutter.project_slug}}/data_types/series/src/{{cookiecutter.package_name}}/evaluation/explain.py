"""Forecasts as fan charts, scores by series and calendar; and one window with what each of its parts contributed."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import metrics, preprocessing
from ..config import Config
from ..data.resampling import Context
from ..reporting.report import Block, Figure, Interval, Row, Table
from ..series import fans, series_windows, window_shape
from ..task import Target
from . import inference, scoring

TITLE = "Forecasts"
HIDDEN: tuple[str, ...] = ()  # columns that tell a reader of the report nothing
MAX_SERIES = 3  # whose forecasts are drawn
FANS = 4  # windows of a figure, evenly drawn
WORST = 2
MAX_ROWS = 40  # of the tables by series and calendar
MIN_WINDOWS = 5  # of a row
RESAMPLES = 200
CYCLES = ("forecast month", "forecast weekday", "forecast hour")
MEANING = "mean change of the forecast, in the target's unit, when the part is missing"
NUM_PARTS = 6  # of the target's history


def blocks(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """Fan charts of the first series and of the largest errors, and the scores by series and by calendar."""
    target = serving_model.get_layer("decode").target
    context = inference.context_of(config, serving_model)
    levels = metrics.quantile_levels(predictions)
    names = examples[series_windows.SERIES]
    found: list[Block] = []
    for name in names.drop_duplicates().head(MAX_SERIES):
        members = np.flatnonzero(names == name)
        chosen = members[np.linspace(0, len(members) - 1, min(FANS, len(members))).astype(int)]
        found.append(fan(config, target, examples, predictions, levels, chosen, f"Forecasts of {name}"))
    worst = np.argsort(-metrics.errors(targets, predictions), kind="stable")[:WORST]
    found.append(fan(config, target, examples, predictions, levels, worst, "Windows with the largest errors"))
    found.append(scores_by(context, "Scores by series", names, targets, predictions))
    for cycle in CYCLES:
        if len(examples[cycle].unique()) > 1:
            label = f"Scores by {cycle.removeprefix('forecast ')} of the first step"
            found.append(scores_by(context, label, examples[cycle], targets, predictions))
    return [block for block in found if not isinstance(block, Table) or len(block.rows) > 1]


def fan(
    config: Config,
    target: Target,
    examples: pd.DataFrame,
    predictions: Mapping[str, np.ndarray],
    levels: Mapping[str, float],
    chosen: np.ndarray,
    title: str,
) -> Figure:
    """The histories, forecasts with their intervals, and truths of some windows, of the first target."""
    panels = []
    for row in chosen:
        cell = examples[config.target].iloc[row][:, 0]
        outputs = {name: predictions[name][row].reshape(target.horizon, -1)[:, 0] for name in ("forecast", *levels)}
        start = str(examples[series_windows.START].iloc[row])[:16].removesuffix(" 00:00")
        panels.append(fans.Panel(start, cell[: -target.horizon], cell[-target.horizon :], outputs, list(levels)))
    starts = ", ".join(panel.title for panel in panels)
    description = f"History, forecast with its quantiles, and truth of {config.target}, forecast from {starts}."
    return Figure(title, fans.draw(panels, config.target), description, wide=True)


def scores_by(
    context: Context, title: str, values: pd.Series, targets: np.ndarray, predictions: Mapping[str, np.ndarray]
) -> Table:
    """Every metric of the windows that share a value, the worst first."""
    ranked: list[tuple[float, Row]] = []
    for value in values.value_counts().index:
        inside = (values == value).to_numpy()
        if inside.sum() >= MIN_WINDOWS:
            selected = {name: output[inside] for name, output in predictions.items()}
            scores = scoring.intervals(targets[inside], selected, context, RESAMPLES)
            cells = [
                Interval.of(scores[name], each.format) if name in scores else None
                for name, each in metrics.METRICS.items()
            ]
            row: Row = [str(value), int(inside.sum()), *cells]
            ranked.append((scores[context.config.metric]["value"], row))
    rows = [row for _, row in sorted(ranked, key=lambda each: -each[0])]
    label = title.removeprefix("Scores by ")
    columns = [label, "Windows", *(metric.label for metric in metrics.METRICS.values())]
    return Table(
        title, columns, rows[:MAX_ROWS], f"The worst {MAX_ROWS} of {len(rows)}." if len(rows) > MAX_ROWS else ""
    )


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """None: the encoded window has all that is engineered."""
    del config, serving_model, example
    return {}


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The mean absolute change of the median forecast without a column or a part of the target's history."""
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    hidden = hideable(config, arrays)
    variants = {column: np.repeat(cells, len(hidden) + 1, axis=0) for column, cells in arrays.items()}
    for row, (column, places) in enumerate(hidden.values(), 1):
        variants[column][row, places] = np.nan if variants[column].dtype.kind == "f" else ""
    median = serving_model.predict_on_batch(variants)["forecast"].astype("float64")
    changes = np.abs(median[1:] - median[:1]).reshape(len(hidden), -1).mean(axis=1)
    return dict(zip(hidden, changes.tolist(), strict=True))


def hideable(config: Config, arrays: dict[str, np.ndarray]) -> dict[str, tuple[str, slice]]:
    """The parts that are hidden in turn, by name: a column and the steps of it."""
    shape = window_shape.of_project(config)
    ends = np.linspace(0, shape.context, min(NUM_PARTS, shape.context) + 1).astype(int)
    found = {
        f"{config.target}, {shape.context - start} to {shape.context - stop + 1} steps before": (
            config.target,
            slice(start, stop),
        )
        for start, stop in pairwise(ends)
    }
    others = [name for name, kind in shape.kinds.items() if kind != "time" and arrays[name].ndim > 1]
    return found | {name: (name, slice(None)) for name in others if name != config.target}
