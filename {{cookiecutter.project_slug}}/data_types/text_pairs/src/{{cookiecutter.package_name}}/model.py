"""build_model: a Transformer that translates, trained to state the next piece of the target."""

from typing import TYPE_CHECKING

import keras

from . import task
from .config import Config
from .pairs.transformer import Transformer
from .pairs.warm_up import WarmUpAdam
from .settings.data_type import WARM_UP_STEPS

if TYPE_CHECKING:
    import keras_tuner

SMALL_WIDTH = 128
LARGE_VOCABULARY = 4_000  # pieces from which on the data are taken to be enough for a wider network


def build_model(
    hp: "keras_tuner.HyperParameters", config: Config, preprocessor: keras.Model, target: task.Target
) -> keras.Model:
    """Builds and compiles the network; the defaults of `hp` are what `make train` uses before any search.

    Its inputs are the codes of the source and those of the target, moved by one place, so that all pieces are learned
    from at once. `task.for_inference` makes a network of it that finds the target by itself.
    """
    tensor = preprocessor.output["source"]
    inputs = {name: keras.Input((None,), dtype=tensor.dtype, name=name) for name in ("source", "target")}
    num_codes = (preprocessor.get_layer("pieces").num_codes, task.num_codes(target))
    is_large = min(num_codes) >= LARGE_VOCABULARY
    width = hp.Int("width", 64, 512, step=64, default=2 * SMALL_WIDTH if is_large else SMALL_WIDTH)
    default_rate = config.learning_rate * (SMALL_WIDTH / width) ** 0.5  # wider ones take smaller steps (Vaswani et al.)
    transformer = Transformer(
        num_codes,
        width=width,
        heads=hp.Choice("heads", [2, 4, 8], default=4),
        blocks=hp.Int("blocks", 1, 6, default=2),
        dropout=hp.Float("dropout", 0.0, 0.5, step=0.05, default=0.1),
        name="transformer",
    )
    network = keras.Model(inputs, transformer(inputs), name="network")
    network.compile(
        optimizer=WarmUpAdam(
            hp.Int("warm_up_steps", 100, 4_000, sampling="log", default=WARM_UP_STEPS),
            learning_rate=hp.Float("learning_rate", 2e-4, 5e-3, sampling="log", default=default_rate),
            beta_2=0.98,
            epsilon=1e-9,
            global_clipnorm=1.0,
        ),
        loss=task.loss(target, hp.Float("label_smoothing", 0.0, 0.3, step=0.05, default=0.1)),
        metrics=task.metrics(target),
        jit_compile=config.xla == "on",  # by itself, Keras would compile anew for every length of a batch
    )
    return network
