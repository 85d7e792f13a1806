"""Which words training has hardly seen: a translation can be no better than what was learned of them."""

from collections.abc import Iterable

import numpy as np

from ..text.unicode_text import count_texts, words_of

FEW = 3  # training texts; a word that fewer have is rare
MANY = 1 / 3  # share of a text's words


def frequent(texts: Iterable[str]) -> frozenset[str]:
    """The words that are not rare in these texts."""
    return frozenset(word for word, count in count_texts(texts).items() if count >= FEW)


def shares(texts: Iterable[str], known: frozenset[str]) -> np.ndarray:
    """The share of each text's words that are rare, (num_texts,); 0 for a text without words."""
    found = (words_of(text) for text in texts)
    return np.array([len(words - known) / max(1, len(words)) for words in found])


def parts(values: np.ndarray) -> dict[str, np.ndarray]:
    """Which texts have none, some and many rare words, each (num_texts,) bool."""
    is_many = values > MANY
    return {"none": values == 0, f"up to {MANY:.0%}": (values > 0) & ~is_many, f"more than {MANY:.0%}": is_many}
