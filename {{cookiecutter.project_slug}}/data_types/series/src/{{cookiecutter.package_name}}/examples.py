"""From the raw source to rows of series, and from these to examples: an example is one window of a forecast.

The tables of the splits hold each step of each series once, a row per series and time. `loading` makes examples
of them: a row per origin from which is forecast, whose cells are views into the series, so that nothing is copied.
Where stages ask for examples they get windows; where they check or count data, such as TFDV, they get rows.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from .config import Config
from .core.errors import InputError
from .data import cleaning, loading, piecewise, sources, splitting
from .data.provenance import Provenance
from .series import series_table, series_times, series_windows, window_shape
from .settings.base import SPLITS

assign_splits = splitting.assign_splits  # by time, group, key or content


def read_examples(config: Config) -> pd.DataFrame:
    """One row per series and time, sorted, on a regular grid; `attrs` holds the fields of its `Provenance`.

    Raises:
        InputError: the source cannot be read or makes no series; the message says what to do.
    """
    provenance = Provenance()
    table = sources.read_table(config, provenance)
    unchecked = [config.time, *config.ignore]
    rows = cleaning.clean(config, table, provenance, unchecked=unchecked)
    if not config.time or config.time not in rows.columns or config.target not in rows.columns or not len(rows):
        if not config.time:
            raise InputError("time is empty; name the column of the times by which rows follow each other")
        return rows  # collecting names the columns that there are
    rows = series_table.clean(config, rows, provenance, series_times.are_zoned(table.column(config.time)))
    rows.attrs = vars(provenance)
    return rows


def read_parts(config: Config) -> Iterator[pd.DataFrame]:
    """The examples in parts that fit in memory: one, since a series may run through all files of a source."""
    yield read_examples(config)


def identities(config: Config, examples: pd.DataFrame) -> np.ndarray:
    """A number per row, (num_rows,) uint64, that those share which are about the same step of the same series.

    Of windows, which begin at a step, it is as many numbers.
    """
    windows = (series_windows.SERIES, series_windows.START)
    names = windows if windows[1] in examples else (config.series, config.time)
    return splitting.hash_rows(examples[[name for name in names if name]])


def check_splits(config: Config, rows: Callable[[str], pd.DataFrame]) -> list[str]:
    """A note on the seasons of the training period; `rows` gives the rows of a split.

    Raises:
        InputError: a split has no window.
    """
    shape = check_windows(config, {split: rows(split) for split in SPLITS})
    return [shape.sentence(set_by_hand=bool(config.season))]


def check_windows(config: Config, rows: dict[str, pd.DataFrame]) -> window_shape.Shape:
    """Refuses splits of which no window can be cut; returns the shape of the windows."""
    shape = window_shape.resolve(config, rows["train"])
    for number, split in enumerate(SPLITS):
        before = pd.concat([rows[earlier] for earlier in SPLITS[: number + 1]])
        windows = loading.cut(config, shape, before, rows[split], split)
        if not any(len(places) for _, places in windows):
            needed = shape.horizon + (config.gap if number else shape.context)
            message = f"the {split} split has {rows[split][config.time].nunique():,} steps and no whole window"
            history = f"with a context of {shape.context}, a horizon of {shape.horizon} and a gap of {config.gap}"
            raise InputError(f"{message}; {history}, at least {needed} are needed: add rows or lower these settings")
    return shape


def as_before(config: Config, examples: pd.DataFrame) -> Config:
    """The settings by which a further source is read as `examples` were: with their step, even if it has few rows."""
    return config.model_copy(update={"frequency": series_table.step_of(config, examples).name})


def read_pieces(config: Config, path: Path, provenance: Provenance) -> Iterator[piecewise.Piece]:
    """What `make predict` reads: all rows of a table at once, since a row needs those before it."""
    pieces = list(piecewise.read_pieces(config, path, provenance))
    if pieces:
        table = pa.concat_tables([piece.table for piece in pieces])
        yield piecewise.Piece(table, np.concatenate([piece.numbers for piece in pieces]))
