"""Scores by their definitions, with missing steps, and baselines that forecast what they are meant to."""

from dataclasses import replace

import numpy as np
import pytest

from project import baselines, metrics
from project.data.resampling import Context
from project.evaluation import charts, scoring
from project.series import simple_forecasts
from project.series.histories import Histories

from declared import Config

NAN = np.nan
CONTEXT = Context(Config(), {})


def predictions(forecast: list[list[float]], **others: list[list[float]]) -> dict[str, np.ndarray]:
    scale = others.pop("scale", [[1.0]] * len(forecast))
    arrays = {name: np.array(values, float) for name, values in others.items()}
    return {"forecast": np.array(forecast, float), "seasonal_error": np.array(scale), **arrays}


def test_metrics_are_those_of_their_definition() -> None:
    targets = np.array([[1.0, 3.0], [NAN, 4.0]])
    scores = metrics.score(targets, predictions([[2.0, 3.0], [9.0, 2.0]], scale=[[2.0], [4.0]]), CONTEXT)
    assert scores["mae"] == pytest.approx((1 + 0 + 2) / 3)
    assert scores["rmse"] == pytest.approx(np.sqrt((1 + 0 + 4) / 3))
    assert scores["mase"] == pytest.approx((0.5 / 2 + 2 / 4) / 2)
    assert scores["smape"] == pytest.approx((2 * 1 / 3 + 0 + 2 * 2 / 6) / 3)
    assert not {"wql", "coverage", "interval_width"} & scores.keys()


def test_quantiles_are_scored_by_their_levels() -> None:
    targets = np.array([[2.0, 10.0]])
    given = predictions([[2.0, 8.0]], p10=[[1.0, 6.0]], p90=[[3.0, 9.0]])
    scores = metrics.score(targets, given, CONTEXT)
    losses = [2 * (0.1 * 1 + 0.1 * 4), 2 * 0.5 * 2, 2 * (0.1 * 1 + 0.9 * 1)]
    assert scores["wql"] == pytest.approx(np.mean(losses) / 12)
    assert scores["coverage"] == 0.5
    assert scores["interval_width"] == pytest.approx(2.5)
    assert list(metrics.quantile_levels(dict.fromkeys(("p97_5", "p05", "mean"), np.zeros(1)))) == [
        "p05",
        "forecast",
        "p97_5",
    ]


def test_histories_that_do_not_move_have_no_mase() -> None:
    scores = metrics.score(np.array([[1.0]]), predictions([[2.0]], scale=[[0.0]]), CONTEXT)
    assert np.isnan(scores["mase"])
    assert scores["mae"] == 1


def test_intervals_hold_the_value_and_are_wider_for_neighbours_that_are_alike() -> None:
    random = np.random.default_rng(0)
    errors = np.repeat(random.normal(size=40), 10)
    targets = np.stack([errors] * 10, axis=1)
    given = predictions(np.zeros_like(targets).tolist())
    found = scoring.intervals(targets, given, CONTEXT, 200)["mae"]
    assert found["low"] < found["value"] < found["high"]
    alone = np.std(np.abs(errors)) / np.sqrt(len(errors))
    assert found["high"] - found["low"] > 1.5 * 4 * alone


def histories(values: np.ndarray, season: int, horizon: int) -> Histories:
    training = [values[:, None].astype("float32")]
    return Histories(
        values[None, :, None].astype(float), (season,), horizon, training, np.ones((1, 1)), np.zeros((1, horizon, 0))
    )


def test_coverage_says_on_what_the_quantiles_were_calibrated() -> None:
    truth = np.arange(20.0).reshape(10, 2)
    figure = charts.coverage_by_step(truth, {"low": truth - 1, "high": truth}, {"low": 0.1, "high": 0.9})
    assert "calibrated on other parts of the validation period" in figure.note


def test_simple_forecasts() -> None:
    past = np.array([1.0, 2, 3, NAN, 5, 6, NAN])
    given = histories(past, 3, 4)
    assert simple_forecasts.last_value(given).ravel().tolist() == [6] * 4
    assert simple_forecasts.seasonal_naive(given).ravel().tolist() == [5, 6, 6, 5]
    assert simple_forecasts.seasonal_naive(given, 2).ravel().tolist() == [6, 5, 6, 5]
    longer = replace(given, seasons=(8,), repeated={8: np.array([[[7.0], [8], [NAN], [9]]])})
    assert simple_forecasts.seasonal_naive(longer).ravel().tolist() == [7, 8, 6, 9]
    assert simple_forecasts.drift(given).ravel() == pytest.approx(6 + np.arange(1, 5) * 5 / 6)


