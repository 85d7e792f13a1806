"""A small network on texts, and features for it."""

from typing import Any

import keras
from keras import layers

from project import task
from project.config import Config
from project.features import CharacterCount


def engineer(texts: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """How many letters and digits there are."""
    return {"letters": CharacterCount(r"\p{L}")(texts), "digits": CharacterCount(r"\p{N}")(texts)}


FEATURES = {"engineer": engineer}


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """The mean vector of a text's n-grams, and its features."""
    del config  # the same whatever the settings
    inputs = {
        name: keras.Input(each.shape[1:], dtype=each.dtype, name=name) for name, each in preprocessor.output.items()
    }
    num_codes = preprocessor.get_layer("word_ngrams").size + 1
    vectors = layers.Embedding(num_codes, hp.Int("units", 8, 32, default=16), mask_zero=True)(inputs["word_ngrams"])
    joined = layers.Concatenate()([layers.GlobalAveragePooling1D()(vectors), inputs["features"]])
    hidden = layers.Dropout(hp.Float("dropout", 0.0, 0.5, default=0.1))(joined)
    return keras.Model(inputs, task.output_head(layers.RepeatVector(2)(hidden), target), name="network")
