"""From waveforms to log-mel spectrograms, as layers inside the network."""

import math
from typing import Any

import keras
from keras import ops

from .decoding import DecodeAudio

WINDOW_HOPS = 2.5  # length of the window: 25 ms at a hop of 10


def log_mel(waveforms: keras.KerasTensor, decoder: DecodeAudio, num_bands: int) -> keras.KerasTensor:
    """Waveforms (batch, num_samples) of about -1 to 1 as standardised decibels (batch, frames, bands)."""
    window = round(WINDOW_HOPS * decoder.hop)
    power = keras.layers.MelSpectrogram(
        fft_length=2 ** math.ceil(math.log2(window)),
        sequence_stride=decoder.hop,
        sequence_length=window,
        sampling_rate=decoder.rate,
        num_mel_bins=num_bands,
        power_to_db=False,  # Keras would measure it against the loudest example of the batch
        name="mel_spectrogram",
    )(waveforms)  # (batch, bands, frames)
    return keras.layers.Permute((2, 1), name="spectrogram")(StandardizedDecibels(name="decibels")(power))


@keras.saving.register_keras_serializable(package="audio")
class StandardizedDecibels(keras.layers.Layer):
    """Power in decibels, with mean 0 and deviation 1 in each example, so that a recording's gain does not matter.

    Cells more than `dynamic_range` decibels below the loudest are raised to it. Shapes: (batch, bands, frames) to the
    same; silence becomes 0.
    """

    def __init__(self, dynamic_range: float = 80.0, lowest: float = 1e-10, **options: Any) -> None:
        """Takes the range in decibels, and the power below which there is nothing but rounding."""
        super().__init__(**options)
        self.dynamic_range, self.lowest = dynamic_range, lowest

    def call(self, inputs: Any) -> Any:
        """Takes the logarithm and standardises."""
        decibels = 10 * ops.log10(ops.maximum(inputs, self.lowest))
        decibels = ops.maximum(decibels, ops.max(decibels, axis=(1, 2), keepdims=True) - self.dynamic_range)
        mean = ops.mean(decibels, axis=(1, 2), keepdims=True)
        return (decibels - mean) / (ops.std(decibels, axis=(1, 2), keepdims=True) + 1e-3)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Keeps the shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Adds the range."""
        return {**super().get_config(), "dynamic_range": self.dynamic_range, "lowest": self.lowest}
