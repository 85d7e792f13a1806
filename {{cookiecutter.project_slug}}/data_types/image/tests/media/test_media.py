"""Image files of every kind are measured alike, and what cannot be used is told apart."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image, ImageFilter

from project.media import alike, media
from project.media.decoding import DecodeImages

from declared import Config
from pictures import encoded, scene


def examine(payload: bytes, **settings: Any) -> tuple[bytes, dict[str, Any]]:
    return media.examine(Config(**settings), payload)


@pytest.mark.parametrize(
    ("kind", "mode", "channels"),
    [
        ("JPEG", "RGB", 3),
        ("JPEG", "L", 1),
        ("JPEG", "CMYK", 4),
        ("PNG", "RGB", 3),
        ("PNG", "RGBA", 4),
        ("PNG", "LA", 2),
        ("PNG", "1", 1),
        ("PNG", "P", 3),
        ("GIF", "P", 3),
        ("BMP", "RGB", 3),
        ("WEBP", "RGB", 3),
        ("TIFF", "RGB", 3),
        ("AVIF", "RGB", 3),
        ("HEIF", "RGB", 3),
    ],
)
def test_every_format_and_mode_is_measured(kind: str, mode: str, channels: int) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    payload = encoded(scene().convert(mode), kind)
    readable, measures = examine(payload)
    assert media.readable(media.limits(Config()), payload) == readable  # as a server reads it
    assert (measures["width"], measures["height"], measures["format"]) == (60, 40, kind)
    assert measures["channels"] == channels
    assert measures["bytes"] == len(payload)
    if mode != "1":
        assert measures["brightness"] == pytest.approx(np.asarray(scene().convert("L")).mean() / 255, abs=0.03)
    assert (readable is payload) == (kind in media.DECODED_BY_TENSORFLOW)
    assert readable[:2] in (b"\xff\xd8", b"\x89P", b"GI")


@pytest.mark.parametrize(("kind", "scale"), [("PNG", 65_535), ("TIFF", 65_535), ("TIFF", 255), ("TIFF", 1)])
@pytest.mark.parametrize("exif", [None, 3])
def test_many_bits_are_as_bright_as_eight(kind: str, scale: int, exif: int | None) -> None:
    expected = np.asarray(scene().convert("L"), "float64") / 255
    pixels = (expected * scale).round().astype("uint16") if scale > 255 else (expected * scale).astype("float32")
    held = Image.Exif()
    held[media.ORIENTATION] = exif or 1
    readable, measures = examine(encoded(Image.fromarray(pixels), kind, exif=held))
    assert measures["brightness"] == pytest.approx(expected.mean(), abs=0.01)
    seen = DecodeImages(40, 60, 1)(tf.constant([readable])).numpy()[0, ..., 0] / 255
    np.testing.assert_allclose(seen[::-1, ::-1] if exif else seen, expected, atol=0.01)


@pytest.mark.parametrize(("kind", "level"), [("PNG", 4_095), ("TIFF", 4_095), ("TIFF", 100_000)])
def test_white_is_where_a_setting_says(kind: str, level: int) -> None:
    expected = np.asarray(scene().convert("L"), "float64") / 255
    pixels = (1.25 * expected * level).round().astype("uint16" if level < 65_535 else "int32")
    payload = encoded(Image.fromarray(pixels), kind)
    readable, measures = examine(payload, white_level=level)
    whole = np.minimum(1.25 * expected, 1)
    assert measures["brightness"] == pytest.approx(whole.mean(), abs=0.01)
    seen = DecodeImages(40, 60, 1)(tf.constant([readable])).numpy()[0, ..., 0] / 255
    np.testing.assert_allclose(seen, whole, atol=0.01)
    limits = media.limits(Config(white_level=level))
    assert media.readable(limits, payload) == readable  # as a server reads it
    assert media.measure(limits, payload).items() <= measures.items()
    plain = encoded(scene(), "PNG")
    assert examine(plain, white_level=level)[0] is plain, "it has 8 bits"


def test_images_that_are_nearly_black_are_told_of() -> None:
    twelve_bits = encoded(Image.fromarray(np.full((8, 8), 4_000, "uint16")), "PNG")
    for payload, level, expected in ((twelve_bits, 0, 1), (twelve_bits, 4_095, 0), (encoded(scene()), 0, 0)):
        _, measures = examine(payload, white_level=level)
        assert len(media.notes(pd.DataFrame([measures]))) == expected


@pytest.mark.parametrize("values", [(-1, 1), (0, 70_000), (0, np.nan), (0, np.inf)])
def test_pixels_on_no_known_scale_are_refused(values: tuple[float, float]) -> None:
    image = Image.fromarray(np.resize(np.array(values, "float32"), (4, 4)))
    with pytest.raises(ValueError, match=r"has pixels from .* to .*, and not from 0 to 1, 255 or 65,535"):
        examine(encoded(image, "TIFF"))


def test_measures_order_images_as_people_do() -> None:
    image = scene(width=120, height=80)
    measured = [
        examine(encoded(one))[1]
        for one in (image, image.point(lambda value: value // 2), image.filter(ImageFilter.GaussianBlur(4)))
    ]
    assert measured[1]["brightness"] < measured[0]["brightness"]
    assert measured[1]["contrast"] < measured[0]["contrast"]
    assert measured[2]["sharpness"] < measured[0]["sharpness"]


def test_a_camera_that_was_turned_turns_width_and_height() -> None:
    exif = Image.Exif()
    exif[media.ORIENTATION] = 6
    readable, measures = examine(encoded(scene(), "JPEG", exif=exif))
    assert (measures["width"], measures["height"]) == (40, 60)
    assert readable.startswith(b"\xff\xd8")  # the model's graph turns it
    for kind in ("WEBP", "PNG"):
        payload = encoded(scene(), kind, exif=exif)
        turned, _ = examine(payload)
        assert Image.open(io.BytesIO(turned)).size == (40, 60)
        assert media.readable(media.limits(Config()), payload) == turned


def bomb() -> bytes:
    """A PNG of a few hundred bytes whose header promises 60,000 x 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000))), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>", "not an image"),
        (encoded(scene(), "JPEG")[:-300], "damaged or cut off"),
        (encoded(scene())[:-300], "damaged or cut off"),
        (encoded(scene())[:20], "not an image|damaged"),
        (bomb(), "pixels"),
        (encoded(scene(width=400, height=400)), "400 x 400 pixels, more than max_pixels"),
    ],
)
def test_what_cannot_be_used_is_told_apart(payload: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        examine(payload, max_pixels=100_000)


def test_copies_that_were_scaled_or_compressed_are_alike_and_others_are_not() -> None:
    originals = [scene(seed, 90, 60) for seed in range(40)]
    copies = [
        *(image.resize((150, 100)) for image in originals[:5]),
        *(Image.open(io.BytesIO(encoded(image, "JPEG", quality=85))) for image in originals[5:10]),
        *(image.point(lambda value: round(value * 0.9)) for image in originals[10:15]),
    ]
    table = pd.DataFrame([examine(encoded(image.convert("RGB")))[1] for image in (*originals, *copies)])
    assert alike.first_alike(table).tolist() == [*range(40), *range(15)]


def test_images_of_one_colour_are_told_apart_by_their_brightness() -> None:
    shades = [Image.new("L", (20, 20), value) for value in (0, 90, 255, 92)]
    table = pd.DataFrame([examine(encoded(image))[1] for image in shades])
    assert alike.first_alike(table).tolist() == [0, 1, 2, 1]
