"""What the rows of a window say: drift of features and predictions, departures from the schema, and live quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from .. import metrics
from ..config import Config
from ..core.artifacts import to_number, to_text
from ..core.errors import InputError
from ..data import requests
from ..evaluation import scoring
from ..exporting import saved_model
from ..validation import anomalies, data_statistics, schema
from . import drift
from .drift import Drift
from .traffic import Traffic

MIN_OUTCOMES = 50  # predictions with feedback; with fewer, an interval says little


@dataclass(frozen=True)
class Tables:
    """The columns of the reference and of the window that were compared."""

    reference: pd.DataFrame
    window: pd.DataFrame


@dataclass(frozen=True)
class Findings:
    """Empty where the window has too few examples to say anything."""

    features: list[Drift] = field(default_factory=list)
    predictions: list[Drift] = field(default_factory=list)
    unwatched: list[str] = field(default_factory=list)
    """Columns and outputs that the log leaves out."""
    violations: list[tuple[str, str]] = field(default_factory=list)
    """Columns, and how they depart from the schema."""
    quality: dict[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Tables] = field(default_factory=dict)
    """Of `features` and `predictions`, for plots."""

    @property
    def is_judged(self) -> bool:
        """Whether there were enough examples."""
        return bool(self.tables)


def examine(config: Config, described: Mapping[str, Any], version: int, traffic: Traffic) -> Findings:
    """Compares the sampled rows with what the project keeps about the version in service."""
    quality = measure_quality(config, described, traffic)
    if traffic.num_rows < config.min_window_examples:
        return Findings(quality=quality)
    folder = config.paths.record(version)
    inputs, absent = logged_inputs(config, described["inputs"], [line["inputs"] for line in traffic.rows])
    sent = requests.as_table(inputs, [line["inputs"] for line in traffic.rows])
    examples = requests.from_examples(inputs, read_record(folder / saved_model.KEPT_EXAMPLES))
    features = Tables(*requests.comparable(inputs, examples, sent))
    outputs = [line["outputs"] for line in traffic.rows]
    references = [
        prediction_tables(read_record(folder / name), outputs) for name in saved_model.KEPT_PREDICTIONS.values()
    ]
    tables = {"features": features, "predictions": references[-1]}
    expected = {*config.expected_drift, *requests.meant_to_change(inputs)}
    num_columns = max(1, sum(each.reference.shape[1] for each in tables.values()))

    def compare(tables: Tables) -> list[Drift]:
        return drift.compare(
            *(tables.reference, tables.window, config.drift_tolerance, expected, num_columns),
            in_periods=requests.FOLLOW_EACH_OTHER,
        )

    found = {"features": compare(features), "predictions": nearest([compare(each) for each in references])}
    return Findings(
        **found,
        unwatched=absent,
        violations=schema_violations(config, requests.in_schema_types(inputs, sent)),
        quality=quality,
        tables=tables,
    )


def nearest(compared: Sequence[Sequence[Drift]]) -> list[Drift]:
    """Each output against the reference that it is most like: a model is surer of what it has learned from."""
    return [min(each, key=lambda drift: drift.excess) for each in zip(*compared, strict=True)]


def read_record(path: Path) -> pd.DataFrame:
    """A table that the project keeps about a version.

    Raises:
        InputError: it was removed.
    """
    if not path.exists():
        message = f"{path} is missing, with which requests are compared"
        raise InputError(f"{message}: train and export another version, or bring the folder back")
    return pd.read_parquet(path)


def logged_inputs(
    config: Config, inputs: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """The inputs that the log holds, and the columns of those that it leaves out."""
    names = {name for row in rows for name in row} - set(config.log_never)
    kept = {name: entry for name, entry in inputs.items() if name in names and entry["column"] not in config.log_never}
    return kept, [entry["column"] for name, entry in inputs.items() if name not in kept]


def prediction_tables(reference: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> Tables:
    """The outputs with one value per example, as far as they are logged, in the form that `drift` compares."""
    columns: dict[str, tuple[pd.Series, pd.Series]] = {}
    for name in reference:
        if any(name in row for row in rows):
            read: Any = to_number if pd.api.types.is_numeric_dtype(reference[name]) else to_text
            kind = float if read is to_number else object
            before, now = (
                pd.Series([read(value) for value in values], dtype=kind)
                for values in (reference[name], (row.get(name) for row in rows))
            )
            columns[name] = before, now
    before, now = (pd.DataFrame({name: pair[place] for name, pair in columns.items()}) for place in (0, 1))
    return Tables(before, now)


def schema_violations(config: Config, table: pd.DataFrame) -> list[tuple[str, str]]:
    """How the columns that clients sent depart from the reviewed schema."""
    if not config.schema_path.exists() or table.empty:
        return []
    statistics = data_statistics.summarize(drift.to_arrow(table), "window")
    found = anomalies.departures(statistics, schema.load(config), "SERVING")
    return sorted((column, description) for column, _, description in found if column in table)


def measure_quality(config: Config, described: Mapping[str, Any], traffic: Traffic) -> dict[str, Any]:
    """The scores of the predictions whose outcome is known, and the worst score of the primary metric to be borne."""
    pairs = [(line["outputs"], outcome) for line, outcome in traffic.answered]
    targets, predictions, num_unusable = metrics.as_scored(described["parts"], pairs)
    quality: dict[str, Any] = {"examples": len(targets), "unusable": num_unusable, "needed": MIN_OUTCOMES}
    if len(targets) < MIN_OUTCOMES:
        return quality
    metric = described["metric"]
    accepted = described["metrics"][metric]
    loss = config.max_score_loss * abs(accepted["value"])
    greater_is_better = metrics.METRICS[metric].greater_is_better
    bound = accepted["low"] - loss if greater_is_better else accepted["high"] + loss
    scores = scoring.intervals(targets, predictions, config.resamples, config.seed)
    now = scores.get(metric)
    is_worse = now is not None and (now["high"] < bound if greater_is_better else now["low"] > bound)
    return {**quality, "metric": metric, "metrics": scores, "accepted": accepted, "bound": bound, "worse": is_worse}
