"""Baselines: simple forecasts, which the network is compared with."""

from collections.abc import Collection
from typing import Any

import numpy.typing as npt

from .data.resampling import Floats
from .series import simple_forecasts
from .series.histories import Histories

LEARNED = {"ridge": simple_forecasts.ridge, "gradient_boosting": simple_forecasts.gradient_boosting}
BASELINES = (*simple_forecasts.SIMPLE, *LEARNED)


def baseline(
    train: tuple[Histories, Floats],
    evaluation: Histories,
    names: Collection[str] = BASELINES,
    weights: Floats | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Forecasts of the named baselines for the histories `evaluation`; see `simple_forecasts`.

    Where all are asked for, the seasonal naive forecasts of further seasons are among them, such as seasonal_naive_168.

    `weights` are the sample weights of the training windows, (num_windows,), if there are any: those of
    LEARNED learn from them, the others from whole series or from nothing.
    """
    forecasts = {name: simple_forecasts.SIMPLE[name](evaluation) for name in simple_forecasts.SIMPLE if name in names}
    forecasts |= {name: LEARNED[name](*train, evaluation, weights) for name in LEARNED if name in names}
    if set(BASELINES) <= set(names):
        for season in evaluation.seasons[1:]:
            forecasts[f"seasonal_naive_{season}"] = simple_forecasts.seasonal_naive(evaluation, season)
    return {
        name: {"forecast": values.reshape(len(values), -1), "seasonal_error": evaluation.scale}
        for name, values in forecasts.items()
    }
