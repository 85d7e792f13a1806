"""What a request may hold: a text, as a string or as bytes in Base64."""

from itertools import islice
from typing import Any

import numpy as np

from ..config import Config
from ..core.errors import RequestError
from ..text import texts
from ..text.unicode_text import count_texts, is_empty, mended

LINES = 6  # of the box that the page for people has
NUM_EXAMPLE_WORDS = 3


def limits(config: Config, kind: str, feature: Any) -> dict[str, Any]:
    """What is allowed in one request, as JSON: a text is always needed."""
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
    del entry, strict  # any text is answered, however unlike the training texts it is: monitoring tells
    found = np.empty(len(values), object)
    for row, value in enumerate(values):
        if not isinstance(value, str | bytes):
            what = "is missing" if value is None else f"is of the type {type(value).__name__}"
            raise RequestError(f"{what}; send a text, as a string", row=row)
        text = as_text(value)
        if is_empty(text):
            raise RequestError("is empty; send a text with something to read", row=row)
        found[row] = text
    return found


def as_text(value: str | bytes) -> str:
    """A value that a client sent as the text that the model reads."""
    return mended(value.decode(errors="replace") if isinstance(value, bytes) else value)


def check_together(inputs: dict[str, dict[str, Any]], columns: dict[str, list[Any]]) -> None:
    """Refuses values that are each possible but not together: there are none."""
    del inputs, columns


def loggable(config: Config, entry: dict[str, Any], value: Any) -> Any:
    """What the request log keeps of a text: its measures and, with `log_texts`, itself."""
    text = as_text(value)
    return texts.measure_sent(entry, text) | ({texts.COLUMN: text} if config.log_texts else {})


def from_log(value: Any) -> Any:
    """A logged value as a cell of a table of examples.

    Raises:
        RequestError: the log kept no more than the measures of the text.
    """
    if not isinstance(value, dict) or texts.COLUMN not in value:
        raise RequestError("the log kept no more than measures of the texts; set log_texts")
    return value[texts.COLUMN]


def form_field(entry: dict[str, Any]) -> dict[str, Any]:
    """How the page for people asks for a value."""
    del entry
    return {"widget": "text", "lines": LINES}


def json_schema(entry: dict[str, Any]) -> dict[str, Any]:
    """What a client may send, as JSON Schema has it."""
    del entry
    return {"type": "string", "minLength": 1}
