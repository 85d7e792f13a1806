"""The tables of the splits in parts with fixed rows, however they are cut into files and row groups.

What is computed part by part and joined in their order is the same whoever computes it, to the last bit.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..config import Config
from ..core import artifacts
from ..core.paths import SPLITS

PART_ROWS = 1 << 20  # that one worker reads, one batch after the other
BATCH_CELLS = 1 << 20  # rows times columns that are in memory at once: some ten megabytes


class Part(NamedTuple):
    """The rows of a split from `start` on, up to `stop`, and the files in which they are."""

    split: str
    number: int
    paths: tuple[str, ...]
    start: int
    stop: int


def parts(config: Config) -> list[Part]:
    """The parts of all splits, which can be read on their own, by several workers at once."""
    found = []
    for split in SPLITS:
        paths = tuple(str(path.resolve()) for path in artifacts.examples_files(config, split))  # on other machines, too
        num_rows = artifacts.num_examples(config, split)
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
