"""A linear network on windows."""

from typing import Any

import keras
from keras import layers, ops

from project import encoding, task
from project.config import Config
from project.series.instance_norm import LastValue, Normalize, Restore

FEATURES: dict[str, Any] = {}  # the project's own, which take any times


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """Linear maps of the history of each target and of what else is known, between reversible normalisation."""
    del config  # the same whatever the settings
    inputs = {
        name: keras.Input(each.shape[1:], dtype=each.dtype, name=name)
        for name, each in preprocessor.output.items()
        if name not in encoding.PASSING_BY
    }
    past, mean, deviation = Normalize()(inputs["past"], inputs["is_known"])
    shape = (len(target.names), target.horizon, len(target.levels))
    size = target.horizon * len(target.levels)
    by_target = layers.Dropout(hp.Float("dropout", 0.0, 0.5, default=0.0))(layers.Permute((2, 1))(past))
    terms = [layers.Dense(size, kernel_initializer=LastValue())(by_target)]
    others = [inputs["covariates"][:, -1]] if "covariates" in inputs else []
    others += [layers.Flatten()(inputs[name][:, -target.horizon :]) for name in ("calendar", "known") if name in inputs]
    mapped = [layers.Dense(shape[0] * size, kernel_initializer="zeros")(other) for other in others]
    terms += [layers.Reshape((shape[0], size))(each) for each in mapped]
    forecasts = layers.Permute((2, 1, 3))(layers.Reshape(shape)(ops.sum(ops.stack(terms), axis=0)))
    return keras.Model(inputs, Restore()(forecasts, mean, deviation), name="network")
