"""build_model: a body of `architectures` between reversible instance normalisation, which forecasts quantiles."""

from typing import TYPE_CHECKING

import keras

from . import encoding, optimization, task
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

    Its output is (batch, horizon, num_targets, num_quantiles) on the standardised scale of the targets.
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
        optimizer=optimization.optimizer(config, hp, num_steps),
        loss=task.loss(target),
        metrics=task.metrics(target),
        jit_compile=config.jit_compile,
    )
    return model
