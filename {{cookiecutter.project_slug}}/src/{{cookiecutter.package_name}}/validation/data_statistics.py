"""TFDV statistics of the splits, by Apache Beam pipelines that stream over the Parquet tables."""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import statistics_pb2

from ..config import Config
from ..core import artifacts
from ..data import engine, tables
from ..settings.base import SPLITS

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatistics
StatisticsList: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList
ColumnStatistics: TypeAlias = statistics_pb2.FeatureNameStatistics

QUANTILES = 20  # of a numeric column: fewer misjudge the distance between splits, more cost time
BATCH_CELLS = 1 << 21  # rows times columns in memory at once: some ten megabytes
PART_CELLS = 1 << 26  # rows times columns of a part, unless a single column has more
IN_PROCESS = "--runner=FnApiRunner"
NULLABLE = {
    pa.int64(): pd.Int64Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.string(): pd.StringDtype(),
}


class Part(NamedTuple):
    """Some columns of a split, which one worker reads from the first row to the last."""

    split: str
    columns: tuple[str, ...]
    num_rows: int
    paths: tuple[str, ...]

    @property
    def batch_rows(self) -> int:
        """Rows of a batch."""
        return max(1, BATCH_CELLS // len(self.columns))


def compute(config: Config) -> StatisticsList:
    """The statistics of every split, named after it, in the order of SPLITS.

    They are the same on any runner, with any number of workers and however the rows are spread over files. TFDV's
    sketches of quantiles and frequent values depend on how rows are batched and merged, so a large split is divided by
    columns, and each worker reads the rows of its columns in order, in batches of a fixed size. What fits into one
    batch needs no pipeline, which takes seconds to set up.

    Raises:
        InputError: there are no tables, or the Beam runner that the settings name failed.
    """
    found = parts(config)
    computed = [summarize_part(part) for part in found] if engine.is_local(config) else run(config, found)
    splits = {split: Statistics(name=split) for split in SPLITS}
    for part, statistics in zip(found, computed, strict=True):
        splits[part.split].num_examples = statistics.num_examples
        splits[part.split].features.extend(statistics.features)
    return StatisticsList(datasets=splits.values())


def parts(config: Config) -> list[Part]:
    """The parts of all splits, each with as many neighbouring columns as PART_CELLS allows."""
    found = []
    for split in SPLITS:
        paths = tuple(str(path.resolve()) for path in tables.examples_files(config, split))  # on other machines, too
        names, num_rows = tables.column_types(config, split).names, tables.num_examples(config, split)
        width = max(1, PART_CELLS // max(1, num_rows))
        groups = [tuple(names[start : start + width]) for start in range(0, len(names), width)]
        found += [Part(split, columns, num_rows, paths) for columns in groups]
    return found


def run(config: Config, parts: list[Part]) -> list[Statistics]:
    """The statistics of each part, which workers on other machines leave in a folder of the artifacts."""
    config.paths.validation.mkdir(parents=True, exist_ok=True)
    # Other machines share the folder of the artifacts with this process, but not its temporary folder.
    for leftover in config.paths.validation.glob(".statistics-*"):  # of a process that was killed
        artifacts.remove(leftover)
    with tempfile.TemporaryDirectory(dir=config.paths.validation, prefix=".statistics-") as name:
        files = [Path(name).resolve() / f"{number}.pb" for number in range(len(parts))]
        with engine.pipeline(config, "validation") as pipeline:
            _ = engine.spread(pipeline, zip(files, parts, strict=True)) | "Summarize" >> beam.MapTuple(write_part)
        return [Statistics.FromString(file.read_bytes()) for file in files]


def write_part(file: Path, part: Part) -> None:
    """What one worker does: leaves the statistics of a part where the starting process finds them."""
    file.write_bytes(summarize_part(part).SerializeToString(deterministic=True))


def summarize_part(part: Part) -> Statistics:
    """The statistics of a part, by a pipeline in this process if it has several batches."""
    if part.num_rows <= part.batch_rows:
        return summarize(pa.concat_tables(read(part)), part.split)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, about the mean of infinite values
        file = Path(folder, "statistics.pb")
        with beam.Pipeline(options=PipelineOptions([IN_PROCESS])) as pipeline:
            _ = (
                pipeline
                | beam.Create([part])
                | beam.FlatMap(read_batches)
                | tfdv.GenerateStatistics(options())
                | beam.Map(write, file)
            )
        return with_ties_in_order(StatisticsList.FromString(file.read_bytes()).datasets[0])


def write(statistics: StatisticsList, file: Path) -> None:
    """Writes what a pipeline computes to a file."""
    file.write_bytes(statistics.SerializeToString(deterministic=True))


def options() -> tfdv.StatsOptions:
    """Which statistics are computed, and how fine."""
    return tfdv.StatsOptions(
        num_quantiles_histogram_buckets=QUANTILES,
        num_values_histogram_buckets=2,  # the least; a cell of a table holds one value or none
        desired_batch_size=1,  # takes batches as they come
        use_sketch_based_topk_uniques=True,  # counts frequent values in constant memory
    )


def read_batches(part: Part) -> Iterator[pa.RecordBatch]:
    """The columns of a part for TFDV, in batches that do not depend on the files and row groups of the rows."""
    waiting: list[pa.Table] = []
    for table in read(part):
        rows = pa.concat_tables([*waiting, table])
        if rows.num_rows >= part.batch_rows:
            yield to_tfdv(rows.slice(0, part.batch_rows))
            rows = rows.slice(part.batch_rows)
        waiting = [rows]
    yield from (to_tfdv(rows) for rows in waiting if rows.num_rows)


def read(part: Part) -> Iterator[pa.Table]:
    """The columns of a part as they lie in the files, at most the rows of a batch at once."""
    for path in part.paths:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=part.batch_rows, columns=list(part.columns)):
            yield pa.Table.from_batches([batch]).select(part.columns)


def to_tfdv(table: pa.Table) -> pa.RecordBatch:
    """The rows in the form that `tfdv.GenerateStatistics` reads: a list of one or no value for each cell."""
    columns = [as_lists(to_tfdv_type(column.combine_chunks())) for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, names=table.column_names)


def as_lists(column: pa.Array) -> pa.Array:
    """Each value as a list of its own; a missing one as a missing list."""
    is_missing = column.is_null().to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(~is_missing)])
    return pa.LargeListArray.from_arrays(pa.array(ends, mask=np.append(is_missing, False)), column.drop_null())


