"""What the examples of a source must fulfil to be split and learned from."""

import difflib

import numpy as np
import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from ..core.paths import SPLITS
from .provenance import name_rows

MIN_EXAMPLES = len(SPLITS)
COLUMNS_SHOWN = 20


def check_columns(config: Config, source: str, examples: pd.DataFrame, first: int = 1) -> None:
    """Refuses settings that name columns which are not there or cannot do their duty; `first` numbers the first row."""
    names = [str(name) for name in examples.columns]
    for setting in ("target", "key", "group", "time"):
        name = getattr(config, setting)
        if name and name not in names:
            nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"did you mean {nearest[0]!r}?" if nearest else "set it to one of these"
            hint += "" if nearest or not config.header else ", or header to false if these are an example."
            known = ", ".join(names[:COLUMNS_SHOWN]) + (" ..." if len(names) > COLUMNS_SHOWN else "")
            of = named(config, source)
            raise InputError(f"{setting} is {name!r}, which is no column of {of} ({known}); {hint}")
    if not len(examples):
        raise InputError(f"{named(config, source)} has a header but no rows; one row per example is needed")
    for setting in ("key", "group", "time"):
        name = getattr(config, setting)
        missing = row_numbers(examples[name].isna(), first) if name else []
        if len(missing):
            message = f"{setting} {name!r} is missing in {name_rows(missing)}"
            raise InputError(f"{message}; every example needs one: fill them or choose another column")
    if config.time:
        times = examples[config.time]
        if not types.is_datetime64_any_dtype(times) and not types.is_numeric_dtype(times):
            message = f"time {config.time!r} holds cells such as {times.iloc[0]!r}; dates of one format or numbers"
            raise InputError(f"{message} are needed to sort by: mend them, such as 2024-01-31 or 2024-01-31T12:00:00")


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
    return [name for name in names if name not in (config.target, config.key, *config.ignore)]


def check_keys(config: Config, keys: pd.Series, contents: np.ndarray) -> None:
    """Refuses keys of several examples that differ in `contents`, a number per example, (num_examples,) uint64."""
    rows = pd.DataFrame({"key": keys.to_numpy(), "content": contents})
    distinct = rows[rows["key"].duplicated(keep=False)].drop_duplicates()
    doubled = distinct.loc[distinct["key"].duplicated(), "key"].unique()
    if len(doubled):
        raise InputError(
            f"key {config.key!r} has {len(doubled)} values with several different rows, such as {doubled[0]}; a "
            f"key identifies one example: choose another column, or set group to {config.key!r} instead to keep "
            f"its rows together"
        )


def row_numbers(flags: pd.Series, first: int = 1) -> list[int]:
    """The rows that are flagged, of which the first one has the number `first`; the header has none."""
    return [int(row) for row in np.flatnonzero(flags) + first]
