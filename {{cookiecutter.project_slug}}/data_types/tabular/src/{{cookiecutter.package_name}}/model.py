"""build_model: an efficient ensemble of dense networks on embedded numbers and categories."""

from typing import TYPE_CHECKING

import keras

from . import layers, preprocessing, task
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

    Its inputs are the outputs of `preprocessor` by name; `build_preprocessor` states their shapes. It ends in
    `task.output_head`, which takes (batch, width), or (batch, members, width) of an ensemble, and is compiled with
    `optimizer`, `task.loss` and `task.metrics`. Layers of your own have to be serializable, as those in `layers.py`.
    """
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in preprocessor.output.items()
    }
    columns, vectors = dict(inputs), None
    if columns.pop("tokens", None) is not None:
        from .transfer import sentence_vectors  # here, since most networks are trained without

        vectors = sentence_vectors.choose(hp, config, inputs["tokens"])
    if vectors:
        columns = {name: each for name, each in columns.items() if name != "texts" or not vectors.is_alone}
        columns["vectors"] = vectors.seen
    hidden = ensemble(embed(columns, hp, preprocessor), hp)  # (batch, members, units)
    outputs = task.output_head(hidden, target)
    model = vectors.network(config, inputs, outputs) if vectors else keras.Model(inputs, outputs, name="network")
    model.compile(
        optimizer=optimizer(config, hp, num_steps),
        loss=task.loss(target),
        weighted_metrics=task.metrics(target),
        steps_per_execution=32,  # one call into TensorFlow for 32 batches: small networks are bound by the calls
        jit_compile=False if vectors else config.jit_compile,  # texts are shortened to the longest of a batch
    )
    return model


def optimizer(config: Config, hp: "keras_tuner.HyperParameters", num_steps: int) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); the learning rate falls along half a cosine in the `num_steps` of all epochs.

    Use any optimizer and schedule of Keras. A schedule follows the optimizer's own step count, which is part of a
    checkpoint, so that training that was interrupted continues with the same rates.
    """
    rate = hp.Float("learning_rate", 5e-4, 2e-2, sampling="log", default=config.learning_rate)
    return keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(rate, num_steps),
        weight_decay=hp.Float("weight_decay", 1e-4, 1e-1, sampling="log", default=0.03),
    )


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    del config
    return []


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
    joined += columns.values()  # numbers, missing, texts and their vectors also as they are
    return keras.layers.Concatenate()(joined) if len(joined) > 1 else joined[0]


def ensemble(features: keras.KerasTensor, hp: "keras_tuner.HyperParameters") -> keras.KerasTensor:
    """TabM (Gorishniy et al., 2025), from (batch, width) to (batch, members, units).

    Members that share their kernels are trained side by side, each on its own loss, and their predictions are averaged.
    It overfits less than one network and costs less than many.
    """
    members = hp.Int("members", 4, 32, step=4, default=8)
    hidden = keras.layers.RepeatVector(members, name="members")(features)  # (batch, members, width)
    units = hp.Int("units", 64, 512, step=64, default=128)
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.05, default=0.1)
    for block in range(hp.Int("blocks", 1, 4, default=3)):
        dense = layers.EnsembleDense(units, random_signs=block == 0, name=f"dense_{block}")
        hidden = keras.layers.Activation("relu")(dense(hidden))  # (batch, members, units)
        hidden = keras.layers.Dropout(dropout)(hidden)
    return hidden
