"""build_model: a network on lags beside linear maps of the history, which forecasts quantiles."""

from typing import TYPE_CHECKING

import keras
from keras import layers, ops

from . import encoding, features, task
from .config import Config
from .series import beside_ridge
from .series.instance_norm import LastValue, Normalize, Restore

if TYPE_CHECKING:
    import keras_tuner


def build_model(
    hp: "keras_tuner.HyperParameters",
    config: Config,
    preprocessor: keras.Model,
    target: task.Target,
    num_steps: int,
) -> keras.Model:
    """Builds and compiles the model; the defaults of `hp` are what `make train` uses before any search.

    Its inputs are the outputs of `preprocessor` by name, but for `PASSING_BY`; `encoding.Encode` states their shapes.
    Its output is (batch, horizon, num_targets, num_quantiles) on the standardised scale of each series. It is compiled
    with `optimizer`, `task.loss` and `task.metrics`. Layers of your own have to be serializable: registered, with
    `get_config`.

    Beside the network, a ridge regression on the history has the share in the forecasts, half at most, that is best on
    the validation split. Where histories are very long and there are many targets, it is left out.
    """
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for name, tensor in preprocessor.output.items()
        if name not in encoding.PASSING_BY
    }
    past, mean, deviation = Normalize(dtype=keras.config.floatx(), name="normalize")(inputs["past"], inputs["is_known"])
    shape = preprocessor.get_layer("encode").shape_
    seen = features.of_steps(inputs, past, mean, deviation, shape)  # (batch, num_targets, horizon, num_features)
    terms = [
        linear_in_history(past, target),
        per_step(seen, target, "linear"),
        per_step(hidden(hp, seen), target, "out"),
    ]
    # As one reduction, since TensorFlow regroups chains of additions in exported graphs, which changes the last digits
    by_target = ops.sum(ops.stack(terms), axis=0)  # (batch, num_targets, horizon, num_quantiles)
    forecasts = layers.Permute((2, 1, 3))(by_target)
    restored = Restore(dtype=keras.config.floatx(), name="restore")(forecasts, mean, deviation)
    kind, outputs = beside_ridge.add([restored, past, mean, deviation], target.levels.index(task.MEDIAN))
    model = kind(inputs, outputs, name="network")
    model.compile(
        optimizer=optimizer(config, hp, num_steps),
        loss=task.loss(target),
        weighted_metrics=task.metrics(target),
        jit_compile=config.jit_compile,
    )
    return model


def hidden(hp: "keras_tuner.HyperParameters", seen: keras.KerasTensor) -> keras.KerasTensor:
    """Residual layers on the features of each step, the same for all steps and targets but for the first bias."""
    seen = layers.Dropout(hp.Float("feature_dropout", 0.0, 0.3, step=0.05, default=0.1))(seen)
    width = hp.Int("width", 32, 256, step=32, default=128)
    bias_shape = (*seen.shape[1:3], width)  # learned for each target and step
    first = layers.EinsumDense("btsf,fd->btsd", bias_shape, bias_axes="tsd", activation="relu", name="first")(seen)
    found = layers.Dropout(hp.Float("first_dropout", 0.0, 0.5, step=0.1, default=0.2))(
        layers.LayerNormalization()(first)
    )
    dropout = hp.Float("dropout", 0.0, 0.7, step=0.1, default=0.5)  # windows overlap, so that few are independent
    for _ in range(hp.Int("blocks", 1, 4, default=2)):
        inside = layers.Dropout(dropout)(layers.Dense(width, activation="relu")(found))
        found = layers.LayerNormalization()(layers.add([found, inside]))
    return found


def per_step(seen: keras.KerasTensor, target: task.Target, name: str) -> keras.KerasTensor:
    """A linear map with a kernel for each step, 0 at first; (..., horizon, number) to (..., horizon, num_quantiles)."""
    shape = (*seen.shape[1:3], len(target.levels))
    return layers.EinsumDense("btsf,sfq->btsq", shape, bias_axes="sq", kernel_initializer="zeros", name=name)(seen)


def linear_in_history(past: keras.KerasTensor, target: task.Target) -> keras.KerasTensor:
    """A linear map of the history of each target, which begins as its last value (after DLinear, Zeng et al. 2023)."""
    by_target = layers.Permute((2, 1))(past)  # (batch, num_targets, context)
    units = target.horizon * len(target.levels)
    mapped = layers.Dense(units, kernel_initializer=LastValue(), name="history")(by_target)
    return layers.Reshape((len(target.names), target.horizon, len(target.levels)))(mapped)


def optimizer(config: Config, hp: "keras_tuner.HyperParameters", num_steps: int) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019); the learning rate falls along half a cosine in the `num_steps` of all epochs.

    It keeps a moving average of the weights, of which `AverageWeights` makes use. Use any optimizer and schedule of
    Keras. A schedule follows the optimizer's own step count, which is part of a checkpoint, so that training that was
    interrupted continues with the same rates.
    """
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=config.learning_rate)
    return keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(rate, num_steps),
        weight_decay=hp.Float("weight_decay", 1e-3, 1.0, sampling="log", default=0.1),
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=0.98,
    )


class AverageWeights(keras.callbacks.Callback):
    """Goes on from the moving average of the weights, by which the epoch before was scored.

    As Lookahead does (Zhang et al. 2019).
    """

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Takes the average, once there is one."""
        del logs
        if epoch:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)


def callbacks(config: Config) -> list[keras.callbacks.Callback]:
    """Callbacks beside those for checkpoints, early stopping and TensorBoard, which training brings along.

    They find the validation scores in `logs`. Each trial of a search and each worker of a training has its own. When a
    training that was stopped goes on, the model and its optimizer are as the callbacks left them after the last epoch,
    and the callbacks themselves are new.
    """
    del config
    return [AverageWeights()]
