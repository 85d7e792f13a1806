"""The request log: a line per row, bounded files, and no request that fails for it."""

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from project.core import artifacts
from project.core.errors import RequestError
from project.data import loading, requests
from project.exporting import registry
from project.serving import protocol, request_log, served_model
from project.settings.base import DESCRIPTION

from declared import Config
from loopback import MODEL, Client, logged, serving, wait_until


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
        label = {"id": "order-17", "row": 1, "label": known_label(finished)}
        assert client.ask("POST", f"{MODEL}/feedback", label)[:2] == (200, {"accepted": 1})
        of_0_9 = [{"id": "order-17", "outcome": known_label(finished)}]
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
    assert [(line["row"], line["label"]) for line in lines[4:]] == [(row, known_label(finished)) for row in (1, 0)]
    assert {path.stat().st_mode & 0o777 for path in config.paths.requests.glob("*.jsonl")} == {0o600}


def known_label(config: Config) -> Any:
    """A label that the model could have predicted."""
    label = loading.read_examples(config, "test")[config.target].iloc[0]
    described = registry.describe(config, 1)
    horizon = len(described["parts"].get("forecast", []))
    return [1.5] * horizon if horizon else label.item() if hasattr(label, "item") else label


@pytest.fixture(scope="module")
def labelled(finished: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Config, Client]]:
    """A server that has answered a request, which is logged in a file that is not written to any more."""
    config = with_log(finished, tmp_path_factory.mktemp("labelled"), log_bytes=1_000, log_files=1, label_bytes=10_000)
    row = artifacts.read_json(finished.paths.version(1) / DESCRIPTION, "export")["example"]
    with serving(config) as client:
        assert client.predict({"instances": [row] * 20}, **{"X-Request-Id": "known"}).status == 200
        yield config, client


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"id": "unheard-of"}, 404, "no request unheard-of in the log"),
        ({"id": "known", "row": 20}, 422, "has no row 20"),
        ({"id": "known", "label": {"a": 1}}, 400, "ground truth"),
        ({"id": "known", "label": "x" * 200_000}, 422, r"feedback\[0\].label is .*it should be"),
        ({"id": "known", "label": [[1]]}, 422, "it should be"),
    ],
)
def test_ground_truth_that_cannot_be_is_refused(
    finished: Config, labelled: tuple[Config, Client], sent: dict[str, Any], status: int, words: str
) -> None:
    config, client = labelled
    answer = client.ask("POST", f"{MODEL}/feedback", {"label": known_label(finished)} | sent)
    assert answer.status == status
    assert re.search(words, answer.content["error"])
    assert not [line for line in logged(config) if "label" in line]


def test_ground_truth_is_answered_by_whether_it_is_kept(finished: Config, labelled: tuple[Config, Client]) -> None:
    config, client = labelled
    truth = [{"id": "known", "row": row, "label": known_label(finished)} for row in range(20)]
    statuses = [client.ask("POST", f"{MODEL}/feedback", truth).status for _ in range(10)]
    assert statuses == sorted(statuses)  # up to label_bytes, then 503
    assert set(statuses) == {200, 503}
    lines = logged(config)
    assert sum("label" in line for line in lines) == 20 * statuses.count(200)
    assert sum("outputs" in line for line in lines) == 20  # which ground truth has not pushed out


def test_ground_truth_is_refused_while_the_disk_is_full(
    finished: Config, tmp_path: Path, example: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = with_log(finished, tmp_path)
    label = {"id": "known", "label": known_label(finished)}
    with serving(config) as client:
        client.predict({"instances": [example]}, **{"X-Request-Id": "known"})
        wait_for_a_line(config, "known")
        with monkeypatch.context() as patched:
            patched.setattr(request_log, "write_whole", lambda *_: (_ for _ in ()).throw(OSError(28, "no space left")))
            answer = client.ask("POST", f"{MODEL}/feedback", label)
        assert (answer.status, "no space left" in answer.content["error"]) == (503, True)
        assert client.ask("POST", f"{MODEL}/feedback", label).status == 200


def test_files_older_than_log_days_are_removed(finished: Config, tmp_path: Path) -> None:
    config = finished.model_copy(update={"artifacts": tmp_path, "log_days": 2.0})
    config.paths.requests.mkdir(parents=True)
    for name, days in (("old", 3), ("labels-old", 3), ("new", 1)):
        path = config.paths.requests / f"{name}.jsonl"
        path.touch()
        os.utime(path, (time.time() - days * 86_400,) * 2)
    log = request_log.RequestLog(config, served_model.create_metrics())
    log.put([])
    log.close()
    assert [path.name for path in config.paths.requests.iterdir()] == ["new.jsonl"]


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
        protocol.read_feedback(sent if isinstance(sent, bytes) else json.dumps(sent).encode(), 10)


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
    def is_there() -> bool:
        with contextlib.suppress(FileNotFoundError):  # a file that was removed in the meantime
            return any(line["id"] == identifier for line in logged(config))
        return False

    wait_until(is_there)


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
