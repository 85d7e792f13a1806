"""Feature engineering: what a person knows about times and covariates, and the network would need long to find out.

Runs inside the model, so that a client sends times and raw columns only.
"""

import math

import tensorflow as tf

DAY = 86_400
WEEK, YEAR = 7 * DAY, 365.2425 * DAY
EPOCH_WEEKDAY = 4 * DAY  # 1970-01-01 was a Thursday: weeks begin on Mondays
HARMONICS = {"day": 2, "week": 2, "year": 3}  # sines and cosines of a cycle: more tell it more sharply
CYCLES = {"day": DAY, "week": WEEK, "year": YEAR}
MIN_STEPS, MIN_CYCLES = 3, 2  # of a cycle, and in the training data: below, it is not told from a trend


def cycles(step_seconds: float, span_seconds: float) -> list[str]:
    """The cycles of the calendar that steps of this length show and a span of this length repeats."""
    return [
        name
        for name, length in CYCLES.items()
        if length >= MIN_STEPS * step_seconds and span_seconds >= MIN_CYCLES * length
    ]


def calendar(times: tf.Tensor, names: list[str]) -> list[tf.Tensor]:
    """The place of int64 times in seconds in each cycle, as points on circles; each of the shape of `times`, float32.

    Add here what else a time tells, such as whether it is a holiday.
    """
    found = []
    for name in names:
        position = tf.cast(times + EPOCH_WEEKDAY - DAY, "float64") if name == "week" else tf.cast(times, "float64")
        turn = tf.math.floormod(position / CYCLES[name], 1.0)
        for harmonic in range(1, 1 + HARMONICS[name]):
            angle = 2 * math.pi * harmonic * turn
            # Rounded, since the last digits depend on the size of the batch, and equal times must stay equal
            found += [tf.cast(tf.round(1e4 * wave(angle)) / 1e4, "float32") for wave in (tf.sin, tf.cos)]
    return found
