"""Reading the request log: what is counted, what is sampled, and what is skipped."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from project.monitoring import traffic
from project.monitoring.traffic import Sample, Traffic, Window
from project.serving import request_log

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
START = NOON - timedelta(hours=1)


def prediction(place: int = 0, **changes: Any) -> dict[str, Any]:
    """A line about a predicted row, a minute later for each place."""
    time = (NOON + timedelta(minutes=place)).isoformat(timespec="milliseconds")
    line = {"id": f"r{place}", "row": 0, "time": time, "version": 2, "status": 200, "latency_ms": float(place + 1)}
    return line | {"inputs": {"size": place}, "outputs": {"label": "a"}} | changes


def rejection(**changes: Any) -> dict[str, Any]:
    """A line about a rejected request."""
    return {"id": "r", "time": NOON.isoformat(), "version": 2, "status": 400, "error": "no", "field": "size"} | changes


def label(identifier: str, value: Any, row: int = 0) -> dict[str, Any]:
    """A line of feedback."""
    return {"id": identifier, "row": row, "time": NOON.isoformat(), "label": value}


def read(folder: Path, *files: list[Any], start: datetime = START) -> Traffic:
    """Writes log files and reads them."""
    for number, lines in enumerate(files):
        texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        (folder / f"{number}.jsonl").write_bytes(b"\n".join(texts))
    return traffic.read(folder, Window(2, start, 1, start, start))


def test_requests_rows_versions_and_latency_are_counted(tmp_path: Path) -> None:
    lines = [prediction(place) for place in range(100)]
    more = [prediction(7, row=1), prediction(version=1), rejection(), rejection(field="colour"), rejection(version=1)]
    seen = read(tmp_path, lines, more)
    assert (seen.num_rows, seen.num_answered, seen.num_rejected, seen.num_requests) == (101, 100, 2, 102)
    assert seen.rows_by_version == {2: 101, 1: 1}
    assert seen.rejections == {(400, "size"): 1, (400, "colour"): 1}
    assert seen.latency(0.5) == pytest.approx(50, rel=0.02)
    assert seen.latency(0.99) == pytest.approx(99, rel=0.02)
    assert seen.latest == NOON + timedelta(minutes=99)
    assert seen.answered_by_hour == {NOON: 60, NOON + timedelta(hours=1): 40}


def test_only_the_window_counts(tmp_path: Path) -> None:
    seen = read(tmp_path, [prediction(place) for place in range(90)], start=NOON + timedelta(minutes=30))
    assert seen.num_rows == 60


def test_labels_find_their_predictions_in_other_files_and_the_last_one_counts(tmp_path: Path) -> None:
    early = [prediction(place) for place in range(4)]
    late = [label("r1", "a"), label("r2", "b"), label("r1", "c"), label("r3", "a", row=5), label("r9", "a")]
    seen = read(tmp_path, early, late)
    assert sorted((line["id"], label) for line, label in seen.labelled) == [("r1", "c"), ("r2", "b")]


def test_labels_of_version_0_9_are_read(tmp_path: Path) -> None:
    line = label("r1", "a")
    line["outcome"] = line.pop("label")
    assert [value for _, value in read(tmp_path, [prediction(1), line]).labelled] == ["a"]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"id": "r1", "row": 0, "ti',
        b"\x00\xff\xfe garbage",
        b"[1, 2]",
        b"[" * 100_000,
        b"9" * 10_000,
        json.dumps(prediction(version="two")).encode(),
        json.dumps(prediction(time="yesterday")).encode(),
        json.dumps(prediction(inputs=None)).encode(),
        json.dumps(prediction(latency_ms=float("nan"))).encode(),
        json.dumps({"id": 3, "label": 1}).encode(),
    ],
)
def test_broken_lines_are_reported_and_skipped(tmp_path: Path, broken: bytes) -> None:
    seen = read(tmp_path, [prediction(0), broken, prediction(1)])
    assert seen.num_rows == 2
    assert seen.broken == {"0.jsonl": 1}
    assert seen.first_broken[0].startswith("0.jsonl, line 2: ")


def test_only_the_first_broken_lines_are_reported(tmp_path: Path) -> None:
    seen = read(tmp_path, [b"?"] * 100)
    assert seen.broken.total() == 100
    assert len(seen.first_broken) == request_log.MAX_BROKEN


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "MAX_LINE", 1_000)
    seen = read(tmp_path, [prediction(0), b"x" * 10_000, prediction(1)])
    assert (seen.num_rows, seen.broken.total()) == (2, 1)
    assert "line 2" in seen.first_broken[0]


def test_memory_is_bounded_and_a_rerun_samples_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "MAX_ROWS", 50)
    monkeypatch.setattr(traffic, "MAX_REJECTIONS", 3)
    lines = [prediction(place) for place in range(1_000)]
    seen = read(tmp_path, lines, [rejection(field=f"field {place}") for place in range(10)])
    again = traffic.read(tmp_path, Window(2, START, 1, START, START))
    assert seen.num_rows == 1_000
    assert len(seen.rows) == 50
    assert [line["id"] for line in again.rows] == [line["id"] for line in seen.rows]
    assert len(seen.rejections) == 4
    assert seen.rejections.total() == 10


def test_a_sample_is_even() -> None:
    sample = Sample(2_000)
    for key in range(20_000):
        sample.add(key, key)
    kept = sample.as_dict()
    assert len(kept) == 2_000
    assert sum(kept) / len(kept) == pytest.approx(10_000, rel=0.05)


def test_no_log_is_no_traffic(tmp_path: Path) -> None:
    seen = traffic.read(tmp_path / "nowhere", Window(1, START, 1, START, START))
    assert (seen.num_requests, seen.latest) == (0, None)


def test_of_several_labels_in_a_text_each_has_a_share() -> None:
    reference = pd.DataFrame({"labels": ["a|b", "", "b"]})
    found = traffic.prediction_tables(reference, [{"labels": "ab|b"}, {"labels": None}], {"labels": ["a", "b"]})
    assert found.reference.to_dict("list") == {"labels: a": ["yes", "no", "no"], "labels: b": ["yes", "no", "yes"]}
    assert found.window.to_dict("list") == {"labels: a": ["no", None], "labels: b": ["yes", None]}
