"""What a forecast window looks like: how long it is, and what each column of a series is to the model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

from ..config import Config
from ..data import tables
from . import series_table
from .steps import Step

SEASONS, HORIZONS = 4, 4  # of which the longer is the history that the model sees, where the settings leave it open
LEAST_CONTEXT = 28  # steps
LARGEST_SHARE = 4  # parts of the longest training series, of which a history is one at most
MAX_CATEGORIES = 50  # of a covariate; one with more tells apart single rows


@dataclass(frozen=True)
class Shape:
    """Steps of a window, and the columns by what they are.

    `kinds` says of each column that a client sends: time, target, observed, known or static, and after a blank whether
    its cells are a number or a category. Of known columns the future is sent too, of static ones a single cell.
    """

    context: int
    horizon: int
    season: int
    step: Step
    kinds: dict[str, str]

    def names(self, *kinds: str) -> list[str]:
        """The columns of some kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    @property
    def targets(self) -> list[str]:
        """The columns that are forecast, the target first."""
        return self.names("target number")

    def length(self, name: str) -> int:
        """How many cells of a column a client sends; 0 for a single one that does not change."""
        role = self.kinds[name].split()[0]
        return {"static": 0, "known": self.context + self.horizon}.get(role, self.context)


def of_project(config: Config) -> Shape:
    """The shape by the collected training rows."""
    return resolve(config, tables.read_rows(config, "train"))


def resolve(config: Config, rows: pd.DataFrame) -> Shape:
    """The shape by the settings and, where these leave it open, by training rows."""
    step = series_table.step_of(config, rows)
    season = config.season or step.season
    longest = max((len(places) for _, places in series_table.by_series(config, rows)), default=0)
    wanted = max(SEASONS * season, HORIZONS * config.horizon, LEAST_CONTEXT)
    context = config.context or int(np.clip(wanted, 2, max(2, longest // LARGEST_SHARE)))
    return Shape(context, config.horizon, season, step, column_kinds(config, rows))


def column_kinds(config: Config, rows: pd.DataFrame) -> dict[str, str]:
    """What each column is that the model sees; others are left out."""
    kinds = {config.time: "time", **dict.fromkeys((config.target, *config.further_targets), "target number")}
    roles = dict.fromkeys(config.known, "known") | dict.fromkeys(config.static, "static")
    if config.series and len(rows[config.series].unique()) > 1:
        roles[config.series] = "static"
    without = {config.series, config.key, config.group, config.sample_weight, *config.ignore}
    for column in rows.columns:
        name = str(column)
        cell = cell_kind(rows[name])
        is_needed = name in roles or name not in without
        if name not in kinds and is_needed and cell:
            kinds[name] = f"{roles.get(name, 'observed')} {cell}"
    return kinds


def cell_kind(values: pd.Series) -> str:
    """Number or category; empty for what cannot be learned from."""
    if values.dropna().nunique() < 2:
        return ""
    if types.is_numeric_dtype(values):
        return "number"
    is_text = not types.is_datetime64_any_dtype(values)
    return "category" if is_text and values.nunique() <= MAX_CATEGORIES else ""
