"""How deep fine-tuning goes: which layers of a pretrained network change, and how fast."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from .linear_head import layers_of
from .search_space import FINE_TUNED, of_networks

NEVER_TUNED = (keras.layers.BatchNormalization, keras.layers.Embedding)


class Tuned(NamedTuple):
    """What of a backbone is fine-tuned; by default nothing, it is frozen."""

    share: float = 0.0
    """The share of its layers that change, the last ones."""
    first_rate: float = 1.0
    """The learning rate of the first of these layers, as a share of that of the last one."""


def tuned(hp: Any, choice: str) -> Tuned:
    """What is fine-tuned: all layers at the same rate, unless `make tune` has found something better."""
    if choice != FINE_TUNED:
        return Tuned()
    with of_networks(hp, choice):
        share = hp.Choice("tuned_share", [0.25, 0.5, 1.0], default=1.0)
        return Tuned(float(share), float(hp.Choice("first_rate", [0.1, 0.3, 1.0], default=1.0)))


def set_trainable(backbone: keras.Model, share: float) -> None:
    """Has the last layers, which are this share of all, change in training; two kinds never do.

    Batch normalization would compute its statistics anew from each batch, whatever the backbone is called with.
    Embeddings of words that the examples lack would stay where they are, and no longer fit the others.
    """
    backbone.trainable = False  # else Keras does not look at the networks inside
    backbone.trainable = share > 0
    every = layers_of(backbone) if share > 0 else []
    first = round((1 - share) * len(every))
    for place, layer in enumerate(every):
        layer.trainable = place >= first and not isinstance(layer, NEVER_TUNED)


def slow_down(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[Any], backbone: keras.Model, first_rate: float
) -> None:
    """Has the first trained layer of the backbone learn at this share of the rate, and the last one at all of it.

    Between them, rates grow by the same factor from layer to layer (discriminative fine-tuning, Howard and Ruder 2018).
    The optimizer is for these variables, in their order.
    """
    changed = [layer.trainable_variables for layer in layers_of(backbone) if layer.trainable_variables]
    rates = np.geomspace(first_rate, 1, len(changed)).tolist()
    shares = {id(variable): rate for rate, of_layer in zip(rates, changed, strict=True) for variable in of_layer}
    of_variables = [shares.get(id(variable), 1.0) for variable in variables]
    update = optimizer.update_step

    def update_step(gradient: Any, variable: Any, rate: Any) -> None:
        place = optimizer._get_variable_index(variable)  # noqa: SLF001 (as an optimizer of one's own would)
        update(gradient, variable, rate * of_variables[place])

    optimizer.update_step = update_step
