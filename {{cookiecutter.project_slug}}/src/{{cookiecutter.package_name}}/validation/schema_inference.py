"""A first schema from the data: strict enough to catch a wrong unit, loose enough for more of the same data."""

import math
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from ..config import Config
from ..data import tables
from ..settings.paths import MORE_MISSING
from .anomalies import alone
from .data_statistics import ColumnStatistics, StatisticsList, by_column, num_values

Schema: TypeAlias = schema_pb2.Schema


MAX_DOMAIN = 100  # distinct texts up to which a column is a category whose values are listed
MIN_REPEATS = 10  # times that a value occurs on average; below, it is no category
MIN_DOMAIN_MASS = 0.99  # share of listed values: rare new ones are no anomaly, the model treats them as unseen
LARGE = "__LARGE_BYTES__"  # what TFDV writes for every text of more than a kilobyte


def infer(statistics: StatisticsList, config: Config) -> schema_pb2.Schema:
    """The schema that all splits satisfy; the target is not expected when the model serves."""
    schema = tfdv.infer_schema(
        alone(statistics.datasets[0]), infer_feature_shape=False, max_string_domain_size=MAX_DOMAIN
    )
    schema.default_environment[:] = ["TRAINING", "SERVING"]
    del schema.string_domain[:]  # listed where they are used instead
    free = {config.key, config.group, config.time, *config.ignore, *time_columns(config)}
    columns = by_column(statistics)
    for feature in schema.feature:
        splits = columns[feature.name]
        is_target = feature.name == config.target
        set_presence(feature, splits, [split.num_examples for split in statistics.datasets], exact=is_target)
        is_category = bool(feature.domain)
        feature.ClearField("domain")
        feature.ClearField("bool_domain")
        if is_target:
            feature.not_in_environment[:] = ["SERVING"]
        if feature.name in free:
            continue
        if feature.type != schema_pb2.BYTES:
            set_bounds(feature, splits)
        elif is_category:
            set_domain(feature, splits, exact=is_target)
    return schema


def time_columns(config: Config) -> list[str]:
    """Columns that hold times, which TFDV sees as texts."""
    table = pq.read_schema(tables.examples_files(config, "train")[0])
    return [field.name for field in table if pa.types.is_timestamp(field.type)]


def set_presence(
    feature: schema_pb2.Feature, splits: list[ColumnStatistics], num_examples: list[int], *, exact: bool
) -> None:
    """Asks for as many values as the emptiest split has; a column that is empty somewhere may be."""
    present = min(num_values(split) / max(examples, 1) for split, examples in zip(splits, num_examples, strict=True))
    asked = present if exact else max(0.0, present - MORE_MISSING)
    feature.presence.min_fraction = math.floor(asked * 100) / 100
    feature.presence.min_count = int(present > 0)


def set_bounds(feature: schema_pb2.Feature, splits: list[ColumnStatistics]) -> None:
    """Allows the range that was seen, widened by its own width on both sides but not beyond zero."""
    seen = [split.num_stats for split in splits if any(h.buckets for h in split.num_stats.histograms)]
    low = min((numbers.min for numbers in seen if math.isfinite(numbers.min)), default=0.0)
    high = max((numbers.max for numbers in seen if math.isfinite(numbers.max)), default=0.0)
    width = (high - low) or abs(high)
    lowest = low - width if low < 0 else max(0.0, low - width)
    highest = high + width if high > 0 else min(0.0, high + width)
    if feature.type == schema_pb2.FLOAT:
        feature.float_domain.disallow_nan = feature.float_domain.disallow_inf = True
        if seen:
            feature.float_domain.min = rounded_outward(lowest, width, -math.inf)
            feature.float_domain.max = rounded_outward(highest, width, math.inf)
    elif seen:
        is_flag = low >= 0 and high <= 1
        limits = (0, 1) if is_flag else (math.floor(lowest), math.ceil(highest))
        feature.int_domain.min, feature.int_domain.max = (min(max(limit, -(2**63)), 2**63 - 1) for limit in limits)


def rounded_outward(bound: float, width: float, direction: float) -> float:
    """A bound for reading, to a hundredth of the range's order of magnitude; as a float32, which a schema holds."""
    step = 10.0 ** (math.floor(math.log10(width)) - 2) if width else 1.0
    steps = math.floor(bound / step) if direction < 0 else math.ceil(bound / step)
    rounded = np.float32(float(f"{steps * step:.12g}"))
    is_inside = float(rounded) > bound if direction < 0 else float(rounded) < bound
    return float(np.nextafter(rounded, np.float32(direction)) if is_inside else rounded)


def set_domain(feature: schema_pb2.Feature, splits: list[ColumnStatistics], *, exact: bool) -> None:
    """Lists the values of a column whose values repeat."""
    values = {bucket.label for split in splits for bucket in split.string_stats.rank_histogram.buckets}
    occurrences = sum(num_values(split) for split in splits)
    if LARGE in values or (occurrences < MIN_REPEATS * len(values) and not exact):
        return
    feature.string_domain.value[:] = sorted(values)
    feature.distribution_constraints.min_domain_mass = 1.0 if exact else MIN_DOMAIN_MASS
