"""Pictures and sounds on a page: a grid of exhibits, each with what is to be said about it."""

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image

from ..reporting.report import Figure, visible

SIDE = 128  # pixels of a picture on the page; smaller ones are enlarged without smoothing
GAP = 4  # pixels between pictures
HEAT = colormaps["inferno"]


class Exhibit(NamedTuple):
    """Pictures of one size, each a data URI, a sound likewise, and lines of text."""

    pictures: Sequence[str]
    lines: Sequence[str]
    sound: str = ""


def figure(title: str, exhibits: Sequence[Exhibit], note: str = "") -> Figure:
    """A grid of exhibits."""
    width = max((len(exhibit.pictures) for exhibit in exhibits), default=1) * (SIDE + GAP)
    columns = f"repeat(auto-fill,minmax(min(100%,{width}px),1fr))"
    style = f"display:grid;grid-template-columns:{columns};gap:1rem;font-size:.85rem"
    body = "".join(f"<div>{show(exhibit)}</div>" for exhibit in exhibits)
    return Figure(title, f'<div style="{style}">{body}</div>', title, note, wide=True)


def show(exhibit: Exhibit) -> str:
    """One exhibit as HTML."""
    style = f"width:{SIDE}px;height:{SIDE}px;object-fit:contain;image-rendering:pixelated;background:#888"
    name = escape(visible(", ".join(exhibit.lines)))
    pictures = "".join(f'<img src="{escape(uri)}" alt="{name}" style="{style}">' for uri in exhibit.pictures)
    audio = f'controls preload="none" aria-label="{name}" style="width:100%"'
    sound = f'<audio {audio} src="{escape(exhibit.sound)}"></audio>'
    lines = "".join(f"<div><bdi>{escape(visible(line))}</bdi></div>" for line in exhibit.lines)
    row = f'<div style="display:flex;flex-wrap:wrap;gap:{GAP}px">{pictures}</div>'
    return row + (sound if exhibit.sound else "") + lines


def picture(pixels: npt.NDArray[np.uint8]) -> str:
    """An image (height, width, 1 or 3) as the data URI of a PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def heated(pixels: npt.NDArray[np.uint8], heat: npt.NDArray[np.floating]) -> str:
    """An image with a map (height, width), from 0 to 1, laid over it: bright where the model looks."""
    height, width = pixels.shape[:2]
    scaled = Image.fromarray(heat.astype("float32")).resize((width, height), Image.Resampling.BICUBIC)
    glow = HEAT(np.clip(np.asarray(scaled), 0, 1))[..., :3] * 255
    grey = pixels.mean(axis=-1, keepdims=True)
    return picture((0.5 * grey + 0.5 * glow).astype("uint8"))
