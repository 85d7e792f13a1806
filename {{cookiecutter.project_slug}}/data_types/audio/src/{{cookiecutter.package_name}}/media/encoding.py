"""How recordings enter the network: at which rate and of which length, decided by the training recordings."""

import math
from itertools import pairwise

import keras
import numpy as np
import pandas as pd
from keras import ops

from ..config import Config
from .decoding import FULL_SCALE, DecodeAudio, log_mel

HIGHEST_RATE = 16_000  # samples per second, unless the setting asks for more: speech has little above 8 kHz
LENGTH_PERCENTILE = 98  # of the durations; a few long recordings shall not slow down all others
SHORTEST, LONGEST = 0.25, 10.0  # seconds, unless the setting asks for more
HOP = 0.01  # seconds between two frames of a spectrogram
MOST_FRAMES = 200  # of a spectrogram: those of longer recordings are farther apart
COARSE_BANDS = 20
PARTS = 12  # that are hidden in turn to tell what a prediction depends on


def encoder(config: Config, examples: pd.DataFrame) -> DecodeAudio:
    """The layer from bytes (batch,) to waveforms (batch, num_samples) int16."""
    rate = config.sample_rate or min(int(examples["rate"].mode()[0]), HIGHEST_RATE)
    typical = float(np.clip(np.percentile(examples["duration"], LENGTH_PERCENTILE), SHORTEST, LONGEST))
    seconds = config.clip_seconds or typical
    hop = round(rate * max(HOP, seconds / MOST_FRAMES))
    return DecodeAudio(rate, hop, math.ceil(seconds * rate / hop) * hop, name="waveform")


def coarse(config: Config, examples: pd.DataFrame, inputs: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """The mean and the deviation of 20 bands over time, (batch, 2, 20), for models without a network."""
    layer = encoder(config, examples)
    waveforms = ops.cast(layer(inputs), "float32") / FULL_SCALE
    frames = log_mel(waveforms, layer, COARSE_BANDS)  # (batch, frames, bands)
    return {"coarse": ops.stack([ops.mean(frames, axis=1), ops.std(frames, axis=1)], axis=1)}


def parts(preprocessor: keras.Model, shape: tuple[int, ...]) -> dict[str, tuple[slice, ...]]:
    """Where the parts of an encoded recording (num_samples,) are that are hidden one after the other."""
    rate = preprocessor.get_layer("waveform").rate
    ends = pairwise(np.linspace(0, shape[0], PARTS + 1).astype(int).tolist())
    return {f"{start / rate:.2f} to {stop / rate:.2f} s": (slice(start, stop),) for start, stop in ends}
