"""TensorFlow Serving's REST protocol, by the examples of its documentation ("RESTful API")."""

import json
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import Field, Strict

from project.core.errors import RequestError
from project.data import requests
from project.serving import protocol
from project.serving.protocol import RequestFormat

NAMES = ["tag", "signal", "sensor"]
ROWS = [
    {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
    {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
]
COLUMNS = {
    "tag": ["foo", "bar"],
    "signal": [[1, 2, 3, 4, 5], [3, 4, 1, 2, 5]],
    "sensor": [[[1, 2], [3, 4]], [[4, 5], [6, 8]]],
}


@pytest.fixture(autouse=True)
def any_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs may hold any value, as in the documentation: this is about the protocol, not about a data type."""
    monkeypatch.setattr(requests, "value_type", lambda *_: Any)
    monkeypatch.setattr(requests, "read", lambda entry, values, strict: np.fromiter(values, object, len(values)))
    monkeypatch.setattr(requests, "check_together", lambda *_: None)


def accepting(*names: str, max_rows: int = 10) -> RequestFormat:
    """The format of inputs of some names."""
    return RequestFormat({name: {"column": name} for name in names}, max_rows, strict=True)


def columns(content: Any, *names: str) -> dict[str, list[Any]]:
    """The columns of a request."""
    return protocol.parse_request(json.dumps(content).encode(), accepting(*names)).columns


def test_rows_and_columns_are_two_ways_to_say_the_same() -> None:
    assert columns({"instances": ROWS}, *NAMES) == COLUMNS
    assert columns({"inputs": COLUMNS}, *NAMES) == COLUMNS


def test_a_single_input_needs_no_name() -> None:
    values = ["foo", "bar", "baz"]
    for sent in (values, [{"tag": value} for value in values]):
        assert columns({"instances": sent}, "tag") == {"tag": values}
    for inputs in (values, {"tag": values}):
        assert columns({"inputs": inputs}, "tag") == {"tag": values}


def test_unused_columns_are_accepted_and_ignored() -> None:
    accepted = RequestFormat({"tag": {"column": "tag"}, "signal": {"column": "signal"}}, 10, True, ["visit no.", "tag"])
    for sent in (
        {"instances": [{"tag": "foo", "signal": 1, "visit no.": 7}]},
        {"inputs": {"tag": ["foo"], "signal": [1], "visit no.": [7]}},
    ):
        found = protocol.parse_request(json.dumps(sent).encode(), accepted)
        assert found.columns == {"tag": ["foo"], "signal": [1]}


def test_what_is_left_out_is_missing() -> None:
    assert columns({"instances": [{"tag": "foo"}, {"signal": 1}]}, *NAMES)["signal"] == [None, 1]
    assert columns({"inputs": {"tag": ["foo", "bar"]}}, *NAMES)["signal"] == [None, None]


def test_bytes_come_in_base64() -> None:
    sent = [{"b64": "aW1hZ2UgYnl0ZXM="}, "seaside", {"b64": "YXdlc29tZSBpbWFnZSBieXRlcw=="}]
    expected = {"image": [b"image bytes", "seaside", b"awesome image bytes"]}
    assert columns({"instances": sent}, "image") == columns({"inputs": {"image": sent}}, "image") == expected


@pytest.mark.parametrize("value", [{"b64": "a"}, {"b64": "a b="}, {"b64": 1}, {"b65": "aaaa"}, {}])
def test_what_is_not_base64_is_refused(value: Any) -> None:
    with pytest.raises(RequestError, match=r"instances\[1\].image .*Base64"):
        columns({"instances": [{}, {"image": value}]}, "image", "caption")


def test_one_output_has_no_name_and_several_have() -> None:
    one = {"y": np.array([3.5, 4.0, 5.5], np.float32)}
    assert protocol.response_body(one, in_rows=True) == {"predictions": [3.5, 4.0, 5.5]}
    assert protocol.response_body(one, in_rows=False) == {"outputs": [3.5, 4.0, 5.5]}
    several = {"label": np.array([b"a", b"b"], object), "scores": np.array([[1.0, 0.0], [0.0, 1.0]])}
    assert protocol.response_body(several, in_rows=True) == {
        "predictions": [{"label": "a", "scores": [1.0, 0.0]}, {"label": "b", "scores": [0.0, 1.0]}]
    }
    assert protocol.response_body(several, in_rows=False) == {
        "outputs": {"label": ["a", "b"], "scores": [[1.0, 0.0], [0.0, 1.0]]}
    }


def test_outputs_named_bytes_are_answered_in_base64() -> None:
    assert protocol.plain("image_bytes", np.array([[b"image bytes"]], object)) == [[{"b64": "aW1hZ2UgYnl0ZXM="}]]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "JSON Parse error"),
        (b"\xff\xfe{}", 400, "JSON Parse error"),
        (b"[" * 100_000, 400, "JSON Parse error"),
        (b'{"instances": [' + b"9" * 5_000 + b"]}", 400, "JSON Parse error"),
        (b'{"instances": [NaN]}', 400, "NaN is not a number"),
        (b'{"instances": [-Infinity]}', 400, "Infinity is not a number"),
        (b"[1]", 400, "instances or inputs"),
        (b"{}", 400, "instances"),
        (b'{"instances": [{}], "inputs": {}}', 400, "one of them"),
        (b'{"instances": 1}', 400, "at least one"),
        (b'{"instances": []}', 400, "at least one"),
        (b'{"instances": {"tag": "foo"}}', 400, "at least one"),
        (b'{"instances": [{}, 1]}', 400, r"instances\[1\]"),
        (b'{"instances": [{"tag": "foo"}, {"tog": "foo"}]}', 400, r"instances\[1\].tog .* tag, signal"),
        (b'{"instances": [{}, {}, {}, {}]}', 413, "at most 3"),
        (b'{"inputs": []}', 400, "inputs"),
        (b'{"inputs": {}}', 400, "inputs"),
        (b'{"inputs": {"tag": "foo"}}', 400, "inputs.tag"),
        (b'{"inputs": {"tog": ["foo"]}}', 400, "inputs.tog"),
        (b'{"inputs": {"tag": ["foo"], "signal": [1, 2]}}', 400, "numbers of rows"),
        (b'{"inputs": {"tag": ["", "", "", ""]}}', 413, "at most 3"),
        (b'{"signature_name": "other", "instances": [{}]}', 400, "other"),
        (b'{"signature_name": ["other"], "instances": [{}]}', 400, "other"),
        (b'{"signature_name": "serialized_examples", "instances": ["text"]}', 400, r"examples\[0\]"),
        (b'{"signature_name": "serialized_examples", "instances": [{"b64": "AAAA"}]}', 400, r"examples\[0\]"),
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes, status: int, words: str) -> None:
    with pytest.raises(RequestError, match=words) as raised:
        protocol.parse_request(body, accepting(*NAMES, max_rows=3))
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"instances": ["a", "b"]}', r"instances\[1\].tag is wrong"),
        (b'{"inputs": ["a", "b"]}', r"inputs.tag\[1\] is"),
    ],
)
def test_a_refused_value_is_named_as_it_was_sent(body: bytes, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> np.ndarray:
        raise RequestError("is wrong", 422, row=1)

    monkeypatch.setattr(requests, "read", refuse)
    with pytest.raises(RequestError, match=words) as raised:
        protocol.parse_request(body, accepting("tag"))
    assert (raised.value.status, raised.value.field, raised.value.row) == (422, "tag", 1)


@pytest.mark.parametrize(
    ("kind", "value", "status", "words"),
    [
        (
            Annotated[float, Field(le=59.599998474121094)],
            60,
            422,
            r"instances\[0\].tag is 60; it should be at most 59.6$",
        ),
        (Annotated[float, Field(ge=-2_000_000)], -2e7, 422, "is -20000000.0; it should be at least -2000000$"),
        (Annotated[float, Strict()], "5", 400, 'is "5"; it should be a valid number$'),
        (Annotated[float, Strict()], None, 400, "is missing; it should be a valid number$"),
        (Literal[*map(str, range(1_000))], "x" * 10_000, 422, r"x\.\.\.; it should be '0', '1', .*\.\.\.$"),
    ],
)
def test_what_pydantic_refuses_is_told_in_a_sentence(
    kind: Any, value: Any, status: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "value_type", lambda *_: kind)
    with pytest.raises(RequestError, match=words) as raised:
        columns({"instances": [{"tag": value}]}, *NAMES)
    assert (raised.value.status, raised.value.field, raised.value.row) == (status, "tag", 0)
    assert len(str(raised.value)) < 600
