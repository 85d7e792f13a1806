"""What the devices of this machine do best: the precision of their numbers, and whether XLA compiles for them."""

import contextlib
from collections.abc import Generator

import keras
import tensorflow as tf

from ..config import Config
from ..data.schedule import GAINS_BY_BFLOAT16

AMPERE = (8, 0)  # compute capability of the first NVIDIA GPUs with bfloat16


@contextlib.contextmanager
def precision(config: Config) -> Generator[None, None, None]:
    """Networks that are built in this block compute by the setting `precision`; their weights are float32 anyway."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if uses_bfloat16(config) else before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def uses_bfloat16(config: Config) -> bool:
    """Whether the network is trained in bfloat16: by the setting or, if that is left open, where it pays."""
    if config.precision != "auto":
        return config.precision == "bfloat16"
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    have_units = bool(gpus) and all(each.get("compute_capability", (0, 0)) >= AMPERE for each in details)
    return GAINS_BY_BFLOAT16 and have_units


def jit_compile(config: Config, default: bool | str = "auto") -> bool | str:
    """What `compile` of Keras takes: its auto compiles for one GPU, but neither on a CPU nor on several devices."""
    return default if config.xla == "auto" else config.xla == "on"
