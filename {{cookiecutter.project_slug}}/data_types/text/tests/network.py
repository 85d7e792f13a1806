"""A small network on texts, and features for it."""

from typing import Any

import keras
import numpy as np
from keras import layers

from project import task
from project.config import Config
from project.features import CharacterCount
from project.transfer import sentence_vectors


def engineer(texts: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """How many letters and digits there are."""
    return {"letters": CharacterCount(r"\p{L}")(texts), "digits": CharacterCount(r"\p{N}")(texts)}


FEATURES = {"engineer": engineer}


def targets_of(codes: np.ndarray, encoded: np.ndarray) -> np.ndarray:
    """Targets of codes (num_texts, num_codes), encoded as others are: whether a text has the code 2."""
    targets = (codes == 2).any(axis=1, keepdims=True).astype(encoded.dtype)
    if encoded.ndim == 2:  # several labels, each as the others
        targets = np.tile(targets[:, None], (1, 1, encoded.shape[1]))
    return targets


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """The mean vector of a text's n-grams, its features and, if there is a backbone, its sentence vector."""
    inputs = {
        name: keras.Input(each.shape[1:], dtype=each.dtype, name=name) for name, each in preprocessor.output.items()
    }
    num_codes = preprocessor.get_layer("word_ngrams").size + 1
    vectors = layers.Embedding(num_codes, hp.Int("units", 8, 32, default=16), mask_zero=True)(inputs["word_ngrams"])
    seen = [layers.GlobalAveragePooling1D()(vectors), inputs["features"]]
    sentences = sentence_vectors.choose(hp, config, inputs["tokens"], can_be_tuned=True) if "tokens" in inputs else None
    joined = layers.Concatenate()([*seen, sentences.seen] if sentences else seen)
    hidden = layers.Dropout(hp.Float("dropout", 0.0, 0.5, default=0.1))(joined)
    outputs = task.output_head(layers.RepeatVector(2)(hidden), target)
    if sentences:
        return sentences.network(config, inputs, outputs, schedule=lambda _: keras.optimizers.Adam(1e-3))
    return keras.Model(inputs, outputs, name="network")
