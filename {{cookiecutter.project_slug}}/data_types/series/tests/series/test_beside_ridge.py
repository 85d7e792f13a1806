"""A ridge regression has the share in forecasts, half at most, that is best on the validation split."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import Ridge

from project import task
from project.series import beside_ridge
from project.series.beside_ridge import RIDGE
from project.series.instance_norm import Normalize

CONTEXT, HORIZON = 6, 3
TARGET = task.Target(("load", "wind"), (0.0, 0.0), (1.0, 1.0), (0.1, 0.5, 0.9), HORIZON, (86_400, 0, False))
SPREAD = (-0.1, 0.0, 0.1)  # of quantiles around the median
Arrays = tuple[dict[str, np.ndarray], np.ndarray]


def windows(seed: int) -> Arrays:
    """Histories (200, CONTEXT, 2) with gaps, and what follows, which is linear in them but for noise."""
    random = np.random.default_rng(seed)
    past = random.normal(3, 2, (200, CONTEXT, 2)).astype("float32")
    is_known = (random.random(past.shape) < 0.9).astype("float32")
    is_known[:, -1] = 1
    kernel = np.random.default_rng(0).normal(size=(CONTEXT, HORIZON)) / CONTEXT
    ahead = np.einsum("bct,ch->bht", past - past[:, -1:], kernel) + past[:, -1:] + 1
    noisy = ahead + random.normal(0, 0.1, ahead.shape)
    return {"past": past * is_known, "is_known": is_known}, noisy.astype("float32")


def network(is_right: bool = False) -> keras.Model:
    """A network that forecasts the mean of the history or, if it is right, its input `truth`; it learns nothing."""
    inputs = {name: keras.Input((CONTEXT, 2), name=name) for name in ("past", "is_known")}
    past, mean, deviation = Normalize()(inputs["past"], inputs["is_known"])
    same = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(mean[..., None])
    forecasts = keras.ops.repeat(same, HORIZON, axis=1)  # (batch, HORIZON, 2, 1)
    if is_right:
        inputs["truth"] = keras.Input((HORIZON, 2), name="truth")
        forecasts = 0 * forecasts + inputs["truth"][..., None]
    forecasts = keras.ops.concatenate([forecasts + each for each in SPREAD], axis=-1)
    kind, outputs = beside_ridge.add([forecasts, past, mean, deviation], 1)
    model = kind(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.0), task.loss(TARGET), weighted_metrics=task.metrics(TARGET))
    return model


def batches(arrays: Arrays, weights: np.ndarray | None = None) -> tf.data.Dataset:
    """Batches of 64 windows, the last of which is smaller."""
    return tf.data.Dataset.from_tensor_slices(arrays if weights is None else (*arrays, weights)).batch(64)


def test_the_regressions_are_those_of_scikit_learn_on_windows_whose_future_is_known() -> None:
    inputs, truth = windows(1)
    truth[:20, 1, 0] = np.nan  # of the first target only
    weights = np.linspace(0, 2, len(truth)).astype("float32")
    model = network()
    model.fit(batches((inputs, truth), weights), verbose=0)
    past, mean, deviation = (np.array(each) for each in Normalize()(inputs["past"], inputs["is_known"]))
    changes, last = (past - past[:, -1:]) * deviation, past[:, -1:] * deviation + mean
    for place, first in ((0, 20), (1, 0)):
        for penalty, kernel in zip(beside_ridge.PENALTIES, model.get_layer(RIDGE).kernels.numpy(), strict=True):
            wanted = truth[first:, :, place] - last[first:, :, place]
            fitted = Ridge(penalty).fit(changes[first:, :, place], wanted, weights[first:])
            np.testing.assert_allclose(kernel[place, :-1], fitted.coef_.T, atol=1e-4)
            np.testing.assert_allclose(kernel[place, -1], fitted.intercept_, atol=1e-4)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_the_share_is_the_best_on_the_validation_split(is_weighted: bool) -> None:
    model, (inputs, truth) = network(), windows(2)
    model.fit(batches(windows(1)), verbose=0)
    layer, weights = model.get_layer(RIDGE), np.linspace(0, 2, len(truth)).astype("float32") if is_weighted else None
    alone = keras.Model.evaluate(model, batches((inputs, truth), weights), verbose=0)[0]
    found = model.evaluate(batches((inputs, truth), weights), verbose=0, return_dict=True)
    chosen = layer.shares.numpy()
    losses = []
    for shares in beside_ridge.CANDIDATES:
        layer.shares.assign(shares)
        losses.append(float(model.loss(truth, model(inputs), weights)))
    assert found["loss"] == pytest.approx(min(losses), rel=1e-4)
    assert losses[0] == pytest.approx(alone, rel=1e-4)
    assert min(losses) < 0.7 * alone
    assert (chosen == beside_ridge.CANDIDATES[int(np.argmin(losses))]).all()


def test_a_network_that_is_right_is_left_alone_and_one_in_training_too() -> None:
    model, (inputs, truth) = network(is_right=True), windows(1)
    model.fit(batches(({**inputs, "truth": truth}, truth)), verbose=0)
    model.evaluate(batches(({**inputs, "truth": truth}, truth)), verbose=0)
    layer = model.get_layer(RIDGE)
    assert not layer.shares.numpy().any()
    layer.shares.assign(beside_ridge.CANDIDATES[-1])
    forecasts = truth[..., None] + np.array(SPREAD)
    np.testing.assert_allclose(model({**inputs, "truth": truth}, training=True), forecasts, atol=1e-6)
    moved = np.array(model({**inputs, "truth": truth}))
    assert np.abs(moved - forecasts).max() > 0.01
    np.testing.assert_allclose(np.diff(moved), 0.1, atol=1e-4)  # all quantiles by the same
    assert beside_ridge.BesideRidge.from_config(layer.get_config()).median == 1


def test_without_a_window_whose_future_is_known_nothing_is_added_to_the_last_value() -> None:
    inputs, truth = windows(1)
    model = network()
    model.fit(batches((inputs, np.full_like(truth, np.nan))), verbose=0)
    assert not model.get_layer(RIDGE).kernels.numpy().any()


@pytest.mark.parametrize(
    ("context", "num_targets", "kind"),
    [(2_048, 1, beside_ridge.WithRidge), (336, 7, beside_ridge.WithRidge), (2_048, 10, keras.Model)],
)
def test_long_histories_of_many_targets_have_no_regression(context: int, num_targets: int, kind: type) -> None:
    normalized = [keras.Input((length, num_targets)) for length in (context, 1, 1)]
    forecasts = keras.Input((96, num_targets, 3))
    found, outputs = beside_ridge.add([forecasts, *normalized], 1)
    assert found is kind
    assert (outputs is forecasts) == (kind is keras.Model)
