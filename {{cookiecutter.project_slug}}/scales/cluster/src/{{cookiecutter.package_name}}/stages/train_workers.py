"""make train-workers: trains with several worker processes on this machine, and restarts them when one is killed."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ..config import Config
from ..core import command
from ..distributed import processes
from ..settings.base import PACKAGE, Paths

RESTARTS = 3  # of all workers, each time one of them is lost
POLL = 0.2  # seconds between two checks of the workers


def main(config: Config) -> int:
    """Starts the workers, and restarts all of them if one is lost: they go on from the last checkpoint."""
    for restart in range(RESTARTS + 1):
        with running(config) as workers:
            status = wait(workers)
        if status in (0, command.EXIT_MISTAKE, command.EXIT_SETTING):
            return status
        print(f"a worker was lost (status {status}) {restart + 1} times; all are restarted up to {RESTARTS} times")
    print(f"what the workers wrote is in {log(config.paths, 1).parent}", file=sys.stderr)
    return command.EXIT_MISTAKE


@contextlib.contextmanager
def running(config: Config) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The workers, the chief first, which are ended at the latest when the block is left."""
    addresses = [f"localhost:{port}" for port in free_ports(config.workers)]
    workers: list[subprocess.Popen[bytes]] = []
    try:
        workers.extend(start(config, addresses, index) for index in range(config.workers))
        yield workers
    finally:
        processes.end(workers)


def start(config: Config, addresses: list[str], index: int) -> subprocess.Popen[bytes]:
    """A worker with its share of the cores; the chief writes to the screen, the others to their logs."""
    place = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    environment = {**processes.share(config.workers), **os.environ, "TF_CONFIG": json.dumps(place)}
    words = [sys.executable, "-m", PACKAGE, "train", command.ONLY, *command.settings_given(sys.argv[2:])]
    path = log(config.paths, index)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        output = None if index == 0 else file
        return subprocess.Popen(words, env=environment, stdout=output, stderr=output)


def wait(workers: list[subprocess.Popen[bytes]]) -> int:
    """Waits until all have ended well, or one has not; returns 0 or its status."""
    while True:
        statuses = [worker.poll() for worker in workers]
        failed = [status for status in statuses if status]
        if failed:
            return int(failed[0])
        if all(status == 0 for status in statuses):
            return 0
        time.sleep(POLL)


def log(paths: Paths, index: int) -> Path:
    """The log of a worker that does not write to the screen."""
    return paths.training / "workers" / f"{index}.log"


def free_ports(count: int) -> list[int]:
    """Free ports of this machine."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
