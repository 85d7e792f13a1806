"""Monitoring measures the histories that clients sent as it measures those of training."""

import numpy as np
import pandas as pd
import pytest

from project.data import loading, requests
from project.exporting.registry import describe
from project.series import history_measures

import synthetic
from declared import Config


def test_requests_and_examples_are_measured_alike(finished: Config) -> None:
    inputs = describe(finished, 1)["inputs"]
    windows = loading.read_examples(finished, "train").head(30)
    sent = requests.as_table(inputs, synthetic.logged(finished, inputs, windows))
    kept = windows[requests.columns(["day", "load", "wind"])]
    expected = requests.from_examples(inputs, kept)
    assert set(sent) == set(expected) == {*history_measures.NAMES, "wind"}
    pd.testing.assert_frame_equal(sent[list(expected)], expected, check_dtype=False, atol=1e-4)


def test_broken_logs_are_missing_values(finished: Config) -> None:
    inputs = describe(finished, 1)["inputs"]
    table = requests.as_table(inputs, [{"load": "?", "wind": None}, {"load": [1, "x"], "wind": [3.0]}])
    assert table["history missing"].iloc[0] == 1
    assert table["wind"].isna().tolist() == [True, True]


def test_measures_are_those_of_their_definition() -> None:
    days = np.arange(70)
    values = 5 + 2 * np.sin(2 * np.pi * days / 7) + 0.1 * days
    found = {name: each[0] for name, each in history_measures.measure(values[None], 7).items()}
    assert found["history level"] == pytest.approx(values.mean())
    assert found["history trend"] == pytest.approx(3.5, abs=0.01)
    assert found["history seasonality"] > 0.5
    assert found["history missing"] == 0
