"""build_model: a Transformer that translates, trained to state the next piece of the target."""

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from . import task
from .config import Config
from .pairs.transformer import Transformer

if TYPE_CHECKING:
    import keras_tuner

WIDTHS = {0: 64, 2_500: 128, 4_000: 256}  # of the network, from so many pieces on: they tell how much is to learn
USUAL_WIDTH = 128  # for which `learning_rate` is meant: wider networks take smaller steps
MIN_GAIN = 0.03  # of the score, in `patience` epochs together: with less, training ends
WARM_UP_STEPS, WARM_UP_SHARE = 200, 0.01  # in which the learning rate rises: so many at least, or that share of all
MOST_WARM_UP_STEPS = 4_000
MOMENTUM = 0.98  # of the average of the weights, which is scored and kept: it goes back about 50 steps


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
    tensor, pieces = preprocessor.output["source"], preprocessor.get_layer("pieces")
    inputs = {name: keras.Input((None,), dtype=tensor.dtype, name=name) for name in ("source", "target")}
    num_codes = (pieces.num_codes, task.num_codes(target))
    usual = max(width for least, width in WIDTHS.items() if min(num_codes) >= least)
    width = hp.Int("width", 64, 512, step=64, default=usual)
    transformer = Transformer(
        num_codes,
        width=width,
        heads=hp.Choice("heads", [2, 4, 8], default=4),
        blocks=hp.Int("blocks", 1, 6, default=2),
        dropout=hp.Float("dropout", 0.0, 0.5, step=0.05, default=0.1),
        is_shared=pieces.pieces[: len(target.pieces)] == list(target.pieces),
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

    The learning rate rises linearly in the first steps, then falls with the square root of the step: it need not know
    when training will end. The average of the weights over the last steps is what is scored and kept (Polyak and
    Juditsky 1992), which makes up for a rate that does not fall to 0.

    Use any optimizer and schedule of Keras. A schedule follows the optimizer's own step count, which is part of a
    checkpoint, so that training that was interrupted continues with the same rates.
    """
    default = config.learning_rate * USUAL_WIDTH / width
    rate = hp.Float("learning_rate", 2e-4, 5e-3, sampling="log", default=default)
    usual = min(max(WARM_UP_STEPS, round(WARM_UP_SHARE * num_steps)), MOST_WARM_UP_STEPS)
    warm_up = min(hp.Int("warm_up_steps", 100, MOST_WARM_UP_STEPS, sampling="log", default=usual), num_steps // 2)
    return keras.optimizers.Adam(
        InverseSquareRoot(rate, max(1, warm_up)),
        beta_2=0.98,
        epsilon=1e-9,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=MOMENTUM,
    )


@keras.saving.register_keras_serializable(package="text_pairs")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly up to `rate` in `warm_up` steps, then falls as 1 / sqrt(step)."""

    def __init__(self, rate: float, warm_up: int) -> None:
        """Takes the highest rate and when it is reached."""
        self.rate, self.warm_up = rate, warm_up

    def __call__(self, step: Any) -> Any:
        """The rate of a step, from 0 on."""
        progress = (ops.cast(step, "float32") + 1) / self.warm_up
        return self.rate * ops.minimum(progress, ops.rsqrt(progress))

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {"rate": self.rate, "warm_up": self.warm_up}


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    if config.objective:
        return []
    return [keras.callbacks.EarlyStopping(task.MONITOR, MIN_GAIN, config.patience, mode="min")]
