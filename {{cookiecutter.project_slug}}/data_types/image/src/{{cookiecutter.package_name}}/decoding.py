"""Layers that turn the bytes of image files into pixels, in training and in service alike."""

from typing import Any

import keras
import tensorflow as tf

HEADER = 4_096  # bytes at the beginning of a JPEG file, in which the entry stands
BIG_ENDIAN = (0x01, 0x12, 0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00)  # EXIF's entry of how the camera was held,
LITTLE_ENDIAN = (0x12, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00)  # behind which its value stands


@keras.saving.register_keras_serializable(package="image")
class DecodeImages(keras.layers.Layer):
    """Decodes JPEG, PNG, GIF (the first picture) and BMP, turns upright, and scales to one size.

    The aspect is kept, the rest is black; transparent parts are white. Shapes: (batch,) string, the bytes of the files,
    to (batch, height, width, channels) uint8, of 1 channel (grey) or 3 (red, green, blue).
    """

    def __init__(self, height: int, width: int, channels: int, **options: Any) -> None:
        """Takes the size to scale to, in pixels."""
        super().__init__(**options)
        self.height, self.width, self.channels = height, width, channels

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Decodes each file by itself, several at once."""
        pixels = tf.TensorSpec((self.height, self.width, self.channels), "uint8")
        return tf.map_fn(self.decode, inputs, fn_output_signature=pixels, parallel_iterations=16)

    def decode(self, data: tf.Tensor) -> tf.Tensor:
        """One file, () string, as (height, width, channels) uint8."""
        image = upright(tf.cast(tf.io.decode_image(data, expand_animations=False), "float32"), orientation(data))
        image = three_channels(image)
        if self.channels == 1:
            image = tf.image.rgb_to_grayscale(image)
        scaled = tf.image.resize_with_pad(image, self.height, self.width, antialias=True)
        return tf.cast(tf.round(scaled), "uint8")

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """States that pixels come out."""
        return keras.KerasTensor((*inputs.shape, self.height, self.width, self.channels), "uint8")

    def get_config(self) -> dict[str, Any]:
        """Adds the size."""
        return {**super().get_config(), "height": self.height, "width": self.width, "channels": self.channels}


def three_channels(image: tf.Tensor) -> tf.Tensor:
    """An image (height, width, 1 to 4) in grey or colour, with or without an alpha channel, as (height, width, 3)."""
    channels = tf.shape(image)[-1]
    color, alpha = image[..., : channels - 1 + channels % 2], image[..., -1:] / 255
    opaque = tf.cond(channels % 2 == 0, lambda: color * alpha + 255 * (1 - alpha), lambda: color)  # on white
    rgb = tf.cond(channels <= 2, lambda: tf.image.grayscale_to_rgb(opaque[..., :1]), lambda: opaque)
    return tf.ensure_shape(rgb, (None, None, 3))


def orientation(data: tf.Tensor) -> tf.Tensor:
    """How the camera was held by a JPEG file's EXIF, () int32 from 1 (upright) to 8; 1 where the file does not say.

    The entry is found by its own bytes, which stand nowhere else by chance (Exif 2.32, tag 0x0112).
    """
    header = tf.cast(tf.io.decode_raw(tf.strings.substr(data, 0, HEADER), "uint8"), "int32")
    is_jpeg = tf.strings.substr(data, 0, 2) == b"\xff\xd8"
    return tf.cond(
        is_jpeg, lambda: tf.maximum(value_behind(header, BIG_ENDIAN), value_behind(header, LITTLE_ENDIAN)), lambda: 1
    )


def value_behind(header: tf.Tensor, pattern: tuple[int, ...]) -> tf.Tensor:
    """The byte behind the first place where a pattern of bytes stands, if it is an orientation, else 1."""
    num_places = tf.maximum(tf.size(header) - len(pattern), 0)
    is_here = tf.fill([num_places], True)
    for place, byte in enumerate(pattern):
        is_here &= header[place : place + num_places] == byte
    behind = tf.boolean_mask(header[len(pattern) : len(pattern) + num_places], is_here)
    value = tf.concat([behind, [1]], 0)[0]
    return tf.where((value >= 1) & (value <= 8), value, 1)


def upright(image: tf.Tensor, held: tf.Tensor) -> tf.Tensor:
    """Turns an image (height, width, channels) as its orientation asks for."""
    turned = tf.cond(held >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    is_flipped_vertically = (held == 3) | (held == 4) | (held == 7) | (held == 8)
    is_mirrored = (held == 2) | (held == 3) | (held == 6) | (held == 7)
    turned = tf.cond(is_flipped_vertically, lambda: tf.reverse(turned, [0]), lambda: turned)
    return tf.cond(is_mirrored, lambda: tf.reverse(turned, [1]), lambda: turned)
