"""Feature engineering: what is done to a text before it is split into pieces, in training and in service alike.

Runs inside the model. Change here what makes no difference to a translation, so that the network need not learn it.
"""

import keras
import tensorflow as tf

SPACES = r"[\s\p{Z}]+"


@keras.saving.register_keras_serializable(package="text_pairs")
class Engineer(keras.layers.Layer):
    """Texts (batch,) string to the same: valid UTF-8 with one space between words, and none around them.

    Add what is true of your texts, such as `tf.strings.lower(single, encoding="utf-8")` if case tells nothing.
    """

    def call(self, texts: tf.Tensor) -> tf.Tensor:
        """Replaces."""
        valid = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", "replace", replace_control_characters=False)
        return tf.strings.strip(tf.strings.regex_replace(valid, SPACES, " "))

    def compute_output_spec(self, texts: keras.KerasTensor) -> keras.KerasTensor:
        """States that texts come out."""
        return keras.KerasTensor(texts.shape, "string")
