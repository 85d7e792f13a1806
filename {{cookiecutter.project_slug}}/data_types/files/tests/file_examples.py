"""What the made-up examples of every kind of file have in common."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from project.data import requests
from project.media import file_sources, media
from project.settings.data_type import RequestSettings

from declared import Config


def make_table(make: Callable[[np.random.Generator, float], bytes], num_examples: int, seed: int) -> pd.DataFrame:
    """Files as data URIs, and two targets that depend on the value, 0 to 1, which each is made of: kind and price."""
    random = np.random.default_rng(seed)
    values = random.random(num_examples)
    files = [make(random, value) for value in values]
    return pd.DataFrame(
        {
            media.COLUMN: [f"data:;base64,{base64.b64encode(file).decode()}" for file in files],
            "kind": np.where(values > 0.66, "dear", np.where(values > 0.33, "fair", "cheap")),
            "price": 20 * values + random.normal(0, 0.5, num_examples),
        }
    )


def as_examples(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """A table of data URIs as collecting gives it: with the files in a folder."""
    files = [file_sources.decode_uri(uri) for uri in table[media.COLUMN]]
    paths = [folder / f"{row}{media.suffix(file)}" for row, file in enumerate(files)]
    for path, file in zip(paths, files, strict=True):
        path.write_bytes(file)
    return table.assign(**{media.COLUMN: [str(path) for path in paths]})


def spoiled(table: pd.DataFrame, row: int) -> pd.DataFrame:
    """Such a table with a row that cannot be read."""
    cells = table[media.COLUMN].copy()
    cells.iloc[row] = "data:;base64,AAAA"
    return table.assign(**{media.COLUMN: cells})


def sent(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of such a table as clients send them."""
    return [{media.COLUMN: file_sources.decode_uri(uri)} for uri in table[media.COLUMN]]


def labels(examples: pd.DataFrame, target: str) -> pd.Series:
    """What clients tell of such examples once it is known."""
    return examples[target]


def logged(config: Config, inputs: dict[str, Any], examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Examples as the request log keeps them."""
    files = [Path(path).read_bytes() for path in examples[media.COLUMN]]
    return [{media.COLUMN: requests.loggable(RequestSettings(), inputs[media.COLUMN], file)} for file in files]
