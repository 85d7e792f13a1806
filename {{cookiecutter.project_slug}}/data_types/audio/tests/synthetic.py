"""Made-up recordings, small enough to train on in seconds: low and high tones in noise."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile

import file_examples
from file_examples import as_examples, labels, logged, sent, spoiled

__all__ = ["as_examples", "labels", "logged", "sent", "spoiled"]  # which the tests ask of this module too

COLUMNS = ("audio",)
EXPLAINED = "Largest errors"  # a heading of the report
SLICED = "rms"  # a column whose values repeat, or enough of them lie in a range
VARYING = "rms"  # a number of the examples
UNIQUE = "sha256"  # a column whose values differ from example to example
DRIFTS = [  # changes of what clients send, and the rule that fires
    (lambda inputs: inputs.update(audio=inputs["audio"] | {"rms": 0.9}), "feature drift"),
    (lambda inputs: inputs.update(audio=inputs["audio"] | {"format": "OGG"}), "feature drift"),
    (lambda inputs: inputs.update(audio={**inputs["audio"], "silence": None}), "missing values"),
]
RATE = 4_000  # samples per second


def make_sound(random: np.random.Generator, pitch: float, rate: int = RATE, seconds: float = 0.25) -> bytes:
    """A WAV of noise with a tone as high as asked for, from 0 to 1."""
    times = np.arange(round(rate * seconds)) / rate
    loudness = random.uniform(0.1, 0.4)
    samples = loudness * np.sin(2 * np.pi * (200 + 1_400 * pitch) * times) + random.normal(0, 0.02, len(times))
    return encoded(samples, rate)


def encoded(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", coding: str = "PCM_16") -> bytes:
    """Samples (num_samples,) or (num_samples, num_channels) as a file."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=kind, subtype=coding)
    return stream.getvalue()


def one_of_each() -> dict[str, bytes]:
    """A short recording in every format."""
    codings = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III", "AIFF": "PCM_16"}
    samples = np.sin(np.arange(800))
    return {kind: encoded(samples, 8_000, kind, coding) for kind, coding in codings.items()}


def settings(folder: Path) -> dict[str, Any]:
    """The settings by which the table is read, for a project in a folder."""
    return {
        "learning_rate": 0.01,
        "unpacked": folder / "unpacked",
        "name_pattern": "",
        "group": "",
        "backbone": "none",
    }


def make_table(num_examples: int = 640, seed: int = 0) -> pd.DataFrame:
    """Recordings as data URIs, and two targets that depend on their pitch: kind and price."""
    return file_examples.make_table(make_sound, num_examples, seed)


def departing(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Such a table that departs from the schema, and the column that does."""
    loud = make_sound(np.random.default_rng(0), 0.5, rate=48_000)
    return table.assign(audio=f"data:;base64,{base64.b64encode(loud).decode()}"), "rate"
