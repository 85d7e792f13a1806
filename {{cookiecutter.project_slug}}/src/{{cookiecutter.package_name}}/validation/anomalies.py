"""Anomalies: where the statistics of the splits violate the schema; and the shift between the splits."""

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from ..config import Config
from ..settings.base import SPLITS
from .data_statistics import Statistics, StatisticsList

INFINITY_NORM = "L-infinity"
JENSEN_SHANNON = "Jensen-Shannon"
MEASURES = {
    schema_pb2.BYTES: INFINITY_NORM,
    schema_pb2.INT: JENSEN_SHANNON,
    schema_pb2.FLOAT: JENSEN_SHANNON,
}
NEVER = 1.0  # neither distance can exceed it


@dataclass(frozen=True, order=True)
class Anomaly:
    """A property of a column, in one split, that violates the schema."""

    column: str
    split: str
    kind: str
    description: str


@dataclass(frozen=True, order=True)
class Distance:
    """Distance of a column's distribution in a split from the one in the training split, from 0 to 1."""

    column: str
    split: str
    measure: str
    value: float
    threshold: float


def find(statistics: StatisticsList, schema: schema_pb2.Schema, shifts: list[Distance]) -> list[Anomaly]:
    """All anomalies, sorted: TFDV's order differs from version to version."""
    found = {
        Anomaly(column, split.name, kind, description)
        for split in statistics.datasets
        for column, kind, description in departures(split, schema)
    }
    found |= {
        Anomaly(
            distance.column,
            distance.split,
            "SPLIT_SHIFT",
            f"The distribution differs from the training split: {distance.measure} distance {distance.value:.3f}, "
            f"threshold {distance.threshold:g}.",
        )
        for distance in shifts
        if distance.value > distance.threshold
    }
    return sorted(found)


def by_problem(found: Sequence[Anomaly]) -> list[tuple[str, list[str], str]]:
    """Anomalies of a column that are of the same kind, together: column, splits and description."""
    same: dict[tuple[str, str], list[Anomaly]] = {}
    for anomaly in sorted(found, key=lambda anomaly: (*SPLITS, anomaly.split).index(anomaly.split)):
        same.setdefault((anomaly.column, anomaly.kind), []).append(anomaly)
    return [
        (column, [anomaly.split for anomaly in group], group[0].description)
        for (column, _), group in sorted(same.items())
    ]


def departures(
    split: Statistics, schema: schema_pb2.Schema, environment: str = "TRAINING"
) -> list[tuple[str, str, str]]:
    """Column, kind and description of each violation of the schema in an environment, TRAINING or SERVING.

    Whole numbers fit a column of real ones.
    """
    checked, real = alone(split), {feature.name for feature in schema.feature if feature.type == schema_pb2.FLOAT}
    for column in checked.datasets[0].features:
        if column.type == statistics_pb2.FeatureNameStatistics.INT and column.path.step[0] in real:
            column.type = statistics_pb2.FeatureNameStatistics.FLOAT
    result = tfdv.validate_statistics(checked, schema, environment=environment)
    about_columns = [
        (info.path.step[0] if info.path.step else name, reason)
        for name, info in result.anomaly_info.items()
        for reason in info.reason
    ]
    about_all = [("(all columns)", reason) for reason in result.dataset_anomaly_info.reason]
    limits = {feature.name: feature.int_domain for feature in schema.feature if feature.HasField("int_domain")}
    found = []
    for column, reason in about_columns + about_all:
        kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
        description = (reason.description or reason.short_description).strip()
        if column in limits and kind.startswith("INT_TYPE"):  # TFDV does not say what is allowed
            description += f" Allowed: {limits[column].min} to {limits[column].max}."
        found.append((column, kind, description))
    return found


def measure_split_shift(statistics: StatisticsList, schema: schema_pb2.Schema, config: Config) -> list[Distance]:
    """The distances of the validation and the test split from the training split, if they have enough examples."""
    train, *others = statistics.datasets
    watched = with_comparators(schema, config)
    distances = []
    for split in others:
        if min(train.num_examples, split.num_examples) < config.min_shift_examples:
            continue
        distances += measure(train, split, watched)
    return sorted(distances)


def measure(reference: Statistics, other: Statistics, watched: schema_pb2.Schema) -> list[Distance]:
    """The distance between two sets of statistics, for each column with a comparator in the schema `watched`."""
    result = tfdv.validate_statistics(alone(reference), watched, "TRAINING", serving_statistics=alone(other))
    return [
        Distance(column, other.name, MEASURES[tfdv.get_feature(watched, column).type], x.value, x.threshold)
        for info in result.drift_skew_info
        for column in info.path.step[:1]
        for x in info.skew_measurements
    ]


def no_features(config: Config) -> set[str]:
    """The columns that tell what to do with an example: other examples may have other values there."""
    return {config.key, config.group, config.time, config.sample_weight, *config.ignore}


def with_comparators(schema: schema_pb2.Schema, config: Config) -> schema_pb2.Schema:
    """The schema with the thresholds of the settings, except where a person wrote another one into it.

    Splits by time or group are measured but not judged, since they hold other periods or groups by design.
    """
    watched = schema_pb2.Schema()
    watched.CopyFrom(schema)
    judged = not (config.time or config.group)
    free = no_features(config)
    for feature in watched.feature:
        if feature.HasField("skew_comparator") or feature.name in free:
            continue
        comparator = feature.skew_comparator
        if MEASURES.get(feature.type) == JENSEN_SHANNON:
            divergence = comparator.jensen_shannon_divergence
            divergence.threshold = config.max_number_shift if judged else NEVER
            # Bins of equal width misjudge long tails: they give 0.7 between random halves of the same data.
            divergence.source.type = schema_pb2.HistogramSelection.QUANTILES
        elif feature.HasField("string_domain") or feature.domain:
            comparator.infinity_norm.threshold = config.max_category_shift if judged else NEVER
    return watched


def alone(split: Statistics) -> StatisticsList:
    """The statistics of one split as the list that TFDV expects."""
    return StatisticsList(datasets=[split])
