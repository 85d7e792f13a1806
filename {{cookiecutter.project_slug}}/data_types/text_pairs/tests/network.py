"""A small Transformer."""

from typing import Any

import keras

from project import task
from project.config import Config
from project.pairs.transformer import Transformer

FEATURES: dict[str, Any] = {}  # the project's own, which take any text


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """A block on either side."""
    del config  # the same whatever the settings
    dtype = preprocessor.output["source"].dtype
    inputs = {name: keras.Input((None,), dtype=dtype, name=name) for name in ("source", "target")}
    num_codes = (preprocessor.get_layer("pieces").num_codes, task.num_codes(target))
    width, dropout = hp.Int("width", 32, 64, step=32, default=64), hp.Float("dropout", 0.0, 0.5, default=0.0)
    transformer = Transformer(num_codes, width=width, heads=2, blocks=1, dropout=dropout, name="transformer")
    return keras.Model(inputs, transformer(inputs), name="network")
