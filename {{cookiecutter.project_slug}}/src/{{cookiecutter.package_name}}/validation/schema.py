"""The schema of the examples: inferred, read, written, and updated to match the data."""

import itertools
import math
import re
from collections import Counter
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow_data_validation as tfdv
from google.protobuf import json_format, text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..data import tables, targets
from ..reporting import report
from ..settings.base import MORE_MISSING, without_password
from ..settings.data_type import SHARES
from . import anomalies
from .anomalies import alone
from .data_statistics import ColumnStatistics, StatisticsList, by_column, num_values

Schema: TypeAlias = schema_pb2.Schema

HEADER = """\
# What the examples must look like: `make validate` fails on data that violate it.
# Inferred from the training split; review it, edit it, commit it. `make schema` updates it to match new data.
# It is a TFDV schema: https://www.tensorflow.org/tfx/data_validation/get_started
"""
SAME_TABLE = 0.5  # share of the schema's columns that a table needs to be the same one with changes
SHIFT_ROOM = 1.25  # factor by which an accepted split shift may still grow
LONG_TAIL_ROOM = 10  # widths of its range that a column may go beyond it on the side of a long tail
SKEWED = 3  # ratio of the halves of the middle nine tenths of the values from which on they are skewed
STANDARD_ERRORS = 4  # of a share, which chance exceeds in very few of many columns

MAX_SHOWN = 20  # values of a domain in a message
MAX_DOMAIN = 100  # distinct texts up to which a column is a category whose values are listed
MIN_REPEATS = 10  # mean number of occurrences of a value; below, the column is no category
MIN_DOMAIN_MASS = 0.99  # share of listed values: rare others are no anomaly, the model treats them as unseen
LARGE = "__LARGE_BYTES__"  # what TFDV writes for every text of more than a kilobyte


def load(config: Config) -> Schema:
    """Reads the schema.

    Raises:
        InputError: it is missing, or is not a schema.
    """
    path = artifacts.require(config.schema_path, "validate")
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), Schema())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        message = f"{config.schema_path}: {error}; fix that line, or delete the file to infer it again"
        raise InputError(message) from error


def for_run(statistics: StatisticsList, config: Config) -> Schema:
    """The schema to check against: the existing one, or a new one on the first run and for another source."""
    if config.schema_path.exists():
        schema = load(config)
        if not describes_other_table(schema, statistics, config):
            return with_target(schema, config)
        path = config.schema_path
        names = (f"{path.stem}.previous{number or ''}{path.suffix}" for number in itertools.count())
        previous = next(each for each in map(path.with_name, names) if not each.exists())  # a former one is kept
        path.replace(previous)
        print(f"the data are those of another source: the former schema is now {previous}")
    schema = infer(statistics, config)
    write(schema, config)
    print(f"wrote {config.schema_path}, inferred from the training split: review and commit it")
    return schema


def misfit(schema: Schema, column: str, value: Any) -> str:
    """How a single value of a column violates the schema; empty if it does not."""
    feature = tfdv.get_feature(schema, column)
    if feature.type == schema_pb2.BYTES:
        known = feature.string_domain.value
        if not isinstance(value, str | int | float) or value == "":
            return f"{value!r} is no text"
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        return "" if text in known or not known else f"{value!r} is not one of {', '.join(known[:MAX_SHOWN])}"
    number, domain = artifacts.to_number(value), feature.float_domain
    domain = feature.int_domain if feature.HasField("int_domain") else domain
    if not math.isfinite(number):
        return f"{value!r} is no number"
    low, high = (getattr(domain, bound) if domain.HasField(bound) else number for bound in ("min", "max"))
    return "" if low <= number <= high else f"{value!r} is not between {low:g} and {high:g}"


def widen(schema: Schema, table: pa.Table) -> list[str]:
    """Has whole-number columns of the schema take real numbers where a table has some; returns a remark on each."""
    remarks = []
    for feature in schema.feature:
        if feature.type != schema_pb2.INT or feature.name not in table.column_names:
            continue
        values = table[feature.name].drop_null()
        if pa.types.is_floating(values.type) and len(values):
            feature.type = schema_pb2.FLOAT
            if feature.HasField("int_domain"):
                low, high = feature.int_domain.min, feature.int_domain.max
                feature.ClearField("int_domain")
                feature.float_domain.min, feature.float_domain.max = low, high
            number = pa.concat_arrays([*values.filter(pc.not_equal(values, pc.floor(values))).chunks, *values.chunks])[
                0
            ]
            remarks.append(f"{feature.name}: whole numbers so far, real ones in the new data, such as {number}")
    return remarks


