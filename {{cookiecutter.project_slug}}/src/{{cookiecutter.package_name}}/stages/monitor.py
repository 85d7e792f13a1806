"""make monitor: judges the model in service by its request log.

The process ends with 0 if it is healthy, 3 on alarm, 2 if there is too little to tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from ..config import Config
from ..core import artifacts
from ..exporting import registry
from ..monitoring import observations, page, rules
from ..monitoring.drift import Drift
from ..monitoring.observations import Findings, Traffic, Window, examine
from ..monitoring.rules import Entry, Rule, State, Status

EXIT_UNKNOWN = 2
EXIT_ALARM = 3
EXITS: dict[Status, int] = {"healthy": 0, "unknown": EXIT_UNKNOWN, "alarm": EXIT_ALARM}


def main(config: Config) -> int:
    """From the request log to artifacts/monitoring."""
    version, now = registry.in_service(config), datetime.now(UTC)
    described = registry.describe(config, version)
    window = Window(version, begin(config, described, now), len(described["inputs"]))
    seen = observations.read(config.paths.requests, window)
    findings = examine(config, described, version, seen)
    judged = rules.judge(config, described, seen, findings, now)
    path = config.paths.monitoring / "history.json"
    entry = history_entry(version, seen, findings, judged, now)
    history = rules.extended(rules.load(path, version), entry)
    status = rules.status_of(config, history, entry["state"])
    content = {
        "status": status,
        "version": version,
        "window": {"from": window.start.isoformat(), "to": now.isoformat(), "examples": seen.num_rows},
        **status_content(seen, findings, judged, history, now),
    }
    page.write(config, content, described, seen, findings)
    artifacts.write_json(config.paths.monitoring / "status.json", content)
    artifacts.write_json(path, history)
    print(f"version {version}:", "\n".join(summary(config, status, judged, history)))
    return EXITS[status]


def begin(config: Config, described: Mapping[str, Any], now: datetime) -> datetime:
    """When the window begins."""
    if config.window_hours:
        return now - timedelta(hours=config.window_hours)
    return datetime.fromisoformat(described["exported_at"])


def history_entry(version: int, seen: Traffic, findings: Findings, judged: Sequence[Rule], now: datetime) -> Entry:
    """What the history keeps of this window: `latest` and the counts tell whether there is new traffic next time."""
    fired = [rule.name for rule in judged if rule.fired]
    state: State = "bad" if fired else "good" if findings.is_judged else "unknown"
    quality = findings.quality
    return {
        "version": version,
        "time": now.isoformat(timespec="seconds"),
        "latest": seen.latest.isoformat() if seen.latest else None,
        "examples": seen.num_rows,
        "refused": seen.num_refused,
        "state": state,
        "fired": fired,
        "feature_drift": max((each.excess for each in findings.features if each.judged), default=None),
        "prediction_drift": max((each.excess for each in findings.predictions), default=None),
        "score": quality["metrics"].get(quality["metric"]) if "metric" in quality else None,
    }


def status_content(
    seen: Traffic, findings: Findings, judged: Sequence[Rule], history: Sequence[Entry], now: datetime
) -> dict[str, Any]:
    """What status.json says beside the answer."""
    return {
        "rules": [rule._asdict() for rule in judged],
        "features": as_json(findings.features),
        "predictions": as_json(findings.predictions),
        "unwatched": findings.unwatched,
        "violations": [{"column": column, "description": text} for column, text in findings.violations],
        "quality": findings.quality,
        "traffic": traffic_summary(seen),
        "history": history,
        "time": now.isoformat(timespec="seconds"),
    }


def as_json(compared: Sequence[Drift]) -> list[dict[str, Any]]:
    """The compared columns, those with the largest excess first."""
    ordered = sorted(compared, key=lambda each: (-each.drifted, -each.missing_drifted, -each.excess))
    flags = ("drifted", "missing_drifted")
    return [asdict(each) | {flag: getattr(each, flag) for flag in flags} for each in ordered]


def traffic_summary(seen: Traffic) -> dict[str, Any]:
    """The counts of the window, and what of the log could not be read."""
    return {
        "requests": seen.num_requests,
        "refused": seen.num_refused,
        "latency_ms": {f"p{share}": seen.latency(share / 100) for share in (50, 95, 99)},
        "rows_by_version": dict(sorted(seen.rows_by_version.items())),
        "broken_lines": seen.broken.total(),
        "first_broken_lines": seen.first_broken,
    }


def summary(config: Config, status: Status, judged: Sequence[Rule], history: Sequence[Entry]) -> list[str]:
    """What is printed: the answer, the rules that fired, where to read on."""
    answers = {"healthy": "healthy", "alarm": "ALARM", "unknown": "cannot tell, there is too little traffic"}
    fired = [rule for rule in judged if rule.fired]
    bad, latest = rules.num_bad(config, history), min(len(history), config.history_windows)
    answer = "no alarm yet, but this window is bad" if fired and status == "healthy" else answers[status]
    lines = [f"{answer} ({bad} of the last {latest} windows bad, the alarm takes {config.alarm_windows})"]
    lines += [f"  {rule.name}: {rule.seen} {rule.action}" for rule in fired]
    if status == "unknown":
        lines += [f"  {rule.name}: {rule.seen}" for rule in judged if rule.fired is None]
        if not config.paths.requests.exists():
            lines.append(f"  {config.paths.requests} does not exist: `make serve` writes it when requests come")
    pages = (config.paths.monitoring / name for name in ("report.html", "status.json"))
    return [*lines, f"wrote {' and '.join(map(str, pages))}"]
