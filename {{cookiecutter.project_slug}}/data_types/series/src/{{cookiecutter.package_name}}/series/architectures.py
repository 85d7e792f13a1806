"""Bodies of the network: from a normalised history and what is known in advance to normalised quantiles.

Each takes the search space, the tensors (`past`, and `covariates`, `known`, `static` where there are any) and how the
forecasts look, and gives (batch, horizon, num_targets, num_quantiles).
"""

from typing import TYPE_CHECKING, NamedTuple

import keras
from keras import layers, ops

if TYPE_CHECKING:
    import keras_tuner

Tensors = dict[str, keras.KerasTensor]

MIN_NORMALIZED = 8  # units of a layer


class Forecasts(NamedTuple):
    """How many steps, targets and quantiles are forecast."""

    horizon: int
    targets: int
    quantiles: int


def total(terms: list[keras.KerasTensor]) -> keras.KerasTensor:
    """The sum of terms of the same shape.

    As one reduction, since TensorFlow regroups chains of additions in exported graphs, which changes the last digits.
    """
    return ops.sum(ops.stack(terms), axis=0)


@keras.saving.register_keras_serializable(package="series")
class LastValue(keras.initializers.Initializer):
    """Weights (steps, units) by which a linear map of a history begins as its last value, from which little is far."""

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
        """Gives 1 for the last step, 0 for others."""
        return ops.concatenate([ops.zeros((shape[0] - 1, shape[1]), dtype), ops.ones((1, shape[1]), dtype)], axis=0)


def linear(hp: "keras_tuner.HyperParameters", tensors: Tensors, wanted: Forecasts) -> keras.KerasTensor:
    """DLinear (Zeng et al. 2023): linear maps of a moving average and of the rest, the same for all targets.

    What is known in advance and the latest covariates add linear terms.
    """
    kernel = hp.Int("moving_average", 5, 49, step=4, default=25)
    trend = moving_average(tensors["past"], kernel)
    parts = [per_target(part, wanted, name) for part, name in ((trend, "trend"), (tensors["past"] - trend, "rest"))]
    return total([*parts, *known_terms(tensors, wanted), *covariate_terms(tensors, wanted)])


def covariate_terms(tensors: Tensors, wanted: Forecasts) -> list[keras.KerasTensor]:
    """What the latest covariates say of the steps to come, as a term of their quantiles."""
    if "covariates" not in tensors:
        return []
    latest = tensors["covariates"][:, -1]
    units = wanted.horizon * wanted.targets * wanted.quantiles
    term = layers.Dense(units, kernel_initializer="zeros", name="covariate_term")(latest)
    return [layers.Reshape((wanted.horizon, wanted.targets, wanted.quantiles))(term)]


def moving_average(past: keras.KerasTensor, kernel: int) -> keras.KerasTensor:
    """The mean of the steps around each, of which the first and the last are repeated: the shape stays."""
    before, after = (kernel - 1) // 2, kernel // 2
    first, last = past[:, :1], past[:, -1:]
    padded = ops.concatenate([*[first] * before, past, *[last] * after], axis=1)
    return layers.AveragePooling1D(kernel, strides=1, padding="valid")(padded)


def per_target(past: keras.KerasTensor, wanted: Forecasts, name: str) -> keras.KerasTensor:
    """A linear map from the history of each target to its quantiles."""
    by_target = layers.Permute((2, 1))(past)  # (batch, num_targets, context)
    mapped = layers.Dense(wanted.horizon * wanted.quantiles, kernel_initializer=LastValue(), name=name)(by_target)
    return steps_first(mapped, wanted)


def steps_first(by_target: keras.KerasTensor, wanted: Forecasts) -> keras.KerasTensor:
    """(batch, num_targets, horizon * num_quantiles) to (batch, horizon, num_targets, num_quantiles)."""
    split = layers.Reshape((wanted.targets, wanted.horizon, wanted.quantiles))(by_target)
    return layers.Permute((2, 1, 3))(split)


def known_terms(tensors: Tensors, wanted: Forecasts) -> list[keras.KerasTensor]:
    """What is known of each step that is forecast, as a term of its quantiles."""
    if "known" not in tensors:
        return []
    future = tensors["known"][:, -wanted.horizon :]
    term = layers.Dense(wanted.targets * wanted.quantiles, kernel_initializer="zeros", name="known_term")(future)
    return [layers.Reshape((wanted.horizon, wanted.targets, wanted.quantiles))(term)]


def tide(hp: "keras_tuner.HyperParameters", tensors: Tensors, wanted: Forecasts) -> keras.KerasTensor:
    """TiDE (Das et al. 2023): residual dense blocks that encode each target's history and decode each step."""
    width = hp.Int("width", 32, 512, step=32, default=128)
    dropout = hp.Float("dropout", 0.0, 0.6, step=0.1, default=0.3)
    num_blocks = hp.Int("blocks", 1, 4, default=1)
    by_target = layers.Permute((2, 1))(tensors["past"])  # (batch, num_targets, context)
    context = layers.Concatenate()([by_target, *shared_context(tensors, wanted)])
    hidden = context
    for _ in range(num_blocks):
        hidden = residual_block(hidden, width, width, dropout)
    per_step = hp.Int("width_of_step", 4, 32, step=4, default=8)
    decoded = residual_block(hidden, width, wanted.horizon * per_step, dropout)
    decoded = layers.Reshape((wanted.targets, wanted.horizon, per_step))(decoded)
    if "known" in tensors:
        future = layers.Dense(per_step)(tensors["known"][:, -wanted.horizon :])[:, None]
        repeated = ops.repeat(future, wanted.targets, axis=1)
        decoded = layers.Concatenate()([decoded, repeated])
    quantiles = layers.Permute((2, 1, 3))(residual_block(decoded, 4 * per_step, wanted.quantiles, dropout))
    return total([quantiles, per_target(tensors["past"], wanted, "skip"), *known_terms(tensors, wanted)])