def test_exponential_smoothing_finds_a_season_and_a_ridge_its_lags() -> None:
    days = np.arange(210)
    series = 10 + 3 * np.sin(2 * np.pi * days / 7)
    given = histories(series[:196], 7, 7)
    np.testing.assert_allclose(simple_forecasts.exponential_smoothing(given).ravel(), series[196:203], atol=0.3)
    starts = np.arange(14, 180)
    windows = np.stack([series[start - 14 : start] for start in starts])[:, :, None]
    targets = np.stack([series[start : start + 7] for start in starts])
    train = Histories(
        windows, (7,), 7, [series[:196, None].astype("float32")], np.ones((166, 1)), np.zeros((166, 7, 0))
    )
    evaluation = Histories(series[None, 182:196, None], (7,), 7, [], np.ones((1, 1)), np.zeros((1, 7, 0)))
    found = simple_forecasts.ridge(train, targets, evaluation)
    np.testing.assert_allclose(found.ravel(), series[196:203], atol=0.3)
    spoiled, weights = np.where(np.arange(166)[:, None] < 20, 99.0, targets), np.repeat([0.0, 2.0], [20, 146])
    again = simple_forecasts.ridge(train, spoiled, evaluation, weights)  # as if the spoiled ones were not there
    np.testing.assert_allclose(again.ravel(), series[196:203], atol=0.3)


def test_gradient_boosting_learns_from_what_is_known_ahead_and_from_the_same_phase() -> None:
    random = np.random.default_rng(0)
    days = np.arange(700)
    promoted = random.random(700) < 0.3
    series = 50 + 10 * (days % 7) + 30 * promoted * (days % 7 > 4)  # a product, which no linear model can draw
    starts = np.arange(14, 690)
    places = starts[:, None] + np.arange(-14, 7)
    windows, targets, ahead = (
        series[places[:, :14], None],
        series[places[:, 14:]].astype(float),
        promoted[places[:, 14:], None],
    )
    whole = Histories(windows.astype(float), (7,), 7, [], np.ones((676, 1)), ahead.astype(float))
    train = replace(whole, values=whole.values[:500], ahead=whole.ahead[:500], scale=whole.scale[:500])
    test = replace(whole, values=whole.values[500:], ahead=whole.ahead[500:], scale=whole.scale[500:])
    found = baselines.baseline((train, targets[:500]), test, ["gradient_boosting", "ridge"])
    errors = {name: np.abs(each["forecast"] - targets[500:]).mean() for name, each in found.items()}
    assert errors["gradient_boosting"] < 2 < errors["ridge"]


@pytest.mark.parametrize("name", ["ridge", "gradient_boosting"])
def test_a_large_series_does_not_hide_a_small_one(name: str) -> None:
    random = np.random.default_rng(0)
    series = 10 + 3 * np.sin(2 * np.pi * np.arange(500) / 7) + random.normal(0, 0.3, 500)
    places = np.arange(14, 490)[:, None] + np.arange(-14, 7)
    both = np.concatenate([series[places], 1e4 * series[places]])[..., None]
    scales = np.repeat([[1.0], [1e4]], len(places), axis=0)
    whole = Histories(both[:, :14], (7,), 7, [], scales, np.zeros((len(both), 7, 0)))
    forecasts = baselines.baseline((whole, both[:, 14:, 0]), whole, [name])[name]["forecast"]
    errors = np.abs(forecasts - both[:, 14:, 0]).mean(axis=1)
    assert errors[: len(places)].mean() == pytest.approx(errors[len(places) :].mean() / 1e4, rel=0.2)


def test_smoothing_of_a_short_series_has_no_season() -> None:
    parameters = simple_forecasts.fit([np.array([1.0, 2, 3, 2, 3, 4, 3, 4])], 12)
    assert parameters.steps == 1
    assert np.isfinite(simple_forecasts.forecast(np.ones((2, 8)), parameters, 3)).all()
