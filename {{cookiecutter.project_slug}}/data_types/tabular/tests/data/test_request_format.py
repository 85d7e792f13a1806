"""What a request may hold: every kind of value, and what is refused."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from project.data import requests
from project.settings.data_type import RequestSettings

NUMBER = {"kind": "number", "required": False, "low": 0, "high": 100}
WHOLE = NUMBER | {"whole": True}
TRUTH = WHOLE | {"truth_values": ["nein", "ja"]}
CATEGORY = {"kind": "category", "required": False, "values": ["red", "grün"]}
OPEN = {"kind": "category", "required": False}
DATE = {"kind": "date", "required": False}
TEXT = {"kind": "text", "required": False}


def read(entry: dict[str, Any], value: Any, strict: bool = True) -> np.ndarray:
    """A value, validated and read."""
    return requests.read(entry, [TypeAdapter(requests.value_type(entry, strict)).validate_python(value)], strict)


@pytest.mark.parametrize(
    ("entry", "value", "expected"),
    [
        (NUMBER, 1.5, 1.5),
        (NUMBER, 100, 100),
        (WHOLE, 7.0, 7),
        (TRUTH, True, 1),
        (TRUTH, False, 0),
        (TRUTH, "Ja", 1),
        (TRUTH, 0, 0),
        (CATEGORY, "grün", "grün"),
        (CATEGORY, "grün".encode(), "grün"),
        (CATEGORY, "", ""),
        (CATEGORY, None, ""),
        (OPEN, "anything", "anything"),
        (DATE, "2024-02-29", "2024-02-29"),
        (DATE, "2024-02-29T23:59:59.123456Z", "2024-02-29T23:59:59.123456Z"),
        (DATE, "2024-02-29 09:30", "2024-02-29 09:30"),
        (TEXT, "some <b>words</b>\n", "some <b>words</b>\n"),
    ],
)
def test_values_are_read(entry: dict[str, Any], value: Any, expected: Any) -> None:
    array = read(entry, value)
    assert array.tolist() == [expected]
    assert array.dtype == (np.float32 if entry["kind"] == "number" else object)


def test_a_missing_number_is_nan() -> None:
    assert np.isnan(read(NUMBER, None)).all()


def test_whole_numbers_are_logged_as_integers() -> None:
    for entry, value, logged in ((WHOLE, 7.0, "7"), (WHOLE, 7.5, "7.5"), (WHOLE, None, "None"), (NUMBER, 7.0, "7.0")):
        assert str(requests.loggable(RequestSettings(), entry, value)) == logged


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        (NUMBER, "1.5", "a valid number"),
        (NUMBER, True, "a valid number"),
        (TRUTH, "true", "a valid number"),
        (NUMBER, [1], "a valid number"),
        (NUMBER, b"1", "a valid number"),
        (NUMBER, float("inf"), "a finite number"),
        (NUMBER, float("nan"), "a finite number"),
        (NUMBER, 10**400, "a valid number"),
        (NUMBER, 1e39, "less than or equal"),
        (CATEGORY, 1, "a string"),
        (CATEGORY, ["red"], "a string"),
        (CATEGORY, b"\xff", "a string in UTF-8"),
        (CATEGORY, "\ud800", "a string in UTF-8"),
        (DATE, 20240229, "a string"),
        (DATE, "29.2.2024", "a date such as"),
        (DATE, "2023-02-29", "a date such as"),
        (DATE, "2024-02-29T25:00", "a date such as"),
        (TEXT, 1, "a string"),
        (NUMBER | {"required": True}, None, "a valid number"),
        (CATEGORY | {"required": True}, "", "a string"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_values_of_another_type_are_refused(entry: dict[str, Any], value: Any, words: str, strict: bool) -> None:
    with pytest.raises(ValidationError, match=words):
        read(entry, value, strict)


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        (NUMBER, -0.001, "greater than or equal"),
        (NUMBER, 100.001, "less than or equal"),
        (WHOLE, 7.5, "a multiple of 1"),
        (CATEGORY, "blue", "'red' or 'grün'"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_if_strict(entry: dict[str, Any], value: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        read(entry, value)
    assert read(entry, value, strict=False)[0] == pytest.approx(value)


@pytest.mark.parametrize("entry", [NUMBER, WHOLE, CATEGORY, OPEN, DATE, TEXT])
def test_every_kind_has_a_form_field_and_a_schema(entry: dict[str, Any]) -> None:
    assert requests.form_field(entry)["widget"] in ("number", "choice", "date", "text", "file")
    optional, required = (
        requests.value_type(entry | {"required": is_required}, strict=True) for is_required in (False, True)
    )
    assert {"type": "null"} in TypeAdapter(optional).json_schema()["anyOf"]
    assert TypeAdapter(required).json_schema()["type"] == ("number" if entry["kind"] == "number" else "string")
