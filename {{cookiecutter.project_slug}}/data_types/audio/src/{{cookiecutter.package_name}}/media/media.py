"""What an audio file is: which bytes are one, what is measured of it, and how it becomes one that TensorFlow reads."""

import hashlib
import io
import struct
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile

from ..config import Config

if TYPE_CHECKING:
    import pandas as pd

COLUMN, NOUN, A_FILE = "audio", "audio", "an audio file"
HAS_AV = find_spec("av") is not None
FORMATS = {
    "WAV": (".wav",),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3",),
    "AIFF": (".aif", ".aiff"),
} | ({"M4A": (".m4a",)} if HAS_AV else {})
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
KINDS = ", ".join(SUFFIXES) + ("" if HAS_AV else "; .m4a needs the dependency group formats, see docs/data.md")
NUMBERS = ("duration", "rate", "channels", "bytes", "peak", "rms", "clipping", "silence")
WHOLE = ("rate", "channels", "bytes")
CATEGORIES = ("format", "coding")
FRAME = 0.02  # seconds over which loudness is measured
SILENT = 0.001  # of full scale, -60 dB: a frame whose RMS is lower is silent
CLIPPED = 0.999  # of full scale
FAINT = 0.01  # of full scale, -40 dB: as loud as 25 bits get in 32
LOUDEST = 16.0  # times full scale, in floating-point numbers that may exceed it; more were never scaled to it
INTEGER_SCALES = (2.0**15, 2.0**23, 2.0**31)  # what is full scale in numbers that were not
STREAMED = 0x7FFF_F000  # bytes; programs that write to a pipe state as many or more


class Payload(io.BytesIO):
    """The bytes of a file, in which a damaged one may look for a place before its beginning."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Stays where it is then; libsndfile finds out, and what is raised here would be printed."""
        with suppress(ValueError):
            return super().seek(offset, whence)
        return self.tell()


class Sound(NamedTuple):
    """Samples (num_samples, num_channels) from -1 to 1, how many there are per second, and how they were stored."""

    samples: npt.NDArray[np.float32]
    rate: int
    format: str
    coding: str


def examine(config: Config, payload: bytes) -> tuple[bytes, dict[str, Any]]:
    """The bytes by which TensorFlow can read a recording, and its measures with a hash of its samples.

    Raises:
        ValueError: it cannot be used; the message says why, after the name of the file.
    """
    sound = decoded(payload, config.max_seconds)
    measures = measured(sound, len(payload))
    if measures["silence"] == 1:
        raise ValueError("is silent")
    digest = hashlib.sha256((sound.samples * 32_767).round().astype("int16").tobytes()).hexdigest()
    return converted(sound, payload), measures | {"samples_sha256": digest}


def limits(config: Config) -> dict[str, Any]:
    """What a recording in a request may be at most."""
    return {"max_seconds": config.max_seconds}


def notes(measures: "pd.DataFrame") -> list[str]:
    """What is odd about the measures of all recordings together."""
    if not measures["peak"].max() < FAINT:
        return []
    reason = f"all recordings are very quiet (their peak is at most {measures['peak'].max():.2g} of full scale)"
    return [f"{reason}: a network from scratch does not mind, but a pretrained one has heard louder ones; amplify them"]


def readable(entry: dict[str, Any], payload: bytes) -> bytes:
    """The bytes by which TensorFlow can read a recording from a request.

    Raises:
        ValueError: it is none, or too long.
    """
    return converted(decoded(payload, entry["max_seconds"]), payload)


def measure(entry: dict[str, Any], payload: bytes) -> dict[str, Any]:
    """What is measured of a recording from a request.

    Raises:
        ValueError: it cannot be read.
    """
    return measured(decoded(payload, entry["max_seconds"]), len(payload))


def decoded(payload: bytes, max_seconds: float) -> Sound:
    """The sound in some bytes.

    Raises:
        ValueError: there is none, it is damaged or too long.
    """
    if not payload:
        raise ValueError("is empty")
    if HAS_AV and payload[4:8] == b"ftyp":
        return decoded_m4a(payload, max_seconds)
    try:
        with soundfile.SoundFile(Payload(payload)) as file:
            kind = "WAV" if file.format == "WAVEX" else file.format
            duration = file.frames / file.samplerate
            is_fit = kind in FORMATS and 0 < duration <= max_seconds
            samples = file.read(dtype="float32", always_2d=True) if is_fit else np.zeros((0, 1), "float32")
    except (soundfile.SoundFileError, OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"is not audio of a known format ({KINDS}), or damaged") from error
    if kind not in FORMATS:
        raise ValueError(f"is {kind}, which is not known")
    if duration <= 0:
        raise ValueError("holds no samples")
    if duration > max_seconds:
        raise ValueError(f"lasts {duration:,.1f} s, longer than max_seconds")
    if len(samples) < file.frames or is_cut(payload):
        raise ValueError("is cut off")
    return Sound(within_full_scale(samples), file.samplerate, kind, file.subtype)


