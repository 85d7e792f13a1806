"""The examples of all sources on their way to the splits: read, checked and joined."""

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from ..settings.base import SPLITS, is_number
from . import cell_formats, splitting
from .provenance import Provenance, name_rows
from .splitting import GIVEN

MIN_EXAMPLES = len(SPLITS)
COLUMNS_SHOWN = 20
MAX_EXACT = 2**53  # up to which a real number holds every whole one
Part = tuple[str, pd.DataFrame]  # a source, and all its examples or some of them


class Examples(Protocol):
    """What is asked of the module examples.py, which knows what an example is."""

    def read_parts(self, config: Config) -> Iterator[pd.DataFrame]:
        """The examples of a source, in one part or several."""

    def as_before(self, config: Config, examples: pd.DataFrame) -> Config:
        """The settings by which a further source is read as `examples` were."""

    def identities(self, config: Config, examples: pd.DataFrame) -> np.ndarray:
        """A number per example, (num_examples,) uint64, that those share which are the same to a model."""


class Gathered(Protocol):
    """What holds the examples until they are split."""

    sizes: Counter[str]
    """Examples by source."""
    columns: dict[str, str]
    """The dtype of each column."""
    deciding: pd.DataFrame
    """The columns by which examples are split, at least."""
    identities: np.ndarray
    contents: np.ndarray
    """A hash of all that an example holds, (num_examples,) uint64; where there is no key, the identities."""
    vary: bool
    """Whether any feature has several values."""

    def add(self, source: str, part: pd.DataFrame) -> None:
        """Takes examples of a source."""

    def complete(self) -> None:
        """Derives the attributes, when all examples are there."""

    def rows(self, chosen: np.ndarray) -> pd.DataFrame:
        """The chosen examples, (num_examples,) bool, with all columns; a sample if memory holds no more."""

    def tables(self) -> Iterator[pa.Table]:
        """The examples as they are written."""


def collected(config: Config) -> list[str]:
    """All sources of the project's data: the source, the splits that are given, and what was added since."""
    return [config.source, *filter(None, (config.validation_source, config.test_source)), *taken(config)]


def taken(config: Config) -> list[str]:
    """The sources that were added to the project, each a folder of tables, in the order in which they came."""
    folders = [folder for folder in config.added.glob("*") if folder.is_dir() and is_number(folder.name)]
    return [str(folder) for folder in sorted(folders, key=lambda folder: int(folder.name))]


