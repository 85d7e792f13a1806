"""Requests: any text is read, whatever is in it; what is no text is refused in words."""

import json
from typing import Any

import pytest

from project import observed, protocol, rare_words, request_format
from project.config import Config
from project.errors import RequestError

INPUTS = {"source": {"column": "source", "kind": "text", "required": True, "dtype": "string"}}


def question(value: Any) -> Any:
    body = json.dumps({"instances": [{"source": value}]}).encode()
    return protocol.read_question(body, INPUTS, 10, strict=True).arrays["source"][0]


@pytest.mark.parametrize("text", ["one", "a\0b", "👩‍👧", "\u202eabc", "x" * 100_000, "\u0301"])
def test_texts_are_read_as_they_are(text: str) -> None:
    assert question(text) == text


def test_broken_texts_are_mended() -> None:
    assert question("half \ud83d pair") == "half \ufffd pair"
    assert question({"b64": "/2E="}) == "\ufffda"


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "is missing"), (7, "of the type int"), (["one"], "of the type list"), ("", "is empty"), (" \0\t", "empty")],
)
def test_what_is_no_text_is_refused(value: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        question(value)
    assert caught.value.status == 400
    assert caught.value.field == "source"


def test_the_log_keeps_texts_only_if_it_may() -> None:
    entry = INPUTS["source"]
    kept = request_format.loggable(Config(log_texts=True), entry, "one two")
    assert request_format.from_log(kept) == "one two"
    without = request_format.loggable(Config(log_texts=False), entry, "one two")
    assert without == {"source_characters": 7, "source_words": 2, "source_non_ascii": 0.0}
    with pytest.raises(RequestError, match="set log_texts"):
        request_format.from_log(without)


def test_rare_words_are_what_training_hardly_has() -> None:
    known = rare_words.frequent(["old clock", "Old lamp", "old house", "a clock"])
    assert known == {"old"}
    assert rare_words.shares(["OLD old", "old lamp", "?", "one two old"], known).tolist() == [0, 0.5, 0, 2 / 3]


def test_what_is_logged_and_what_was_collected_look_the_same() -> None:
    rows = [{"source": request_format.loggable(Config(), INPUTS["source"], text)} for text in ("one two", "été")]
    table = observed.as_table(INPUTS, rows)
    same = observed.from_examples(INPUTS, table)
    compared, reference = observed.comparable(INPUTS, table, same)
    assert compared.equals(reference)
    assert list(compared) == ["source_characters", "source_words", "source_non_ascii", "rare_words"]
    without = observed.as_table(INPUTS, [{"source": {"source_words": 2}}, {}])
    assert list(observed.comparable(INPUTS, table, without)[0]) == list(compared)[:3]
