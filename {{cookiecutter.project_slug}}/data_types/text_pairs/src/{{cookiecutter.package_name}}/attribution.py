"""One text on its way to its translation: cleaned, and split into the pieces that the network knows."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from . import preprocessing
from .config import Config
from .tokenizing import NUM_SPECIAL

MEANING = ""


def steps(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The text as `features.Engineer` leaves it, and its pieces, between bars."""
    del config  # the model knows
    preprocessor = complete.get_layer("preprocessor")
    tensors = {
        "engineered": preprocessor.get_layer("engineered").output,
        "codes": preprocessor.get_layer("pieces").output,
    }
    arrays = preprocessing.raw_arrays(complete.input, example)
    values = keras.Model(preprocessor.input, tensors).predict_on_batch(arrays)
    known = preprocessor.get_layer("pieces").pieces
    codes = [int(code) - NUM_SPECIAL for code in np.asarray(values["codes"][0]) if code >= NUM_SPECIAL]
    pieces = [known[code].encode("latin-1").decode(errors="replace") for code in codes]
    return {
        "clean": {"text": values["engineered"][0]},
        "pieces": {"number": len(pieces), "split": "|".join(pieces)},
    }


def attributions(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """None: a translation has no single number that a word could raise."""
    del config, complete, example
    return {}
