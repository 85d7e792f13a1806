"""A small network on tables, and features for it."""

from typing import Any

import keras
from keras import layers

from project import preprocessing, task
from project.config import Config
from project.features import Clean


def engineer(clean: Clean) -> Clean:
    """The clean columns, and each date as a number."""
    dates = {f"{name}: days": days for name, days in clean.dates.items()}
    return Clean({**clean.numbers, **dates}, clean.categories, clean.dates, clean.texts)


FEATURES = {"engineer": engineer}


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """A dense layer on all columns."""
    del config  # the same whatever the settings
    inputs = {
        name: keras.Input(each.shape[1:], dtype=each.dtype, name=name) for name, each in preprocessor.output.items()
    }
    columns = dict(inputs)
    if "categories" in columns:
        num_codes = max(preprocessing.vocabulary_sizes(preprocessor))
        columns["categories"] = layers.Flatten()(layers.Embedding(num_codes, 4)(columns["categories"]))
    joined = layers.Concatenate()(list(columns.values())) if len(columns) > 1 else next(iter(columns.values()))
    hidden = layers.Dense(hp.Int("units", 16, 64, default=32), activation="relu")(joined)
    hidden = layers.Dropout(hp.Float("dropout", 0.0, 0.5, default=0.1))(hidden)
    return keras.Model(inputs, task.output_head(layers.RepeatVector(2)(hidden), target), name="network")
