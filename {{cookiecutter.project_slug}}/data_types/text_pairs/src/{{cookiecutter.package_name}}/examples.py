"""From the raw source to one row per pair: the texts of both sides, their measures, and what came with them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from .config import Config
from .core.errors import InputError
from .data import cleaning, piecewise, splitting
from .data.provenance import Provenance
from .pairs import pair_sources, pairs
from .settings.base import without_password
from .text import text_columns, texts
from .text.unicode_text import identity, is_empty, repair

PIECE = 512  # texts that `make predict` holds in memory at once

check_splits = splitting.unchecked

assign_splits = splitting.assign_splits  # by time, group, key or content


def read_examples(config: Config) -> pd.DataFrame:
    """One row per pair that has both sides; `attrs` holds the fields of the `Provenance`, which counts the others.

    Columns: `texts.COLUMN`; the target, and the other columns of the source; what `pairs.measure` measures; and a hash
    that pairs share which have the same source.

    Raises:
        InputError: the source cannot be read or holds no pairs; the message says what to do.
    """
    provenance = Provenance()
    table = pair_sources.find(config, provenance)
    if config.target not in table.column_names:  # collecting names the columns that there are
        return cleaning.clean(config, table, provenance, unchecked=table.column_names)
    sides = {name: texts_of(table, name) for name in (texts.COLUMN, config.target)}
    is_used = np.array([not any(map(is_empty, pair)) for pair in zip(*sides.values(), strict=True)], bool)
    if not is_used.any():
        message = f"all {len(is_used)} pairs of {without_password(config.source)} lack a side"
        raise InputError(f"{message}; check source_column and target")
    others = cleaning.clean(config, table.drop(list(sides)), provenance, unchecked=config.ignore)
    others = others.reindex(range(len(is_used)))  # a table of nothing but texts has no rows left
    provenance.drop("a side of the pair is empty", (np.flatnonzero(~is_used) + 1).tolist())
    used = pd.concat([pd.DataFrame(sides), others], axis=1)[is_used].reset_index(drop=True)
    examples = pd.concat([used, measures(used[texts.COLUMN], used[config.target])], axis=1)
    examples.attrs = vars(provenance)
    return examples


def texts_of(table: pa.Table, name: str) -> list[str]:
    """The texts of a column as UTF-8 can hold them; what stands for a missing value elsewhere is a text here."""
    return [repair(text or "") for text in table.column(name).to_pylist()]


def measures(sources: Iterable[str], targets: Iterable[str]) -> pd.DataFrame:
    """What is measured of each pair, and the hash of its source."""
    shown = tqdm(zip(sources, targets, strict=True), "measuring pairs", delay=1, disable=None)
    return pd.DataFrame([{**pairs.measure(source, target), texts.HASH: identity(source)} for source, target in shown])


def read_parts(config: Config) -> Iterator[pd.DataFrame]:
    """The examples in parts that fit in memory: one, with all pairs."""
    yield read_examples(config)


def identities(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """A number per example, (num_examples,) uint64, that pairs share whose sources are the same or nearly the same.

    A sentence with several translations would else be learned with one and tested with another.
    """
    del config  # whatever else came with them
    return splitting.hash_values(examples[texts.HASH])


def as_before(config: Config, examples: pd.DataFrame) -> Config:
    """The settings by which a further source is read as `examples` were: the same."""
    del examples
    return config


def read_pieces(config: Config, path: Path, provenance: Provenance) -> Iterator[piecewise.Piece]:
    """What `make predict` reads: a table, or a file with a text in each line, in pieces with the column of texts."""
    whole = of_lines(config, path) if path.suffix in pair_sources.LINE_SUFFIXES and path.is_file() else None
    for piece, numbers in whole or piecewise.read_pieces(config, path, provenance):
        is_named = texts.COLUMN in piece.column_names
        column = "" if is_named else text_columns.find(config, "source_column", str(path), piece)[0]
        table = piece if is_named else piece.append_column(texts.COLUMN, piece.column(column))
        for start in range(0, table.num_rows, PIECE):
            yield piecewise.Piece(table.slice(start, PIECE), numbers[start : start + PIECE])


def of_lines(config: Config, path: Path) -> Iterator[piecewise.Piece]:
    """The lines of a text file."""
    lines = pair_sources.lines_of(config, path.read_bytes())
    yield piecewise.Piece(pa.table({texts.COLUMN: pa.array(lines, pa.string())}), 1 + np.arange(len(lines)))
