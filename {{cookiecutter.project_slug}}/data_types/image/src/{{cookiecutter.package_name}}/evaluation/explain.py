"""Class activation maps (Grad-CAM) of the images with the largest errors."""

import keras
import numpy as np
import pandas as pd

from .. import metrics, preprocessing
from ..config import Config
from ..data import tables
from ..examples import identities
from ..media import gallery, media
from ..media.file_sources import NAME
from ..reporting.report import Block
from . import activation, scoring
from .activation import MEANING, attributions, steps

__all__ = ["HIDDEN", "MEANING", "TITLE", "attributions", "blocks", "steps"]

TITLE = "Class activation maps"
NUM_SHOWN = 24
HIDDEN = (media.COLUMN, "sha256", "perceptual_hash")  # columns that tell a reader of the report nothing


def drawing(images: np.ndarray) -> np.ndarray:
    """Images (height, width, channels) from 0 to 255 as a page shows them."""
    return np.clip(images, 0, 255).round().astype("uint8")


def blocks(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """The images with the largest errors, beside their class activation maps."""
    worst = scoring.worst(metrics.errors(targets, predictions), identities(config, examples), NUM_SHOWN)
    shown = examples.iloc[worst]
    pixels = preprocessing.encode(serving_model.get_layer("preprocessor"), shown)[media.COLUMN]
    heat = activation.class_activation(serving_model.get_layer("network"), pixels)
    exhibits = [
        gallery.Exhibit(
            [gallery.picture(pixels[place]), gallery.heated(pixels[place], heat[place])],
            [
                f"true: {tables.truth(config, shown, place)}",
                activation.prediction_text(predictions, row),
                str(shown[NAME].iloc[place]),
            ],
        )
        for place, row in enumerate(worst)
    ]
    note = "Preprocessed images, sorted from worst to best. Bright regions raised the predicted output (Grad-CAM)."
    return [gallery.figure("Largest errors", exhibits, note)]
