"""Which words training has hardly seen: a translation can be no better than what was learned of them."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from . import pairs

FEW = 3  # training texts; a word that fewer have is rare
MANY = 1 / 3  # share of a text's words


def words_of(text: str | None) -> set[str]:
    """The words of a text, whatever their case."""
    return set(pairs.WORD.findall((text or "").casefold()))


def count_texts(texts: Iterable[str]) -> Counter[str]:
    """How many texts have each word."""
    return Counter(word for text in texts for word in words_of(text))


def frequent(texts: Iterable[str]) -> frozenset[str]:
    """The words that are not rare in these texts."""
    return frozenset(word for word, count in count_texts(texts).items() if count >= FEW)


def most_frequent(texts: Iterable[str], number: int) -> list[str]:
    """So many of the words that most texts have."""
    return sorted(counts := count_texts(texts), key=lambda word: (-counts[word], word))[:number]


def shares(texts: Iterable[str], known: frozenset[str]) -> np.ndarray:
    """The share of each text's words that are rare, (num_texts,); 0 for a text without words."""
    found = (words_of(text) for text in texts)
    return np.array([len(words - known) / max(1, len(words)) for words in found])


def parts(values: np.ndarray) -> dict[str, np.ndarray]:
    """Which texts have none, some and many rare words, each (num_texts,) bool."""
    is_many = values > MANY
    return {"none": values == 0, f"up to {MANY:.0%}": (values > 0) & ~is_many, f"more than {MANY:.0%}": is_many}
