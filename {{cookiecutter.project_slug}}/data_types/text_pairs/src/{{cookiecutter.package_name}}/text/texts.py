"""What is measured of a text by itself: of each side of a pair, and of what a client sends."""

from typing import Any

from ..config import Config
from .unicode_text import non_ascii, num_words

COLUMN = "source"  # the column of the texts to translate
HASH = "same_source"  # the column of the hash that pairs share which have the same source
NUMBERS = ("source_characters", "source_words", "source_non_ascii")
WHOLE = ("source_characters", "source_words")


def measure_side(side: str, text: str) -> dict[str, Any]:
    """Characters, words and the share of characters beyond ASCII of a side of a pair, by column."""
    return {
        f"{side}_characters": len(text),
        f"{side}_words": num_words(text),
        f"{side}_non_ascii": non_ascii(text),
    }


def measure_sent(entry: dict[str, Any], text: str) -> dict[str, Any]:
    """What the request log keeps of a text, by name: `NUMBERS`."""
    del entry  # measured is all of it
    return measure_side(COLUMN, text)


def limits(config: Config) -> dict[str, Any]:
    """What the description of a request says about texts: nothing."""
    del config
    return {}
