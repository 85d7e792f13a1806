"""Drift: the distances are as defined, chance raises no alarm, and real drift does."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import chebyshev, jensenshannon

from project.monitoring import drift
from project.monitoring.drift import Drift

TOLERANCE = 0.02


def table(num_rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """Columns of many kinds: gaps, a long tail, few values, a constant, rare and very many categories."""
    random = np.random.default_rng(seed)
    colours = random.choice(["red", "green", "blue"], num_rows, p=[0.5 - shift, 0.3 + shift, 0.2])
    names = [f"name {number}" for number in random.integers(0, 200, num_rows)]
    return pd.DataFrame(
        {
            "size": np.where(random.random(num_rows) < 0.1, np.nan, random.normal(size=num_rows)),
            "weight": random.lognormal(3, 2, num_rows),
            "doors": random.integers(2, 6, num_rows).astype("float64"),
            "flag": (random.random(num_rows) < 0.02).astype("float64"),
            "constant": np.ones(num_rows),
            "empty": np.full(num_rows, np.nan),
            "colour": pd.Series(colours, dtype=object).mask(random.random(num_rows) < 0.1, None),
            "name": pd.Series(names, dtype=object),
            "never": pd.Series([None] * num_rows, dtype=object),
        }
    )


def compare(reference: pd.DataFrame, window: pd.DataFrame, expected: tuple[str, ...] = ()) -> dict[str, Drift]:
    """The comparison by column."""
    found = drift.compare(reference, window, TOLERANCE, expected, reference.shape[1])
    return {each.column: each for each in found}


def alarms(compared: dict[str, Drift]) -> list[str]:
    """The columns to be alarmed at."""
    return [name for name, each in compared.items() if each.drifted or each.missing_drifted]


@pytest.mark.parametrize("num_rows", [100, 1_000, 10_000])
@pytest.mark.parametrize("num_reference", [250, 5_000])
def test_chance_raises_no_alarm(num_rows: int, num_reference: int) -> None:
    for seed in range(2):
        reference = table(num_reference, seed)
        assert alarms(compare(reference, reference.sample(num_rows, replace=True, random_state=seed))) == []
        assert alarms(compare(reference, table(num_rows, seed + 1_000))) == []


def test_a_season_is_no_drift_and_what_no_season_had_is() -> None:
    random = np.random.default_rng(0)
    days = np.arange(3 * 365)
    year = pd.DataFrame({"level": 10 * np.sin(2 * np.pi * days / 365) + random.normal(size=len(days))})
    summer = year.iloc[30:150].reset_index(drop=True)

    def alarm(window: pd.DataFrame, in_periods: bool) -> bool:
        (found,) = drift.compare(year, window, TOLERANCE, (), 1, in_periods=in_periods)
        return found.drifted

    assert alarm(summer, in_periods=False)
    assert not alarm(summer, in_periods=True)
    assert alarm(summer + 12, in_periods=True)


@pytest.mark.parametrize("num_reference", [250, 5_000])
def test_real_drift_of_known_size_does(num_reference: int) -> None:
    for seed in range(2):
        window = table(500, seed + 1_000, shift=0.3)
        window["size"] += 1  # standard deviation
        window.loc[window.index % 5 == 0, "doors"] = np.nan
        assert alarms(compare(table(num_reference, seed), window)) == ["size", "doors", "colour"]


def test_an_unseen_category_and_another_unit_do() -> None:
    window = table(500, 1)
    window["weight"] *= 1_000
    window["colour"] = window["colour"].replace("blue", "bleu")
    window["constant"] = 2.0
    assert alarms(compare(table(2_000, 0), window)) == ["weight", "constant", "colour"]


def test_expected_drift_is_measured_and_raises_no_alarm() -> None:
    window = table(500, 1)
    window["size"] += 3
    compared = compare(table(2_000, 0), window, expected=("size",))["size"]
    assert compared.distance is not None
    assert compared.distance > compared.threshold
    assert not compared.drifted


def test_columns_without_values_have_no_distance() -> None:
    window = table(500, 1).assign(size=np.nan)
    compared = compare(table(2_000, 0), window)
    assert compared["size"].distance is None
    assert compared["size"].missing_drifted
    assert compared["empty"].distance is compared["never"].distance is None


def test_distances_are_those_of_the_histograms() -> None:
    reference, window = table(900, 0), table(300, 1, shift=0.2)
    compared = compare(reference, window)
    for name in ("size", "weight", "colour"):
        bins = drift.choose_bins(pd.concat([reference[name], window[name]]))
        first, second = (counts / counts.sum() for counts in (bins.count(reference[name]), bins.count(window[name])))
        is_number = bins.measure == drift.JENSEN_SHANNON
        expected = jensenshannon(first, second, base=2) ** 2 if is_number else chebyshev(first, second)
        assert compared[name].distance == pytest.approx(expected, abs=1e-12)
        assert expected > 0


def test_a_hundred_columns_raise_no_alarm() -> None:
    random = np.random.default_rng(0)
    reference, window = (pd.DataFrame(random.normal(size=(rows, 100))).add_prefix("x") for rows in (2_000, 500))
    assert alarms(compare(reference, window)) == []
