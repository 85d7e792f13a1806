"""Labelled data that came after the source: tables that were dropped in a folder, and how they join the examples."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from ..core.paths import numbered
from ..examples import as_before, read_parts
from .provenance import Provenance


def taken(config: Config) -> list[str]:
    """The sources that were added to the project, each a folder of tables, in the order in which they came."""
    folders = [folder for folder in config.added.glob("*") if folder.is_dir() and folder.name.isdigit()]
    return [str(folder) for folder in sorted(folders, key=lambda folder: int(folder.name))]


def is_waiting(config: Config) -> bool:
    """Whether there are files in the folder of new data."""
    return config.incoming.is_dir() and any(not file.name.startswith(".") for file in config.incoming.iterdir())


def take_in(config: Config) -> Path:
    """Makes the waiting files part of the project, by one rename; returns their folder."""
    number = max(numbered(config.added), default=0) + 1
    folder = config.added / f"{number:04}"
    config.added.mkdir(parents=True, exist_ok=True)
    config.incoming.rename(folder)
    config.incoming.mkdir()
    return folder


def read(config: Config, sources: Sequence[str], provenance: Provenance) -> Iterator[tuple[str, pd.DataFrame]]:
    """The examples of each source, in one part or several, with the columns and types of the very first part.

    Raises:
        InputError: a source cannot be read, lacks a column or has other kinds of values than the first.
    """
    first = None
    for source in sources:
        own = config.model_copy(update={"source": source, **({"query": ""} if source != sources[0] else {})})
        facts: dict[str, Any] = {}
        for part in read_parts(own if first is None else as_before(own, first)):
            facts = part.attrs
            if first is None:
                first = part
                yield source, part
            else:
                yield source, conform(source, part, first, provenance)
        provenance.add(Provenance(**facts), source if source != sources[0] else "")


def conform(source: str, table: pd.DataFrame, first: pd.DataFrame, provenance: Provenance) -> pd.DataFrame:
    """A further table with the columns of the first one; columns that are unknown there are left out."""
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
                "mend its cells"
            )
    return table[list(first.columns)]


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
