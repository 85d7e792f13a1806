"""Exponential smoothing: statsmodels finds the parameters, and all histories are smoothed by them at once."""

import warnings
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MAX_SERIES, MAX_STEPS = 3, 1_000  # by which the parameters are found: more take seconds and change little
MIN_SEASONS = 3  # of a series whose season is to be learned


class Parameters(NamedTuple):
    """How fast level, trend and season follow, how fast the trend fades, and the steps of a season (1: none)."""

    level: float
    trend: float
    season: float
    damping: float
    steps: int


def fit(series: list[Floats], season: int) -> Parameters:
    """The median parameters of the longest series."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing  # here, since it takes a second

    longest = sorted(series, key=len, reverse=True)[:MAX_SERIES]
    steps = season if season > 1 and len(longest[0]) >= MIN_SEASONS * season else 1
    found = []
    for values in longest:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it did not converge: near the optimum is good enough
            model = ExponentialSmoothing(
                values[-MAX_STEPS:].astype("float64"),
                trend="add",
                damped_trend=True,
                seasonal="add" if steps > 1 and len(values) >= 2 * steps else None,
                seasonal_periods=steps if steps > 1 else None,
                initialization_method="heuristic" if len(values) >= 10 and len(values) >= 2 * steps else "estimated",
            )
            fitted = model.fit().params
        names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
        found.append([fitted.get(name, 0.0) for name in names])
    level, trend, seasonal, damping = np.median(np.nan_to_num(np.array(found, float)), axis=0).tolist()
    return Parameters(level, trend, seasonal, damping, steps)


def forecast(histories: Floats, parameters: Parameters, horizon: int) -> Floats:
    """Smooths histories (num_windows, context) step by step (Holt 1957, Winters 1960) to (num_windows, horizon).

    It begins with the mean season of the history and with the level of its first one.
    """
    alpha, beta, gamma, phi, steps = parameters
    whole = histories[:, : histories.shape[1] // steps * steps].reshape(len(histories), -1, steps)
    level, trend = whole[:, 0].mean(axis=1), np.zeros(len(histories))
    seasons = (whole - whole.mean(axis=2, keepdims=True)).mean(axis=1)
    for place in range(steps, histories.shape[1]):
        season = seasons[:, place % steps]
        before = level + phi * trend
        now = alpha * (histories[:, place] - season) + (1 - alpha) * before
        trend = beta * (now - level) + (1 - beta) * phi * trend
        seasons[:, place % steps] = gamma * (histories[:, place] - before) + (1 - gamma) * season
        level = now
    damped = np.cumsum(phi ** np.arange(1, 1 + horizon))
    places = (histories.shape[1] + np.arange(horizon)) % steps
    return level[:, None] + trend[:, None] * damped + seasons[:, places] * (steps > 1)
