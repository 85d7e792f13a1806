"""What is learned of the columns of training rows, and the layer that turns raw windows into what the network sees."""

from dataclasses import asdict
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from . import features
from .config import Config
from .series import seasons, series_table, series_windows, timestamps
from .series.steps import Step
from .series.window_shape import MAX_CATEGORIES, Shape

Tensors = dict[str, tf.Tensor]

LAST_TIME, SEASONAL_ERROR, UNITS = "last_time", "seasonal_error", "units"
PASSING_BY = (LAST_TIME, SEASONAL_ERROR, UNITS)  # outputs that the network does not learn from
MIN_SCALE = 1e-6
MIN_SHARE = 1e-4  # of the usual scale; a series of less hardly moves


def learn(config: Config, shape: Shape, rows: pd.DataFrame) -> dict[str, Any]:
    """All that encoding needs, as JSON: the shape, mean and deviation of numbers, and the categories, of rows."""
    times = series_table.seconds_of(rows[config.time])
    step_seconds = shape.step.seconds or 30 * timestamps.DAY * shape.step.months
    numbers = {name: scale_of(rows[name]) for name, kind in shape.kinds.items() if kind.endswith("number")}
    categories = {
        name: found if len(found) <= MAX_CATEGORIES else []
        for name, kind in shape.kinds.items()
        if kind.endswith("category")
        for found in [sorted(rows[name].dropna().astype(str).unique().tolist())]
    }
    cycles = features.cycles(step_seconds, float(np.ptp(times)))
    learned = {"numbers": numbers, "categories": categories, "cycles": cycles}
    errors = naive_errors(config, shape, rows)
    return {"shape": asdict(shape), **learned, **errors, "units": units_of(config, shape, rows, errors)}


def naive_errors(config: Config, shape: Shape, rows: pd.DataFrame) -> dict[str, Any]:
    """`series`: the column that tells series apart, if the model sees one; `errors`: by what MASE scales.

    These are the errors of the seasonal naive forecast in the training period, by series and target; "" is for others.
    """
    targets = {each.name: each.targets for each in series_windows.regular(config, shape, rows)}
    errors = seasons.naive_errors(targets, shape.season)
    if config.series in shape.kinds:
        return {"series": config.series, "errors": errors}
    return {"series": "", "errors": {"": errors[""]}}


def units_of(config: Config, shape: Shape, rows: pd.DataFrame, found: dict[str, Any]) -> dict[str, list[list[float]]]:
    """By what targets are standardised, by series: mean and scale of each target; "" is for series that are not known.

    The third number is 1 / scale: TensorFlow divides by constants in another way than by tensors, in the last digit.
    Each series has its own, since large ones would hide the others. Its scale is proportional to its seasonal error, so
    that all count alike in the loss, as they do in MASE; on average it is the standard deviation. `found` is what
    `naive_errors` gives.
    """
    usual = np.array([scale_of(rows[name]) for name in shape.targets])  # (num_targets, 2)
    if not found["series"]:
        return {"": with_inverse(usual)}
    targets = {each.name: each.targets.astype("float64") for each in series_windows.regular(config, shape, rows)}
    own = np.array([[scale_of(pd.Series(each)) for each in values.T] for values in targets.values()])
    errors = np.array([found["errors"][name] for name in targets])  # (num_series, num_targets)
    ratios = np.where(errors > 0, own[..., 1] / np.where(errors > 0, errors, 1), np.nan)
    scales = errors * np.nan_to_num(np.nanmedian(ratios, axis=0))
    usual[:, 1] = np.nanmedian(np.where(scales > 0, scales, np.nan), axis=0)
    own[..., 1] = np.where(scales > MIN_SHARE * usual[:, 1], scales, usual[:, 1])
    own = np.where(np.isfinite(own), own, usual)
    return {"": with_inverse(usual), **{name: with_inverse(each) for name, each in zip(targets, own, strict=True)}}


def with_inverse(units: np.ndarray) -> list[list[float]]:
    """Means and scales (num_targets, 2), and 1 / scale behind them."""
    found: list[list[float]] = np.column_stack([units, 1 / units[:, 1]]).tolist()
    return found


def scale_of(values: pd.Series) -> list[float]:
    """Mean and standard deviation of the numbers that are there."""
    present = values.dropna().astype("float64")
    return [float(present.mean()), max(float(present.std(ddof=0)), MIN_SCALE)]


def shape_of(plan: dict[str, Any]) -> Shape:
    """The shape that was learned."""
    fields = plan["shape"]
    return Shape(**{**fields, "seasons": tuple(fields["seasons"]), "step": Step(**fields["step"])})


