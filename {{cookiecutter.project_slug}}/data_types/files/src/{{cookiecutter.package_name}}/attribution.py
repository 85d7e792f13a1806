"""One file on its way: where it lies and how large it is; the report shows what the network looked at."""

from pathlib import Path
from typing import Any

import keras
import pandas as pd

from . import media
from .config import Config

MEANING = ""


def steps(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The file; what is measured of it is among its raw columns."""
    del config, complete  # which decodes it on the way to the network
    path = Path(example[media.COLUMN].iloc[0])
    return {"file": {"path": str(path), "bytes": path.stat().st_size}}


def attributions(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """None here: `make evaluate` draws maps of what spoke for a prediction (Grad-CAM)."""
    del config, complete, example
    return {}