def to_tfdv_type(column: pa.Array) -> pa.Array:
    """The column in a type that TFDV knows: it drops times without a word and fails at some others.

    Booleans become 0 and 1, times texts in ISO 8601 as clients send them, encoded texts plain ones.
    """
    if pa.types.is_boolean(column.type) or (pa.types.is_integer(column.type) and column.type != pa.uint64()):
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        return column.cast(pa.float64())
    if pa.types.is_timestamp(column.type):
        text = column.cast(pa.timestamp("s"), safe=False).cast(pa.string())  # much faster than strftime
        return pc.binary_replace_slice(text, 10, 11, "T").cast(pa.string())
    if pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.string())
    return column


def summarize(table: pa.Table, name: str) -> Statistics:
    """The statistics of a table in memory, called `name`: for few rows, setting up a pipeline takes longer."""
    columns = {name: to_tfdv_type(table[name].combine_chunks()) for name in table.column_names}
    frame = pa.table(columns).to_pandas(types_mapper=NULLABLE.get)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # as in `summarize_part`
        statistics = with_ties_in_order(tfdv.generate_statistics_from_dataframe(frame, options()).datasets[0])
    statistics.name = name
    return statistics


def with_ties_in_order(statistics: Statistics) -> Statistics:
    """Equally frequent values in alphabetical order: TFDV's order of them changes by chance.

    If there are more values than TFDV lists, those as frequent as the last listed are left out, since chance has chosen
    them.
    """
    most = options().num_rank_histogram_buckets
    for column in statistics.features:
        listed = column.string_stats.rank_histogram.buckets
        ranked = sorted(listed, key=lambda each: (-each.sample_count, each.label))
        if len(ranked) == most:
            ranked = [each for each in ranked if each.sample_count > ranked[-1].sample_count]
        num_top = len(column.string_stats.top_values)
        if ranked != list(listed):
            kept = [(each.label, each.sample_count) for each in ranked]
            del listed[:], column.string_stats.top_values[:]
            for rank, (label, count) in enumerate(kept):
                listed.add(low_rank=rank, high_rank=rank, label=label, sample_count=count)
            for label, count in kept[:num_top]:
                column.string_stats.top_values.add(value=label, frequency=count)
    return statistics


def by_column(statistics: StatisticsList) -> dict[str, list[ColumnStatistics]]:
    """The statistics of every column, one per split; empty ones where a split lacks the column."""
    splits = [{column.path.step[0]: column for column in split.features} for split in statistics.datasets]
    names = dict.fromkeys(name for split in splits for name in split)
    return {name: [split.get(name, ColumnStatistics()) for split in splits] for name in names}


def num_values(column: ColumnStatistics) -> int:
    """How many values of a column are not missing."""
    kind = column.string_stats if column.HasField("string_stats") else column.num_stats
    return int(kind.common_stats.num_non_missing)
