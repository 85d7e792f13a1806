"""make monitor: from a request log to a verdict, which neither chance nor one bad window turns into an alarm."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from project.core import artifacts
from project.core.errors import InputError
from project.monitoring import rules
from project.monitoring.traffic import Traffic
from project.stages import monitor

import synthetic
import traffic_log
from declared import Config
from traffic_log import MonitorConfig, fired, page, status


def test_training_examples_drawn_again_are_healthy(service: MonitorConfig, finished: Config) -> None:
    config = service()
    for seed, num_rows in enumerate((100, 1_000, 3_000)):
        traffic_log.write(config, traffic_log.lines(finished, num_rows, seed))
        assert monitor.main(config) == 0
        assert fired(config) == []
    assert "Healthy" in page(config)


@pytest.mark.parametrize(("change", "expected"), synthetic.DRIFTS)
def test_drift_is_an_alarm_when_it_lasts(
    service: MonitorConfig, finished: Config, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    config = service()
    lines = traffic_log.lines(finished, 600)
    for line in lines:
        change(line["inputs"])
    traffic_log.write(config, lines[:500])
    assert monitor.main(config) == 0
    assert fired(config) == [expected]
    assert "No alarm yet" in page(config)
    assert monitor.main(config) == 0  # the same window again
    assert len(status(config)["history"]) == 1
    traffic_log.write(config, lines[500:], "2.jsonl")
    assert monitor.main(config) == monitor.EXIT_ALARM
    assert status(config)["status"] == "alarm"
    assert f"Alarm: {expected}" in page(config)


def test_prediction_drift_fires_by_itself(service: MonitorConfig, finished: Config) -> None:
    config = service(alarm_windows=1)
    first = traffic_log.lines(finished, 1)[0]["outputs"]
    traffic_log.write(config, [line | {"outputs": first} for line in traffic_log.lines(finished, 500)])
    assert monitor.main(config) == monitor.EXIT_ALARM
    assert fired(config) == ["prediction drift"]


@pytest.mark.parametrize(("num_referred", "expected"), [(100, False), (130, False), (200, True), (20, True)])
def test_a_share_of_referrals_that_has_moved_fires(num_referred: int, expected: bool) -> None:
    described = {"metrics": {"refer_rate": {"value": 0.1, "low": 0.08, "high": 0.12}}}
    labels = ["refer"] * num_referred + ["a"] * (1_000 - num_referred)
    seen = Traffic(num_rows=1_000, rows=[{"outputs": {"label": label}} for label in labels])
    found = rules.referrals(Config(), described, seen)
    assert found.fired is expected
    assert found.detail.startswith(f"{num_referred / 10:.1f}% of 1,000 examples were referred; 10.0% of the test split")
    assert rules.referrals(Config(), described, Traffic(num_rows=20)).fired is None


def test_rejected_requests_fire(service: MonitorConfig, finished: Config) -> None:
    config = service(alarm_windows=1)
    lines = traffic_log.lines(finished, 300)
    traffic_log.write(config, lines + traffic_log.rejections(10))
    assert monitor.main(config) == 0
    traffic_log.write(config, lines + traffic_log.rejections(60))
    assert monitor.main(config) == monitor.EXIT_ALARM
    assert fired(config) == ["rejected requests"]


def test_failed_requests_fire(service: MonitorConfig, finished: Config) -> None:
    config = service(alarm_windows=1, max_rejected_share=1.0)
    failed = [line | {"status": 500} for line in traffic_log.rejections(20, error="internal error: KeyError", field="")]
    traffic_log.write(config, traffic_log.lines(finished, 300) + failed)
    assert monitor.main(config) == monitor.EXIT_ALARM
    assert fired(config) == ["failed requests"]


def test_quality_is_measured_where_labels_are_known(service: MonitorConfig, finished: Config) -> None:
    config = service(alarm_windows=1)
    traffic_log.write(config, traffic_log.lines(finished, 500, split="test"))
    traffic_log.write(config, traffic_log.feedback(finished, 400, split="test"), "2.jsonl")
    monitor.main(config)
    quality = status(config)["quality"]
    assert (quality["examples"], quality["worse"]) == (400, False)
    assert quality["metrics"].keys() <= artifacts.read_json(finished.paths.verdict, "accept")["metrics"].keys()
    assert "quality" not in fired(config)
    wrong = traffic_log.feedback(finished, 400, seed=5, split="test")  # the labels of other examples
    traffic_log.write(config, [*wrong, {**wrong[0], "label": {"no": "value"}}], "2.jsonl")
    assert monitor.main(config) == monitor.EXIT_ALARM
    assert "quality" in fired(config)
    assert status(config)["quality"]["unusable"] == 1


def test_age_fires(service: MonitorConfig, finished: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    config = service(alarm_windows=1, max_age_days=30)
    described = monitor.registry.describe(config, 1) | {"exported_at": "2020-01-01T00:00:00+00:00"}
    traffic_log.write(config, traffic_log.lines(finished, 300))
    assert monitor.main(config) == 0
    monkeypatch.setattr(monitor.registry, "describe", lambda *_: described)
    assert monitor.main(config) == monitor.EXIT_ALARM
    assert fired(config) == ["age of the model"]


def test_too_little_traffic_cannot_be_judged(
    service: MonitorConfig, finished: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    config = service()
    assert monitor.main(config) == monitor.EXIT_UNKNOWN
    assert "make serve" in capsys.readouterr().out
    traffic_log.write(config, traffic_log.lines(finished, 99) + traffic_log.lines(finished, 500, first=99, version=2))
    assert monitor.main(config) == monitor.EXIT_UNKNOWN
    assert "99 examples; 100 are needed" in capsys.readouterr().out
    assert status(config)["status"] == "unknown"
    assert "too little traffic" in page(config)


def test_without_an_export_there_is_nothing_to_monitor(make_config: MonitorConfig) -> None:
    with pytest.raises(InputError, match="make export"):
        monitor.main(make_config())


def test_each_window_begins_after_the_last_one_that_was_judged(service: MonitorConfig, finished: Config) -> None:
    config = service(alarm_windows=1)
    drifted, healthy = traffic_log.lines(finished, 300), traffic_log.lines(finished, 300, 1, first=300)
    change: Any = synthetic.DRIFTS[0][0]
    for line in drifted:
        change(line["inputs"])
    traffic_log.write(config, drifted)
    assert monitor.main(config) == monitor.EXIT_ALARM
    traffic_log.write(config, healthy[:60], "2.jsonl")
    assert monitor.main(config) == monitor.EXIT_UNKNOWN
    traffic_log.write(config, healthy, "2.jsonl")
    assert monitor.main(config) == 0  # the drift is over, and the few rows of before count again
    assert status(config)["window"]["examples"] == 300
    assert [entry["state"] for entry in status(config)["history"]] == ["bad", "good"]
    late = [line | {"time": traffic_log.moment(700)} for line in traffic_log.feedback(finished, 100)]
    traffic_log.write(config, late, "3.jsonl")
    monitor.main(config)
    quality = status(config)["quality"]  # of labels that come after their requests were judged
    assert quality["examples"] + quality["unusable"] == 100


def test_a_new_version_begins_a_history_of_its_own(service: MonitorConfig, finished: Config) -> None:
    config = service()
    traffic_log.write(config, traffic_log.lines(finished, 300))
    monitor.main(config)
    path = config.paths.monitoring / "history.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    artifacts.write_json(path, [entry | {"version": 7, "state": "bad"} for entry in entries])
    monitor.main(config)
    assert [entry["version"] for entry in status(config)["history"]] == [1]


def test_a_damaged_history_is_refused(service: MonitorConfig) -> None:
    config = service()
    artifacts.write_text(config.paths.monitoring / "history.json", "[{}")
    with pytest.raises(InputError, match="delete it"):
        monitor.main(config)


def test_the_alarm_takes_the_latest_and_enough_of_the_last_windows(make_config: MonitorConfig) -> None:
    config = make_config(alarm_windows=2, history_windows=3)

    def judge(*states: Any) -> str:
        return rules.status_of(config, [{"state": state} for state in states], states[-1])

    assert judge("bad") == "healthy"
    assert judge("bad", "good") == "healthy"
    assert judge("bad", "bad", "good") == "healthy"
    assert judge("bad", "good", "good", "bad") == "healthy"
    assert judge("bad", "unknown", "bad") == "alarm"
    assert judge("bad", "bad", "unknown") == "unknown"


def test_history_is_bounded_and_a_window_without_traffic_does_not_hide_a_bad_one() -> None:
    entry = {"latest": "2026-01-01T00:00:00+00:00", "examples": 500, "rejected": 0, "state": "bad"}
    entries = [entry] * (rules.MAX_ENTRIES - 1)
    assert rules.extended(entries, entry | {"state": "unknown", "latest": None, "examples": 0}) == entries
    newer = entry | {"latest": "2026-01-01T00:01:00+00:00"}
    assert len(rules.extended([*entries, entry], newer)) == rules.MAX_ENTRIES
    assert rules.extended([entry], newer) == [entry, newer]
    assert rules.extended([entry], entry | {"state": "good"}) == [entry | {"state": "good"}]


def test_contradicting_settings_are_refused(make_config: MonitorConfig) -> None:
    with pytest.raises(ValueError, match="never be raised"):
        make_config(alarm_windows=4)
