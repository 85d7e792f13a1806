"""What the server lets in, and how long it waits for it."""

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from project.core import artifacts
from project.core.errors import RefusedError
from project.serving import protocol
from project.serving.served_model import Models
from project.settings.base import DESCRIPTION, numbered
from project.stages import rollback

from declared import Config
from loopback import MODEL, Client, logged, serving, wait_until

KEY = "correct horse battery staple"
HEADERS = f"POST {MODEL}:predict HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {KEY}\r\n".encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def guarded(finished: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Config, Client]]:
    """A server with small limits that asks for a key."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "export").symlink_to(finished.artifacts.resolve() / "export")
    changes = {"artifacts": folder, "api_key": SecretStr(KEY), "request_bytes": 10_000_000, "request_seconds": 1.0}
    config = finished.model_copy(update={**changes, "hosts": ("127.0.0.1", "birds.example"), "poll_seconds": 0.05})
    with serving(config) as client:
        yield config, client


@pytest.fixture
def client(guarded: tuple[Config, Client]) -> Client:
    return guarded[1]


@pytest.fixture(scope="module")
def body(finished: Config) -> bytes:
    """A request that is answered."""
    row = artifacts.read_json(finished.paths.version(1) / DESCRIPTION, "export")["example"]
    return json.dumps({"instances": [row]}).encode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({**JSON, "X-API-Key": KEY}, 200),
        ({"Authorization": f"Bearer {KEY}", "Host": "birds.example:8501"}, 200),
        ({"X-API-Key": KEY, "Content-Type": "application/x-www-form-urlencoded"}, 200),  # as curl -d sends it
        ({}, 401),
        ({"X-API-Key": KEY + "!"}, 401),
        ({"X-API-Key": KEY, "Host": "evil.example"}, 400),
        ({"X-API-Key": KEY, "Host": "[::"}, 400),
        ({"X-API-Key": KEY, "Content-Type": "text/plain"}, 415),
        ({"X-API-Key": KEY, "Content-Encoding": "br"}, 415),
        ({"X-API-Key": KEY, "Origin": "https://evil.example"}, 403),
    ],
)
def test_only_who_may_ask_is_answered(client: Client, body: bytes, headers: dict[str, str], status: int) -> None:
    assert client.predict(body, **headers).status == status


def test_what_holds_no_data_needs_no_key_and_knows_of_it(client: Client) -> None:
    assert 'type="password"' in client.get("/").content
    assert client.get("/openapi.json").content["security"] == [{"key": []}]
    assert client.get("/docs").status == client.get("/healthz").status == client.get("/readyz").status == 200
    assert client.get("/metrics").status == client.get(MODEL).status == 401


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (gzip.compress, 200),
        (lambda body: gzip.compress(body)[:-4], 400),
        (lambda body: body, 400),
        (lambda body: gzip.compress(b" " * 10_000_001 + body), 413),  # 10 kB, as sent
    ],
)
def test_a_compressed_body_is_bounded_by_what_it_holds(client: Client, body: bytes, sent: Any, status: int) -> None:
    assert client.predict(sent(body), **{"X-API-Key": KEY, "Content-Encoding": "gzip"}).status == status


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b""),
        (HEADERS, b""),
        (
            HEADERS + b"Content-Length: 9\r\n\r\n{",
            b"HTTP/1.1 408",
        ),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, b"HTTP/1.1 400"),
    ],
)
def test_half_a_request_does_not_hold_a_connection(client: Client, sent: bytes, answer: bytes) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(sent)
        with contextlib.suppress(ConnectionResetError):  # a part that was not read any more
            received = b"".join(iter(lambda: connection.recv(4_096), b""))
            assert received.startswith(answer)
            assert bool(received) == bool(answer)
    assert time.monotonic() - started < 10


def test_more_connections_than_may_be_are_told(guarded: tuple[Config, Client], body: bytes) -> None:
    with serving(guarded[0].model_copy(update={"max_connections": 3})) as client:
        with contextlib.ExitStack() as held:
            for _ in range(2):
                held.enter_context(socket.create_connection(("127.0.0.1", client.port)))
            wait_until(lambda: client.predict(body, **{"X-API-Key": KEY}).status == 503)
        wait_until(lambda: client.predict(body, **{"X-API-Key": KEY}).status == 200)


@pytest.mark.parametrize("number", ["9" * 5_000, "99", "0"])
def test_a_version_that_cannot_be_is_not_found(client: Client, body: bytes, number: str) -> None:
    address = f"{MODEL}/versions/{number}"
    assert client.ask("POST", f"{address}:predict", body, **{"X-API-Key": KEY}).status == 404
    assert client.ask("GET", address, None, **{"X-API-Key": KEY}).status == 404


def test_a_request_that_fails_is_counted_and_logged(
    guarded: tuple[Config, Client], body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, client = guarded
    monkeypatch.setattr(protocol, "response_body", lambda *_: 1 / 0)
    answer = client.predict(body, **{"X-API-Key": KEY, "X-Request-Id": "failing"})
    assert (answer.status, answer.content) == (500, {"error": "internal error: ZeroDivisionError"})
    wait_until(lambda: any(line["id"] == "failing" and line["status"] == 500 for line in logged(config)))
    metrics = client.ask("GET", "/metrics", None, **{"X-API-Key": KEY}).content
    assert 'predict_requests_total{status="500"} 1.0' in metrics
    assert KEY not in "".join(path.read_text() for path in config.paths.requests.iterdir()) + metrics


def test_watching_goes_on_after_an_error_and_health_tells_of_it(
    guarded: tuple[Config, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = guarded[1]
    with monkeypatch.context() as patched:
        patched.setattr(Models, "refresh", lambda _: (_ for _ in ()).throw(OSError(24, "Too many open files")))
        wait_until(lambda: client.get("/healthz").status == 503)
        assert "Too many open files" in client.get("/healthz").content["error"]
    wait_until(lambda: client.get("/healthz").status == 200)


def test_only_ascii_digits_are_versions(tmp_path: Path) -> None:
    for name in ("1", "²", "٣", "9" * 5, "x"):
        (tmp_path / name).mkdir()
    assert numbered(tmp_path) == [1, 99_999]


def test_rollback_asks_the_server(guarded: tuple[Config, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    config, client = guarded
    asked = config.model_copy(update={"port": client.port})
    rollback.verify(asked, 1)
    monkeypatch.setattr(rollback, "PATIENCE", 0)
    with pytest.raises(RefusedError, match="still serves version 1"):
        rollback.verify(asked, 7)
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    rollback.verify(config.model_copy(update={"port": free}), 7)  # no server, nothing to ask