def decoded_m4a(payload: bytes, max_seconds: float) -> Sound:
    """The sound in an MPEG-4 file, of which no more is decoded than may be.

    Raises:
        ValueError: there is none, it is damaged or too long.
    """
    av = import_module("av")
    parts, seconds = [], 0.0
    try:
        with av.open(io.BytesIO(payload), format="mov") as file:  # nothing else: playlists would name other files
            stream = file.streams.audio[0]
            rate, coding = stream.rate, stream.codec_context.name.upper()
            resampler = av.AudioResampler("fltp", stream.layout, rate)
            for frame in file.decode(stream):
                parts += [part.to_ndarray() for part in resampler.resample(frame)]  # (num_channels, num_samples)
                seconds += frame.samples / frame.sample_rate
                if seconds > max_seconds:
                    break
        samples = np.concatenate(parts, axis=1).T
    except (av.FFmpegError, IndexError, OSError, ValueError) as error:
        raise ValueError("holds no sound that can be decoded, or is damaged") from error
    if seconds > max_seconds:
        raise ValueError("is longer than max_seconds")
    return Sound(within_full_scale(samples), rate, "M4A", coding)


def within_full_scale(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Samples (num_samples, num_channels) from -1 to 1: louder ones would be cut off there, which distorts them.

    Those that are no numbers are silent.
    """
    finite = np.nan_to_num(samples, posinf=0, neginf=0)
    peak = float(np.abs(finite).max(initial=0))
    scale = next((scale for scale in INTEGER_SCALES if LOUDEST < peak <= scale), max(1.0, peak))
    return np.divide(finite, scale, dtype="float32")


def is_cut(payload: bytes) -> bool:
    """Whether a WAV file has fewer bytes than its header says, which libsndfile tolerates in silence."""
    stated = int.from_bytes(payload[4:8], "little")
    return payload.startswith(b"RIFF") and 0 < stated < STREAMED and stated + 8 > len(payload) + 1


def is_plain(sound: Sound, payload: bytes) -> bool:
    """Whether TensorFlow reads a file as it is: WAV of 16 bits in chunks whose sizes are right up to its end."""
    channels = sound.samples.shape[1]
    stated = (b"fmt ", 16, 1, channels, sound.rate, 2 * channels * sound.rate, 2 * channels, 16)
    if not payload.startswith(b"RIFF") or payload[12:36] != struct.pack("<4sIHHIIHH", *stated):
        return False
    place, sizes = 36, {}
    while place < len(payload):
        name, size = payload[place : place + 4], int.from_bytes(payload[place + 4 : place + 8], "little")
        if size % 2 or name in sizes:
            return False
        sizes[name] = size
        place += 8 + size
    return place == len(payload) and sizes.get(b"data") == 2 * sound.samples.size


def measured(sound: Sound, size: int) -> dict[str, Any]:
    """What TFDV and monitoring look at.

    duration in seconds; peak and rms as shares of full scale; clipping: share of the samples at full scale; silence:
    share of the frames of 20 ms whose RMS is below -60 dB.
    """
    mono = sound.samples.mean(axis=1)
    length = max(1, min(len(mono), round(FRAME * sound.rate)))
    frames = mono[: len(mono) // length * length].reshape(-1, length)
    loudness = np.sqrt(np.square(frames).mean(axis=1))
    return {
        "duration": round(len(mono) / sound.rate, 4),
        "rate": sound.rate,
        "channels": sound.samples.shape[1],
        "format": sound.format,
        "coding": sound.coding,
        "bytes": size,
        "peak": round(float(np.abs(sound.samples).max()), 4),
        "rms": round(float(np.sqrt(np.square(mono).mean())), 5),
        "clipping": round(float((np.abs(sound.samples) >= CLIPPED).mean()), 5),
        "silence": round(float((loudness < SILENT).mean()), 4),
    }


def converted(sound: Sound, payload: bytes) -> bytes:
    """The same bytes if the model's graph reads them rightly, else the sound as WAV of 16 bits."""
    if is_plain(sound, payload):
        return payload
    stream, samples = io.BytesIO(), np.clip(np.round(sound.samples * 32_768), -32_768, 32_767)
    soundfile.write(stream, samples.astype("int16"), sound.rate, subtype="PCM_16", format="WAV")
    return stream.getvalue()


def suffix(payload: bytes) -> str:
    """The ending of the name of a file with these bytes, which TensorFlow can decode."""
    del payload
    return ".wav"


def made_up() -> bytes:
    """A tenth of a second of a tone."""
    stream = io.BytesIO()
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(800) / 8_000)
    soundfile.write(stream, tone, 8_000, subtype="PCM_16", format="WAV")
    return stream.getvalue()
