"""What is measured of the history of a window, by which reports slice and monitoring compares.

Free of pandas and scipy.
"""

import warnings

import numpy as np
import numpy.typing as npt

LEVEL, SCALE, TREND = "history level", "history scale", "history trend"
SEASONALITY, MISSING = "history seasonality", "history missing"
NAMES = (LEVEL, SCALE, TREND, SEASONALITY, MISSING)
CHUNK = 4_096  # windows that are measured at once

Floats = npt.NDArray[np.float64]


def measure(histories: npt.NDArray[np.floating], season: int) -> dict[str, Floats]:
    """Measures of histories (num_windows, context), NaN where nothing is known; each (num_windows,).

    level: mean; scale: standard deviation; trend: mean of the later half less that of the earlier one; seasonality:
    autocorrelation at the season's lag; missing: share of cells.
    """
    values = histories.astype("float64")
    half = values.shape[1] // 2
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing are NaN, as they should be
        level, scale = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
        trend = np.nanmean(values[:, half:], axis=1) - np.nanmean(values[:, :half], axis=1)
        centered = values - level[:, None]
        products = centered[:, season:] * centered[:, :-season]
        seasonality = np.nanmean(products, axis=1) / scale**2
    missing = np.isnan(values).mean(axis=1)
    return dict(zip(NAMES, (level, scale, trend, seasonality, missing), strict=True))


def of_windows(
    values: npt.NDArray[np.floating], places: npt.NDArray[np.int64], context: int, season: int
) -> dict[str, Floats]:
    """The measures of the histories that end before `places` of a series (num_steps,)."""
    parts = []
    for start in range(0, len(places), CHUNK):
        chosen = places[start : start + CHUNK]
        parts.append(measure(values[chosen[:, None] + np.arange(-context, 0)], min(season, context - 1)))
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}
