"""What a request may hold: a text, as a string or as bytes in Base64."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
from pydantic import WithJsonSchema

from ..config import Config
from ..core.artifacts import to_number, to_text
from ..core.errors import RequestError
from ..settings.data_type import RequestSettings
from ..text import texts
from ..text.unicode_text import BETWEEN, count_texts, is_empty, repair, words_of

if TYPE_CHECKING:
    import pandas as pd

LINES = 6  # of the box that the page for people has
NUM_EXAMPLE_WORDS = 3

Inputs = Mapping[str, Mapping[str, Any]]  # the metadata of each input: its column, kind and limits
UNSEEN = "unseen_words"  # share of the words of a text that no training text has
FOLLOW_EACH_OTHER = False  # in time: whether periods of the training examples differ without drift


def limits(config: Config, kind: str, feature: Any) -> dict[str, Any]:
    """What is allowed in a request, as JSON: a text is required."""
    del kind, feature  # the schema is about what is measured of texts
    return {"required": True, **texts.limits(config)}


def example(entry: dict[str, Any], values: Any) -> Any:
    """A made-up text, of the words that most training texts have, so that no one's record is shown."""
    del entry
    words = (word for word, _ in count_texts(values).most_common() if word.isalpha() and len(word) > 1)
    return " ".join(islice(words, NUM_EXAMPLE_WORDS)) or "?"


def read(entry: dict[str, Any], values: list[Any], strict: bool) -> np.ndarray:
    """The texts as a client sent them (None: left out) as the array (num_rows,) that the model takes.

    What is no valid Unicode is replaced as in training.

    Raises:
        RequestError: a value is missing, no text or empty (400); the message goes on after the name of the input.
    """
    del strict  # any text is accepted: drift is left to monitoring
    found = np.empty(len(values), object)
    for row, value in enumerate(values):
        parts = parts_of(entry, value)
        wrong = next((part for part in parts if not isinstance(part, str | bytes)), "")
        if not isinstance(wrong, str | bytes):
            what = "is missing" if wrong is None else f"is of the type {type(wrong).__name__}"
            raise RequestError(f"{what}; send a text, as a string", row=row)
        text = as_text(entry, value)
        if is_empty(text):
            raise RequestError("is empty; send a text with something to read", row=row)
        found[row] = text
    return found


def as_text(entry: Mapping[str, Any], value: Any) -> str:
    """A value that a client sent as the text that the model reads."""
    parts = (part.decode(errors="replace") if isinstance(part, bytes) else part for part in parts_of(entry, value))
    return BETWEEN.join(repair(part) for part in parts if part)


def parts_of(entry: Mapping[str, Any], value: Any) -> list[Any]:
    """What a text consists of: itself, or the texts of an object with the columns that collecting joined."""
    is_object = isinstance(value, dict) and value.keys() <= {*entry.get("columns", ())}
    return [value.get(column) or "" for column in entry["columns"]] if is_object else [value]


def check_together(inputs: dict[str, dict[str, Any]], columns: dict[str, list[Any]]) -> None:
    """Rejects values that are valid one by one but not together: there are none."""
    del inputs, columns


def loggable(config: RequestSettings, entry: dict[str, Any], value: Any) -> Any:
    """What is logged of a text: its measures and, with `log_texts`, itself."""
    text = as_text(entry, value)
    return texts.measure_sent(entry, text) | ({texts.COLUMN: text} if config.log_texts else {})


def from_log(value: Any) -> Any:
    """A logged value as a cell of a table of examples.

    Raises:
        RequestError: only the measures of the text were logged.
    """
    if not isinstance(value, dict) or texts.COLUMN not in value:
        raise RequestError("only measures of the texts were logged; set log_texts")
    return value[texts.COLUMN]


def form_field(entry: dict[str, Any]) -> dict[str, Any]:
    """How the page for people asks for a value."""
    del entry
    return {"widget": "text", "lines": LINES}


def value_type(entry: dict[str, Any], strict: bool) -> Any:
    """The pydantic type of a value as a client may send it; `read` says what is wrong with a text."""
    del strict
    text = {"type": "string", "minLength": 1}
    parts = {"type": "object", "properties": {column: {"type": "string"} for column in entry.get("columns", ())}}
    return Annotated[Any, WithJsonSchema({"anyOf": [text, parts]} if parts["properties"] else text)]


def columns(inputs: Iterable[str]) -> list[str]:
    """The columns of the examples that are compared with requests: the texts, and what is measured of them."""
    return [*inputs, *texts.NUMBERS]


def as_table(inputs: Inputs, rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """The logged texts, None where they are not kept, and their measures as float64."""
    import pandas as pd  # here, since the server does without pandas

    logged = [value if isinstance(value := row.get(name), dict) else {} for row in rows for name in inputs]
    numbers = {
        name: pd.Series([to_number(each.get(name)) for each in logged], dtype="float64") for name in texts.NUMBERS
    }
    contents = pd.Series([to_text(each.get(texts.COLUMN)) for each in logged], dtype=object)
    return pd.DataFrame({texts.COLUMN: contents, **numbers})


def from_examples(inputs: Inputs, examples: "pd.DataFrame") -> "pd.DataFrame":
    """Training examples in the form of `as_table`."""
    del inputs
    return examples.astype(dict.fromkeys(texts.NUMBERS, "float64"))


def comparable(
    inputs: Inputs, reference: "pd.DataFrame", window: "pd.DataFrame"
) -> "tuple[pd.DataFrame, pd.DataFrame]":
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
    def of(cls, contents: "pd.Series") -> "KnownWords":
        """Takes the training texts."""
        frequencies = count_texts(contents)
        repeated = (word for word, count in frequencies.items() if count > 1)
        return cls(frozenset(contents), frozenset(frequencies), frozenset(repeated))

    def unseen_shares(self, contents: "pd.Series") -> list[float]:
        """The share of each text's words that no other training text has; NaN for a text without words."""
        shares = []
        for text in contents:
            words = words_of(text)
            known = self.repeated if text in self.contents else self.words
            shares.append(len(words - known) / len(words) if words else math.nan)
        return shares


def expected_to_change(inputs: Inputs) -> list[str]:
    """The columns that drift by themselves: none."""
    del inputs
    return []


def in_schema_types(inputs: Inputs, table: "pd.DataFrame") -> "pd.DataFrame":
    """The measures with the types that the schema asks for: counts as integers."""
    del inputs
    return table[list(texts.NUMBERS)].astype(dict.fromkeys(texts.WHOLE, "Int64"))
