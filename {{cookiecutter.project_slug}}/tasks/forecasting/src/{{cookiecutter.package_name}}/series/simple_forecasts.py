"""Simple forecasts that a network has to beat, from histories (num_windows, context, num_targets), NaN if missing.

Each gives (num_windows, horizon, num_targets).
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import seasons
from .histories import Histories

Floats = npt.NDArray[np.float64]

RIDGE = 1.0
RECENT = 24  # latest values that gradient boosting sees beside those of the same phase
MAX_ROWS = 100_000  # windows times steps that it learns from
LEAVES, LARGEST_LEAF = 500, 200  # a leaf has a share of these rows, up to so many: neighbours are alike

MAX_SERIES, MAX_STEPS = 3, 1_000  # by which the parameters are found: more take seconds and change little
MIN_SEASONS = 3  # of a series whose season is to be learned


def last_value(histories: Histories) -> Floats:
    """The last known value, for every step."""
    last = filled(histories.values)[:, -1:]
    return np.repeat(last, histories.horizon, axis=1)


def seasonal_naive(histories: Histories, season: int = 0) -> Floats:
    """The value a season ago; of missing ones, that of an earlier season, or else the last known value.

    It is the season whose naive forecast was best in the training period, unless another one is given.
    """
    season, values = season or histories.seasons[0], histories.values
    if season in histories.repeated:
        found = histories.repeated[season]
        return np.where(np.isnan(found), filled(values)[:, -1:], found)
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


def ridge(train: Histories, targets: Floats, evaluation: Histories, weights: Floats | None = None) -> Floats:
    """A ridge regression for each step on the history, less its last value, fitted to the training windows."""
    from sklearn.linear_model import Ridge

    units, own_units = train.units(train), evaluation.units(train)
    past, future = filled(train.values / units), targets.reshape(len(targets), train.horizon, -1) / units
    sent = filled(evaluation.values / own_units)
    forecasts = np.empty((len(sent), train.horizon, sent.shape[-1]))
    for place in range(sent.shape[-1]):
        base, last = past[:, -1:, place], sent[:, -1:, place]
        wanted = future[:, :, place] - base
        usable = np.isfinite(wanted).all(axis=1)
        own = None if weights is None else weights[usable]
        fitted = Ridge(RIDGE).fit((past[usable, :, place] - base[usable]), wanted[usable], own)
        forecasts[:, :, place] = fitted.predict(sent[:, :, place] - last).reshape(len(sent), -1) + last
    return forecasts * own_units


def gradient_boosting(
    train: Histories, targets: Floats, evaluation: Histories, weights: Floats | None = None
) -> Floats:
    """Boosted trees for all steps on lags, calendar and what is known in advance, fitted to the training windows."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    units, own_units = train.units(train), evaluation.units(train)
    train, evaluation = train.divided(units), evaluation.divided(own_units)
    future = targets.reshape(len(targets), train.horizon, -1) / units
    forecasts = np.empty((len(evaluation.values), train.horizon, future.shape[-1]))
    for place in range(future.shape[-1]):
        (level, features), (own_level, own) = lagged(train, place), lagged(evaluation, place)
        wanted = (future[:, :, place] - level[:, None]).ravel()  # trees cannot draw levels that they have not seen
        usable = np.flatnonzero(np.isfinite(wanted))
        usable = usable[:: -(-len(usable) // MAX_ROWS)]
        rows = None if weights is None else np.repeat(weights, train.horizon)[usable]
        leaf = int(np.clip(len(usable) // LEAVES, 20, LARGEST_LEAF))
        model = HistGradientBoostingRegressor(
            loss="absolute_error", learning_rate=0.05, max_iter=150, min_samples_leaf=leaf, random_state=0
        )
        model.fit(features[usable], wanted[usable], rows)
        forecasts[:, :, place] = model.predict(own).reshape(len(own_level), -1) + own_level[:, None]
    return forecasts * own_units


def lagged(histories: Histories, place: int) -> tuple[Floats, Floats]:
    """The last value of each history of a target, (num_windows,), and features, (num_windows * horizon, number).

    These are the values of the same phase, the latest ones and the mean, less the last one, the step and what is ahead.
    """
    num_windows, context, horizon = *histories.values.shape[:2], histories.horizon
    known = filled(histories.values)[:, :, place]
    level = known[:, -1]
    values = histories.values[:, :, place] - level[:, None]
    same = values[:, seasons.same_phases(context, horizon, histories.seasons)]  # (num_windows, horizon, num_lags)
    latest = np.column_stack([values[:, -RECENT:], known.mean(axis=1) - level, level])[:, None].repeat(horizon, axis=1)
    steps = np.broadcast_to(np.arange(horizon)[None, :, None], (num_windows, horizon, 1))
    features = np.concatenate([same, latest, steps, histories.ahead], axis=2)
    return level, features.reshape(num_windows * horizon, -1)


def exponential_smoothing(histories: Histories) -> Floats:
    """Holt and Winters' additive method with a damped trend; its parameters are those of the training series."""
    values = filled(histories.values)
    season = min(histories.seasons) if 2 * min(histories.seasons) <= values.shape[1] else 1
    forecasts = np.empty((len(values), histories.horizon, values.shape[-1]))
    for place in range(values.shape[-1]):
        series = [filled(each[None, :, place : place + 1])[0, :, 0] for each in histories.training]
        parameters = fit(series, season)
        forecasts[:, :, place] = forecast(values[:, :, place], parameters, histories.horizon)
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
