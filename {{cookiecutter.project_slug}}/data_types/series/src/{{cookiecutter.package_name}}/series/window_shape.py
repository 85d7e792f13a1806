"""What a forecast window looks like: how long it is, and what each column of a series is to the model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ..config import Config
from ..data import tables
from . import seasons, series_table
from .steps import Step

SHORTEST, LONGEST, HORIZONS = 7, 2, 4  # of the shortest and the longest season, and of the horizon, in a history
LEAST_CONTEXT, LARGEST_CONTEXT = 28, 2_048  # steps, where the setting leaves them open
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
    """That of the seasonal naive forecast and of MASE; 1 if the series has none."""
    seasons: tuple[int, ...]
    """All, in steps, shortest first; the history may be shorter than the longest."""
    step: Step
    kinds: dict[str, str]

    def names(self, *kinds: str) -> list[str]:
        """The columns of some kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]

    @property
    def shortest(self) -> int:
        """The shortest season; 1 if there is none."""
        return min(self.seasons, default=1)

    @property
    def targets(self) -> list[str]:
        """The columns that are forecast, the target first."""
        return self.names("target number")

    def sentence(self, *, set_by_hand: bool) -> str:
        """The seasons and the length of the history, for people."""
        lengths = [f"{season} steps of {self.step.name}" for season in self.seasons]
        source = "set" if set_by_hand else "found in the training period"
        told = f"seasons {source}: {', '.join(lengths)}" if lengths else "no season found in the training period"
        repeated = f"last {self.season} steps" if self.season > 1 else "last value"
        return f"{told}; the seasonal naive forecast repeats the {repeated}, and the context is {self.context} steps"

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
    series = target_series(config, step, rows)
    found = tuple(sorted(config.season)) or seasons.find(series, step.seasons)
    context = config.context or context_of(found, config.horizon, max(map(len, series), default=0))
    season = seasons.best(series, found, config.horizon)
    return Shape(context, config.horizon, season, found, step, column_kinds(config, rows))


def context_of(found: tuple[int, ...], horizon: int, longest: int) -> int:
    """The length of the history: cycles of the seasons that fit into a part of the longest training series."""
    most = int(np.clip(longest // LARGEST_SHARE, 2, max(LARGEST_CONTEXT, HORIZONS * horizon)))
    carried = [season for season in found if season <= most] or [1]
    return min(max(SHORTEST * carried[0], LONGEST * carried[-1], HORIZONS * horizon, LEAST_CONTEXT), most)


def target_series(config: Config, step: Step, rows: pd.DataFrame) -> list[npt.NDArray[np.float64]]:
    """The target of each series on its grid, NaN where missing."""
    found = []
    for _, places in series_table.by_series(config, rows):
        times = series_table.seconds_of(rows[config.time].iloc[places])
        numbers = np.round(step.number(times, int(times[0]))).astype(int)
        values = np.full(int(numbers.max()) + 1, np.nan)
        values[numbers] = rows[config.target].iloc[places].astype("float64").to_numpy(na_value=np.nan)
        found.append(values)
    return found


def column_kinds(config: Config, rows: pd.DataFrame) -> dict[str, str]:
    """What each column is that the model sees; others are left out."""
    kinds = {config.time: "time", **dict.fromkeys((config.target, *config.further_targets), "target number")}
    roles = dict.fromkeys(config.known, "known") | dict.fromkeys(config.static, "static")
    if config.series and len(rows[config.series].unique()) > 1:
        roles[config.series] = "static"
    without = {config.series, config.key, config.group, config.sample_weight, *config.ignore}
    for column in rows.columns:
        name = str(column)
        cell = "category" if name == config.series else cell_kind(rows[name])
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
