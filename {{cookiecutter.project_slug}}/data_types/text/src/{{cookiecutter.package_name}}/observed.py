"""What monitoring looks at: the measures of the texts that clients sent, and how many of their words are new."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from . import texts
from .logged_values import to_number, to_text

Inputs = Mapping[str, Mapping[str, Any]]  # what a version describes of each input: its column and kind

UNSEEN = "unseen_words"  # share of the words of a text that no training text has


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: the texts, and what is measured of them."""
    return [*inputs, *texts.NUMBERS]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The logged texts, None where they are not kept, and their measures as float64."""
    logged = [value if isinstance(value := row.get(name), dict) else {} for row in rows for name in inputs]
    numbers = {name: pd.Series([to_number(each.get(name)) for each in logged], dtype="float64") for name in texts.NUMBERS}
    contents = pd.Series([to_text(each.get(texts.COLUMN)) for each in logged], dtype=object)
    return pd.DataFrame({texts.COLUMN: contents, **numbers})


def from_examples(inputs: Inputs, examples: pd.DataFrame) -> pd.DataFrame:
    """Training examples in the form of `as_table`."""
    del inputs
    return examples.astype(dict.fromkeys(texts.NUMBERS, "float64"))


def comparable(inputs: Inputs, reference: pd.DataFrame, window: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is compared of training examples and requests: the measures and, if texts are kept, the share of new words.

    A training text's own words are not new to it: there, those count that no other training text has.
    """
    del inputs
    tables = [table[list(texts.NUMBERS)] for table in (reference, window)]
    if window[texts.COLUMN].notna().any():
        frequencies = pd.Series([word for text in reference[texts.COLUMN] for word in words_of(text)]).value_counts()
        repeated = set(frequencies.index[frequencies > 1])
        tables[0] = tables[0].assign(**{UNSEEN: shares_outside(reference[texts.COLUMN], repeated)})
        tables[1] = tables[1].assign(**{UNSEEN: shares_outside(window[texts.COLUMN], set(frequencies.index))})
    return tables[0], tables[1]


def words_of(text: str | None) -> set[str]:
    """The words of a text, whatever their case."""
    return set(texts.WORD.findall((text or "").casefold()))


def shares_outside(contents: pd.Series, known: Collection[str]) -> np.ndarray:
    """The share of each text's words that are not known, (num_texts,); NaN where there are none."""
    found = [words_of(text) for text in contents]
    return np.array([len(words - known) / len(words) if words else np.nan for words in found])  # type: ignore[operator]


def meant_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: pd.DataFrame) -> pd.DataFrame:
    """The measures with the types that the schema asks for: counts as integers."""
    del inputs
    return table[list(texts.NUMBERS)].astype(dict.fromkeys(texts.WHOLE, "Int64"))