def describes_other_table(schema: Schema, statistics: StatisticsList, config: Config) -> bool:
    """Whether the setting `source` has changed, and with it most columns, a target, or all classes of one.

    Columns alone do not tell: what is measured of files and texts has the same names for any source. It is never
    another table if `source` is the same.
    """
    if recorded(schema, "source") == public(config.source):
        return False
    columns, known = by_column(statistics), {feature.name: feature for feature in schema.feature}
    before = [name for name in former_targets(schema, config) if name in known]
    return (
        len(known.keys() & columns.keys()) < SAME_TABLE * len(known)
        or not columns.keys() >= {*before}
        or any(has_other_values(known[name], columns[name]) for name in before)
    )


def former_targets(schema: Schema, config: Config) -> list[str]:
    """The targets that the schema was written for."""
    return [*config.model_copy(update={"target": recorded(schema, "target")}).targets]


def has_other_values(feature: schema_pb2.Feature, splits: list[ColumnStatistics]) -> bool:
    """Whether the schema lists the values of a column, and the splits have none of them."""
    found = {bucket.label for split in splits for bucket in split.string_stats.rank_histogram.buckets}
    return bool(feature.string_domain.value) and found.isdisjoint(feature.string_domain.value)


def with_target(schema: Schema, config: Config) -> Schema:
    """The schema with the target of the settings, which may have changed since the schema was written."""
    before = former_targets(schema, config)
    if before == [*config.targets]:
        return schema
    for feature in schema.feature:
        if feature.name in {*before, *config.targets}:
            others = [name for name in feature.not_in_environment if name != "SERVING"]
            feature.not_in_environment[:] = [*others, *(["SERVING"] if feature.name in config.targets else [])]
    write(schema, config)
    print(f"wrote {config.schema_path}: its target is {config.target} now")
    return schema


def update(old: Schema, statistics: StatisticsList, config: Config) -> Schema:
    """The old schema with the columns replaced that have anomalies; edits of the others by hand are kept."""
    shifts = anomalies.measure_split_shift(statistics, old, config)
    inferred = describe(statistics, min(split.num_examples for split in statistics.datasets), config)
    departing = {found.column for found in anomalies.find(statistics, old, [])}
    kept = {feature.name: feature for feature in old.feature if feature.name not in departing}
    new = Schema()
    new.CopyFrom(inferred)
    del new.feature[:]
    new.feature.extend(kept.get(feature.name, feature) for feature in inferred.feature)
    new.string_domain.extend(old.string_domain)
    for distance in shifts:
        if distance.value > distance.threshold:
            comparator = next(feature for feature in new.feature if feature.name == distance.column).skew_comparator
            allowed = min(1.0, math.ceil(distance.value * SHIFT_ROOM * 100) / 100)
            if distance.measure == anomalies.INFINITY_NORM:
                comparator.infinity_norm.threshold = max(allowed, comparator.infinity_norm.threshold)
            else:
                divergence = comparator.jensen_shannon_divergence
                divergence.threshold = max(allowed, divergence.threshold)
                divergence.source.type = schema_pb2.HistogramSelection.QUANTILES
    return new


def write(schema: Schema, config: Config) -> None:
    """Writes the schema as text, with the settings that it was inferred for."""
    schema.annotation.tag[:] = [f"source={public(config.source)}", f"target={config.target}"]
    artifacts.write_text(config.schema_path, HEADER + text_format.MessageToString(schema, as_utf8=True))


def recorded(schema: Schema, name: str) -> str:
    """The value of a setting that the schema was written for; empty if it does not say."""
    values = [tag.removeprefix(f"{name}=") for tag in schema.annotation.tag if tag.startswith(f"{name}=")]
    return values[0] if values else ""


def public(source: str) -> str:
    """The source without user, password and query, since the schema is committed."""
    address = without_password(source).replace("://***@", "://")
    return re.split(r"[?#]", address)[0] if "://" in address else address


