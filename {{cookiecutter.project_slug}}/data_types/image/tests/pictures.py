"""Pictures of several formats for the tests."""

import io
from typing import Any

import numpy as np
from PIL import Image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def scene(seed: int = 0, width: int = 60, height: int = 40) -> Image.Image:
    """A smooth made-up photograph."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3)).astype("uint8")
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
