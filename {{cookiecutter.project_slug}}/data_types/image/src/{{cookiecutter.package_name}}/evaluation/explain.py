"""What the model goes by: the worst predictions, and the parts of these images that led to them."""

import keras
import numpy as np
import pandas as pd

from .. import metrics, preprocessing
from ..config import Config
from ..media import gallery, media
from ..media.file_sources import NAME
from ..reporting.report import Block
from . import activation

NUM_SHOWN = 24
HIDDEN = (media.COLUMN, "sha256", "perceptual_hash")  # columns that tell a reader of the report nothing


def drawing(images: np.ndarray) -> np.ndarray:
    """Images (height, width, channels) from 0 to 255 as a page shows them."""
    return np.clip(images, 0, 255).round().astype("uint8")


def blocks(
    config: Config,
    complete: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """The images that the model gets most wrong, beside maps of what it looked at."""
    worst = np.argsort(-metrics.errors(targets, predictions), kind="stable")[:NUM_SHOWN]
    shown = examples.iloc[worst]
    pixels = preprocessing.encode(complete.get_layer("preprocessor"), shown)[media.COLUMN]
    heat = activation.class_activation(complete.get_layer("network"), pixels)
    exhibits = [
        gallery.Exhibit(
            [gallery.picture(pixels[place]), gallery.heated(pixels[place], heat[place])],
            [
                f"true: {shown[config.target].iloc[place]}",
                activation.said(predictions, row),
                str(shown[NAME].iloc[place]),
            ],
        )
        for place, row in enumerate(worst)
    ]
    note = "As the network sees them, the worst first; bright is what spoke for the prediction (Grad-CAM)."
    return [gallery.figure("The worst predictions", exhibits, note)]
