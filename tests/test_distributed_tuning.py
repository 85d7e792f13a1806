"""A search by several workers outlives the loss of one, goes on after the loss of all, and leaves no process behind."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from projects import SETTINGS, Project, grouped

FIRST = SETTINGS["problem"][0]  # one is enough: what workers do is the same for all
PATIENCE = 180  # seconds for workers to start, or for a search to end
NUM_TRIALS = 4
# What TensorFlow 2.21 writes by its native code, whatever it is told
NATIVE = re.compile(r"WARNING: All log messages before absl|[IWE]\d{4} ")
Found = TypeVar("Found")


class Search:
    """A search by two workers, as `make tune WORKERS=2` starts it."""

    def __init__(self, project: Project) -> None:
        command = [
            *("env", "--default-signal=INT"),  # which a process in the background ignores otherwise
            str(project.venv / "bin" / "python"),
            "-m",
            project.package,
            "tune",
            "--only",
            "--workers=2",
            "--tuner=random",
        ]
        self.folder = project.folder / "artifacts" / "tuning"
        self.started = time.time()
        self.process = subprocess.Popen(
            [*command, f"--max-trials={NUM_TRIALS}", "--epochs=1"],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": "src"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.workers = self.wait_for(self.find_workers)

    def find_workers(self) -> dict[str, int]:
        """The processes of both workers by their names, once they are there."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                variables = (folder / "environ").read_text(errors="replace").split("\0")
            except OSError:
                continue  # it has just ended
            names = [entry.partition("=")[2] for entry in variables if entry.startswith("KERASTUNER_TUNER_ID=")]
            if names and int(parent) == self.process.pid:
                found[names[0]] = int(folder.name)
        return found if len(found) == 2 else {}

    def running(self) -> dict[str, str]:
        """Which trial each worker is running."""
        for path in self.folder.glob("search/*/oracle.json"):
            if path.stat().st_mtime < self.started:
                break  # it tells of the search before
            try:
                return dict(json.loads(path.read_text(encoding="utf-8"))["ongoing_trials"])
            except ValueError:
                break  # it is being written
        return {}

    def wait_for(self, find: Callable[[], Found]) -> Found:
        """What is found at last."""
        until = time.monotonic() + PATIENCE
        while not (found := find()):
            assert self.process.poll() is None, self.end()
            assert time.monotonic() < until
            time.sleep(0.01)
        return found

    def kill(self, name: str) -> str:
        """Kills a worker in the middle of a trial, and tells of which one."""
        trial = self.wait_for(lambda: self.running().get(name, ""))
        os.kill(self.workers[name], signal.SIGKILL)
        return trial

    def end(self) -> tuple[int, str]:
        """The exit code of the search, and what it has printed."""
        printed, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, printed

    def orphans(self) -> list[str]:
        """Workers that are left; those that were just being started notice by themselves that nobody needs them."""
        until = time.monotonic() + PATIENCE
        while left := [name for name, number in self.workers.items() if Path(f"/proc/{number}").exists()]:
            if time.monotonic() > until:
                return left
            time.sleep(0.1)
        return []


@pytest.fixture
def start(cluster: Project) -> Iterator[Callable[[], Search]]:
    """Starts searches, which are ended with the test."""
    started: list[Search] = []

    def begin() -> Search:
        started.append(Search(cluster))
        return started[-1]

    yield begin
    for search in started:
        search.process.terminate()
        search.process.wait(PATIENCE)


@pytest.mark.parametrize("problem", grouped([FIRST]), indirect=True)
def test_a_search_outlives_its_workers(start: Callable[[], Search]) -> None:
    search = start()
    search.process.kill()
    search.end()
    assert search.orphans() == []

    search = start()
    search.process.send_signal(signal.SIGINT)
    code, printed = search.end()
    assert (code, search.orphans()) == (130, []), printed
    assert "interrupted" in printed
    assert "Traceback" not in printed

    search = start()
    interrupted = {search.kill(name) for name in ("worker-1", "worker-2")}
    code, printed = search.end()
    assert (code, search.orphans()) == (1, []), printed
    assert "error: there is no worker left" in printed
    assert "worker-1: killed by SIGKILL" in printed
    assert "Traceback" not in printed
    assert not (search.folder / "best_hyperparameters.json").exists()

    search = start()
    lost = search.kill("worker-2")
    code, printed = search.end()
    assert (code, search.orphans()) == (0, []), printed
    assert "going on with a search that has" in printed
    assert f"trial {lost}: another worker will try it again" in printed
    with (search.folder / "trials.csv").open(encoding="utf-8") as file:
        trials = {row["trial"]: row for row in csv.DictReader(file)}
    assert set(trials) == {str(number) for number in range(NUM_TRIALS)} >= {lost, *interrupted}
    assert {row["status"] for row in trials.values()} == {"COMPLETED"}
    for trial in trials:
        assert printed.count(f"trial {trial}: val_") <= 1, printed
    assert "(worker-1)" in next(line for line in printed.splitlines() if line.startswith(f"trial {lost}: val_"))
    winner = json.loads((search.folder / "best_hyperparameters.json").read_text(encoding="utf-8"))
    scores = [float(row[winner["monitor"]]) for row in trials.values()]
    assert winner["score"] == pytest.approx(min(scores))
    told = ("2 workers", "going on", "trial ", "worker-2 is lost", "the best", "wrote ")
    assert all(line.startswith(told) or NATIVE.match(line) for line in printed.splitlines()), printed
