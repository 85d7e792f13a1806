"""The network builds, learns and forecasts from windows of every kind of column and of every step."""

from types import SimpleNamespace
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from project import features, model, task
from project.series import steps
from project.series.instance_norm import Normalize, Restore
from project.series.window_shape import Shape

from declared import Config

SHAPES = {"past": (12, 2), "is_known": (12, 2), "covariates": (12, 3), "known": (15, 4), "static": (2,)}
SHAPES |= {"calendar": (3, 5)}
TARGET = task.Target(("load", "wind"), (10.0, 0.0), (2.0, 1.0), (0.1, 0.25, 0.5, 0.75, 0.9), 3, (86_400, 0, False))


def preprocessor(columns: list[str], seasons: tuple[int, ...]) -> Any:
    """What `build_model` asks of a preprocessor, with these outputs."""
    encode = SimpleNamespace(shape_=Shape(12, 3, 1, seasons, steps.parse("1 day"), {}))
    outputs = {name: keras.Input(SHAPES[name], name=name) for name in columns}
    return SimpleNamespace(output=outputs, get_layer=lambda _: encode)


@pytest.mark.parametrize("seasons", [(), (4,), (3, 5, 100)])
@pytest.mark.parametrize("columns", [["past", "is_known"], list(SHAPES)])
def test_it_begins_as_the_last_value_and_learns_quantiles_for_each_step_and_target(
    columns: list[str], seasons: tuple[int, ...]
) -> None:
    network = model.build_model(keras_tuner.HyperParameters(), Config(), preprocessor(columns, seasons), TARGET, 100)
    random = np.random.default_rng(0)
    arrays = {column: random.normal(size=(4, *SHAPES[column])).astype("float32") for column in columns}
    arrays["is_known"] = np.ones_like(arrays["past"])
    found = network.predict_on_batch(arrays)
    assert found.shape == (4, 3, 2, 5)
    np.testing.assert_allclose(found, np.broadcast_to(arrays["past"][:, -1][:, None, :, None], found.shape), atol=1e-5)
    truth = np.full((4, 3, 2), 5, "float32")
    first = network.train_on_batch(arrays, truth)[0]
    for _ in range(3):
        last = network.train_on_batch(arrays, truth)[0]
    assert last < first
    assert all(np.isfinite(weights).all() for weights in network.get_weights())


def test_the_calendar_tells_hour_weekday_and_year() -> None:
    hour, day, year = 3_600, 86_400, 366 * 86_400
    assert features.cycles(hour, 3 * year) == {"day": 24, "week": 7, "year": 0}
    assert features.cycles(900, 10 * day) == {"day": 24}
    assert features.cycles(1_800, 20 * day) == {"day": 48, "week": 7}
    assert features.cycles(30 * day, 5 * year) == {"year": 0}
    times = np.array(["2024-01-01T23:59", "2024-01-07T00:00"], "datetime64[s]").astype(np.int64)  # Monday and Sunday
    found = np.array(features.calendar(tf.constant(times), {"day": 24, "week": 7, "year": 0}))
    assert found[:, :31].nonzero()[1].tolist() == [23, 24, 0, 30]
    np.testing.assert_allclose(np.hypot(found[:, 31], found[:, 32]), 1, atol=1e-3)


def test_years_have_no_calendar_in_batches_of_any_size() -> None:
    assert features.cycles(365 * 86_400, 50 * 366 * 86_400) == {}
    traced = tf.function(lambda times: features.calendar(times, {})).get_concrete_function(
        tf.TensorSpec((None, 5), "int64")
    )
    assert traced.output_shapes.as_list() == [None, 5, 0]
    assert features.calendar(tf.zeros((2, 5), "int64"), {}).shape == (2, 5, 0)


def test_lags_are_the_values_of_the_same_phase() -> None:
    shape = Shape(12, 3, 4, (4,), steps.parse("1 day"), {})
    inputs = {"past": keras.Input((12, 1)), "known": keras.Input((15, 1))}
    one = keras.ops.ones((1, 1, 1))
    seen = features.of_steps(
        inputs, inputs["past"], one * inputs["past"][:, :1], one + 0 * inputs["past"][:, :1], shape
    )
    past, known = np.arange(12.0)[None, :, None], 100 + np.arange(15.0)[None, :, None]
    found = keras.Model(inputs, seen).predict_on_batch({"past": past, "known": known})
    assert found[0, 0, :, 16:19].tolist() == [[-3, -7, -11], [-2, -6, -10], [-1, -5, -9]]  # less the last value, 11
    assert found[0, 0, :, 19:].tolist() == [[112, 108], [113, 109], [114, 110]]


def test_normalisation_is_reversible_and_blind_to_what_is_missing() -> None:
    random = np.random.default_rng(0)
    past = random.normal(5, 3, (6, 20, 2)).astype("float32")
    is_known = (random.random((6, 20, 2)) < 0.7).astype("float32")
    normalized, mean, deviation = Normalize()(past * is_known, is_known)
    known = [past[0, is_known[0, :, 0] > 0, 0]]
    np.testing.assert_allclose(mean[0, 0, 0], known[0].mean(), rtol=1e-5)
    assert (np.array(normalized)[is_known == 0] == 0).all()
    restored = Restore()(np.array(normalized)[..., None], mean, deviation)
    np.testing.assert_allclose(np.array(restored)[is_known > 0][:, 0], past[is_known > 0], rtol=1e-4)
    constant = Normalize()(np.full((1, 20, 1), 7, "float32"), np.ones((1, 20, 1), "float32"))
    assert np.isfinite(np.array(constant[0])).all()
