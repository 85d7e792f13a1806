"""How the model learns, in `make train` and `make tune` alike: optimizer, learning-rate schedule and callbacks."""

from typing import TYPE_CHECKING

import keras

from .config import Config

if TYPE_CHECKING:
    import keras_tuner


def optimizer(config: Config, hp: "keras_tuner.HyperParameters", num_steps: int) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); the learning rate falls along half a cosine in the `num_steps` of all epochs.

    Use any optimizer and schedule of Keras. A schedule goes by the optimizer's own count of steps, which is part of a
    checkpoint, so that a training that was stopped goes on with the same rates.
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
