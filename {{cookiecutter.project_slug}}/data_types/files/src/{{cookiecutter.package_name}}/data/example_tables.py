"""The examples that stages ask for, made of the tables that collecting wrote: their rows, as they are."""

import pandas as pd

from ..config import Config
from ..core import artifacts


def read_split(config: Config, split: str) -> pd.DataFrame:
    """The examples of a split."""
    return artifacts.read_rows(config, split)
