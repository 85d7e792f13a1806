"""Writes Parquet files in row groups of one size, whatever the size of the tables that come."""

from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 65_536  # that a reader of the file holds in memory at once


class Writer:
    """Writes tables of one schema, one after the other."""

    def __init__(self, path: Path) -> None:
        """Takes the path of the file, which the first table creates."""
        self.path = path
        self.file: Any = None
        self.waiting: list[pa.Table] = []

    def __enter__(self) -> Self:
        """Gives itself."""
        return self

    def __exit__(self, *details: object) -> None:
        """Writes the rows that wait and closes the file."""
        if self.file is not None:
            self.write_groups(fewest=1)
            self.file.close()

    def write(self, table: pa.Table) -> None:
        """Appends rows, which wait until a row group is full."""
        if self.file is None:
            options = {"coerce_timestamps": "us", "allow_truncated_timestamps": True}
            self.file = pq.ParquetWriter(self.path, table.schema, **options)
        self.waiting.append(table)
        if sum(rows.num_rows for rows in self.waiting) >= ROWS:
            self.write_groups(fewest=ROWS)

    def write_groups(self, fewest: int) -> None:
        """Writes row groups as long as at least so many rows wait."""
        rows = pa.concat_tables(self.waiting)
        while rows.num_rows >= fewest:
            self.file.write_table(rows.slice(0, ROWS).combine_chunks())
            rows = rows.slice(ROWS)
        self.waiting = [rows]
