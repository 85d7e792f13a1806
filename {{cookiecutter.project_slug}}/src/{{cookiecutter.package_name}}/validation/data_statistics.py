"""TFDV statistics of the splits, by one Apache Beam pipeline that streams over the Parquet tables."""

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics.stats_impl import get_generators
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_bsl.arrow.table_util import CanonicalizeRecordBatch
from tfx_bsl.statistics.merge_util import merge_dataset_feature_statistics

from ..config import Config
from ..data import engine, tables
from ..settings.base import SPLITS

QUANTILES = 20  # of a number: fewer misjudge the distance of splits, more cost time (TFDV sketches 100 times as many)

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatistics
StatisticsList: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList
ColumnStatistics: TypeAlias = statistics_pb2.FeatureNameStatistics
Accumulators: TypeAlias = list[Any]  # one per generator

PART_ROWS = 1 << 20  # that one worker reads, one batch after the other
BATCH_CELLS = 1 << 20  # rows times columns that are in memory at once: some ten megabytes


class Part(NamedTuple):
    """The rows of a split from `start` on, up to `stop`, and the files in which they are."""

    split: str
    number: int
    paths: tuple[str, ...]
    start: int
    stop: int


def compute(config: Config) -> StatisticsList:
    """The statistics of every split, named after it, in the order of SPLITS.

    They are the same to the last bit on any runner, by any number of workers and in whatever files the rows are: TFDV's
    sketches of quantiles and frequent values depend on how rows are cut and joined, and here both are fixed.

    Raises:
        InputError: there are no tables, or another runner than the one in this process could not do it.
    """
    found = parts(config)
    config.paths.validation.mkdir(parents=True, exist_ok=True)
    # The workers of a cluster share the place of the artifacts with this process, but not its temporary folder.
    with tempfile.TemporaryDirectory(dir=config.paths.validation, prefix=".statistics-") as name:
        folder = Path(name).resolve()
        run(config, found, folder)
        return StatisticsList(datasets=[Statistics.FromString((folder / split).read_bytes()) for split in SPLITS])


def run(config: Config, parts: list[Part], folder: Path) -> None:
    """Summarizes the parts and writes a file per split into the folder."""
    with warnings.catch_warnings(), engine.pipeline(config, "validation") as pipeline:
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, about the mean of infinite values
        _ = (
            engine.spread(pipeline, parts)
            | "Summarize" >> beam.Map(summarize_part)
            | "Gather" >> beam.GroupByKey()
            | "Merge" >> beam.MapTuple(merge_parts)
            | "Write" >> beam.Map(write, folder)
        )


def by_column(statistics: StatisticsList) -> dict[str, list[ColumnStatistics]]:
    """The statistics of every column, one per split; empty ones where a split lacks the column."""
    splits = [{column.path.step[0]: column for column in split.features} for split in statistics.datasets]
    names = dict.fromkeys(name for split in splits for name in split)
    return {name: [split.get(name, ColumnStatistics()) for split in splits] for name in names}


def num_values(column: ColumnStatistics) -> int:
    """How many values of a column are not missing."""
    kind = column.string_stats if column.HasField("string_stats") else column.num_stats
    return int(kind.common_stats.num_non_missing)


