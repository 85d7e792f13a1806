"""build_model: an efficient ensemble of dense networks on embedded numbers and categories."""

from typing import TYPE_CHECKING

import keras

from . import layers, optimization, preprocessing, task
from .config import Config

if TYPE_CHECKING:
    import keras_tuner


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    The architecture is TabM (Gorishniy et al., 2025): members that share their kernels are trained side by side, each
    on its own loss, and their predictions are averaged. It overfits less than one network and costs less than many.
    """
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in preprocessor.output.items()
    }
    features = embed(inputs, hp, preprocessor)  # (batch, width)
    members = hp.Int("members", 4, 32, step=4, default=8)
    hidden = keras.layers.RepeatVector(members, name="members")(features)  # (batch, members, width)
    units = hp.Int("units", 64, 512, step=64, default=128)
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.05, default=0.1)
    for block in range(hp.Int("blocks", 1, 4, default=3)):
        dense = layers.EnsembleDense(units, random_signs=block == 0, name=f"dense_{block}")
        hidden = keras.layers.Activation("relu")(dense(hidden))  # (batch, members, units)
        hidden = keras.layers.Dropout(dropout)(hidden)
    model = keras.Model(inputs, task.output_head(hidden, target), name="network")
    model.compile(
        optimizer=optimization.optimizer(config, hp, num_steps),
        loss=task.loss(target),
        metrics=task.metrics(target),
        steps_per_execution=32,  # one call into TensorFlow for 32 batches: small networks are bound by the calls
        jit_compile=config.jit_compile,
    )
    return model


def embed(
    inputs: dict[str, keras.KerasTensor], hp: "keras_tuner.HyperParameters", preprocessor: keras.Model
) -> keras.KerasTensor:
    """Joins all columns, numbers and categories embedded, to one vector (batch, width)."""
    columns = dict(inputs)
    joined = []
    if "numbers" in columns:
        waves = layers.PeriodicEmbedding(
            units=hp.Int("number_units", 4, 32, step=4, default=16),
            num_frequencies=hp.Int("frequencies", 8, 64, step=8, default=16),
            scale=hp.Float("frequency_scale", 0.05, 3.0, sampling="log", default=1.0),
            name="embedded_numbers",
        )(columns["numbers"])
        joined.append(keras.layers.Flatten()(waves))  # (batch, num_numbers * number_units)
    if "categories" in columns:
        vectors = layers.CategoryEmbedding(
            preprocessing.vocabulary_sizes(preprocessor),
            units=hp.Int("category_units", 4, 32, step=4, default=8),
            name="embedded_categories",
        )(columns.pop("categories"))
        joined.append(keras.layers.Flatten()(vectors))  # (batch, num_categories * category_units)
    joined += columns.values()  # numbers, missing and texts also as they are
    return keras.layers.Concatenate()(joined) if len(joined) > 1 else joined[0]
