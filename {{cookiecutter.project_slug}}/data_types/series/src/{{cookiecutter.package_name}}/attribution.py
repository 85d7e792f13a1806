"""One window on its way to its forecast."""

from typing import Any

import keras
import pandas as pd

from .config import Config

MEANING = ""


def steps(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """None: what is engineered of a window is what the network gets."""
    del config, complete, example
    return {}


def attributions(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """None: a forecast has no single number that a step of the history could raise."""
    del config, complete, example
    return {}
