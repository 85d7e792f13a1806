"""Writes requests, answers and true outcomes as JSON lines, from a thread of its own: no request waits for a disk.

A file is named by when it was begun, so that names sort by time, and by a random word, so that two servers can share a
folder. Lines are of three kinds:
    {"id", "row", "time", "version", "status", "latency_ms", "inputs", "outputs"}   one per row that was answered
    {"id", "time", "version", "status", "error", "field"}                           one per request that was refused
    {"id", "row", "time", "outcome"}                                                one per outcome that was told later
"""

import errno
import json
import os
import queue
import sys
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from typing import Any

import numpy as np

from ..config import Config
from ..data import request_format
from . import protocol
from .service_metrics import ServiceMetrics

QUEUE_LENGTH = 10_000  # requests; more are dropped and counted, since memory is finite
PAUSE_SECONDS = 0.1  # between two writes: a thread that wakes for each request takes time from the one that answers
COMPLAINT_SECONDS = 60  # between two complaints about a disk
CLOSING_SECONDS = 10  # that a server which stops waits for its log


@dataclass(frozen=True)
class Answered:
    """A request and what it was answered."""

    identifier: str
    time: float
    version: int
    latency: float
    """Seconds."""
    inputs: protocol.Inputs
    columns: dict[str, list[Any]]
    outputs: dict[str, np.ndarray]


class RequestLog:
    """A queue, and the thread that empties it into files."""

    def __init__(self, config: Config, metrics: ServiceMetrics) -> None:
        """Starts the thread; nothing is written before there is something to write."""
        self.config, self.metrics, self.folder = config, metrics, config.paths.requests
        self.queue: queue.SimpleQueue[Answered | list[dict[str, Any]] | None] = queue.SimpleQueue()
        self.file: FileIO | None = None
        self.complained = -float("inf")
        self.thread = threading.Thread(target=self.write_for_ever, name="request log", daemon=True)
        self.thread.start()

    def put(self, item: Answered | list[dict[str, Any]]) -> bool:
        """Hands over what is to be written, without waiting; False if it had to be dropped."""
        if self.queue.qsize() >= QUEUE_LENGTH:
            self.metrics.log_dropped.inc()
            return False
        self.queue.put(item)
        return True

    def close(self) -> None:
        """Waits until everything is written."""
        self.queue.put(None)
        self.thread.join(CLOSING_SECONDS)

    def write_for_ever(self) -> None:
        """Writes what is in the queue, all that came within a pause at once."""
        is_open = True
        while is_open:
            items = [self.queue.get()]
            time.sleep(PAUSE_SECONDS)
            while not self.queue.empty():
                items.append(self.queue.get())
            is_open = None not in items
            lines = [line for item in items if item is not None for line in lines_of(self.config, item)]
            try:
                self.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            except OSError as error:
                self.complain(error, len(lines))
        if self.file:
            self.file.close()

    def write(self, text: bytes) -> None:
        """Appends lines to the file, and begins another one when it is full or was taken away."""
        if self.file is None or is_gone(self.file):
            self.file = self.begin()
        if self.file.write(text) < len(text):
            raise OSError(errno.ENOSPC, "the disk is full")
        if self.file.tell() >= self.config.log_bytes:
            self.file.close()
            self.file = None

    def begin(self) -> FileIO:
        """Opens a new file and removes the oldest ones, so that there are no more than `log_files`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}.jsonl"
        file = path.open("wb", buffering=0)
        for old in sorted(self.folder.glob("*.jsonl"))[: -self.config.log_files]:
            old.unlink(missing_ok=True)
        return file

    def complain(self, error: OSError, num_lines: int) -> None:
        """Counts lost lines and says so once a minute; the file is begun anew, since half a line may stand in it."""
        self.metrics.log_failed.inc(num_lines)
        if self.file:
            self.file.close()
            self.file = None
        if time.monotonic() - self.complained > COMPLAINT_SECONDS:
            self.complained = time.monotonic()
            print(f"error: the request log cannot be written: {error}", file=sys.stderr, flush=True)


def is_gone(file: FileIO) -> bool:
    """Whether a file was removed while it was open: by another server that shares the folder, or by a person."""
    return os.fstat(file.fileno()).st_nlink == 0


def lines_of(config: Config, item: Answered | list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """What is written about a request: a line per row."""
    if isinstance(item, list):
        yield from item
        return
    never = set(config.log_never)
    kept = {name: entry for name, entry in item.inputs.items() if not {name, entry["column"]} & never}
    outputs = {name: protocol.plain(name, values) for name, values in item.outputs.items() if name not in never}
    moment, latency = timestamp(item.time), round(item.latency * 1_000, 3)
    for row in range(len(next(iter(item.columns.values())))):
        yield {
            "id": item.identifier,
            "row": row,
            "time": moment,
            "version": item.version,
            "status": 200,
            "latency_ms": latency,
            "inputs": {
                name: request_format.loggable(config, entry, item.columns[name][row]) for name, entry in kept.items()
            },
            "outputs": {name: values[row] for name, values in outputs.items()},
        }


def timestamp(seconds: float) -> str:
    """A time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
