"""How images enter the network: their size and their channels, decided by the training images."""

from itertools import pairwise

import keras
import numpy as np
import pandas as pd

from ..config import Config
from .decoding import DecodeImages

LARGEST, LARGEST_PRETRAINED = 96, 160  # pixels on a side, unless the setting asks for more
SMALLEST = 16
COARSE = 8  # pixels on a side
PARTS = 4  # of height and of width, that are hidden in turn to tell what a prediction depends on


def encoder(config: Config, examples: pd.DataFrame) -> DecodeImages:
    """The layer from bytes (batch,) to pixels (batch, height, width, channels) uint8."""
    side = config.image_size or typical_side(config, examples)
    return DecodeImages(side, side, 1 if (examples["channels"] <= 2).all() else 3, name="pixels")


def typical_side(config: Config, examples: pd.DataFrame) -> int:
    """The median of the longer sides, a multiple of four, within what a CPU can learn from in minutes."""
    longer = examples[["width", "height"]].max(axis=1).median()
    largest = LARGEST if config.backbone == "none" else LARGEST_PRETRAINED
    return int(np.clip(4 * round(float(longer) / 4), SMALLEST, largest))


def coarse(config: Config, examples: pd.DataFrame, inputs: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """A tiny view of each image, (batch, 8, 8, channels), for models without a network."""
    layer = encoder(config, examples)
    return {"coarse": DecodeImages(COARSE, COARSE, layer.channels)(inputs)}


def parts(preprocessor: keras.Model, shape: tuple[int, ...]) -> dict[str, tuple[slice, ...]]:
    """Where the parts of an encoded image (height, width, channels) are that are hidden one after the other."""
    del preprocessor  # which tells the rate of recordings
    rows, columns = (np.linspace(0, length, PARTS + 1).astype(int).tolist() for length in shape[:2])
    return {
        f"rows {top + 1} to {bottom}, columns {left + 1} to {right}": (slice(top, bottom), slice(left, right))
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    }
