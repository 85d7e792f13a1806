"""Every architecture builds, learns and forecasts from windows of every kind of column."""

import keras
import keras_tuner
import numpy as np
import pytest

from project import architectures
from project.instance_norm import Normalize, Restore

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
