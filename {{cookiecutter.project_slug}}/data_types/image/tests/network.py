"""A small network on images, of its own or grown on a backbone."""

from typing import Any

import keras
from keras import layers

from project import model, task
from project.config import Config
from project.media import media, pretrained
from project.transfer import depth, fine_tuning

FEATURES: dict[str, Any] = {}  # none takes part


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """A convolution, or the backbone, and a dense layer."""
    tensor = preprocessor.output[media.COLUMN]
    inputs = {media.COLUMN: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=media.COLUMN)}
    images = layers.Rescaling(1.0)(inputs[media.COLUMN])
    choice = pretrained.network_choice(hp, config, tensor.shape[1])
    if choice != fine_tuning.SCRATCH:
        hidden, origin = pretrained.feature_maps(hp, config, images, choice)
    else:
        width = hp.Int("width", 8, 16, default=8)
        hidden = layers.Conv2D(width, 3, strides=2, use_bias=False)(layers.Rescaling(1 / 127.5, offset=-1)(images))
        hidden = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(hidden))
    hidden = layers.Activation("linear", name=model.FEATURE_MAPS)(hidden)
    pooled = layers.GlobalAveragePooling2D(name=fine_tuning.POOLED)(hidden)
    hidden = layers.Dropout(hp.Float("dropout", 0.0, 0.5, default=0.1))(pooled)
    outputs = task.output_head(layers.RepeatVector(1)(hidden), target)
    if choice == fine_tuning.SCRATCH:
        return keras.Model(inputs, outputs, name="network")
    network, tuned = fine_tuning.FineTuned(inputs, outputs), depth.tuned(hp, choice)
    network.configure(
        config, media.COLUMN, config.unpacked, origin, tuned, lambda steps: model.optimizer(config, hp, steps)
    )
    return network
