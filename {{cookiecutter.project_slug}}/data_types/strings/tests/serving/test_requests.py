"""Any text is answered or refused with a reason, and the log keeps what the settings allow."""

from typing import Any

import pytest

from project.core.errors import RequestError
from project.data import requests
from project.text import texts

from declared import Config
from loopback import Client, logged, serving

ENTRY = {"required": True, "max_characters": 20}


def read(*values: Any) -> list[str]:
    return list(requests.read(ENTRY, list(values), strict=True))


def test_strings_and_bytes_are_texts() -> None:
    assert read("a", "é🙂".encode(), "\0x", " \n b") == ["a", "é🙂", "\0x", " \n b"]


def test_what_is_no_unicode_is_replaced_as_in_training() -> None:
    assert read("a\ud800", b"\xffb", b"\xef\xbb\xbfc") == ["a\ufffd", "\ufffdb", "c"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "is missing; send a text"),
        (5, "is of the type int; send a text"),
        (True, "is of the type bool"),
        (["a"], "is of the type list"),
        ("", "is empty"),
        (" \0\n", "is empty"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_text_is_refused(value: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message) as refused:
        read("fine", value)
    assert refused.value.status == 400
    assert refused.value.row == 1


def test_the_log_keeps_measures_and_the_text_if_it_may() -> None:
    kept = requests.loggable(Config(), ENTRY, "Some words\ud800")
    assert kept == texts.measure_sent(ENTRY, "Some words\ufffd") | {texts.COLUMN: "Some words\ufffd"}
    assert requests.from_log(kept) == "Some words\ufffd"
    measures = requests.loggable(Config(log_texts=False), ENTRY, b"Some words")
    assert measures == texts.measure_sent(ENTRY, "Some words")
    for value in (measures, None, "text"):
        with pytest.raises(RequestError, match="log_texts"):
            requests.from_log(value)


HOSTILE = [
    "\ud800",
    "\ud83d\ude42",
    "\0nul",
    "e\u0301",
    "\u202e\u05e9\u05dc",
    "<script>alert(1)</script>",
    "x" * 1_000_000,
    "🙂" * 300,
]


@pytest.mark.parametrize("log_texts", [True, False])
def test_the_server_answers_any_text(finished: Config, tmp_path: Any, log_texts: bool) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    (folder / "export").symlink_to(finished.artifacts / "export")
    config = finished.model_copy(update={"artifacts": folder, "log_texts": log_texts})
    with serving(config) as client:
        answers = [client.predict({"instances": [{texts.COLUMN: text}]}) for text in HOSTILE]
        assert [answer.status for answer in answers] == [200] * len(HOSTILE)
        together = client.predict({"instances": HOSTILE}).content["predictions"]
        assert len(together) == len(HOSTILE)
        assert client.predict({"instances": [{texts.COLUMN: {"b64": "/w=="}}]}).status == 200
        refuse(client)
    lines = [line for line in logged(config) if "inputs" in line]
    assert len(lines) == 2 * len(HOSTILE) + 1
    assert all(set(line["inputs"][texts.COLUMN]) - {texts.COLUMN} == set(texts.NUMBERS) for line in lines)
    assert all((texts.COLUMN in line["inputs"][texts.COLUMN]) == log_texts for line in lines)


def refuse(client: Client) -> None:
    """Asks what no model can answer."""
    for body in (
        {"instances": [{texts.COLUMN: ""}]},
        {"instances": [{texts.COLUMN: "\ud800"}, {texts.COLUMN: None}]},
        {"instances": [{"\ud800": "a"}]},
        {"inputs": {texts.COLUMN: [["a"]]}},
        b'{"instances": ["\xff\xfe"]}',
    ):
        answer = client.predict(body)
        assert answer.status == 400
        assert answer.content["error"]
