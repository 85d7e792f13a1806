"""What a request may hold: every kind of value, and what is refused."""

from typing import Any

import numpy as np
import pytest

from project.core.errors import RequestError
from project.data import requests

NUMBER = {"kind": "number", "required": False, "low": 0, "high": 100}
WHOLE = NUMBER | {"whole": True}
CATEGORY = {"kind": "category", "required": False, "values": ["red", "grün"]}
OPEN = {"kind": "category", "required": False}
DATE = {"kind": "date", "required": False}
TEXT = {"kind": "text", "required": False}


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
    read = requests.read(entry, [value], strict=True)
    assert read.tolist() == [expected]
    assert read.dtype == (np.float32 if entry["kind"] == "number" else object)


def test_a_missing_number_is_nan() -> None:
    assert np.isnan(requests.read(NUMBER, [None], strict=True)).all()


@pytest.mark.parametrize(
    ("entry", "value", "status", "words"),
    [
        (NUMBER, "1.5", 400, "a number is needed"),
        (NUMBER, True, 400, "a number is needed"),
        (NUMBER, [1], 400, "a number is needed"),
        (NUMBER, b"1", 400, "a number is needed"),
        (NUMBER, float("inf"), 400, "finite"),
        (NUMBER, float("nan"), 400, "finite"),
        (NUMBER, 10**400, 400, "finite"),
        (NUMBER, -0.001, 422, "allowed is 0 to 100"),
        (NUMBER, 100.001, 422, "allowed is 0 to 100"),
        (WHOLE, 7.5, 422, "whole"),
        (CATEGORY, 1, 400, "as a string"),
        (CATEGORY, ["red"], 400, "as a string"),
        (CATEGORY, b"\xff", 400, "UTF-8"),
        (CATEGORY, "\ud800", 400, "UTF-8"),
        (CATEGORY, "blue", 422, '"red", "grün"'),
        (DATE, 20240229, 400, "a date"),
        (DATE, "29.2.2024", 400, "such as"),
        (DATE, "2023-02-29", 400, "such as"),
        (DATE, "2024-02-29T25:00", 400, "such as"),
        (TEXT, 1, 400, "as a string"),
        (NUMBER | {"required": True}, None, 400, "is missing"),
        (CATEGORY | {"required": True}, "", 400, "is missing"),
    ],
)
def test_what_is_not_allowed_is_refused(entry: dict[str, Any], value: Any, status: int, words: str) -> None:
    filler = "red" if entry["kind"] == "category" else 1 if entry["kind"] == "number" else "2024-01-01"
    with pytest.raises(RequestError, match=words) as raised:
        requests.read(entry, [filler, value], strict=True)
    assert (raised.value.status, raised.value.row) == (status, 1)
    if status == 422:
        requests.read(entry, [filler, value], strict=False)


def test_a_message_names_few_of_many_categories() -> None:
    with pytest.raises(RequestError, match='"19" and 980 more'):
        requests.read(OPEN | {"values": [str(number) for number in range(1_000)]}, ["x" * 10_000], strict=True)


@pytest.mark.parametrize("entry", [NUMBER, WHOLE, CATEGORY, OPEN, DATE, TEXT])
def test_every_kind_has_a_form_field_and_a_schema(entry: dict[str, Any]) -> None:
    assert requests.form_field(entry)["widget"] in ("number", "choice", "date", "text", "file")
    assert "anyOf" in requests.json_schema(entry)
    assert "type" in requests.json_schema(entry | {"required": True})
