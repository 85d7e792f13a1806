"""Writes requests, predictions and labels as JSON lines, from a thread of its own: no request waits for a disk.

File names begin with the time, so that they sort by it, and end with a random word, so that two servers can share a
folder. Ground truth has files of its own, which are not removed for newer ones. There are three kinds of lines:
    {"id", "row", "time", "version", "status", "latency_ms", "inputs", "outputs"}   one per predicted row
    {"id", "time", "version", "status", "error", "field"}                           one per rejected request
    {"id", "row", "time", "label"}                                                  one per label sent as feedback
"""

import contextlib
import errno
import json
import math
import os
import queue
import re
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from ..config import Config
from ..core.errors import RequestError
from ..data import requests
from . import protocol

if TYPE_CHECKING:
    from .served_model import ServiceMetrics

QUEUE_LENGTH = 10_000  # requests; more are dropped and counted, to bound the memory
PAUSE_SECONDS = 0.1  # between two writes: waking up for each request would slow down the thread that answers
WARNING_SECONDS = 60  # between two warnings about a disk
DAY = 86_400  # seconds
CLEANING_SECONDS = 3_600  # between two looks for files that are too old
CLOSING_SECONDS = 10  # to write what is left when the server stops

MAX_LINE = 1 << 24  # bytes; a longer line is not a request, and would fill the memory
MAX_BROKEN = 5  # broken lines that are reported one by one
Line: TypeAlias = dict[str, Any]  # as written, but with `time` as a datetime in UTC
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
LABEL: dict[str, type] = {"id": str, "row": int, "time": str}
PREFIX = "labels-"  # of the names of files with ground truth, which are kept when the request log starts others
PREDICTED_ROW = re.compile(rb'^\{"id": "([^"\\]+)", "row": (\d+), "time": "[^"]*", "version"', re.MULTILINE)
NO_ROWS = np.array([], np.int64)


@dataclass(frozen=True)
class ReceivedLabels:
    """Labels of a request of feedback; `answer` gets None when they are written, else the error."""

    lines: list[dict[str, Any]]
    answer: "Future[RequestError | None]" = field(default_factory=Future)


class LoggedRows:
    """The rows in the request log of all servers that share a folder, as hashes; it reads only what is new."""

    def __init__(self, folder: Path) -> None:
        """Reads nothing yet."""
        self.folder = folder
        self.files: dict[Path, tuple[int, np.ndarray]] = {}  # bytes that were read, and sorted hashes (num_rows,)

    def check(self, lines: list[dict[str, Any]]) -> None:
        """Raises RequestError, 404 or 422, if a label is of a request or a row that is not logged."""
        self.read()
        for line in lines:
            if self.has(line["id"], line["row"]):
                continue
            if self.has(line["id"], 0):
                message = f"request {line['id']} has no row {line['row']}; rows are counted from 0"
                raise RequestError(message, 422, "row", line["row"])
            message = f"there is no request {line['id']} in the log; send the X-Request-Id of the response"
            raise RequestError(message, 404, "id")

    def has(self, identifier: str, row: int) -> bool:
        """Whether a row is logged."""
        wanted = hash((identifier.encode("utf-8", "replace"), row))
        for _, rows in self.files.values():
            place = np.searchsorted(rows, wanted)
            if place < len(rows) and rows[place] == wanted:
                return True
        return False

    def read(self) -> None:
        """Reads what was written since the last time, and forgets files that were removed."""
        known, self.files = self.files, {}
        for path in request_files(self.folder):
            start, rows = known.get(path, (0, NO_ROWS))
            with path.open("rb") as file:
                file.seek(start)
                text = file.read()
            text = text[: text.rfind(b"\n") + 1]
            new = [hash((match[1], int(match[2]))) for match in PREDICTED_ROW.finditer(text)]
            rows = np.sort(np.append(rows, np.array(new, np.int64))) if new else rows
            self.files[path] = (start + len(text), rows)


def request_files(folder: Path) -> list[Path]:
    """The files of the request log, oldest first, without those of ground truth."""
    return sorted(path for path in folder.glob("*.jsonl") if not path.name.startswith(PREFIX))


