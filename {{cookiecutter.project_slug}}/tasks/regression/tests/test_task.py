"""Regression: scale, loss, intervals and decoding."""

from dataclasses import asdict

import keras
import numpy as np
import pandas as pd
import pytest

from project import metrics, task
from project.core.errors import InputError
from project.data import batching
from project.data.resampling import Context

import fixed
from declared import Config

TARGET = task.Target(mean=100.0, scale=10.0)
SEVERAL = task.Target((100.0, 5.0), (10.0, 0.5), ("price", "days"))


def test_targets_are_standardised() -> None:
    values = pd.Series(np.random.default_rng(0).normal(1e6, 5, 1_000))
    encoded = task.encode(task.describe_target(Config(), values), values)
    assert encoded.dtype == np.float32
    assert encoded.mean() == pytest.approx(0, abs=1e-3)
    assert encoded.std() == pytest.approx(1, abs=1e-3)


def test_a_single_network_is_an_ensemble_of_one_member() -> None:
    single, ensemble = (task.output_head(each, TARGET) for each in (keras.Input((4,)), keras.Input((3, 4))))
    assert (single.shape, ensemble.shape) == ((None, 1, 1), (None, 3, 1))
    with pytest.raises(InputError, match=r"got features of shape \(None, 8, 8, 4\); it takes \(batch, width\), or"):
        task.output_head(keras.Input((8, 8, 4)), TARGET)
    with pytest.raises(InputError, match=r"outputs are \(5, 1\), but the loss needs \(batch, members, 1\): let"):
        task.loss(TARGET)(np.zeros((5, 1), "float32"), np.zeros((5, 1), "float32"))


def test_the_loss_is_the_mean_squared_error_of_the_members() -> None:
    outputs = np.array([[[1.0], [3.0]]], "float32")  # (batch, members, 1)
    assert float(task.MembersSquaredError()(np.array([[2.0]], "float32"), outputs)) == pytest.approx(1.0)


def test_metrics_judge_the_average_in_the_targets_units() -> None:
    rmse, mae = task.metrics(TARGET)
    targets, outputs = np.array([[0.0]], "float32"), np.array([[[1.0], [0.0]]], "float32")
    rmse.update_state(targets, outputs)
    assert float(rmse.result()) == pytest.approx(5.0)
    assert float(np.mean(mae(targets, outputs))) == pytest.approx(5.0)


def test_decoding_gives_the_targets_units() -> None:
    decoder = task.Decode(asdict(TARGET))
    decoded = decoder(np.array([[[1.0], [2.0]]], "float32"))
    assert float(decoded["prediction"][0]) == pytest.approx(115.0)


def test_intervals_hold_the_wanted_share_and_follow_the_noise() -> None:
    random = np.random.default_rng(0)
    outputs = random.normal(size=(4_000, 1, 1)).astype("float32")
    noise = np.where(outputs[:, 0, 0] > 0, 2.0, 0.5) * random.normal(size=4_000)
    targets = outputs[:, 0, 0] + noise
    decoder = task.Decode(asdict(TARGET))
    decoder.build(outputs.shape)
    task.set_intervals(decoder, outputs[:2_000], targets[:2_000], coverage=0.8)
    decoded = {name: np.asarray(values) for name, values in decoder(outputs[2_000:]).items()}
    units = targets[2_000:] * TARGET.scale + TARGET.mean
    covered = (units >= decoded["low"]) & (units <= decoded["high"])
    assert covered.mean() == pytest.approx(0.8, abs=0.03)
    width = decoded["high"] - decoded["low"]
    assert width[outputs[2_000:, 0, 0] > 0.5].mean() > 2 * width[outputs[2_000:, 0, 0] < -0.5].mean()


def test_intervals_of_few_examples_are_of_one_width() -> None:
    decoder = task.Decode(asdict(TARGET))
    decoder.build((None, 1, 1))
    task.set_intervals(decoder, np.zeros((30, 1, 1), "float32"), np.arange(30) / 30, coverage=0.9)
    assert np.isinf(np.asarray(decoder.bin_starts)[1:]).all()
    assert float(decoder.half_widths[0]) == pytest.approx(27 / 30)


def test_no_interval_knows_the_error_that_it_is_to_hold() -> None:
    errors = np.random.default_rng(0).permutation(np.arange(50.0))
    predictions = {"prediction": np.zeros(50), "low": -np.full(50, 49.0), "high": np.full(50, 49.0)}  # all are inside
    config = Config(interval_coverage=0.99)
    found = task.cross_fitted(config, TARGET, errors, predictions, np.arange(50) % 5, np.ones(50))
    assert errors[(errors > found["high"]) | (errors < found["low"])].tolist() == [49]  # the others set 48
    assert sorted(set(found["high"])) == [48, 49]
    fresh = np.random.default_rng(1).normal(size=(2, 1_000))
    found = task.cross_fitted(
        Config(interval_coverage=0.9), TARGET, fresh[0], {"prediction": fresh[1]}, np.arange(1_000) % 5
    )
    assert ((fresh[0] >= found["low"]) & (fresh[0] <= found["high"])).mean() == pytest.approx(0.9, abs=0.02)


