"""What is measured of a text."""

from typing import Any

from ..config import Config
from .unicode_text import non_ascii, num_words

COLUMN = "text"
SUFFIX = ".txt"
HASH = "same_text"  # the column of the hash that near-duplicates share
NUMBERS = ("characters", "words", "letters", "upper_case", "digits", "spaces", "punctuation", "non_ascii")
WHOLE = ("characters", "words")


def measure(text: str, max_characters: int) -> dict[str, Any]:
    """What TFDV and monitoring look at, whatever the language.

    characters: all of them. The others are of what the model reads, the first `max_characters`: words: runs of letters,
    digits and underscores; upper_case: their share of the letters; the others: shares of the characters.
    """
    read = text[:max_characters]
    length, letters = max(1, len(read)), sum(map(str.isalpha, read))
    spaces, others = sum(map(str.isspace, read)), sum(map(str.isalnum, read))
    return {
        "characters": len(text),
        "words": num_words(read),
        "letters": round(letters / length, 4),
        "upper_case": round(sum(map(str.isupper, read)) / max(1, letters), 4),
        "digits": round((others - letters) / length, 4),
        "spaces": round(spaces / length, 4),
        "punctuation": round((length - spaces - others) / length, 4),
        "non_ascii": non_ascii(read),
    }


def measure_sent(entry: dict[str, Any], text: str) -> dict[str, Any]:
    """What the request log keeps of a text, by name: `NUMBERS`."""
    return measure(text, entry["max_characters"])


def limits(config: Config) -> dict[str, Any]:
    """What the description of a request says about texts: how much of them is read, and the columns they come from."""
    columns = {"columns": list(config.text_column)} if config.text_column else {}
    return {"max_characters": config.max_characters, **columns}
