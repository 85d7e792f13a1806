"""The steps of one file through the model, and the attribution of its parts (occlusion)."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import preprocessing
from ..config import Config
from ..media import encoding, media
from . import inference

MEANING = "drop in log-odds, or in the predicted number, when the part is hidden"


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The file; its measurements are among the raw columns."""
    del config, serving_model  # which decodes it on the way to the network
    path = Path(example[media.COLUMN].iloc[0])
    return {"file": {"path": str(path), "bytes": path.stat().st_size}}


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each part of the file: occlusion (Zeiler and Fergus 2014) by the mean of the whole."""
    del config  # every part is tried
    preprocessor = serving_model.get_layer("preprocessor")
    encoded = preprocessor.predict_on_batch(preprocessing.raw_arrays(serving_model.input, example))[media.COLUMN]
    parts = encoding.parts(preprocessor, encoded.shape[1:])
    variants = np.repeat(encoded, len(parts) + 1, axis=0)  # the first one stays whole
    for row, part in enumerate(parts.values(), 1):
        variants[row][part] = encoded[0].mean(axis=tuple(range(len(part)))).astype(encoded.dtype)
    decoded = serving_model.get_layer("decode")(
        serving_model.get_layer("network").predict_on_batch({media.COLUMN: variants})
    )
    outputs = {name: keras.ops.convert_to_numpy(values) for name, values in decoded.items() if values.dtype != "string"}
    _, left = inference.explained_outputs(outputs)[0]
    return dict(zip(parts, (left[0] - left[1:]).tolist(), strict=True))
