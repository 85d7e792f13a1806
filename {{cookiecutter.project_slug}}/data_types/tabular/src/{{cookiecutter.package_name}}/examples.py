"""From the raw source to one row per example: for a table, the rows themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from .config import Config
from .data import cleaning, columns, delimited, loading, piecewise, sources, splitting
from .data.provenance import Provenance

assign_splits = splitting.assign_splits  # by time, group, key or content


def read_examples(config: Config) -> pd.DataFrame:
    """One row per row of the source with all its columns, typed; `attrs` holds the fields of its `Provenance`.

    Raises:
        InputError: the source cannot be read or its cells cannot be used; the message says what to do.
    """
    provenance = Provenance()
    return clean(config, sources.read_table(config, provenance), provenance)


def clean(config: Config, table: pa.Table, provenance: Provenance, num_before: int = 0) -> pd.DataFrame:
    """The rows of a table as examples; how many came before does not matter."""
    del num_before
    as_text = (*config.categorical, *config.text)
    return cleaning.clean(config, table, provenance, as_text, unchecked=config.ignore)


def read_parts(config: Config) -> Iterator[pd.DataFrame]:
    """The examples in parts that fit in memory: one, unless the source is large; texts of the first remain texts.

    Raises:
        InputError: as `read_examples`, or cells of a part are written in another way than those of the first.
    """
    return loading.read_parts(config, read_examples, clean, as_before)


def identities(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """A number per example, (num_examples,) uint64, which examples with the same features share, row numbers aside."""
    others = (*config.targets, config.key, config.sample_weight, splitting.GIVEN, delimited.ROW)
    return splitting.hash_rows(examples[[name for name in examples.columns if name not in others]])


def check_splits(config: Config, rows: Callable[[str], pd.DataFrame]) -> list[str]:
    """Notes on columns that only identify the training examples, if there are any; `rows` gives those of a split.

    By such columns equal examples are told apart, and come into several splits.
    """
    train = rows("train").drop(columns=splitting.GIVEN, errors="ignore")
    if not (found := columns.identifiers(config, train)):
        return []
    named = ", ".join(f"{name} ({kind})" for name, kind in found.items())
    told = f"left out as identifiers: {named}; keep_identifiers, categorical and text name columns to keep"
    known, parts = identities(config, train.drop(columns=list(found))), map(rows, ("validation", "test"))
    again = sum(int(np.isin(identities(config, part.drop(columns=list(found))), known).sum()) for part in parts)
    remedy = f"set key to {next(iter(found))}" + " and leave the others out of the source" * (len(found) > 1)
    repeated = f"but for identifiers, {again:,} validation and test examples equal a training example: {remedy}"
    return [told, f"{repeated} to keep such examples in one split"] if again else [told]


def read_pieces(config: Config, path: Path, provenance: Provenance) -> Iterator[piecewise.Piece]:
    """What `make predict` reads: the rows of a table, in pieces."""
    return piecewise.read_pieces(config, path, provenance)


def as_before(config: Config, examples: pd.DataFrame) -> Config:
    """The settings by which a further source is read as `examples` were: texts stay texts, even if all are numbers."""
    texts = [str(name) for name in examples.columns if examples[name].dtype == object]
    return config.model_copy(update={"categorical": (*config.categorical, *texts)})
