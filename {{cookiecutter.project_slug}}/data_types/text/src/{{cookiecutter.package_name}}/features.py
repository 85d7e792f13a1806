"""Feature engineering: what a person knows about texts and the network would need many examples to find out.

Runs inside the model, so that a served text gets the same features as a training text.
"""

from typing import Any

import keras
import tensorflow as tf

SHARES = {  # of the characters: all that match is counted
    "letters": r"\p{L}",
    "upper_case": r"\p{Lu}",
    "digits": r"\p{N}",
    "question_marks": r"[?\x{ff1f}\x{61f}]",
    "exclamation_marks": r"[!\x{ff01}]",
    "other_signs": r"[\p{P}\p{S}]",
    "non_ascii": r"[^\x00-\x7f]",
}


def engineer(texts: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """Numbers that tell something about raw texts (batch,), by name, each (batch,) float32; add your own here.

    `preprocessing` scales whatever comes out.
    """
    length = CharacterCount(r"(?s).", name="length")(texts)
    features = {"length": keras.ops.log1p(length)}
    for name, pattern in SHARES.items():
        features[name] = CharacterCount(pattern, name=name)(texts) / keras.ops.maximum(length, 1.0)
    return features


@keras.saving.register_keras_serializable(package="text")
class CharacterCount(keras.layers.Layer):
    """Counts the characters that match a regular expression of RE2. Shapes: (batch,) string to (batch,) float32."""

    def __init__(self, pattern: str, **options: Any) -> None:
        """Takes an expression that matches one character."""
        super().__init__(**options)
        self.pattern = pattern

    def call(self, texts: tf.Tensor) -> tf.Tensor:
        """Counts what is missing when the characters are taken out."""
        others = tf.strings.regex_replace(texts, self.pattern, "")
        count = tf.strings.length(texts, unit="UTF8_CHAR") - tf.strings.length(others, unit="UTF8_CHAR")
        return tf.cast(count, "float32")

    def compute_output_spec(self, texts: keras.KerasTensor) -> keras.KerasTensor:
        """States that numbers come out."""
        return keras.KerasTensor(texts.shape, "float32")

    def get_config(self) -> dict[str, Any]:
        """Adds the expression."""
        return {**super().get_config(), "pattern": self.pattern}
