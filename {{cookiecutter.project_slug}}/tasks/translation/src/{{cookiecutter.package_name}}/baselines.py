"""Baselines: simple translations, which the network is compared with."""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from .metrics import OUTPUT, Texts

BASELINES = ("copy", "translation_memory")

NGRAMS = (1, 5)  # characters
MAX_NGRAMS = 200_000
AT_ONCE = 64  # texts that are compared with all known ones: bounds the memory


def baseline(
    train: tuple[Texts, Texts],
    evaluation: Texts,
    names: Collection[str] = BASELINES,
    weights: npt.NDArray[np.floating] | None = None,
) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Translations of the sources `evaluation` by the named baselines, given training sources and targets.

    copy returns the source; translation_memory the target of the most similar training source, out of those whose
    sample weight is not 0.
    """
    predictions = {"copy": evaluation}
    if "translation_memory" in names:
        sources, translations = train if weights is None else (side[weights > 0] for side in train)
        predictions["translation_memory"] = translations[nearest(sources, evaluation)]
    return {name: {OUTPUT: values} for name, values in predictions.items()}


def nearest(known: npt.NDArray[np.object_], texts: npt.NDArray[np.object_]) -> npt.NDArray[np.intp]:
    """The place of the nearest known text of each, (num_texts,): by the cosine of TF-IDF weights of n-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # here, since it takes a second and a half

    weigh = TfidfVectorizer(
        analyzer="char_wb", ngram_range=NGRAMS, max_features=MAX_NGRAMS, sublinear_tf=True, dtype=np.float32
    )
    memory = weigh.fit_transform(known).T.tocsr()  # (num_ngrams, num_known)
    weights = weigh.transform(texts)  # (num_texts, num_ngrams)
    places = [
        (weights[start : start + AT_ONCE] @ memory).toarray().argmax(axis=1)
        for start in range(0, weights.shape[0], AT_ONCE)
    ]
    return np.concatenate(places)
