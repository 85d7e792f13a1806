"""Columns are sorted by what they hold, and the settings have the last word."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from project.core.errors import InputError
from project.data.columns import Columns, describe_columns

from declared import Config
from synthetic import make_table

NUM_EXAMPLES = 100


def describe(values: object, **settings: Any) -> Columns:
    table = pd.DataFrame({"column": values, "other": np.random.default_rng(0).normal(size=NUM_EXAMPLES)})
    return describe_columns(Config(target="y", **settings), table.assign(y=1))


def test_every_kind_is_recognised() -> None:
    columns = describe_columns(Config(target="kind", ignore=("price",)), make_table())
    assert columns == Columns(
        numbers=("size", "weight"),
        categories=("colour",),
        dates=("made",),
        texts=("remark",),
        left_out={"kind": "is the target", "price": "is ignored"},
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (range(1, NUM_EXAMPLES + 1), "counts"),
        (np.arange(NUM_EXAMPLES) ** 3 * 1_000, "counts"),
        ([None, *range(1, NUM_EXAMPLES)], "counts"),
        (np.random.default_rng(0).choice(500, NUM_EXAMPLES, replace=False) + 70_000, "of its own for each example"),
        ([f"{number:02x} {number % 7}a 0b {number:02x}" for number in range(NUM_EXAMPLES)], "hardly ever repeats"),
        ([7] * NUM_EXAMPLES, "constant"),
        ([None] * NUM_EXAMPLES, "empty"),
        ([f"id-{number}" for number in range(NUM_EXAMPLES)], "hardly ever repeats"),
    ],
)
def test_columns_that_tell_nothing_are_left_out(values: object, reason: str) -> None:
    assert reason in describe(values).left_out["column"]


@pytest.mark.parametrize(
    "values",
    [
        np.arange(NUM_EXAMPLES) + 0.5,  # real numbers
        np.random.default_rng(0).integers(0, 500, NUM_EXAMPLES),  # some repeat, as measurements do
        np.random.default_rng(0).choice(100_000, NUM_EXAMPLES, replace=False),  # too many values to repeat by chance
    ],
)
def test_measurements_are_no_identifiers(values: object) -> None:
    assert "column" in describe(values).numbers


@pytest.mark.parametrize("name", ["visit number", "PassengerId", "order_no", "ID"])
def test_numbers_that_all_differ_and_are_called_so_are_identifiers(name: str) -> None:
    values = np.random.default_rng(0).choice(10**9, NUM_EXAMPLES, replace=False)
    table = pd.DataFrame({name: values, "size": np.random.default_rng(0).normal(size=NUM_EXAMPLES), "y": 1})
    assert "of its own" in describe_columns(Config(target="y"), table).left_out[name]
    assert describe_columns(Config(target="y"), table.rename(columns={name: "inhabitants"})).numbers[0] == "inhabitants"


def test_copies_of_rows_hide_no_identifier() -> None:
    values = np.random.default_rng(0).choice(500, NUM_EXAMPLES, replace=False)
    table = pd.DataFrame({"visit": values, "size": np.random.default_rng(0).normal(size=NUM_EXAMPLES), "y": 1})
    columns = describe_columns(Config(target="y"), pd.concat([table, table.head(50)], ignore_index=True))
    assert "of its own" in columns.left_out["visit"]


def test_identifiers_are_kept_where_a_setting_says_so() -> None:
    assert "column" in describe(range(NUM_EXAMPLES), keep_identifiers="column").numbers


def test_a_constant_with_gaps_is_kept() -> None:
    assert "column" in describe([7.0, None] * (NUM_EXAMPLES // 2)).numbers


def test_truth_values_are_numbers() -> None:
    assert "column" in describe([True, False] * (NUM_EXAMPLES // 2)).numbers


@pytest.mark.parametrize("role", ["key", "group", "time", "ignore"])
def test_columns_with_a_role_are_no_features(role: str) -> None:
    value = ("column",) if role == "ignore" else "column"
    assert "column" in describe([1.0, 2.0] * (NUM_EXAMPLES // 2), **{role: value}).left_out


def test_settings_have_the_last_word() -> None:
    codes = ["10", "20"] * (NUM_EXAMPLES // 2)
    assert describe(codes, text=("column",)).texts == ("column",)
    assert describe(codes, categorical=("column",)).categories == ("column",)


@pytest.mark.parametrize("setting", ["ignore", "categorical", "text", "keep_identifiers"])
def test_a_setting_that_names_no_column_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match=f"{setting}.*'colum'"):
        describe([1, 2] * (NUM_EXAMPLES // 2), **{setting: ("colum",)})


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(InputError, match="is constant"):
        describe_columns(Config(target="y"), pd.DataFrame({"x": [1, 1, 1], "y": [1, 2, 3]}))
