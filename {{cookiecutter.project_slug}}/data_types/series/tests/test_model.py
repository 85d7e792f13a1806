"""Every architecture builds, learns and forecasts from windows of every kind of column."""

import keras
import keras_tuner
import numpy as np
import pytest

from project.series import architectures
from project.series.instance_norm import Normalize, Restore, level_term

SHAPES = {"past": (12, 2), "covariates": (12, 3), "known": (15, 4), "static": (2,)}
WANTED = architectures.Forecasts(3, 2, 5)


@pytest.mark.parametrize("name", architectures.BODIES)
@pytest.mark.parametrize("columns", [["past"], list(SHAPES)])
def test_a_body_gives_quantiles_for_each_step_and_target(name: str, columns: list[str]) -> None:
    inputs = {column: keras.Input(SHAPES[column], name=column) for column in columns}
    outputs = architectures.BODIES[name](keras_tuner.HyperParameters(), inputs, WANTED)
    network = keras.Model(inputs, outputs)
    random = np.random.default_rng(0)
    arrays = {column: random.normal(size=(4, *SHAPES[column])).astype("float32") for column in columns}
    found = network.predict_on_batch(arrays)
    assert found.shape == (4, 3, 2, 5)
    assert np.isfinite(found).all()


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


def test_the_level_term_begins_at_nothing_and_is_linear_in_the_level() -> None:
    mean, deviation = (keras.Input((1, 2), name=name) for name in ("mean", "deviation"))
    term = level_term(mean, deviation, 3, 5)
    network = keras.Model([mean, deviation], Restore()(term, keras.ops.zeros((1, 1, 2)), deviation))
    levels = [np.array([[[value, 0.0]]], "float32") for value in (1.0, 2.0, 3.0)]
    scale = np.full((1, 1, 2), 0.5, "float32")
    assert network([levels[0], scale]).shape == (1, 3, 2, 5)
    assert (np.array(network([levels[0], scale])) == 0).all()
    network.get_layer("level_term").kernel.assign(np.random.default_rng(0).normal(size=(2, 15)))
    one, two, three = (np.array(network([level, scale])) for level in levels)
    np.testing.assert_allclose(two - one, three - two, atol=1e-5)
    assert np.abs(two - one)[:, :, 0].min() > 0
