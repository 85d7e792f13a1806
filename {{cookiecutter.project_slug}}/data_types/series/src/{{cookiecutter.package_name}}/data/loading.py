"""Loads the examples: windows, cut from the rows of the examples tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..config import Config
from ..series import series_table, series_windows, window_shape
from ..settings.base import SPLITS
from . import tables

if TYPE_CHECKING:
    from .reading import Examples, InMemory, Part

MAX_TRAINING_WINDOWS = 5_000  # for baselines and drift detection


def read_examples(config: Config, split: str) -> pd.DataFrame:
    """The windows whose targets all lie in a split, by series and time, as `series_windows.as_table` describes them.

    Of the validation and test split every origin that `origin_step` names, so that evaluation rolls on (Tashman 2000);
    their histories reach back into the splits before. The first `gap` steps of a split are not forecast. Of training
    windows at most `MAX_TRAINING_WINDOWS`, evenly drawn.
    """
    rows = {name: tables.read_rows(config, name) for name in SPLITS[: SPLITS.index(split) + 1]}
    shape = window_shape.resolve(config, rows["train"])
    windows = cut(config, shape, pd.concat(rows.values()), rows[split], split)
    if split == "train":
        total = sum(len(places) for _, places in windows)
        stride = -(-total // MAX_TRAINING_WINDOWS)
        windows = [(series, places[::stride]) for series, places in windows]
    return series_windows.as_table(config, shape, windows)


def cut(
    config: Config, shape: window_shape.Shape, rows: pd.DataFrame, period: pd.DataFrame, split: str
) -> list[tuple[series_windows.Regular, np.ndarray]]:
    """Each series of `rows`, with the start of every window whose targets all lie in the given period."""
    bounds = series_table.seconds_of(period[config.time])
    first, last = int(bounds.min()), int(bounds.max())
    stride = 1
    if split != "train":
        first = int(shape.step.times(first, np.array([config.gap]))[0])
        stride = config.origin_step
    found = series_windows.regular(config, shape, rows)
    return [(series, series_windows.starts(shape, series, first, last, stride)) for series in found]


def store(
    examples: "Examples", config: Config, folder: Path, parts: "Iterator[Part]"
) -> "tuple[InMemory, Iterator[Part]]":
    """The store that holds the rows until they are split, and the parts to fill it with."""
    from .reading import InMemory  # here, since only collecting needs it

    del folder
    return InMemory(examples, config), parts
