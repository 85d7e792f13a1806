"""build_model: a body of `architectures` between reversible instance normalisation, which forecasts quantiles."""

from typing import TYPE_CHECKING

import keras

from . import encoding, task
from .config import Config
from .series import architectures
from .series.instance_norm import Normalize, Restore, level_term

if TYPE_CHECKING:
    import keras_tuner

PASSING_BY = (encoding.LAST_TIME, encoding.SEASONAL_ERROR)  # what the network does not learn from


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its inputs are the outputs of `preprocessor` by name, but for PASSING_BY; `encoding.Encode` states their shapes.
    Its output is (batch, horizon, num_targets, num_quantiles) on the standardised scale of the targets. It is compiled
    with `optimizer`, `task.loss` and `task.metrics`. Layers of your own have to be serializable: registered, with
    `get_config`.
    """
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in preprocessor.output.items()
        if name not in PASSING_BY
    }
    normalized, mean, deviation = Normalize(dtype=keras.config.floatx(), name="normalize")(
        inputs["past"], inputs["is_known"]
    )
    wanted = architectures.Forecasts(target.horizon, len(target.names), len(target.levels))
    body = architectures.BODIES[hp.Choice("architecture", list(architectures.BODIES), default="linear")]
    terms = [body(hp, inputs | {"past": normalized}, wanted)]
    if hp.Boolean("level_term", default=True):
        terms.append(level_term(mean, deviation, wanted.horizon, wanted.quantiles))
    forecasts = Restore(dtype=keras.config.floatx(), name="restore")(architectures.total(terms), mean, deviation)
    model = keras.Model(inputs, forecasts, name="network")
    model.compile(
        optimizer=optimizer(config, hp, num_steps),
        loss=task.loss(target),
        weighted_metrics=task.metrics(target),
        jit_compile=config.jit_compile,
    )
    return model


def optimizer(config: Config, hp: "keras_tuner.HyperParameters", num_steps: int) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); the learning rate falls along half a cosine in the `num_steps` of all epochs.

    Use any optimizer and schedule of Keras. A schedule follows the optimizer's own step count, which is part of a
    checkpoint, so that training that was interrupted continues with the same rates.
    """
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=config.learning_rate)
    return keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(rate, num_steps),
        weight_decay=hp.Float("weight_decay", 1e-4, 1e-1, sampling="log", default=1e-2),
        global_clipnorm=1.0,
    )


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    del config
    return []
