"""What an image file is: which bytes are one, what is measured of it, and which images are nearly the same."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps

from ..config import Config

if TYPE_CHECKING:
    import pandas as pd

COLUMN, NOUN, A_FILE = "image", "image", "an image"
HAS_HEIF = find_spec("pillow_heif") is not None
FORMATS = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
} | ({"HEIF": (".heic", ".heif")} if HAS_HEIF else {})
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
KINDS = ", ".join(SUFFIXES) + ("" if HAS_HEIF else "; .heic needs the dependency group formats, see docs/data.md")
DECODED_BY_TENSORFLOW = (
    "JPEG",
    "PNG",
)  # others become PNG, also GIF, of which TensorFlow refuses some that Pillow reads
NUMBERS = ("width", "height", "channels", "bytes", "brightness", "contrast", "sharpness")
WHOLE = ("width", "height", "channels", "bytes")
CATEGORIES = ("format",)
LONGEST_MEASURED = 256  # pixels; light, contrast and sharpness are measured on an image that is not larger
ORIENTATION = 0x0112  # EXIF's number for how a camera was held
FULL_SCALES = (1.0, 255.0, 65_535.0)  # what white is in images of more than 8 bits, unless `white_level` says so
DARK = 4_095 / 65_535  # as white as 12 bits get in 16
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"  # markers of JPEG


def examine(config: Config, payload: bytes) -> tuple[bytes, dict[str, Any]]:
    """The bytes by which TensorFlow can read an image, and its measures with the perceptual hash.

    Raises:
        ValueError: it cannot be used; the message says why, after the name of the file.
    """
    from .alike import perceptual_hash  # here, since a server does without SciPy

    image = opened(payload, config.max_pixels)
    measures, small = measured(image, len(payload), config.white_level)
    return converted(image, payload, config.white_level), measures | {"perceptual_hash": perceptual_hash(small)}


def limits(config: Config) -> dict[str, Any]:
    """What an image in a request may be at most."""
    return {"max_pixels": config.max_pixels, "white_level": config.white_level}


def notes(measures: "pd.DataFrame") -> list[str]:
    """What is odd about the measures of all images together."""
    if not measures["brightness"].max() < DARK:
        return []
    reason = f"all images are nearly black (their mean brightness is at most {measures['brightness'].max():.3f} of 1)"
    return [f"{reason}: if they are grey and have 12 bits, set white_level to 4095"]


def readable(entry: dict[str, Any], payload: bytes) -> bytes:
    """The bytes by which TensorFlow can read an image from a request.

    Raises:
        ValueError: it is none, damaged or too large.
    """
    image = opened(payload, entry["max_pixels"])
    white_level = entry.get("white_level", 0)  # exports of older versions have none
    grey(image, white_level)  # fails as it does when training examples are collected
    return converted(image, payload, white_level)


def measure(entry: dict[str, Any], payload: bytes) -> dict[str, Any]:
    """What is measured of an image from a request.

    Raises:
        ValueError: it cannot be read.
    """
    return measured(opened(payload, entry["max_pixels"]), len(payload), entry.get("white_level", 0))[0]


@cache
def known_formats() -> list[str]:
    """The formats that Pillow may open; HEIF is one of them once its package has told Pillow how."""
    if HAS_HEIF:
        import_module("pillow_heif").register_heif_opener()
    return list(FORMATS)


def opened(payload: bytes, max_pixels: int) -> ImageFile.ImageFile:
    """The image in some bytes, of which only the header is read yet.

    Raises:
        ValueError: there is none, or it has too many pixels.
    """
    if not payload:
        raise ValueError("is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about many pixels, which are counted below
            image = Image.open(io.BytesIO(payload), formats=known_formats())
    except (Image.UnidentifiedImageError, Image.DecompressionBombError) as error:
        is_bomb = isinstance(error, Image.DecompressionBombError)
        unknown = f"is not an image of a known format ({KINDS})"
        raise ValueError("has too many pixels" if is_bomb else unknown) from error
    except Exception as error:  # a damaged header can break any decoder in any way
        raise ValueError("has a damaged header") from error
    if image.width * image.height > max_pixels:
        raise ValueError(f"has {image.width} x {image.height} pixels, more than max_pixels")
    return image


def kind_of(image: ImageFile.ImageFile) -> str:
    """The format of an image; MPO is JPEG with further pictures behind it, as some cameras write it."""
    return "JPEG" if image.format == "MPO" else str(image.format)


def measured(image: ImageFile.ImageFile, size: int, white_level: int) -> tuple[dict[str, Any], npt.NDArray[np.float32]]:
    """What TFDV and monitoring look at, and the image in grey, (height, width) from 0 to 1, made small.

    brightness: mean of the grey image; contrast: its standard deviation; sharpness: standard deviation of its Laplacian
    (Pech-Pacheco et al. 2000), all between 0 and 1.
    """
    (width, height), channels = image.size, 3 if image.mode == "P" else len(image.getbands())
    small = grey(image, white_level)  # before anything else, since it fails where the file is damaged
    if image.getexif().get(ORIENTATION, 1) >= 5:
        width, height = height, width
    inside = small[1:-1, 1:-1]
    laplacian = small[:-2, 1:-1] + small[2:, 1:-1] + small[1:-1, :-2] + small[1:-1, 2:] - 4 * inside
    measures = {
        "width": width,
        "height": height,
        "channels": channels,
        "format": kind_of(image),
        "bytes": size,
        "brightness": round(float(small.mean()), 4),
        "contrast": round(float(small.std()), 4),
        "sharpness": round(float(laplacian.std()), 4) if laplacian.size else 0.0,
    }
    return measures, small


def grey(image: ImageFile.ImageFile, white_level: int) -> npt.NDArray[np.float32]:
    """The image in shades of grey from 0 to 1, at most LONGEST_MEASURED pixels wide and high.

    Raises:
        ValueError: its pixels cannot be decoded.
    """
    with decoding():
        image.draft("L", (LONGEST_MEASURED, LONGEST_MEASURED))  # JPEG is then decoded at a fraction of its size
        image.load()
    if is_deep(image):
        scaled = Image.fromarray(shades(image, white_level))
    else:
        with decoding():
            plain = image.convert("RGBA") if image.mode in ("P", "PA", "LA", "RGBA") else image
            scaled = plain.convert("L")
    scaled.thumbnail((LONGEST_MEASURED, LONGEST_MEASURED), Image.Resampling.BOX)
    small = np.asarray(scaled, "float32")
    return small if scaled.mode == "F" else np.divide(small, 255, dtype="float32")


@contextmanager
def decoding() -> Iterator[None]:
    """Says in one way what a damaged file, which can break any decoder in any way, does in this block."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"is damaged or cut off ({type(error).__name__})") from error


