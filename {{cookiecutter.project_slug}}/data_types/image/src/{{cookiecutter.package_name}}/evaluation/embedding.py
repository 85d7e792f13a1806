"""Vectors of images by a pretrained network, and images on the page about them."""

from collections.abc import Sequence

import keras
import keras_tuner
import pandas as pd

from .. import preprocessing
from ..config import Config
from ..media import gallery, media, pretrained
from ..media.file_sources import names
from ..reporting.report import Figure
from ..transfer.fine_tuning import FROZEN
from . import explain
from .vectors import Embedder, Group, Shown, kept

__all__ = ["figure", "names", "pretrained_network"]


def pretrained_network(config: Config, train: pd.DataFrame) -> Embedder:
    """The network that `backbone` names, averaged over the image; features that training has cached are used.

    Raises:
        InputError: there are no weights.
    """
    preprocessor = preprocessing.build_preprocessor(config, train)
    tensor = preprocessor.output[media.COLUMN]
    images = keras.Input(tensor.shape[1:], dtype=tensor.dtype)
    pixels = keras.layers.Rescaling(1.0)(images)
    maps, origin = pretrained.feature_maps(keras_tuner.HyperParameters(), config, pixels, FROZEN)
    network = keras.Model(images, keras.layers.GlobalAveragePooling2D()(maps))
    return kept(preprocessor, media.COLUMN, network, config.unpacked, origin["name"])


def figure(shown: Shown, title: str, groups: Sequence[Group], note: str) -> Figure:
    """The images of each group, side by side."""
    pictures = [gallery.picture(explain.drawing(image)) for image in shown.encoded[media.COLUMN]]
    exhibits = [
        gallery.Exhibit([pictures[place] for place in group.places], [group.heading, *group.lines]) for group in groups
    ]
    return gallery.figure(title, exhibits, note)
