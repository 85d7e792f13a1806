"""The steps of one file through the model, and the attribution of its parts (occlusion)."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from .. import preprocessing, task
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
    """The contribution of each part of the file: occlusion (Zeiler and Fergus 2014) by the mean of the whole.

    If several labels are answered, the contribution to each, behind the name of the label.
    """
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
    target = inference.target_of(serving_model)
    outputs = task.aligned({name: values.numpy() for name, values in decoded.items()}, target, target)
    names = task.output_parts(target).get("probabilities", [])
    explained, contributions = inference.explained_outputs(outputs, names), dict[str, float]()
    for name, left in explained:
        label = f"{name}: " if len(explained) > 1 else ""
        contributions |= dict(zip([f"{label}{part}" for part in parts], (left[0] - left[1:]).tolist(), strict=True))
    return contributions
