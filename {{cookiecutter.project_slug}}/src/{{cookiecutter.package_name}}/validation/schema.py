"""The schema of the examples: read, written, and brought up to date with the data."""

import math
import re
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from google.protobuf import json_format, text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import tables
from ..reporting import report
from ..settings.base import MORE_MISSING
from . import anomalies
from .anomalies import alone
from .data_statistics import ColumnStatistics, StatisticsList, by_column, num_values

Schema: TypeAlias = schema_pb2.Schema

HEADER = """\
# What the examples must look like: `make validate` stops where data depart from it.
# Inferred from data; review it, edit it, commit it. `make schema` accepts new data as the norm.
# It is a TFDV schema: https://www.tensorflow.org/tfx/data_validation/get_started
"""
SAME_TABLE = 0.5  # share of the schema's columns that a table needs to be the same one with changes
ROOM = 1.25  # an accepted skew may grow by this factor

MAX_DOMAIN = 100  # distinct texts up to which a column is a category whose values are listed
MIN_REPEATS = 10  # times that a value occurs on average; below, it is no category
MIN_DOMAIN_MASS = 0.99  # share of listed values: rare new ones are no anomaly, the model treats them as unseen
LARGE = "__LARGE_BYTES__"  # what TFDV writes for every text of more than a kilobyte


def load(config: Config) -> Schema:
    """Reads the schema.

    Raises:
        InputError: it is missing or was edited into something that is no schema.
    """
    path = artifacts.require(config.schema_path, "validate")
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        message = f"{config.schema_path}: {error}; mend that line, or delete the file to have it inferred anew"
        raise InputError(message) from error


def for_run(statistics: StatisticsList, config: Config) -> Schema:
    """The schema to check against: the reviewed one, or a new one on the first run and for another source's table."""
    if config.schema_path.exists():
        schema = load(config)
        if not describes_other_table(schema, statistics, config):
            return with_target(schema, config)
        previous = config.schema_path.with_name(f"{config.schema_path.stem}.previous{config.schema_path.suffix}")
        config.schema_path.replace(previous)
        print(f"{previous} keeps the schema of the former source, whose columns were other ones")
    schema = infer(statistics, config)
    write(schema, config)
    print(f"wrote {config.schema_path}, inferred from the data: review and commit it")
    return schema


def describes_other_table(schema: Schema, statistics: StatisticsList, config: Config) -> bool:
    """Whether the setting `source` has changed and most columns with it: not for data that change under one source."""
    if recorded(schema, "source") == public(config.source):
        return False
    columns = {feature.path.step[0] for feature in statistics.datasets[0].features}
    known = {feature.name for feature in schema.feature}
    return len(known & columns) < SAME_TABLE * len(known)


def with_target(schema: Schema, config: Config) -> Schema:
    """The schema with the target of the settings, which may have changed for the same table."""
    former = recorded(schema, "target")
    if former == config.target:
        return schema
    for feature in schema.feature:
        if feature.name == former:
            feature.not_in_environment[:] = [name for name in feature.not_in_environment if name != "SERVING"]
        elif feature.name == config.target:
            feature.not_in_environment.append("SERVING")
    write(schema, config)
    print(f"wrote {config.schema_path}: its target is {config.target} now")
    return schema


def accept(old: Schema, inferred: Schema, statistics: StatisticsList, config: Config) -> Schema:
    """The old schema with what the data depart from replaced; a person's edits of other columns stay."""
    skew = anomalies.measure_skew(statistics, old, config)
    departing = {found.column for found in anomalies.find(statistics, old, [])}
    kept = {feature.name: feature for feature in old.feature if feature.name not in departing}
    new = Schema()
    new.CopyFrom(inferred)
    del new.feature[:]
    new.feature.extend(kept.get(feature.name, feature) for feature in inferred.feature)
    new.string_domain.extend(old.string_domain)
    for distance in skew:
        if distance.value > distance.threshold:
            comparator = next(feature for feature in new.feature if feature.name == distance.column).skew_comparator
            allowed = min(1.0, math.ceil(distance.value * ROOM * 100) / 100)
            if distance.measure == anomalies.INFINITY_NORM:
                comparator.infinity_norm.threshold = max(allowed, comparator.infinity_norm.threshold)
            else:
                divergence = comparator.jensen_shannon_divergence
                divergence.threshold = max(allowed, divergence.threshold)
                divergence.source.type = schema_pb2.HistogramSelection.QUANTILES
    return new


def write(schema: Schema, config: Config) -> None:
    """Writes the schema as text, with what it was inferred for."""
    schema.annotation.tag[:] = [f"source={public(config.source)}", f"target={config.target}"]
    artifacts.write_text(config.schema_path, HEADER + text_format.MessageToString(schema, as_utf8=True))


def recorded(schema: Schema, name: str) -> str:
    """A setting that the schema was written for."""
    values = [tag.removeprefix(f"{name}=") for tag in schema.annotation.tag if tag.startswith(f"{name}=")]
    return values[0] if values else ""


def public(source: str) -> str:
    """The source without user, password and query, since the schema is committed."""
    address = re.sub(r"(?<=://)[^/@]*@", "", source)
    return address.partition("?")[0] if "://" in address else address


def differences(old: Schema, new: Schema) -> list[str]:
    """One line per column and property that changes."""
    before, after = ({feature.name: feature for feature in schema.feature} for schema in (old, new))
    lines = [f"{report.visible(name)}: new column" for name in after if name not in before]
    lines += [f"{report.visible(name)}: the column is gone" for name in before if name not in after]
    for name in before.keys() & after.keys():
        was, becomes = (properties(each[name]) for each in (before, after))
        changed = [key for key in sorted(was | becomes) if was.get(key) != becomes.get(key)]
        lines += [f"{report.visible(name)}: {change(key, was.get(key), becomes.get(key))}" for key in changed]
    return sorted(lines)


def properties(feature: schema_pb2.Feature) -> dict[str, Any]:
    """What the schema says of a column, by the dotted names of its fields."""
    return flattened(json_format.MessageToDict(feature, preserving_proto_field_name=True))


def flattened(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted names."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def change(name: str, was: Any, becomes: Any) -> str:
    """How a property changes; of lists, only what comes and goes."""
    if isinstance(was, list) and isinstance(becomes, list):
        moves = [f"+{value}" for value in sorted(set(becomes) - set(was))]
        moves += [f"-{value}" for value in sorted(set(was) - set(becomes))]
        return f"{name}: {report.visible(', '.join(moves))}"
    return f"{name}: {report.visible(was)} -> {report.visible(becomes)}"


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
