"""The examples that stages ask for, made of the tables that collecting wrote: their rows, as they are."""

import numpy as np
import pandas as pd

from ..config import Config
from ..core import artifacts

BLOCK = 65_536  # rows that are in memory beside those that are drawn


def read_split(config: Config, split: str) -> pd.DataFrame:
    """The examples of a split; if they are more than `max_examples_in_memory`, as many drawn at random, in order."""
    num_examples = artifacts.num_examples(config, split)
    if num_examples <= config.max_examples_in_memory:
        return artifacts.read_rows(config, split)
    generator = np.random.default_rng(config.seed)
    drawn = np.sort(generator.choice(num_examples, config.max_examples_in_memory, replace=False, shuffle=False))
    chosen, start = [], 0
    for block in artifacts.read_blocks(config, split, BLOCK):
        inside = drawn[slice(*np.searchsorted(drawn, [start, start + len(block)]))] - start
        chosen.append(block.iloc[inside])
        start += len(block)
    sample = pd.concat(chosen, ignore_index=True)
    sample.attrs[artifacts.DRAWN_FROM] = num_examples
    return sample
