"""Logged inputs and training examples take the same form, whatever clients send."""

from typing import Any

import numpy as np
import pandas as pd

from project.data import requests

INPUTS: dict[str, dict[str, Any]] = {
    "size": {"column": "size in cm", "kind": "number", "whole": True},
    "colour": {"column": "colour", "kind": "category"},
    "made": {"column": "made", "kind": "date"},
    "remark": {"column": "remark", "kind": "text"},
}


def test_requests_and_examples_give_the_same_table() -> None:
    examples = pd.DataFrame(
        {
            "size in cm": pd.array([3, None], dtype="Int64"),
            "colour": ["red", None],
            "made": pd.to_datetime(["2020-01-02T12:00:00", None]),
            "remark": ["two words", ""],
        }
    )
    rows: list[dict[str, Any]] = [
        {"size": 3, "colour": "red", "made": "2020-01-02T13:00:00+01:00", "remark": "two words"},
        {"size": None, "colour": None, "made": "", "remark": ""},
    ]
    table = requests.as_table(INPUTS, rows)
    pd.testing.assert_frame_equal(table, requests.from_examples(INPUTS, examples))
    compared, same = requests.comparable(INPUTS, table, table)
    pd.testing.assert_frame_equal(compared, same)
    assert compared["remark"].tolist()[0] == 2
    assert compared.dtypes.astype(str).to_dict() == {
        "size in cm": "float64",
        "colour": "object",
        "made": "float64",
        "remark": "float64",
    }
    assert requests.expected_to_change(INPUTS) == ["made"]


def test_what_clients_should_not_have_sent_is_missing_or_a_text() -> None:
    odd = [[1], {"a": 1}, "x", True, 10**400, float("nan")]
    table = requests.as_table(INPUTS, [dict.fromkeys(INPUTS, value) for value in odd])
    assert np.isnan(table["size in cm"].drop(3)).all()
    assert table["made"].isna().all()
    assert table["colour"].tolist()[:4] == ["[1]", "{'a': 1}", "x", "True"]
    assert requests.to_text("\ud800") == "?"


def test_the_schema_sees_whole_numbers_as_integers() -> None:
    table = requests.as_table(INPUTS, [{"size": 3.0, "made": "2020-01-02"}, {"size": None}])
    typed = requests.in_schema_types(INPUTS, table)
    assert str(typed["size in cm"].dtype) == "Int64"
    assert typed["made"][0] == pd.Timestamp("2020-01-02")
    broken = requests.in_schema_types(INPUTS, requests.as_table(INPUTS, [{"size": 3.5}]))
    assert str(broken["size in cm"].dtype) == "float64"
