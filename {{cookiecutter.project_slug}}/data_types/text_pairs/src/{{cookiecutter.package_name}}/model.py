"""build_model: a Transformer that translates, trained to state the next piece of the target."""

from typing import TYPE_CHECKING

import keras

from . import optimization, task
from .config import Config
from .pairs.transformer import Transformer

if TYPE_CHECKING:
    import keras_tuner

LARGE_VOCABULARY = 4_000  # pieces from which on the data are taken to be enough for a wider network


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its inputs are the codes of the source and those of the target, moved by one place, so that all pieces are learned
    from at once. `task.for_inference` makes a network of it that finds the target by itself.
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
        optimizer=optimization.optimizer(config, hp, num_steps, width),
        loss=task.loss(target, hp.Float("label_smoothing", 0.0, 0.3, step=0.05, default=0.1)),
        metrics=task.metrics(target),
        jit_compile=config.xla == "on",  # by itself, Keras would compile anew for every length of a batch
    )
    return model
