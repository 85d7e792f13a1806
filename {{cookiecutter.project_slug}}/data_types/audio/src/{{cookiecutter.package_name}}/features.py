"""Augmentation: recordings are changed in ways that do not change what they say; nothing happens in service."""

from typing import Any

import keras
from keras import ops

from .config import Config
from .media.augmentation import RandomLayer

SPEED, SHIFT, NOISE, MASK = 0.15, 0.1, 0.1, 0.2  # at a strength of 1
WIDEST_MASK = 0.5  # share of a spectrogram, at any strength


def augment_waveform(waveforms: keras.KerasTensor, config: Config, strength: float) -> keras.KerasTensor:
    """Changes waveforms (batch, num_samples) from -1 to 1 while training, as `augmentation` lists it.

    Add what does not change the meaning of your recordings. Another gain would change nothing, since spectrograms are
    standardised.
    """
    chosen = set(config.augmentation) if strength else set()
    if chosen & {"speed", "shift"}:
        speed, shift = SPEED * ("speed" in chosen), SHIFT * ("shift" in chosen)
        waveforms = RandomSpeedAndShift(speed * strength, shift * strength, name="speed_and_shift")(waveforms)
    return RandomNoise(NOISE * strength, name="noise")(waveforms) if "noise" in chosen else waveforms


def augment_spectrogram(frames: keras.KerasTensor, config: Config, strength: float) -> keras.KerasTensor:
    """Changes spectrograms (batch, frames, bands) while training: hides a stretch of time and some bands."""
    widest = min(MASK * strength, WIDEST_MASK)
    is_wanted = "mask" in config.augmentation and strength
    return RandomMask(widest, widest, name="mask")(frames) if is_wanted else frames


@keras.saving.register_keras_serializable(package="audio")
class RandomSpeedAndShift(RandomLayer):
    """Plays each waveform (batch, num_samples) faster or slower, and earlier or later.

    Speed changes tempo, pitch and formants together, as another speaker would (Ko et al. 2015). What is moved in from
    outside is silence.
    """

    def __init__(self, speed: float, shift: float, **options: Any) -> None:
        """Takes the largest logarithm of the speed, and the largest shift as a share of the length."""
        super().__init__(**options)
        self.speed, self.shift = speed, shift

    def augment(self, inputs: Any) -> Any:
        """Reads each waveform at other places, between which it interpolates."""
        batch, num_samples = ops.shape(inputs)[0], inputs.shape[1]
        speed = ops.exp(self.uniform((batch, 1), -self.speed, self.speed))
        shift = self.uniform((batch, 1), -self.shift, self.shift) * num_samples
        middle = num_samples / 2
        place = (ops.arange(num_samples, dtype="float32") - middle) * speed + middle + shift  # (batch, num_samples)
        below = ops.floor(place)
        index = ops.clip(ops.cast(below, "int32"), 0, num_samples - 2)
        before, after = ops.take_along_axis(inputs, index, 1), ops.take_along_axis(inputs, index + 1, 1)
        is_inside = (place >= 0) & (place < num_samples - 1)
        return ops.where(is_inside, before + (place - below) * (after - before), 0.0)

    def get_config(self) -> dict[str, Any]:
        """Adds the limits."""
        return {**super().get_config(), "speed": self.speed, "shift": self.shift}


@keras.saving.register_keras_serializable(package="audio")
class RandomMask(RandomLayer):
    """Hides a stretch of frames and some bands of each spectrogram (batch, frames, bands).

    That is SpecAugment (Park et al. 2019) with one mask of each kind.
    """

    def __init__(self, frames: float, bands: float, **options: Any) -> None:
        """Takes the widest stretch and the most bands, as shares of all."""
        super().__init__(**options)
        self.frames, self.bands = frames, bands

    def augment(self, inputs: Any) -> Any:
        """Puts the example's mean where it hides."""
        batch, num_frames, num_bands = ops.shape(inputs)[0], inputs.shape[1], inputs.shape[2]
        frames = self.kept(batch, num_frames, self.frames)[:, :, None]
        bands = self.kept(batch, num_bands, self.bands)[:, None, :]
        return ops.where(frames & bands, inputs, ops.mean(inputs, axis=(1, 2), keepdims=True))

    def kept(self, batch: Any, size: int, widest: float) -> Any:
        """(batch, size): False within a stretch of random width at a random place."""
        width, middle = self.uniform((batch, 1), 0.0, widest * size), self.uniform((batch, 1), 0.0, size)
        return ops.abs(ops.arange(size, dtype="float32") + 0.5 - middle) >= width / 2

    def get_config(self) -> dict[str, Any]:
        """Adds the limits."""
        return {**super().get_config(), "frames": self.frames, "bands": self.bands}


@keras.saving.register_keras_serializable(package="audio")
class RandomNoise(RandomLayer):
    """Adds white noise to each waveform (batch, num_samples), of at most `loudest` times its own RMS."""

    def __init__(self, loudest: float, **options: Any) -> None:
        """Takes the largest ratio of the noise's RMS to the recording's."""
        super().__init__(**options)
        self.loudest = loudest

    def augment(self, inputs: Any) -> Any:
        """Adds the noise."""
        shape = ops.shape(inputs)
        loudness = ops.sqrt(ops.mean(ops.square(inputs), axis=1, keepdims=True))
        noise = keras.random.normal(shape, seed=self.seed_generator)
        return inputs + noise * loudness * self.uniform((shape[0], 1), 0.0, self.loudest)

    def get_config(self) -> dict[str, Any]:
        """Adds the limit."""
        return {**super().get_config(), "loudest": self.loudest}
