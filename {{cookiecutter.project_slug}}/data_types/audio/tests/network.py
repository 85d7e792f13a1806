"""A small network on spectrograms, or a head on a backbone."""

from typing import Any

import keras
from keras import layers

from project import model, task
from project.config import Config
from project.media import media, pretrained
from project.media.decoding import FULL_SCALE, log_mel
from project.transfer import depth, fine_tuning

FEATURES: dict[str, Any] = {}  # none takes part


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """A convolution of the spectrogram, or the backbone, and a dense layer."""
    decoder, tensor = preprocessor.get_layer("waveform"), preprocessor.output[media.COLUMN]
    inputs = {media.COLUMN: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=media.COLUMN)}
    waveforms = layers.Rescaling(1 / FULL_SCALE)(inputs[media.COLUMN])
    choice = fine_tuning.network_choice(hp, config, pretrained.load, config.backbone_weights)
    if choice != fine_tuning.SCRATCH:
        hidden, origin = pretrained.feature_maps(config, waveforms, decoder.rate)
    else:
        frames = log_mel(waveforms, decoder, 24)
        hidden = layers.Reshape((*frames.shape[1:], 1))(layers.BatchNormalization(momentum=0.9)(frames))
        hidden = layers.Conv2D(hp.Int("width", 8, 16, default=8), 5, strides=2, activation="relu")(hidden)
    hidden = layers.AveragePooling2D((hidden.shape[1], 1))(layers.Activation("linear", name=model.FEATURE_MAPS)(hidden))
    hidden = layers.Dropout(hp.Float("dropout", 0.0, 0.5, default=0.1))(layers.Flatten(name=fine_tuning.POOLED)(hidden))
    outputs = task.output_head(layers.RepeatVector(1)(hidden), target)
    if choice == fine_tuning.SCRATCH:
        return keras.Model(inputs, outputs, name="network")
    network, tuned = fine_tuning.FineTuned(inputs, outputs), depth.tuned(hp, choice)
    network.configure(
        config, media.COLUMN, config.unpacked, origin, tuned, lambda steps: model.optimizer(config, hp, steps)
    )
    return network