@keras.saving.register_keras_serializable(package="series")
class Encode(keras.layers.Layer):
    """Raw windows to tensors, float32 but for the last; those without columns are absent.

    past: (batch, context, num_targets) about standard normal, 0 where missing
    is_known: (batch, context, num_targets) 1 where a target is known
    covariates: (batch, context, num_observed) standardised or one-hot
    known: (batch, context + horizon, num_known) covariates that are known in advance
    calendar: (batch, horizon, num_calendar) what `features.calendar` tells of the steps to forecast
    static: (batch, num_static)
    seasonal_error: (batch, num_targets) mean absolute error of the seasonal naive forecast in the training period of
        the series, in the targets' units; 0 if it is not defined
    units: (batch, num_targets, 3) mean, scale and 1 / scale by which the targets are standardised, those of the series
    last_time: (batch,) int64 seconds since 1970
    """

    def __init__(self, plan: dict[str, Any], **options: Any) -> None:
        """Takes what `learn` found."""
        super().__init__(**options)
        self.plan, self.shape_ = plan, shape_of(plan)

    def get_config(self) -> dict[str, Any]:
        """What Keras saves."""
        return {**super().get_config(), "plan": self.plan}

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Encodes each column step by step."""
        shape = self.shape_
        (time,) = shape.names("time")
        last = timestamps.read(inputs[time][:, -1])
        times = timestamps.around(last, shape.step, 1 - shape.context, shape.horizon)
        targets = tf.stack([inputs[name] for name in shape.targets], axis=-1)
        static = {name: value for name, value in inputs.items() if shape.kinds[name].startswith("static")}
        units = self.of_series("units", inputs, tf.shape(last))  # (batch, num_targets, 3)
        encoded = {**self.encode_steps(times, targets, units, inputs), **self.encode_static(static)}
        if "calendar" in encoded:
            encoded["calendar"] = encoded["calendar"][:, -shape.horizon :]
        errors = self.of_series("errors", inputs, tf.shape(last))
        return {**encoded, SEASONAL_ERROR: errors, UNITS: units, LAST_TIME: last}

    def encode_steps(self, times: tf.Tensor, targets: tf.Tensor, units: tf.Tensor, columns: Tensors) -> Tensors:
        """The tensors that have a step axis; also for whole series at once, of which windows are then cut."""
        means, inverse = units[:, None, :, 0], units[:, None, :, 2]
        is_known = tf.cast(tf.math.is_finite(targets), "float32")
        past = tf.where(is_known > 0, (targets - means) * inverse, 0.0)
        parts = {"covariates": self.columns_of(columns, "observed"), "known": self.columns_of(columns, "known")}
        stacked = {name: tf.stack(part, axis=-1) for name, part in parts.items() if part}
        calendar = features.calendar(times, self.plan["cycles"])
        stacked |= {"calendar": calendar} if calendar.shape[-1] else {}
        return {"past": past, "is_known": is_known, **stacked}

    def encode_static(self, columns: Tensors) -> Tensors:
        """The tensor without a step axis."""
        parts = self.columns_of(columns, "static")
        return {"static": tf.stack(parts, axis=-1)} if parts else {}

    def of_series(self, learned: str, inputs: Tensors, batch: tf.Tensor) -> tf.Tensor:
        """What was learned of each window's series, (batch, ...), or what is usual of one that is not known."""
        found, series = self.plan[learned], self.plan["series"]
        usual = tf.repeat(tf.constant([found[""]], "float32"), batch[0], axis=0)
        if not series:
            return usual
        names = sorted(found)
        same = inputs[series][:, None] == tf.constant(names)  # (batch, num_series)
        own = tf.gather(
            tf.constant([found[name] for name in names], "float32"), tf.argmax(tf.cast(same, "int32"), axis=1)
        )
        is_found = tf.reshape(tf.reduce_any(same, axis=1), (-1,) + (1,) * (len(own.shape) - 1))
        return tf.where(is_found, own, usual)

    def columns_of(self, columns: Tensors, role: str) -> list[tf.Tensor]:
        """The columns of a role as numbers, each of the shape of the column: standardised, or 1 for a category."""
        found = []
        for name in self.shape_.names(f"{role} number"):
            mean, scale = self.plan["numbers"][name]
            value = (columns[name] - mean) / scale
            found.append(tf.where(tf.math.is_finite(value), value, 0.0))
        for name in self.shape_.names(f"{role} category"):
            found += [tf.cast(columns[name] == word, "float32") for word in self.plan["categories"][name]]
        return found

    def num_columns(self, role: str) -> int:
        """How many numbers `columns_of` gives for a role."""
        words = sum(len(self.plan["categories"][name]) for name in self.shape_.names(f"{role} category"))
        return len(self.shape_.names(f"{role} number")) + words

    def compute_output_spec(self, inputs: dict[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """States the shapes."""
        shape = self.shape_
        batch = next(iter(inputs.values())).shape[0]
        num_targets = len(shape.targets)
        calendar = features.calendar(tf.zeros(1, "int64"), self.plan["cycles"])
        shapes = {
            "past": (shape.context, num_targets),
            "is_known": (shape.context, num_targets),
            "covariates": (shape.context, self.num_columns("observed")),
            "known": (shape.context + shape.horizon, self.num_columns("known")),
            "calendar": (shape.horizon, calendar.shape[-1]),
            "static": (self.num_columns("static"),),
            SEASONAL_ERROR: (num_targets,),
            UNITS: (num_targets, 3),
        }
        tensors = {name: keras.KerasTensor((batch, *rest), "float32") for name, rest in shapes.items() if rest[-1]}
        return {**tensors, LAST_TIME: keras.KerasTensor((batch,), "int64")}
