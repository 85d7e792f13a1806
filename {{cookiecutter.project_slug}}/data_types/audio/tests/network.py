"""A small network on spectrograms."""

from typing import Any

import keras
from keras import layers

from project import model, task
from project.config import Config
from project.media import media, spectrograms
from project.media.decoding import FULL_SCALE

FEATURES: dict[str, Any] = {}  # none takes part


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """A convolution of the spectrogram."""
    del config  # the same whatever the settings
    tensor = preprocessor.output[media.COLUMN]
    inputs = {media.COLUMN: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=media.COLUMN)}
    waveforms = layers.Rescaling(1 / FULL_SCALE)(inputs[media.COLUMN])
    frames = spectrograms.log_mel(waveforms, preprocessor.get_layer("waveform"), 24)
    hidden = layers.Reshape((*frames.shape[1:], 1))(layers.BatchNormalization(momentum=0.9)(frames))
    hidden = layers.Conv2D(hp.Int("width", 8, 16, default=8), 5, strides=2, activation="relu")(hidden)
    hidden = layers.AveragePooling2D((hidden.shape[1], 1))(layers.Activation("linear", name=model.FEATURE_MAPS)(hidden))
    hidden = layers.Dropout(hp.Float("dropout", 0.0, 0.5, default=0.1))(layers.Flatten()(hidden))
    return keras.Model(inputs, task.output_head(layers.RepeatVector(1)(hidden), target), name="network")
