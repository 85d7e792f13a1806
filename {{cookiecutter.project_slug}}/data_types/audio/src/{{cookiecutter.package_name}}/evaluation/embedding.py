"""Vectors of recordings by a pretrained network, and recordings on the page about them."""

import base64
import io
from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd
import soundfile

from .. import model, preprocessing
from ..config import Config
from ..media import gallery, media, pretrained
from ..media.decoding import FULL_SCALE
from ..media.file_sources import names
from ..reporting.report import Figure
from . import explain
from .vectors import Embedder, Group, Shown, kept

__all__ = ["figure", "names", "pretrained_network"]

MAX_SAMPLES = 50_000  # of a recording that can be heard on the page


def pretrained_network(config: Config, train: pd.DataFrame) -> Embedder:
    """The network that `backbone` names, its mean and peak over time; features that training has cached are used.

    Raises:
        InputError: there are no weights.
    """
    preprocessor = preprocessing.build_preprocessor(config, train)
    tensor = preprocessor.output[media.COLUMN]
    recordings = keras.Input(tensor.shape[1:], dtype=tensor.dtype)
    waveforms = keras.layers.Rescaling(1 / FULL_SCALE, dtype=keras.config.floatx())(recordings)
    maps, origin = pretrained.feature_maps(config, waveforms, preprocessor.get_layer("waveform").rate)
    network = keras.Model(recordings, model.over_time(maps))
    return kept(preprocessor, media.COLUMN, network, config.unpacked, origin["name"])


def figure(shown: Shown, title: str, groups: Sequence[Group], note: str) -> Figure:
    """The spectrogram and the sound of each recording."""
    views = model.augmented(shown.config, shown.preprocessor)(shown.encoded, training=False)
    pictures = [gallery.picture(explain.drawing(view)) for view in keras.ops.convert_to_numpy(views)]
    rate = shown.preprocessor.get_layer("waveform").rate
    exhibits = [
        gallery.Exhibit([pictures[place]], lines, sound(shown.encoded[media.COLUMN][place], rate))
        for group in groups
        for place, lines in group.each()
    ]
    return gallery.figure(title, exhibits, note)


def sound(samples: np.ndarray, rate: int) -> str:
    """A recording, (num_samples,) int16, as a data URI, unless it is too long for a page."""
    if len(samples) > MAX_SAMPLES:
        return ""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="WAV")
    return f"data:audio/wav;base64,{base64.b64encode(stream.getvalue()).decode()}"
