"""One text on its way: how it is standardized, its features, and what each word contributed."""

from typing import Any

import keras
import pandas as pd

from .. import features, preprocessing
from ..config import Config
from ..text import texts, tokenizing
from . import explain

MEANING = "drop in log-odds, or in the predicted number, when the word is removed"


def steps(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The text as the vocabularies see it, and what `features.engineer` makes of it."""
    inputs = preprocessing.raw_inputs(config, example)
    cut = serving_model.get_layer("preprocessor").get_layer("cut")(inputs[texts.COLUMN])
    arrays = preprocessing.raw_arrays(serving_model.input, example)
    clean = keras.Model(inputs, {"standardized": tokenizing.Standardize()(cut)}).predict_on_batch(arrays)
    engineered = keras.Model(inputs, features.engineer(cut)).predict_on_batch(arrays)
    return {
        "clean": {name: values[0] for name, values in clean.items()},
        "engineered": {name: values[0] for name, values in engineered.items()},
    }


def attributions(config: Config, serving_model: keras.Model, example: pd.DataFrame) -> dict[str, float]:
    """The contribution of each word to the prediction; words that occur several times are numbered.

    If several labels are answered, the contribution to each, behind the name of the label.
    """
    del config  # every word is tried
    (explained,) = explain.occlude(serving_model, example)
    contributions: dict[str, float] = {}
    for occluded in explained:
        label = f"{occluded.leading}: " if len(explained) > 1 else ""
        for place in explain.word_places(occluded.pieces):
            word = f"{label}{occluded.pieces[place]}"
            count = sum(name.partition(" #")[0] == word for name in contributions)
            contributions[f"{word} #{count + 1}" if count else word] = float(occluded.contributions[place])
    return contributions
