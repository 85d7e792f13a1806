"""The examples on their way from the sources to the splits: in memory or, where a source comes in parts, on disk."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ..config import Config
from ..core.errors import InputError
from ..examples import identities
from . import additions, splitting
from .example_checks import check_columns, feature_names, row_numbers
from .provenance import Provenance

Part = tuple[str, pd.DataFrame]  # a source, and all its examples or some of them


class InMemory:
    """All examples of all sources, in their order."""

    def __init__(self, config: Config) -> None:
        """Begins without any."""
        self.config = config
        self.parts: list[pd.DataFrame] = []
        self.sizes: Counter[str] = Counter()  # examples by source

    def add(self, source: str, part: pd.DataFrame) -> None:
        """Takes examples of a source."""
        self.parts.append(part)
        self.sizes[source] += len(part)

    def complete(self) -> None:
        """Makes what splitting asks for, when all examples are there."""
        self.deciding = additions.join(self.parts)  # with all columns
        self.parts = []
        self.columns = {str(name): str(dtype) for name, dtype in self.deciding.dtypes.items()}
        self.vary = varies(self.config, self.deciding)
        self.identities = identities(self.config, self.deciding)
        self.contents = splitting.hash_rows(self.deciding) if self.config.key else self.identities

    def tables(self) -> Iterator[pa.Table]:
        """The examples as they are written."""
        yield to_arrow(self.deciding)


class OnDisk:
    """All examples of sources that come in parts; parts of a source follow each other.

    In memory are only the columns by which examples are split, a hash of what identifies each example and, where there
    are keys, one of all that it holds.
    """

    def __init__(self, config: Config, folder: Path) -> None:
        """Takes the folder for the parts."""
        self.config, self.folder = config, folder
        self.sizes: Counter[str] = Counter()  # examples by source
        self.types: dict[str, set[pa.DataType]] = {}
        self.columns: dict[str, str] = {}
        self.files: list[Path] = []
        self.seen: list[tuple[pd.DataFrame, np.ndarray, np.ndarray]] = []  # what stays in memory of each part
        self.vary = False
        self.first: pd.DataFrame | None = None
        folder.mkdir(parents=True)

    def add(self, source: str, part: pd.DataFrame) -> None:
        """Writes a part and keeps what splitting goes by."""
        names = dict.fromkeys(getattr(self.config, setting) for setting in ("target", "key", "group", "time"))
        same = identities(self.config, part)
        contents = splitting.hash_rows(part) if self.config.key else same
        self.seen.append((part[[name for name in names if name]], same, contents))
        self.first = part.head(1) if self.first is None else self.first
        self.vary = self.vary or varies(self.config, part) or varies(self.config, pd.concat([self.first, part.head(1)]))
        self.columns = self.columns or {str(name): str(dtype) for name, dtype in part.dtypes.items()}
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
        self.deciding = additions.join(deciding)
        deciding.clear()
        self.identities = np.concatenate(same)
        same.clear()
        self.contents = np.concatenate(contents) if self.config.key else self.identities

    def tables(self) -> Iterator[pa.Table]:
        """The examples as they are written, part by part."""
        schema = pa.schema([(name, common_type(types)) for name, types in self.types.items()])
        for file in self.files:
            with pa.memory_map(str(file)) as stored:
                yield pa.ipc.open_file(stored).read_all().cast(schema)


def gather(config: Config, folder: Path, parts: Iterator[Part], provenance: Provenance) -> InMemory | OnDisk:
    """Checks the examples of each source, leaves out those without target and puts all together.

    If the first source comes in several parts, all go to the folder.

    Raises:
        InputError: a column that a setting names is not there or cannot do its duty, or no target is known.
    """
    head = list(itertools.islice(parts, 2))
    in_parts = len({source for source, _ in head}) < len(head)
    parts = itertools.chain(iter(head), parts)
    del head  # else it stays in memory
    gathered = OnDisk(config, folder) if in_parts else InMemory(config)
    num_rows: Counter[str] = Counter()
    for source, part in parts:
        first = num_rows[source] + 1
        check_columns(config, source, part, first)
        is_missing = part[config.target].isna()
        prefix = "" if source == config.source else f"{source}: "
        provenance.drop(f"{prefix}target {config.target} missing", row_numbers(is_missing, first))
        num_rows[source] += len(part)
        gathered.add(source, part[~is_missing].reset_index(drop=True) if is_missing.any() else part)
    for source, number in num_rows.items():
        if not gathered.sizes[source]:
            message = f"target {config.target!r} is missing in all {number} rows"
            raise InputError(f"{message}; check `target`, and that missing_markers holds none of its values")
    gathered.complete()
    return gathered


def varies(config: Config, examples: pd.DataFrame) -> bool:
    """Whether any feature has several values."""
    names = feature_names(config, [str(name) for name in examples.columns])
    return any(len(examples[name].unique()) > 1 for name in names)


def to_arrow(examples: pd.DataFrame) -> pa.Table:
    """A table without the notes of pandas, which would read nullable types, which NumPy takes for objects."""
    return pa.Table.from_pandas(examples, preserve_index=False).replace_schema_metadata(None)


def common_type(types: set[pa.DataType]) -> pa.DataType:
    """The type that holds the cells of all parts of a column, which are of one kind: whole numbers stay whole."""
    known = {kind for kind in types if not pa.types.is_null(kind)} or types
    if len(known) == 1:
        return next(iter(known))
    return pa.int64() if known <= {pa.int64(), pa.bool_()} else pa.float64()
