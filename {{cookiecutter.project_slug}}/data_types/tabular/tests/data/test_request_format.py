"""What a request may hold: every kind of value, and what is refused."""

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from project.data import requests
from project.settings.data_type import RequestSettings

NUMBER = {"kind": "number", "required": False, "low": 0, "high": 100}
WHOLE = NUMBER | {"whole": True}
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
    ("entry", "value", "kind"),
    [
        (NUMBER, "1.5", "float_type"),
        (NUMBER, True, "float_type"),
        (NUMBER, [1], "float_type"),
        (NUMBER, b"1", "float_type"),
        (NUMBER, float("inf"), "finite_number"),
        (NUMBER, float("nan"), "finite_number"),
        (NUMBER, 10**400, "float_type"),
        (NUMBER, 1e39, "less_than_equal"),
        (CATEGORY, 1, "string_type"),
        (CATEGORY, ["red"], "string_type"),
        (CATEGORY, b"\xff", "string_unicode"),
        (CATEGORY, "\ud800", "string_unicode"),
        (DATE, 20240229, "string_type"),
        (DATE, "29.2.2024", "date"),
        (DATE, "2023-02-29", "date"),
        (DATE, "2024-02-29T25:00", "date"),
        (TEXT, 1, "string_type"),
        (NUMBER | {"required": True}, None, "float_type"),
        (CATEGORY | {"required": True}, "", "string_type"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_values_of_another_type_are_refused(entry: dict[str, Any], value: Any, kind: str, strict: bool) -> None:
    with pytest.raises(ValidationError) as raised:
        read(entry, value, strict)
    assert raised.value.errors()[0]["type"] == kind


@pytest.mark.parametrize(
    ("entry", "value", "kind"),
    [
        (NUMBER, -0.001, "greater_than_equal"),
        (NUMBER, 100.001, "less_than_equal"),
        (WHOLE, 7.5, "multiple_of"),
        (CATEGORY, "blue", "literal_error"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused_if_strict(entry: dict[str, Any], value: Any, kind: str) -> None:
    with pytest.raises(ValidationError) as raised:
        read(entry, value)
    assert raised.value.errors()[0]["type"] == kind
    assert read(entry, value, strict=False)[0] == pytest.approx(value)


@pytest.mark.parametrize("entry", [NUMBER, WHOLE, CATEGORY, OPEN, DATE, TEXT])
def test_every_kind_has_a_form_field_and_a_schema(entry: dict[str, Any]) -> None:
    assert requests.form_field(entry)["widget"] in ("number", "choice", "date", "text", "file")
    optional, required = (
        requests.value_type(entry | {"required": is_required}, strict=True) for is_required in (False, True)
    )
    assert {"type": "null"} in TypeAdapter(optional).json_schema()["anyOf"]
    assert TypeAdapter(required).json_schema()["type"] == ("number" if entry["kind"] == "number" else "string")
