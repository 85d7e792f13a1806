"""What a pair of texts is to the project: how texts are mended and measured, and which sources are the same."""

import hashlib
import re
import unicodedata
from typing import Any

SOURCE = "source"  # the column of the texts to translate
HASH = "same_source"  # the column of the hash that pairs share which have the same source
SOURCE_NUMBERS = ("source_characters", "source_words", "source_non_ascii")
NUMBERS = (*SOURCE_NUMBERS, "target_characters", "target_words", "target_non_ascii", "length_ratio", "identical")
SOURCE_WHOLE = ("source_characters", "source_words")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
SURROGATES = re.compile("[\ud800-\udfff]")
WORD = re.compile(r"\w+")
SEPARATORS = re.compile(r"[\W_]+")


def mended(text: str) -> str:
    """The same text as UTF-8 can hold it: without a byte order mark, and lone surrogates replaced."""
    return SURROGATES.sub(UNKNOWN, text.removeprefix("\ufeff"))


def is_empty(text: str) -> bool:
    """Whether there is nothing to read; control characters such as NUL are nothing."""
    return not any(character.isprintable() and not character.isspace() for character in text)


def measure_text(side: str, text: str) -> dict[str, Any]:
    """Characters, words (runs of letters and digits) and the share of characters beyond ASCII of a side of a pair."""
    return {
        f"{side}_characters": len(text),
        f"{side}_words": sum(1 for _ in WORD.finditer(text)),
        f"{side}_non_ascii": round(sum(character > "\x7f" for character in text) / max(1, len(text)), 4),
    }


def measure(source: str, target: str) -> dict[str, Any]:
    """What TFDV looks at, whatever the languages; length_ratio: characters of the target per one of the source."""
    return {
        **measure_text("source", source),
        **measure_text("target", target),
        "length_ratio": round(len(target) / max(1, len(source)), 4),
        "identical": int(source.strip() == target.strip()),
    }


def identity(source: str) -> str:
    """A hash that sources share which differ in case, space, punctuation or the Unicode form of their characters."""
    words = SEPARATORS.sub(" ", unicodedata.normalize("NFKC", source.casefold())).strip()
    return hashlib.sha256((words or source.strip()).encode()).hexdigest()[:32]
