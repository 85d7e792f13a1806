"""Layers for times in the graph: ISO 8601 to seconds since 1970 and back, and the steps around one of them.

Days are counted by Hinnant's algorithms (2014, days_from_civil and civil_from_days).
"""

import tensorflow as tf

from .steps import DAY, WORKDAYS, Step


def read(texts: tf.Tensor) -> tf.Tensor:
    """Times such as 2026-11-22 or 2026-11-22T09:30:00, of any shape, as int64 seconds since 1970."""
    padded = tf.strings.substr(tf.strings.join([texts, "T00:00:00"]), 0, 19)
    minutes_only = tf.strings.regex_full_match(texts, r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
    whole = tf.where(minutes_only, tf.strings.join([tf.strings.substr(padded, 0, 16), ":00"]), padded)
    valid = tf.strings.regex_full_match(whole, r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}")
    whole = tf.where(valid, whole, "1970-01-01T00:00:00")
    year, month, day = (field(whole, *place) for place in ((0, 4), (5, 2), (8, 2)))
    hour, minute, second = (field(whole, *place) for place in ((11, 2), (14, 2), (17, 2)))
    return DAY * days_of(year, month, day) + 3_600 * hour + 60 * minute + second


def field(texts: tf.Tensor, position: int, length: int) -> tf.Tensor:
    """The whole number at a position of each text."""
    return tf.strings.to_number(tf.strings.substr(texts, position, length), "int64")


def days_of(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Days from 1970-01-01 to a day of the Gregorian calendar."""
    year = year - tf.cast(month <= 2, "int64")  # years that begin in March
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + day_of_year - 719_468


def date_of(days: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Year, month and day of the Gregorian calendar, of days since 1970-01-01."""
    shifted = days + 719_468
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = tf.where(shifted_month < 10, shifted_month + 3, shifted_month - 9)
    return year_of_era + era * 400 + tf.cast(month <= 2, "int64"), month, day


def around(times: tf.Tensor, step: Step, first: int, last: int) -> tf.Tensor:
    """The times from `first` to `last` steps behind each time (batch,), as (batch, last - first + 1) int64 seconds."""
    offsets = tf.range(first, last + 1, dtype="int64")
    days, clock = times // DAY, times % DAY
    if step.business:  # as `steps.business_number` and `steps.business_day` count
        number = (WORKDAYS * ((days + 3) // 7) + tf.minimum((days + 3) % 7, WORKDAYS - 1))[:, None] + offsets
        return DAY * (7 * (number // WORKDAYS) + number % WORKDAYS - 3) + clock[:, None]
    if not step.months:
        return times[:, None] + step.seconds * offsets
    year, month, day = date_of(days)
    number = 12 * year[:, None] + month[:, None] - 1 + step.months * offsets
    begin = days_of(number // 12, number % 12 + 1, tf.ones_like(number))
    length = days_of((number + 1) // 12, (number + 1) % 12 + 1, tf.ones_like(number)) - begin
    day_of_month = length if step.ends else tf.minimum(day[:, None], length)
    return DAY * (begin + day_of_month - 1) + clock[:, None]


def write(times: tf.Tensor) -> tf.Tensor:
    """Seconds since 1970 as texts such as 2026-11-22T09:30:00."""
    year, month, day = date_of(times // DAY)
    clock = times % DAY
    parts = (clock // 3_600, clock // 60 % 60, clock % 60)
    date = tf.strings.join([padded_number(year, 4), padded_number(month, 2), padded_number(day, 2)], "-")
    return tf.strings.join([date, tf.strings.join([padded_number(part, 2) for part in parts], ":")], "T")


def padded_number(number: tf.Tensor, width: int) -> tf.Tensor:
    """A whole number with leading zeros."""
    return tf.strings.as_string(number, width=width, fill="0")