def check_size(folder: Path, more: int, limit: int) -> None:
    """Raises OSError if the files of ground truth would together be larger than a limit, in bytes."""
    if sum(path.stat().st_size for path in folder.glob(f"{PREFIX}*.jsonl")) + more > limit:
        raise OSError(errno.EDQUOT, f"there would be more than {limit:,} bytes; see the setting label_bytes")


@dataclass(frozen=True)
class AnsweredRequest:
    """A request and its predictions."""

    identifier: str
    time: float
    version: int
    latency: float
    """Seconds."""
    inputs: protocol.Inputs
    columns: dict[str, list[Any]]
    outputs: dict[str, np.ndarray]


Item: TypeAlias = AnsweredRequest | ReceivedLabels | list[dict[str, Any]]


class RequestLog:
    """A queue, and the thread that empties it into files."""

    def __init__(self, config: Config, metrics: "ServiceMetrics") -> None:
        """Starts the thread; the first file is created with the first line."""
        self.config, self.metrics, self.folder = config, metrics, config.paths.requests
        self.queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self.file: FileIO | None = None
        self.labels: FileIO | None = None
        self.logged = LoggedRows(self.folder)
        self.begun, self.cleaned = 0.0, 0.0  # when the file was begun, and when old ones were removed
        self.warned, self.is_failing = -float("inf"), False
        self.thread = threading.Thread(target=self.run, name="request log", daemon=True)
        self.thread.start()

    def put(self, item: Item) -> bool:
        """Queues lines without waiting; False if they had to be dropped."""
        if self.queue.qsize() >= QUEUE_LENGTH:
            self.metrics.log_dropped.inc()
            return False
        self.queue.put(item)
        return True

    def close(self) -> None:
        """Waits until everything is written."""
        self.queue.put(None)
        self.thread.join(CLOSING_SECONDS)

    def run(self) -> None:
        """Writes what is in the queue, everything of one pause together, until it is closed."""
        is_open = True
        while is_open:
            items = [self.queue.get()]
            time.sleep(PAUSE_SECONDS)
            while not self.queue.empty():
                items.append(self.queue.get())
            is_open = None not in items
            self.store([item for item in items if item is not None])
        for file in (self.file, self.labels):
            if file:
                file.close()

    def store(self, items: list[Item]) -> None:
        """Writes requests, then labels, whose senders wait for the result; goes on whatever happens."""
        requests_seen = [item for item in items if not isinstance(item, ReceivedLabels)]
        try:
            lines = [line for item in requests_seen for line in lines_of(self.config, item)]
            self.write(encoded(lines))
            self.is_failing = False
        except Exception as error:
            self.warn(error, len(requests_seen))
        for item in items:
            if isinstance(item, ReceivedLabels):
                item.answer.set_result(self.store_labels(item.lines))

    def store_labels(self, lines: list[dict[str, Any]]) -> RequestError | None:
        """Writes labels of requests that are logged; returns the error if it cannot."""
        text = encoded(lines)
        try:
            self.logged.check(lines)
            check_size(self.folder, len(text), self.config.label_bytes)
            if self.labels is None or is_gone(self.labels) or self.labels.tell() > self.config.log_bytes:
                self.labels = self.open(PREFIX)
            write_whole(self.labels, text)
        except RequestError as error:
            return RequestError("the log cannot be written", 503) if self.is_failing else error
        except OSError as error:
            if self.labels:
                self.labels.close()
                self.labels = None
            reason = error.strerror or type(error).__name__
            return RequestError(f"the ground truth cannot be written ({reason}); send it again later", 503)
        return None

    def write(self, text: bytes) -> None:
        """Appends lines to the file, and starts another one when it is full, a day old or was removed."""
        now = time.time()
        if self.config.log_days and now - self.cleaned > CLEANING_SECONDS:
            self.remove_old(now)
        if not text:
            return
        if self.file is None or is_gone(self.file):
            self.file, self.begun = self.open(), now
            for old in request_files(self.folder)[: -self.config.log_files]:
                old.unlink(missing_ok=True)
        write_whole(self.file, text)
        is_old = bool(self.config.log_days) and now - self.begun > DAY
        if is_old or self.file.tell() >= self.config.log_bytes:
            self.file.close()
            self.file = None

    def open(self, prefix: str = "") -> FileIO:
        """Opens a new file, which only this user may read."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{prefix}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}.jsonl"
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        return FileIO(number, "wb")

    def remove_old(self, now: float) -> None:
        """Removes files that were last written to more than `log_days` days ago, ground truth too."""
        self.cleaned = now
        for path in self.folder.glob("*.jsonl"):
            if path.stat().st_mtime < now - self.config.log_days * DAY:
                path.unlink(missing_ok=True)

    def warn(self, error: Exception, num_lost: int) -> None:
        """Counts lost requests, warns once a minute and starts another file: this one may end with half a line."""
        self.metrics.log_failed.inc(num_lost)
        self.is_failing = True
        if self.file:
            self.file.close()
            self.file = None
        if time.monotonic() - self.warned > WARNING_SECONDS:
            self.warned = time.monotonic()
            print(f"error: the request log cannot be written: {error}", file=sys.stderr, flush=True)


def encoded(lines: Iterable[dict[str, Any]]) -> bytes:
    """Lines of JSON."""
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def write_whole(file: FileIO, text: bytes) -> None:
    """Appends to a file; an error if the disk is full, of which only part of the text was written."""
    if file.write(text) < len(text):
        raise OSError(errno.ENOSPC, "the disk is full")


def is_gone(file: FileIO) -> bool:
    """Whether a file was removed while it was open, by another server that shares the folder or by a person."""
    return os.fstat(file.fileno()).st_nlink == 0


def lines_of(config: Config, item: AnsweredRequest | list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The log lines of a request: one per row."""
    if isinstance(item, list):
        yield from item
        return
    never = set(config.log_never)
    kept = {name: entry for name, entry in item.inputs.items() if not {name, entry["column"]} & never}
    outputs = {name: protocol.plain(name, values) for name, values in item.outputs.items() if name not in never}
    moment, latency = protocol.timestamp(item.time), round(item.latency * 1_000, 3)
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


