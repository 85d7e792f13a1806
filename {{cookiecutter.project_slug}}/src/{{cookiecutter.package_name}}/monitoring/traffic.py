"""Reads the request log line by line: counts what is in a window, and keeps a random sample of its rows."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from ..serving import request_log
from ..serving.request_log import Line

MAX_ROWS = 20_000  # of the sample: as many as the training examples that they are compared with
MAX_CELLS = 2_000_000  # of the sample: some hundred megabytes
MAX_OUTCOMES = 20_000  # that are joined with their predictions
MAX_REFUSALS = 50  # kinds that are told apart
LATENCY_STEPS = 50  # bins of the latency per factor of e: each is 2 % wide

Key: TypeAlias = tuple[str, int]  # id of a request, row in it


class Window(NamedTuple):
    """The part of the log that is judged."""

    version: int
    start: datetime
    num_inputs: int


class Sample:
    """A random sample of bounded size: the items whose keys have the smallest hashes; a rerun gives the same."""

    def __init__(self, size: int) -> None:
        """Takes how many items to keep."""
        self.size = size
        self.items: dict[Any, tuple[int, Any]] = {}
        self.bound = 1 << 64

    def add(self, key: Any, item: Any) -> None:
        """Offers an item; a later one of the same key replaces it."""
        rank = int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest())
        if rank < self.bound:
            self.items[key] = (rank, item)
            if len(self.items) > 2 * self.size:
                self.shrink()

    def shrink(self) -> None:
        """Drops all but the items to keep."""
        kept = sorted(self.items.items(), key=lambda each: each[1][0])[: self.size]
        self.items, self.bound = dict(kept), kept[-1][1][0] + 1

    def as_dict(self) -> dict[Any, Any]:
        """The sampled items by key."""
        if len(self.items) > self.size:
            self.shrink()
        return {key: item for key, (_, item) in self.items.items()}


@dataclass
class Traffic:
    """What the log says about a window; all but the versions are about the version in service."""

    num_rows: int = 0
    num_answered: int = 0
    num_refused: int = 0
    latest: datetime | None = None
    rows_by_version: Counter[int] = field(default_factory=Counter)
    answered_by_hour: Counter[datetime] = field(default_factory=Counter)
    refused_by_hour: Counter[datetime] = field(default_factory=Counter)
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)  # status and field
    messages: dict[tuple[int, str], str] = field(default_factory=dict)  # the first of each kind
    latencies: Counter[int] = field(default_factory=Counter)  # by bin
    rows: list[Line] = field(default_factory=list)  # the sample
    answered: list[tuple[Line, Any]] = field(default_factory=list)  # predictions with their outcomes, also a sample
    broken: Counter[str] = field(default_factory=Counter)  # by file
    first_broken: list[str] = field(default_factory=list)

    @property
    def num_requests(self) -> int:
        """Answered and refused ones."""
        return self.num_answered + self.num_refused

    @property
    def refused_share(self) -> float:
        """Share of the requests that were refused or failed."""
        return self.num_refused / max(self.num_requests, 1)

    def latency(self, share: float) -> float:
        """The milliseconds within which a share of the requests was answered, to 2 %; NaN without requests."""
        needed, seen = share * self.latencies.total(), 0
        for place in sorted(self.latencies):
            seen += self.latencies[place]
            if seen >= needed:
                return math.exp(place / LATENCY_STEPS)
        return math.nan


def read(folder: Path, window: Window) -> Traffic:
    """Reads the log twice: first the outcomes, since only predictions that have one need to be kept for them."""
    outcomes = read_outcomes(folder, window.start)
    traffic, sample = Traffic(), Sample(max(1, min(MAX_ROWS, MAX_CELLS // max(1, window.num_inputs))))
    answered: dict[Key, Line] = {}
    for line in checked_lines(folder, window.start, traffic):
        if "outcome" in line or line["time"] < window.start:
            continue
        if "outputs" in line:
            traffic.rows_by_version[line["version"]] += 1
        if line["version"] != window.version:
            continue
        traffic.latest = max(traffic.latest or line["time"], line["time"])
        if "outputs" not in line:
            count_refused(traffic, line)
            continue
        count_answered(traffic, line)
        sample.add(traffic.num_rows, line)
        if (line["id"], line["row"]) in outcomes:
            answered[line["id"], line["row"]] = line
    traffic.rows = list(sample.as_dict().values())
    traffic.answered = [(line, outcomes[key]) for key, line in answered.items()]
    return traffic


def read_outcomes(folder: Path, start: datetime) -> Mapping[Key, Any]:
    """The outcomes that were told since the window began, or a random sample of them; the last one of a row counts."""
    outcomes = Sample(MAX_OUTCOMES)
    for line in request_log.readable(folder, start, b'"outcome"'):  # broken ones are counted on the second reading
        if "outcome" in line:
            outcomes.add((line["id"], line["row"]), line["outcome"])
    return outcomes.as_dict()


def checked_lines(folder: Path, start: datetime, traffic: Traffic) -> Iterator[Line]:
    """The lines that can be used; the others are counted, and the first few told by file and number."""
    for place, text in request_log.lines(folder, start):
        try:
            yield request_log.parse(text)
        except ValueError as error:
            traffic.broken[place.file] += 1
            if len(traffic.first_broken) < request_log.MAX_TOLD:
                traffic.first_broken.append(f"{place.file}, line {place.number}: {error}")


def count_answered(traffic: Traffic, line: Line) -> None:
    """Counts a predicted row, and its request with the first one."""
    traffic.num_rows += 1
    if line["row"] == 0:
        traffic.num_answered += 1
        traffic.answered_by_hour[hour(line["time"])] += 1
        traffic.latencies[round(LATENCY_STEPS * math.log(max(line["latency_ms"], 1e-3)))] += 1


def count_refused(traffic: Traffic, line: Line) -> None:
    """Counts a refused request by its status and field."""
    traffic.num_refused += 1
    traffic.refused_by_hour[hour(line["time"])] += 1
    kind = (line["status"], line["field"])
    if kind not in traffic.refusals and len(traffic.refusals) >= MAX_REFUSALS:
        kind = (0, "")
    traffic.refusals[kind] += 1
    traffic.messages.setdefault(kind, "of other kinds" if kind[0] == 0 else line["error"])


def hour(time: datetime) -> datetime:
    """The hour in which a time lies, in UTC."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
