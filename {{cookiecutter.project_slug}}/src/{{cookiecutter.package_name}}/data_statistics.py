"""TFDV statistics of the splits, by one Apache Beam pipeline that streams over the row groups of the Parquet tables."""

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tensorflow_metadata.proto.v0 import statistics_pb2

from . import artifacts
from .config import Config
from .paths import SPLITS
from .quiet_tfdv import (
    CanonicalizeRecordBatch,
    PipelineOptions,
    beam,
    get_generators,
    merge_dataset_feature_statistics,
    tfdv,
)

BATCH_CELLS = 1 << 20  # rows times columns that are in memory at once: some ten megabytes
QUANTILES = 20  # of a number: fewer misjudge the distance of splits, more cost time (TFDV sketches 100 times as many)

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatistics
StatisticsList: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList
ColumnStatistics: TypeAlias = statistics_pb2.FeatureNameStatistics
RowGroup: TypeAlias = tuple[str, str, int]  # split, path of the table, number of the row group
Accumulators: TypeAlias = list[Any]  # one per generator


def compute(config: Config) -> StatisticsList:
    """The statistics of every split, named after it, in the order of SPLITS."""
    config.paths.validation.mkdir(parents=True, exist_ok=True)
    # The workers of a cluster share the place of the artifacts with this process, but not its temporary folder.
    with tempfile.TemporaryDirectory(dir=config.paths.validation, prefix=".statistics-") as folder:
        with warnings.catch_warnings(), beam.Pipeline(options=PipelineOptions(list(config.beam_options))) as pipeline:
            warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, about the mean of infinite values
            _ = (
                pipeline
                | "Row groups" >> beam.Create(row_groups(config))
                | "Read" >> beam.FlatMapTuple(read_batches)
                | "Summarize" >> beam.CombinePerKey(CombineStatistics())
                | "Write" >> beam.Map(write, Path(folder))
            )
        return StatisticsList(datasets=[Statistics.FromString(Path(folder, split).read_bytes()) for split in SPLITS])


def by_column(statistics: StatisticsList) -> dict[str, list[ColumnStatistics]]:
    """The statistics of every column, one per split; empty ones where a split lacks the column."""
    splits = [{column.path.step[0]: column for column in split.features} for split in statistics.datasets]
    names = dict.fromkeys(name for split in splits for name in split)
    return {name: [split.get(name, ColumnStatistics()) for split in splits] for name in names}


def num_values(column: ColumnStatistics) -> int:
    """How many values of a column are not missing."""
    kind = column.string_stats if column.HasField("string_stats") else column.num_stats
    return int(kind.common_stats.num_non_missing)


def row_groups(config: Config) -> list[RowGroup]:
    """The parts of the tables that can be read on their own, by several workers at once."""
    paths = {split: artifacts.require(config.paths.examples(split), "collect") for split in SPLITS}
    return [
        (split, str(path), number)
        for split, path in paths.items()
        for number in range(pq.ParquetFile(path).num_row_groups)
    ]


def read_batches(split: str, path: str, row_group: int) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Reads a row group piece by piece, so that memory depends neither on its size nor on the number of columns."""
    table = pq.ParquetFile(path)
    rows = max(1, BATCH_CELLS // max(1, table.metadata.num_columns))
    for batch in table.iter_batches(batch_size=rows, row_groups=[row_group]):
        yield split, to_tfdv(batch)


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


class CombineStatistics(beam.CombineFn):
    """Runs TFDV's generators as one combiner per split.

    `tfdv.GenerateStatistics` runs the same ones, but spreads the batches of a split over up to 128 accumulators, whose
    copying takes longer than the statistics, and needs dozens of further transforms per split.
    """

    def setup(self) -> None:
        """Makes the generators where they are used, on each worker."""
        self.generators = get_generators(options(), in_memory=True)
        for generator in self.generators:
            generator.setup()

    def create_accumulator(self) -> Accumulators:
        """What each generator starts from."""
        return [generator.create_accumulator() for generator in self.generators]

    def add_input(self, accumulators: Accumulators, batch: pa.RecordBatch) -> Accumulators:
        """Adds the rows of a batch."""
        pairs = zip(self.generators, accumulators, strict=True)
        return [generator.add_input(accumulator, batch) for generator, accumulator in pairs]

    def merge_accumulators(self, parts: Iterable[Accumulators]) -> Accumulators:
        """Joins what several workers have summarized."""
        pairs = zip(self.generators, zip(*parts, strict=True), strict=True)
        return [generator.merge_accumulators(accumulators) for generator, accumulators in pairs]

    def compact(self, accumulators: Accumulators) -> Accumulators:
        """Makes the accumulators small before they travel to another worker."""
        pairs = zip(self.generators, accumulators, strict=True)
        return [generator.compact(accumulator) for generator, accumulator in pairs]

    def extract_output(self, accumulators: Accumulators) -> Statistics:
        """The statistics of all that was added."""
        pairs = zip(self.generators, self.compact(accumulators), strict=True)
        outputs = [generator.extract_output(accumulator) for generator, accumulator in pairs]
        return merge_dataset_feature_statistics(outputs).datasets[0]


def summarize(table: pa.Table, name: str) -> Statistics:
    """The statistics of a table in memory, called `name`: for few rows a pipeline takes longer to set up than run."""
    combine = CombineStatistics()
    combine.setup()
    accumulators = combine.create_accumulator()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # as in `compute`
        for batch in table.to_batches(max_chunksize=max(1, BATCH_CELLS // max(1, table.num_columns))):
            accumulators = combine.add_input(accumulators, to_tfdv(batch))
        statistics = combine.extract_output(accumulators)
    statistics.name = name
    return statistics


def options() -> tfdv.StatsOptions:
    """How fine the statistics are."""
    return tfdv.StatsOptions(
        num_quantiles_histogram_buckets=QUANTILES,
        num_values_histogram_buckets=2,  # the least; a cell of a table holds one value or none
    )


def write(statistics_of_split: tuple[str, Statistics], folder: Path) -> None:
    """Leaves the statistics where the starting process finds them, on whichever worker they were made."""
    split, statistics = statistics_of_split
    statistics.name = split
    (folder / split).write_bytes(statistics.SerializeToString(deterministic=True))
