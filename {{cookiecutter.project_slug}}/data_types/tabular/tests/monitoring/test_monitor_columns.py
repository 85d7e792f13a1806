"""What monitoring says of columns: those that are not logged, hostile texts, and departures from the schema."""

from pathlib import Path

from project.stages import monitor

import traffic_log
from declared import Config
from traffic_log import MonitorConfig, page, status

HOSTILE = "</td><script>alert(1)</script>"


def test_what_is_not_logged_is_named_and_not_judged(service: MonitorConfig, finished: Config) -> None:
    lines = traffic_log.lines(finished, 300)
    for line in lines:
        del line["inputs"]["size"]
        line["inputs"]["colour"] = None
        line["outputs"] = {}
    config = service(log_never=("colour",))
    traffic_log.write(config, lines)
    assert monitor.main(config) == 0
    content = status(config)
    assert sorted(content["unwatched"]) == ["colour", "size"]
    assert {each["column"] for each in content["features"]} == {"weight", "made", "remark"}
    assert content["predictions"] == []
    assert "Not monitored, because not logged" in page(config)


def test_broken_lines_are_reported_and_hostile_texts_are_shown_as_texts(
    service: MonitorConfig, finished: Config
) -> None:
    config = service()
    lines = traffic_log.lines(finished, 300)
    for place, line in enumerate(lines):
        line["inputs"] |= {"colour": HOSTILE if place % 2 else "\ud800", "made": HOSTILE, "size": [1e999, HOSTILE]}
    hostile = traffic_log.rejections(2, error=HOSTILE, field=HOSTILE)
    traffic_log.write(config, [*lines, b'{"id": "r', b"\xff\x00", *hostile], f"{HOSTILE.replace('/', '')}.jsonl")
    monitor.main(config)
    assert status(config)["traffic"]["broken_lines"] == 2
    assert HOSTILE not in page(config)
    assert "<script>alert(1)" not in page(config)
    assert "line 301" in page(config)
    assert "src=" not in page(config)


def test_departures_from_the_schema_are_shown(service: MonitorConfig, finished: Config, tmp_path: Path) -> None:
    path = tmp_path / "schema.pbtxt"
    features = [
        'name: "weight" type: FLOAT float_domain { max: 1 }',
        'name: "colour" type: BYTES string_domain { value: "green" }',
        'name: "elsewhere" type: BYTES presence { min_fraction: 1 }',
    ]
    environments = 'default_environment: "TRAINING" default_environment: "SERVING"'
    path.write_text(" ".join(f"feature {{ {feature} }}" for feature in features) + environments, encoding="utf-8")
    config = service(schema_path=path)
    traffic_log.write(config, traffic_log.lines(finished, 300))
    monitor.main(config)
    found = {each["column"]: each["description"] for each in status(config)["violations"]}
    assert "high value" in found["weight"] or "1" in found["weight"]
    assert "missing from the schema" in found["colour"]
    assert "elsewhere" not in found  # clients do not send it
    assert "missing from the schema" in page(config)
