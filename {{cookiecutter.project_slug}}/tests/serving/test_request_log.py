"""The request log: a line per row, bounded files, and no request that fails for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from project.core import artifacts
from project.core.errors import RequestError
from project.data import requests
from project.exporting import registry
from project.serving import protocol, request_log
from project.settings.base import DESCRIPTION

from declared import Config
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


def test_every_row_rejection_and_label_is_a_line(finished: Config, tmp_path: Path, example: dict) -> None:
    config = with_log(finished, tmp_path)
    first = next(iter(example))
    inputs = registry.describe(config, 1)["inputs"]
    accepted = protocol.RequestFormat(inputs, 1, strict=True)
    sent = protocol.parse_request(json.dumps({"instances": [example]}).encode(), accepted).columns
    kept = {name: requests.loggable(config, inputs[name], value) for name, (value,) in sent.items()}
    with serving(config) as client:
        answered = client.predict({"instances": [example, example]}, **{"X-Request-Id": "order-17"})
        unnamed = client.predict(
            {"inputs": {name: [value] for name, value in example.items()}}, **{"X-Request-Id": "a b"}
        )
        refused = client.predict({"instances": [example | {first: [[]]}]})
        label = {"id": "order-17", "row": 1, "label": "true"}
        assert client.ask("POST", f"{MODEL}/feedback", label)[:2] == (200, {"accepted": 1})
        of_0_9 = [{"id": "order-17", "outcome": 1.5}]
        assert client.ask("POST", f"{MODEL}/feedback", of_0_9).status == 200
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
    assert [(line["row"], line["label"]) for line in lines[4:]] == [(1, "true"), (0, 1.5)]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([], "0 labels"),
        ({"label": 1}, r"\[0\].id is missing"),
        ({"id": "x" * 200, "label": 1}, r"\[0\].id .* 128 characters"),
        ({"id": "a"}, r"\[0\].label is missing"),
        ({"id": "a", "label": None}, "ground truth"),
        (b'{"id": "a", "label": [1e999]}', "ground truth"),
        ({"id": "a", "label": 1, "row": -1}, r"\[0\].row is -1; it should be at least 0"),
        ({"id": "a", "label": 1, "row": True}, r"\[0\].row is true"),
        ({"id": "a", "label": 1, "lable": 1}, r"\[0\].lable is unknown; these are known: id, row, label"),
        (b'{"id": "a", "label": NaN}', "NaN"),
        ("text", r"\[0\] is not an object"),
    ],
)
def test_a_wrong_label_is_refused(sent: Any, words: str) -> None:
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
