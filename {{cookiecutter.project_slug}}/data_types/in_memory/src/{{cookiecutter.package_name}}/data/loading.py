"""Loads all examples into memory."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from ..config import Config
from . import tables

if TYPE_CHECKING:
    import pyarrow as pa
    import tensorflow as tf

    from .provenance import Provenance
    from .reading import Examples, InMemory, Part

Encode: TypeAlias = Callable[[pd.DataFrame], tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]]
Clean: TypeAlias = Callable[[Config, "pa.Table", "Provenance", int], pd.DataFrame]


def read_parts(
    config: Config,
    read: Callable[[Config], pd.DataFrame],
    clean: Clean,
    as_before: Callable[[Config, pd.DataFrame], Config],
    as_whole: bool = False,
) -> Iterator[pd.DataFrame]:
    """The examples of a source, in one part; the arguments about parts are not used."""
    del clean, as_before, as_whole
    yield read(config)


def store(
    examples: "Examples", config: Config, folder: Path, parts: "Iterator[Part]"
) -> "tuple[InMemory, Iterator[Part]]":
    """The store that holds the examples until they are split, and the parts to fill it with."""
    from .reading import InMemory  # here, since only collecting needs it

    del folder
    return InMemory(examples, config), parts


def read_examples(config: Config, split: str) -> pd.DataFrame:
    """The examples of a split, one row each."""
    return tables.read_rows(config, split)


def training_batches(config: Config, encode: Encode, size: int, epoch: "tf.Variable") -> "tf.data.Dataset":
    """Shuffled batches of (inputs, targets), or with weights, from the training split, which is encoded once."""
    from . import batching  # here, since TensorFlow takes seconds to import

    inputs, targets, weights = encode(read_examples(config, "train"))
    return batching.shuffled(inputs, targets, size, config.seed, epoch, weights)
