"""The histories of windows as simple models take them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..config import Config
from .window_shape import Shape


@dataclass(frozen=True)
class Histories:
    """The known part of windows, and the training series by which a simple model finds its parameters."""

    values: npt.NDArray[np.float64]
    """(num_windows, context, num_targets), NaN where missing."""
    season: int
    horizon: int
    training: list[npt.NDArray[np.float32]]
    """Whole training series, each (num_steps, num_targets)."""


def of_windows(
    config: Config, shape: Shape, examples: pd.DataFrame, training: list[npt.NDArray[np.float32]]
) -> Histories:
    """The histories of a table of windows."""
    values = np.stack([cell[: shape.context] for cell in examples[config.target]]).astype("float64")
    return Histories(values, min(shape.season, shape.context), shape.horizon, training)
