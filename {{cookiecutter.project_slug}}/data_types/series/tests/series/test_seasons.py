"""Seasons are found in made-up series that have them, in no others, and MASE scales by what they cost."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project import encoding, preprocessing
from project.data import tables
from project.evaluation import inference
from project.series import seasons, series_windows, window_shape
from project.series.steps import parse

import series_tables
from declared import Config

RANDOM = np.random.default_rng(0)
HOUR, DAY, MONTH = (parse(text).seasons for text in ("1 hour", "1 day", "1 month"))


def week_of_hours(num_weeks: int) -> np.ndarray:
    """A daily shape that is lower on weekends, and 2 % noise."""
    hours = np.arange(168 * num_weeks)
    weekend = np.where(hours // 24 % 7 >= 5, 0.7, 1.0)
    values: np.ndarray = (100 + 20 * np.sin(2 * np.pi * hours / 24)) * weekend
    return values * RANDOM.normal(1, 0.02, len(hours))


def daily(num_days: int) -> np.ndarray:
    days = np.arange(num_days)
    noise: np.ndarray = RANDOM.normal(0, 3, num_days)
    return 10 * np.cos(2 * np.pi * days / 365.25) + np.where(days % 7 > 4, -5, 2) + noise


def autoregressive(num_steps: int) -> np.ndarray:
    values = RANDOM.normal(size=num_steps)
    for step in range(1, num_steps):
        values[step] += 0.98 * values[step - 1]
    return values


@pytest.mark.parametrize(
    ("values", "calendar", "expected"),
    [
        (week_of_hours(39), HOUR, (24, 168)),
        (100 + np.sin(2 * np.pi * np.arange(3_000) / 24) + RANDOM.normal(0, 0.5, 3_000), HOUR, (24,)),
        (np.where(np.arange(3_000) // 24 % 7 >= 5, 0, 9) + RANDOM.normal(0, 1, 3_000), HOUR, (168,)),
        (daily(1_300), DAY, (7, 364)),
        (0.1 * np.arange(120) + 3 * np.cos(2 * np.pi * np.arange(120) / 12) + RANDOM.normal(0, 1, 120), MONTH, (12,)),
        (np.sin(2 * np.pi * np.arange(600) / 10) + RANDOM.normal(0, 0.3, 600), DAY, (10,)),
        (week_of_hours(2), HOUR, (24,)),  # fewer than three weeks
        (np.cumsum(RANDOM.normal(size=6_000)), HOUR, ()),
        (np.cumsum(RANDOM.normal(size=600)), DAY, ()),
        (autoregressive(6_000), HOUR, ()),
        (RANDOM.normal(size=60), MONTH, ()),
        (np.full(100, 7.0), DAY, ()),
        (np.full(100, np.nan), DAY, ()),
    ],
)
def test_the_seasons_of_made_up_series(
    values: np.ndarray, calendar: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert seasons.find([values], calendar) == expected
    values[::17] = np.nan
    assert seasons.find([values, values[:10]], calendar) == expected


def test_the_best_season_has_the_lowest_naive_error() -> None:
    week = week_of_hours(10)
    assert seasons.best([week], (24, 168), 24) == 168
    assert seasons.best([np.tile(week[:24], 20)], (24, 168), 24) == 24
    assert seasons.best([week], (), 24) == 1


def test_a_context_holds_the_longest_season_that_the_data_can_carry() -> None:
    assert window_shape.context_of((24, 168), 24, 6_552) == 336
    assert window_shape.context_of((24, 168, 8_736), 24, 20_000) == 336
    assert window_shape.context_of((24, 168), 24, 600) == 150
    assert window_shape.context_of((), 7, 100) == 25


def test_the_same_phases_of_each_step_end_before_the_forecast() -> None:
    places = seasons.same_phases(10, 4, (3, 5))
    assert places[:, 0].tolist() == [7, 8, 9, 7]
    assert places[:, -2].tolist() == [5, 6, 7, 8]
    assert places.shape == (4, 5)  # three cycles of three steps, since a fourth would not be whole, and two of five
    assert seasons.same_phases(10, 4, ()).shape == (4, 0)


def test_errors_are_those_of_the_training_period_by_series(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=28).astype(str).tolist()
    shops = {"a": np.tile([0.0, 2, 0, 4], 7), "b": np.arange(28.0)}
    parts = [series_tables.table(days, shop=name).assign(y=values) for name, values in shops.items()]
    rows = series_tables.read(tmp_path, pd.concat(parts), series="shop", season=(4,))
    config = Config(target="y", time="t", series="shop", season=(4,))
    shape = window_shape.resolve(config, rows)
    found = encoding.naive_errors(config, shape, rows)
    assert found["series"] == "shop"
    assert found["errors"]["b"] == [4.0]
    assert found["errors"]["a"] == pytest.approx([np.abs(np.diff(shops["a"])).mean()])  # it repeats exactly
    assert found["errors"][""] == pytest.approx([(found["errors"]["a"][0] + 4) / 2])


def test_the_model_scales_as_the_baselines_do(finished: Config) -> None:
    model = inference.load_model(finished)
    rows = tables.read_rows(finished, "train")
    (series,) = series_windows.regular(finished, window_shape.of_project(finished), rows)
    expected = np.abs(series.targets[7:] - series.targets[:-7]).mean()
    windows = preprocessing.loading.read_examples(finished, "validation").head(3)
    assert inference.predict(model, windows)["seasonal_error"] == pytest.approx(expected, rel=1e-5)
    both = preprocessing.simple_features(finished, windows, windows)
    assert both[1].scale == pytest.approx(expected, rel=1e-5)
