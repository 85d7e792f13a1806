"""Sample weights: how much each example counts in the loss, the metrics, the calibration and the baselines."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from ..config import Config
from ..core.errors import InputError
from .provenance import name_rows

Floats = npt.NDArray[np.float64]


def of(config: Config, examples: pd.DataFrame) -> Floats | None:
    """The weights of examples, (num_examples,), as the column has them; None where the setting names no column."""
    return examples[config.sample_weight].to_numpy("float64") if config.sample_weight else None


def scaled(weights: npt.NDArray[np.floating], counts: npt.ArrayLike | None = None) -> npt.NDArray[np.float32]:
    """Weights of mean 1, so that their unit changes neither learning rate nor regularization.

    `counts` is how many terms of the loss each example has, if they differ.
    """
    return (weights / np.average(weights, weights=counts)).astype("float32")


def quantile(values: npt.NDArray[np.floating], weights: npt.NDArray[np.floating], wanted: float) -> float:
    """The smallest value at which the weights, summed in the order of the values, reach the `wanted` sum; or the last.

    Of equal weights it is the empirical quantile; both arrays are (num_values,).
    """
    order = np.argsort(values, kind="stable")
    place = int(np.searchsorted(np.cumsum(weights[order], dtype=float), wanted))
    return float(values[order[min(place, len(order) - 1)]])


def check(config: Config, examples: pd.DataFrame, first: int) -> None:
    """Refuses weights that are no numbers, negative or infinite; `first` numbers the first row.

    Raises:
        InputError: some are.
    """
    if not config.sample_weight:
        return
    name, values = config.sample_weight, examples[config.sample_weight]
    if not types.is_numeric_dtype(values):
        message = f"sample_weight {name!r} holds cells such as {values.iloc[0]!r}; numbers from 0 are needed"
        raise InputError(f"{message}: fix them or choose another column")
    numbers = values.to_numpy("float64")
    is_bad = ~((numbers >= 0) & np.isfinite(numbers))
    if is_bad.any():
        rows = (np.flatnonzero(is_bad) + first).tolist()
        message = f"sample_weight {name!r} is {numbers[is_bad][0]:g} in {name_rows(rows)}"
        raise InputError(f"{message}; finite numbers from 0 are needed: fix them or choose another column")


def check_splits(config: Config, weights: Mapping[str, pd.Series]) -> None:
    """Refuses weights that leave nothing of a split.

    Raises:
        InputError: all weights of a split are 0.
    """
    for split, values in weights.items():
        if not values.any():
            message = f"sample_weight {config.sample_weight!r} is 0 in all {len(values)} examples of the {split} split"
            raise InputError(f"{message}; some must be above 0: fix them or choose another column")
