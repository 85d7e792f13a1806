"""One text on its way: how it is standardized, its features, and what each word contributed."""

from typing import Any

import keras
import pandas as pd

from .. import features, preprocessing
from ..config import Config
from ..text import texts, tokenizing
from . import explain

MEANING = "how much the logarithm of the odds, or the number, falls if the word is taken out"


def steps(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The text as the vocabularies see it, and what `features.engineer` makes of it."""
    inputs = preprocessing.raw_inputs(config, example)
    cut = complete.get_layer("preprocessor").get_layer("cut")(inputs[texts.COLUMN])
    arrays = preprocessing.raw_arrays(complete.input, example)
    clean = keras.Model(inputs, {"standardized": tokenizing.Standardize()(cut)}).predict_on_batch(arrays)
    engineered = keras.Model(inputs, features.engineer(cut)).predict_on_batch(arrays)
    return {
        "clean": {name: values[0] for name, values in clean.items()},
        "engineered": {name: values[0] for name, values in engineered.items()},
    }


def attributions(config: Config, complete: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """What each word contributed to the prediction; words that occur several times are numbered."""
    del config  # every word is tried
    (occluded,) = explain.occlude(complete, example)
    contributions: dict[str, float] = {}
    for place in explain.word_places(occluded.pieces):
        word = occluded.pieces[place]
        count = sum(name.partition(" #")[0] == word for name in contributions)
        contributions[f"{word} #{count + 1}" if count else word] = float(occluded.contributions[place])
    return contributions
