"""The graph decodes what cameras and programs write, as Pillow does."""

import io
import struct
import zlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from project.media import decoding
from project.media.decoding import DecodeImages

from pictures import encoded, scene


def decode(payload: bytes, size: tuple[int, int] = (60, 40), channels: int = 3) -> np.ndarray:
    width, height = size
    array = np.empty(1, object)
    array[0] = payload
    inputs = keras.Input((), dtype="string")
    pixels: np.ndarray = keras.Model(inputs, DecodeImages(height, width, channels)(inputs)).predict_on_batch(array)[0]
    return pixels


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGB"),
        ("PNG", "L"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
    ],
)
def test_pixels_are_those_that_pillow_sees(kind: str, mode: str) -> None:
    payload = encoded(scene().convert(mode), kind)
    expected = np.asarray(Image.open(io.BytesIO(payload)).convert("RGB"), int)
    difference = np.abs(decode(payload).astype(int) - expected)
    assert difference.max() <= (6 if mode == "CMYK" else 0)


def test_sixteen_bits_become_eight() -> None:
    pixels = np.asarray(scene().convert("L"), "uint16") * 257
    difference = decode(encoded(Image.fromarray(pixels)), channels=1)[..., 0].astype(int) - pixels // 257
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_parts_are_white(mode: str) -> None:
    image = scene().convert(mode)
    image.putalpha(Image.fromarray(np.repeat([[0, 255]], 30, axis=1).repeat(40, axis=0).astype("uint8")))
    pixels = decode(encoded(image))
    assert (pixels[:, :30] == 255).all()
    np.testing.assert_array_equal(pixels[:, 30:], np.asarray(image.convert("RGB"))[:, 30:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_stand_upright_however_the_camera_was_held(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    payload = encoded(scene(), "JPEG", exif=exif, quality=95)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(payload))), int)
    height, width = expected.shape[:2]
    pixels = decode(payload, (width, height))
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("size", [(7, 5), (40, 90), (64, 64), (200, 3)])
def test_images_are_scaled_as_by_tensorflow(size: tuple[int, int]) -> None:
    image = tf.constant(np.asarray(scene()), "float32")
    expected = tf.image.resize_with_pad(image, *size, antialias=True)
    np.testing.assert_array_equal(decoding.fit(image, size), expected)


@pytest.mark.parametrize("size", [(28, 28), (100, 100), (44, 88)])
def test_images_of_any_side_fill_the_longer_side(size: tuple[int, int]) -> None:
    for side in range(1, 200):
        scaled = decoding.fit(tf.ones((side, side, 1)), size).numpy()[..., 0]
        assert scaled.shape == size
        assert (np.count_nonzero(scaled, axis=0).max(), np.count_nonzero(scaled, axis=1).max()) == (min(size),) * 2


def low_bit_grey(bits: int) -> bytes:
    """A PNG of 8 x 1 pixels in grey of a few bits, which Pillow does not write."""
    header = struct.pack(">IIBBBBB", 8, 1, bits, 0, 0, 0, 0)
    values = np.arange(8) % 2**bits
    row = np.packbits(np.unpackbits(values.astype("uint8")[:, None], axis=1)[:, -bits:].ravel()).tobytes()
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_a_few_bits_reaches_white(bits: int) -> None:
    pixels = decode(low_bit_grey(bits), (8, 1), channels=1)[0, :, 0]
    np.testing.assert_array_equal(pixels, np.arange(8) % 2**bits * (255 // (2**bits - 1)))


def test_the_aspect_is_kept_and_the_rest_is_black() -> None:
    pixels = decode(encoded(Image.new("RGB", (80, 20), "white")), (40, 40))
    assert pixels.shape == (40, 40, 3)
    assert (pixels[15:25] == 255).all()
    assert (pixels[:15] == 0).all()
    assert (pixels[25:] == 0).all()


def test_grey_is_kept_exactly(*_: Any) -> None:
    image = scene().convert("L")
    np.testing.assert_array_equal(decode(encoded(image), channels=1)[..., 0], np.asarray(image))
