"""The request log: a line per row, bounded files, and no request that fails for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from project.config import Config
from project.core import artifacts
from project.core.errors import RequestError
from project.data import requests
from project.exporting import registry
from project.serving import protocol, request_log
from project.settings.base import DESCRIPTION

from loopback import MODEL, logged, serving, wait_until


@pytest.fixture
def example(finished: Config) -> dict[str, Any]:
    """A request's row."""
    row: dict[str, Any] = artifacts.read_json(finished.paths.version(1) / DESCRIPTION, "export")["example"]
    return row


def with_log(finished: Config, folder: Path, **settings: Any) -> Config:
    """The finished project's model with a log of its own."""
    (folder / "export").symlink_to(finished.artifacts.resolve() / "export")
    return finished.model_copy(update={"artifacts": folder, **settings})


def test_every_row_refusal_and_outcome_is_a_line(finished: Config, tmp_path: Path, example: dict) -> None:
    config = with_log(finished, tmp_path)
    first = next(iter(example))
    inputs = registry.describe(config, 1)["inputs"]
    sent = protocol.read_question(json.dumps({"instances": [example]}).encode(), inputs, 1, strict=True).columns
    kept = {name: requests.loggable(config, inputs[name], value) for name, (value,) in sent.items()}
    with serving(config) as client:
        answered = client.predict({"instances": [example, example]}, **{"X-Request-Id": "order-17"})
        unnamed = client.predict(
            {"inputs": {name: [value] for name, value in example.items()}}, **{"X-Request-Id": "a b"}
        )
        refused = client.predict({"instances": [example | {first: [[]]}]})
        outcome = {"id": "order-17", "row": 1, "outcome": "true"}
        assert client.ask("POST", f"{MODEL}/feedback", outcome)[:2] == (200, {"accepted": 1})
        assert client.ask("POST", f"{MODEL}/feedback", [{"id": "order-17", "outcome": 1.5}]).status == 200
    lines = logged(config)
    assert [line["id"] for line in lines[:2]] == ["order-17"] * 2
    assert [line["row"] for line in lines[:3]] == [0, 1, 0]
    for line, prediction in zip(lines[:2], answered.content["predictions"], strict=True):
        assert line["inputs"] == kept
        assert line["outputs"] == prediction
        assert (line["version"], line["status"]) == (1, 200)
        assert line["latency_ms"] > 0
        assert len(line["time"]) == len("2026-11-22T09:30:00.123+00:00")
    assert lines[2]["id"] == unnamed.headers["x-request-id"] != "a b"
    assert lines[3].items() >= {"status": 400, "error": refused.content["error"], "field": first}.items()
    assert [(line["row"], line["outcome"]) for line in lines[4:]] == [(1, "true"), (0, 1.5)]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([], "0 outcomes"),
        ({"outcome": 1}, "no id"),
        ({"id": "x" * 200, "outcome": 1}, "no id"),
        ({"id": "a"}, "no outcome"),
        ({"id": "a", "outcome": None}, "no outcome"),
        (b'{"id": "a", "outcome": [1e999]}', "no outcome"),
        ({"id": "a", "outcome": 1, "row": -1}, "row -1"),
        ({"id": "a", "outcome": 1, "row": True}, "row True"),
        ({"id": "a", "outcom": 1}, "outcome 0"),
        (b'{"id": "a", "outcome": NaN}', "NaN"),
        ("text", "outcome 0"),
    ],
)
def test_a_wrong_outcome_is_refused(sent: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        request_log.read_feedback(sent if isinstance(sent, bytes) else json.dumps(sent).encode(), 10)


def test_what_is_never_to_be_logged_is_not(finished: Config, tmp_path: Path, example: dict) -> None:
    name = next(iter(example))
    config = with_log(finished, tmp_path, log_never=(name, "probability"))
    with serving(config) as client:
        assert client.predict({"instances": [example]}).status == 200
        assert client.predict({"instances": [example | {name: ["secret"]}]}).status == 400
    text = "".join(path.read_text() for path in config.paths.requests.glob("*"))
    answered, refused = logged(config)
    assert answered["inputs"].keys() == example.keys() - {name}
    assert "probability" not in answered["outputs"]
    assert refused["field"] == name
    assert "secret" not in text


def test_files_are_followed_by_others_and_the_oldest_removed(finished: Config, tmp_path: Path, example: dict) -> None:
    config = with_log(finished, tmp_path, log_bytes=1_000, log_files=2)
    with serving(config) as client:
        for number in range(5):
            client.predict({"instances": [example] * 10}, **{"X-Request-Id": f"request-{number}"})
            wait_for_a_line(config, f"request-{number}")
    assert len(list(config.paths.requests.glob("*.jsonl"))) == 2
    assert logged(config)[-1]["id"] == "request-4"
    assert all(line["id"] != "request-0" for line in logged(config))


def wait_for_a_line(config: Config, identifier: str) -> None:
    wait_until(lambda: any(line["id"] == identifier for line in logged(config)))


def test_a_share_of_nothing_writes_nothing(finished: Config, tmp_path: Path, example: dict) -> None:
    config = with_log(finished, tmp_path, log_share=0.0)
    with serving(config) as client:
        assert client.predict({"instances": [example]}).status == 200
        assert client.predict({"instances": [{}, 1]}).status == 400
    assert logged(config) == []


def test_a_log_that_cannot_be_written_fails_no_request(
    finished: Config, tmp_path: Path, example: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_log(finished, tmp_path)
    (tmp_path / "serving").write_text("a file in the place of the folder")
    with serving(config) as client:
        for _ in range(3):
            assert client.predict({"instances": [example]}).status == 200
        wait_until(lambda: client.measured("request_log_failed_lines_total") == 3)
    assert capsys.readouterr().err.count("cannot be written") == 1
