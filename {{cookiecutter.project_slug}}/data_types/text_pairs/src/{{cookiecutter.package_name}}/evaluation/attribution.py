"""The steps of one text through the model, and the attribution of its words (occlusion)."""

from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops

from .. import preprocessing, task
from ..config import Config
from ..pairs import length_buckets, tokenizing
from ..text import texts
from ..text.unicode_text import WORD
from . import inference

MEANING = "drop in the log-probability of the translation when the word is removed"
MAX_WORDS = 80  # of a text, the first


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The text as `features.Engineer` leaves it, and its pieces, between bars."""
    del config  # the model knows
    preprocessor = serving_model.get_layer("preprocessor")
    tensors = {
        "engineered": preprocessor.get_layer("engineered").output,
        "codes": preprocessor.get_layer("pieces").output,
    }
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    values = keras.Model(preprocessor.input, tensors).predict_on_batch(arrays)
    known = preprocessor.get_layer("pieces").pieces
    special = tokenizing.NUM_SPECIAL
    codes = [int(code) - special for code in np.asarray(values["codes"][0]) if code >= special]
    pieces = [known[code].encode("latin-1").decode(errors="replace") for code in codes]
    return {
        "clean": {"text": values["engineered"][0]},
        "pieces": {"number": len(pieces), "split": "|".join(pieces)},
    }


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each source word to the translation; words that occur several times are numbered."""
    del config  # the first words are tried
    text = str(example[texts.COLUMN].iloc[0])
    words = list(WORD.finditer(text))[:MAX_WORDS]
    variants = [text, *(text[: word.start()] + text[word.end() :] for word in words)]
    (translation,) = inference.as_text(inference.predict(serving_model, example)["translation"])
    likely = log_probabilities(serving_model, variants, translation)
    contributions: dict[str, float] = {}
    for word, without in zip(words, likely[1:], strict=True):
        count = sum(name.partition(" #")[0] == word[0] for name in contributions)
        contributions[f"{word[0]} #{count + 1}" if count else word[0]] = float(likely[0] - without)
    return contributions


def log_probabilities(serving_model: keras.Model, sources: list[str], translation: str) -> np.ndarray:
    """The log-probability of the same translation for each of several sources, (num_texts,)."""
    encoded = serving_model.get_layer("preprocessor").predict_on_batch({texts.COLUMN: np.array(sources, object)})[
        "source"
    ]
    source = tf.RaggedTensor.from_tensor(encoded, padding=tokenizing.PADDING)
    target = task.encode(inference.target_of(serving_model), pd.Series([translation] * len(sources)))
    inputs, codes = length_buckets.teach(source, target)
    logits = serving_model.get_layer("network").get_layer("search").transformer(inputs, training=False)
    likely = task.log_probability_of(codes, ops.log_softmax(logits)) * ops.cast(codes != tokenizing.PADDING, "float32")
    return ops.convert_to_numpy(ops.sum(likely, axis=-1))