def differences(old: Schema, new: Schema) -> list[str]:
    """One line per column and property that changes."""
    before, after = ({feature.name: feature for feature in schema.feature} for schema in (old, new))
    lines = [f"{report.visible(name)}: new column" for name in after if name not in before]
    lines += [f"{report.visible(name)}: column removed" for name in before if name not in after]
    for name in before.keys() & after.keys():
        was, becomes = (properties(each[name]) for each in (before, after))
        changed = [key for key in sorted(was | becomes) if was.get(key) != becomes.get(key)]
        lines += [f"{report.visible(name)}: {change(key, was.get(key), becomes.get(key))}" for key in changed]
    return sorted(lines)


def properties(feature: schema_pb2.Feature) -> dict[str, Any]:
    """The properties of a column by the dotted names of the schema's fields."""
    return flattened(json_format.MessageToDict(feature, preserving_proto_field_name=True))


def flattened(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted names."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def change(name: str, was: Any, becomes: Any) -> str:
    """How a property changes; of a list, which values are added and removed."""
    if isinstance(was, list) and isinstance(becomes, list):
        moves = [f"+{value}" for value in sorted(set(becomes) - set(was))]
        moves += [f"-{value}" for value in sorted(set(was) - set(becomes))]
        return f"{name}: {report.visible(', '.join(moves))}"
    return f"{name}: {report.visible(was)} -> {report.visible(becomes)}"


def infer(statistics: StatisticsList, config: Config) -> Schema:
    """The schema of the training split, against which the other splits are then checked.

    It leaves room for honest data of the smallest split: for a larger share of missing values, for numbers beyond the
    range of the training split, and for rare categories that it lacks, as far as chance explains them.
    """
    train, smallest = statistics.datasets[0], min(split.num_examples for split in statistics.datasets)
    return describe(StatisticsList(datasets=[train]), smallest, config)


def describe(statistics: StatisticsList, smallest: int, config: Config) -> Schema:
    """A schema that these splits satisfy, and others of at least `smallest` examples; no target when serving."""
    schema = tfdv.infer_schema(
        alone(statistics.datasets[0]), infer_feature_shape=False, max_string_domain_size=MAX_DOMAIN
    )
    schema.default_environment[:] = ["TRAINING", "SERVING"]
    del schema.string_domain[:]  # listed where they are used instead
    free = anomalies.no_features(config) | {*time_columns(config), *(config.targets if targets.IS_FREE else ())}
    columns = by_column(statistics)
    for feature in schema.feature:
        splits = columns[feature.name]
        is_target = feature.name in config.targets
        shares = [
            num_values(column) / max(split.num_examples, 1)
            for column, split in zip(splits, statistics.datasets, strict=True)
        ]
        set_presence(feature, min(shares), smallest, exact=is_target and len(config.targets) == 1)
        is_category = bool(feature.domain)
        feature.ClearField("domain")
        feature.ClearField("bool_domain")
        if feature.name in (*config.targets, config.sample_weight):
            feature.not_in_environment[:] = ["SERVING"]
        if feature.name in free:
            continue
        if feature.name in SHARES:
            set_share(feature)
        elif feature.type != schema_pb2.BYTES:
            set_bounds(feature, splits)
        elif is_category:
            set_domain(feature, splits, smallest, exact=is_target and not targets.IS_SET)
    return schema


def time_columns(config: Config) -> list[str]:
    """Columns that hold times, which TFDV sees as texts."""
    table = tables.column_types(config, "train")
    return [field.name for field in table if pa.types.is_timestamp(field.type)]


def chance(share: float, num_examples: int) -> float:
    """The largest share that chance explains in a split of so many examples, if it is `share` in the training split."""
    return share + STANDARD_ERRORS * math.sqrt(share * (1 - share) / max(num_examples, 1))


def set_presence(feature: schema_pb2.Feature, present: float, smallest: int, *, exact: bool) -> None:
    """Requires the share of values that is present, less MORE_MISSING or what chance may take away."""
    missing = max(1 - present + MORE_MISSING, chance(1 - present, smallest))
    asked = present if exact else max(0.0, 1 - missing)
    feature.presence.min_fraction = math.floor(asked * 100) / 100
    feature.presence.min_count = int(asked > 0)


def set_bounds(feature: schema_pb2.Feature, splits: list[ColumnStatistics]) -> None:
    """Allows the range of the values, widened by its own width, tenfold towards a long tail, but not beyond zero.

    The width of a single value is its size; of a column of zeros nothing is known, and any number is allowed.
    """
    seen = [split.num_stats for split in splits if any(each.buckets for each in split.num_stats.histograms)]
    low = min((numbers.min for numbers in seen if math.isfinite(numbers.min)), default=0.0)
    high = max((numbers.max for numbers in seen if math.isfinite(numbers.max)), default=0.0)
    width = (high - low) or abs(high)
    below, above = (width * (LONG_TAIL_ROOM if has_tail else 1) for has_tail in long_tails(seen))
    lowest = low - below if low < 0 else max(0.0, low - below)
    highest = high + above if high > 0 else min(0.0, high + above)
    if feature.type == schema_pb2.FLOAT:
        feature.float_domain.disallow_nan = feature.float_domain.disallow_inf = True
        if width:
            feature.float_domain.min = rounded_outward(lowest, width, -math.inf)
            feature.float_domain.max = rounded_outward(highest, width, math.inf)
    elif width:
        is_flag = low >= 0 and high <= 1
        limits = (0, 1) if is_flag else (math.floor(lowest), math.ceil(highest))
        feature.int_domain.min, feature.int_domain.max = (min(max(limit, -(2**63)), 2**63 - 1) for limit in limits)


def set_share(feature: schema_pb2.Feature) -> None:
    """Allows 0 to 1: one text in capitals is no mistake, however rare it is; shifts of many are seen as such."""
    domain = feature.float_domain
    domain.min, domain.max, domain.disallow_nan, domain.disallow_inf = 0.0, 1.0, True, True


def long_tails(seen: list[statistics_pb2.NumericStatistics]) -> tuple[bool, bool]:
    """Whether the lowest and the highest twentieth of a column's values, in any split, are a long tail."""
    below, above = False, False
    for numbers in seen:
        for histogram in numbers.histograms:
            if histogram.type == statistics_pb2.Histogram.QUANTILES and histogram.buckets:
                first, last = histogram.buckets[0].high_value, histogram.buckets[-1].low_value
                left, right = numbers.median - first, last - numbers.median
                below |= is_long(first - numbers.min, left, right)
                above |= is_long(numbers.max - last, right, left)
    return below, above


def is_long(tail: float, near: float, far: float) -> bool:
    """Whether a tail belongs to a skewed distribution, or is wider than the middle, whose halves are near and far."""
    return 0 < tail < math.inf and (near >= SKEWED * far or tail > near + far)


def rounded_outward(bound: float, width: float, direction: float) -> float:
    """A bound for reading, to a hundredth of the range's order of magnitude; as a float32, which a schema holds."""
    step = 10.0 ** (math.floor(math.log10(width)) - 2) if width else 1.0
    steps = math.floor(bound / step) if direction < 0 else math.ceil(bound / step)
    rounded = np.float32(float(f"{steps * step:.12g}"))
    is_inside = float(rounded) > bound if direction < 0 else float(rounded) < bound
    return float(np.nextafter(rounded, np.float32(direction)) if is_inside else rounded)


def set_domain(feature: schema_pb2.Feature, splits: list[ColumnStatistics], smallest: int, *, exact: bool) -> None:
    """Lists the values of a column whose values repeat, and allows a share of others, except of a target.

    The share of examples with an unseen value is about that of the values that were seen once (Good 1953), whose number
    is uncertain as well: (1 + sqrt(n))**2 bounds the mean of a Poisson distribution from which n was drawn.
    """
    counts = Counter[str]()
    for split in splits:
        counts.update({bucket.label: bucket.sample_count for bucket in split.string_stats.rank_histogram.buckets})
    occurrences = sum(num_values(split) for split in splits)
    if LARGE in counts or (occurrences < MIN_REPEATS * len(counts) and not exact):
        return
    feature.string_domain.value[:] = sorted(counts)
    listed = 1.0
    if not exact:
        unseen = (1 + math.sqrt(sum(count == 1 for count in counts.values()))) ** 2 / occurrences
        listed = min(MIN_DOMAIN_MASS, 1 - chance(unseen, smallest))
    feature.distribution_constraints.min_domain_mass = math.floor(listed * 100) / 100
