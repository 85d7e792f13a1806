"""Encoded examples that would not fit in memory: blocks of rows on disk, read and shuffled by tf.data's operations."""

import atexit
import math
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import tensorflow as tf

from ..config import Config
from ..core import artifacts
from ..data import tables

Arrays: TypeAlias = tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]  # inputs, targets, weights if any

LARGEST_BLOCK = 16_384  # examples of a file
BLOCKS_MIXED = 8  # whose examples are shuffled together
BLOCKS_IN_MEMORY = 4 * BLOCKS_MIXED  # those in use, the next ones, and the copies that shuffling makes


@dataclass(frozen=True)
class Shards:
    """Examples on disk: each is the bytes of its arrays, one after the other."""

    files: tuple[str, ...]
    num_examples: int
    layout: dict[
        str, tuple[np.dtype, tuple[int, ...]]
    ]  # by array, targets and weights last: dtype and shape of one example
    mean_weight: float = 1.0


def stream(
    config: Config, split: str, encode: Callable[[pd.DataFrame], Arrays], size: int, epoch: tf.Variable
) -> tf.data.Dataset:
    """Batches of a split that is encoded block by block, on disk below the artifacts; see `shuffled`."""
    blocks = tables.read_blocks(config, split, block_size(config.max_examples_in_memory))
    stored = write(config.paths.training / "shards", map(encode, blocks))
    return shuffled(stored, size, config.seed, epoch)


def block_size(max_examples: int) -> int:
    """Examples of a block, of which BLOCKS_IN_MEMORY hold no more than `max_examples`."""
    return max(1, min(LARGEST_BLOCK, max_examples // BLOCKS_IN_MEMORY))


def write(folder: Path, blocks: Iterable[Arrays]) -> Shards:
    """Writes the arrays of each block to a folder of this process, which is removed when it ends."""
    folder = own_folder(folder)
    files: list[str] = []
    num_examples, total = 0, 0.0
    layout: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
    for inputs, targets, weights in blocks:
        arrays = {**inputs, "targets": targets}
        if weights is not None:
            arrays["weights"] = weights.astype("float32")
            total += weights.sum()
        layout = {name: (array.dtype, array.shape[1:]) for name, array in arrays.items()}
        rows = [np.ascontiguousarray(array).view("uint8").reshape(len(targets), -1) for array in arrays.values()]
        files.append(str(folder / f"{len(files):08}"))
        np.concatenate(rows, axis=1).tofile(files[-1])
        num_examples += len(targets)
    return Shards(tuple(files), num_examples, layout, total / num_examples)


def own_folder(folder: Path) -> Path:
    """An empty folder of this process below the given one; those of killed processes of this machine are removed."""
    machine = socket.gethostname()  # several may share the disk
    for other in folder.glob(f"{machine}-*"):
        if not is_running(int(other.name.rpartition("-")[2])):
            artifacts.remove(other)
    own = folder / f"{machine}-{os.getpid()}"
    artifacts.remove(own)
    own.mkdir(parents=True)
    atexit.register(artifacts.remove, own)
    return own


def is_running(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def shuffled(shards: Shards, size: int, seed: int, epoch: tf.Variable) -> tf.data.Dataset:
    """Batches of (inputs, targets), or with weights, each example once, in an order by the seed and the epoch only.

    The blocks are shuffled, and the examples of every BLOCKS_MIXED of them.
    """
    shape = (-1, row_bytes(shards))

    def mixed(_: tf.Tensor) -> tf.data.Dataset:
        key = tf.stack([seed, epoch.read_value()])
        files = tf.random.experimental.stateless_shuffle(tf.constant(shards.files), key)

        def mix(number: tf.Tensor, some: tf.Tensor) -> tf.Tensor:
            joined = tf.strings.reduce_join(tf.map_fn(tf.io.read_file, some))
            rows = tf.reshape(tf.io.decode_raw(joined, "uint8"), shape)
            order_key = tf.random.experimental.stateless_fold_in(key, number)
            return tf.gather(rows, tf.random.experimental.stateless_shuffle(tf.range(tf.shape(rows)[0]), order_key))

        return tf.data.Dataset.from_tensor_slices(files).batch(BLOCKS_MIXED).enumerate().map(mix).prefetch(1)

    return (
        tf.data.Dataset.from_tensors(0)
        .flat_map(mixed)
        .rebatch(size)
        .map(lambda rows: unpack(shards, rows))
        .apply(tf.data.experimental.assert_cardinality(math.ceil(shards.num_examples / size)))
        .prefetch(tf.data.AUTOTUNE)
    )


def row_bytes(shards: Shards) -> int:
    """The bytes of one example."""
    return sum(dtype.itemsize * math.prod(shape) for dtype, shape in shards.layout.values())


def unpack(shards: Shards, rows: tf.Tensor) -> tuple[Any, ...]:
    """Inputs, targets and, if any, weights of mean 1, of examples as bytes, (num_examples, row_bytes) uint8."""
    arrays: dict[str, tf.Tensor] = {}
    start = 0
    for name, (dtype, shape) in shards.layout.items():
        end = start + dtype.itemsize * math.prod(shape)
        each = (dtype.itemsize,) if dtype.itemsize > 1 else ()
        arrays[name] = tf.bitcast(tf.reshape(rows[:, start:end], (-1, *shape, *each)), dtype)
        start = end
    targets = arrays.pop("targets")
    return (arrays, targets, arrays.pop("weights") / shards.mean_weight) if "weights" in arrays else (arrays, targets)
