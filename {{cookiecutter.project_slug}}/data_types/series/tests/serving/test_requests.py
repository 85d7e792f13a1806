"""Histories as clients send them: cut to what the model needs, and refused by name where they are wrong."""

import json
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from project.core.errors import RequestError
from project.data.requests import form_field, loggable, read, value_type
from project.exporting.registry import describe
from project.serving import protocol

import synthetic
from declared import Config

Inputs = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def inputs(finished: Config) -> Inputs:
    return dict(describe(finished, 1)["inputs"])


def ask(inputs: Inputs, row: dict[str, Any], strict: bool = True) -> dict[str, np.ndarray]:
    accepted = protocol.RequestFormat(inputs, 10, strict)
    return protocol.parse_request(json.dumps({"instances": [row]}).encode(), accepted).arrays


@pytest.fixture
def row() -> dict[str, Any]:
    return synthetic.sent(synthetic.make_table(60))[20]


def test_longer_histories_are_cut_to_their_end(inputs: Inputs) -> None:
    table = synthetic.make_table(60)
    long = {"day": table["day"].astype(str).tolist(), "load": table["load"].tolist(), "wind": table["wind"].tolist()}
    arrays = ask(inputs, long)
    assert {values.shape for values in arrays.values()} == {(1, synthetic.CONTEXT)}
    np.testing.assert_allclose(arrays["load"][0], table["load"].tail(synthetic.CONTEXT), rtol=1e-6)


def test_too_short_a_history_is_refused_with_the_number_that_is_needed(inputs: Inputs, row: dict[str, Any]) -> None:
    short = {name: values[-5:] for name, values in row.items()}
    with pytest.raises(RequestError, match=rf"has 5 cells; at least {synthetic.CONTEXT} are needed") as refusal:
        ask(inputs, short)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row["load"].pop(), "at least 14|14 are needed"),
        (lambda row: row["load"].append(1.0), "load has 15 cells; 14 are needed: one for each of the 14 times"),
        (lambda row: row["day"].__setitem__(3, "2020-02-30"), "2020-02-30"),
        (lambda row: row["day"].__setitem__(3, row["day"][2]), "a step is 1 day"),
        (lambda row: row["load"].__setitem__(3, "much"), 'holds "much"; a number'),
        (lambda row: row["load"].__setitem__(3, True), "holds true; a number"),
        (lambda row: row.update(load=[None] * 14), "has no number"),
        (lambda row: row.update(load=7), "a list of cells is needed"),
        (lambda row: row.pop("day"), "day is missing"),
    ],
)
def test_wrong_histories_are_refused(inputs: Inputs, row: dict[str, Any], change: Any, message: str) -> None:
    change(row)
    with pytest.raises(RequestError, match=message):
        ask(inputs, row)


def test_truth_values_are_numbers_where_training_read_them(inputs: Inputs, row: dict[str, Any]) -> None:
    learned = {**inputs, "wind": inputs["wind"] | {"truth_values": ["false", "true"], "low": 0, "high": 1}}
    row["wind"] = [True, "false", "TRUE", None, *[False] * 10]
    assert ask(learned, row)["wind"][0, :5].tolist() == pytest.approx([1, 0, 1, np.nan, 0], nan_ok=True)


def test_what_is_missing_may_be_null_and_covariates_left_out(inputs: Inputs, row: dict[str, Any]) -> None:
    row["load"][3] = None
    del row["wind"]
    arrays = ask(inputs, row)
    assert np.isnan(arrays["load"]).sum() == 1
    assert np.isnan(arrays["wind"]).all()


def test_people_may_type_lists(inputs: Inputs, row: dict[str, Any]) -> None:
    typed = {name: ", ".join(str(value) for value in values) for name, values in row.items()}
    for name, values in ask(inputs, row).items():
        np.testing.assert_array_equal(ask(inputs, typed)[name], values)


def test_values_outside_the_schema_are_refused_if_strict() -> None:
    entry = {"kind": "observed number", "length": 2, "future": 0, "required": False, "low": 0.0, "high": 1.0}
    with pytest.raises(RequestError, match="allowed is 0 to 1") as refusal:
        read(entry, [[0.5, 7]], strict=True)
    assert refusal.value.status == 422
    assert read(entry, [[0.5, 7]], strict=False).tolist() == [[0.5, 7.0]]
    words = {"kind": "observed category", "length": 1, "future": 0, "required": False, "values": ["a"]}
    with pytest.raises(RequestError, match='allowed are "a"'):
        read(words, [["b"]], strict=True)


def test_the_log_keeps_what_the_model_saw(finished: Config, inputs: Inputs) -> None:
    cells = list(range(50))
    assert loggable(finished, inputs["load"], cells) == cells[-synthetic.CONTEXT :]
    assert loggable(finished, inputs["load"], None) is None


def test_pages_and_schemas_say_how_much_is_needed(inputs: Inputs) -> None:
    assert f"at least {synthetic.CONTEXT} cells" in form_field(inputs["load"])["hint"]
    schema = TypeAdapter(value_type(inputs["load"], strict=True)).json_schema()
    assert schema["minItems"] == synthetic.CONTEXT
