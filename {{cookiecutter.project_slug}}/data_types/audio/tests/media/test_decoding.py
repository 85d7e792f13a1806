"""The graph mixes, resamples and cuts recordings as they should sound."""

import keras
import numpy as np
import pytest

from project.media.decoding import FULL_SCALE, DecodeAudio

from synthetic import encoded


def decode(payload: bytes, rate: int, num_samples: int) -> np.ndarray:
    array = np.empty(1, object)
    array[0] = payload
    inputs = keras.Input((), dtype="string")
    layer = DecodeAudio(rate, rate // 100, num_samples)
    waveform: np.ndarray = keras.Model(inputs, layer(inputs)).predict_on_batch(array)[0]
    return waveform


def tone(rate: int, pitch: float = 440, seconds: float = 1) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate)


def test_samples_are_kept_exactly() -> None:
    samples = np.random.default_rng(0).integers(-32_768, 32_767, 400).astype("int16")
    decoded = decode(encoded(samples), 4_000, 400)
    assert np.abs(decoded.astype(int) - samples).max() <= 1


def test_channels_are_mixed() -> None:
    samples = np.stack([tone(4_000), np.zeros(4_000)], axis=1)
    np.testing.assert_allclose(decode(encoded(samples), 4_000, 4_000) / FULL_SCALE, tone(4_000) / 2, atol=1e-3)


@pytest.mark.parametrize("rate", [4_000, 11_025, 22_050, 44_100, 48_000])
def test_another_rate_sounds_the_same(rate: int) -> None:
    decoded = decode(encoded(tone(rate), rate), 8_000, 8_000) / FULL_SCALE
    np.testing.assert_allclose(decoded[400:-400], tone(8_000)[400:-400], atol=0.01)


def test_what_a_lower_rate_cannot_hold_vanishes_instead_of_becoming_another_tone() -> None:
    decoded = decode(encoded(tone(48_000, pitch=10_000), 48_000), 8_000, 8_000) / FULL_SCALE
    assert np.abs(decoded[400:-400]).max() < 0.01


def test_short_recordings_stand_in_the_middle_and_of_long_ones_the_middle_is_kept() -> None:
    samples = np.arange(1, 101).astype("int16")
    padded = decode(encoded(samples), 4_000, 200)
    assert padded[:50].tolist() == padded[150:].tolist() == [0] * 50
    assert np.abs(padded[50:150] - samples).max() <= 1
    assert np.abs(decode(encoded(samples), 4_000, 20) - samples[40:60]).max() <= 1