def to_tfdv(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch in the types that TFDV takes: it drops times in silence and stops at some others."""
    columns = [to_tfdv_type(column) for column in batch.columns]
    return CanonicalizeRecordBatch(pa.RecordBatch.from_arrays(columns, names=batch.schema.names))


def to_tfdv_type(column: pa.Array) -> pa.Array:
    """Booleans as 0 and 1, times as ISO 8601 texts as clients send them, texts in their plain encoding."""
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int64())
    if pa.types.is_timestamp(column.type):
        text = column.cast(pa.timestamp("s"), safe=False).cast(pa.string())  # much faster than strftime
        return pc.binary_replace_slice(text, 10, 11, "T").cast(pa.string())
    if pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.string())
    return column


class Generators:
    """TFDV's generators of statistics as one.

    `tfdv.GenerateStatistics` runs the same ones, but spreads the batches of a split over up to 128 accumulators, whose
    copying takes longer than the statistics, and needs dozens of further transforms per split.
    """

    def __init__(self) -> None:
        """Makes the generators, on the worker that uses them."""
        self.generators = get_generators(how_fine(), in_memory=True)
        for generator in self.generators:
            generator.setup()

    def summarize(self, batches: Iterable[pa.RecordBatch]) -> Accumulators:
        """What the generators note of some rows, small enough to travel to another worker."""
        accumulators = [generator.create_accumulator() for generator in self.generators]
        for batch in batches:
            pairs = zip(self.generators, accumulators, strict=True)
            prepared = to_tfdv(batch)
            accumulators = [generator.add_input(accumulator, prepared) for generator, accumulator in pairs]
        return self.compact(accumulators)

    def compact(self, accumulators: Accumulators) -> Accumulators:
        """The same in less space."""
        pairs = zip(self.generators, accumulators, strict=True)
        return [generator.compact(accumulator) for generator, accumulator in pairs]

    def finish(self, parts: Iterable[Accumulators]) -> Statistics:
        """The statistics of the rows of all parts, joined in this order."""
        pairs = zip(self.generators, zip(*parts, strict=True), strict=True)
        merged = self.compact([generator.merge_accumulators(accumulators) for generator, accumulators in pairs])
        outputs = [
            generator.extract_output(accumulator)
            for generator, accumulator in zip(self.generators, merged, strict=True)
        ]
        return with_ties_in_order(merge_dataset_feature_statistics(outputs).datasets[0])


def with_ties_in_order(statistics: Statistics) -> Statistics:
    """Values that are equally frequent in the order of the alphabet: TFDV gives them in one that changes by chance.

    Of more values than TFDV lists, those as frequent as the last listed are left out, since chance has chosen them.
    """
    most = how_fine().num_rank_histogram_buckets
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


def summarize_part(part: Part) -> tuple[str, tuple[int, Accumulators]]:
    """What one worker does: the accumulators of a part, by its split and number."""
    return part.split, (part.number, Generators().summarize(read_batches(part)))


def merge_parts(split: str, numbered: Iterable[tuple[int, Accumulators]]) -> Statistics:
    """The statistics of a split, whichever worker had which of its parts."""
    in_order = sorted(numbered, key=lambda each: each[0])
    statistics = Generators().finish([accumulators for _, accumulators in in_order])
    statistics.name = split
    return statistics


def summarize(table: pa.Table, name: str) -> Statistics:
    """The statistics of a table in memory, called `name`: for few rows a pipeline takes longer to set up than run."""
    generators = Generators()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # as in `compute`
        batches = table.to_batches(max_chunksize=max(1, BATCH_CELLS // max(1, table.num_columns)))
        statistics = generators.finish([generators.summarize(batches)])
    statistics.name = name
    return statistics


def how_fine() -> tfdv.StatsOptions:
    """How fine the statistics are."""
    return tfdv.StatsOptions(
        num_quantiles_histogram_buckets=QUANTILES,
        num_values_histogram_buckets=2,  # the least; a cell of a table holds one value or none
    )


def write(statistics: Statistics, folder: Path) -> None:
    """Leaves the statistics where the starting process finds them, on whichever worker they were made."""
    (folder / statistics.name).write_bytes(statistics.SerializeToString(deterministic=True))


def parts(config: Config) -> list[Part]:
    """The parts of all splits, which can be read on their own, by several workers at once."""
    found = []
    for split in SPLITS:
        paths = tuple(str(path.resolve()) for path in tables.examples_files(config, split))  # on other machines, too
        num_rows = tables.num_examples(config, split)
        for number, start in enumerate(range(0, max(1, num_rows), PART_ROWS)):
            found.append(Part(split, number, paths, start, min(start + PART_ROWS, num_rows)))
    return found


def read_batches(part: Part) -> Iterator[pa.RecordBatch]:
    """The rows of a part in batches whose size depends on the number of columns alone, so that memory is bounded."""
    rows = max(1, BATCH_CELLS // max(1, pq.read_metadata(part.paths[0]).num_columns))
    waiting: list[pa.RecordBatch] = []
    for batch in read_slices(part, rows):
        missing = rows - sum(each.num_rows for each in waiting)
        if batch.num_rows < missing:
            waiting.append(batch)
            continue
        yield join([*waiting, batch.slice(0, missing)])
        waiting = [batch.slice(missing)] if batch.num_rows > missing else []
    if waiting:
        yield join(waiting)


def read_slices(part: Part, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of a part as they come out of the row groups, at most `rows` at once."""
    first = 0  # row of the split
    for path in part.paths:
        table = pq.ParquetFile(path)
        for number in range(table.num_row_groups):
            num_rows = table.metadata.row_group(number).num_rows
            if first < part.stop and first + num_rows > part.start:
                at = first
                for batch in table.iter_batches(batch_size=rows, row_groups=[number]):
                    begin, end = max(part.start - at, 0), min(part.stop - at, batch.num_rows)
                    if begin < end:
                        yield batch.slice(begin, end - begin)
                    at += batch.num_rows
            first += num_rows


def join(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Several batches as one."""
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
