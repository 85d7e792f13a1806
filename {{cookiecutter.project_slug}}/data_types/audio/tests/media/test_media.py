"""Audio files of every kind are measured alike, and what cannot be used is told apart."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
import tensorflow as tf

from project.media import alike, media

from declared import Config
from synthetic import encoded

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)


def examine(payload: bytes, **settings: Any) -> tuple[bytes, dict[str, Any]]:
    return media.examine(Config(**settings), payload)


@pytest.mark.parametrize(
    ("kind", "coding", "channels"),
    [
        ("WAV", "PCM_16", 1),
        ("WAV", "PCM_16", 2),
        ("WAV", "PCM_U8", 1),
        ("WAV", "PCM_24", 6),
        ("WAV", "PCM_32", 1),
        ("WAV", "FLOAT", 2),
        ("WAV", "DOUBLE", 1),
        ("WAV", "ULAW", 1),
        ("WAVEX", "PCM_16", 2),
        ("FLAC", "PCM_16", 1),
        ("OGG", "VORBIS", 2),
        ("MP3", "MPEG_LAYER_III", 1),
        ("AIFF", "PCM_16", 1),
    ],
)
def test_every_format_and_depth_is_measured_and_becomes_one_that_tensorflow_reads(
    kind: str, coding: str, channels: int
) -> None:
    payload = encoded(np.stack([TONE] * channels, axis=1), 8_000, kind, coding)
    readable, measures = examine(payload)
    assert (measures["rate"], measures["channels"]) == (8_000, channels)
    assert measures["duration"] == pytest.approx(1, abs=0.15)
    assert measures["rms"] == pytest.approx(0.5 / np.sqrt(2), abs=0.03)
    assert measures["peak"] == pytest.approx(0.5, abs=0.06)
    assert (measures["clipping"], measures["silence"]) == (0, pytest.approx(0, abs=0.15))
    assert readable[20:24] == b"\x01\x00" + channels.to_bytes(2, "little")
    assert readable[34:36] == (16).to_bytes(2, "little")
    assert (readable is payload) == ((kind, coding) == ("WAV", "PCM_16"))


@pytest.mark.parametrize(("gain", "expected"), [(1, 0), (2**-8, 1)])
def test_recordings_that_are_all_quiet_are_told_of(gain: float, expected: int) -> None:
    _, measures = examine(encoded(gain * TONE, 8_000, "WAV", "PCM_32"))
    assert len(media.notes(pd.DataFrame([measures]))) == expected


def m4a(samples: np.ndarray, rate: int) -> bytes:
    """Samples (num_samples,) from -1 to 1 as a phone records them."""
    av, stream = pytest.importorskip("av"), io.BytesIO()
    with av.open(stream, "w", format="ipod") as file:
        sound = file.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].astype("float32"), "fltp", "mono")
        frame.sample_rate = rate
        for each in (frame, None):
            file.mux(sound.encode(each))
    return stream.getvalue()


def test_what_phones_record_is_read_if_the_package_is_there() -> None:
    payload = m4a(TONE, 8_000)
    readable, measures = examine(payload)
    assert media.readable(media.limits(Config()), payload) == readable  # as a server reads it
    assert (measures["format"], measures["coding"], measures["rate"], measures["channels"]) == ("M4A", "AAC", 8_000, 1)
    assert measures["duration"] == pytest.approx(1, abs=0.2)
    assert measures["rms"] == pytest.approx(0.5 / np.sqrt(2), abs=0.05)
    waveform, _ = tf.audio.decode_wav(readable)
    assert abs(np.fft.rfft(waveform[1_000:5_000, 0])).argmax() == 220  # that of 440 Hz in half a second
    for damaged, reason in ((payload[:-3_000], "can be decoded"), (m4a(np.tile(TONE, 11), 8_000), "longer than")):
        with pytest.raises(ValueError, match=reason):
            examine(damaged, max_seconds=10)


def test_clipping_and_silence_are_shares() -> None:
    _, measures = examine(encoded(np.concatenate([np.ones(1_000), np.zeros(3_000)]), 4_000))
    assert measures["clipping"] == pytest.approx(0.25)
    assert measures["silence"] == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>", "not audio"),
        (encoded(TONE, 8_000)[:-3_000], "cut off"),
        (encoded(TONE, 8_000, "FLAC")[:-3_000], "cut off|damaged"),
        (encoded(TONE, 8_000)[:30], "damaged|no samples"),
        (encoded(np.zeros(0), 8_000), "no samples"),
        (encoded(np.zeros(8_000), 8_000), "is silent"),
        (encoded(np.tile(TONE, 11), 8_000), "lasts 11.0 s"),
        (encoded(TONE, 8_000, "AU"), "is AU"),
    ],
)
def test_what_cannot_be_used_is_told_apart(payload: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        examine(payload, max_seconds=10)


def test_a_file_that_claims_a_negative_length_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    class Damaged(soundfile.SoundFile):
        frames = -1

    monkeypatch.setattr(soundfile, "SoundFile", Damaged)
    with pytest.raises(ValueError, match="holds no samples"):
        media.decoded(encoded(np.zeros(800)), 1.0)


@pytest.mark.parametrize(
    ("whole", "samples"), [(2**32 - 1, 2**32 - 1), (0x7FFF_F024, 0x7FFF_F000), (16_036, 2**32 - 1)]
)
def test_recordings_that_were_streamed_state_no_size_and_are_read(whole: int, samples: int) -> None:
    payload = encoded(TONE, 8_000)
    streamed = bytearray(payload)
    streamed[4:8], streamed[40:44] = whole.to_bytes(4, "little"), samples.to_bytes(4, "little")
    readable, measures = examine(bytes(streamed))
    assert measures["duration"] == 1
    waveform, rate = tf.audio.decode_wav(readable)
    assert int(rate) == 8_000
    np.testing.assert_allclose(waveform[:, 0], TONE, atol=1e-4)


def test_what_is_no_finite_number_is_silence() -> None:
    samples = np.select([np.arange(8_000) % 3 == 1, np.arange(8_000) % 3 == 2], [np.nan, np.inf], 0.5)
    readable, measures = examine(encoded(samples, 8_000, coding="FLOAT"))
    read, _ = soundfile.read(io.BytesIO(readable))
    assert set(np.unique(read.round(3))) == {0.0, 0.5}
    assert measures["peak"] == 0.5


@pytest.mark.parametrize(
    ("loudness", "expected"), [(1, 0.5), (3, 1.0), (30, 1.0), (2**15, 0.5), (2**23, 0.5), (2**31, 0.5), (2**40, 1.0)]
)
def test_what_exceeds_full_scale_is_scaled_and_not_cut_off(loudness: float, expected: float) -> None:
    readable, measures = examine(encoded(TONE * loudness, 8_000, coding="DOUBLE"))
    read, _ = soundfile.read(io.BytesIO(readable))
    np.testing.assert_allclose(read, TONE / 0.5 * expected, atol=1e-3)
    assert measures["peak"] == pytest.approx(expected, abs=1e-3)


def test_the_same_samples_are_alike_however_they_were_stored() -> None:
    one = (TONE * 32_767).astype("int16")
    files = [encoded(one, 8_000), encoded(-one, 8_000), encoded(one, 8_000, "FLAC"), encoded(-one, 8_000, "AIFF")]
    table = pd.DataFrame([examine(file)[1] for file in files])
    assert alike.first_alike(table).tolist() == [0, 1, 0, 1]
