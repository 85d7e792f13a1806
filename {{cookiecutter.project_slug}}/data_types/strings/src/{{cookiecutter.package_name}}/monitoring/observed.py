"""What monitoring looks at: the measures of the texts that clients sent, and how many of their words are new."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ..text import texts
from ..text.unicode_text import count_texts, words_of
from .logged_values import to_number, to_text

Inputs = Mapping[str, Mapping[str, Any]]  # what a version describes of each input: its column and kind

UNSEEN = "unseen_words"  # share of the words of a text that no training text has
FOLLOW_EACH_OTHER = False  # whether training examples do, in time: their periods differ without drift


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: the texts, and what is measured of them."""
    return [*inputs, *texts.NUMBERS]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The logged texts, None where they are not kept, and their measures as float64."""
    logged = [value if isinstance(value := row.get(name), dict) else {} for row in rows for name in inputs]
    numbers = {
        name: pd.Series([to_number(each.get(name)) for each in logged], dtype="float64") for name in texts.NUMBERS
    }
    contents = pd.Series([to_text(each.get(texts.COLUMN)) for each in logged], dtype=object)
    return pd.DataFrame({texts.COLUMN: contents, **numbers})


def from_examples(inputs: Inputs, examples: pd.DataFrame) -> pd.DataFrame:
    """Training examples in the form of `as_table`."""
    del inputs
    return examples.astype(dict.fromkeys(texts.NUMBERS, "float64"))


def comparable(inputs: Inputs, reference: pd.DataFrame, window: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is compared of training examples and requests: the measures and, if texts are kept, the share of new words.

    A text's own words are never new to it: for a training text, wherever it stands, those of all others are known.
    """
    columns = texts.NUMBERS if inputs else ()  # nothing, if the log leaves the texts out
    tables = [table[list(columns)] for table in (reference, window)]
    if window[texts.COLUMN].notna().any():
        known = KnownWords.of(reference[texts.COLUMN])
        pairs = zip(tables, (reference, window), strict=True)
        tables = [part.assign(**{UNSEEN: known.unseen_shares(table[texts.COLUMN])}) for part, table in pairs]
    return tables[0], tables[1]


class KnownWords(NamedTuple):
    """The training texts, their words, and those that several of them have."""

    contents: frozenset[str]
    words: frozenset[str]
    repeated: frozenset[str]

    @classmethod
    def of(cls, contents: pd.Series) -> "KnownWords":
        """Takes the training texts."""
        frequencies = count_texts(contents)
        repeated = (word for word, count in frequencies.items() if count > 1)
        return cls(frozenset(contents), frozenset(frequencies), frozenset(repeated))

    def unseen_shares(self, contents: pd.Series) -> list[float]:
        """The share of each text's words that no other training text has; NaN for a text without words."""
        shares = []
        for text in contents:
            words = words_of(text)
            known = self.repeated if text in self.contents else self.words
            shares.append(len(words - known) / len(words) if words else math.nan)
        return shares


def meant_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: pd.DataFrame) -> pd.DataFrame:
    """The measures with the types that the schema asks for: counts as integers."""
    del inputs
    return table[list(texts.NUMBERS)].astype(dict.fromkeys(texts.WHOLE, "Int64"))
