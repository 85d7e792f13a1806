"""The histories of windows as simple models take them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..config import Config
from . import series_windows
from .series_windows import Regular
from .steps import DAY
from .window_shape import Shape

Floats = npt.NDArray[np.float64]

MIN_YEARS = 2 * 365 * DAY  # of training from which the day of the year tells more than the trend


@dataclass(frozen=True)
class Histories:
    """The known part of windows, and the training series by which a simple model finds its parameters."""

    values: Floats
    """(num_windows, context, num_targets), NaN where missing."""
    seasons: tuple[int, ...]
    """In steps, the one that the seasonal naive forecast repeats first."""
    horizon: int
    training: list[npt.NDArray[np.float32]]
    """Whole training series, each (num_steps, num_targets)."""
    scale: Floats
    """The seasonal error of each window's series, (num_windows, num_targets), as the model computes it."""
    ahead: Floats
    """What is known of each step to forecast: calendar and columns known in advance, (num_windows, horizon, number)."""
    repeated: dict[int, Floats] = field(default_factory=dict)
    """Of seasons that are longer than the context, what the last one held, (num_windows, horizon, num_targets)."""

    def units(self, training: "Histories") -> Floats:
        """In what models of several series learn each window, (num_windows, 1, num_targets): seasonal errors.

        They are 1 on average of the windows for training, and always if there is a single series.
        """
        usual = training.scale.mean(axis=0)
        return (np.where(self.scale > 0, self.scale, usual) / np.where(usual > 0, usual, 1.0))[:, None]

    def divided(self, units: Floats) -> "Histories":
        """The same in such units."""
        repeated = {season: values / units for season, values in self.repeated.items()}
        return replace(self, values=self.values / units, repeated=repeated)


def of_windows(
    config: Config,
    shape: Shape,
    examples: pd.DataFrame,
    training: Sequence[Regular],
    all_series: Sequence[Regular],
    errors: dict[str, list[float]],
) -> Histories:
    """The histories of a table of windows, which are cut from `all_series`; `errors` are those of `encoding`."""
    values = np.stack([cell[: shape.context] for cell in examples[config.target]]).astype("float64")
    scale = np.array([errors.get(name, errors[""]) for name in examples[series_windows.SERIES]], "float64")
    seasons = tuple(sorted(shape.seasons or (1,), key=lambda season: season != shape.season))
    long = [season for season in seasons if season > shape.context]
    repeated = {season: season_ago(shape, examples, all_series, season) for season in long}
    known = known_ahead(config, shape, examples, training)
    return Histories(values, seasons, shape.horizon, [each.targets for each in training], scale, known, repeated)


def known_ahead(config: Config, shape: Shape, examples: pd.DataFrame, training: Sequence[Regular]) -> Floats:
    """The hour, weekday and, of years, day of the year of each step to forecast, and what is known in advance of it."""
    cells = {
        name: np.stack([cell[shape.context :] for cell in examples[name]]).ravel()
        for name in (config.time, *shape.names("known number", "known category"))
    }
    times = pd.Series(cells.pop(config.time).astype("datetime64[ns]")).dt
    columns = [times.hour + times.minute / 60, times.weekday, *map(as_numbers, cells.values())]
    if max(int(series.times[-1] - series.times[0]) for series in training) >= MIN_YEARS:
        columns.append(times.dayofyear)
    return np.stack(columns, axis=1).astype("float64").reshape(len(examples), shape.horizon, -1)


def season_ago(shape: Shape, examples: pd.DataFrame, all_series: Sequence[Regular], season: int) -> Floats:
    """What each step to forecast held a season ago, (num_windows, horizon, num_targets), NaN where unknown."""
    found = np.full((len(examples), shape.horizon, len(shape.targets)), np.nan)
    steps = np.arange(shape.horizon) - season * -(-np.arange(1, 1 + shape.horizon) // season)
    for series in all_series:
        rows = np.flatnonzero(examples[series_windows.SERIES] == series.name)
        first = examples[series_windows.START].iloc[rows].to_numpy("datetime64[s]").astype(np.int64)
        places = np.searchsorted(series.times, first)[:, None] + steps
        inside = (places >= 0) & (places < len(series.targets))
        found[rows] = np.where(inside[..., None], series.targets[np.where(inside, places, 0)], np.nan)
    return found


def as_numbers(values: npt.NDArray) -> npt.NDArray:
    """Numbers as they are, and a number for each category, which is the same in every table."""
    return values if values.dtype.kind == "f" else np.array([zlib.crc32(word.encode()) for word in values])
