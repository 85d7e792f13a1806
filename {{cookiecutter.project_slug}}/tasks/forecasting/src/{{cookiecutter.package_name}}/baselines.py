"""Baselines: simple forecasts, which the network is compared with."""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from .data.resampling import Floats
from .series import simple_forecasts
from .series.histories import Histories

BASELINES = (*simple_forecasts.SIMPLE, "ridge")


def baseline(
    train: tuple[Histories, Floats],
    evaluation: Histories,
    names: Collection[str] = BASELINES,
    weights: Floats | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Forecasts of the named baselines for the histories `evaluation`; see `simple_forecasts`.

    `weights` are the sample weights of the training windows, (num_windows,), if there are any: the ridge regression
    learns from them, the others learn from whole series or from nothing.
    """
    forecasts = {name: simple_forecasts.SIMPLE[name](evaluation) for name in simple_forecasts.SIMPLE if name in names}
    if "ridge" in names:
        forecasts["ridge"] = simple_forecasts.ridge(*train, evaluation, weights)
    scale = seasonal_errors(evaluation)
    return {
        name: {"forecast": values.reshape(len(values), -1), "seasonal_error": scale}
        for name, values in forecasts.items()
    }


def seasonal_errors(histories: Histories) -> Floats:
    """The mean absolute error of the seasonal naive forecast within each history, as the model computes it."""
    season = histories.season if 1 < histories.season < histories.values.shape[1] else 1
    found = []
    for lag in (season, 1):
        differences = np.abs(histories.values[:, lag:] - histories.values[:, :-lag])
        known = np.isfinite(differences)
        found.append(np.where(known, differences, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return np.where(found[0] > 0, found[0], found[1])
