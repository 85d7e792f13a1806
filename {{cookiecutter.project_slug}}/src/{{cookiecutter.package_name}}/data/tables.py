"""The examples tables that `make collect` writes: their files, hashes, rows and blocks of rows."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pyarrow.parquet as pq

from ..config import Config
from ..core import artifacts
from ..core.errors import InputError
from ..settings.base import SPLITS

DRAWN_FROM = "drawn from"  # the attribute of a sample that says how many examples there are

GROUP_ROWS = 65_536  # rows of a row group, which readers hold in memory at once


def data_hash(config: Config) -> str:
    """A hash of the examples of all splits: it identifies the data that a model was trained and accepted on."""
    return artifacts.text_hash(
        [artifacts.content_hash(file) for split in SPLITS for file in examples_files(config, split)]
    )


def validation_hash(config: Config) -> str:
    """A hash of the validation examples, the target and the weights: scores with the same hash can be compared."""
    return split_hash(config, "validation")


def split_hash(config: Config, split: str) -> str:
    """A hash of the examples of a split, the target and the weights."""
    columns = [name for name in (*config.targets, config.sample_weight) if name]
    return artifacts.text_hash([*map(artifacts.content_hash, examples_files(config, split)), *columns])


def examples_files(config: Config, split: str) -> list[Path]:
    """The Parquet files of a split in order: usually one; several if its path is a folder of shards."""
    path = artifacts.require(config.paths.examples(split), "collect")
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} is a folder without tables: remove it and run `make collect` again")
    return files


def column_types(config: Config, split: str) -> pa.Schema:
    """The columns of a split, with their types."""
    path = examples_files(config, split)[0]
    with artifacts.reading(path, "collect"):
        return pq.read_schema(path)


def num_examples(config: Config, split: str) -> int:
    """How many examples a split has."""
    num_rows = 0
    for path in examples_files(config, split):
        with artifacts.reading(path, "collect"):
            num_rows += int(pyarrow.parquet.read_metadata(path).num_rows)
    return num_rows


def all_targets(config: Config, split: str, examples: pd.DataFrame) -> Any:
    """The targets of all examples of a split, even if `examples` is a sample of it: a series, or a table of several."""
    rows = read_rows(config, split, [*config.targets]) if DRAWN_FROM in examples.attrs else examples
    return rows[config.target_columns]


def labels(config: Config, table: pd.DataFrame) -> list[Any]:
    """The ground truth of each row, None where it is missing; of several targets a list, unless all are missing."""
    truths = table[[*config.targets]].astype(object)
    rows = truths.where(truths.notna(), None).to_numpy().tolist()
    return [row if len(row) > 1 and any(value is not None for value in row) else row[0] for row in rows]


def truth(config: Config, examples: pd.DataFrame, place: int) -> str:
    """The target of an example as text; none, if it is a set without labels."""
    return ", ".join(str(examples[name].iloc[place]) for name in config.targets) or "none"


def sample_weights(config: Config, examples: pd.DataFrame) -> npt.NDArray[np.float64] | None:
    """The sample weights, (num_examples,), as the column has them; None where the setting names no column."""
    return examples[config.sample_weight].to_numpy("float64") if config.sample_weight else None


def extent(examples: pd.DataFrame) -> str:
    """The number of examples as text; for a sample, also the number it was drawn from."""
    drawn = f" of {examples.attrs[DRAWN_FROM]:,}, drawn at random" if DRAWN_FROM in examples.attrs else ""
    return f"{len(examples):,}{drawn}"


def read_rows(config: Config, split: str, columns: list[str] | None = None) -> pd.DataFrame:
    """The table of a split, or some of its columns."""
    path, _ = config.paths.examples(split), examples_files(config, split)
    with artifacts.reading(path, "collect"):
        return pd.read_parquet(path, columns=columns)


def read_blocks(config: Config, split: str, num_rows: int) -> Generator[pd.DataFrame, None, None]:
    """The table of a split in blocks of at most `num_rows` rows, in order."""
    for path in examples_files(config, split):
        with artifacts.reading(path, "collect"), pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(num_rows):
                yield pa.Table.from_batches([batch]).to_pandas()


class TableWriter:
    """Writes tables of one schema, one after the other."""

    def __init__(self, path: Path) -> None:
        """Stores the path; the first table creates the file."""
        self.path = path
        self.file: Any = None
        self.waiting: list[pa.Table] = []

    def __enter__(self) -> Self:
        """Returns the writer."""
        return self

    def __exit__(self, *details: object) -> None:
        """Writes the remaining rows and closes the file."""
        if self.file is not None:
            self.write_groups(fewest=1)
            self.file.close()

    def write(self, table: pa.Table) -> None:
        """Appends rows, which are buffered until a row group is full."""
        if self.file is None:
            options = {"coerce_timestamps": "us", "allow_truncated_timestamps": True}
            self.file = pq.ParquetWriter(self.path, table.schema, **options)
        self.waiting.append(table)
        if sum(rows.num_rows for rows in self.waiting) >= GROUP_ROWS:
            self.write_groups(fewest=GROUP_ROWS)

    def write_groups(self, fewest: int) -> None:
        """Writes row groups while at least `fewest` rows are buffered."""
        rows = pa.concat_tables(self.waiting)
        while rows.num_rows >= fewest:
            self.file.write_table(rows.slice(0, GROUP_ROWS).combine_chunks())
            rows = rows.slice(GROUP_ROWS)
        self.waiting = [rows]
