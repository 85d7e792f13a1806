"""A translation memory: for a text, which known one is most like it."""

import numpy as np
import numpy.typing as npt

NGRAMS = (1, 5)  # characters
MAX_NGRAMS = 200_000
AT_ONCE = 64  # texts that are compared with all known ones: bounds the memory


def find(known: npt.NDArray[np.object_], texts: npt.NDArray[np.object_]) -> npt.NDArray[np.intp]:
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
