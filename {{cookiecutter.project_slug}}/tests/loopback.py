"""A server on loopback, and a client that knows nothing but HTTP and TensorFlow Serving's documentation."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Generator
from typing import Any, NamedTuple

import uvicorn

from project.serving import guard, server
from project.settings.base import PROJECT

from declared import Config

MODEL = f"/v1/models/{PROJECT}"


class Answer(NamedTuple):
    status: int
    content: Any
    headers: dict[str, str]


class Client:
    """Asks one server, each time by a new connection."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Sends bytes as they are and everything else as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        names = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, json.loads(text) if is_json and text else text, names)

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def predict(self, body: Any, **headers: str) -> Answer:
        return self.ask("POST", f"{MODEL}:predict", body, **headers)

    def measured(self, name: str) -> float:
        """A number of /metrics."""
        lines = self.get("/metrics").content.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


@contextlib.contextmanager
def serving(config: Config) -> Generator[Client, None, None]:
    """A server in a thread; its log is written to the end when the block ends."""
    settings = uvicorn.Config(
        server.create(config),
        port=0,
        http=guard.limited(config.request_seconds),
        limit_concurrency=config.max_connections,
        log_level="error",
        access_log=False,
    )
    running = uvicorn.Server(settings)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        wait_until(lambda: running.started)
        yield Client(running.servers[0].sockets[0].getsockname()[1])
    finally:
        running.should_exit = True
        thread.join(30)


def wait_until(happened: Any) -> None:
    """Waits for what another thread does."""
    deadline = time.monotonic() + 30
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.02)


def logged(config: Config) -> list[dict[str, Any]]:
    """The lines of the request log, in their order; not one that is just being written."""
    paths = sorted(config.paths.requests.glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
