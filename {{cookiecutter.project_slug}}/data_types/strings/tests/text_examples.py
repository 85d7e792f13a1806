"""What made-up texts of all kinds have in common."""

from pathlib import Path
from typing import Any

import pandas as pd

from project.data import requests
from project.settings.data_type import RequestSettings
from project.text import texts

from declared import Config

UNIQUE = texts.HASH  # a column whose values differ from example to example

HOSTILE = [
    "\0nul\0",
    "👩‍👩‍👧 family 🏳️‍🌈",
    "שלום عليكم",
    "e\u0301 combining",
    "\u202eoverride",
    "中文字符 ไทย",
    "\ufffd\ufffe\uffff",
    "a" * 1_000_000,
]


def as_examples(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """A table of made-up texts as collecting gives it: the model needs no more of it."""
    return table


def spoiled(table: pd.DataFrame, row: int) -> pd.DataFrame:
    """Such a table with a row that cannot be read."""
    contents = table[texts.COLUMN].copy()
    contents.iloc[row] = ""
    return table.assign(**{texts.COLUMN: contents})


def sent(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of such a table as clients send them."""
    return [{texts.COLUMN: text} for text in table[texts.COLUMN]]


def labels(examples: pd.DataFrame, target: str) -> pd.Series:
    """What clients tell of such examples once it is known."""
    return examples[target]


def logged(config: Config, inputs: dict[str, Any], examples: pd.DataFrame) -> list[dict[str, Any]]:
    """Examples as the request log keeps them."""
    entry = inputs[texts.COLUMN]
    return [{texts.COLUMN: requests.loggable(RequestSettings(), entry, text)} for text in examples[texts.COLUMN]]
