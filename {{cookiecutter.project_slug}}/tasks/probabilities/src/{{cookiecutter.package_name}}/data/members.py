"""The head of an ensemble of networks, and the temperature that calibrates its outputs."""

from collections.abc import Callable

import keras
import numpy as np
from scipy import optimize

from ..core.errors import InputError

TEMPERATURE_DEVIATION = 0.25  # of the logarithm, before the validation split is seen


def head(features: keras.KerasTensor, num_outputs: int, first: np.ndarray | None = None) -> keras.KerasTensor:
    """Logits: (batch, width), or (batch, members, width) of an ensemble, to (batch, members, num_outputs).

    Training begins with the biases `first`, (num_outputs,), or with 0.

    Raises:
        InputError: features of another rank.
    """
    if len(features.shape) == 2:
        features = keras.layers.RepeatVector(1)(features)  # one member
    if len(features.shape) != 3 or None in features.shape[1:]:
        message = (
            f"output_head got features of shape {features.shape}; it takes (batch, width), or (batch, members, width)"
        )
        raise InputError(f"{message} of an ensemble: pool or flatten the other axes")
    members = features.shape[1]
    layer = keras.layers.EinsumDense(
        "bmw,mwc->bmc", (members, num_outputs), bias_axes="mc", dtype=keras.config.floatx(), name="logits"
    )
    logits = layer(features)
    if first is not None:
        layer.bias.assign(np.broadcast_to(first, layer.bias.shape))
    return logits


def best_temperature(log_loss: Callable[[float], float], num_examples: int) -> float:
    """The temperature with the smallest log loss of so many examples (Guo et al. 2017).

    A weak prior around 1 keeps a few examples that are all predicted right from making the model overconfident.
    """

    def penalised(log_temperature: float) -> float:
        prior = 0.5 * (log_temperature / TEMPERATURE_DEVIATION) ** 2 / num_examples
        return log_loss(np.exp(log_temperature)) + prior

    best = optimize.minimize_scalar(penalised, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return float(np.exp(best.x))
