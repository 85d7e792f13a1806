"""The examples of sources that come in parts, on their way to the splits, on disk."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ..config import Config
from ..data import loading, splitting
from ..data.reading import Examples, column_types, join, to_arrow, varies


class OnDisk:
    """All examples of sources that come in parts; parts of a source follow each other.

    In memory are only the columns by which examples are split, a hash of what identifies each example and, where there
    are keys, one of all that it holds.
    """

    def __init__(self, examples: Examples, config: Config, folder: Path) -> None:
        """Takes the module that knows what an example is, and the folder for the parts."""
        self.examples, self.config, self.folder = examples, config, folder
        self.sizes: Counter[str] = Counter()  # examples by source
        self.types: dict[str, set[pa.DataType]] = {}
        self.columns: dict[str, str] = {}
        self.files: list[Path] = []
        self.seen: list[tuple[pd.DataFrame, np.ndarray, np.ndarray]] = []  # what stays in memory of each part
        self.vary = False
        self.first: pd.DataFrame | None = None
        folder.mkdir(parents=True)

    def add(self, source: str, part: pd.DataFrame) -> None:
        """Writes a part and keeps what splitting needs."""
        names = dict.fromkeys(
            [
                *self.config.targets,
                *(getattr(self.config, setting) for setting in ("key", "group", "time", "sample_weight")),
            ]
        )
        names |= dict.fromkeys([splitting.GIVEN] if splitting.GIVEN in part else [])
        same = self.examples.identities(self.config, part)
        contents = splitting.hash_rows(part) if self.config.key else same
        self.seen.append((part[[name for name in names if name]], same, contents))
        self.first = part.head(1) if self.first is None else self.first
        self.vary = self.vary or varies(self.config, part) or varies(self.config, pd.concat([self.first, part.head(1)]))
        self.columns = self.columns or column_types(part)
        table = to_arrow(part)
        for field in table.schema:
            self.types.setdefault(field.name, set()).add(field.type)
        self.files.append(self.folder / f"{len(self.files):08}.arrow")
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(self.files[-1], table.schema, options=options) as writer:
            writer.write_table(table)
        self.sizes[source] += len(part)

    def complete(self) -> None:
        """Makes what splitting asks for, when all parts are there."""
        deciding, same, contents = map(list, zip(*self.seen, strict=True))
        self.seen = []
        self.deciding = join(deciding)
        deciding.clear()
        self.identities = np.concatenate(same)
        same.clear()
        self.contents = np.concatenate(contents) if self.config.key else self.identities

    def rows(self, chosen: np.ndarray) -> pd.DataFrame:
        """The chosen examples, (num_examples,) bool, with all columns, or a random sample that fits in memory."""
        numbers, start, found = np.flatnonzero(chosen), 0, []
        numbers = numbers[loading.draw(self.config, len(numbers))]
        for table in self.tables():
            inside = slice(*np.searchsorted(numbers, [start, start + len(table)]))
            found.append(table.take(numbers[inside] - start))
            start += len(table)
        return pa.concat_tables(found).to_pandas()

    def tables(self) -> Iterator[pa.Table]:
        """The examples as they are written, part by part."""
        schema = pa.schema([(name, common_type(types)) for name, types in self.types.items()])
        for file in self.files:
            with pa.memory_map(str(file)) as stored:
                yield pa.ipc.open_file(stored).read_all().cast(schema)


def common_type(types: set[pa.DataType]) -> pa.DataType:
    """The type that holds the cells of all parts of a column, which are of one kind: whole numbers stay whole."""
    known = {kind for kind in types if not pa.types.is_null(kind)} or types
    if len(known) == 1:
        return next(iter(known))
    return pa.int64() if known <= {pa.int64(), pa.bool_()} else pa.float64()
