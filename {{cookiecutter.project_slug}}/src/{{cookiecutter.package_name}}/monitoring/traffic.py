"""The traffic of a window: counted and sampled from the request log, compared with training, and scored by labels."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pandas as pd
import pyarrow as pa

from .. import metrics
from ..config import Config
from ..core import artifacts
from ..core.artifacts import to_number, to_text
from ..core.errors import InputError
from ..data import requests
from ..data.resampling import Context
from ..evaluation import scoring
from ..exporting import saved_model
from ..serving import request_log
from ..serving.request_log import Line
from ..settings.base import BETWEEN_LABELS
from ..validation import anomalies, data_statistics, schema
from . import drift
from .drift import Drift

MAX_ROWS = 20_000  # of the sample: as many as the training examples of the reference
MAX_CELLS = 2_000_000  # of the sample: some hundred megabytes
MAX_LABELS = 20_000  # that are joined with their predictions
MIN_LABELS = 50  # fewer give too wide an interval
MAX_REJECTIONS = 50  # kinds that are counted separately
LATENCY_STEPS = 50  # bins per factor of e: each is 2 % wide

Key: TypeAlias = tuple[str, int]  # id of a request, row in it


class Window(NamedTuple):
    """The part of the log that is evaluated."""

    version: int
    start: datetime
    num_inputs: int
    labels_start: datetime
    """From when on labels are scored."""
    exported: datetime
    """From when on there are predictions, which labels may be about."""


class Sample:
    """A random sample of bounded size: the items whose keys have the smallest hashes; a rerun gives the same."""

    def __init__(self, size: int) -> None:
        """Keeps at most `size` items."""
        self.size = size
        self.items: dict[Any, tuple[int, Any]] = {}
        self.bound = 1 << 64

    def add(self, key: Any, item: Any) -> None:
        """Offers an item, which replaces an earlier one of the same key."""
        rank = int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest())
        if rank < self.bound:
            self.items[key] = (rank, item)
            if len(self.items) > 2 * self.size:
                self.shrink()

    def shrink(self) -> None:
        """Drops all but the items to keep."""
        kept = sorted(self.items.items(), key=lambda each: each[1][0])[: self.size]
        self.items, self.bound = dict(kept), kept[-1][1][0] + 1

    def as_dict(self) -> dict[Any, Any]:
        """The sampled items by key."""
        if len(self.items) > self.size:
            self.shrink()
        return {key: item for key, (_, item) in self.items.items()}


@dataclass
class Traffic:
    """The log of a window; everything but `rows_by_version` is about the version in service."""

    num_rows: int = 0
    num_answered: int = 0
    num_rejected: int = 0
    num_failed: int = 0  # of the rejected ones, by a fault of the server
    latest: datetime | None = None
    rows_by_version: Counter[int] = field(default_factory=Counter)
    answered_by_hour: Counter[datetime] = field(default_factory=Counter)
    rejected_by_hour: Counter[datetime] = field(default_factory=Counter)
    rejections: Counter[tuple[int, str]] = field(default_factory=Counter)  # status and field
    messages: dict[tuple[int, str], str] = field(default_factory=dict)  # the first of each kind
    latencies: Counter[int] = field(default_factory=Counter)  # by bin
    rows: list[Line] = field(default_factory=list)  # the sample
    labelled: list[tuple[Line, Any]] = field(default_factory=list)  # a sample of predictions and labels
    broken: Counter[str] = field(default_factory=Counter)  # by file
    first_broken: list[str] = field(default_factory=list)

    @property
    def num_requests(self) -> int:
        """All requests, answered and rejected."""
        return self.num_answered + self.num_rejected

    def latency(self, share: float) -> float:
        """A quantile of the latency in milliseconds, to 2 %; NaN without requests."""
        needed, seen = share * self.latencies.total(), 0
        for place in sorted(self.latencies):
            seen += self.latencies[place]
            if seen >= needed:
                return math.exp(place / LATENCY_STEPS)
        return math.nan


def read(folder: Path, window: Window) -> Traffic:
    """Reads the log twice: first the labels, so that only predictions with a label are kept for scoring."""
    labels = read_labels(folder, window.labels_start)
    traffic, sample = Traffic(), Sample(max(1, min(MAX_ROWS, MAX_CELLS // max(1, window.num_inputs))))
    labelled: dict[Key, Line] = {}
    for line in checked_lines(folder, min(window.start, window.exported) if labels else window.start, traffic):
        if "label" in line:
            continue
        if (line["id"], line.get("row")) in labels and line["version"] == window.version and "outputs" in line:
            labelled[line["id"], line["row"]] = line
        if line["time"] < window.start:
            continue
        if "outputs" in line:
            traffic.rows_by_version[line["version"]] += 1
        if line["version"] != window.version:
            continue
        traffic.latest = max(traffic.latest or line["time"], line["time"])
        if "outputs" not in line:
            count_rejected(traffic, line)
            continue
        count_answered(traffic, line)
        sample.add(traffic.num_rows, line)
    traffic.rows = list(sample.as_dict().values())
    traffic.labelled = [(line, labels[key]) for key, line in labelled.items()]
    return traffic


def read_labels(folder: Path, start: datetime) -> Mapping[Key, Any]:
    """The latest label of each row, or a random sample of them; broken lines are counted on the second reading."""
    sample = Sample(MAX_LABELS)
    for line in request_log.labels(folder, start):
        sample.add((line["id"], line["row"]), line["label"])
    return sample.as_dict()


def checked_lines(folder: Path, start: datetime, traffic: Traffic) -> Iterator[Line]:
    """The valid lines; broken ones are counted, and the first few described by file and number."""
    for place, text in request_log.lines(folder, start):
        try:
            yield request_log.parse(text)
        except ValueError as error:
            traffic.broken[place.file] += 1
            if len(traffic.first_broken) < request_log.MAX_BROKEN:
                traffic.first_broken.append(f"{place.file}, line {place.number}: {error}")


def count_answered(traffic: Traffic, line: Line) -> None:
    """Counts a predicted row, and its request with the first one."""
    traffic.num_rows += 1
    if line["row"] == 0:
        traffic.num_answered += 1
        traffic.answered_by_hour[hour(line["time"])] += 1
        traffic.latencies[round(LATENCY_STEPS * math.log(max(line["latency_ms"], 1e-3)))] += 1


def count_rejected(traffic: Traffic, line: Line) -> None:
    """Counts a rejected request by its status and field."""
    traffic.num_rejected += 1
    traffic.num_failed += line["status"] >= 500
    traffic.rejected_by_hour[hour(line["time"])] += 1
    kind = (line["status"], line["field"])
    if kind not in traffic.rejections and len(traffic.rejections) >= MAX_REJECTIONS:
        kind = (0, "")
    traffic.rejections[kind] += 1
    traffic.messages.setdefault(kind, "of other kinds" if kind[0] == 0 else line["error"])


def hour(time: datetime) -> datetime:
    """The beginning of the hour of a time, in UTC."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Tables:
    """The compared columns of the reference and of the window."""

    reference: pd.DataFrame
    window: pd.DataFrame


