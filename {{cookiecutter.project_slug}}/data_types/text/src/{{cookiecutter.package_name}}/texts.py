"""What a text is to the project: what is measured of it, which texts are nearly the same."""

import hashlib
import re
import unicodedata
from typing import Any

COLUMN = "text"
SUFFIX = ".txt"
HASH = "same_text"  # the column of the hash that near-duplicates share
NUMBERS = ("characters", "words", "letters", "upper_case", "digits", "spaces", "punctuation", "non_ascii")
WHOLE = ("characters", "words")
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
        "words": sum(1 for _ in WORD.finditer(read)),
        "letters": round(letters / length, 4),
        "upper_case": round(sum(map(str.isupper, read)) / max(1, letters), 4),
        "digits": round((others - letters) / length, 4),
        "spaces": round(spaces / length, 4),
        "punctuation": round((length - spaces - others) / length, 4),
        "non_ascii": round(sum(character > "\x7f" for character in read) / length, 4),
    }


def identity(text: str) -> str:
    """A hash that texts share which differ in case, space, punctuation or the Unicode form of their characters."""
    words = SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text.casefold())).strip()
    return hashlib.sha256((words or text.strip()).encode()).hexdigest()[:32]
