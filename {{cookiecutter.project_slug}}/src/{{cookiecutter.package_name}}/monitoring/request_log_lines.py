"""One line of the request log after the other: found, parsed and checked against what the server writes.

A prediction: id, row, time, version, status, latency_ms, inputs, outputs. A refused request: time, version, status,
error and perhaps field. Feedback: id, row, time, outcome.
"""

import contextlib
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

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


class Place(NamedTuple):
    """Where a line stands."""

    file: str
    number: int


def read(folder: Path, start: datetime) -> Iterator[tuple[Place, bytes]]:
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
    for _, text in read(folder, start):
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
