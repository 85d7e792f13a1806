"""The seasons of a time series: which ones there are, where their phases recur, and what repeating them costs."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

MIN_CYCLES, MIN_FREE_CYCLES = 3, 10  # of a season in the training period, and of one of no calendar
NUM_BLOCKS = 4  # of the training period; the profile learned on all but one is scored on that one
MIN_GAIN = 0.03  # share of the variance that a season has to explain, of what shorter ones leave
MIN_SHARE = 0.01  # the same, of the variance without any season
MARGIN = 0.1  # by which a season of no calendar has to explain more than those of the calendar
MAX_PHASES = 192  # a longer season is learned in as many parts
OUTLIER = 5  # median absolute deviations
MAX_SERIES, MAX_STEPS = 5, 100_000  # by which seasons are found: the longest series, and their ends
NUM_SHORT, NUM_LONG = 7, 2  # same phases of the shortest season, and of longer ones, that are looked back to


def find(series: Sequence[npt.NDArray[Any]], calendar: Sequence[int]) -> tuple[int, ...]:
    """The seasons of training series, each (num_steps,) with NaN where missing, in steps, shortest first.

    Seasons of the calendar are tried in their order, each on what those before it leave. A season counts if its
    profile, learned on three quarters of the period, explains enough of the fourth: autocorrelation alone is high for
    any slow series. A period of no calendar is taken only if it explains clearly more.
    """
    longest = sorted(series, key=len, reverse=True)[:MAX_SERIES]
    arrays = tuple(np.asarray(values[-MAX_STEPS:], "float64").tobytes() for values in longest)
    return find_cached(arrays, tuple(calendar))


@functools.lru_cache(maxsize=8)
def find_cached(arrays: tuple[bytes, ...], calendar: tuple[int, ...]) -> tuple[int, ...]:
    """`find` of float64 arrays as bytes: every stage asks for the same several times."""
    series = [clipped(np.frombuffer(values)) for values in arrays]
    free = [length for length in [strongest_lag(series[0])] if length and length not in calendar] if series else []
    first = max((explained(series, length)[0] for length in calendar), default=0.0)
    found: list[int] = []
    rest = series
    for length in [*(each for each in free if explained(series, each)[0] > max(first, 0) + MARGIN), *calendar]:
        gain, before = explained(rest, length)
        whole = explained(series, length)[1]
        if gain > MIN_GAIN and gain * before > MIN_SHARE * whole:
            found.append(length)
            rest = [values - profile(detrended(values, length), length) for values in rest]
    return tuple(sorted(found))


def clipped(values: Floats) -> Floats:
    """Values without outliers, of deviation 1; of a constant series unchanged."""
    known = values[np.isfinite(values)]
    if not len(known):
        return values
    middle = np.median(known)
    deviation = 1.4826 * np.median(np.abs(known - middle)) or known.std() or 1.0
    return np.clip((values - middle) / deviation, -OUTLIER, OUTLIER)


def detrended(values: Floats, length: int) -> Floats:
    """Values less their moving average over a season."""
    trend = pd.Series(values).rolling(length, center=True, min_periods=max(1, length // 2)).mean().to_numpy()
    return np.asarray(values - trend)


def phases(num_steps: int, length: int) -> npt.NDArray[np.int64]:
    """The phase of each step; of a long season in parts."""
    return np.arange(num_steps) % length // -(-length // MAX_PHASES)


def profile(values: Floats, length: int, learned: npt.NDArray[np.bool_] | None = None) -> Floats:
    """The mean of each step's phase, of the steps that are `learned` from; 0 where there is none."""
    found = phases(len(values), length)
    used = np.isfinite(values) if learned is None else np.isfinite(values) & learned
    size = int(found.max()) + 1
    counts = np.bincount(found[used], minlength=size)
    return (np.bincount(found[used], values[used], minlength=size) / np.maximum(counts, 1))[found]


