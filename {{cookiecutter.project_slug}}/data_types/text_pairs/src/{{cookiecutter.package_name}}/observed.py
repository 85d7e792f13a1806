"""What monitoring looks at: the measures of the texts that clients sent, and how many of their words are rare."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from . import pairs, rare_words
from .logged_values import to_number, to_text

Inputs = Mapping[str, Mapping[str, Any]]  # what a version describes of each input: its column and kind

RARE = "rare_words"  # share of the words of a text that other training texts hardly have


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: the sources, and what is measured of them."""
    return [*inputs, *pairs.SOURCE_NUMBERS]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The logged texts, None where they are not kept, and their measures as float64."""
    logged = [value if isinstance(value := row.get(name), dict) else {} for row in rows for name in inputs]
    numbers = {
        name: pd.Series([to_number(each.get(name)) for each in logged], dtype="float64")
        for name in pairs.SOURCE_NUMBERS
    }
    contents = pd.Series([to_text(each.get(pairs.SOURCE)) for each in logged], dtype=object)
    return pd.DataFrame({pairs.SOURCE: contents, **numbers})


def from_examples(inputs: Inputs, examples: pd.DataFrame) -> pd.DataFrame:
    """Training examples in the form of `as_table`."""
    del inputs
    return examples.astype(dict.fromkeys(pairs.SOURCE_NUMBERS, "float64"))


def comparable(inputs: Inputs, reference: pd.DataFrame, window: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is compared of training examples and requests: measures and, if texts are kept, the share of rare words."""
    del inputs
    tables = [table[list(pairs.SOURCE_NUMBERS)] for table in (reference, window)]
    if window[pairs.SOURCE].notna().any():
        known = rare_words.frequent(reference[pairs.SOURCE])
        both = zip(tables, (reference, window), strict=True)
        tables = [part.assign(**{RARE: rare_words.shares(table[pairs.SOURCE], known)}) for part, table in both]
    return tables[0], tables[1]


def meant_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: pd.DataFrame) -> pd.DataFrame:
    """The measures with the types that the schema asks for: counts as integers."""
    del inputs
    return table[list(pairs.SOURCE_NUMBERS)].astype(dict.fromkeys(pairs.SOURCE_WHOLE, "Int64"))
