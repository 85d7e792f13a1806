"""Layers that turn the bytes of WAV files into waveforms, and these into log-mel spectrograms."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

FULL_SCALE = 32_767  # of 16 bits
WINDOW_HOPS = 2.5  # length of the window: 25 ms at a hop of 10


@keras.saving.register_keras_serializable(package="audio")
class DecodeAudio(keras.layers.Layer):
    """Decodes WAV files of 16 bits, mixes their channels, resamples them and crops or pads them to one length.

    What is too long loses its beginning and its end, what is too short has silence around it. Shapes: (batch,) string,
    the bytes of the files, to (batch, num_samples) int16 at `rate` samples per second.
    """

    def __init__(self, rate: int, hop: int, num_samples: int, **options: Any) -> None:
        """Takes the rate, the samples between two frames of a spectrogram, and the length, a multiple of these."""
        super().__init__(**options)
        self.rate, self.hop, self.num_samples = rate, hop, num_samples

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Decodes each file by itself, several at once."""
        waveform = tf.TensorSpec((self.num_samples,), "int16")
        return tf.map_fn(self.decode, inputs, fn_output_signature=waveform, parallel_iterations=16)

    def decode(self, data: tf.Tensor) -> tf.Tensor:
        """One file, () string, as (num_samples,) int16."""
        channels, rate = tf.audio.decode_wav(data)
        waveform = tf.reduce_mean(channels, axis=1)
        waveform = tf.cond(rate == self.rate, lambda: waveform, lambda: resample(waveform, rate, self.rate))
        excess = tf.size(waveform) - self.num_samples
        start, before = tf.maximum(excess, 0) // 2, tf.maximum(-excess, 0) // 2
        waveform = waveform[start : start + self.num_samples]
        waveform = tf.pad(waveform, [[before, self.num_samples - before - tf.size(waveform)]])
        scaled = tf.round(tf.clip_by_value(waveform, -1.0, 1.0) * FULL_SCALE)
        return tf.ensure_shape(tf.cast(scaled, "int16"), (self.num_samples,))

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """States that samples come out."""
        return keras.KerasTensor((*inputs.shape, self.num_samples), "int16")

    def get_config(self) -> dict[str, Any]:
        """Adds the rate and the length."""
        return {**super().get_config(), "rate": self.rate, "hop": self.hop, "num_samples": self.num_samples}


def resample(waveforms: tf.Tensor, rate: tf.Tensor | int, wanted: int) -> tf.Tensor:
    """Waveforms (..., num_samples) at another rate: their Fourier transform, cut off or filled up with zeros."""
    num_samples = tf.shape(waveforms)[-1]
    num_wanted = tf.cast(tf.round(num_samples / rate * wanted), "int32")
    spectra = tf.signal.rfft(waveforms)
    num_kept = tf.minimum(num_samples, num_wanted) // 2 + 1
    missing = tf.maximum(num_wanted // 2 + 1 - num_kept, 0)
    spectra = tf.pad(spectra[..., :num_kept], [*[[0, 0]] * (len(waveforms.shape) - 1), [0, missing]])
    ratio = tf.cast(num_wanted, "float32") / tf.cast(num_samples, "float32")
    return tf.signal.irfft(spectra, [num_wanted]) * ratio


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
