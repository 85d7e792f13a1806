"""What holds for any text, whatever its script: how it is repaired, when it is empty, and which texts are the same."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
BETWEEN = "\n\n"  # texts of several columns
SURROGATES = re.compile("[\ud800-\udfff]")
WORD = re.compile(r"\w+")
SEPARATORS = re.compile(r"[\W_]+")


def repair(text: str) -> str:
    """The same text as UTF-8 can hold it: without a byte order mark, and lone surrogates replaced."""
    return SURROGATES.sub(UNKNOWN, text.removeprefix("\ufeff"))


def is_empty(text: str) -> bool:
    """Whether there is nothing to read; control characters such as NUL are nothing."""
    return not any(character.isprintable() and not character.isspace() for character in text)


def identity(text: str) -> str:
    """A hash that texts share which differ in case, space, punctuation or the Unicode form of their characters."""
    words = SEPARATORS.sub(" ", unicodedata.normalize("NFKC", text.casefold())).strip()
    return hashlib.sha256((words or text.strip()).encode()).hexdigest()[:32]


def non_ascii(text: str) -> float:
    """The share of the characters that are beyond ASCII."""
    return round(sum(character > "\x7f" for character in text) / max(1, len(text)), 4)


def num_words(text: str) -> int:
    """How many runs of letters, digits and underscores there are."""
    return sum(1 for _ in WORD.finditer(text))


def words_of(text: str | None) -> set[str]:
    """The words of a text, whatever their case."""
    return set(WORD.findall((text or "").casefold()))


def count_texts(contents: Iterable[str]) -> Counter[str]:
    """How many texts have each word."""
    return Counter(word for text in contents for word in words_of(text))
