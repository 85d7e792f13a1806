"""One file on its way: where it lies, how large it is, and which of its parts decided."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import preprocessing
from ..config import Config
from ..media import encoding, media
from . import inference

MEANING = "how much the logarithm of the odds, or the number, falls if the part is hidden"


def steps(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The file; what is measured of it is among its raw columns."""
    del config, complete  # which decodes it on the way to the network
    path = Path(example[media.COLUMN].iloc[0])
    return {"file": {"path": str(path), "bytes": path.stat().st_size}}


def attributions(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """What each part of the file contributed: occlusion (Zeiler and Fergus 2014) by the mean of the whole."""
    del config  # every part is tried
    preprocessor = complete.get_layer("preprocessor")
    encoded = preprocessor.predict_on_batch(preprocessing.raw_arrays(complete.input, example))[media.COLUMN]
    parts = encoding.parts(preprocessor, encoded.shape[1:])
    variants = np.repeat(encoded, len(parts) + 1, axis=0)  # the first one stays whole
    for row, part in enumerate(parts.values(), 1):
        variants[row][part] = encoded[0].mean(axis=tuple(range(len(part)))).astype(encoded.dtype)
    decoded = complete.get_layer("decode")(complete.get_layer("network").predict_on_batch({media.COLUMN: variants}))
    outputs = {name: keras.ops.convert_to_numpy(values) for name, values in decoded.items() if name != "label"}
    left = inference.amounts(outputs, np.zeros(len(variants), "int64"))
    return dict(zip(parts, (left[0] - left[1:]).tolist(), strict=True))
