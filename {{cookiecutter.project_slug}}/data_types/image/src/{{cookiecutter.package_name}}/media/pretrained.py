"""Networks of Keras Applications that were trained on ImageNet, and their tuning to other images in two phases."""

from typing import Any

import keras
from keras import layers

from ..config import Config
from ..core.errors import InputError

HEAD_EPOCHS, HEAD_RATE = 3, 0.002  # of the first phase, in which the weights of the backbone do not change
SMALLEST = 32  # pixels on a side that these networks take


def load(config: Config, side: int) -> keras.Model:
    """The network that `backbone` names, without its head: pixels (batch, side, side, 3) from 0 to 255 to feature maps.

    Raises:
        InputError: its weights cannot be fetched or do not fit, or the images are too small for it.
    """
    if side < SMALLEST:
        raise InputError(f"images have {side} pixels on a side and {config.backbone} takes {SMALLEST}: set image_size")
    application = getattr(keras.applications, config.backbone)
    shape, weights = (side, side, 3), config.backbone_weights
    try:
        network: keras.Model = application(weights=weights or None, include_top=False, input_shape=shape)
    except Exception as error:  # of the network, of the file or of HDF5
        kept = "~/.keras/models"
        remedy = f"fetch them where there is a network ({kept} keeps them), or set backbone_weights to a file of them"
        raise InputError(
            f"the weights {weights!r} of {config.backbone} cannot be loaded ({error}); {remedy}"
        ) from error
    network.name = "backbone"
    return network


def feature_maps(backbone: keras.Model, images: keras.KerasTensor) -> keras.KerasTensor:
    """What the backbone makes of images (batch, height, width, 1 or 3); its batch statistics stay those of ImageNet."""
    if images.shape[-1] == 1:
        images = layers.Concatenate(name="grey_as_color")([images] * 3)
    return backbone(images, training=False)


class FineTuned(keras.Model):
    """A network on a backbone: `fit` trains the head alone first, by Adam, then all of it by its own optimizer."""

    def fit(self, x: Any, *, initial_epoch: int = 0, **options: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`; a training that goes on after a kill is in its second phase."""
        backbone, own = self.get_layer("backbone"), self.optimizer
        if initial_epoch == 0:
            with self.distribute_strategy.scope():
                head_only = keras.optimizers.Adam(HEAD_RATE)
            backbone.trainable = False
            self.recompile(head_only)
            super().fit(x, epochs=HEAD_EPOCHS, verbose=0, shuffle=False, callbacks=preparing(options["callbacks"]))
        backbone.trainable = True
        self.recompile(own)
        return super().fit(x, initial_epoch=initial_epoch, **options)

    def recompile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Changes the optimizer, and takes note of what can be trained."""
        with self.distribute_strategy.scope():
            self.compile(optimizer, self.loss, **self.logged, jit_compile=False)

    def compile(self, optimizer: Any, loss: Any, **options: Any) -> None:
        """As `keras.Model.compile`; remembers the metrics."""
        self.logged = {name: options[name] for name in ("metrics", "weighted_metrics") if name in options}
        super().compile(optimizer, loss, **options)


def preparing(callbacks: list[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """The callbacks of a training that have to be there in each of its phases."""
    return [callback for callback in callbacks if getattr(callback, "prepares", False)]
