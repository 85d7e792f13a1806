"""Made-up images, small enough to train on in seconds: dark and bright squares on noise."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import file_examples
from file_examples import as_examples, labels, logged, sent, spoiled

__all__ = ["as_examples", "labels", "logged", "sent", "spoiled"]  # which the tests ask of this module too

COLUMNS = ("image",)
EXPLAINED = "Largest errors"  # a heading of the report
SLICED = "brightness"  # a column whose values repeat, or enough of them lie in a range
VARYING = "brightness"  # a number of the examples
UNIQUE = "sha256"  # a column whose values differ from example to example
DRIFTS = [  # changes of what clients send, and the rule that fires
    (lambda inputs: inputs.update(image=inputs["image"] | {"brightness": 0.9}), "feature drift"),
    (lambda inputs: inputs.update(image=inputs["image"] | {"format": "JPEG"}), "feature drift"),
    (lambda inputs: inputs.update(image={**inputs["image"], "sharpness": None}), "missing values"),
]
SIDE = 16  # pixels


def make_image(random: np.random.Generator, brightness: float) -> bytes:
    """A PNG of noise with a square as bright as asked for, from 0 to 1."""
    pixels = random.integers(0, 60, (SIDE, SIDE))
    left, top = random.integers(0, SIDE // 2, 2)
    pixels[top : top + 8, left : left + 8] += round(190 * brightness)
    stream = io.BytesIO()
    Image.fromarray(pixels.astype("uint8")).save(stream, "PNG")
    return stream.getvalue()


def one_of_each() -> dict[str, bytes]:
    """A small image in every format that every Pillow writes."""
    image, files = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 16, 3)).astype("uint8")), {}
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"):
        stream = io.BytesIO()
        image.save(stream, kind)
        files[kind] = stream.getvalue()
    return files


def settings(folder: Path) -> dict[str, Any]:
    """The settings by which the table is read, for a project in a folder."""
    return {"learning_rate": 0.01, "unpacked": folder / "unpacked"}


def make_table(num_examples: int = 640, seed: int = 0) -> pd.DataFrame:
    """Images as data URIs, and two targets that depend on their brightness: kind and price."""
    return file_examples.make_table(make_image, num_examples, seed)


def departing(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Such a table that departs from the schema, and the column that does."""
    stream = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(stream, "PNG")
    return table.assign(image=f"data:;base64,{base64.b64encode(stream.getvalue()).decode()}"), "width"
