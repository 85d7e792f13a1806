"""Feature engineering: what the network is told of each step to forecast.

Runs inside the model, so that a client sends times and raw columns only.
"""

import math

import keras
import tensorflow as tf
from keras import layers, ops

from .series import seasons
from .series.window_shape import Shape

DAY = 86_400
WEEK, YEAR = 7 * DAY, 365.2425 * DAY
MONDAY = 3 * DAY  # 1970-01-01 was a Thursday: so much before it, a week began
CYCLES = {"day": DAY, "week": WEEK, "year": YEAR}
MIN_STEPS, MIN_CYCLES = 3, 2  # of a cycle, and in the training data: below, it is not told from a trend
MOST_SLOTS, USUAL_SLOTS = 48, 24  # of a day
HARMONICS = 2  # sines and cosines of the year: more tell it more sharply
RECENT = 24  # latest values that are seen one by one
SUMMARY = 32  # units that summarise the latest values of all columns
LARGEST_LEVEL = 3.0  # deviations from the mean of the training data; beyond, the network knows nothing

Tensors = dict[str, keras.KerasTensor]


def cycles(step_seconds: float, span_seconds: float) -> dict[str, int]:
    """The cycles of the calendar that such steps show and such a span repeats, and the slots that each is told in.

    A day has a slot for each step if these are not too many, a week one for each day; a year is told in waves (0).
    """
    found = [
        name
        for name, length in CYCLES.items()
        if length >= MIN_STEPS * step_seconds and span_seconds >= MIN_CYCLES * length
    ]
    is_whole = DAY % step_seconds == 0 and DAY // step_seconds <= MOST_SLOTS
    slots = {"day": int(DAY // step_seconds) if is_whole else USUAL_SLOTS, "week": 7, "year": 0}
    return {name: slots[name] for name in found}


def calendar(times: tf.Tensor, slots: dict[str, int]) -> tf.Tensor:
    """What int64 times in seconds since 1970 tell, (..., num_features) float32: a 1 for their slot of day and week.

    Add here what else a time tells, such as whether it is a holiday.
    """
    found = []
    for name, number in slots.items():
        if number:
            length = int(CYCLES[name])
            place = tf.math.floormod(times + MONDAY if name == "week" else times, length) // (length // number)
            found.append(tf.one_hot(place, number))
        else:
            turn = tf.math.floormod(tf.cast(times, "float64") / CYCLES[name], 1.0)
            for harmonic in range(1, 1 + HARMONICS):
                # Rounded, since the last digits depend on the size of the batch, and equal times must stay equal
                waves = [tf.round(1e4 * wave(2 * math.pi * harmonic * turn)) / 1e4 for wave in (tf.sin, tf.cos)]
                found.append(tf.cast(tf.stack(waves, axis=-1), "float32"))
    none = tf.cast(times, "float32")[..., None][..., :0]  # of years, for example
    return tf.concat(found, axis=-1) if found else none


def of_steps(
    tensors: Tensors, past: keras.KerasTensor, mean: keras.KerasTensor, deviation: keras.KerasTensor, shape: Shape
) -> keras.KerasTensor:
    """The features of each step to forecast, (batch, num_targets, horizon, num_features).

    `tensors` are the outputs of `encoding.Encode`; `past` (batch, context, num_targets), `mean` and `deviation`
    (batch, 1, num_targets) are those of `Normalize`. Trees would get the same: lags of the same phase, the latest
    values, the level, the calendar, and what is known in advance of the step and was known of its last cycles.
    """
    num_targets, recent = past.shape[-1], min(RECENT, shape.context)
    places = seasons.same_phases(shape.context, shape.horizon, shape.seasons)  # (horizon, num_lags)
    by_target = layers.Permute((2, 1))(past)  # (batch, num_targets, context)
    by_target -= by_target[:, :, -1:]  # changes to the last value, as in NLinear (Zeng et al. 2023)
    latest = by_target[:, :, -recent:]
    level = ops.concatenate([ops.clip(mean, -LARGEST_LEVEL, LARGEST_LEVEL), ops.log(deviation)], axis=1)
    own = [
        latest,
        ops.mean(latest, axis=-1, keepdims=True),
        ops.mean(by_target, axis=-1, keepdims=True),
        layers.Permute((2, 1))(level),
    ]
    parts = [ops.repeat(each[:, :, None], shape.horizon, axis=2) for each in own]
    if places.size:
        parts.append(ops.take(by_target, places, axis=2))
    shared = [each[:, None, None] for each in shared_of_windows(tensors, past, recent)]
    by_step = [*known_of_steps(tensors, shape), *(ops.repeat(each[:, 0], shape.horizon, axis=1) for each in shared)]
    parts += [ops.repeat(each[:, None], num_targets, axis=1) for each in by_step]
    return layers.Concatenate()(parts)


def known_of_steps(tensors: Tensors, shape: Shape) -> list[keras.KerasTensor]:
    """What is the same for all targets, each (batch, horizon, ...): the calendar, and columns known in advance."""
    found = [tensors["calendar"]] if "calendar" in tensors else []
    if "known" in tensors:
        known = tensors["known"]  # (batch, context + horizon, num_known)
        found.append(known[:, shape.context :])
        for season in shape.seasons:
            if season <= shape.context:
                before = seasons.same_phases(shape.context, shape.horizon, [season])[:, 0]
                found.append(ops.take(known, before, axis=1))
    return found


def shared_of_windows(tensors: Tensors, past: keras.KerasTensor, recent: int) -> list[keras.KerasTensor]:
    """What is the same for all targets and steps, each (batch, ...): static columns and the latest of the others."""
    found = [tensors["static"]] if "static" in tensors else []
    summarised = [past] if past.shape[-1] > 1 else []
    if "covariates" in tensors:
        found.append(tensors["covariates"][:, -1])
        summarised.append(tensors["covariates"])
    latest = [layers.Flatten()(each[:, -recent:]) for each in summarised]
    return [*found, *(layers.Dense(SUMMARY, activation="relu")(each) for each in latest)]
