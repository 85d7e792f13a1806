"""A linear network on windows."""

from typing import Any

import keras

from project import encoding, task
from project.config import Config
from project.series import architectures
from project.series.instance_norm import Normalize, Restore

FEATURES: dict[str, Any] = {}  # the project's own, which take any times


def build(hp: Any, config: Config, preprocessor: keras.Model, target: task.Target) -> keras.Model:
    """The linear body between reversible normalisation."""
    del config  # the same whatever the settings
    inputs = {
        name: keras.Input(each.shape[1:], dtype=each.dtype, name=name)
        for name, each in preprocessor.output.items()
        if name not in (encoding.LAST_TIME, encoding.SEASONAL_ERROR)
    }
    past, mean, deviation = Normalize()(inputs["past"], inputs["is_known"])
    wanted = architectures.Forecasts(target.horizon, len(target.names), len(target.levels))
    forecasts = architectures.linear(hp, inputs | {"past": past}, wanted)
    return keras.Model(inputs, Restore()(forecasts, mean, deviation), name="network")
