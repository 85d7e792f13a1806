"""Augmentation: training images are changed in ways that do not change what they show; nothing happens in service."""

import keras

from .config import Config
from .core.errors import InputError

SHIFT, ROTATION, ZOOM, COLOR, ERASED = 0.1, 0.04, 0.15, 0.25, 0.2  # at a strength of 1
RANGE = (0, 255)  # of pixels


def augment(images: keras.KerasTensor, config: Config, strength: float) -> keras.KerasTensor:
    """Changes images (batch, height, width, channels) from 0 to 255 while training, as `augmentation` lists it.

    Add what does not change the meaning of your images: a mirrored shoe is a shoe, a mirrored letter is none.

    Raises:
        InputError: an augmentation is for colour images, and these are grey.
    """
    layers = {
        "flip": lambda: keras.layers.RandomFlip("horizontal"),
        "shift": lambda: keras.layers.RandomTranslation(SHIFT * strength, SHIFT * strength, "reflect"),
        "rotate": lambda: keras.layers.RandomRotation(ROTATION * strength, "reflect"),
        "zoom": lambda: keras.layers.RandomZoom((-ZOOM * strength, ZOOM * strength), fill_mode="reflect"),
        "color": lambda: color_jitter(images.shape[-1], COLOR * strength),
        "erase": lambda: keras.layers.RandomErasing(0.5, (0.02, ERASED * strength), value_range=RANGE),
        "randaugment": lambda: keras.layers.RandAugment(RANGE, num_ops=2, factor=min(0.3 * strength, 1.0)),
    }
    chosen = config.augmentation if strength else ()
    if "randaugment" in chosen and images.shape[-1] == 1:
        raise InputError("augmentation has randaugment, which is for colour images, and these are grey; leave it out")
    for name in chosen:
        images = layers[name]()(images)
    return images


def color_jitter(channels: int, strength: float) -> keras.layers.Layer:
    """Changes brightness, and of colour images also contrast and saturation."""
    if channels == 1:
        return keras.layers.RandomBrightness(strength, RANGE)
    strength = min(strength, 1.0)
    return keras.layers.RandomColorJitter(
        RANGE,
        brightness_factor=strength,
        contrast_factor=strength,
        saturation_factor=(0.5 - strength / 2, 0.5 + strength / 2),  # 0.5 changes nothing
    )