def test_twice_the_weight_is_the_example_twice() -> None:
    random = np.random.default_rng(0)
    outputs, targets = (random.normal(size=(6, *shape)).astype("float32") for shape in ((3, 1), (1,)))
    counts = np.array([2, 0, 1, 1, 3, 1])
    repeated = np.repeat(np.arange(6), counts)
    weighted = fixed.evaluated(TARGET, outputs, targets, batching.scaled(counts))
    assert weighted == pytest.approx(fixed.evaluated(TARGET, outputs[repeated], targets[repeated]), rel=1e-5)
    assert weighted.keys() == {"loss", "rmse", "mae"}


def test_intervals_hold_their_share_of_the_weight() -> None:
    decoder = task.Decode(asdict(TARGET))
    decoder.build((None, 1, 1))
    errors = np.arange(1, 31)
    weights = batching.scaled(np.where(errors <= 10, 4.0, np.where(errors <= 20, 1.0, 0.0)))  # 80 % up to 10
    task.set_intervals(decoder, np.zeros((30, 1, 1), "float32"), errors.astype("float32"), 0.9, weights)
    sums = np.cumsum(weights)
    assert float(decoder.half_widths[0]) == errors[sums >= 0.9 * 31][0]


def several(num_examples: int = 200) -> tuple[np.ndarray, pd.DataFrame]:
    """A network's outputs (num_examples, 2 members, 2 targets), and targets that are near, a third of them missing."""
    random = np.random.default_rng(0)
    outputs = random.normal(size=(num_examples, 2, 2)).astype("float32")
    values = outputs.mean(axis=1) * SEVERAL.scale + np.array(SEVERAL.mean) + random.normal(size=(num_examples, 2))
    values[np.arange(num_examples) % 3 == 0, 0] = values[np.arange(num_examples) % 3 == 1, 1] = np.nan
    return outputs, pd.DataFrame(values, columns=SEVERAL.names)


def test_several_targets_have_a_scale_and_an_output_each() -> None:
    outputs, values = several()
    target = task.describe_target(Config(), values)
    assert target.names == ("price", "days")
    np.testing.assert_allclose(target.scale, values.std(ddof=0))
    encoded = task.encode(target, values)
    np.testing.assert_allclose(np.nanmean(encoded, axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(np.isnan(encoded), values.isna())
    assert task.output_head(keras.Input((3, 4)), target).shape == (None, 3, 2)
    decoder = task.Decode.from_config(task.Decode(asdict(SEVERAL)).get_config())
    assert decoder.target == SEVERAL
    decoded = decoder(outputs)
    np.testing.assert_allclose(decoded["prediction_days"], outputs[:, :, 1].mean(axis=1) * 0.5 + 5, rtol=1e-5)


def test_missing_targets_add_nothing_to_loss_and_scores() -> None:
    outputs, values = several()
    targets = task.encode(SEVERAL, values)[:, None]  # (batch, 1, targets)
    squares = (outputs - targets) ** 2
    found = fixed.evaluated(SEVERAL, outputs, targets)
    assert found["loss"] == pytest.approx(np.nansum(squares) / squares.size, rel=1e-5)
    weights = np.arange(200) / 99.5  # of mean 1
    decoded = {name: np.asarray(each) for name, each in task.Decode(asdict(SEVERAL))(outputs).items()}
    decoded = task.aligned(decoded, SEVERAL, SEVERAL)
    context = Context(Config(), task.output_parts(SEVERAL))
    for given in (None, weights):
        scores = metrics.score(values.to_numpy(), decoded, context, weights=given)
        assert fixed.evaluated(SEVERAL, outputs, targets, given)["rmse"] == pytest.approx(scores["rmse"], rel=1e-4)
    filled = np.nan_to_num(targets, nan=9.0)
    assert fixed.evaluated(SEVERAL, outputs, filled)["loss"] > found["loss"]


def test_each_of_several_targets_has_intervals_of_its_own() -> None:
    outputs, values = several(6_000)
    config, decoder = Config(interval_coverage=0.8), task.Decode(asdict(SEVERAL))
    decoder.build(outputs.shape)
    inputs = {"outputs": keras.Input(outputs.shape[1:], name="outputs")}
    identity = keras.Model(inputs, keras.layers.Identity()(inputs["outputs"]))
    validation = batching.in_order({"outputs": outputs}, task.encode(SEVERAL, values)[:, None])
    task.calibrate(config, decoder, identity, validation)
    decoded = {name: np.asarray(each) for name, each in decoder(outputs).items()}
    predictions = task.aligned(decoded, SEVERAL, SEVERAL)
    context = Context(config, task.output_parts(SEVERAL))
    crossed = task.cross_fitted(config, SEVERAL, values.to_numpy(), predictions, np.arange(6_000) % 5)
    for found in (predictions, crossed):
        scores = metrics.score(values.to_numpy(), found, context)
        assert scores["price:coverage"] == pytest.approx(0.8, abs=0.02)
        assert scores["days:coverage"] == pytest.approx(0.8, abs=0.02)
    np.testing.assert_array_equal(crossed["low_days"], crossed["low"][:, 1])
    assert task.continued(SEVERAL, TARGET) is None
    with pytest.raises(InputError, match=r"a model of the targets price, days is compared with one of \(one\)"):
        task.aligned(decoded, SEVERAL, TARGET)