def shared_context(tensors: Tensors, wanted: Forecasts) -> list[keras.KerasTensor]:
    """What is the same for all targets: the steps of covariates and calendar, made narrow, and static columns."""
    changing = [tensors[name] for name in ("covariates", "known") if name in tensors]
    parts = [layers.Flatten()(layers.Dense(4, activation="relu")(each)) for each in changing]
    parts += [tensors["static"]] if "static" in tensors else []
    return [ops.repeat(part[:, None], wanted.targets, axis=1) for part in parts]


def residual_block(inputs: keras.KerasTensor, hidden: int, units: int, dropout: float) -> keras.KerasTensor:
    """A dense layer with a hidden one, beside a linear one, and layer normalisation of what is wide enough."""
    inside = layers.Dense(units)(layers.Dense(hidden, activation="relu")(inputs))
    summed = layers.add([layers.Dropout(dropout)(inside), layers.Dense(units)(inputs)])
    return layers.LayerNormalization()(summed) if units > MIN_NORMALIZED else summed


def nhits(hp: "keras_tuner.HyperParameters", tensors: Tensors, wanted: Forecasts) -> keras.KerasTensor:
    """N-HiTS (Challu et al. 2023): stacks that see the history at several rates and explain what others left."""
    width = hp.Int("width", 32, 512, step=32, default=128)
    dropout = hp.Float("dropout", 0.0, 0.6, step=0.1, default=0.1)
    rest = layers.Permute((2, 1))(tensors["past"])  # (batch, num_targets, context)
    context = rest.shape[-1]
    shared, forecasts = shared_context(tensors, wanted), []
    for rate in (8, 4, 1):
        pooled = layers.Permute((2, 1))(layers.MaxPooling1D(rate, padding="same")(layers.Permute((2, 1))(rest)))
        hidden = layers.Concatenate()([pooled, *shared])
        for _ in range(2):
            hidden = layers.Dropout(dropout)(layers.Dense(width, activation="relu")(hidden))
        rest = rest - interpolated(layers.Dense(-(-context // rate))(hidden), context)
        knots = -(-wanted.horizon // rate)
        flat = layers.Reshape((wanted.targets * wanted.quantiles, knots))(
            layers.Dense(knots * wanted.quantiles)(hidden)
        )
        steps = layers.Reshape((wanted.targets, wanted.quantiles, wanted.horizon))(interpolated(flat, wanted.horizon))
        forecasts.append(layers.Permute((3, 1, 2))(steps))
    return total([*forecasts, *known_terms(tensors, wanted)])


def interpolated(knots: keras.KerasTensor, length: int) -> keras.KerasTensor:
    """Linear interpolation of the last axis (batch, rows, num_knots) to a length."""
    if knots.shape[-1] == length:
        return knots
    image = ops.image.resize(knots[..., None], (knots.shape[1], length), interpolation="bilinear")
    return image[..., 0]


def tsmixer(hp: "keras_tuner.HyperParameters", tensors: Tensors, wanted: Forecasts) -> keras.KerasTensor:
    """TSMixer (Chen et al. 2023): dense layers that mix steps and columns in turn."""
    width = hp.Int("width", 16, 256, step=16, default=64)
    dropout = hp.Float("dropout", 0.0, 0.9, step=0.1, default=0.3)
    num_blocks = hp.Int("blocks", 1, 6, default=2)
    context = tensors["past"].shape[1]
    columns = [tensors["past"], *([tensors["covariates"]] if "covariates" in tensors else [])]
    columns += [tensors["known"][:, :context]] if "known" in tensors else []
    mixed = layers.Concatenate()(columns) if len(columns) > 1 else columns[0]
    for _ in range(num_blocks):
        mixed = mix_columns(mix_steps(mixed, dropout), width, dropout)
    ahead = layers.Permute((2, 1))(layers.Dense(wanted.horizon)(layers.Permute((2, 1))(mixed)))
    if "known" in tensors:
        ahead = layers.Concatenate()([ahead, tensors["known"][:, -wanted.horizon :]])
    if "static" in tensors:
        ahead = layers.Concatenate()([ahead, layers.RepeatVector(wanted.horizon)(tensors["static"])])
    hidden = layers.Dropout(dropout)(layers.Dense(width, activation="relu")(ahead))
    steps = layers.Dense(wanted.targets * wanted.quantiles)(hidden)
    quantiles = layers.Reshape((wanted.horizon, wanted.targets, wanted.quantiles))(steps)
    return total([quantiles, per_target(tensors["past"], wanted, "skip"), *known_terms(tensors, wanted)])


def mix_steps(inputs: keras.KerasTensor, dropout: float) -> keras.KerasTensor:
    """A dense layer over the steps, the same for all columns, beside the input."""
    hidden = layers.Permute((2, 1))(layers.LayerNormalization()(inputs))
    hidden = layers.Dropout(dropout)(layers.Dense(inputs.shape[1], activation="relu")(hidden))
    return layers.add([inputs, layers.Permute((2, 1))(hidden)])


def mix_columns(inputs: keras.KerasTensor, width: int, dropout: float) -> keras.KerasTensor:
    """A hidden layer over the columns, the same for all steps, beside the input."""
    hidden = layers.Dense(width, activation="relu")(layers.LayerNormalization()(inputs))
    hidden = layers.Dense(inputs.shape[-1])(layers.Dropout(dropout)(hidden))
    return layers.add([inputs, layers.Dropout(dropout)(hidden)])


BODIES = {"linear": linear, "tide": tide, "nhits": nhits, "tsmixer": tsmixer}
