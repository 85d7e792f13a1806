"""The loop closes: serve, drift, alarm, feedback, update, swap and rollback, with a real server under traffic."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from projects import Project, copy_baked, succeed

PATIENCE = 60  # seconds for a server to start, or to follow
NUM_ROWS = 1_500
NUM_DRIFTED = 800
NUM_SWAPS = 20
OWN_SETTINGS = {
    "source": '"data/raw/table.csv"',
    "target": '"label"',
    "ignore": "()",
    "metric": '"accuracy"',
    "positive": '""',
    "costs": "{}",
    "criteria": '{"log_loss": "majority"}',
    "slices": "()",
}
WINDOWS = 2  # in a row that have to be bad for an alarm


def make_rows(num_rows: int, shift: float, seed: int) -> list[dict[str, Any]]:
    """Rows whose label follows x up to 1.5 and z above it, where few examples lie before the drift."""
    draw = random.Random(seed)  # noqa: S311 (a drawing, not a secret)
    rows = []
    for _ in range(num_rows):
        x, z = draw.gauss(shift, 1), draw.gauss(0, 1)
        leading = x if x < 1.5 else z
        rows.append({"x": round(x, 4), "z": round(z, 4), "label": "up" if leading + draw.gauss(0, 0.1) > 0 else "down"})
    return rows


class Server:
    """A real server in a process of its own, and a client that knows only its address."""

    def __init__(self, project: Project) -> None:
        python = str(project.venv / "bin" / "python")
        command = [python, "-m", project.package, "serve", "--port=0", "--poll-seconds=0.2"]
        environment = {**os.environ, "PYTHONPATH": "src"}
        self.process = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.address = self.process.stdout.readline().split()[2].rstrip(",")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()  # keeps the pipe from filling up
        self.name = project.package.replace("_", "-")

    def ask(self, path: str, content: object = None) -> dict[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        with urllib.request.urlopen(self.address + path, body, timeout=PATIENCE) as response:  # noqa: S310 (http)
            self.identifier = response.headers.get("X-Request-Id")
            answer: dict[str, Any] = json.load(response)
            return answer

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        instances = [{name: row[name] for name in ("x", "z")} for row in rows]
        predictions: list[dict[str, Any]] = self.ask(f"/v1/models/{self.name}:predict", {"instances": instances})[
            "predictions"
        ]
        return predictions

    def accuracy(self, rows: list[dict[str, Any]]) -> float:
        predictions = self.predict(rows)
        right = [each["label"] == row["label"] for each, row in zip(predictions, rows, strict=True)]
        return right.count(True) / len(rows)

    def wait_for(self, version: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            states = self.ask(f"/v1/models/{self.name}")["model_version_status"]
            if any((state["version"], state["state"]) == (str(version), "AVAILABLE") for state in states):
                return
            time.sleep(0.1)
        raise AssertionError(states)


@contextlib.contextmanager
def traffic(server: Server, failures: list[str]) -> Iterator[None]:
    """Sends a request after the other until the block ends, and keeps what failed."""
    rows, ended = make_rows(50, -1, seed=9), threading.Event()

    def send() -> None:
        while not ended.is_set():
            try:
                server.predict(rows[:3])
            except OSError as error:
                failures.append(str(error))
            time.sleep(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def closed_loop(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project on a table of its own, by the two settings that the README names, and without what is of the sample."""
    folder = copy_baked(tmp_path_factory.mktemp("loop"), problem="tabular-classification")
    project = Project(folder, "tabular-classification", environment)
    with (folder / "data" / "raw" / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["x", "z", "label"])
        writer.writeheader()
        writer.writerows(make_rows(NUM_ROWS, -1, seed=1))
    config = folder / "src" / project.package / "config.py"
    text = config.read_text(encoding="utf-8")
    for name, value in OWN_SETTINGS.items():
        text, count = re.subn(rf"(?m)^(    {name}: .*?) = .*$", rf"\1 = {value}", text)
        assert count == 1, name
    config.write_text(text, encoding="utf-8")
    succeed(project.make("export"))
    return project


def swap_often(project: Project, server: Server) -> None:
    """Has the versions take turns."""
    exported = project.folder / "artifacts" / "export" / server.name
    for _ in range(NUM_SWAPS // 2):
        (exported / "withdrawn" / "2").rename(exported / "2")
        server.wait_for(2)
        (exported / "2").rename(exported / "withdrawn" / "2")
        server.wait_for(1)


@pytest.mark.xdist_group("loop")
def test_the_loop_closes(closed_loop: Project) -> None:
    project = closed_loop
    failures: list[str] = []
    server = Server(project)
    try:
        server.wait_for(1)
        drifted, held_back = make_rows(NUM_DRIFTED, 2, seed=2), make_rows(500, 2, seed=3)
        before = server.accuracy(held_back)
        identifiers = []
        for window in range(WINDOWS):
            for row in drifted[window::WINDOWS]:
                server.predict([row])
                identifiers.append((server.identifier, row["label"]))
            time.sleep(1)  # the log is written behind the answers
            monitored = project.stage("monitor")
            assert monitored.returncode == (3 if window == WINDOWS - 1 else 0), monitored.stdout + monitored.stderr
        assert json.loads((project.folder / "artifacts/monitoring/status.json").read_text())["status"] == "alarm"
        labels = [{"id": identifier, "row": 0, "label": label} for identifier, label in identifiers]
        server.ask(f"/v1/models/{server.name}/feedback", labels)
        time.sleep(1)
        with traffic(server, failures):
            assert "version 2 replaces version 1" in succeed(project.make("update"))
            server.wait_for(2)
            assert server.accuracy(held_back) > before + 0.1
            assert "version 1 is in service again" in succeed(project.make("rollback"))
            server.wait_for(1)
            assert server.accuracy(held_back) == pytest.approx(before)
            swap_often(project, server)
        assert not failures
        assert "withdrawn" in succeed(project.make("versions"))
    finally:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