def read(
    examples: Examples, config: Config, sources: Sequence[str], provenance: Provenance
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The examples of each source, in one part or several, with the columns and types of the very first part.

    Raises:
        InputError: a source cannot be read, lacks a column or has other kinds of values than the first.
    """
    first = None
    for source in sources:
        own = config.model_copy(update={"source": source, **({"query": ""} if source != sources[0] else {})})
        own = cell_formats.with_found(own, provenance.formats)
        facts: dict[str, Any] = {}
        for found in examples.read_parts(own if first is None else examples.as_before(own, first)):
            facts, part = found.attrs, with_given(config, source, with_weights(config, found))
            if first is None:
                first = part
                yield source, part
            else:
                yield source, conform(source, part, first, provenance)
        provenance.add(Provenance(**facts), source if source != sources[0] else "")


def with_given(config: Config, source: str, part: pd.DataFrame) -> pd.DataFrame:
    """The examples of a source with the column GIVEN, if their splits are given."""
    if config.split and source == config.source:
        check_column(config, source, part, "split", config.split)
    if config.split in part:
        part = part.rename(columns={config.split: GIVEN})
    for split, given in (("validation", config.validation_source), ("test", config.test_source)):
        if given and source == given:
            return part.assign(**{GIVEN: split})
    if source == config.source and (config.validation_source or config.test_source or GIVEN in part):
        return part.assign(**{GIVEN: part[GIVEN].astype(object).fillna("train") if GIVEN in part else "train"})
    return part


def with_weights(config: Config, part: pd.DataFrame) -> pd.DataFrame:
    """The examples with the column of weights that duplicates are weighed in: 1, unless the source has it."""
    name = config.sample_weight
    if config.duplicates != "weigh":
        return part
    return part.assign(**{name: part[name].fillna(1) if name in part and types.is_numeric_dtype(part[name]) else 1})


def conform(source: str, table: pd.DataFrame, first: pd.DataFrame, provenance: Provenance) -> pd.DataFrame:
    """A further table with the columns of the first one; columns that are unknown there are left out."""
    if GIVEN in first and GIVEN not in table:
        table = table.assign(**{GIVEN: None})
    lacking = [name for name in first.columns if name not in table.columns]
    if lacking:
        has = ", ".join(map(str, table.columns[:20]))
        raise InputError(f"{source} lacks the columns {', '.join(map(repr, lacking))}; it has: {has}; add them there")
    unknown = [str(name) for name in table.columns if name not in first.columns]
    if unknown:
        provenance.note(f"{source}: columns that the source lacks are left out: {', '.join(unknown)}")
    for name in first.columns:
        was, comes = kind(first[name]), kind(table[name])
        if was != comes and table[name].notna().any() and first[name].notna().any():
            example = table[name].dropna().iloc[0]
            raise InputError(
                f"{source}: column {name!r} holds a {comes}, such as {example!r}, but a {was} in the first source; "
                "fix its cells"
            )
    return pd.DataFrame({name: as_whole(table[name], first[name]) for name in first.columns})


def as_whole(values: pd.Series, first: pd.Series) -> pd.Series:
    """Whole numbers as such if those of the first table are, though a format or missing cells made them real."""
    if not (types.is_integer_dtype(first) and types.is_float_dtype(values)):
        return values
    present = values.dropna()
    are_whole = ((present % 1 == 0) & (present.abs() <= MAX_EXACT)).all()
    return values.astype("Int64" if values.isna().any() else "int64") if are_whole else values


def kind(values: pd.Series) -> str:
    """What a column holds: number, date or text."""
    if types.is_numeric_dtype(values):  # truth values too
        return "number"
    return "date" if types.is_datetime64_any_dtype(values) else "text"


def join(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All tables as one; whole numbers stay whole, with missing ones too."""
    if len(tables) == 1:
        return tables[0]
    columns = {}
    for name in tables[0].columns:
        parts = [table[name] for table in tables]
        if len({part.dtype for part in parts}) > 1:
            present = [part for part in parts if part.notna().any()]
            parts = [part.astype(common_type(present)) for part in parts]
        columns[name] = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(columns)


def common_type(parts: Sequence[pd.Series]) -> str:
    """The type that holds the values of all parts, which are of one kind, and missing ones."""
    if not parts or not types.is_numeric_dtype(parts[0]):
        return "datetime64[us]" if parts and kind(parts[0]) == "date" else "object"
    if all(types.is_bool_dtype(part) for part in parts):
        return "boolean"
    return "Int64" if all(types.is_integer_dtype(part) or types.is_bool_dtype(part) for part in parts) else "float64"


def check_columns(config: Config, source: str, examples: pd.DataFrame, first: int = 1) -> None:
    """Refuses settings that name columns which are not there or cannot do their duty; `first` numbers the first row."""
    names = [str(name) for name in examples.columns]
    if not config.target.strip():
        raise InputError(f"target is empty; set it to the column to predict: {', '.join(names[:COLUMNS_SHOWN])}")
    duties = [("target", name) for name in config.targets]
    duties += [(setting, getattr(config, setting)) for setting in ("key", "group", "time", "sample_weight")]
    several = ("ignore", "merge_spellings", "keep_markers")
    duties += [(setting, name) for setting in several for name in getattr(config, setting) if name != config.split]
    for setting, name in duties:
        if name:
            check_column(config, source, examples, setting, name)
    if not len(examples):
        raise InputError(f"{named(config, source)} has a header but no rows; one row per example is needed")
    for setting in ("key", "group", "time", "sample_weight"):
        name = getattr(config, setting)
        missing = row_numbers(examples[name].isna(), first) if name else []
        if len(missing):
            message = f"{setting} {name!r} is missing in {name_rows(missing)}"
            raise InputError(f"{message}; every example needs one: fill them or choose another column")
    check_weights(config, examples, first)
    if config.time:
        times = examples[config.time]
        if not types.is_datetime64_any_dtype(times) and not types.is_numeric_dtype(times):
            message = f"time {config.time!r} holds cells such as {times.tolist()[0]!r}; dates of one format or numbers"
            raise InputError(f"{message} are needed to sort by: fix them, such as 2024-01-31 or 2024-01-31T12:00:00")


def check_column(config: Config, source: str, examples: pd.DataFrame, setting: str, name: str) -> None:
    """Refuses a setting that names a column which is not there."""
    names = [str(name) for name in examples.columns if name != GIVEN]
    if name in names:
        return
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else "set it to one of these"
    hint += "" if nearest or not config.header else ", or header to false if these are an example."
    known = ", ".join(names[:COLUMNS_SHOWN]) + (" ..." if len(names) > COLUMNS_SHOWN else "")
    raise InputError(f"{setting} is {name!r}, which is no column of {named(config, source)} ({known}); {hint}")


def check_weights(config: Config, examples: pd.DataFrame, first: int) -> None:
    """Refuses weights that are no numbers, negative or infinite; `first` numbers the first row.

    Raises:
        InputError: some are.
    """
    if not config.sample_weight:
        return
    name, values = config.sample_weight, examples[config.sample_weight]
    if not types.is_numeric_dtype(values):
        message = f"sample_weight {name!r} holds cells such as {values.tolist()[0]!r}; numbers from 0 are needed"
        raise InputError(f"{message}: fix them or choose another column")
    numbers = values.to_numpy("float64")
    is_bad = ~((numbers >= 0) & np.isfinite(numbers))
    if is_bad.any():
        rows = (np.flatnonzero(is_bad) + first).tolist()
        message = f"sample_weight {name!r} is {numbers[is_bad][0]:g} in {name_rows(rows)}"
        raise InputError(f"{message}; finite numbers from 0 are needed: fix them or choose another column")


def check_split_weights(config: Config, weights: Mapping[str, pd.Series]) -> None:
    """Refuses weights that leave nothing of a split.

    Raises:
        InputError: all weights of a split are 0.
    """
    for split, values in weights.items():
        if not values.any():
            message = f"sample_weight {config.sample_weight!r} is 0 in all {len(values)} examples of the {split} split"
            raise InputError(f"{message}; some must be above 0: fix them or choose another column")


def named(config: Config, source: str) -> str:
    """What messages call a source."""
    return "the source" if source == config.source else source


def check_content(config: Config, names: list[str], num_examples: int, vary: bool) -> None:
    """Refuses too few examples, and features that tell nothing; `vary` says whether any has several values."""
    if num_examples < MIN_EXAMPLES:
        number = "1 usable row" if num_examples == 1 else f"{num_examples} usable rows"
        raise InputError(f"the source has {number}; splitting and learning need some hundred: collect more")
    features = feature_names(config, names)
    if not features:
        raise InputError(
            f"no column is left to learn from: the source has {', '.join(names)}, of which target, key and "
            f"ignore take all; check `delimiter`, or give a source with more columns"
        )
    if not vary:
        message = f"all features are constant ({', '.join(features[:COLUMNS_SHOWN])})"
        raise InputError(f"{message}; give a source whose columns vary from example to example")


def feature_names(config: Config, names: list[str]) -> list[str]:
    """The columns that may tell something of the target."""
    others = (*config.targets, config.key, config.sample_weight, GIVEN, *config.ignore)
    return [name for name in names if name not in others]


def check_keys(config: Config, keys: pd.Series, contents: np.ndarray) -> None:
    """Refuses keys of several examples that differ in `contents`, a number per example, (num_examples,) uint64."""
    rows = pd.DataFrame({"key": keys.to_numpy(), "content": contents})
    distinct = rows[rows["key"].duplicated(keep=False)].drop_duplicates()
    doubled = distinct.loc[distinct["key"].duplicated(), "key"].unique()
    if len(doubled):
        raise InputError(
            f"key {config.key!r} has {len(doubled)} values with several different rows, such as {doubled[0]}; a "
            f"key identifies one example: choose another column, or set group to {config.key!r} instead to keep "
            f"its rows together; where later rows correct earlier ones, take the earlier ones out of their file"
        )


def row_numbers(flags: pd.Series, first: int = 1) -> list[int]:
    """The rows that are flagged, of which the first one has the number `first`; the header has none."""
    return [int(row) for row in np.flatnonzero(flags) + first]


class InMemory:
    """All examples of all sources, in their order."""

    def __init__(self, examples: Examples, config: Config) -> None:
        """Takes the module that knows what an example is."""
        self.examples, self.config = examples, config
        self.parts: list[pd.DataFrame] = []
        self.sizes: Counter[str] = Counter()  # examples by source

    def add(self, source: str, part: pd.DataFrame) -> None:
        """Takes examples of a source."""
        self.parts.append(part)
        self.sizes[source] += len(part)

    def complete(self) -> None:
        """Makes what splitting asks for, when all examples are there."""
        self.deciding = join(self.parts)  # with all columns
        self.parts = []
        self.columns = column_types(self.deciding)
        self.vary = varies(self.config, self.deciding)
        self.identities = self.examples.identities(self.config, self.deciding)
        self.contents = splitting.hash_rows(self.deciding) if self.config.key else self.identities

    def rows(self, chosen: np.ndarray) -> pd.DataFrame:
        """The chosen examples, (num_examples,) bool, with all columns."""
        return self.deciding[chosen]

    def tables(self) -> Iterator[pa.Table]:
        """The examples as they are written."""
        yield to_arrow(self.deciding)


def gather(config: Config, gathered: Gathered, parts: Iterator[Part], provenance: Provenance) -> None:
    """Checks the examples of each source, leaves out those without target and puts all together.

    Raises:
        InputError: a column that a setting names is not there or cannot do its duty, or no target is known.
    """
    num_rows: Counter[str] = Counter()
    for source, part in parts:
        first = num_rows[source] + 1
        check_columns(config, source, part, first)
        is_missing = part[[*config.targets]].isna().all(axis=1)
        prefix = "" if source == config.source else f"{source}: "
        provenance.drop(f"{prefix}target {config.target} missing", row_numbers(is_missing, first))
        num_rows[source] += len(part)
        gathered.add(source, part[~is_missing].reset_index(drop=True) if is_missing.any() else part)
    for source, number in num_rows.items():
        if not gathered.sizes[source]:
            where = "" if source == config.source else f" of {source}"
            message = f"target {config.target!r} is missing in all {number} rows{where}"
            raise InputError(f"{message}; check `target`, and that missing_markers holds none of its values")
    gathered.complete()


def column_types(examples: pd.DataFrame) -> dict[str, str]:
    """The dtype of each column that is written."""
    return {str(name): str(dtype) for name, dtype in examples.dtypes.items() if name != GIVEN}


def varies(config: Config, examples: pd.DataFrame) -> bool:
    """Whether any feature has several values."""
    names = feature_names(config, [str(name) for name in examples.columns])
    return any(len(examples[name].unique()) > 1 for name in names)


def to_arrow(examples: pd.DataFrame) -> pa.Table:
    """A table without the notes of pandas, which would read nullable types, which NumPy takes for objects."""
    bare = examples.copy(deep=False)
    bare.attrs = {}  # which pandas would try to write
    return pa.Table.from_pandas(bare, preserve_index=False).replace_schema_metadata(None)