@dataclass(frozen=True)
class Analysis:
    """Drift, schema violations and live quality of a window; empty where it has too few examples."""

    features: list[Drift] = field(default_factory=list)
    predictions: list[Drift] = field(default_factory=list)
    unwatched: list[str] = field(default_factory=list)
    """Columns that are not logged."""
    violations: list[tuple[str, str]] = field(default_factory=list)
    """Columns, and how they violate the schema."""
    quality: dict[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Tables] = field(default_factory=dict)
    """Of `features` and `predictions`, for the plots."""

    @property
    def has_enough_examples(self) -> bool:
        """Whether drift could be measured."""
        return bool(self.tables)


def analyze(config: Config, described: Mapping[str, Any], version: int, traffic: Traffic) -> Analysis:
    """Compares the sampled rows with the training examples and predictions kept for the version in service."""
    quality = measure_quality(config, described, traffic)
    if traffic.num_rows < config.min_window_examples:
        return Analysis(quality=quality)
    folder = config.paths.record(version)
    inputs, absent = logged_inputs(config, described["inputs"], [line["inputs"] for line in traffic.rows])
    sent = requests.as_table(inputs, [line["inputs"] for line in traffic.rows])
    examples = requests.from_examples(inputs, read_record(folder / saved_model.KEPT_EXAMPLES))
    features = Tables(*requests.comparable(inputs, examples, sent))
    outputs = [line["outputs"] for line in traffic.rows]
    references = [
        prediction_tables(read_record(folder / name), outputs, described["parts"])
        for name in saved_model.KEPT_PREDICTIONS.values()
    ]
    tables = {"features": features, "predictions": references[-1]}
    expected = {*config.expected_drift, *requests.expected_to_change(inputs)}
    num_columns = max(1, sum(each.reference.shape[1] for each in tables.values()))

    def compare(tables: Tables) -> list[Drift]:
        return drift.compare(
            *(tables.reference, tables.window, config.drift_tolerance, expected, num_columns),
            in_periods=requests.FOLLOW_EACH_OTHER,
        )

    compared = {"features": compare(features), "predictions": nearest([compare(each) for each in references])}
    return Analysis(
        **compared,
        unwatched=absent,
        violations=schema_violations(config, requests.in_schema_types(inputs, sent)),
        quality=quality,
        tables=tables,
    )