class Place(NamedTuple):
    """The position of a line."""

    file: str
    number: int


def lines(folder: Path, start: datetime) -> Iterator[tuple[Place, bytes]]:
    """Every line of the files that were last written to after `start`, in the order in which they were written."""
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


def labels(folder: Path, start: datetime) -> Iterator[Line]:
    """The labels that can be read; predictions, which are most of a log, are skipped without parsing them."""
    for _, text in lines(folder, start):
        if b'"outputs": {' not in text:
            with contextlib.suppress(ValueError):
                if "label" in (line := parse(text)):
                    yield line


def predictions(folder: Path, start: datetime) -> Iterator[Line]:
    """The predictions that can be read."""
    for _, text in lines(folder, start):
        if b'"outputs"' in text:
            with contextlib.suppress(ValueError):
                if "outputs" in (line := parse(text)):
                    yield line


def parse(text: bytes) -> Line:
    """A line as written, with its time as a datetime.

    Raises:
        ValueError: it is not JSON, or not a prediction, rejection or label; the message says why.
    """
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:  # also invalid UTF-8, endless numbers or nesting
        raise ValueError(f"not JSON ({type(error).__name__})") from error
    is_object = isinstance(line, dict)
    if not is_object:
        raise ValueError(f"a {type(line).__name__} instead of an object")
    if "outcome" in line:  # as version 0.9 called a label
        line["label"] = line.pop("outcome")
    expected = LABEL if "label" in line else PREDICTION if "outputs" in line else REFUSAL
    wrong = [name for name, kind in expected.items() if not is_a(line.get(name), kind)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is missing or not a {expected[wrong[0]].__name__}")
    return {**line, "field": str(line.get("field") or ""), "time": parse_time(line["time"])}


def is_a(value: Any, kind: type) -> bool:
    """Whether a JSON value has a type: true is not a number, and 1 is also a float."""
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, kind) and not isinstance(value, bool)


def parse_time(text: str) -> datetime:
    """An ISO 8601 time; UTC where it names no zone."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
