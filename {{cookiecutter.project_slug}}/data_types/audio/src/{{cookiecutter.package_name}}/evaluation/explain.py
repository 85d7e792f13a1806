"""Class activation maps (Grad-CAM) of the recordings with the largest errors."""

import base64
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import metrics, model, preprocessing
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
NUM_SHOWN = 16
HIDDEN = (media.COLUMN, "sha256", "samples_sha256")  # columns that tell a reader of the report nothing
MAX_BYTES = 2_000_000  # of a recording on the page


def blocks(
    config: Config,
    serving_model: keras.Model,
    examples: pd.DataFrame,
    targets: np.ndarray,
    predictions: dict[str, np.ndarray],
) -> list[Block]:
    """The recordings with the largest errors, with their spectrograms and class activation maps."""
    worst = scoring.worst(metrics.errors(targets, predictions), identities(config, examples), NUM_SHOWN)
    shown = examples.iloc[worst]
    preprocessor = serving_model.get_layer("preprocessor")
    encoded = preprocessing.encode(preprocessor, shown)[media.COLUMN]
    heat = activation.class_activation(serving_model.get_layer("network"), encoded)
    spectrograms = model.augmented(config, preprocessor).predict_on_batch({media.COLUMN: encoded})
    exhibits = []
    for place, row in enumerate(worst):
        pixels = drawing(spectrograms[place])
        exhibits.append(
            gallery.Exhibit(
                [gallery.picture(pixels), gallery.heated(pixels, heat[place].T[::-1])],
                [
                    f"true: {tables.truth(config, shown, place)}",
                    activation.prediction_text(predictions, int(row)),
                    str(shown[NAME].iloc[place]),
                ],
                sound(Path(shown[media.COLUMN].iloc[place])),
            )
        )
    note = "Sorted from worst to best; time runs to the right, frequency upward. Bright regions raised the output."
    return [gallery.figure("Largest errors", exhibits, note)]


def drawing(spectrogram: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """A spectrogram (frames, bands) as an image (height, frames, 1), about square, low pitch at the bottom."""
    scaled = (spectrogram.T[::-1] + 2) / 5  # of standardised decibels, what lies between -2 and 3
    rows = np.repeat(np.clip(scaled, 0, 1) * 255, max(1, len(spectrogram) // spectrogram.shape[1]), axis=0)
    return rows.astype("uint8")[..., None]


def sound(path: Path) -> str:
    """A recording as a data URI, unless it is too long for a page."""
    payload = path.read_bytes()
    return f"data:audio/wav;base64,{base64.b64encode(payload).decode()}" if len(payload) <= MAX_BYTES else ""
