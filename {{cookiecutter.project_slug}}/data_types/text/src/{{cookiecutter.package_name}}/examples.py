"""From the raw source to one row per text: the text, what is measured of it, and the labels that came with it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from .config import Config
from .core.errors import InputError
from .data import cleaning, loading, piecewise, sources, splitting, targets
from .data.provenance import Provenance
from .settings.base import without_password
from .text import text_columns, text_sources, texts
from .text.unicode_text import identity, is_empty, repair

PIECE = 512  # texts that `make predict` holds in memory at once, with all that they are split into

check_splits = splitting.unchecked

assign_splits = splitting.assign_splits  # by time, group, key or content


def read_examples(config: Config) -> pd.DataFrame:
    """One row per text that is not empty; `attrs` holds the fields of the `Provenance`, which counts the others.

    Columns: the other columns of the source; the text, as UTF-8 can hold it; what `texts.measure` measures; and a hash
    that near-duplicates share.

    Raises:
        InputError: the source cannot be read or holds no texts; the message says what to do.
    """
    provenance = Provenance()
    return measured(config, text_sources.find(config, provenance), provenance)


def measured(config: Config, table: pa.Table, provenance: Provenance, num_before: int = 0) -> pd.DataFrame:
    """The rows of a table as examples, the texts and what is measured of them; so many rows came before."""
    contents = [repair(text or "") for text in table.column(texts.COLUMN).to_pylist()]
    is_used = np.array([not is_empty(text) for text in contents], bool)
    if not is_used.any():
        raise InputError(f"all {len(contents)} texts of {without_password(config.source)} are empty; check text_column")
    as_text = (config.target,) if targets.IS_NAME else ()  # 01 is the name of a class
    others = table.drop([texts.COLUMN])
    labels = cleaning.clean(config, others, provenance, as_text, unchecked=config.ignore)
    labels = labels.reindex(range(len(contents)))  # a table of nothing but texts has no rows left
    provenance.drop("the text is empty", (np.flatnonzero(~is_used) + num_before + 1).tolist())
    used = labels[is_used].reset_index(drop=True)
    used[texts.COLUMN] = [text for text, keep in zip(contents, is_used, strict=True) if keep]
    examples = pd.concat([used, measures(config, used[texts.COLUMN])], axis=1)
    examples.attrs = vars(provenance)
    return examples


def measures(config: Config, contents: Iterable[str]) -> pd.DataFrame:
    """What is measured of each text, and its hash."""
    shown = tqdm(contents, "measuring texts", delay=1, disable=None)
    return pd.DataFrame([{**texts.measure(text, config.max_characters), texts.HASH: identity(text)} for text in shown])


def read_parts(config: Config) -> Iterator[pd.DataFrame]:
    """The examples in parts that fit in memory: one, unless the source is a large table.

    Raises:
        InputError: as `read_examples`, or cells of a part are written in another way than those of the first.
    """

    def make(own: Config, table: pa.Table, provenance: Provenance, num_before: int) -> pd.DataFrame:
        named = text_sources.of_table(own, without_password(own.source), table, provenance)
        return measured(own, named, provenance, num_before)

    as_whole = bool(text_sources.text_files(config.source))
    return loading.read_parts(config, read_examples, make, as_before, as_whole)


def identities(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """A number per example, (num_examples,) uint64, that texts share which are the same or nearly the same."""
    del config  # what reads alike is alike, whatever its labels
    return splitting.hash_values(examples[texts.HASH])


def as_before(config: Config, examples: pd.DataFrame) -> Config:
    """The settings by which a further source is read as `examples` were: the same."""
    del examples
    return config


def read_pieces(config: Config, path: Path, provenance: Provenance) -> Iterator[piecewise.Piece]:
    """What `make predict` reads: a table, a text file or a folder of such, in pieces with the column of texts."""
    whole = of_files(config, path) if path.is_dir() or path.suffix == texts.SUFFIX else None
    for piece, numbers in whole or piecewise.read_pieces(config, path, provenance):
        columns = text_columns.find(config, "text_column", str(path), piece, [text_sources.NAME])
        content = text_columns.read(piece, columns)
        place = piece.column_names.index(texts.COLUMN) if texts.COLUMN in piece.column_names else piece.num_columns
        others = piece.drop([texts.COLUMN]) if place < piece.num_columns else piece
        table = others.add_column(place, texts.COLUMN, content)
        for start in range(0, table.num_rows, PIECE):
            yield piecewise.Piece(table.slice(start, PIECE), numbers[start : start + PIECE])


def of_files(config: Config, path: Path) -> Iterator[piecewise.Piece]:
    """The texts of a file, or of those below a folder, with their names.

    Raises:
        InputError: there are none.
    """
    files = sorted(path.rglob(f"*{texts.SUFFIX}")) if path.is_dir() else [path] if path.is_file() else []
    visible = [file for file in files if file == path or sources.is_visible(str(file.relative_to(path)))]
    if not visible:
        raise InputError(
            f"input is {str(path)!r}, which holds no text file; give a folder of {texts.SUFFIX} or a table"
        )
    for start in range(0, len(visible), PIECE):
        some = visible[start : start + PIECE]
        contents = [repair(text_columns.decode(config, file.read_bytes())) for file in some]
        table = pa.table({text_sources.NAME: [str(file) for file in some], texts.COLUMN: contents})
        yield piecewise.Piece(table, start + 1 + np.arange(len(some)))
