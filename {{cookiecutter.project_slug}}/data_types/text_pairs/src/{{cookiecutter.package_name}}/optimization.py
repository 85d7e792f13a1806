"""How the model learns, in `make train` and `make tune` alike: optimizer, learning-rate schedule and callbacks."""

from typing import TYPE_CHECKING

import keras

from .config import Config

if TYPE_CHECKING:
    import keras_tuner

SMALL_WIDTH = 128  # from which on wider networks take smaller steps
WARM_UP_STEPS = 400  # in which the learning rate rises


def optimizer(
    config: Config, hp: "keras_tuner.HyperParameters", num_steps: int, width: int
) -> keras.optimizers.Optimizer:
    """Adam (Kingma and Ba 2015) as for Transformers (Vaswani et al. 2017), by default with lower rates for wider ones.

    The learning rate rises linearly in the first steps, then falls along half a cosine until the last of `num_steps`.

    Use any optimizer and schedule of Keras. A schedule goes by the optimizer's own count of steps, which is part of a
    checkpoint, so that a training that was stopped goes on with the same rates.
    """
    default = config.learning_rate * (SMALL_WIDTH / width) ** 0.5
    rate = hp.Float("learning_rate", 2e-4, 5e-3, sampling="log", default=default)
    warm_up = min(hp.Int("warm_up_steps", 100, 4_000, sampling="log", default=WARM_UP_STEPS), num_steps // 2)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, num_steps - warm_up, warmup_target=rate, warmup_steps=warm_up
    )
    return keras.optimizers.Adam(schedule, beta_2=0.98, epsilon=1e-9, global_clipnorm=1.0)


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    del config
    return []
