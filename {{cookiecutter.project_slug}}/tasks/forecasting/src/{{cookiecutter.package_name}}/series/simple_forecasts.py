"""Simple forecasts that a network has to beat, from histories (num_windows, context, num_targets), NaN if missing.

Each gives (num_windows, horizon, num_targets).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from . import smoothing
from .histories import Histories

Floats = npt.NDArray[np.float64]

MAX_LAGS = 96  # that the ridge regression sees at most
RIDGE = 1.0


def last_value(histories: Histories) -> Floats:
    """The last known value, for every step."""
    last = filled(histories.values)[:, -1:]
    return np.repeat(last, histories.horizon, axis=1)


def seasonal_naive(histories: Histories) -> Floats:
    """The value a season ago; of missing ones, that of an earlier season, or else the last known value."""
    season, values = histories.season, histories.values
    num_seasons = values.shape[1] // season
    seasons = values[:, -num_seasons * season :].reshape(len(values), num_seasons, season, -1)
    found = seasons[:, -1].copy()
    for place in reversed(range(num_seasons - 1)):
        found = np.where(np.isnan(found), seasons[:, place], found)
    found = np.where(np.isnan(found), filled(values)[:, -1:], found)
    return found[:, np.arange(histories.horizon) % season]


def drift(histories: Histories) -> Floats:
    """The line through the first and the last value."""
    values = filled(histories.values)
    slope = (values[:, -1] - values[:, 0]) / max(1, values.shape[1] - 1)
    return values[:, -1:] + slope[:, None] * np.arange(1, 1 + histories.horizon)[None, :, None]


def ridge(train: Histories, targets: Floats, evaluation: Histories) -> Floats:
    """A ridge regression for each step on the last values, less the last one, fitted to the training windows."""
    from sklearn.linear_model import Ridge

    lags = min(MAX_LAGS, train.values.shape[1])
    past, future = filled(train.values)[:, -lags:], targets.reshape(len(targets), train.horizon, -1)
    sent = filled(evaluation.values)[:, -lags:]
    forecasts = np.empty((len(sent), train.horizon, sent.shape[-1]))
    for place in range(sent.shape[-1]):
        base, last = past[:, -1:, place], sent[:, -1:, place]
        wanted = future[:, :, place] - base
        usable = np.isfinite(wanted).all(axis=1)
        fitted = Ridge(RIDGE).fit((past[usable, :, place] - base[usable]), wanted[usable])
        forecasts[:, :, place] = fitted.predict(sent[:, :, place] - last).reshape(len(sent), -1) + last
    return forecasts


def exponential_smoothing(histories: Histories) -> Floats:
    """Holt and Winters' additive method with a damped trend; its parameters are those of the training series."""
    values = filled(histories.values)
    forecasts = np.empty((len(values), histories.horizon, values.shape[-1]))
    for place in range(values.shape[-1]):
        series = [filled(each[None, :, place : place + 1])[0, :, 0] for each in histories.training]
        parameters = smoothing.fit(series, histories.season)
        forecasts[:, :, place] = smoothing.forecast(values[:, :, place], parameters, histories.horizon)
    return forecasts


def filled(values: npt.NDArray[Any]) -> Floats:
    """The last known value in place of missing ones; before the first known value, that one; 0 where none is known."""
    steps = np.arange(values.shape[1])[None, :, None]
    is_known = np.isfinite(values)
    last = np.maximum.accumulate(np.where(is_known, steps, -1), axis=1)
    first = np.where(is_known.any(axis=1), is_known.argmax(axis=1), 0)[:, None]
    taken = np.take_along_axis(values, np.where(last < 0, first, last), axis=1)
    return np.nan_to_num(taken.astype("float64"))


SIMPLE: dict[str, Callable[[Histories], Floats]] = {
    "last_value": last_value,
    "seasonal_naive": seasonal_naive,
    "drift": drift,
    "exponential_smoothing": exponential_smoothing,
}