def nearest(compared: Sequence[Sequence[Drift]]) -> list[Drift]:
    """Each output compared with its nearest reference, since a model is more confident on its training examples."""
    return [min(each, key=lambda drift: drift.excess) for each in zip(*compared, strict=True)]


def read_record(path: Path) -> pd.DataFrame:
    """A table that is kept with a version.

    Raises:
        InputError: it was removed.
    """
    if not path.exists():
        message = f"{path}, the reference of the comparison, is missing"
        raise InputError(f"{message}: restore the folder, or train and export another version")
    with artifacts.reading(path, "export"):
        return pd.read_parquet(path)


def logged_inputs(
    config: Config, inputs: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """The logged inputs, and the columns of those that are not logged."""
    names = {name for row in rows for name in row} - set(config.log_never)
    kept = {name: entry for name, entry in inputs.items() if name in names and entry["column"] not in config.log_never}
    return kept, [entry["column"] for name, entry in inputs.items() if name not in kept]


def prediction_tables(
    reference: pd.DataFrame, rows: Sequence[Mapping[str, Any]], parts: Mapping[str, Sequence[str]]
) -> Tables:
    """The logged outputs that have one value per example, in the form that `drift` compares.

    Of one that holds several labels, each label is a column, which says whether it is among them.
    """
    columns: dict[str, tuple[pd.Series, pd.Series]] = {}
    for name in reference:
        if any(name in row for row in rows):
            read: Any = to_number if pd.api.types.is_numeric_dtype(reference[name]) else to_text
            read = str_or_none if name in parts else read
            kind = float if read is to_number else object
            before, now = (
                pd.Series([read(value) for value in values], dtype=kind)
                for values in (reference[name], (row.get(name) for row in rows))
            )
            if name in parts:
                columns |= {f"{name}: {part}": (has(before, part), has(now, part)) for part in parts[name]}
            else:
                columns[name] = before, now
    before, now = (pd.DataFrame({name: pair[place] for name, pair in columns.items()}) for place in (0, 1))
    return Tables(before, now)


def str_or_none(value: Any) -> str | None:
    """A text, also an empty one, which has no labels; else None."""
    return value if isinstance(value, str) else None


def has(values: pd.Series, label: str) -> pd.Series:
    """Whether each text of several labels holds one of them: yes or no, None where there is no text."""
    return values.map(lambda text: "yes" if label in text.split(BETWEEN_LABELS) else "no", na_action="ignore")


def schema_violations(config: Config, table: pd.DataFrame) -> list[tuple[str, str]]:
    """How the columns that clients sent violate the reviewed schema."""
    if not config.schema_path.exists() or table.empty:
        return []
    statistics = data_statistics.summarize(to_arrow(table), "window")
    found = anomalies.departures(statistics, schema.load(config), "SERVING")
    return sorted((column, description) for column, _, description in found if column in table)


def to_arrow(table: pd.DataFrame) -> pa.Table:
    """The table with null for missing values; an empty column of strings remains one."""
    strings = {name: pa.string() for name in table if table[name].dtype == object}
    return pa.table({name: pa.array(table[name], type=strings.get(name), from_pandas=True) for name in table})


def measure_quality(config: Config, described: Mapping[str, Any], traffic: Traffic) -> dict[str, Any]:
    """The scores of the predictions whose label is known, and the limit of the primary metric."""
    pairs = [(line["outputs"], label) for line, label in traffic.labelled]
    targets, predictions, num_unusable = metrics.as_scored(described, pairs)
    quality: dict[str, Any] = {"examples": len(targets), "unusable": num_unusable, "needed": MIN_LABELS}
    if len(targets) < MIN_LABELS:
        return quality
    metric = described["metric"]
    accepted = described.get("unweighted", described["metrics"])[metric]  # requests have no weights
    loss = config.max_score_loss * abs(accepted["value"])
    greater_is_better = metrics.METRICS[metric].greater_is_better
    limit = accepted["low"] - loss if greater_is_better else accepted["high"] + loss
    scores = scoring.intervals(targets, predictions, Context(config, described["parts"]), config.resamples)
    now = scores.get(metric)
    is_worse = now is not None and (now["high"] < limit if greater_is_better else now["low"] > limit)
    return {**quality, "metric": metric, "metrics": scores, "accepted": accepted, "limit": limit, "worse": is_worse}
