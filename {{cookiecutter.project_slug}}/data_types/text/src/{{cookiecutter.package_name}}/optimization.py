"""How the model learns, in `make train` and `make tune` alike: optimizer, learning-rate schedule and callbacks."""

import math
from typing import TYPE_CHECKING

import keras

from .config import Config

if TYPE_CHECKING:
    import keras_tuner

LARGEST_BAG = 128  # n-grams of a text: a step moves the sum over larger bags too far


def optimizer(
    config: Config, hp: "keras_tuner.HyperParameters", num_steps: int, num_ngrams: int
) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); the learning rate falls along half a cosine in the `num_steps` of all epochs.

    The default rate is lower where texts are long, of up to `num_ngrams` n-grams. The weights of a text have the length
    1: if all n-grams move by the learning rate, their weighted sum moves by the square root of their number.

    Use any optimizer and schedule of Keras. A schedule goes by the optimizer's own count of steps, which is part of a
    checkpoint, so that a training that was stopped goes on with the same rates.
    """
    default = config.learning_rate * min(1.0, math.sqrt(LARGEST_BAG / num_ngrams))
    rate = hp.Float("learning_rate", 5e-4, 3e-2, sampling="log", default=default)
    return keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(rate, num_steps),
        weight_decay=hp.Float("weight_decay", 1e-3, 1.0, sampling="log", default=0.01),
    )


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    del config
    return []
