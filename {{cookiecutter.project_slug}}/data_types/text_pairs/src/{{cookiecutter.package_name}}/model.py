"""build_model: a Transformer that translates, trained to state the next piece of the target."""

from typing import TYPE_CHECKING

import keras

from . import task
from .config import Config
from .pairs.transformer import Transformer

if TYPE_CHECKING:
    import keras_tuner

LARGE_VOCABULARY = 4_000  # pieces from which on the data are taken to be enough for a wider network
SMALL_WIDTH = 128  # from which on wider networks take smaller steps
WARM_UP_STEPS = 400  # in which the learning rate rises


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its inputs are the codes of the source and those of the target, moved by one place, so that all pieces are learned
    from at once: both (batch, length) int32. Its output is the logits of the pieces, (batch, length, codes). It is
    compiled with `optimizer`, `task.loss` and `task.metrics`. `task.for_inference` makes a network of it that finds the
    target by itself, for which it asks the layer `transformer` for one step at a time. Layers of your own have to be
    serializable: registered, with `get_config`.
    """
    tensor = preprocessor.output["source"]
    inputs = {name: keras.Input((None,), dtype=tensor.dtype, name=name) for name in ("source", "target")}
    num_codes = (preprocessor.get_layer("pieces").num_codes, task.num_codes(target))
    is_large = min(num_codes) >= LARGE_VOCABULARY
    width = hp.Int("width", 64, 512, step=64, default=256 if is_large else 128)
    transformer = Transformer(
        num_codes,
        width=width,
        heads=hp.Choice("heads", [2, 4, 8], default=4),
        blocks=hp.Int("blocks", 1, 6, default=2),
        dropout=hp.Float("dropout", 0.0, 0.5, step=0.05, default=0.1),
        name="transformer",
    )
    model = keras.Model(inputs, transformer(inputs), name="network")
    model.compile(
        optimizer=optimizer(config, hp, num_steps, width),
        loss=task.loss(target, hp.Float("label_smoothing", 0.0, 0.3, step=0.05, default=0.1)),
        weighted_metrics=task.metrics(target),
        jit_compile=config.xla == "on",  # by itself, Keras would compile anew for every length of a batch
    )
    return model


def optimizer(
    config: Config, hp: "keras_tuner.HyperParameters", num_steps: int, width: int
) -> keras.optimizers.Optimizer:
    """Adam (Kingma and Ba 2015) as for Transformers (Vaswani et al. 2017), by default with lower rates for wider ones.

    The learning rate rises linearly in the first steps, then falls along half a cosine until the last of `num_steps`.

    Use any optimizer and schedule of Keras. A schedule follows the optimizer's own step count, which is part of a
    checkpoint, so that training that was interrupted continues with the same rates.
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