def is_deep(image: Image.Image) -> bool:
    """Whether the image is grey of 16 or more bits, which Pillow would cut off at 255."""
    return image.mode.startswith(("I", "F"))


def shades(image: Image.Image, white_level: int) -> npt.NDArray[np.float32]:
    """The pixels (height, width) of an image of 16 or more bits, from 0 to 1.

    What is brighter than `white_level` is white. If that is 0, 16 bits reach to 65,535, and wider numbers do not say
    what white is: it is the least of FULL_SCALES that none exceeds.

    Raises:
        ValueError: there are others.
    """
    pixels = np.asarray(image, "float32")
    low, high = float(pixels.min()), float(pixels.max())
    scales = FULL_SCALES[-1:] if image.mode.startswith("I;16") or image.format == "PNG" else FULL_SCALES
    scale = white_level or next((scale for scale in scales if high <= scale), None)
    if scale is None or not (low >= 0 and high < np.inf):
        others = f"{white_level:,} (white_level)" if white_level else "1, 255 or 65,535; set white_level"
        raise ValueError(f"has pixels from {low:g} to {high:g}, and not from 0 to {others}")
    return np.minimum(pixels / np.float32(scale), 1)


def converted(image: ImageFile.ImageFile, payload: bytes, white_level: int) -> bytes:
    """The same bytes if the model's graph reads them rightly, else the image as a PNG.

    Raises:
        ValueError: it cannot be decoded.
    """
    if kind_of(image) == "JPEG" and payload.rfind(END_OF_IMAGE) > payload.rfind(START_OF_SCAN):
        return payload  # the graph knows its orientation, and refuses it only where its end is cut off
    stream = io.BytesIO()
    with decoding():
        is_plain = image.getexif().get(ORIENTATION, 1) == 1 and not (white_level and is_deep(image))
        if kind_of(image) == "PNG" and is_plain and is_intact(payload):
            return payload
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(payload)))
        if is_deep(upright):
            upright = Image.fromarray(np.round(255 * shades(upright, white_level)).astype("uint8"))
        has_alpha = "A" in upright.mode or "transparency" in upright.info
        upright.convert("RGBA" if has_alpha else "L" if upright.mode in ("1", "L") else "RGB").save(stream, "PNG")
    return stream.getvalue()


def is_intact(payload: bytes) -> bool:
    """Whether the checksums of a PNG file are right, at which TensorFlow looks more closely than Pillow."""
    try:
        Image.open(io.BytesIO(payload)).verify()
    except Exception:  # a damaged file can break any decoder in any way
        return False
    return True


def suffix(payload: bytes) -> str:
    """The ending of the name of a file with these bytes, which TensorFlow can decode."""
    return ".jpg" if payload.startswith(b"\xff\xd8") else ".png"


def made_up() -> bytes:
    """A small grey image."""
    stream = io.BytesIO()
    Image.new("L", (8, 8), 128).save(stream, "PNG")
    return stream.getvalue()