def explained(series: Sequence[Floats], length: int) -> tuple[float, float]:
    """The median share of the variance that a season explains out of sample, and that variance; 0 if too short."""
    scores = []
    for values in series:
        if len(values) < MIN_CYCLES * length or not np.isfinite(values).any():
            continue
        rest = detrended(values, length)
        blocks = np.arange(len(rest)) * NUM_BLOCKS // len(rest)
        guess = sum(np.where(blocks == block, profile(rest, length, blocks != block), 0) for block in range(NUM_BLOCKS))
        variance = float(np.nanmean(rest**2))
        scores.append((1 - float(np.nanmean((rest - guess) ** 2)) / variance if variance else 0.0, variance))
    gains, variances = zip(*scores, strict=True) if scores else ((0.0,), (1.0,))
    return float(np.median(gains)), float(np.median(variances))


def strongest_lag(values: Floats) -> int:
    """The lag of the highest peak of the autocorrelation, behind its first fall; 0 if there is none."""
    longest = len(values) // MIN_FREE_CYCLES
    if longest < MIN_CYCLES:
        return 0
    rest = np.nan_to_num(detrended(values, longest))
    spectrum = np.abs(np.fft.rfft(rest, 2 * len(rest))) ** 2
    correlation = np.fft.irfft(spectrum)[: longest + 2]
    middle = correlation[1:-1]
    peaks = 1 + np.flatnonzero((middle > correlation[:-2]) & (middle >= correlation[2:]))
    return int(peaks[np.argmax(correlation[peaks])]) if len(peaks) else 0


def best(series: Sequence[npt.NDArray[Any]], seasons: Sequence[int], horizon: int) -> int:
    """The season whose seasonal naive forecast has the lowest mean absolute error within the series; 1 if none."""
    return min(seasons, key=lambda season: naive_cost(series, season, horizon), default=1)


def naive_cost(series: Sequence[npt.NDArray[Any]], season: int, horizon: int) -> float:
    """The error of repeating the last season over a horizon, in deviations of each series; infinite if unknown."""
    errors = []
    for values in series:
        lags = season * -(-np.arange(1, 1 + horizon) // season)
        distances = {lag: difference(values[:, None], int(lag))[0] for lag in np.unique(lags)}
        errors.append(np.mean([distances[lag] for lag in lags]) / (np.nanstd(values) or 1.0))
    known = np.array(errors)[np.isfinite(errors)]
    return float(known.mean()) if len(known) else np.inf


def difference(targets: npt.NDArray[Any], lag: int) -> Floats:
    """The mean absolute difference of targets (num_steps, num_targets) at a lag, (num_targets,); NaN if unknown."""
    changes = np.abs(targets[lag:].astype("float64") - targets[: max(0, len(targets) - lag)])
    known = np.isfinite(changes)
    total, count = np.where(known, changes, 0).sum(axis=0), known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def naive_errors(targets: dict[str, npt.NDArray[Any]], season: int) -> dict[str, list[float]]:
    """By what MASE scales: each training series' error of the seasonal naive forecast, by target; "": their mean.

    Where a series is too short for the season, or repeats it exactly, that of the last value.
    """
    found = {}
    for name, values in targets.items():
        seasonal, last = difference(values, season), difference(values, 1)
        found[name] = np.nan_to_num(np.where(np.nan_to_num(seasonal) > 0, seasonal, last)).tolist()
    return {"": np.mean(list(found.values()), axis=0).tolist(), **found}


def same_phases(length: int, horizon: int, seasons: Sequence[int]) -> npt.NDArray[np.int64]:
    """Where a history of so many steps holds the phase of each step to forecast, (horizon, num_lags).

    For each season that the history holds, the latest cycle first; of the shortest as many as it holds up to a few.
    """
    steps = np.arange(1, 1 + horizon)
    places = []
    for season in sorted(seasons):
        cycles = -(-steps // season)
        most = NUM_SHORT if season == min(seasons) else NUM_LONG
        every = [length + steps - 1 - season * (cycles + number) for number in range(most)]
        places += [each for each in every if each.min() >= 0]
    return np.stack(places, axis=1) if places else np.zeros((horizon, 0), np.int64)
