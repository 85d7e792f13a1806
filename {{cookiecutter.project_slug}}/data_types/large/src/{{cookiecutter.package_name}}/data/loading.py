"""Loads examples into memory if they fit; larger sources and splits stay on disk."""

import itertools
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

    from ..large.on_disk import OnDisk
    from .provenance import Provenance
    from .reading import Examples, InMemory, Part

Encode: TypeAlias = Callable[[pd.DataFrame], tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]]
Clean: TypeAlias = Callable[[Config, "pa.Table", "Provenance", int], pd.DataFrame]

BLOCK = 65_536  # rows in memory at once, in addition to the sample


def read_parts(
    config: Config,
    read: Callable[[Config], pd.DataFrame],
    clean: Clean,
    as_before: Callable[[Config, pd.DataFrame], Config],
    as_whole: bool = False,
) -> Iterator[pd.DataFrame]:
    """The examples of a source, in several parts if it has more than `max_examples_in_memory` rows."""
    from ..large import large_sources  # here, since only collecting needs it

    if as_whole or not large_sources.is_large(config):
        yield read(config)
    else:
        yield from large_sources.read_examples(config, clean, as_before)


def store(
    examples: "Examples", config: Config, folder: Path, parts: "Iterator[Part]"
) -> "tuple[InMemory | OnDisk, Iterator[Part]]":
    """The store that holds the examples until they are split, and the parts to fill it with.

    It is on disk, in the folder, if the first source comes in several parts.
    """
    from ..large.on_disk import OnDisk
    from .reading import InMemory  # here, since only collecting needs it

    head = list(itertools.islice(parts, 2))
    in_parts = len({source for source, _ in head}) < len(head)
    parts = itertools.chain(iter(head), parts)
    del head  # else it stays in memory
    return (OnDisk(examples, config, folder) if in_parts else InMemory(examples, config)), parts


def read_examples(config: Config, split: str) -> pd.DataFrame:
    """The examples of a split, or a random sample of `max_examples_in_memory` of them, in order."""
    num_examples = tables.num_examples(config, split)
    if num_examples <= config.max_examples_in_memory:
        return tables.read_rows(config, split)
    drawn = draw(config, num_examples)
    chosen, start = [], 0
    for block in tables.read_blocks(config, split, BLOCK):
        inside = drawn[slice(*np.searchsorted(drawn, [start, start + len(block)]))] - start
        chosen.append(block.iloc[inside])
        start += len(block)
    sample = pd.concat(chosen, ignore_index=True)
    sample.attrs[tables.DRAWN_FROM] = num_examples
    return sample


def draw(config: Config, num_examples: int) -> np.ndarray:
    """Which examples are in memory, in order, (num_drawn,) int: all, or a random sample if they do not fit in it."""
    if num_examples <= config.max_examples_in_memory:
        return np.arange(num_examples)
    generator = np.random.default_rng(config.seed)
    return np.sort(generator.choice(num_examples, config.max_examples_in_memory, replace=False, shuffle=False))


def training_batches(config: Config, encode: Encode, size: int, epoch: "tf.Variable") -> "tf.data.Dataset":
    """Shuffled batches of the training split, as of `batching.shuffled`; it is encoded once, to disk if it is large."""
    from ..large import shards  # here, since TensorFlow takes seconds to import
    from . import batching

    if tables.num_examples(config, "train") > config.max_examples_in_memory:
        return shards.stream(config, "train", encode, size, epoch)
    inputs, targets, weights = encode(read_examples(config, "train"))
    return batching.shuffled(inputs, targets, size, config.seed, epoch, weights)
