"""The quantile loss, what decoding makes of quantiles, and how they are calibrated."""

from dataclasses import replace

import numpy as np
import pytest

from project import task
from project.core.errors import InputError
from project.data import batching
from project.task import Target

import fixed
from declared import Config

TARGET = Target(("load", "wind"), (10.0, 0.0), (2.0, 1.0), (0.1, 0.5, 0.9), 3, (86_400, 0, False))


def test_the_loss_is_that_of_quantiles_and_blind_to_what_is_missing() -> None:
    truth = np.array([[[1.0], [np.nan]]], "float32")
    quantiles = np.array([[[[0.0, 0.0]], [[5.0, 5.0]]]], "float32")
    loss = task.QuantileLoss((0.1, 0.9))
    assert float(loss(truth, quantiles)) == pytest.approx(2 * np.mean([0.1, 0.9]))


def test_outputs_of_another_shape_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"\(1, 4\), but the loss needs \(batch, 2, 1, 2\), that is \(batch, horizon, "
    ):
        task.QuantileLoss((0.1, 0.9))(np.zeros((1, 2, 1), "float32"), np.zeros((1, 4), "float32"))


def test_outputs_are_sorted_in_units_and_named() -> None:
    decoder = task.Decode(vars(TARGET), name="decode")
    quantiles = np.zeros((2, 3, 2, 3), "float32")
    quantiles[..., 0], quantiles[..., 2] = 1, -1  # crossed
    units = np.array([[(10, 2, 0.5), (0, 1, 1)], [(30, 4, 0.25), (0, 1, 1)]], "float32")  # of two series
    passed = {"last_time": np.array([0, 86_400]), "seasonal_error": np.ones((2, 2)), "units": units}
    found = decoder({"quantiles": quantiles, **passed})
    outputs = {name: np.array(values) for name, values in found.items()}
    assert outputs["forecast"][0].tolist() == [10, 0, 10, 0, 10, 0]
    assert outputs["p10"][0].tolist() == [8, -1, 8, -1, 8, -1]
    assert outputs["p90"][0].tolist() == [12, 1, 12, 1, 12, 1]
    assert outputs["p90"][1].tolist() == [34, 1, 34, 1, 34, 1]
    assert outputs["mean"].tolist() == [10, 30]
    assert outputs["times"][1].tolist() == [b"1970-01-03T00:00:00", b"1970-01-04T00:00:00", b"1970-01-05T00:00:00"]
    zoned = task.Decode(vars(replace(TARGET, zone="Z")))({"quantiles": quantiles, **passed})
    assert np.array(zoned["times"])[1, 0] == b"1970-01-03T00:00:00Z"
    parts = task.output_parts(TARGET)
    assert parts["forecast"] == ["load 1", "wind 1", "load 2", "wind 2", "load 3", "wind 3"]
    assert parts["times"] == ["1", "2", "3"]


def test_calibrated_quantiles_hold_their_share() -> None:
    random = np.random.default_rng(0)
    truths = random.normal(size=(1_000, 3, 2))
    moved = np.zeros((1_000, 3, 2, 3)) + task.shifts(TARGET, truths, np.zeros((1_000, 3, 2, 3)))
    assert (truths < moved[..., 0]).mean() == pytest.approx(0.1, abs=0.01)
    assert (truths < moved[..., 2]).mean() == pytest.approx(0.9, abs=0.01)
    assert (moved[..., 1] == 0).all()
    assert not task.shifts(TARGET, truths[:20], np.zeros((20, 3, 2, 3))).any()


def test_no_quantile_knows_the_value_that_it_is_to_hold() -> None:
    truths = np.random.default_rng(0).normal(size=(100, 6)).round(6)
    truths[7] = 9.0  # larger than all others
    names = {"p10": 0.0, "forecast": 0.0, "p90": 9.0}  # as if calibrated on all, itself included
    predictions = {name: np.full((100, 6), value) for name, value in names.items()}
    predictions["seasonal_error"] = np.full((100, 2), 3.0)
    found = task.cross_fitted(Config(), TARGET, truths, predictions, np.arange(100) // 20)
    own, others = truths[20:40], np.delete(truths, range(20, 40), axis=0)
    assert found["p90"][20] == pytest.approx(np.quantile(others, 0.9, axis=0))
    assert found["p10"][0] == pytest.approx(np.quantile(truths[20:], 0.1, axis=0))
    assert (own < found["p90"][20:40]).any()
    assert (found["forecast"] == 0).all()


def test_quantiles_of_small_and_large_series_move_by_their_units() -> None:
    errors = np.where(np.arange(200) % 2, 1_000.0, 1.0)[:, None]
    truths = np.random.default_rng(0).normal(size=(200, 3)) * errors
    target = Target(("load",), (0.0,), (1.0,), (0.1, 0.5, 0.9), 3, (86_400, 0, False))
    predictions = {name: np.zeros((200, 3)) for name in ("p10", "forecast", "p90")} | {"seasonal_error": errors}
    found = task.cross_fitted(Config(), target, truths, predictions, np.arange(200) // 40)
    for place in range(2):
        share = (truths < found["p90"])[place::2].mean()
        assert share == pytest.approx(0.9, abs=0.05)


def test_a_model_of_other_targets_cannot_be_continued() -> None:
    assert task.continued(TARGET, TARGET) == TARGET
    assert task.continued(TARGET, Target(("load",), *list(vars(TARGET).values())[1:])) is None


@pytest.mark.parametrize(("level", "name"), [(0.05, "p05"), (0.975, "p97_5"), (0.5, "p50")])
def test_names_of_quantiles(level: float, name: str) -> None:
    assert task.output_name(level) == name


def test_twice_the_weight_is_the_window_twice() -> None:
    random = np.random.default_rng(0)
    quantiles, truths = (random.normal(size=shape).astype("float32") for shape in ((5, 3, 2, 3), (5, 3, 2)))
    truths[0, 1] = np.nan
    counts = np.array([2, 0, 1, 1, 3])
    repeated = np.repeat(np.arange(5), counts)
    weighted = fixed.evaluated(TARGET, quantiles, truths, batching.scaled(counts))
    expected = fixed.evaluated(TARGET, quantiles[repeated], truths[repeated])
    assert weighted["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert weighted["mae"] == pytest.approx(expected["mae"], rel=1e-5)


def test_quantiles_are_calibrated_by_weight() -> None:
    truths = np.tile(np.arange(100.0)[:, None, None], (1, 3, 2))
    weights = np.where(np.arange(100) < 80, 0.25, 1.0)  # 20 and 20
    moved = task.shifts(TARGET, truths, np.zeros((100, 3, 2, 3)), weights)
    assert moved[0, 0].tolist() == [15, 0, 95]
