"""Writes requests, answers and true outcomes as JSON lines, from a thread of its own: no request waits for a disk.

A file is named by when it was begun, so that names sort by time, and by a random word, so that two servers can share a
folder. Lines are of three kinds:
    {"id", "row", "time", "version", "status", "latency_ms", "inputs", "outputs"}   one per row that was answered
    {"id", "time", "version", "status", "error", "field"}                           one per request that was refused
    {"id", "row", "time", "outcome"}                                                one per outcome that was told later
"""

import contextlib
import errno
import json
import math
import os
import queue
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from ..config import Config
from ..core.errors import RequestError
from ..data import requests
from . import protocol

QUEUE_LENGTH = 10_000  # requests; more are dropped and counted, since memory is finite
PAUSE_SECONDS = 0.1  # between two writes: a thread that wakes for each request takes time from the one that answers
COMPLAINT_SECONDS = 60  # between two complaints about a disk
CLOSING_SECONDS = 10  # that a server which stops waits for its log

MAX_IDENTIFIER = 128  # characters
MAX_LINE = 1 << 24  # bytes; a longer line is no request, and would fill the memory
MAX_TOLD = 5  # broken lines that are told one by one
Line: TypeAlias = dict[str, Any]  # as it was written, but `time` as a datetime in UTC
PREDICTION: dict[str, type] = {
    "id": str,
    "row": int,
    "time": str,
    "version": int,
    "latency_ms": float,
    "inputs": dict,
    "outputs": dict,
}
REFUSAL: dict[str, type] = {"time": str, "version": int, "status": int, "error": str}
FEEDBACK: dict[str, type] = {"id": str, "row": int, "time": str}
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)


@dataclass(frozen=True)
class ServiceMetrics:
    """Counters, gauges and histograms; `registry` holds them all."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    batch_rows: Histogram
    version: Gauge
    swaps: Counter
    refused_versions: Counter
    feedback: Counter
    log_dropped: Counter
    log_failed: Counter


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
            "inputs": {name: requests.loggable(config, entry, item.columns[name][row]) for name, entry in kept.items()},
            "outputs": {name: values[row] for name, values in outputs.items()},
        }


def timestamp(seconds: float) -> str:
    """A time as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def read_feedback(body: bytes, max_rows: int) -> list[dict[str, Any]]:
    """The lines to log for {"id": ..., "row": 0, "outcome": ...}, or for a list of these.

    Raises:
        RequestError: something is missing or not of its type; the message names it.
    """
    entries = protocol.parse(body)
    entries = entries if isinstance(entries, list) else [entries]
    if not entries or len(entries) > max_rows:
        status = 413 if entries else 400
        raise RequestError(f"{len(entries):,} outcomes were sent; 1 to {max_rows:,} are taken at once", status)
    moment = timestamp(time.time())
    return [checked(entry, number) | {"time": moment} for number, entry in enumerate(entries)]


def checked(entry: Any, number: int) -> dict[str, Any]:
    """One outcome, in order."""
    if not isinstance(entry, dict) or not entry.keys() <= {"id", "row", "outcome"}:
        raise RequestError(f'outcome {number} is not an object like {{"id": "...", "row": 0, "outcome": "..."}}')
    identifier, row, outcome = entry.get("id"), entry.get("row", 0), entry.get("outcome")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= MAX_IDENTIFIER:
        message = f"outcome {number} has no id; it is what the answer's header X-Request-Id said"
        raise RequestError(message, field="id")
    if type(row) is not int or row < 0:
        raise RequestError(f"outcome {number} is about row {row!r}; rows are counted from 0", field="row")
    if outcome is None or isinstance(outcome, dict) or not is_finite(outcome):
        raise RequestError(f"outcome {number} has no outcome; give what was found to be true", field="outcome")
    return {"id": identifier, "row": row, "outcome": outcome}


def is_finite(outcome: Any) -> bool:
    """Whether JSON's standard has a word for it: 1e999 is read as infinity."""
    try:
        json.dumps(outcome, allow_nan=False)
    except ValueError:
        return False
    return True


class Place(NamedTuple):
    """Where a line stands."""

    file: str
    number: int


def lines(folder: Path, start: datetime) -> Iterator[tuple[Place, bytes]]:
    """Every line, in the order in which they were written, of the files that were still written to after `start`."""
    for path in sorted(folder.glob("*.jsonl")):
        if path.stat().st_mtime < start.timestamp():
            continue
        with path.open("rb") as file:
            number = 0
            while text := file.readline(MAX_LINE):
                number += 1
                rest = text
                while rest and not rest.endswith(b"\n"):  # cut short, or the end of the file
                    rest = file.readline(MAX_LINE)
                if text.strip():
                    yield Place(path.name, number), text


def readable(folder: Path, start: datetime, holding: bytes = b"") -> Iterator[Line]:
    """The lines that can be parsed, of those that hold some bytes: most lines are predictions, and large ones."""
    for _, text in lines(folder, start):
        if holding in text:
            with contextlib.suppress(ValueError):
                yield parse(text)


def parse(text: bytes) -> Line:
    """A line as it was written, with its time as a datetime.

    Raises:
        ValueError: it is no JSON, or no prediction, refusal or feedback; the message says why.
    """
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:  # also text that is not UTF-8, numbers and nesting without end
        raise ValueError(f"no JSON ({type(error).__name__})") from error
    is_object = isinstance(line, dict)
    if not is_object:
        raise ValueError(f"a {type(line).__name__} instead of an object")
    wanted = FEEDBACK if "outcome" in line else PREDICTION if "outputs" in line else REFUSAL
    wrong = [name for name, kind in wanted.items() if not is_a(line.get(name), kind)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is missing or no {wanted[wrong[0]].__name__}")
    return {**line, "field": str(line.get("field") or ""), "time": parse_time(line["time"])}


def is_a(value: Any, kind: type) -> bool:
    """Whether a value is of a type, as JSON tells them apart: true is no number, and 1 may stand for 1.0."""
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, kind) and not isinstance(value, bool)


def parse_time(text: str) -> datetime:
    """An ISO 8601 time; UTC where it names no zone."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def create_metrics() -> ServiceMetrics:
    """Everything at zero, in a registry of its own, so that a process can hold several servers."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return ServiceMetrics(
        registry=registry,
        requests=Counter("predict_requests", "Requests for predictions, by HTTP status", ["status"], registry=registry),
        seconds=Histogram("predict_seconds", "Time to answer", buckets=SECONDS, registry=registry),
        batch_rows=Histogram("batch_rows", "Rows in one run of the model", buckets=ROWS, registry=registry),
        version=Gauge("model_version", "The version in service", registry=registry),
        swaps=Counter("model_swaps", "Versions put in service in place of another", registry=registry),
        refused_versions=Counter("model_versions_refused", "Versions that cannot be served", registry=registry),
        feedback=Counter("feedback_outcomes", "True outcomes that were told", registry=registry),
        log_dropped=Counter("request_log_dropped", "Requests not logged: too many at once", registry=registry),
        log_failed=Counter("request_log_failed_lines", "Lines that could not be written", registry=registry),
    )
