"""Feature engineering: what a person knows about the columns and the network would need many examples to find out.

Runs inside the model, so that a served example gets the same features as a training example. New features are
ordinary functions of the clean columns; `preprocessing` scales whatever comes out and drops what never varies.
"""

import math
from dataclasses import dataclass, field

import keras
from keras import ops

from . import layers

CYCLES = {"day": 1.0, "week": 7.0, "year": 365.2425}  # in days


@dataclass
class Clean:
    """The clean columns of a batch by name, each of shape (batch,)."""

    numbers: dict[str, keras.KerasTensor] = field(default_factory=dict)  # float32, NaN = missing
    categories: dict[str, keras.KerasTensor] = field(default_factory=dict)  # string, "" = missing
    dates: dict[str, keras.KerasTensor] = field(default_factory=dict)  # float32 days since 1970-01-01, NaN = missing
    texts: dict[str, keras.KerasTensor] = field(default_factory=dict)  # string, "" = missing


def engineer(clean: Clean) -> Clean:
    """Adds features to the clean columns; add your own here.

    A feature is (batch,), made by Keras operations or layers, such as HashedCrossing or Discretization. Numbers may be
    of any numeric type, categories of any type at all. For example, how much of the heart rate that an age
    allows is reached, and a category for each pair of pain and sex that training has seen often enough:
    `numbers["effort"] = clean.numbers["max_heart_rate"] / (220 - clean.numbers["age"])`,
    `categories["pain and sex"] = layers.Cross()([clean.categories["chest_pain"], clean.categories["sex"]])`.
    """
    numbers = {**clean.numbers, **calendar(clean.dates), **text_lengths(clean.texts)}
    categories = dict(clean.categories)
    if clean.numbers:
        numbers["share of numbers missing"] = missing_share(clean.numbers)
    return Clean(numbers, categories, clean.dates, clean.texts)


def calendar(dates: dict[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
    """The trend of each date and its place in the day, the week and the year, as points on a circle."""
    features = {}
    for name, days in dates.items():
        features[f"{name}: trend"] = days
        for cycle, length in CYCLES.items():
            angle = 2 * math.pi * ops.mod(days, length) / length
            # Rounded, since the last digits depend on the size of the batch, and equal dates must stay equal.
            features[f"{name}: sine of {cycle}"] = ops.round(ops.sin(angle), 4)
            features[f"{name}: cosine of {cycle}"] = ops.round(ops.cos(angle), 4)
    return features


def text_lengths(texts: dict[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
    """How long each text is, in characters."""
    return {f"{name}: length": layers.TextLength()(text) for name, text in texts.items()}


def missing_share(numbers: dict[str, keras.KerasTensor]) -> keras.KerasTensor:
    """The share of an example's numbers that are missing: what is not measured often says something by itself."""
    is_missing = ops.isnan(ops.stack(list(numbers.values()), axis=1))  # (batch, num_numbers)
    return ops.mean(ops.cast(is_missing, "float32"), axis=1)
